/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-daemon.c: the production daemon on hosted rings and the real xenstored.
 *
 *   test-daemon BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "lib/format/event.h"
#include "lib/format/packet.h"
#include "lib/format/snapshot.h"

#define HANDLE "00112233445566778899aabbccddeeff"
#define UUID   "00112233-4455-6677-8899-aabbccddeeff"

/* emitted - late = held + held_earlier + sacrificed + overwritten + lost. */
static void check_audit(const json_t *s)
{
    const json_t *lost = json_object_get(s, "lost"), *v;
    int64_t sum = num_of(s, "held") + num_of(s, "held_earlier") +
                  num_of(s, "sacrificed") + num_of(s, "overwritten");
    const char *k;

    json_object_foreach((json_t *)lost, k, v)
        sum += json_integer_value(v);
    equal(num_of(s, "emitted") - num_of(s, "late"), sum);
    check(json_is_true(json_object_get(s, "balanced")));
    check(json_is_true(json_object_get(s, "quiescent")));
}

/* Records of a stream as the file has them. */
static int64_t count_records(const struct snapshot *s, unsigned int cpu,
                             unsigned int channel)
{
    const struct snapshot_frame *f;
    int64_t n = 0;
    uint32_t i;

    for ( i = 0; i < snapshot_frames(s); i++ )
    {
        f = snapshot_frame(s, i);
        if ( f->kind == SNAPSHOT_DATA && f->cpu == cpu &&
             f->channel == channel )
            n += f->records;
    }
    return n;
}

/* All streams are there and balance, and the file matches them. */
static void check_streams(const char *path, const json_t *meta,
                          unsigned int cpus)
{
    const json_t *streams = json_object_get(meta, "streams"), *st;
    struct snapshot *s;
    int64_t emitted = 0;
    size_t i;

    equal(json_array_size(streams), cpus * 2);
    same(text_of(meta, "history"), "complete");
    if ( !check(!snapshot_open(path, &s, NULL)) )
        return;
    json_array_foreach((json_t *)streams, i, st)
    {
        unsigned int ch = strcmp(text_of(st, "channel"), "rare")
                              ? XEN_FLIGHTREC_CH_BUSY
                              : XEN_FLIGHTREC_CH_RARE;

        check_audit(st);
        equal(count_records(s, num_of(st, "cpu"), ch), num_of(st, "held"));
        emitted += num_of(st, "emitted");
    }
    check(emitted > 0);
    snapshot_close(s);
}

static void check_lz4(const char *path)
{
    const char *argv[] = { "/usr/bin/lz4", "-t", "-q", path, NULL };
    char *out;

    if ( access(argv[0], X_OK) )
        return;
    equal(run(&out, argv), 0);
    free(out);
}

/* A finished file that is right in all that is the same for each. */
static json_t *check_file(char *path, const char *cause)
{
    struct stat st;
    json_t *meta;

    if ( !check(path != NULL) )
        return NULL;
    meta = file_meta(path);
    if ( !check(meta != NULL) )
        return NULL;
    check_streams(path, meta, 2);
    check_lz4(path);
    check(!stat(path, &st) && (st.st_mode & 07777) == 0600 &&
          st.st_uid == 65534);
    same(text_of(json_object_get(meta, "trigger"), "cause"), cause);
    return meta;
}

/*
 * Plain messages and exit codes.
 */

/* The daemon ends by itself, with this code and this message. */
static void check_refusal(struct world *w, int code, const char *text)
{
    equal(daemon_wait(w), code);
    check_at(__LINE__, logged(w, text), "output: %s", w->text);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    fputs(text, f);
    fclose(f);
}

static void case_bad_configuration(struct world *w)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "[store]\nmax_files = 3\nspeed = 7\n", ":3: unknown key \"speed\"" },
        { "[stores]\nmax_files = 3\n", ":2: unknown key \"max_files\"" },
        { "[store]\nmax_files = 0\n", ":2: max_files = \"0\": takes" },
        { "[store]\nmax_bytes = 9X\n", ":2: max_bytes = \"9X\": takes" },
        { "[store]\nmax_bytes = 99999999999999999999\n", ":2: max_bytes" },
        { "[recorder]\ncreate = maybe\n", ":2: create = \"maybe\"" },
        { "[daemon]\nnonsense\n", ":2: not a line of the form" },
        { "[daemon]\nu\033ser = 1\n", "unknown key \"u\\x1bser\"" },
    };
    char daemon[300], *out;
    const char *argv[] = { daemon, "-n", "-c", w->conf, NULL };
    size_t i;

    world_start(w, NULL);
    snprintf(daemon, sizeof(daemon), "%s/snapshotd/snapshotd",
             cases_build);
    equal(run(&out, argv), 0);
    free(out);
    for ( i = 0; i < sizeof(bad) / sizeof(bad[0]); i++ )
    {
        write_file(w->conf, bad[i].text);
        equal(run(&out, argv), 3);
        check_at(__LINE__, strstr(out, bad[i].says), "output: %s", out);
        free(out);
    }
    daemon_start(w);
    check_refusal(w, 3, "unknown key");
    argv[3] = "/nonexistent/conf";
    equal(run(&out, argv), 3);
    free(out);
    argv[1] = "--nonsense";
    equal(run(&out, argv), 2);
    free(out);
}

static void case_no_xenstored(struct world *w)
{
    world_start(w, NULL);
    xenstored_kill(w);
    daemon_start(w);
    check_refusal(w, 9, "no xenstored answers");
}

static void case_not_dom0(struct world *w)
{
    world_start(w, NULL);
    strcpy(w->backend, "xen");
    daemon_start(w);
    check_refusal(w, 5, "not a Xen Dom0");
}

static void case_not_root(struct world *w)
{
    char daemon[300], *out;
    const char *argv[] = { "/usr/bin/setpriv", "--reuid=65534",
                           "--clear-groups", daemon, NULL };

    world_start(w, NULL);
    snprintf(daemon, sizeof(daemon), "%s/snapshotd/snapshotd",
             cases_build);
    equal(run(&out, argv), 4);
    check_at(__LINE__, strstr(out, "not root"), "output: %s", out);
    free(out);
}

static void case_xen_without_recorder(struct world *w)
{
    world_start(w, NULL);
    host(w, "deny 38"); /* ENOSYS */
    daemon_start(w);
    check_refusal(w, 6, "this Xen has no flight recorder");
}

static void case_other_xen(struct world *w)
{
    world_start(w, NULL);
    host(w, "deny 71"); /* EPROTO, into which the backend turns EACCES */
    daemon_start(w);
    check_refusal(w, 7, "are of different releases");
}

static void case_virq_taken(struct world *w)
{
    char path[128];
    int fd;

    world_start(w, NULL);
    snprintf(path, sizeof(path), "%s/virq", w->dir);
    fd = open(path, O_RDWR | O_CLOEXEC);
    check(!flock(fd, LOCK_EX | LOCK_NB));
    daemon_start(w);
    check_refusal(w, 8, "another process has bound the recorder's VIRQ");
    close(fd);
}

static void case_second_daemon(struct world *w)
{
    char daemon[300], *out;
    const char *argv[] = { daemon, "-c", w->conf, "-b", w->backend, NULL };

    up(w, NULL);
    snprintf(daemon, sizeof(daemon), "%s/snapshotd/snapshotd",
             cases_build);
    equal(run(&out, argv), 10);
    check_at(__LINE__, strstr(out, "another snapshotd is running"),
             "output: %s", out);
    free(out);
    equal(daemon_stop(w), 0);
}

static void case_no_user(struct world *w)
{
    world_start(w, "user = no-such-user\n");
    daemon_start(w);
    check_refusal(w, 11, "user \"no-such-user\" does not exist");
}

/*
 * Snapshots.
 */

static void case_request(struct world *w)
{
    char *answer, *file, *path, *left;
    json_t *meta;

    up(w, NULL);
    xs_put(w, "/tool/xenflight/request/t1", "disk latency");
    path = wait_file(w);
    meta = check_file(path, "request");
    answer = xs_answer_of(w, "t1");
    same(answer, "done");
    file = xs_get(w, "/tool/xenflight/result/t1/file");
    same(file, path);
    left = xs_get(w, "/tool/xenflight/request/t1");
    check(!left);
    if ( meta )
    {
        const json_t *t = json_object_get(meta, "trigger");

        same(text_of(t, "source"), "xenstore");
        same(text_of(t, "reason_text"), "disk latency");
        check(json_array_size(json_object_get(
                  json_object_get(meta, "dictionary"), "events")) > 100);
        check(json_array_size(json_object_get(
                  json_object_get(meta, "clock"), "pairs")) == 2);
    }
    equal(count_entries(w), 1);
    json_decref(meta);
    free(answer);
    free(file);
    free(left);
    free(path);
}

/* Reads the busy stream of a pCPU, packet by packet, record by record. */
static void walk(struct snapshot *s, unsigned int cpu,
                 void (*fn)(const struct packet_record *rec, void *arg),
                 void *arg)
{
    void *buf = NULL;
    size_t size = 0, len, at;
    struct packet_iter it;
    struct packet_record rec;
    struct packet p;
    uint32_t i;

    for ( i = 0; i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);

        if ( f->kind != SNAPSHOT_DATA || f->cpu != cpu ||
             f->channel != XEN_FLIGHTREC_CH_BUSY ||
             snapshot_read(s, i, &buf, &size, &len) )
            continue;
        for ( at = 0; at < len; at += p.hdr.used_bytes )
        {
            if ( !check(!packet_parse((char *)buf + at, len - at, &p)) )
                break;
            packet_iter_init(&it, &p);
            while ( packet_next(&it, &rec) == 1 )
                fn(&rec, arg);
        }
    }
    free(buf);
}

struct seen {
    const struct event_dict *dict;
    char order[16];        /* a letter for each event of the crash */
    uint64_t newest_tsc;
};

static void see(const struct packet_record *rec, void *arg)
{
    struct seen *s = arg;
    const struct event_desc *d = event_lookup(s->dict, rec->id, rec->event);
    size_t n = strlen(s->order);
    char c = 0;

    if ( rec->tsc > s->newest_tsc )
        s->newest_tsc = rec->tsc;
    if ( d && !strcmp(d->name, "PV_HYPERCALL_V2") )
        c = 'h';
    else if ( d && !strcmp(d->name, "SCHED_SHUTDOWN_CODE") )
        c = 's';
    else if ( d && !strcmp(d->name, "FR_DOMAIN_CRASH") )
        c = 'c';
    if ( c && n < sizeof(s->order) - 1 )
        s->order[n] = c;
}

/* The guest's end, in order, and nothing that is later than the freeze. */
static void check_last_moments(const char *path, const json_t *meta,
                               unsigned int cpu)
{
    const json_t *d = json_object_get(meta, "dictionary");
    struct seen seen = { .order = "" };
    struct event_dict *dict;
    struct snapshot *s;

    if ( !check(!event_dict_from_json(json_object_get(d, "events"),
                                      json_object_get(d, "enums"), &dict,
                                      NULL, 0)) ||
         !check(!snapshot_open(path, &s, NULL)) )
        return;
    seen.dict = dict;
    walk(s, cpu, see, &seen);
    same(seen.order, "hsc");
    check(seen.newest_tsc <=
          (uint64_t)num_of(json_object_get(meta, "trigger"), "tsc"));
    snapshot_close(s);
    event_dict_free(dict);
}

/* Its name is gone from xenstore before anybody could look it up. */
static void case_crash(struct world *w)
{
    char *path, *next;
    const json_t *t;
    json_t *meta;

    up(w, NULL);
    domain_new(w, 5, HANDLE, "web-1");
    /* The introduction has come to the engine when this is answered. */
    xs_put(w, "/tool/xenflight/request/first", "");
    free(xs_answer_of(w, "first"));
    free(wait_file(w));
    check(xs_rm_domain(w, 5));
    host(w, "crash 5 1");
    host(w, "gone 5");
    path = wait_file(w);
    meta = check_file(path, "crash");
    t = json_object_get(meta, "trigger");
    same(text_of(t, "uuid"), UUID);
    same(text_of(t, "name"), "web-1");
    same(text_of(t, "source"), "virq");
    equal(num_of(t, "domid"), 5);
    equal(num_of(t, "vcpu"), 0);
    equal(num_of(t, "cpu"), 1);
    equal(num_of(t, "reason"), 3);
    check(path && strstr(path, "-" UUID "-crash-g2.xfr.lz4"));
    check_last_moments(path, meta, 1);
    /* The release of the domain made no second one. */
    check(!kill(w->daemon, SIGUSR1));
    next = wait_file(w);
    check(next && strstr(next, "-host-request-g3.xfr.lz4"));
    equal(count_files(w), 3);
    json_decref(meta);
    free(path);
    free(next);
}

/* A domain that was migrated here gets its real name later. */
static void case_renamed(struct world *w)
{
    json_t *meta;
    char *path;

    up(w, NULL);
    domain_new(w, 5, HANDLE, "web-1--incoming");
    xs_put(w, "/local/domain/5/name", "web-1");
    xs_put(w, "/tool/xenflight/request/first", "");
    free(xs_answer_of(w, "first"));
    free(wait_file(w));
    host(w, "crash 5 1");
    path = wait_file(w);
    meta = check_file(path, "crash");
    same(text_of(json_object_get(meta, "trigger"), "name"), "web-1");
    json_decref(meta);
    free(path);
}

/* The same number, another domain: each crash has its own name. */
static void case_domid_again(struct world *w)
{
    static const char *const handle[] = { HANDLE,
                                          "ffeeddccbbaa99887766554433221100" };
    static const char *const name[] = { "first", "second" };
    json_t *meta;
    char *path;
    int i;

    up(w, NULL);
    for ( i = 0; i < 2; i++ )
    {
        domain_new(w, 5, handle[i], name[i]);
        xs_put(w, "/tool/xenflight/request/r", "");
        free(xs_answer_of(w, "r"));
        free(wait_file(w));
        host(w, "crash 5 1");
        path = wait_file(w);
        meta = check_file(path, "crash");
        same(text_of(json_object_get(meta, "trigger"), "name"), name[i]);
        json_decref(meta);
        free(path);
        check(xs_rm_domain(w, 5));
        host(w, "gone 5");
        check(xs_release(w, 5));
        check(xs_rm_answer(w, "r"));
    }
}

/* The name in the trigger of a crash of domain 9, "" if there is none. */
static void crash_named(struct world *w, const char *name)
{
    json_t *meta;
    char *path;

    host(w, "crash 9 1");
    path = wait_file(w);
    meta = check_file(path, "crash");
    same(text_of(json_object_get(meta, "trigger"), "name"), name);
    json_decref(meta);
    free(path);
}

/* The nodes of a former domain of the number are not those of the new one. */
static void case_stale_name(struct world *w)
{
    up(w, NULL);
    xs_put(w, "/local/domain/9/vm", "/vm/ffeeddcc-bbaa-9988-7766-554433221100");
    domain_new(w, 9, HANDLE, "stale");
    crash_named(w, "");
}

/* The toolstack writes the name first, and then whose it is. */
static void case_late_vm(struct world *w)
{
    up(w, NULL);
    xs_put(w, "/local/domain/9/vm", "/vm/ffeeddcc-bbaa-9988-7766-554433221100");
    domain_new(w, 9, HANDLE, "stale");
    xs_put(w, "/local/domain/9/name", "web9");
    xs_put(w, "/tool/xenflight/request/r", "");
    free(xs_answer_of(w, "r"));
    free(wait_file(w));
    xs_put(w, "/local/domain/9/vm", "/vm/" UUID);
    xs_put(w, "/tool/xenflight/request/s", "");
    free(xs_answer_of(w, "s"));
    free(wait_file(w));
    crash_named(w, "web9");
}

/* A name of more bytes than are kept is cut between two characters. */
static void case_long_name(struct world *w)
{
    char name[302] = "x", kept[256];

    for ( int i = 1; i < 301; i += 2 )
        memcpy(name + i, "\xc3\xa4", 3);
    snprintf(kept, sizeof(kept), "%s", name);
    up(w, NULL);
    domain_new(w, 9, HANDLE, name);
    crash_named(w, kept);
}

static void case_signal(struct world *w)
{
    json_t *meta;
    char *path;

    up(w, NULL);
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    meta = check_file(path, "request");
    same(text_of(json_object_get(meta, "trigger"), "source"), "signal");
    json_decref(meta);
    free(path);
}

static void case_stale_request(struct world *w)
{
    char *answer, *left;

    world_start(w, NULL);
    xs_put(w, "/tool/xenflight/request/old", "from before");
    daemon_start(w);
    answer = xs_answer_of(w, "old");
    same(answer, "stale");
    left = xs_get(w, "/tool/xenflight/request/old");
    check(!left);
    free(answer);
    free(left);
    /* A new one of the same name is carried out; no file was made before it. */
    check(wait_log(w, "watching"));
    xs_put(w, "/tool/xenflight/request/old", "anew");
    free(wait_file(w));
    equal(count_files(w), 1);
}

/* Text that guests can influence is in the file, and escaped in the log. */
static void case_hostile_text(struct world *w)
{
    static const char text[] = "a\nsnapshotd: error: \"b\" %s %n \033[31m";
    json_t *meta;
    char *path, *answer, name[120];

    up(w, NULL);
    xs_put(w, "/tool/xenflight/request/h", text);
    path = wait_file(w);
    meta = check_file(path, "request");
    same(text_of(json_object_get(meta, "trigger"), "reason_text"), text);
    check(wait_log(w, "a\\x0asnapshotd: error: \\x22b\\x22 %s %n \\x1b[31m"));
    check(!logged(w, "\nsnapshotd: error: \"b\""));
    check(!memchr(w->text, '\033', w->text_bytes));
    json_decref(meta);
    free(path);
    /* No text at all, bytes that are no UTF-8. */
    check(xs_write_bytes(w, "/tool/xenflight/request/n", "\xff\x00\xfe", 3));
    answer = xs_answer_of(w, "n");
    same(answer, "done");
    free(answer);
    path = wait_file(w);
    meta = check_file(path, "request");
    same(text_of(json_object_get(meta, "trigger"), "reason_text"),
         "\\xff\\x00\\xfe");
    json_decref(meta);
    free(path);
    snprintf(name, sizeof(name), "/tool/xenflight/request/%065d", 0);
    xs_put(w, name, "long");
    check(wait_log(w, "longer than 64 bytes: removed"));
}

static void case_held_before_start(struct world *w)
{
    json_t *meta;
    char *path;

    world_start(w, NULL);
    domain_new(w, 7, HANDLE, "db");
    host(w, "crash 7 0");
    daemon_start(w);
    path = wait_file(w);
    meta = check_file(path, "crash");
    same(text_of(json_object_get(meta, "trigger"), "source"), "start");
    same(text_of(json_object_get(meta, "trigger"), "name"), "db");
    check_last_moments(path, meta, 0);
    json_decref(meta);
    free(path);
}

/* Newer crashes while one is held: each keeps its own, in order. */
static void case_several_held(struct world *w)
{
    json_t *meta;
    char *path;
    int i;

    world_start(w, NULL);
    domain_new(w, 7, HANDLE, "db");
    host(w, "fill 0 3000");
    for ( i = 0; i < 3; i++ )
    {
        equal(host(w, "trigger 7 %d", i & 1), i + 1);
        host(w, "fill 0 500");
    }
    daemon_start(w);
    for ( i = 0; i < 3; i++ )
    {
        path = wait_file(w);
        meta = check_file(path, "crash");
        equal(num_of(json_object_get(meta, "trigger"), "gen"), i + 1);
        json_decref(meta);
        free(path);
    }
    equal(count_entries(w), 3);
}

/*
 * pCPU 0 has been round many times, the others never: it is complete from where
 * that one begins.  All took part, and the clocks of this machine agree.
 */
static void check_window(const json_t *meta)
{
    const json_t *fit = json_object_get(json_object_get(meta, "clock"), "fit");
    const json_t *w = json_object_get(json_object_get(meta, "window"), "busy");
    int64_t trigger = num_of(json_object_get(meta, "trigger"), "tsc");
    int64_t khz = num_of(json_object_get(meta, "clock"), "tsc_khz");

    check(fit && !json_object_get(fit, "spans"));
    check(num_of(fit, "error_ns") > 0 && num_of(fit, "error_ns") < 100000000);
    check(num_of(w, "from_tsc") > 0 && num_of(w, "from_tsc") < trigger);
    check(num_of(w, "to_tsc") > trigger - khz);
    check(num_of(json_object_get(json_object_get(meta, "window"), "rare"),
                 "from_tsc") <= num_of(w, "from_tsc"));
}

/* A wrapped ring: most was overwritten, and the account has the number. */
static void case_wrapped(struct world *w)
{
    const json_t *streams, *s;
    int64_t overwritten = 0;
    json_t *meta;
    char *path;
    size_t i;

    up(w, NULL);
    host(w, "fill 0 200000");
    host(w, "fill 1 1000");
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    meta = check_file(path, "request");
    streams = json_object_get(meta, "streams");
    json_array_foreach((json_t *)streams, i, s)
        overwritten += num_of(s, "overwritten");
    check(overwritten > 150000);
    check_window(meta);
    json_decref(meta);
    free(path);
}

/* Recording goes on while a generation is held and after it. */
static void case_goes_on(struct world *w)
{
    json_t *first, *second;
    char *path;

    up(w, NULL);
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    first = check_file(path, "request");
    free(path);
    host(w, "fill 0 100");
    host(w, "fill 1 100");
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    second = check_file(path, "request");
    free(path);
    check(num_of(json_array_get(json_object_get(second, "streams"), 2),
                 "emitted") >=
          num_of(json_array_get(json_object_get(first, "streams"), 2),
                 "emitted") + 100);
    json_decref(first);
    json_decref(second);
}

static void case_straggler(struct world *w)
{
    const json_t *s;
    json_t *meta;
    char *path;

    up(w, NULL);
    host(w, "hang 1");
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    meta = path ? file_meta(path) : NULL;
    check(meta != NULL);
    same(text_of(meta, "history"), "partial");
    check(json_array_size(json_object_get(meta, "history_why")) > 0);
    s = json_array_get(json_object_get(meta, "streams"), 0);
    equal(num_of(s, "cpu"), 0);
    check(json_is_false(json_object_get(s, "quiescent")));
    check(wait_log(w, "not quiescent; snapshot of generation 1"));
    json_decref(meta);
    free(path);
    host(w, "run 1");
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    json_decref(check_file(path, "request"));
    free(path);
}

/*
 * Death and rebirth.
 */

static void case_engine_killed(struct world *w)
{
    char *path, *answer;
    pid_t pid;

    up(w, NULL);
    /* It stays in the middle of it: a pCPU does not adopt. */
    host(w, "quiesce 300");
    host(w, "hang 1");
    xs_put(w, "/tool/xenflight/request/k", "killed on the way");
    check(wait_log(w, "generation 1: request"));
    pid = engine_pid(w);
    check(pid > 0);
    kill(pid, SIGKILL);
    check(wait_log(w, "engine: ended by signal 9"));
    host(w, "run 1");
    answer = xs_answer_of(w, "k");
    same(answer, "done");
    path = wait_file(w);
    /* The next engine took its generation before the one it froze. */
    json_decref(check_file(path, "request"));
    check(path && strstr(path, "-g1.xfr.lz4"));
    free(path);
    free(answer);
    check(engine_pid(w) != pid);
}

/* At the moment when the file is begun: it is created again, or finished. */
static void case_engine_killed_writing(struct world *w)
{
    char *path, *answer, name[64];
    int i;

    up(w, NULL);
    host(w, "fill 0 20000");
    for ( i = 0; i < 5; i++ )
    {
        snprintf(name, sizeof(name), "/tool/xenflight/request/w%d", i);
        xs_put(w, name, "");
        check(wait_part(w));
        kill(engine_pid(w), SIGKILL);
        answer = xs_answer_of(w, strrchr(name, '/') + 1);
        same(answer, "done");
        free(answer);
        path = wait_file(w);
        json_decref(check_file(path, "request"));
        free(path);
    }
    /* Nothing unfinished stays, and no request has two files. */
    equal(count_entries(w), count_files(w));
    equal(count_files(w), 5);
}

/* A generation that kills engines is given up. */
static void case_poisoned_generation(struct world *w)
{
    char *path;
    int i;

    up(w, NULL);
    host(w, "quiesce 300");
    host(w, "hang 1");
    kill(w->daemon, SIGUSR1);
    for ( i = 0; i < 3; i++ )
    {
        check(wait_log(w, "generation 1: request"));
        kill(engine_pid(w), SIGKILL);
        check(wait_log(w, "ended by signal 9"));
    }
    check(logged(w, "3 engines died reading it: released unread"));
    host(w, "run 1");
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    check(path && strstr(path, "-g2.xfr.lz4"));
    free(path);
}

static void case_monitor_killed(struct world *w)
{
    pid_t engine;
    char *path;

    up(w, NULL);
    kill(w->daemon, SIGUSR1);
    free(wait_file(w));
    engine = engine_pid(w);
    check(engine > 0);
    daemon_kill(w, SIGKILL);
    check(wait_gone(engine));
    daemon_start(w);
    check(wait_log(w, "watching"));
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    json_decref(check_file(path, "request"));
    free(path);
    equal(daemon_stop(w), 0);
}

/* One file of the crash, whichever process was killed around its release. */
static void case_killed_at_release(struct world *w)
{
    static const char *const when[] = { "kill after", "kill before" };
    unsigned int i;
    char *path;

    up(w, NULL);
    domain_new(w, 5, HANDLE, "web-1");
    for ( i = 0; i < 2; i++ )
    {
        host(w, "%s", when[i]);
        host(w, "crash 5 0");
        daemon_wait(w);
        daemon_start(w);
        check(wait_log(w, "watching"));
        check(wait_log(w, "was complete, has its final name now"));
        path = wait_file(w);
        json_decref(check_file(path, "crash"));
        free(path);
    }
    /* The last one's release comes before a request is carried out. */
    kill(w->daemon, SIGUSR1);
    free(wait_file(w));
    /* Again before the one that renamed it came to release it. */
    host(w, "kill before");
    host(w, "crash 5 0");
    daemon_wait(w);
    host(w, "kill before");
    daemon_start(w);
    check(wait_log(w, "watching"));
    free(wait_file(w));
    daemon_wait(w);
    daemon_start(w);
    check(wait_log(w, "watching"));
    /* All that is held is taken first. */
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    check(path && strstr(path, "-host-request-"));
    free(path);
    equal(count_files(w), 5);
    equal(count_entries(w), 5);
}

static void case_new_buffers(struct world *w)
{
    char *path;

    up(w, NULL);
    kill(w->daemon, SIGUSR1);
    free(wait_file(w));
    host(w, "recreate");
    host(w, "fill 0 100");
    kill(w->daemon, SIGUSR1);
    check(wait_log(w, "a new engine is needed"));
    path = wait_file(w);
    json_decref(check_file(path, "request"));
    free(path);
}

static void case_xenstored_dies(struct world *w)
{
    char *path, *answer;

    up(w, "heartbeat = 1\n");
    domain_new(w, 5, HANDLE, "web-1");
    xs_put(w, "/tool/xenflight/request/first", "");
    free(xs_answer_of(w, "first"));
    free(wait_file(w));
    xenstored_kill(w);
    check(wait_log(w, "xenstored is gone"));
    host(w, "trigger 5 0");
    /* Its VIRQ is lost too: a signal makes the daemon look. */
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    json_decref(check_file(path, "crash"));
    free(path);
    free(wait_file(w));
    xenstored_start(w);
    check(wait_log(w, "xenstore: connected again"));
    xs_put(w, "/tool/xenflight/request/again", "");
    answer = xs_answer_of(w, "again");
    same(answer, "done");
    free(answer);
}

static void case_unfinished_files(struct world *w)
{
    static const char name[] = "20200101T000000Z-host-request-g9.xfr.lz4";
    char whole[300], part[200], *path;

    up(w, NULL);
    kill(w->daemon, SIGUSR1);
    path = wait_file(w);
    equal(daemon_stop(w), 0);
    /* One written to its end, one that was not, one that is no one's. */
    snprintf(whole, sizeof(whole), "%s.part", path);
    check(!rename(path, whole));
    snprintf(part, sizeof(part), "%s/%s.part", w->state, name);
    write_file(part, "cut");
    snprintf(part, sizeof(part), "%s/notes.part", w->state);
    write_file(part, "an administrator's");
    daemon_start(w);
    check(wait_log(w, "watching"));
    check(wait_log(w, "was complete, has its final name now"));
    kill(w->daemon, SIGUSR1);
    check(wait_log(w, "durable"));
    check(logged(w, "an unfinished file of a former run was removed"));
    check(!access(path, F_OK));
    check(!access(part, F_OK));
    equal(count_files(w), 2);
    equal(count_entries(w), 3);
    free(path);
}

/*
 * Limits.
 */

static void case_budget(struct world *w)
{
    char *path[4], *answer;
    int i;

    up(w, "[store]\nmax_files = 2\n");
    domain_new(w, 5, HANDLE, "web-1");
    for ( i = 0; i < 3; i++ )
    {
        host(w, "trigger 5 0");
        xs_put(w, "/tool/xenflight/status", "wake");
        kill(w->daemon, SIGUSR1);
        path[i] = wait_file(w);
        check(path[i] && strstr(path[i], "crash"));
        /* The signal's own is refused once two others must stay. */
        if ( i < 2 )
            free(wait_file(w));
        else
            check(wait_log(w, "budget of the state directory is used up"));
        free(path[i]);
        path[i] = NULL;
        if ( i == 1 )
            break;
    }
    equal(count_files(w), 2);
    xs_put(w, "/tool/xenflight/request/full", "");
    answer = xs_answer_of(w, "full");
    same(answer, "failed");
    free(answer);
    answer = xs_get(w, "/tool/xenflight/result/full/error");
    check(answer && strstr(answer, "budget"));
    free(answer);
    /* Given back all the same. */
    host(w, "crash 5 1");
    check(wait_log(w, "used up"));
}

static void case_disk_full(struct world *w)
{
    char *answer, *path;

    world_start(w, "[store]\nmin_free = 0\n");
    if ( mount("none", w->state, "tmpfs", 0, "size=32k,mode=700,uid=65534") )
    {
        printf("# note: no tmpfs can be mounted here: not tried\n");
        return;
    }
    daemon_start(w);
    check(wait_log(w, "watching"));
    host(w, "fill 0 20000");
    xs_put(w, "/tool/xenflight/request/d", "");
    answer = xs_answer_of(w, "d");
    same(answer, "failed");
    free(answer);
    answer = xs_get(w, "/tool/xenflight/result/d/error");
    check(answer && strstr(answer, "no space left"));
    free(answer);
    equal(count_entries(w), 0);
    /* Room again: the next one works. */
    check(!mount("none", w->state, "tmpfs", MS_REMOUNT,
                 "size=8m,mode=700,uid=65534"));
    xs_put(w, "/tool/xenflight/request/e", "");
    answer = xs_answer_of(w, "e");
    same(answer, "done");
    free(answer);
    path = xs_get(w, "/tool/xenflight/result/e/file");
    json_decref(check_file(path, "request"));
    free(path);
    equal(daemon_stop(w), 0);
    check(!umount(w->state));
}

static void case_open_state_directory(struct world *w)
{
    world_start(w, NULL);
    check(!chmod(w->state, 0755));
    daemon_start(w);
    check(wait_log(w, "must belong to the daemon's user"));
}

static void case_open_run_directory(struct world *w)
{
    world_start(w, NULL);
    check(!mkdir(w->run, 0700) && !chmod(w->run, 0777));
    daemon_start(w);
    check_refusal(w, 1, "writable by no other user");
}

/* Forty requests at a time: each gets its answer. */
static void case_many_requests(struct world *w)
{
    char name[64], *answer;
    int i;

    up(w, NULL);
    for ( i = 0; i < 40; i++ )
    {
        snprintf(name, sizeof(name), "/tool/xenflight/request/m%d", i);
        xs_put(w, name, "many");
    }
    for ( i = 0; i < 40; i++ )
    {
        snprintf(name, sizeof(name), "m%d", i);
        answer = xs_answer_of(w, name);
        same(answer, "done");
        free(answer);
    }
    check(count_files(w) >= 1 && count_files(w) <= 40);
    equal(count_entries(w), count_files(w));
}

/*
 * The process.
 */

/*
 * Threads of a process that are not held as tight as all must be; how many
 * there are, and how many are as nice as can be.
 */
static int loose_threads(pid_t pid, int *threads, int *nice)
{
    char path[64];
    struct dirent *e;
    DIR *d;
    int loose = 0;

    *threads = *nice = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    d = opendir(path);
    while ( d && (e = readdir(d)) )
    {
        /* A thread's number opens the same files as a process's. */
        pid_t tid = atoi(e->d_name);

        if ( !tid )
            continue;
        ++*threads;
        *nice += getpriority(PRIO_PROCESS, tid) == 19;
        loose += status_line(tid, "Uid") != 65534 ||
                 status_line(tid, "CapPrm") || status_line(tid, "CapEff") ||
                 status_line(tid, "CapBnd") ||
                 status_line(tid, "NoNewPrivs") != 1 ||
                 status_line(tid, "Seccomp") != 2;
    }
    if ( d )
        closedir(d);
    return loose;
}

/* All threads' voluntary switches: each is a wake-up. */
static long wakeups(pid_t pid)
{
    char path[64], line[256];
    struct dirent *e;
    long sum = 0, n;
    FILE *f;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    d = opendir(path);
    while ( d && (e = readdir(d)) )
    {
        if ( e->d_name[0] == '.' )
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", pid,
                 e->d_name);
        f = fopen(path, "re");
        while ( f && fgets(line, sizeof(line), f) )
            if ( sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1 )
                sum += n;
        if ( f )
            fclose(f);
    }
    if ( d )
        closedir(d);
    return sum;
}

static void case_engine_has_no_rights(struct world *w)
{
    char path[64], link[256], want[160];
    pid_t engine;
    ssize_t n;
    DIR *d;
    struct dirent *e;
    int devices = 0, threads, nice;

    up(w, NULL);
    kill(w->daemon, SIGUSR1);
    free(wait_file(w));
    engine = engine_pid(w);
    equal(loose_threads(engine, &threads, &nice), 0);
    /* Except for the engine itself and its thread that syncs. */
    check(threads >= 2);
    equal(nice, threads - 2);
    equal(getpriority(PRIO_PROCESS, engine), getpriority(PRIO_PROCESS, 0));
    equal(status_line(engine, "Uid"), 65534);
    equal(status_line(engine, "CapPrm"), 0);
    equal(status_line(engine, "CapBnd"), 0);
    equal(status_line(engine, "NoNewPrivs"), 1);
    equal(status_line(engine, "Seccomp"), 2);
    snprintf(path, sizeof(path), "/proc/%d/root", engine);
    n = readlink(path, link, sizeof(link) - 1);
    link[n > 0 ? n : 0] = '\0';
    snprintf(want, sizeof(want), "%s", w->state);
    same(link, want);
    /* Sockets, the state directory, its inherited 0..2; no device of Xen. */
    snprintf(path, sizeof(path), "/proc/%d/fd", engine);
    d = opendir(path);
    while ( d && (e = readdir(d)) )
    {
        n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        devices += strstr(link, "/ops") || strstr(link, "virq") ||
                   strstr(link, "/dev/xen") || strstr(link, "lock");
    }
    if ( d )
        closedir(d);
    equal(devices, 0);
}

/* It has connected to xenstored, and can do nothing else. */
static void case_xenstore_process_has_no_rights(struct world *w)
{
    char path[64], link[256];
    int threads, nice, others = 0;
    struct dirent *e;
    pid_t pid;
    ssize_t n;
    DIR *d;

    up(w, NULL);
    pid = xenstore_pid(w);
    if ( !check(pid > 0) )
        return;
    equal(loose_threads(pid, &threads, &nice), 0);
    equal(threads, 2);
    /* An empty directory that is gone. */
    snprintf(path, sizeof(path), "/proc/%d/root", pid);
    n = readlink(path, link, sizeof(link) - 1);
    link[n > 0 ? n : 0] = '\0';
    check(n > 10 && !strcmp(link + n - 10, " (deleted)"));
    snprintf(path, sizeof(path), "/proc/%d/fd", pid);
    d = opendir(path);
    while ( d && (e = readdir(d)) )
    {
        n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        others += n > 0 && atoi(e->d_name) > 2 && strncmp(link, "socket:", 7) &&
                  strncmp(link, "pipe:", 5) && !strstr(link, " (deleted)");
    }
    if ( d )
        closedir(d);
    equal(others, 0);
}

static bool status_is(struct world *w, const char *name, const char *want)
{
    char path[64], *value;
    bool is;

    snprintf(path, sizeof(path), "/tool/xenflight/status/%s", name);
    value = xs_get(w, path);
    is = value && !strcmp(value, want);
    free(value);
    return is;
}

static void case_idle(struct world *w)
{
    bool sleeping = false;
    pid_t engine, xs;
    long before[3];
    int i;

    up(w, "heartbeat = 3600\n");
    kill(w->daemon, SIGUSR1);
    free(wait_file(w));
    check(wait_log(w, "durable"));
    engine = engine_pid(w);
    xs = xenstore_pid(w);
    /* Let it settle: status is published a second after a change. */
    for ( i = 0; i < WAIT_MS / 10 && !status_is(w, "written", "1"); i++ )
        poll(NULL, 0, 10);
    /* On a busy machine that takes longer: two waits in a row settle it. */
    for ( i = 0; i < 8 && !sleeping; i++ )
    {
        before[0] = wakeups(w->daemon);
        before[1] = wakeups(engine);
        before[2] = wakeups(xs);
        poll(NULL, 0, 1500);
        sleeping = wakeups(w->daemon) == before[0] &&
                   wakeups(engine) == before[1] && wakeups(xs) == before[2];
    }
    check(sleeping);
    before[0] = wakeups(w->daemon);
    before[1] = wakeups(engine);
    before[2] = wakeups(xs);
    poll(NULL, 0, 1500);
    equal(wakeups(w->daemon) - before[0], 0);
    equal(wakeups(engine) - before[1], 0);
    equal(wakeups(xs) - before[2], 0);
    printf("# measured: RSS: monitor %ld KiB, engine %ld KiB, xenstore process "
           "%ld KiB\n", status_line(w->daemon, "VmRSS"),
           status_line(engine, "VmRSS"), status_line(xs, "VmRSS"));
#ifndef __SANITIZE_ADDRESS__
    check(status_line(w->daemon, "VmRSS") + status_line(engine, "VmRSS") +
              status_line(xs, "VmRSS") <
          16 * 1024);
#endif
}

/*
 * The tool.
 */

static int tool(struct world *w, char **out, const char *a, const char *b,
                const char *c)
{
    char path[300];
    const char *argv[] = { path, a, "--run", w->run, "--backend", w->backend,
                           b, c, NULL };

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    return run(out, argv);
}

/* Each pCPU writes now and then: the figures are there, and are no nonsense. */
static void check_horizon(const json_t *recorder)
{
    const json_t *cpus = json_object_get(recorder, "cpus"), *cpu, *c;
    size_t i;

    check(json_array_size(cpus) > 0);
    json_array_foreach(cpus, i, cpu)
    {
        c = json_object_get(json_object_get(cpu, "channels"), "busy");
        check(json_real_value(json_object_get(c, "horizon_s")) > 0);
        check(json_real_value(json_object_get(c, "horizon_s")) < 600);
        check(json_real_value(json_object_get(c, "events_per_s")) > 1);
    }
    check(json_real_value(json_object_get(
              json_object_get(recorder, "complete_s"), "busy")) > 0);
}

static void case_tool_with_daemon(struct world *w)
{
    char *out, *path;
    json_t *status;

    up(w, NULL);
    equal(tool(w, &out, "snapshot", "--wait", "--reason=by hand"), 0);
    path = wait_file(w);
    check(path && !strncmp(out, path, strlen(path)));
    json_decref(check_file(path, "request"));
    free(path);
    free(out);
    equal(tool(w, &out, "status", "--json", NULL), 0);
    status = json_loads(out, 0, NULL);
    same(text_of(json_object_get(status, "recorder"), "state"), "recording");
    check_horizon(json_object_get(status, "recorder"));
    equal(num_of(json_object_get(status, "daemon"), "written"), 1);
    json_decref(status);
    free(out);
    equal(tool(w, &out, "stop", NULL, NULL), 0);
    free(out);
    equal(tool(w, &out, "status", NULL, NULL), 1);
    check(strstr(out, "stopped"));
    free(out);
    equal(tool(w, &out, "snapshot", "--wait", NULL), 1);
    check(strstr(out, "Xen does not record"));
    free(out);
    equal(tool(w, &out, "start", NULL, NULL), 0);
    free(out);
    equal(tool(w, &out, "status", NULL, NULL), 0);
    free(out);
}

static void case_tool_without_daemon(struct world *w)
{
    json_t *status;
    char *out;

    world_start(w, NULL);
    equal(tool(w, &out, "status", NULL, NULL), 0);
    check(strstr(out, "not running"));
    free(out);
    host(w, "fill 0 100");
    host(w, "fill 1 100");
    equal(tool(w, &out, "status", "--json", NULL), 0);
    status = json_loads(out, 0, NULL);
    check_horizon(json_object_get(status, "recorder"));
    json_decref(status);
    free(out);
    equal(tool(w, &out, "stop", NULL, NULL), 0);
    free(out);
    equal(tool(w, &out, "status", NULL, NULL), 1);
    free(out);
    equal(tool(w, &out, "start", NULL, NULL), 0);
    free(out);
    equal(tool(w, &out, "snapshot", NULL, NULL), 1);
    check(strstr(out, "snapshotd is not running"));
    free(out);
    host(w, "deny 38");
    equal(tool(w, &out, "status", NULL, NULL), 1);
    check(strstr(out, "no flight recorder"));
    free(out);
}

static void case_request_script(struct world *w)
{
    const char *argv[] = { "xs-hooks/toolstack/xenflight-request",
                           "-t", "10", "disk latency", NULL };
    char *out, *path;

    up(w, NULL);
    equal(run(&out, argv), 0);
    path = wait_file(w);
    check_at(__LINE__, path && !strncmp(out, path, strlen(path)),
             "output: %s", out);
    json_decref(check_file(path, "request"));
    free(path);
    free(out);
    equal(daemon_stop(w), 0);
    argv[2] = "1";
    equal(run(&out, argv), 1);
    check_at(__LINE__, strstr(out, "no answer"), "output: %s", out);
    free(out);
}

static const struct test_case cases[] = {
    CASE(bad_configuration), BOTH(no_xenstored), CASE(not_dom0),
    CASE(not_root), CASE(xen_without_recorder), CASE(other_xen),
    CASE(virq_taken), CASE(second_daemon), CASE(no_user), BOTH(request),
    BOTH(crash), BOTH(renamed), BOTH(domid_again), BOTH(stale_name),
    BOTH(late_vm), CASE(long_name), CASE(signal),
    BOTH(stale_request), BOTH(hostile_text), CASE(held_before_start),
    CASE(several_held), CASE(wrapped), CASE(goes_on), CASE(straggler),
    CASE(engine_killed), CASE(engine_killed_writing),
    CASE(poisoned_generation), CASE(monitor_killed),
    CASE(killed_at_release), CASE(new_buffers),
    BOTH(xenstored_dies), CASE(unfinished_files), CASE(budget),
    CASE(disk_full), CASE(open_state_directory), CASE(open_run_directory),
    BOTH(many_requests),
    CASE(engine_has_no_rights), BOTH(xenstore_process_has_no_rights),
    CASE(idle), CASE(tool_with_daemon),
    CASE(tool_without_daemon), BOTH(request_script),
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
