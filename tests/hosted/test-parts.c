/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts of snapshotd by themselves: names and budget of the store, messages
 * between the processes, and the rights left by the sandbox.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/format/snapshot.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/proto.h"
#include "snapshotd/common/sandbox.h"
#include "snapshotd/engine/store.h"
#include "snapshotd/engine/queue.h"

static char dir_path[64];
static int dir;

static int make_dir(void **state)
{
    strcpy(dir_path, "/tmp/xfs.XXXXXX");
    if ( !mkdtemp(dir_path) )
        return -1;
    dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
    char cmd[96];

    close(dir);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir_path);
    return system(cmd);
}

static struct store_id id_of(uint64_t wall_s, uint32_t gen, uint8_t cause)
{
    struct store_id id = { .wall_s = wall_s, .gen = gen, .cause = cause };

    if ( cause != XEN_FLIGHTREC_CAUSE_REQUEST )
        memset(id.uuid, 0x5a, sizeof(id.uuid));
    return id;
}

static void test_store_name_is_parsed_back(void **state)
{
    struct store_id id, back;
    char name[STORE_NAME];
    unsigned int cause;

    for ( cause = 1; cause < XEN_FLIGHTREC_CAUSES; cause++ )
    {
        id = id_of(1795297276 + cause, 4294967295U - cause, cause);
        id.again = cause == 3 ? 99 : 0;
        store_name(&id, name);
        assert_true(store_parse(name, "", &back));
        assert_memory_equal(&id, &back, sizeof(id));
        assert_false(store_parse(name, ".part", &back));
    }
    id = id_of(1795297276, 3, XEN_FLIGHTREC_CAUSE_REQUEST);
    store_name(&id, name);
    assert_string_equal(name, "20261121T214116Z-host-request-g3.xfr.lz4");
}

static void test_store_parse_refuses_other_names(void **state)
{
    static const char *const bad[] = {
        "", "x", ".", "..", "notes.part",
        "20261121T214116Z-host-request-g3.xfr.lz4x",
        "20261121T214116Z-host-request-g03.xfr.lz4",
        "20261121T214116Z-host-request-g3-0.xfr.lz4",
        "20261121T214116Z-host-request-g4294967296.xfr.lz4",
        "20261121T214116Z-host-request-g-3.xfr.lz4",
        "20261121T214116Z-host-reboot-g3.xfr.lz4",
        "20261321T214116Z-host-request-g3.xfr.lz4",
        "20261121T214116Z-../../etc-request-g3.xfr.lz4",
        "20261121T214116Z-5A5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a-crash-g3"
        ".xfr.lz4",
        "20261121T214116Z-5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a-crash-g3.xfr.lz4",
    };
    struct store_id id;
    char longest[300];
    size_t i;

    for ( i = 0; i < sizeof(bad) / sizeof(bad[0]); i++ )
        if ( store_parse(bad[i], "", &id) )
            fail_msg("taken: %s", bad[i]);
    memset(longest, '1', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_false(store_parse(longest, "", &id));
}

/* Numbers that the other process chose freely. */
static void test_store_name_of_any_numbers_fits(void **state)
{
    struct store_id id;
    char name[STORE_NAME];
    int i;

    srand(1);
    for ( i = 0; i < 10000; i++ )
    {
        size_t b;

        for ( b = 0; b < sizeof(id); b++ )
            ((uint8_t *)&id)[b] = i < 2 ? 255 * i : rand();
        store_name(&id, name);
        assert_true(strlen(name) < STORE_NAME);
        assert_null(strchr(name, '/'));
        assert_true(name[0] != '.');
    }
}

static void put_file(struct store_id id, size_t bytes)
{
    char name[STORE_NAME];
    int fd;

    store_name(&id, name);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, bytes), 0);
    close(fd);
}

static bool is_there(struct store_id id)
{
    char name[STORE_NAME];

    store_name(&id, name);
    return !faccessat(dir, name, F_OK, 0);
}

/* A file of another domain than id_of()'s. */
static struct store_id other_domain(struct store_id id, uint8_t byte)
{
    memset(id.uuid, byte, sizeof(id.uuid));
    return id;
}

static const struct store_id new_crash = {
    .wall_s = 9000, .gen = 90, .cause = XEN_FLIGHTREC_CAUSE_CRASH,
    .uuid = { 0x77 },
};
static const struct store_id new_request = {
    .wall_s = 9000, .gen = 91, .cause = XEN_FLIGHTREC_CAUSE_REQUEST,
};

static int room(const struct store_budget *budget, const struct store_id *id,
                uint64_t bytes)
{
    struct store_usage usage = { 0 };
    struct store_room r = { .dir = dir, .budget = budget, .id = id,
                            .usage = &usage };

    return store_room(&r, bytes);
}

static void pin(struct store_id id)
{
    char name[STORE_NAME];

    store_name(&id, name);
    assert_int_equal(fchmodat(dir, name, 0400, 0), 0);
}

/* The order in which files go, one at a time, until none may. */
static void test_store_room_order(void **state)
{
    const struct store_id a1 = id_of(200, 2, XEN_FLIGHTREC_CAUSE_CRASH);
    const struct store_id a2 = id_of(500, 3, XEN_FLIGHTREC_CAUSE_CRASH);
    const struct store_id a3 = id_of(600, 4, XEN_FLIGHTREC_CAUSE_CRASH);
    const struct store_id t1 = id_of(610, 5, XEN_FLIGHTREC_CAUSE_TRIPLE);
    const struct store_id b1 = other_domain(id_of(100, 6, 2), 1);
    const struct store_id b2 = other_domain(id_of(110, 7, 2), 1);
    const struct store_id pinned = other_domain(id_of(50, 8, 2), 2);
    const struct store_id request = id_of(10, 1, XEN_FLIGHTREC_CAUSE_REQUEST);
    const struct store_id kept = id_of(700, 9, XEN_FLIGHTREC_CAUSE_CRASH);
    /* The domain with most files first; its first of each kind last. */
    const struct store_id order[] = { a2, a3, b2, b1, a1, t1 };
    struct store_budget budget = { .max_bytes = 1 << 20 };
    char name[STORE_NAME + 16];
    unsigned int i, k;
    int fd;

    for ( i = 0; i < 6; i++ )
        put_file(order[i], 10);
    put_file(pinned, 10);
    pin(pinned);
    put_file(request, 10);
    store_entry_name(&kept, STORE_PARTIAL, name);
    fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    budget.max_files = 10;
    assert_int_equal(room(&budget, &new_crash, 10), 0);
    assert_int_equal(faccessat(dir, name, F_OK, 0), 0);
    budget.max_files = 9;
    assert_int_equal(room(&budget, &new_crash, 10), 0);
    assert_int_equal(faccessat(dir, name, F_OK, 0), -1);
    for ( i = 0; i < 6; i++ )
    {
        budget.max_files = 8 - i;
        assert_int_equal(room(&budget, &new_crash, 10), 0);
        for ( k = 0; k < 6; k++ )
            if ( is_there(order[k]) != (k > i) )
                fail_msg("after %u: file %u", i, k);
    }
    budget.max_files = 2;
    assert_int_equal(room(&budget, &new_crash, 10), -EDQUOT);
    assert_true(is_there(pinned) && is_there(request));
}

/* Room is requested for each write; the budget is never exceeded on disk. */
static void test_store_room_bounds_bytes_as_it_grows(void **state)
{
    const struct store_budget budget = { .max_files = 100,
                                         .max_bytes = 1000 };
    struct store_usage usage = { 0 };
    struct store_room r = { .dir = dir, .budget = &budget, .id = &new_crash,
                            .usage = &usage };
    unsigned int i, left = 0;

    for ( i = 0; i < 9; i++ )
        put_file(id_of(100 + i, i + 1, XEN_FLIGHTREC_CAUSE_CRASH), 100);
    for ( i = 0; i < 10; i++ )
    {
        assert_int_equal(store_room(&r, 90), 0);
        left = 0;
        for ( unsigned int k = 0; k < 9; k++ )
            left += is_there(id_of(100 + k, k + 1, 2));
        assert_true(left * 100 + r.written <= budget.max_bytes);
        /* No more went than had to. */
        assert_true(left == 9 || (left + 1) * 100 + r.written > 1000);
    }
    assert_int_equal(usage.evicted, 9 - left);
    assert_int_equal(store_room(&r, 101), -EDQUOT);
}

/* An operator's own keep no crash out, and push out no more than half. */
static void test_store_room_operators_share(void **state)
{
    const struct store_budget budget = { .max_files = 6,
                                         .max_bytes = 1 << 20 };
    unsigned int i;

    for ( i = 0; i < 3; i++ )
    {
        assert_int_equal(room(&budget, &new_request, 10), 0);
        put_file(id_of(100 + i, i + 1, XEN_FLIGHTREC_CAUSE_REQUEST), 10);
    }
    assert_int_equal(room(&budget, &new_request, 10), -EDQUOT);
    for ( i = 0; i < 9; i++ )
    {
        struct store_id id = other_domain(id_of(200 + i, 10 + i, 2), i);

        assert_int_equal(room(&budget, &id, 10), 0);
        put_file(id, 10);
    }
    for ( i = 0; i < 3; i++ )
        assert_true(is_there(id_of(100 + i, i + 1, 1)));
}

static void test_store_room_leaves_the_floor_free(void **state)
{
    const struct store_id old = id_of(100, 1, XEN_FLIGHTREC_CAUSE_CRASH);
    struct store_budget budget = { .min_free = 1ULL << 60 };

    put_file(old, 10);
    /* Removing all would not help: nothing is removed. */
    assert_int_equal(room(&budget, &new_crash, 10), -ENOSPC);
    assert_true(is_there(old));
    budget.min_free = 0;
    assert_int_equal(room(&budget, &new_crash, 10), 0);
}

static void test_store_expire_by_age(void **state)
{
    const struct store_budget budget = { .max_age_s = 100 };
    const struct store_id request = id_of(500, 1, XEN_FLIGHTREC_CAUSE_REQUEST);
    const struct store_id crash = id_of(550, 2, XEN_FLIGHTREC_CAUSE_CRASH);
    const struct store_id pinned = id_of(400, 3, XEN_FLIGHTREC_CAUSE_CRASH);
    struct store_usage usage = { 0 };
    uint64_t next;

    put_file(request, 10);
    put_file(crash, 10);
    put_file(pinned, 10);
    pin(pinned);
    assert_int_equal(store_expire(dir, &budget, 599, NULL, &usage, &next), 0);
    assert_int_equal(next, 1);
    assert_int_equal(usage.expired, 0);
    assert_int_equal(store_expire(dir, &budget, 600, NULL, &usage, &next), 0);
    assert_int_equal(next, 50);
    assert_int_equal(usage.expired, 1);
    assert_false(is_there(request));
    /* A clock that was set back: nothing from the future is too old. */
    assert_int_equal(store_expire(dir, &budget, 3, NULL, &usage, &next), 0);
    assert_int_equal(store_expire(dir, &budget, 9999, NULL, &usage, &next), 0);
    assert_int_equal(next, 0);
    assert_true(is_there(pinned) && !is_there(crash));
    assert_int_equal(usage.files, 1);
    assert_int_equal(usage.pinned, 1);
}

static void test_store_commit_replaces_nothing(void **state)
{
    struct store_id a = id_of(500, 5, XEN_FLIGHTREC_CAUSE_CRASH), b = a;
    char name[STORE_NAME];
    struct stat st;
    int fa, fb;

    assert_int_equal(store_begin(dir, &a, &fa), 0);
    assert_int_equal(store_begin(dir, &b, &fb), 0);
    assert_int_not_equal(a.again, b.again);
    assert_int_equal(store_commit(dir, &a, fa), 0);
    b.again = a.again;
    assert_int_equal(store_commit(dir, &b, fb), -ENOENT);
    store_name(&a, name);
    assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    close(fa);
    close(fb);
}

/* A whole file of this trigger. */
static void put_snapshot(struct store_id id, uint64_t tsc, uint64_t ns)
{
    struct snapshot_totals totals;
    struct snapshot_writer *w;
    char meta[128];
    int n, fd;

    n = snprintf(meta, sizeof(meta), "{\"trigger\":{\"gen\":%u,\"tsc\":%" PRIu64
                 ",\"ns\":%" PRIu64 "}}", id.gen, tsc, ns);
    assert_int_equal(store_begin(dir, &id, &fd), 0);
    assert_int_equal(snapshot_create(fd, 1, &w), 0);
    assert_int_equal(snapshot_put_meta(w, meta, n), 0);
    assert_int_equal(snapshot_finish(w, &totals), 0);
    assert_int_equal(store_commit(dir, &id, fd), 0);
    close(fd);
}

/* Of several boots and hosts, with one name: each is found by its identity. */
static void test_store_find_by_trigger_not_by_name(void **state)
{
    const struct store_id a = id_of(500, 5, XEN_FLIGHTREC_CAUSE_CRASH);
    struct store_moment when = { .tsc = 1, .ns = 10 };
    struct store_id found;
    unsigned int i;

    put_file(a, 8); /* is no snapshot */
    for ( i = 1; i <= 3; i++ )
        put_snapshot(a, i, 10);
    for ( i = 1; i <= 3; i++ )
    {
        when.tsc = i;
        assert_true(store_find(dir, 5, &when, &found));
        assert_int_equal(found.again, i);
        assert_int_equal(found.wall_s, 500);
    }
    assert_false(store_find(dir, 6, &when, &found));
    when.ns = 11;
    assert_false(store_find(dir, 5, &when, &found));
    /* Clocks that could not be read are no identity. */
    put_snapshot(a, 0, 0);
    when = (struct store_moment){ 0 };
    assert_false(store_find(dir, 5, &when, &found));
}

static void test_proto_takes_whole_messages_only(void **state)
{
    struct msg m = { .type = MSG_WAKE }, got;
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fd), 0);
    assert_int_equal(proto_receive(fd[1], &got, MSG_DONTWAIT), -EAGAIN);
    assert_int_equal(proto_send(fd[0], &m, 0), 0);
    assert_int_equal(proto_receive(fd[1], &got, 0), 0);
    assert_int_equal(got.type, MSG_WAKE);
    assert_int_equal(send(fd[0], &m, sizeof(m) - 1, 0), sizeof(m) - 1);
    assert_int_equal(proto_receive(fd[1], &got, 0), -EPROTO);
    {
        char more[sizeof(m) + 1];

        memcpy(more, &m, sizeof(m));
        assert_int_equal(send(fd[0], more, sizeof(more), 0), sizeof(more));
        assert_int_equal(proto_receive(fd[1], &got, 0), -EPROTO);
    }
    m.magic ^= 1;
    assert_int_equal(send(fd[0], &m, sizeof(m), 0), sizeof(m));
    assert_int_equal(proto_receive(fd[1], &got, 0), -EPROTO);
    m.type = MSG_LAST + 1;
    assert_int_equal(proto_send(fd[0], &m, 0), 0);
    assert_int_equal(proto_receive(fd[1], &got, 0), -EPROTO);
    close(fd[0]);
    assert_int_equal(proto_receive(fd[1], &got, 0), -EPIPE);
    close(fd[1]);
}

static void test_log_escape_leaves_nothing_raw(void **state)
{
    struct log_text t;
    char all[256], many[LOG_TEXT + 1];
    const char *s;
    int i;

    for ( i = 0; i < 256; i += LOG_TEXT )
    {
        int j;

        for ( j = 0; j < LOG_TEXT; j++ )
            all[j] = i + j;
        for ( s = log_escape(&t, all, LOG_TEXT); *s; s++ )
            assert_true(*s >= ' ' && *s < 0x7f && *s != '"');
    }
    memset(many, 0xff, sizeof(many));
    s = log_escape(&t, many, sizeof(many));
    assert_int_equal(strlen(s), 4 * LOG_TEXT + 3);
    assert_string_equal(s + strlen(s) - 7, "\\xff...");
}

/* As journald reads it: lines of NAME=value, and no more than were meant. */
static void test_log_journal_gets_fields(void **state)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    char got[4096];
    ssize_t n;

    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/journal", dir_path);
    assert_false(log_open_journal("test", sun.sun_path));
    assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
    assert_true(log_open_journal("test", sun.sun_path));
    log_fields(LOG_WARNING, "XENFLIGHT_CAUSE=crash\n", "no %s\nPRIORITY=0",
               "snapshot");
    n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    got[n] = '\0';
    assert_string_equal(got, "PRIORITY=4\nSYSLOG_FACILITY=3\n"
                             "SYSLOG_IDENTIFIER=test\nXENFLIGHT_CAUSE=crash\n"
                             "MESSAGE=no snapshot PRIORITY=0\n");
    log_info("plain");
    n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
    got[n > 0 ? n : 0] = '\0';
    assert_non_null(strstr(got, "\nMESSAGE=plain\n"));
    assert_null(strstr(got, "XENFLIGHT"));
    close(fd);
}

static struct request from(enum request_source source, uint64_t number)
{
    return (struct request){ .source = source, .number = number, .client = -1 };
}

static void test_queue_is_bounded(void **state)
{
    static struct queue t;
    struct request signal = from(FROM_SIGNAL, 1);
    struct request other = from(FROM_XENSTORE, 3);
    uint64_t number[REQUEST_SOURCES];
    struct request *q;
    int i, n = 0;

    memset(&t, 0, sizeof(t));
    q = queue_add(&t, &signal, 0);
    signal.number = 2;
    assert_ptr_equal(queue_add(&t, &signal, 0), q);
    assert_int_equal(q->number, 2);
    for ( i = 0; i < 2 * QUEUE_REQUESTS; i++ )
        n += !!queue_add(&t, &other, 0);
    assert_int_equal(queue_due(&t, 0), UINT64_MAX);
    assert_int_equal(n, QUEUE_REQUESTS - 1);
    assert_non_null(queue_next(&t, NULL, REQUEST_WAITING, 0));
    queue_numbers(&t, number);
    assert_int_equal(number[FROM_SIGNAL], 2);
    assert_int_equal(number[FROM_XENSTORE], 3);
    assert_int_equal(number[FROM_GUEST], 0);
    queue_freeze(&t, 7);
    assert_null(queue_next(&t, NULL, REQUEST_WAITING, 0));
    assert_null(queue_overtaken(&t, 6));
    assert_non_null(queue_overtaken(&t, 7));
    assert_int_equal(request_step(q, REQUEST_ANSWER), 0);
    assert_int_equal(request_step(q, REQUEST_CONFIRM), 0);
    assert_non_null(queue_add(&t, &signal, 500));
    assert_int_equal(queue_due(&t, 499), 500);
    assert_null(queue_next(&t, NULL, REQUEST_WAITING, 0));
    assert_int_equal(queue_due(&t, 500), UINT64_MAX);
    assert_non_null(queue_next(&t, NULL, REQUEST_WAITING, 0));
}

/* So that a freeze covers all numbers of a source up to one. */
static void test_queue_due_in_order(void **state)
{
    static struct queue t;
    struct request a = from(FROM_XENSTORE, 1), b = from(FROM_XENSTORE, 2);
    struct request guest = from(FROM_GUEST, 3);

    memset(&t, 0, sizeof(t));
    assert_int_equal(queue_add(&t, &a, 900)->due_ns, 900);
    assert_int_equal(queue_add(&t, &b, 100)->due_ns, 900);
    assert_int_equal(queue_add(&t, &guest, 100)->due_ns, 100);
}

/* In each state, and once. */
static void test_queue_adopts_by_number(void **state)
{
    static const struct {
        enum request_event event[5];
        unsigned int nr;
        bool is_adopted;
    } cases[] = {
        { { 0 }, 0, true },
        { { REQUEST_DUE }, 1, true },
        { { REQUEST_DUE, REQUEST_FREEZE }, 2, true },
        { { REQUEST_DUE, REQUEST_FREEZE, REQUEST_ANSWER }, 3, true },
        { { REQUEST_ANSWER, REQUEST_PASS }, 2, true },
        { { REQUEST_ANSWER, REQUEST_PASS, REQUEST_LOST }, 3, true },
        { { REQUEST_ANSWER, REQUEST_PASS, REQUEST_CONFIRM }, 3, false },
        { { REQUEST_ANSWER, REQUEST_PASS, REQUEST_DROP }, 3, false },
    };
    static struct queue t;
    struct request first = from(FROM_XENSTORE, 5), other = first, *q;
    unsigned int i, k;

    other.number = 6;
    first.link = other.link = 1;
    for ( i = 0; i < sizeof(cases) / sizeof(cases[0]); i++ )
    {
        struct request in = first, guest = first;

        memset(&t, 0, sizeof(t));
        assert_non_null(queue_add(&t, &other, 0));
        q = queue_add(&t, &first, 0);
        for ( k = 0; k < cases[i].nr; k++ )
            assert_int_equal(request_step(q, cases[i].event[k]), 0);
        in.link = guest.link = 2;
        guest.source = FROM_GUEST;
        assert_null(queue_adopt(&t, &guest));
        assert_ptr_equal(queue_adopt(&t, &in), cases[i].is_adopted ? q : NULL);
        assert_null(queue_adopt(&t, &in));
        assert_int_equal(q->state == REQUEST_FREE, !cases[i].is_adopted);
        /* Its answer must be sent again. */
        assert_int_not_equal(q->state, REQUEST_PASSED);
    }
}

/*
 * Each state and event, and the state that must follow: "-" where it is impossible.  The
 * order of the columns is that of enum request_event.
 */
static void test_request_transitions(void **state)
{
    /* F free, O open, S sent, D delayed, W waiting, Z frozen, A, P. */
    static const char letters[] = "FOSDWZAP";
    static const char *const rows[REQUEST_STATES] = {
        /*                   A S W T R D F A P C A D L
         *                   s e r a e u r n a o d r o
         *                   k n i k s e e s s n o o s
         *                     d t e u   e w s f p p t */
        [REQUEST_FREE]     = "O--D-------FF",
        [REQUEST_OPEN]     = "OS---------FO",
        [REQUEST_SENT]     = "O-F--------FO",
        [REQUEST_DELAYED]  = "----ZW-A--D-D",
        [REQUEST_WAITING]  = "------ZA--W-W",
        [REQUEST_FROZEN]   = "-------A--Z-Z",
        [REQUEST_ANSWERED] = "--------PFAFA",
        [REQUEST_PASSED]   = "---------FAFP",
    };
    unsigned int s, e, possible = 0;
    struct request q;
    int rc;

    assert_int_equal(strlen(letters), REQUEST_STATES);
    for ( s = 0; s < REQUEST_STATES; s++ )
    {
        assert_int_equal(strlen(rows[s]), REQUEST_EVENTS);
        for ( e = 0; e < REQUEST_EVENTS; e++ )
        {
            q = (struct request){ .state = s };
            rc = request_step(&q, e);
            if ( rows[s][e] == '-' )
            {
                assert_int_equal(rc, -EPROTO);
                assert_int_equal(q.state, s);
                assert_int_equal(request_next_state(s, e), -EPROTO);
                continue;
            }
            possible++;
            assert_int_equal(rc, 0);
            assert_int_equal(letters[q.state], rows[s][e]);
            assert_int_equal(request_next_state(s, e), q.state);
        }
    }
    assert_int_equal(possible, 33);
    /* No state, no event. */
    q.state = REQUEST_STATES;
    assert_int_equal(request_step(&q, REQUEST_LOST), -EPROTO);
    assert_int_equal(request_next_state(0, REQUEST_EVENTS), -EPROTO);
}

/* From wherever it is, a request can come to its end. */
static void test_request_always_ends(void **state)
{
    bool ends[REQUEST_STATES] = { [REQUEST_FREE] = true }, more = true;
    unsigned int s, e;
    int next;

    while ( more )
    {
        more = false;
        for ( s = 0; s < REQUEST_STATES; s++ )
            for ( e = 0; e < REQUEST_EVENTS; e++ )
            {
                next = request_next_state(s, e);
                if ( ends[s] || next < 0 || !ends[next] )
                    continue;
                ends[s] = more = true;
            }
    }
    for ( s = 0; s < REQUEST_STATES; s++ )
        assert_true(ends[s]);
}

static void test_domains_forget_only_gone_ones(void **state)
{
    struct domains t = { 0 };
    uint8_t handle[16] = { 0 };
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < 500; i++ )
    {
        memcpy(handle, &i, sizeof(i));
        d = domains_get(&t, 5, handle);
        assert_non_null(d);
        d->d.gone = i % 5 != 0;
        domains_changed(&t, d);
    }
    assert_int_equal(t.nr, 100 + DOMAINS_GONE);
    d = domains_find(&t, 5, NULL);
    assert_non_null(d);
    assert_memory_equal(d->d.handle, handle, sizeof(handle));
    for ( i = 0; i < 500; i += 5 )
    {
        memcpy(handle, &i, sizeof(i));
        assert_non_null(domains_find(&t, 5, handle));
    }
    /* In order of creation: the document has them so. */
    for ( i = 1; i < t.nr; i++ )
    {
        uint32_t before, after;

        memcpy(&before, t.entry[i - 1].d.handle, sizeof(before));
        memcpy(&after, t.entry[i].d.handle, sizeof(after));
        assert_true(before < after);
    }
    domains_free(&t);
}

static enum sandbox_kind kind;

/* In a process of its own, in the sandbox: its exit code, or -signal. */
static int in_sandbox(int (*fn)(void))
{
    int status;
    pid_t pid = fork();

    if ( !pid )
    {
        if ( sandbox_enter(kind, dir, 65534, 65534, NULL, NULL) )
            _exit(100);
        _exit(fn());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int try_file(void)
{
    int fd = openat(dir, "mine", O_WRONLY | O_CREAT | O_EXCL, 0600);

    return fd >= 0 && write(fd, "x", 1) == 1 && !fsync(fd) && !close(fd) &&
                   !unlinkat(dir, "mine", 0)
               ? 0
               : 1;
}

static int try_outside(void)
{
    return openat(AT_FDCWD, "/etc/passwd", O_RDONLY) < 0 &&
                   openat(dir, "../../etc/passwd", O_RDONLY) < 0 &&
                   openat(dir, "/proc/self/mem", O_RDONLY) < 0
               ? 0
               : 1;
}

static int try_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}

static int try_execute(void)
{
    char *const argv[] = { "x", NULL };

    return execve("/bin/sh", argv, argv);
}

static int try_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int try_root(void)
{
    return setuid(0);
}

static int try_fork(void)
{
    return fork() < 0;
}

static void test_sandbox_leaves_files_of_its_directory_only(void **state)
{
    if ( geteuid() )
        skip();
    assert_int_equal(fchown(dir, 65534, 65534), 0);
    assert_int_equal(in_sandbox(try_file), 0);
    assert_int_equal(in_sandbox(try_outside), 0);
    assert_int_equal(in_sandbox(try_socket), -SIGSYS);
    assert_int_equal(in_sandbox(try_execute), -SIGSYS);
    assert_int_equal(in_sandbox(try_code), -SIGSYS);
    assert_int_equal(in_sandbox(try_root), -SIGSYS);
    assert_int_equal(in_sandbox(try_fork), -SIGSYS);
}

static int try_no_file(void)
{
    return openat(dir, "mine", O_RDONLY) < 0;
}

static void test_sandbox_leaves_xenstore_process_no_names(void **state)
{
    if ( geteuid() )
        skip();
    kind = SANDBOX_XENSTORE;
    assert_int_equal(fchown(dir, 65534, 65534), 0);
#ifndef __SANITIZE_ADDRESS__ /* which opens files itself */
    assert_int_equal(in_sandbox(try_no_file), -SIGSYS);
#endif
    assert_int_equal(in_sandbox(try_socket), -SIGSYS);
    assert_int_equal(in_sandbox(try_execute), -SIGSYS);
    assert_int_equal(in_sandbox(try_code), -SIGSYS);
    assert_int_equal(in_sandbox(try_root), -SIGSYS);
    assert_int_equal(in_sandbox(try_fork), -SIGSYS);
    kind = SANDBOX_ENGINE;
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
/* The calls that may be made at all, with whatever arguments: both, engine. */
static const int may[] = {
    SYS_brk, SYS_munmap, SYS_mremap,
    SYS_clock_gettime, SYS_gettimeofday, SYS_nanosleep, SYS_clock_nanosleep,
    SYS_getpid, SYS_gettid, SYS_getrandom, SYS_read, SYS_write, SYS_writev,
    SYS_close, SYS_fstat, SYS_newfstatat, SYS_poll, SYS_ppoll, SYS_recvfrom, SYS_recvmsg, SYS_rt_sigreturn,
    SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_restart_syscall, SYS_exit,
    SYS_exit_group,
};
static const int engine_may[] = {
    SYS_sysinfo, SYS_pread64, SYS_readv, SYS_pwrite64, SYS_lseek, SYS_fstatfs,
    SYS_statx, SYS_openat, SYS_faccessat, SYS_faccessat2,
    SYS_getdents64, SYS_renameat, SYS_ftruncate,
    SYS_fsync, SYS_fdatasync, SYS_fadvise64, SYS_accept4,
};

#define LAST_SYSCALL 511
/* For uprobes' trampolines: newer kernels exempt them from every filter. */
#define UPROBE_FIRST 335
#define UPROBE_LAST  336

static long number;        /* that try_number() calls */

/* All arguments are -1: as hostile, and as harmless, as any. */
static int try_number(void)
{
    syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
    return 0;
}

static int try_setown(void)
{
    return fcntl(STDIN_FILENO, F_SETOWN, (int)number);
}

static bool is_in(const int *list, size_t n, long nr)
{
    size_t i;

    for ( i = 0; i < n; i++ )
        if ( list[i] == nr )
            return true;
    return false;
}

static bool may_call(long nr)
{
    return is_in(may, sizeof(may) / sizeof(may[0]), nr) ||
           (kind == SANDBOX_ENGINE &&
            is_in(engine_may, sizeof(engine_may) / sizeof(engine_may[0]), nr));
}

/* Each one that is not listed, those of x32 too, ends the process. */
static void system_calls_one_by_one(enum sandbox_kind which)
{
    static const long x32 = 0x40000000;
    int rc;

    if ( geteuid() )
        skip();
    kind = which;
    assert_int_equal(fchown(dir, 65534, 65534), 0);
    for ( number = 0; number <= LAST_SYSCALL; number++ )
    {
        if ( number >= UPROBE_FIRST && number <= UPROBE_LAST )
            continue;
        rc = in_sandbox(try_number);
        if ( (rc == -SIGSYS) == may_call(number) )
            fail_msg("system call %ld: ended with %d", number, rc);
    }
    number = x32 | SYS_read;
    assert_int_equal(in_sandbox(try_number), -SIGSYS);
    number = -1;
    assert_int_equal(in_sandbox(try_number), -SIGSYS);
}

/* Calls with a command, and which commands are harmless. */
struct command {
    long number;
    int at;                /* the argument that is the command */
    long last;             /* all from 0 to this are tried, and -1 */
    long may[8];           /* these, up to the first -1 */
    bool engine;           /* no other process may at all */
};

static const struct command commands[] = {
    { SYS_fcntl, 1, 1100, { F_GETFD, F_SETFD, F_GETFL, -1 }, true },
    { SYS_futex, 1, 520, { 0, 1, 9, 128, 129, 137, 265, -1 }, false },
    { SYS_madvise, 2, 110, { MADV_DONTNEED, MADV_FREE, -1 }, false },
    { SYS_renameat2, 4, 16, { RENAME_NOREPLACE, -1 }, true },
    { SYS_unlinkat, 2, 0x300, { 0, -1 }, true },
    { SYS_sendto, 4, 4096, { 0, -1 }, false }, /* its address */
    { SYS_setpriority, 0, 4, { -1 }, false },
};

static const struct command *command;
static long command_value;

/* The other arguments are -1, which no call takes. */
static int try_command(void)
{
    long a[6] = { -1, -1, -1, -1, -1, -1 };

    a[command->at] = command_value;
    syscall(command->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return 0;
}

static bool may_command(const struct command *c, long value)
{
    unsigned int i;

    for ( i = 0; i < 8 && c->may[i] >= 0; i++ )
        if ( c->may[i] == value )
            return true;
    /* FUTEX_CLOCK_REALTIME and FUTEX_PRIVATE_FLAG with any of the three. */
    return c->number == SYS_futex && value >= 0 &&
           ((value & ~0x180) < 2 || (value & ~0x180) == 9);
}

static void commands_one_by_one(enum sandbox_kind which)
{
    const size_t nr = sizeof(commands) / sizeof(commands[0]);
    const struct command *c;
    int rc;

    if ( geteuid() )
        skip();
    kind = which;
    assert_int_equal(fchown(dir, 65534, 65534), 0);
    for ( c = command = commands; c < commands + nr; c = ++command )
        for ( command_value = -1; command_value <= c->last; )
        {
            rc = in_sandbox(try_command);
            if ( (rc == -SIGSYS) == (may_command(c, command_value) &&
                                     (!c->engine || kind == SANDBOX_ENGINE)) )
                fail_msg("call %ld, command %ld: ended with %d", c->number,
                         command_value, rc);
            command_value += c->last > 1024 && command_value > 64 ? 61 : 1;
        }
    kind = SANDBOX_ENGINE;
}

static void test_sandbox_commands_of_engine(void **state)
{
    commands_one_by_one(SANDBOX_ENGINE);
}

static void test_sandbox_commands_of_xenstore_process(void **state)
{
    commands_one_by_one(SANDBOX_XENSTORE);
}

/* A signal by way of a socket: to a hook, which has the same user. */
static void test_sandbox_sends_no_signal_by_fcntl(void **state)
{
    pid_t hook;
    int status;

    if ( geteuid() )
        skip();
    kind = SANDBOX_ENGINE;
    assert_int_equal(fchown(dir, 65534, 65534), 0);
    hook = fork();
    if ( !hook )
    {
        if ( setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
             setresuid(65534, 65534, 65534) )
            _exit(1);
        pause();
        _exit(0);
    }
    number = hook;
    assert_int_equal(in_sandbox(try_setown), -SIGSYS);
    assert_int_equal(waitpid(hook, &status, WNOHANG), 0);
    kill(hook, SIGKILL);
    waitpid(hook, &status, 0);
}

static void test_sandbox_system_calls_of_engine(void **state)
{
    system_calls_one_by_one(SANDBOX_ENGINE);
}

static void test_sandbox_system_calls_of_xenstore_process(void **state)
{
    system_calls_one_by_one(SANDBOX_XENSTORE);
    kind = SANDBOX_ENGINE;
}
#endif

int main(void)
{
#define IN_DIR(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_name_is_parsed_back),
        cmocka_unit_test(test_store_parse_refuses_other_names),
        cmocka_unit_test(test_store_name_of_any_numbers_fits),
        IN_DIR(test_store_room_order),
        IN_DIR(test_store_room_bounds_bytes_as_it_grows),
        IN_DIR(test_store_room_operators_share),
        IN_DIR(test_store_room_leaves_the_floor_free),
        IN_DIR(test_store_expire_by_age),
        IN_DIR(test_store_commit_replaces_nothing),
        IN_DIR(test_store_find_by_trigger_not_by_name),
        cmocka_unit_test(test_proto_takes_whole_messages_only),
        cmocka_unit_test(test_log_escape_leaves_nothing_raw),
        IN_DIR(test_log_journal_gets_fields),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_queue_due_in_order),
        cmocka_unit_test(test_queue_adopts_by_number),
        cmocka_unit_test(test_request_transitions),
        cmocka_unit_test(test_request_always_ends),
        cmocka_unit_test(test_domains_forget_only_gone_ones),
        IN_DIR(test_sandbox_leaves_files_of_its_directory_only),
        IN_DIR(test_sandbox_leaves_xenstore_process_no_names),
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
        IN_DIR(test_sandbox_commands_of_engine),
        IN_DIR(test_sandbox_commands_of_xenstore_process),
        IN_DIR(test_sandbox_sends_no_signal_by_fcntl),
        IN_DIR(test_sandbox_system_calls_of_engine),
        IN_DIR(test_sandbox_system_calls_of_xenstore_process),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
