/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-health.c: the reports of the daemon's health: each figure of the file for
 * Prometheus, the nodes, the service manager.  Xen is a function of the test.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/xen/hyp-tbuf.h"
#include "snapshotd/common/now.h"
#include "snapshotd/monitor/health.h"

#define KHZ 1000000               /* a tick is a ns */

static uint32_t state;
static int xen_error;

int hyp_op(struct hyp *h, struct xen_flightrec_op *o)
{
    struct xen_flightrec_op_cpu *c = &o->u.cpu;
    unsigned int i;

    if ( xen_error )
        return xen_error;
    switch ( o->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        o->u.status = (struct xen_flightrec_op_status){
            .version = XEN_FLIGHTREC_VERSION, .state = state, .gen = 19,
            .released = 17, .nr_cpus = 2, .tsc_khz = KHZ, .deferred = 31,
            .given_up = 32, .expired = 33, .suppressed = 34,
        };
        return 0;

    case XEN_FLIGHTREC_OP_clock:
        o->u.clock.tsc = 100000000000;
        o->u.clock.ns = 100000000000;
        return 0;

    case XEN_FLIGHTREC_OP_cpu:
        c->flags = XEN_FLIGHTREC_CPU_ONLINE;
        c->frames = 257;
        c->emitted = 1000 * (c->cpu + 1) + 100 * c->channel;
        c->overwritten = 2000 * (c->cpu + 1) + 200 * c->channel;
        for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
            c->lost[i] = 10 * (i + 1) + c->cpu + 5 * c->channel;
        c->newest_seq = 9;
        c->tsc = 100000000000;
        c->oldest_tsc = c->tsc - 1500000000ULL * (1 + c->channel) *
                                     (1 + c->cpu);
        return 0;

    default:
        return -EINVAL;
    }
}

bool hyp_is_tbuf(const struct hyp *h)
{
    return false;
}

static char dir[64], path[96];
static struct conf c;
static struct counters counters;
static struct health h;
static const struct guest_counters guests = { .asked = 61, .limited = 62,
                                              .of = { 63, 64, 65 } };
static const struct hook_counters hook = { 71, 72, 73, 74 };
static struct health_facts facts;
static int manager;

static int begin(void **state_)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    unsigned int o, cause;

    strcpy(dir, "/tmp/xfp.XXXXXX");
    if ( !mkdtemp(dir) )
        return -1;
    snprintf(path, sizeof(path), "%s/x.prom", dir);
    memset(&c, 0, sizeof(c));
    strcpy(c.textfile, path);
    c.max_files = 100;
    c.max_bytes = 1 << 20;
    memset(&counters, 0, sizeof(counters));
    for ( o = 0; o < OUTCOMES; o++ )
        for ( cause = 1; cause < STORE_CAUSES; cause++ )
            counters.of[o][cause] = 10 * o + cause;
    counters.requests = 51;
    counters.bytes_written = 52;
    counters.held_ns = 1500000000;
    counters.held_max_ns = 250000000;
    counters.durable = 3;
    counters.durable_ns = 4250000000;
    counters.durable_max_ns = 2125000000;
    counters.store = (struct store_usage){ .files = 41, .pinned = 42,
                                           .bytes = 43, .evicted = 44,
                                           .expired = 45 };
    memset(&h, 0, sizeof(h));
    facts = (struct health_facts){
        .conf = &c, .counters = &counters, .guests = &guests, .hook = &hook,
        .engine_ready = true, .engine_starts = 81, .xenstore_up = true,
        .xenstore_hung = 82,
    };
    state = XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING;
    xen_error = 0;
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/manager", dir);
    if ( manager < 0 || bind(manager, (struct sockaddr *)&sun, sizeof(sun)) )
        return -1;
    setenv("NOTIFY_SOCKET", sun.sun_path, 1);
    notify_open(&h.notify);
    return 0;
}

static int end(void **state_)
{
    char cmd[96];

    close(manager);
    if ( h.notify.fd >= 0 )
        close(h.notify.fd);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    return system(cmd);
}

static char *read_text(void)
{
    static char text[32768];
    FILE *f = fopen(path, "re");

    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

/* The next message for the service manager, or "". */
static const char *told(void)
{
    static char text[512];
    ssize_t n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void assert_line(const char *text, const char *line)
{
    char want[256];

    snprintf(want, sizeof(want), "\n%s\n", line);
    if ( !strstr(text, want) )
        fail_msg("no line \"%s\"", line);
}

/* Each sample, by its value; every one has its own. */
static void test_textfile(void **state_)
{
    static const char *const lines[] = {
        "xenflight_held_generations 2",
        "xenflight_reach_seconds{channel=\"busy\"} 1.500",
        "xenflight_reach_seconds{channel=\"rare\"} 3.000",
        "xenflight_records_total{channel=\"busy\",what=\"emitted\"} 3000",
        "xenflight_records_total{channel=\"rare\",what=\"emitted\"} 3200",
        "xenflight_records_total{channel=\"busy\",what=\"overwritten\"} 6000",
        "xenflight_records_total{channel=\"rare\",what=\"overwritten\"} 6400",
        "xenflight_records_total{channel=\"busy\",what=\"lost_nested\"} 21",
        "xenflight_records_total{channel=\"busy\",what=\"lost_busy\"} 41",
        "xenflight_records_total{channel=\"busy\",what=\"lost_stopped\"} 61",
        "xenflight_records_total{channel=\"busy\",what=\"lost_retry\"} 81",
        "xenflight_records_total{channel=\"rare\",what=\"lost_retry\"} 91",
        "xenflight_xen_triggers_total{what=\"deferred\"} 31",
        "xenflight_xen_triggers_total{what=\"given_up\"} 32",
        "xenflight_xen_triggers_total{what=\"expired\"} 33",
        "xenflight_xen_triggers_total{what=\"second\"} 34",
        "xenflight_triggers_total{cause=\"request\",outcome=\"written\"} 1",
        "xenflight_triggers_total{cause=\"crash\",outcome=\"failed\"} 12",
        "xenflight_triggers_total{cause=\"crash\",outcome=\"off\"} 82",
        "xenflight_triggers_total{cause=\"guest-request\",outcome="
        "\"limit_total\"} 67",
        "xenflight_held_seconds_total 1.5",
        "xenflight_held_seconds_max 0.25",
        "xenflight_durable_seconds_sum 4.250000000",
        "xenflight_durable_seconds_count 3",
        "xenflight_durable_seconds_max 2.125",
        "xenflight_written_bytes_total 52",
        "xenflight_store_files 41",
        "xenflight_store_files_max 100",
        "xenflight_store_bytes 43",
        "xenflight_store_bytes_max 1048576",
        "xenflight_removed_total{why=\"room\"} 44",
        "xenflight_removed_total{why=\"age\"} 45",
        "xenflight_engine_starts_total 81",
        "xenflight_xenstore_up 1",
        "xenflight_xenstore_hangs_total 82",
        "xenflight_requests_total 51",
        "xenflight_guest_requests_total{what=\"asked\"} 61",
        "xenflight_guest_requests_total{what=\"limited\"} 62",
        "xenflight_guest_requests_total{what=\"stale\"} 63",
        "xenflight_hook_total{result=\"done\"} 71",
        "xenflight_hook_total{result=\"failed\"} 72",
        "xenflight_hook_total{result=\"timed_out\"} 73",
        "xenflight_hook_total{result=\"dropped\"} 74",
        "# TYPE xenflight_recording gauge",
        "# TYPE xenflight_triggers_total counter",
        "# TYPE xenflight_durable_seconds summary",
        "# HELP xenflight_store_bytes_max The budget of bytes.",
    };
    const uint64_t now = now_wall_s();
    struct stat st;
    double when;
    char *text, *p;
    unsigned int i;

    assert_true(health_work(&h, &facts, true));
    text = read_text();
    for ( i = 0; i < sizeof(lines) / sizeof(lines[0]); i++ )
        assert_line(text, lines[i]);
    /* An unknown cause is there only if it was counted. */
    assert_null(strstr(text, "cause=\"unknown\""));
    p = strstr(text, "\nxenflight_time_seconds ");
    assert_non_null(p);
    assert_int_equal(sscanf(p, "\nxenflight_time_seconds %lf", &when), 1);
    assert_true(when >= now && when <= now + 60);
    /* Each family has one HELP and one TYPE, before its samples. */
    for ( p = text; (p = strstr(p, "# HELP xenflight_")); p++ )
    {
        char name[64], type[96], *at;

        assert_int_equal(sscanf(p, "# HELP %63s", name), 1);
        snprintf(type, sizeof(type), "\n# TYPE %s ", name);
        at = strchr(p, '\n');
        assert_true(at && !strncmp(at, type, strlen(type)));
        snprintf(type, sizeof(type), "# HELP %s ", name);
        assert_null(strstr(p + 1, type));
    }
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
}

static void test_textfile_counts_unknown_causes(void **state_)
{
    counters.of[OUTCOME_GONE][0] = 5;
    assert_true(health_work(&h, &facts, true));
    assert_line(read_text(),
                "xenflight_triggers_total{cause=\"unknown\",outcome=\"gone\"} 5");
    assert_null(strstr(read_text(),
                       "{cause=\"unknown\",outcome=\"written\"}"));
}

/* Nothing that lies there is followed, and no part is left. */
static void test_textfile_of_others(void **state_)
{
    char part[128], victim[96];
    struct stat st;

    snprintf(part, sizeof(part), "%s.part", path);
    snprintf(victim, sizeof(victim), "%s/victim", dir);
    close(open(victim, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(symlink(victim, part), 0);
    assert_true(health_work(&h, &facts, true));
    assert_false(h.file_failed);
    assert_int_equal(stat(victim, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(lstat(part, &st), -1);
    assert_line(read_text(), "xenflight_recording 1");
    /* A directory in its way: failed, and noted; then written again. */
    assert_int_equal(mkdir(part, 0700), 0);
    assert_true(health_work(&h, &facts, true));
    assert_true(h.file_failed);
    assert_int_equal(rmdir(part), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_true(health_work(&h, &facts, true));
    assert_true(h.file_failed);
    assert_int_equal(lstat(part, &st), -1);
    assert_int_equal(rmdir(path), 0);
    assert_true(health_work(&h, &facts, true));
    assert_false(h.file_failed);
    /* None is configured. */
    assert_int_equal(unlink(path), 0);
    c.textfile[0] = '\0';
    assert_true(health_work(&h, &facts, true));
    assert_int_equal(lstat(path, &st), -1);
}

static void test_nodes(void **state_)
{
    static const struct store_id file = { .wall_s = 1795297276, .gen = 3,
                                          .cause = 1 };
    const uint64_t now = now_wall_s();
    unsigned int o, cause;
    uint64_t suppressed = 0;

    assert_true(health_work(&h, &facts, true));
    assert_int_equal(h.nodes.state, HEALTH_RECORDING);
    assert_int_equal(h.nodes.running, 1);
    assert_int_equal(h.nodes.held, 2);
    assert_int_equal(h.nodes.has_last, 0);
    assert_int_equal(h.nodes.written, count_sum(&counters, OUTCOME_WRITTEN));
    assert_int_equal(h.nodes.failed, count_sum(&counters, OUTCOME_FAILED) +
                                     count_sum(&counters, OUTCOME_GONE));
    for ( o = 0; o < OUTCOMES; o++ )
        for ( cause = 0; cause < STORE_CAUSES; cause++ )
            if ( o > OUTCOME_GONE )
                suppressed += counters.of[o][cause];
    assert_int_equal(h.nodes.suppressed, suppressed);
    assert_int_equal(h.nodes.reach_s[0], 1);
    assert_int_equal(h.nodes.reach_s[1], 3);
    assert_true(h.nodes.wall_s >= now && h.nodes.wall_s <= now + 60);
    health_snapshot(&h, "/state", &file);
    facts.engine_ready = false;
    assert_true(health_work(&h, &facts, true));
    assert_int_equal(h.nodes.running, 0);
    assert_int_equal(h.nodes.has_last, 1);
    assert_string_equal(h.nodes.last,
                        "/state/20261121T214116Z-host-request-g3.xfr.lz4");
}

static void test_states(void **state_)
{
    static const struct {
        uint32_t state;
        enum health_state want;
        const char *text;
    } all[] = {
        { 0, HEALTH_NO_BUFFERS, "no-buffers" },
        { XEN_FLIGHTREC_ST_CREATED, HEALTH_STOPPED, "stopped" },
        { XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING,
          HEALTH_RECORDING, "recording" },
        { XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING |
          XEN_FLIGHTREC_ST_PANICKED, HEALTH_PANICKED, "panicked" },
    };
    char want[64];
    unsigned int i;

    for ( i = 0; i < 4; i++ )
    {
        state = all[i].state;
        assert_true(health_work(&h, &facts, true));
        assert_int_equal(h.nodes.state, all[i].want);
        snprintf(want, sizeof(want), "STATUS=%s; ", all[i].text);
        assert_non_null(strstr(told(), want));
        snprintf(want, sizeof(want), "xenflight_recording %d", i == 2);
        assert_line(read_text(), want);
    }
    xen_error = -EPERM;
    assert_true(health_work(&h, &facts, true));
    assert_int_equal(h.nodes.state, HEALTH_UNKNOWN);
    assert_non_null(strstr(told(), "STATUS=unknown; "));
}

static void test_manager(void **state_)
{
    /* Neither ready nor about to be: no READY yet. */
    facts.engine_ready = false;
    facts.xenstore_up = false;
    assert_true(health_work(&h, &facts, true));
    assert_string_equal(told(),
                        "STATUS=recording; back 1.5 s, life cycle 3.0 s; 28 "
                        "written, 266 failed, 2478 suppressed; starting the "
                        "engine; no xenstored");
    assert_false(h.ready);
    /* An engine that fails is tried again: the daemon itself is up. */
    facts.engine_failing = true;
    assert_true(health_work(&h, &facts, true));
    assert_memory_equal(told(), "READY=1\nSTATUS=recording; ", 26);
    assert_true(h.ready);
    facts.engine_ready = facts.xenstore_up = true;
    assert_true(health_work(&h, &facts, true));
    assert_string_equal(told(),
                        "STATUS=recording; back 1.5 s, life cycle 3.0 s; 28 "
                        "written, 266 failed, 2478 suppressed");
    assert_string_equal(told(), "");
    health_end(&h);
    assert_string_equal(told(), "STOPPING=1");
}

/* Once it ran, it is told only if the engine made progress since. */
static void test_watchdog(void **state_)
{
    assert_false(health_watchdog(&h, true));
    assert_string_equal(told(), "");
    h.notify.watchdog_ms = 1000;
    assert_true(health_watchdog(&h, true));
    assert_string_equal(told(), "");
    health_alive(&h);
    assert_true(health_watchdog(&h, true));
    assert_string_equal(told(), "WATCHDOG=1");
    assert_true(health_watchdog(&h, true));
    assert_string_equal(told(), "");
    /* None runs, since one is about to be started. */
    assert_true(health_watchdog(&h, false));
    assert_string_equal(told(), "WATCHDOG=1");
}

static void test_when_it_reports(void **state_)
{
    assert_int_equal(health_wait_ms(&h), -1);
    assert_false(health_work(&h, &facts, false));
    health_changed(&h);
    /* The first one at once. */
    assert_int_equal(health_wait_ms(&h), 0);
    assert_true(health_work(&h, &facts, false));
    assert_int_equal(health_wait_ms(&h), -1);
    assert_false(health_work(&h, &facts, false));
    health_changed(&h);
    h.told_ms = now_ms() + 500000;
    assert_true(health_wait_ms(&h) > 500000);
    assert_true(health_wait_ms(&h) <= 500000 + HEALTH_MS);
    assert_false(health_work(&h, &facts, false));
    assert_true(h.changed);
    /* A heartbeat does not wait. */
    assert_true(health_work(&h, &facts, true));
    assert_false(h.changed);
    health_changed(&h);
    h.told_ms = now_ms() - HEALTH_MS;
    assert_int_equal(health_wait_ms(&h), 0);
    assert_true(health_work(&h, &facts, false));
    assert_true(h.told_ms + 60000 > now_ms());
}

/*
 * The socket of the service manager.
 */

static void test_notify_addresses(void **state_)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct notify n;
    char name[200], text[32];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    /* An abstract name, which an @ stands for. */
    snprintf(name, sizeof(name), "@xenflight-test-%d", getpid());
    strcpy(sun.sun_path + 1, name + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&sun,
                          offsetof(struct sockaddr_un, sun_path) +
                              strlen(name)), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    notify_open(&n);
    assert_true(n.fd >= 0);
    assert_null(getenv("NOTIFY_SOCKET"));
    notify_send(&n, "X=1");
    assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 3);
    close(n.fd);
    close(fd);
    /* The longest path, and one that is too long. */
    memset(name, 'x', sizeof(name));
    name[0] = '/';
    name[sizeof(sun.sun_path) - 1] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    notify_open(&n);
    assert_true(n.fd >= 0);
    assert_int_equal(n.len, offsetof(struct sockaddr_un, sun_path) +
                            sizeof(sun.sun_path) - 1);
    notify_send(&n, "no one listens");
    close(n.fd);
    name[sizeof(sun.sun_path) - 1] = 'x';
    name[sizeof(sun.sun_path)] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    notify_open(&n);
    assert_int_equal(n.fd, -1);
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_open(&n);
    assert_int_equal(n.fd, -1);
    notify_send(&n, "nowhere");
    unsetenv("NOTIFY_SOCKET");
    notify_open(&n);
    assert_int_equal(n.fd, -1);
}

static void test_notify_watchdog(void **state_)
{
    struct notify n;
    char pid[16];

    setenv("NOTIFY_SOCKET", "/none", 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_open(&n);
    assert_int_equal(n.watchdog_ms, 30000);
    assert_null(getenv("WATCHDOG_USEC"));
    close(n.fd);
    /* For another process. */
    setenv("NOTIFY_SOCKET", "/none", 1);
    setenv("WATCHDOG_USEC", "30000000", 1);
    snprintf(pid, sizeof(pid), "%d", getpid() + 1);
    setenv("WATCHDOG_PID", pid, 1);
    notify_open(&n);
    assert_int_equal(n.watchdog_ms, 0);
    assert_null(getenv("WATCHDOG_PID"));
    close(n.fd);
    setenv("NOTIFY_SOCKET", "/none", 1);
    setenv("WATCHDOG_USEC", "5000", 1);
    snprintf(pid, sizeof(pid), "%d", getpid());
    setenv("WATCHDOG_PID", pid, 1);
    notify_open(&n);
    assert_int_equal(n.watchdog_ms, 5);
    close(n.fd);
    /* Nowhere to report to. */
    unsetenv("NOTIFY_SOCKET");
    setenv("WATCHDOG_USEC", "5000", 1);
    notify_open(&n);
    assert_int_equal(n.watchdog_ms, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_textfile),
        TEST(test_textfile_counts_unknown_causes),
        TEST(test_textfile_of_others),
        TEST(test_nodes),
        TEST(test_states),
        TEST(test_manager),
        TEST(test_watchdog),
        TEST(test_when_it_reports),
        TEST(test_notify_addresses),
        TEST(test_notify_watchdog),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
