/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-policy.c: the daemon obeys snapshotd.conf: limits, budgets, causes, the
 * delay, pins, and a configuration that is reloaded.
 *
 *   test-policy BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "tests/lib/owntime.h"

#define HANDLE_A "00112233445566778899aabbccddeeff"
#define HANDLE_B "ffeeddccbbaa99887766554433221100"
#define UUID_A   "00112233-4455-6677-8899-aabbccddeeff"

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* The "daemon" part of `xenflight status --json`; json_decref() it. */
static json_t *status(struct world *w)
{
    char path[300], *out;
    const char *argv[] = { path, "status", "--json", "--run", w->run, NULL };
    json_t *all, *daemon;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    check(run(&out, argv) == 0);
    all = json_loads(out, 0, NULL);
    daemon = json_incref(json_object_get(all, "daemon"));
    json_decref(all);
    free(out);
    return daemon;
}

/* The monitor's counters reach the engine, which answers, a little later. */
static void check_status(struct world *w, const char *what)
{
    const uint64_t end = own_ms() + WAIT_MS;
    char path[300], *out;
    const char *argv[] = { path, "status", "--run", w->run, NULL };
    bool found;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    do {
        check(run(&out, argv) == 0);
        found = strstr(out, what) != NULL;
        free(out);
    } while ( !found && own_ms() < end );
    check_at(__LINE__, found, "not in the status: %s", what);
}

/* How many triggers of a cause had this outcome. */
static int64_t count(struct world *w, const char *cause, const char *outcome)
{
    json_t *d = status(w);
    int64_t n = num_of(json_object_get(json_object_get(d, "causes"), cause),
                       outcome);

    json_decref(d);
    return n;
}

static void write_conf(struct world *w, const char *more)
{
    FILE *f = fopen(w->conf, "we");

    fprintf(f, "[daemon]\nuser = nobody\nstate = %s\nrun = %s\n%s", w->state,
            w->run, more);
    fclose(f);
}

static void reload(struct world *w, const char *more)
{
    write_conf(w, more);
    kill(w->daemon, SIGHUP);
}

/* A crash that becomes a file; free() its name. */
static char *crash_file(struct world *w, unsigned int domid)
{
    char *path;

    host(w, "crash %u 0", domid);
    path = wait_file(w);
    check(path != NULL);
    return path;
}

static void crash_files(struct world *w, unsigned int domid, unsigned int n)
{
    while ( n-- )
        free(crash_file(w, domid));
}

static void request(struct world *w, const char *name, const char *want,
                    const char *error)
{
    char path[128], *answer;

    snprintf(path, sizeof(path), "/tool/xenflight/request/%s", name);
    xs_put(w, path, "");
    answer = xs_answer_of(w, name);
    same(answer, want);
    free(answer);
    if ( !error )
        return;
    snprintf(path, sizeof(path), "/tool/xenflight/result/%s/error", name);
    answer = xs_get(w, path);
    check(answer && strstr(answer, error));
    free(answer);
}

static bool there(const char *path)
{
    return !access(path, F_OK);
}

/*
 * Limits.
 */

static void case_limits(struct world *w)
{
    up(w, "[limit]\ndomain = 2/1h\ntotal = 3/1h\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    crash_files(w, 5, 2);
    /* Another life of the same domain has no more than the first. */
    host(w, "gone 5");
    domain_new(w, 6, HANDLE_A, "web-1");
    host(w, "crash 6 0");
    check(wait_log(w, "crash: no snapshot: beyond the limit of its domain"));
    domain_new(w, 7, HANDLE_B, "web-2");
    crash_files(w, 7, 1);
    host(w, "crash 7 1");
    check(wait_log(w, "beyond the limit over all domains"));
    /* A new engine does not fill them. */
    kill(engine_pid(w), SIGKILL);
    check(wait_log(w, "ended by signal 9"));
    host(w, "crash 6 0");
    check(wait_log(w, "beyond the limit of its domain"));
    equal(count(w, "crash", "written"), 3);
    equal(count(w, "crash", "limit_domain"), 2);
    equal(count(w, "crash", "limit_total"), 1);
    /* Operators' requests have a limit of their own. */
    request(w, "r", "done", NULL);
    equal(count_files(w), 4);
}

static void case_limit_of_requests(struct world *w)
{
    up(w, "[limit]\nrequests = 2/1h\n");
    request(w, "a", "done", NULL);
    request(w, "b", "done", NULL);
    request(w, "c", "failed", "too many requests in a row");
    equal(count(w, "request", "limit_requests"), 1);
    domain_new(w, 5, HANDLE_A, "web-1");
    crash_files(w, 5, 1);
}

static void case_causes(struct world *w)
{
    up(w, "[trigger]\ncauses = triple-fault\nrequests = socket\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    host(w, "crash 5 0");
    check(wait_log(w, "crash: no snapshot: off in the configuration"));
    request(w, "a", "failed", "such requests are off");
    equal(count(w, "crash", "off"), 1);
    equal(count(w, "request", "refused"), 1);
    equal(count_files(w), 0);
    /* Nothing of it is held any more: one can be asked for. */
    reload(w, "[trigger]\nrequests = xenstore\n");
    check(wait_log(w, "configuration: reloaded"));
    request(w, "b", "done", NULL);
}

static void case_delay(struct world *w)
{
    uint64_t start, own;
    char *path;

    up(w, "[trigger]\ndelay = 3s\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    start = now_ms();
    own = own_ms();
    xs_put(w, "/tool/xenflight/request/later", "");
    check(wait_log(w, "request: "));
    /* A crash during the delay does not wait. */
    path = crash_file(w, 5);
    check(path && strstr(path, "-crash-g1"));
    check(own_ms() - own < 3000);
    free(path);
    path = wait_file(w);
    check(path && strstr(path, "-request-g2"));
    check(now_ms() - start >= 3000);
    free(path);
}

/*
 * Budgets.
 */

/*
 * In a process of its own: looks at the directory again and again, until it
 * gets a signal; its status is 0 if never more than `max` was there.  A
 * file that is renamed between two names is seen under both: once counts.
 */
static volatile sig_atomic_t enough;

static void on_enough(int sig)
{
    enough = 1;
}

static bool exceeded(const char *dir, uint64_t max_bytes, unsigned int max)
{
    char seen[64][256];
    struct dirent *e;
    uint64_t bytes = 0;
    unsigned int n = 0, i;
    struct stat st;
    DIR *d = opendir(dir);

    while ( d && (e = readdir(d)) && n < 64 )
    {
        snprintf(seen[n], sizeof(seen[n]), "%.*s",
                 (int)strcspn(e->d_name, "."), e->d_name);
        for ( i = 0; i < n && strcmp(seen[i], seen[n]); i++ )
            continue;
        if ( e->d_name[0] == '.' || i < n ||
             fstatat(dirfd(d), e->d_name, &st, 0) )
            continue;
        bytes += st.st_size;
        n++;
    }
    if ( d )
        closedir(d);
    return n > max || bytes > max_bytes;
}

static pid_t watch_budget(const char *dir, uint64_t max_bytes,
                          unsigned int max)
{
    pid_t pid = fork();
    unsigned long looks = 0;

    if ( pid )
        return pid;
    signal(SIGTERM, on_enough);
    while ( !enough )
    {
        looks++;
        if ( exceeded(dir, max_bytes, max) )
            _exit(1);
    }
    _exit(looks < 100 ? 2 : 0);
}

static void case_budget_at_any_instant(struct world *w)
{
    const uint64_t max = 1 << 20;
    json_t *d, *store;
    pid_t watcher;
    int status_, i;

    up(w, "[limit]\ndomain = off\ntotal = off\n"
          "[store]\nmax_files = 12\nmax_bytes = 1M\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    domain_new(w, 6, HANDLE_B, "web-2");
    watcher = watch_budget(w->state, max, 12);
    for ( i = 0; i < 30; i++ )
    {
        host(w, "fill 0 30000");
        free(crash_file(w, 5 + i % 3 % 2));
    }
    kill(watcher, SIGTERM);
    waitpid(watcher, &status_, 0);
    equal(status_, 0);
    d = status(w);
    store = json_object_get(d, "store");
    equal(num_of(store, "files"), count_files(w));
    check(num_of(store, "evicted") > 0);
    equal(num_of(store, "files") + num_of(store, "evicted"), 30);
    json_decref(d);
}

static void case_pinned(struct world *w)
{
    char tool_path[300], *path[5], *out;
    const char *argv[] = { tool_path, "pin", NULL, NULL };
    int i;

    up(w, "[limit]\ndomain = off\n[store]\nmax_files = 4\n");
    snprintf(tool_path, sizeof(tool_path), "%s/tools/xenflight", cases_build);
    domain_new(w, 5, HANDLE_A, "web-1");
    for ( i = 0; i < 4; i++ )
        path[i] = crash_file(w, 5);
    argv[2] = path[1];
    equal(run(&out, argv), 0);
    free(out);
    path[4] = crash_file(w, 5);
    /* The first of its kind, and the pinned one: the next oldest goes. */
    check(there(path[0]) && there(path[1]) && !there(path[2]));
    argv[1] = "unpin";
    equal(run(&out, argv), 0);
    free(out);
    crash_files(w, 5, 1);
    check(there(path[0]) && !there(path[1]) && there(path[3]));
    argv[2] = path[2];
    equal(run(&out, argv), 1);
    free(out);
    for ( i = 0; i < 5; i++ )
        free(path[i]);
}

static void case_operators_keep_no_crash_out(struct world *w)
{
    up(w, "[store]\nmax_files = 4\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    request(w, "a", "done", NULL);
    request(w, "b", "done", NULL);
    request(w, "c", "failed", "budget");
    free(wait_file(w));
    free(wait_file(w));
    crash_files(w, 5, 3);
    equal(count_files(w), 4);
    equal(count(w, "request", "budget"), 1);
}

static void case_free_space_floor(struct world *w)
{
    world_start(w, "[store]\nmin_free = 7M\n");
    if ( mount("none", w->state, "tmpfs", 0, "size=4m,mode=700,uid=65534") )
    {
        printf("# note: no tmpfs can be mounted here: not tried\n");
        return;
    }
    daemon_start(w);
    check(wait_log(w, "watching"));
    request(w, "a", "failed", "less than min_free would stay free");
    equal(count_entries(w), 0);
    check(!mount("none", w->state, "tmpfs", MS_REMOUNT,
                 "size=8m,mode=700,uid=65534"));
    request(w, "b", "done", NULL);
    equal(daemon_stop(w), 0);
    check(!umount(w->state));
}

static void case_age(struct world *w)
{
    char old[300];
    int fd;

    world_start(w, "[store]\nmax_age = 1h\n");
    snprintf(old, sizeof(old), "%s/20200101T000000Z-" UUID_A
             "-crash-g1.xfr.lz4", w->state);
    fd = open(old, O_WRONLY | O_CREAT, 0600);
    check(fd >= 0);
    close(fd);
    daemon_start(w);
    check(wait_log(w, "removed: older than max_age"));
    check(!there(old));
}

static int64_t trigger_tsc(const char *path)
{
    json_t *meta = path ? file_meta(path) : NULL;
    int64_t tsc = num_of(json_object_get(meta, "trigger"), "tsc");

    json_decref(meta);
    return tsc;
}

/*
 * A wall clock that is wrong, or steps (tests/fake/fakeclock.c).
 */

#define YEAR_S (366 * 86400LL)

static volatile int64_t *clock_offset;

/* Starts the daemon with the clock that w has; the first time, with a new one. */
static void start_clocked(struct world *w, int64_t offset_s)
{
    char path[128], preload[300];
    int fd;

    snprintf(path, sizeof(path), "%s/clock", w->dir);
    snprintf(preload, sizeof(preload), "%s/tests/fake/fakeclock.so",
             cases_build);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    check(!ftruncate(fd, sizeof(*clock_offset)));
    clock_offset = mmap(NULL, sizeof(*clock_offset), PROT_READ | PROT_WRITE,
                        MAP_SHARED, fd, 0);
    close(fd);
    *clock_offset = offset_s;
    setenv("FAKECLOCK", path, 1);
    setenv("LD_PRELOAD", preload, 1);
    daemon_start(w);
    unsetenv("LD_PRELOAD");
    unsetenv("FAKECLOCK");
    check(wait_log(w, "watching"));
}

/* Makes the engine look for old files. */
static void look_for_old(struct world *w)
{
    kill(w->daemon, SIGHUP);
    check(wait_log(w, "configuration: reloaded"));
    request(w, "look", "done", NULL);
    check(xs_rm_answer(w, "look"));
    free(wait_file(w));
    poll(NULL, 0, 100);
}

/* Behind at first, then right, then ahead; and other engines and daemons. */
static void case_age_when_clock_steps(struct world *w)
{
    char *path[3];
    int i;

    world_start(w, "[store]\nmax_age = 90d\n[limit]\ndomain = off\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    start_clocked(w, -10 * YEAR_S);
    path[0] = crash_file(w, 5);
    *clock_offset = 0;
    path[1] = crash_file(w, 5);
    look_for_old(w);
    *clock_offset = 10 * YEAR_S;
    path[2] = crash_file(w, 5);
    look_for_old(w);
    kill(engine_pid(w), SIGKILL);
    check(wait_log(w, "ended by signal 9"));
    look_for_old(w);
    equal(daemon_stop(w), 0);
    start_clocked(w, 10 * YEAR_S);
    look_for_old(w);
    check(!logged(w, "older than max_age"));
    for ( i = 0; i < 3; i++ )
    {
        check_at(__LINE__, path[i] && there(path[i]), "file %d is gone", i);
        free(path[i]);
    }
    equal(daemon_stop(w), 0);
}

/* Of an earlier boot, and the clock is ahead since the start: no haste. */
static void case_age_when_clock_is_ahead(struct world *w)
{
    char *path, old[300];
    int fd;

    world_start(w, "[store]\nmax_age = 90d\n");
    snprintf(old, sizeof(old), "%s/20250101T000000Z-" UUID_A
             "-crash-g1.xfr.lz4", w->state);
    fd = open(old, O_WRONLY | O_CREAT, 0600);
    check(fd >= 0);
    close(fd);
    start_clocked(w, 60 * YEAR_S);
    request(w, "a", "done", NULL);
    path = wait_file(w);
    check(path && there(old) && !logged(w, "older than max_age"));
    free(path);
    equal(daemon_stop(w), 0);
    /* With a clock that agrees with the directory it goes. */
    start_clocked(w, 0);
    check(wait_log(w, "removed: older than max_age"));
    check(!there(old));
    equal(daemon_stop(w), 0);
}

/* Set back: the oldest goes, not the newest, and not each one at once. */
static void case_room_when_clock_is_set_back(struct world *w)
{
    char *path[6], handle[40];
    unsigned int i;

    world_start(w, "[store]\nmax_files = 3\n[limit]\ndomain = off\n");
    start_clocked(w, 0);
    for ( i = 0; i < 6; i++ )
    {
        if ( i == 3 )
            *clock_offset = -10 * YEAR_S;
        if ( i == 4 )
        {
            kill(engine_pid(w), SIGKILL);
            check(wait_log(w, "ended by signal 9"));
        }
        snprintf(handle, sizeof(handle), "%032u", i + 1);
        domain_new(w, i + 1, handle, "x");
        path[i] = crash_file(w, i + 1);
        /* Ages are in seconds. */
        poll(NULL, 0, 1100);
    }
    for ( i = 0; i < 6; i++ )
    {
        check_at(__LINE__, path[i] && there(path[i]) == (i >= 3),
                 "file %u: %s", i, i >= 3 ? "gone" : "still there");
        free(path[i]);
    }
    equal(daemon_stop(w), 0);
}

/*
 * A file system that lacks calls (tests/fake/fakedisk.c).
 */

static void on_such_a_disk(struct world *w, int error)
{
    char preload[300], number[16], *path;

    snprintf(preload, sizeof(preload), "%s/tests/fake/fakedisk.so",
             cases_build);
    check(!access(preload, R_OK));
    snprintf(number, sizeof(number), "%d", error);
    setenv("FAKEDISK", number, 1);
    setenv("LD_PRELOAD", preload, 1);
    daemon_start(w);
    unsetenv("LD_PRELOAD");
    unsetenv("FAKEDISK");
    check(wait_log(w, "watching"));
    path = crash_file(w, 5);
    check_at(__LINE__, trigger_tsc(path), "error %d: no whole file", error);
    free(path);
    equal(count_entries(w), count_files(w));
    equal(daemon_stop(w), 0);
    check(!logged(w, "no snapshot"));
}

static void case_disk_without_some_calls(struct world *w)
{
    static const int errors[] = { EINVAL, ENOSYS, EOPNOTSUPP };
    unsigned int i;

    world_start(w, "[limit]\ndomain = off\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    for ( i = 0; i < sizeof(errors) / sizeof(errors[0]); i++ )
        on_such_a_disk(w, errors[i]);
    equal(count_files(w), 3);
    check(!logged(w, "warning: store: "));
}

/*
 * Files of a former life of the host, whose generations have the same numbers.
 */

/* Copies a file to the names that are to come in the next minute. */
static void leave_behind(struct world *w, const char *from, const char *what,
                         unsigned int gen)
{
    const time_t now = time(NULL);
    char name[300], stamp[40];
    const char *argv[] = { "/bin/cp", "-p", from, name, NULL };
    struct tm tm;
    time_t t;
    char *out;

    for ( t = now; t < now + 60; t++ )
    {
        gmtime_r(&t, &tm);
        strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
        snprintf(name, sizeof(name), "%s/%s-%s-g%u.xfr.lz4", w->state, stamp,
                 what, gen);
        equal(run(&out, argv), 0);
        free(out);
    }
}

static void case_names_of_a_former_life(struct world *w)
{
    char *crash, *path, *answer;

    up(w, "[store]\nmax_files = 1000\n[limit]\ndomain = off\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    crash = crash_file(w, 5);
    equal(daemon_stop(w), 0);
    /* Held when the daemon starts: a former one might have written it. */
    leave_behind(w, crash, UUID_A "-crash", 2);
    host(w, "crash 5 0");
    daemon_start(w);
    check(wait_log(w, "durable"));
    path = wait_file(w);
    while ( path && !strstr(path, "-crash-g2-1.xfr.lz4") )
    {
        free(path);
        path = wait_file(w);
    }
    check(path && trigger_tsc(path) != trigger_tsc(crash));
    equal(count(w, "crash", "written"), 1);
    free(path);
    /* A request is not answered with such a file, nor does it lose its own. */
    leave_behind(w, crash, "host-request", 3);
    host(w, "quiesce 300");
    host(w, "hang 1");
    xs_put(w, "/tool/xenflight/request/a", "");
    check(wait_log(w, "generation 3: request"));
    kill(engine_pid(w), SIGKILL);
    check(wait_log(w, "ended by signal 9"));
    host(w, "run 1");
    answer = xs_answer_of(w, "a");
    same(answer, "done");
    free(answer);
    answer = xs_get(w, "/tool/xenflight/result/a/file");
    check(answer && strstr(answer, "-host-request-g3-1.xfr.lz4"));
    check(trigger_tsc(answer) != trigger_tsc(crash));
    free(answer);
    free(crash);
}

/* A complete file that a killed engine left, and another one has its name. */
static void case_part_of_a_former_life(struct world *w)
{
    char *first, part[300], again[300], *out;
    const char *argv[] = { "/bin/cp", "-p", NULL, part, NULL };
    unsigned int n;

    up(w, NULL);
    domain_new(w, 5, HANDLE_A, "web-1");
    first = crash_file(w, 5);
    equal(daemon_stop(w), 0);
    snprintf(part, sizeof(part), "%s.part", first);
    argv[2] = first;
    equal(run(&out, argv), 0);
    free(out);
    n = count_files(w);
    daemon_start(w);
    check(wait_log(w, "was complete, has its final name now"));
    equal(count_files(w), n + 1);
    equal(count_entries(w), n + 1);
    snprintf(again, sizeof(again), "%.*s-1.xfr.lz4",
             (int)(strlen(first) - strlen(".xfr.lz4")), first);
    check(trigger_tsc(again) == trigger_tsc(first));
    free(first);
}

/*
 * The configuration reloaded.
 */

static void case_reload(struct world *w)
{
    int i;

    up(w, "[limit]\ndomain = 1/1h\n");
    domain_new(w, 5, HANDLE_A, "web-1");
    crash_files(w, 5, 1);
    host(w, "crash 5 0");
    check(wait_log(w, "beyond the limit"));
    reload(w, "[limit]\ndomain = 9/1hour\n");
    check(wait_log(w, "/conf:6: domain = \"9/1hour\""));
    check(wait_log(w, "keeping the old one"));
    host(w, "crash 5 0");
    check(wait_log(w, "beyond the limit"));
    reload(w, "[limit]\ndomain = off\n");
    check(wait_log(w, "configuration: reloaded"));
    crash_files(w, 5, 1);
    write_conf(w, "user = no-such-user\n");
    kill(w->daemon, SIGHUP);
    check(wait_log(w, "does not exist"));
    check(wait_log(w, "keeping the old one"));
    write_conf(w, "[limit]\ndomain = off\n");
    /* None is lost, however often it is read in between. */
    for ( i = 0; i < 10; i++ )
    {
        kill(w->daemon, SIGHUP);
        host(w, "crash 5 %d", i % 2);
        kill(w->daemon, SIGHUP);
        free(wait_file(w));
    }
    equal(count_files(w), 12);
    equal(count(w, "crash", "written"), 12);
}

/* Another directory: a new engine takes it, between two snapshots. */
static void case_reload_other_directory(struct world *w)
{
    char *first, *second;

    up(w, NULL);
    domain_new(w, 5, HANDLE_A, "web-1");
    first = crash_file(w, 5);
    strcat(w->state, "2");
    reload(w, "");
    check(wait_log(w, "a new engine is needed"));
    host(w, "crash 5 0");
    check(wait_log(w, "records"));
    equal(count_files(w), 1);
    request(w, "a", "done", NULL);
    second = xs_get(w, "/tool/xenflight/result/a/file");
    check(second && strstr(second, "/state2/") && there(second));
    free(first);
    free(second);
}

/*
 * The hook.
 */

/* A script that the daemon's user can run, and a file that it can write. */
static void write_hook(struct world *w, const char *text)
{
    char path[128];
    FILE *f;
    int i;

    check(!chmod(w->dir, 0755));
    for ( i = 0; i < 2; i++ )
    {
        snprintf(path, sizeof(path), "%s/%s", w->dir, i ? "hook" : "out");
        f = fopen(path, "we");
        fputs(i ? text : "", f);
        fclose(f);
        check(!chmod(path, i ? 0755 : 0666));
    }
}

static char *read_out(struct world *w)
{
    char path[128], *text = calloc(1, 4096);
    FILE *f;

    snprintf(path, sizeof(path), "%s/out", w->dir);
    f = fopen(path, "re");
    check(fread(text, 1, 4095, f) > 0);
    fclose(f);
    return text;
}

static void hook_conf(struct world *w, char conf[512], const char *more)
{
    snprintf(conf, 512, "[hook]\nprogram = %s/hook %s/out a;b $HOME\n%s",
             w->dir, w->dir, more);
}

static void case_hook(struct world *w)
{
    char conf[512], *file, *out;
    json_t *o;

    up(w, NULL);
    write_hook(w, "#!/bin/sh\n"
                  "{ read -r json; echo \"$json\"; id -u; id -G; echo \"$#\";\n"
                  "echo \"$2 $3\"; ls /proc/self/fd | tr '\\n' ' '; echo;\n"
                  "grep -E 'NoNewPrivs|CapEff' /proc/self/status; env; } "
                  ">\"$1\"\n"
                  "exit 3\n");
    hook_conf(w, conf, "");
    reload(w, conf);
    check(wait_log(w, "configuration: reloaded"));
    domain_new(w, 5, HANDLE_A, "web-1");
    file = crash_file(w, 5);
    check(wait_log(w, "hook: exit status 3"));
    out = read_out(w);
    o = json_loads(out, JSON_DISABLE_EOF_CHECK, NULL);
    check(o != NULL);
    same(text_of(o, "file"), file);
    same(text_of(o, "cause"), "crash");
    same(text_of(o, "uuid"), UUID_A);
    equal(num_of(o, "domid"), 5);
    equal(num_of(o, "generation"), 1);
    check(num_of(o, "records") > 0);
    json_decref(o);
    /* Its user, its arguments unchanged, nothing open beyond ls's own. */
    check(strstr(out, "\n65534\n65534\n3\na;b $HOME\n0 1 2 3 \n") != NULL);
    check(strstr(out, "NoNewPrivs:\t1") != NULL);
    check(strstr(out, "CapEff:\t0000000000000000") != NULL);
    check(!strstr(out, "XENSTORED") && !strstr(out, "FAKEXEN"));
    free(out);
    free(file);
    check_status(w, "  crash           written 1\n");
    check_status(w, "Budget:    1 of 64 files");
    check_status(w, "Hook:      0 done, 1 failed");
    check_status(w, "Times:     on disk ");
}

/* One that hangs is ended with all it started, and holds up nothing. */
static void case_hook_that_hangs(struct world *w)
{
    char conf[512], *out;

    up(w, NULL);
    write_hook(w, "#!/bin/sh\nsleep 1000 & echo $! >\"$1\"; wait\n");
    hook_conf(w, conf, "timeout = 1s\n");
    reload(w, conf);
    check(wait_log(w, "configuration: reloaded"));
    domain_new(w, 5, HANDLE_A, "web-1");
    crash_files(w, 5, 2);
    check(wait_log(w, "hook: timed out: killed"));
    out = read_out(w);
    check(wait_gone(atoi(out)));
    check(wait_log(w, "hook: timed out: killed"));
    free(out);
    reload(w, "[hook]\nprogram = /no/such/program\n");
    check(wait_log(w, "configuration: reloaded"));
    crash_files(w, 5, 1);
    check(wait_log(w, "hook: exit status 127: its user cannot run the program"));
}

/* "off" is no limit; not one of 0 s. */
static void case_hook_without_timeout(struct world *w)
{
    char conf[512], *out;
    int ms;

    up(w, NULL);
    write_hook(w, "#!/bin/sh\nsleep 2; echo ran >>\"$1\"\n");
    hook_conf(w, conf, "timeout = off\n");
    reload(w, conf);
    check(wait_log(w, "configuration: reloaded"));
    domain_new(w, 5, HANDLE_A, "web-1");
    crash_files(w, 5, 1);
    check_status(w, "Hook:      1 done, 0 failed");
    out = read_out(w);
    same(out, "ran\n");
    free(out);
    check(!logged(w, "hook: timed out"));
    /* It may be limited while it runs: from now on. */
    write_hook(w, "#!/bin/sh\nsleep 1000\n");
    crash_files(w, 5, 1);
    for ( ms = 0; ms < 300; ms += 10 )
        poll(NULL, 0, 10);
    hook_conf(w, conf, "timeout = 1s\n");
    reload(w, conf);
    check(wait_log(w, "hook: timed out: killed"));
}

static const struct test_case cases[] = {
    CASE(limits),
    CASE(limit_of_requests),
    CASE(causes),
    CASE(delay),
    CASE(budget_at_any_instant),
    CASE(pinned),
    CASE(operators_keep_no_crash_out),
    CASE(free_space_floor),
    CASE(age_when_clock_steps), CASE(age_when_clock_is_ahead),
    CASE(room_when_clock_is_set_back), CASE(disk_without_some_calls),
    CASE(names_of_a_former_life), CASE(part_of_a_former_life), CASE(age),
    CASE(reload),
    CASE(reload_other_directory),
    CASE(hook),
    CASE(hook_that_hangs), CASE(hook_without_timeout),
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
