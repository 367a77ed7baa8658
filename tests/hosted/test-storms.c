/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-storms.c: the trials of a daemon that runs for years: a xenstored that
 * hangs, floods of triggers, signals at any moment, clocks that are set.
 *
 *   test-storms BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "guest.h"
#include "tests/lib/owntime.h"

#define HANDLE "00112233445566778899aabbccddeeff"

static int tool(struct world *w, const char *command, const char *arg)
{
    char path[300], *out;
    const char *argv[] = { path, command, "--run", w->run, "--backend",
                           w->backend, arg, NULL };
    int rc;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    rc = run(&out, argv);
    check_at(__LINE__, !rc, "%s: %d: %s", command, rc, out);
    free(out);
    return rc;
}

/* The next file is whole and of this cause; its meta document. */
static json_t *next_file(struct world *w, const char *cause)
{
    char *path = wait_file(w);
    json_t *meta = path ? file_meta(path) : NULL;

    check_at(__LINE__, meta, "%s: no whole file of a %s",
             path ? path : "none", cause);
    same(text_of(json_object_get(meta, "trigger"), "cause"), cause);
    free(path);
    return meta;
}

static void answered(struct world *w, const char *name)
{
    char path[64], *answer;

    snprintf(path, sizeof(path), "/tool/xenflight/request/%s", name);
    xs_put(w, path, "");
    answer = xs_answer_of(w, name);
    same(answer, "done");
    free(answer);
    json_decref(next_file(w, "request"));
}

/*
 * A xenstored that hangs.
 */

static void xenstored_stop(struct world *w)
{
    kill(w->xenstored, SIGSTOP);
    check(wait_log(w, "xenstored does not answer"));
}

static void xenstored_goes_on(struct world *w)
{
    kill(w->xenstored, SIGCONT);
    check(wait_log(w, "xenstored answers again"));
}

/* Requests of Xen and of an administrator are served during it. */
static void case_xenstored_hangs(struct world *w)
{
    up(w, "heartbeat = 1\n");
    domain_new(w, 5, HANDLE, "web-1");
    answered(w, "first");
    xenstored_stop(w);
    host(w, "crash 5 1");
    json_decref(next_file(w, "crash"));
    kill(w->daemon, SIGUSR1);
    json_decref(next_file(w, "request"));
    tool(w, "snapshot", "--wait");
    json_decref(next_file(w, "request"));
    tool(w, "stop", NULL);
    tool(w, "start", NULL);
    xenstored_goes_on(w);
    answered(w, "again");
}

/* A domain created and crashed during it: Xen knows its identity. */
static void case_crash_while_xenstored_hangs(struct world *w)
{
    json_t *meta, *trigger;

    up(w, "heartbeat = 1\n");
    xenstored_stop(w);
    host(w, "domain 7 " HANDLE " 1");
    host(w, "crash 7 1");
    meta = next_file(w, "crash");
    trigger = json_object_get(meta, "trigger");
    equal(num_of(trigger, "domid"), 7);
    same(text_of(trigger, "uuid"), "00112233-4455-6677-8899-aabbccddeeff");
    json_decref(meta);
    xenstored_goes_on(w);
    answered(w, "again");
}

/* It is killed while it hangs, and another one comes. */
static void case_xenstored_hangs_and_dies(struct world *w)
{
    up(w, "heartbeat = 1\n");
    xenstored_stop(w);
    xenstored_kill(w);
    check(wait_log(w, "xenstored is gone"));
    xenstored_start(w);
    check(wait_log(w, "xenstore: connected again"));
    answered(w, "anew");
}

/* Neither the end nor the start waits for it for ever. */
static void case_start_while_xenstored_hangs(struct world *w)
{
    up(w, "heartbeat = 1\n");
    kill(w->xenstored, SIGSTOP);
    equal(daemon_stop(w), 0);
    check(logged(w, "the status nodes stay"));
    daemon_start(w);
    check(wait_log(w, "xenstored does not answer"));
    check(wait_log(w, "watching; snapshots go to"));
    kill(w->daemon, SIGUSR1);
    json_decref(next_file(w, "request"));
    xenstored_goes_on(w);
    answered(w, "again");
}

/*
 * Floods.
 */

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* `xenflight status --json`; json_decref() it. */
static json_t *status(struct world *w)
{
    char path[300], *out;
    const char *argv[] = { path, "status", "--json", "--run", w->run,
                           "--backend", w->backend, NULL };
    json_t *all;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    check(!run(&out, argv));
    all = json_loads(out, 0, NULL);
    free(out);
    return all;
}

/* Outcomes of crashes in the daemon's counters: their sum without "gone". */
static int64_t outcomes(struct world *w, int64_t *written, int64_t *gone)
{
    json_t *all = status(w), *d = json_object_get(all, "daemon"), *v;
    json_t *crash = json_object_get(json_object_get(d, "causes"), "crash");
    const char *k;
    int64_t sum = 0;

    json_object_foreach(crash, k, v)
        sum += json_integer_value(v);
    *written = num_of(crash, "written");
    *gone = num_of(crash, "gone");
    json_decref(all);
    return sum - *gone;
}

/* Nothing is held any more. */
static bool wait_released(struct world *w)
{
    const uint64_t end = own_ms() + WAIT_MS;

    while ( host(w, "held") )
    {
        if ( own_ms() > end )
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

/* Ticks of CPU that a process has used. */
static long cpu_ms(pid_t pid)
{
    char path[64], line[1024] = "", *p;
    unsigned long user = 0, system = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    if ( f && fgets(line, sizeof(line), f) && (p = strrchr(line, ')')) )
        sscanf(p + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu",
               &user, &system);
    if ( f )
        fclose(f);
    return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

#define FLOOD_RATE  10000
#define FLOOD_BATCH 50
#define FLOOD_DOMS  20
#define FLOOD_TOTAL 10

/* FLOOD_S seconds of FLOOD_RATE triggers a second: each has an outcome. */
static void case_flood_of_triggers(struct world *w)
{
    const char *s = getenv("FLOOD_S");
    const int64_t n = (s ? atoi(s) : 2) * FLOOD_RATE;
    int64_t i, sum, written, gone, given_up, deferred;
    uint64_t begin, due, now;
    long rss[2], cpu[2];
    json_t *all, *r;
    char handle[40];
    size_t said;

    up(w, "[limit]\ndomain = 1/1h\ntotal = 10/1h\n");
    for ( i = 0; i < FLOOD_DOMS; i++ )
    {
        snprintf(handle, sizeof(handle), "%032d", (int)i + 1);
        host(w, "domain %d %s 1", (int)i + 1, handle);
    }
    kill(w->daemon, SIGUSR1);
    json_decref(next_file(w, "request"));
    rss[0] = status_line(w->daemon, "VmRSS");
    rss[1] = status_line(engine_pid(w), "VmRSS");
    cpu[0] = cpu_ms(w->daemon);
    cpu[1] = cpu_ms(engine_pid(w));
    said = w->text_bytes;
    begin = now_ns();
    for ( i = 0; i < n; i++ )
    {
        host(w, "crash %d %d", (int)(i % FLOOD_DOMS) + 1, (int)i & 1);
        due = begin + (i + 1) * (1000000000ULL / FLOOD_RATE);
        if ( i % FLOOD_BATCH == 0 && (now = now_ns()) < due )
            poll(NULL, 0, (due - now) / 1000000);
    }
    now = now_ns();
    check(wait_released(w));
    /* It answers after its pending work: all is counted then. */
    kill(w->daemon, SIGUSR1);
    json_decref(next_file(w, "crash"));
    check(wait_log(w, "request by signal"));
    sum = outcomes(w, &written, &gone);
    all = status(w);
    r = json_object_get(all, "recorder");
    given_up = num_of(r, "given_up");
    deferred = num_of(r, "deferred");
    json_decref(all);
    printf("# measured: %jd triggers, %jd a second: written %jd, suppressed "
           "%jd, gave way to newer ones %jd, nothing left to hold %jd\n",
           (intmax_t)n, (intmax_t)(n * 1000000000 / (int64_t)(now - begin)),
           (intmax_t)written, (intmax_t)(sum - written), (intmax_t)given_up,
           (intmax_t)deferred);
    printf("# measured: RSS: monitor %ld to %ld KiB, engine %ld to %ld KiB; "
           "CPU: monitor %ld ms, engine %ld ms; %zu bytes of log\n",
           rss[0], status_line(w->daemon, "VmRSS"), rss[1],
           status_line(engine_pid(w), "VmRSS"), cpu_ms(w->daemon) - cpu[0],
           cpu_ms(engine_pid(w)) - cpu[1], w->text_bytes - said);
    equal(sum + given_up + deferred, n);
    check(gone <= given_up);
    check(written <= FLOOD_TOTAL);
    check(status_line(w->daemon, "VmRSS") - rss[0] < 1024);
    check(status_line(engine_pid(w), "VmRSS") - rss[1] < 2048);
    check((int64_t)(w->text_bytes - said) < 65536 + n / 10);
}

/* Crash, restart under another number: the limit is the uuid's. */
static void case_crash_loops(struct world *w)
{
    int64_t sum, written, gone;
    unsigned int turn, i, domid = 1;
    char handle[40];

    up(w, "[limit]\ndomain = 1/1h\ntotal = off\n[store]\nmax_files = 1000\n");
    for ( turn = 0; turn < 3; turn++ )
        for ( i = 0; i < 50; i++, domid = domid % 60 + 1 )
        {
            snprintf(handle, sizeof(handle), "%032u", i + 1);
            host(w, "domain %u %s 1", domid, handle);
            host(w, "crash %u %u", domid, i & 1);
            check(wait_released(w));
            host(w, "gone %u", domid);
        }
    kill(w->daemon, SIGUSR1);
    check(wait_log(w, "request by signal"));
    sum = outcomes(w, &written, &gone);
    equal(sum, 150);
    equal(written, 50);
    equal(gone, 0);
}

/*
 * Identity and time.
 */

static void case_trigger_during_snapshot(struct world *w)
{
    up(w, NULL);
    domain_new(w, 5, HANDLE, "web-1");
    host(w, "fill 0 20000");
    kill(w->daemon, SIGUSR1);
    check(wait_part(w));
    host(w, "crash 5 1");
    json_decref(next_file(w, "request"));
    json_decref(next_file(w, "crash"));
    equal(count_files(w), 2);
    equal(count_entries(w), 2);
}

/* Its number is given to another domain before the hold is read. */
static void case_gone_before_read(struct world *w)
{
    json_t *meta, *trigger;

    up(w, NULL);
    domain_new(w, 5, HANDLE, "first");
    kill(w->daemon, SIGUSR1);
    json_decref(next_file(w, "request"));
    kill(engine_pid(w), SIGSTOP);
    host(w, "crash 5 1");
    check(xs_rm_domain(w, 5));
    host(w, "gone 5");
    check(xs_release(w, 5));
    domain_new(w, 5, "ffeeddccbbaa99887766554433221100", "second");
    kill(engine_pid(w), SIGCONT);
    meta = next_file(w, "crash");
    trigger = json_object_get(meta, "trigger");
    same(text_of(trigger, "name"), "first");
    same(text_of(trigger, "uuid"), "00112233-4455-6677-8899-aabbccddeeff");
    json_decref(meta);
}

/* Whatever engine dies over a guest's request: one file, and an answer. */
static void case_engine_dies_over_guest(struct world *w)
{
    struct guest_ring g;
    unsigned int i;
    char *path;

    up(w, "[guests]\nmay_ask = all\n[limit]\nguest = off\n");
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    for ( i = 0; i < 4; i++ )
    {
        host(w, "fill 0 20000");
        check(guest_write(&g, ASK, "why", 3) >= 0);
        check(wait_part(w));
        if ( i < 2 )
            kill(engine_pid(w), SIGKILL);
        path = wait_file(w);
        check_at(__LINE__, path && strstr(path, "-guest-request-"),
                 "%s is no guest's", path ? path : "no file");
        if ( i >= 2 )
            kill(engine_pid(w), SIGKILL);
        free(path);
        check(guest_sees(&g, ASK, ""));
        check(guest_sees(&g, STATUS, "done"));
        equal(count_files(w), i + 1);
        equal(count_entries(w), i + 1);
    }
    guest_close(&g);
}

/*
 * Signals and clocks.
 */

/* Both halves, at any moment; a stop and its end make calls return early. */
static void case_signals(struct world *w)
{
    static const int sig[] = { SIGUSR1, SIGHUP, SIGCHLD, SIGPIPE, SIGSTOP };
    uint64_t end;
    unsigned int r = 1;
    int64_t written, gone;
    pid_t pid, engine;
    char *answer;

    up(w, "[limit]\nrequests = off\n[store]\nmax_files = 5000\n");
    kill(w->daemon, SIGUSR1);
    json_decref(next_file(w, "request"));
    engine = engine_pid(w);
    if ( !check(engine > 0) )
        return;
    end = now_ns() + 1500 * 1000000ULL;
    while ( now_ns() < end )
    {
        r = r * 1103515245 + 12345;
        pid = r >> 16 & 1 ? engine : w->daemon;
        kill(pid, sig[(r >> 17) % 5]);
        kill(pid, SIGCONT);
        poll(NULL, 0, 1);
    }
    domain_new(w, 5, HANDLE, "web-1");
    host(w, "crash 5 1");
    check(wait_released(w));
    xs_put(w, "/tool/xenflight/request/after", "");
    answer = xs_answer_of(w, "after");
    same(answer, "done");
    free(answer);
    equal(outcomes(w, &written, &gone), 1);
    equal(written, 1);
    equal(engine_pid(w), engine);
    check(!logged(w, "error: "));
    equal(daemon_stop(w), 0);
    equal(count_entries(w), count_files(w));
}

/* A reader of the log that stops reading stops nothing else. */
static void case_nobody_reads_log(struct world *w)
{
    unsigned int i;

    up(w, NULL);
    check(fcntl(w->log, F_SETPIPE_SZ, 4096) >= 0);
    for ( i = 0; i < 200; i++ )
    {
        kill(w->daemon, SIGHUP);
        poll(NULL, 0, 1);
    }
    host(w, "crash 5 1");
    json_decref(next_file(w, "crash"));
    check(wait_log(w, "configuration: reloaded"));
    kill(w->daemon, SIGHUP);
    check(wait_log(w, "lines before this one were lost"));
}

static int year_of(char *path)
{
    const char *name = path ? strrchr(path, '/') : NULL;
    int year = 0;

    check(name && sscanf(name, "/%4dT", &year) == 1);
    free(path);
    return year;
}

#define YEAR_S (366 * 86400LL)

/* Names have the clock's time; limits and order do not depend on it. */
static void case_clock_steps(struct world *w)
{
    char path[128], preload[300];
    volatile int64_t *offset;
    int64_t sum, written, gone;
    int fd, year;

    world_start(w, "[limit]\ndomain = 3/1h\n");
    snprintf(path, sizeof(path), "%s/clock", w->dir);
    snprintf(preload, sizeof(preload), "%s/tests/fake/fakeclock.so",
             cases_build);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    check(!ftruncate(fd, sizeof(*offset)));
    offset = mmap(NULL, sizeof(*offset), PROT_READ | PROT_WRITE, MAP_SHARED,
                  fd, 0);
    close(fd);
    setenv("FAKECLOCK", path, 1);
    setenv("LD_PRELOAD", preload, 1);
    daemon_start(w);
    unsetenv("LD_PRELOAD");
    unsetenv("FAKECLOCK");
    check(wait_log(w, "watching"));
    domain_new(w, 5, HANDLE, "web-1");
    host(w, "crash 5 1");
    year = year_of(wait_file(w));
    check(year > 2000);
    *offset = 2 * YEAR_S;
    host(w, "crash 5 1");
    equal(year_of(wait_file(w)), year + 2);
    /* While it writes. */
    host(w, "fill 0 20000");
    host(w, "crash 5 1");
    check(wait_part(w));
    *offset = -2 * YEAR_S;
    free(wait_file(w));
    host(w, "crash 5 1");
    check(wait_log(w, "beyond the limit of its domain"));
    *offset = 2 * YEAR_S;
    host(w, "crash 5 1");
    check(wait_released(w));
    *offset = -2 * YEAR_S;
    kill(w->daemon, SIGUSR1);
    equal(year_of(wait_file(w)), year - 2);
    sum = outcomes(w, &written, &gone);
    equal(written, 3);
    equal(sum, 5);
    equal(count_files(w), 4);
    munmap((void *)offset, sizeof(*offset));
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        BOTH(xenstored_hangs),
        CASE(crash_while_xenstored_hangs),
        BOTH(xenstored_hangs_and_dies),
        CASE(start_while_xenstored_hangs),
        CASE(flood_of_triggers),
        CASE(crash_loops),
        CASE(trigger_during_snapshot),
        CASE(gone_before_read),
        CASE(engine_dies_over_guest),
        CASE(signals),
        CASE(nobody_reads_log),
        CASE(clock_steps),
    };

    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
