/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-faults.c: each process killed at each system call of a snapshot, each call
 * to the disk failing, a directory that is gone, a disk that is slow.
 *
 *   test-faults BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 *
 * Killed at each call, and 10 s a write, if FAULTS_ALL is set; else at some,
 * other ones each time, and 100 ms.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "tests/lib/owntime.h"

#define HANDLE "00112233445566778899aabbccddeeff"
#define CONF   "[limit]\ndomain = 10000/1s\ntotal = 10000/1s\n" \
               "requests = 10000/1s\n"

/* How many system calls of each process are tried at a time. */
#define SOME 16

/*
 * inject: see tests/fake/inject.c.
 */

struct inject {
    pid_t pid;
    FILE *out;
};

static bool inject(struct inject *j, pid_t target, const char *what,
                   unsigned int n, int error)
{
    char path[300], text[3][16], line[128] = "";
    int p[2];

    snprintf(path, sizeof(path), "%s/tests/fake/inject", cases_build);
    snprintf(text[0], sizeof(text[0]), "%d", target);
    snprintf(text[1], sizeof(text[1]), "%u", n);
    snprintf(text[2], sizeof(text[2]), "%d", error);
    check(!pipe(p));
    j->pid = fork();
    if ( !j->pid )
    {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(p[1], STDOUT_FILENO);
        execl(path, "inject", text[0], what, text[1], text[2], NULL);
        _exit(127);
    }
    close(p[1]);
    j->out = fdopen(p[0], "r");
    return check_at(__LINE__, j->out && fgets(line, sizeof(line), j->out) &&
                    !strcmp(line, "ready\n"), "inject: %s", line);
}

/* Ends it, unless it ended itself.  Did the call come? */
static bool inject_end(struct inject *j, unsigned int *calls)
{
    char line[128] = "", word[8] = "";

    *calls = 0;
    kill(j->pid, SIGTERM);
    check(j->out && fgets(line, sizeof(line), j->out));
    check_at(__LINE__, sscanf(line, "%7s %u", word, calls) == 2,
             "inject: \"%s\"", line);
    fclose(j->out);
    waitpid(j->pid, NULL, 0);
    return !strcmp(word, "hit");
}

/*
 * The daemon.
 */

/* An engine that answers has nothing else to do. */
static bool engine_answers(struct world *w)
{
    char path[300], *out;
    const char *argv[] = { path, "status", "--json", "--run", w->run, NULL };
    bool good;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    good = !run(&out, argv) && strstr(out, "\"written\"");
    free(out);
    return good;
}

static bool start(struct world *w)
{
    daemon_start(w);
    return wait_log(w, "watching") && check(engine_answers(w));
}

static void forget_log(struct world *w)
{
    w->text_bytes = w->searched = 0;
    w->text[0] = '\0';
}

/* Else Xen has no recorder, and the monitor is the holder. */
static bool holds(void)
{
    return !strcmp(world_xen, "frhost");
}

static bool nothing_held(struct world *w)
{
    const uint64_t end = own_ms() + WAIT_MS;

    if ( !holds() )
        return true;
    while ( host(w, "held") && own_ms() < end )
        poll(NULL, 0, 5);
    return !host(w, "held");
}

/* All triggers are written, but for those that failed. */
static void check_counted(struct world *w, int64_t triggers, int64_t failed)
{
    char path[300], *out;
    const char *argv[] = { path, "status", "--json", "--run", w->run, NULL };
    json_t *all, *d;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    run(&out, argv);
    all = json_loads(out, 0, NULL);
    d = json_object_get(all, "daemon");
    equal(num_of(d, "written"), triggers - failed);
    equal(num_of(d, "failed"), failed);
    json_decref(all);
    free(out);
}

/* The one file there is, whole; it is removed. */
static void one_file(struct world *w, const char *what)
{
    char *path = wait_file(w);
    json_t *meta = path ? file_meta(path) : NULL;

    check_at(__LINE__, meta != NULL, "%s: no file, or damaged", what);
    check_at(__LINE__, nothing_held(w), "%s: held for ever", what);
    check_at(__LINE__, engine_answers(w), "%s: no answer", what);
    check_at(__LINE__, count_files(w) == 1 && count_entries(w) == 1,
             "%s: %u files, %u entries", what, count_files(w),
             count_entries(w));
    if ( path )
        unlink(path);
    json_decref(meta);
    free(path);
}

/*
 * Killed.
 */

/* Until the file has its name, or the process is killed. */
static bool file_or_death(struct world *w, struct inject *j)
{
    struct pollfd p[2] = { { .fd = w->files.fd, .events = POLLIN },
                           { .fd = fileno(j->out), .events = POLLIN } };

    return own_poll(p, 2, WAIT_MS) > 0;
}

enum process { ENGINE, MONITOR, XENSTORE };

static const char *const names[] = { "engine", "monitor", "xenstore process" };

static pid_t pid_of(struct world *w, enum process which)
{
    return which == ENGINE    ? engine_pid(w)
           : which == MONITOR ? w->daemon
                              : xenstore_pid(w);
}

/* Of the request: done, once and for all. */
static void check_answer(struct world *w, const char *what)
{
    char *answer = xs_answer_of(w, "k"), *left;

    check_at(__LINE__, answer && !strcmp(answer, "done"), "%s: answered %s",
             what, answer ? answer : "nothing");
    left = xs_get(w, "/tool/xenflight/request/k");
    check_at(__LINE__, !left, "%s: still asked", what);
    free(answer);
    free(left);
}

/*
 * A snapshot during which a process dies at its Nth call.  False: there were
 * fewer, *calls is their number.
 */
static bool killed_at(struct world *w, enum process which, unsigned int n,
                      unsigned int *calls)
{
    const bool monitor = which == MONITOR;
    char what[64];
    struct inject j;
    bool hit;

    forget_log(w);
    snprintf(what, sizeof(what), "%s killed at call %u", names[which], n);
    if ( !start(w) || !inject(&j, pid_of(w, which), "kill", n, 0) )
        return false;
    if ( which == XENSTORE )
        xs_put(w, "/tool/xenflight/request/k", "");
    else if ( holds() )
        host(w, "crash 5 0");
    else
        check(!kill(w->daemon, SIGUSR1));
    check_at(__LINE__, file_or_death(w, &j), "%s: nothing happens", what);
    /* Wait for its end: a process that answers is done. */
    if ( engine_pid(w) )
        engine_answers(w);
    hit = inject_end(&j, calls);
    if ( monitor && hit )
    {
        daemon_wait(w);
        check(start(w));
    }
    one_file(w, what);
    if ( which == XENSTORE )
        check_answer(w, what);
    equal(daemon_stop(w), 0);
    return hit;
}

static void killed(struct world *w, enum process which)
{
    const bool all = getenv("FAULTS_ALL") != NULL;
    unsigned int total, n, step, calls, hits = 0;

    world_start(w, CONF);
    domain_new(w, 5, HANDLE, "web-1");
    check(!killed_at(w, which, 0, &total));
    check(total > SOME);
    step = all ? 1 : total / SOME;
    for ( n = all ? 1 : 1 + time(NULL) % step; n <= total; n += step )
        hits += killed_at(w, which, n, &calls);
    printf("# %s: killed at %u of %u calls\n", names[which], hits, total);
    /* The last ones may be fewer the next time. */
    check(hits >= (all ? total / 2 : SOME / 2));
}

static void case_fault_engine_killed(struct world *w)
{
    killed(w, ENGINE);
}

/* A request, where the recorder is made of Xen's own trace buffers. */
static void case_fault_stock_engine_killed(struct world *w)
{
    world_xen = "stockxen";
    killed(w, ENGINE);
    world_xen = "frhost";
}

static void case_fault_monitor_killed(struct world *w)
{
    killed(w, MONITOR);
}

static void case_fault_xenstore_killed(struct world *w)
{
    killed(w, XENSTORE);
}

/*
 * Disks.
 */

struct disk_error {
    int error;
    const char *said;      /* in the reason that is logged */
};

/* Its Nth call to the disk fails.  False: there were fewer. */
static bool fails_at(struct world *w, const struct disk_error *e,
                     unsigned int n, unsigned int *lost)
{
    unsigned int calls, files = count_files(w);
    char what[64];
    struct inject j;
    bool hit;

    snprintf(what, sizeof(what), "call %u: %s", n, strerror(e->error));
    if ( !inject(&j, engine_pid(w), "fail", n, e->error) )
        return false;
    host(w, "crash 5 0");
    check(wait_log(w, "generation "));
    check_at(__LINE__, nothing_held(w), "%s: held for ever", what);
    check_at(__LINE__, engine_answers(w), "%s: no answer", what);
    hit = inject_end(&j, &calls);
    if ( count_files(w) > files )
        check_at(__LINE__, wait_log(w, ", durable "), "%s: not counted", what);
    else
    {
        ++*lost;
        check_at(__LINE__, hit, "%s: lost without a failure", what);
        check_at(__LINE__, wait_log(w, "no snapshot: ") &&
                 wait_log(w, e->said), "%s: not logged", what);
    }
    check_at(__LINE__, count_entries(w) == count_files(w),
             "%s: unfinished files stay", what);
    /* The next one works. */
    files = count_files(w);
    host(w, "crash 5 1");
    check_at(__LINE__, wait_log(w, ", durable "), "%s: and no next one", what);
    check(nothing_held(w) && engine_answers(w));
    check_at(__LINE__, count_files(w) == files + 1, "%s: and no next file",
             what);
    return hit;
}

static void case_fault_disk_errors(struct world *w)
{
    static const struct disk_error errors[] = {
        { ENOSPC, "no space left" }, { EDQUOT, "or no quota" },
        { EROFS, "Read-only" }, { EIO, "Input/output error" },
    };
    unsigned int i, n, lost, calls;

    world_start(w, CONF "[store]\nmax_files = 1000\n");
    domain_new(w, 5, HANDLE, "web-1");
    for ( i = 0; i < sizeof(errors) / sizeof(errors[0]); i++ )
    {
        forget_log(w);
        check(start(w));
        lost = 0;
        for ( n = 1; n < 100 && fails_at(w, &errors[i], n, &lost); n++ )
            continue;
        calls = n - 1;
        printf("# %s: at %u calls, %u snapshots lost and counted\n",
               strerror(errors[i].error), calls, lost);
        check(calls > 5);
        /* All but one: the directory is synced when the file has its name. */
        equal(lost, calls - 1);
        check_counted(w, 2 * calls + 2, lost);
        equal(daemon_stop(w), 0);
    }
}

/* It comes back by a fresh engine, and costs no trigger. */
static void case_fault_directory_removed(struct world *w)
{
    world_start(w, CONF);
    domain_new(w, 5, HANDLE, "web-1");
    check(start(w));
    check(!rmdir(w->state));
    host(w, "crash 5 0");
    check(wait_log(w, "was removed: a new engine is needed"));
    check(wait_log(w, ", durable "));
    check(nothing_held(w));
    equal(count_files(w), 1);
    host(w, "crash 5 1");
    check(wait_log(w, ", durable "));
    equal(count_files(w), 2);
    check_counted(w, 2, 0);
}

/* In the middle of it: that one is lost, and counted. */
static void case_fault_directory_removed_writing(struct world *w)
{
    const char *argv[] = { "/bin/rm", "-rf", w->state, NULL };
    unsigned int calls;
    struct inject j;
    char *out;

    world_start(w, CONF);
    domain_new(w, 5, HANDLE, "web-1");
    check(start(w));
    if ( !inject(&j, engine_pid(w), "slow", 100, 0) )
        return;
    host(w, "crash 5 0");
    check(wait_part(w));
    equal(run(&out, argv), 0);
    free(out);
    check(wait_log(w, "no snapshot: the file could not be written"));
    inject_end(&j, &calls);
    check(nothing_held(w));
    host(w, "crash 5 1");
    check(wait_log(w, "was removed: a new engine is needed"));
    check(wait_log(w, ", durable "));
    equal(count_files(w), 1);
    equal(count_entries(w), 1);
    check_counted(w, 2, 1);
}

static void case_fault_read_only(struct world *w)
{
    static const char options[] = "size=8m,mode=700,uid=65534";

    world_start(w, CONF "[store]\nmin_free = 0\n");
    domain_new(w, 5, HANDLE, "web-1");
    if ( mount("none", w->state, "tmpfs", 0, options) )
    {
        printf("# note: no tmpfs can be mounted here: not tried\n");
        return;
    }
    check(start(w));
    check(!mount("none", w->state, "tmpfs", MS_REMOUNT | MS_RDONLY, options));
    host(w, "crash 5 0");
    check(wait_log(w, "no snapshot: ") && wait_log(w, "Read-only"));
    check(nothing_held(w));
    check(!mount("none", w->state, "tmpfs", MS_REMOUNT, options));
    host(w, "crash 5 1");
    check(wait_log(w, ", durable "));
    equal(count_files(w), 1);
    check_counted(w, 2, 1);
    equal(daemon_stop(w), 0);
    check(!umount(w->state));
}

/*
 * Each write takes long.  During it another trigger comes, and Xen keeps
 * recording.
 */
static void case_fault_slow_disk(struct world *w)
{
    const unsigned int ms = getenv("FAULTS_ALL") ? 10000 : 100;
    struct inject j;
    unsigned int calls, i, done = 0;

    world_start(w, CONF);
    domain_new(w, 5, HANDLE, "web-1");
    check(start(w));
    if ( !inject(&j, engine_pid(w), "slow", ms, 0) )
        return;
    host(w, "crash 5 0");
    check(wait_part(w));
    host(w, "crash 5 1");
    equal(host(w, "held"), 2);
    host(w, "fill 0 1000");
    for ( i = 0; i < 50 && done < 2; i++ )
        done += wait_log(w, ", durable ");
    equal(done, 2);
    check(!inject_end(&j, &calls) && calls > 10);
    check(nothing_held(w));
    equal(count_files(w), 2);
    check(!logged(w, "ended by signal"));
    check_counted(w, 2, 0);
}

static const struct test_case cases[] = {
    CASE(fault_engine_killed),
    CASE(fault_stock_engine_killed),
    CASE(fault_monitor_killed),
    CASE(fault_xenstore_killed),
    CASE(fault_disk_errors),
    CASE(fault_directory_removed),
    CASE(fault_directory_removed_writing),
    CASE(fault_read_only),
    CASE(fault_slow_disk),
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
