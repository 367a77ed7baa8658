/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-xenstore.c: the process that talks to xenstored: killed at any moment,
 * hung, captured (captured-xs.c); and no byte of a guest is elsewhere than in it
 * and the engine.
 *
 *   test-xenstore BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "tests/lib/owntime.h"
#include "guest.h"
#include "lib/ipc/control.h"

#define HANDLE "00112233445566778899aabbccddeeff"
#define CONF   "heartbeat = 1\n[guests]\nmay_ask = all\n[limit]\nguest = off\n" \
               "total = off\nrequests = off\ndomain = off\n"                   \
               "[store]\nmax_files = 1000\n"

#define KILLS 12

/* It is started after the daemon reports that it is up. */
static pid_t wait_engine(struct world *w)
{
    const uint64_t end = own_ms() + WAIT_MS;
    pid_t pid = 0;

    while ( !pid && own_ms() < end )
    {
        pid = engine_pid(w);
        poll(NULL, 0, 1);
    }
    check(pid > 0);
    return pid;
}

static void sleep_us(long us)
{
    const struct timespec t = { us / 1000000, us % 1000000 * 1000 };

    nanosleep(&t, NULL);
}

/* Any moment from the request to its answer, and a little later. */
static void kill_somewhen(pid_t pid)
{
    sleep_us(random() % 8000);
    if ( pid > 0 )
        kill(pid, SIGKILL);
}

static void ask(struct world *w, unsigned int i, char name[32])
{
    char path[64];

    snprintf(name, 32, "k%u", i);
    snprintf(path, sizeof(path), "/tool/xenflight/request/%s", name);
    xs_put(w, path, "killed on the way");
}

static char *file_of(struct world *w, const char *name)
{
    char path[80];

    snprintf(path, sizeof(path), "/tool/xenflight/result/%s/file", name);
    return xs_get(w, path);
}

/* Done, with a whole file of its own, and not asked any more. */
static char *check_done(struct world *w, const char *name)
{
    char path[80], *answer = xs_answer_of(w, name), *file, *left;
    json_t *meta;

    same(answer, "done");
    file = file_of(w, name);
    meta = file ? file_meta(file) : NULL;
    check_at(__LINE__, meta, "%s: no whole file", name);
    snprintf(path, sizeof(path), "/tool/xenflight/request/%s", name);
    left = xs_get(w, path);
    check_at(__LINE__, !left, "%s: it is still asked", name);
    json_decref(meta);
    free(answer);
    free(left);
    return file;
}

static bool wait_files(struct world *w, unsigned int n)
{
    const uint64_t end = own_ms() + WAIT_MS;

    while ( count_files(w) < n && own_ms() < end )
        poll(NULL, 0, 5);
    return count_files(w) == n;
}

/* Each request: one file, one answer, which stays. */
static void case_xs_killed(struct world *w)
{
    char name[KILLS][32], *file[KILLS], *again;
    unsigned int i;
    pid_t engine;

    up(w, CONF);
    engine = wait_engine(w);
    for ( i = 0; i < KILLS; i++ )
    {
        ask(w, i, name[i]);
        kill_somewhen(xenstore_pid(w));
        file[i] = check_done(w, name[i]);
        check_at(__LINE__, count_files(w) == i + 1 && count_entries(w) == i + 1,
                 "request %u: %u files, %u entries", i, count_files(w),
                 count_entries(w));
    }
    for ( i = 0; i < KILLS; i++ )
    {
        again = file_of(w, name[i]);
        same(again, file[i] ? file[i] : "none");
        free(again);
        free(file[i]);
    }
    equal(engine_pid(w), engine);
    equal(daemon_stop(w), 0);
}

static void case_xs_killed_over_guest(struct world *w)
{
    struct guest_ring g;
    unsigned int i;

    up(w, CONF);
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    for ( i = 0; i < KILLS; i++ )
    {
        check(guest_write(&g, ASK, "why", 3) >= 0);
        kill_somewhen(xenstore_pid(w));
        check(wait_files(w, i + 1));
        check(guest_sees(&g, ASK, ""));
        check(guest_sees(&g, STATUS, "done"));
        check_at(__LINE__, count_files(w) == i + 1 && count_entries(w) == i + 1,
                 "request %u: %u files, %u entries", i, count_files(w),
                 count_entries(w));
    }
    check(guest_sees(&g, STATUS, "done"));
    guest_close(&g);
}

/* A request that the engine is busy with; then one process, then the other. */
static void case_xs_and_engine_killed(struct world *w)
{
    struct guest_ring g;
    char name[32], *path;
    unsigned int i;

    up(w, CONF);
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    for ( i = 0; i < 2; i++ )
    {
        host(w, "quiesce 300");
        host(w, "hang 1");
        ask(w, i, name);
        check(wait_log(w, ": request (xenstore)"));
        kill(xenstore_pid(w), SIGKILL);
        check(wait_log(w, "xenstore: ended by signal 9"));
        /* Time for the new one to send it again, or not. */
        poll(NULL, 0, i ? 300 : 0);
        kill(engine_pid(w), SIGKILL);
        check(wait_log(w, "engine: ended by signal 9"));
        host(w, "run 1");
        free(check_done(w, name));
        path = wait_file(w);
        check(path != NULL);
        free(path);
        equal(count_files(w), i + 1);
    }
    /* All at once, and requests made during it. */
    ask(w, i, name);
    check(guest_write(&g, ASK, "why", 3) >= 0);
    kill(xenstore_pid(w), SIGKILL);
    kill(engine_pid(w), SIGKILL);
    free(check_done(w, name));
    check(guest_sees(&g, STATUS, "done"));
    equal(count_entries(w), count_files(w));
    guest_close(&g);
}

/* Answers of a former process are not forgotten: 64 stay. */
static void case_xs_killed_results(struct world *w)
{
    char path[80], *value;
    unsigned int i, there = 0;

    up(w, CONF);
    for ( i = 0; i < 60; i++ )
    {
        snprintf(path, sizeof(path), "/tool/xenflight/request/r%u", i);
        xs_put(w, path, "");
    }
    for ( i = 0; i < 60; i++ )
    {
        snprintf(path, sizeof(path), "r%u", i);
        free(xs_answer_of(w, path));
    }
    kill(xenstore_pid(w), SIGKILL);
    check(wait_log(w, "xenstore: ended by signal 9"));
    for ( i = 60; i < 80; i++ )
    {
        snprintf(path, sizeof(path), "/tool/xenflight/request/r%u", i);
        xs_put(w, path, "");
        snprintf(path, sizeof(path), "r%u", i);
        value = xs_answer_of(w, path);
        same(value, "done");
        free(value);
    }
    for ( i = 0; i < 80; i++ )
    {
        snprintf(path, sizeof(path), "/tool/xenflight/result/r%u", i);
        value = xs_get(w, path);
        there += value != NULL;
        free(value);
    }
    equal(there, 64);
}

static unsigned int times(const struct world *w, const char *what)
{
    const char *p = w->text;
    unsigned int n = 0;

    while ( (p = strstr(p, what)) )
    {
        p += strlen(what);
        n++;
    }
    return n;
}

/* Logged once, however long; the process is replaced, the rest continues. */
static void case_xs_hangs(struct world *w)
{
    struct guest_ring g;
    pid_t before, engine;
    char name[32];
    int i;

    up(w, CONF);
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    before = xenstore_pid(w);
    engine = engine_pid(w);
    kill(w->xenstored, SIGSTOP);
    check(wait_log(w, "xenstored does not answer"));
    check(wait_gone(before));
    for ( i = 0; i < 3; i++ )
    {
        host(w, "crash 5 0");
        free(wait_file(w));
        poll(NULL, 0, 700);
    }
    equal(count_files(w), 3);
    kill(w->xenstored, SIGCONT);
    check(wait_log(w, "xenstored answers again"));
    check(xenstore_pid(w) != before);
    ask(w, 0, name);
    free(check_done(w, name));
    check(guest_write(&g, ASK, "after it", 8) >= 0);
    check(guest_sees(&g, STATUS, "done"));
    equal(times(w, "xenstored does not answer"), 1);
    equal(times(w, "xenstored answers again"), 1);
    equal(engine_pid(w), engine);
    equal(daemon_stop(w), 0);
    guest_close(&g);
}

/*
 * The bytes that each process holds.
 */

/* Whether `marker` is anywhere in the process' memory. */
static bool in_memory(pid_t pid, const char *marker)
{
    static char buf[1 << 20];
    char path[64], line[512];
    unsigned long from, to, at;
    bool found = false;
    FILE *maps;
    ssize_t n;
    int mem;

    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    mem = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    maps = fopen(path, "re");
    check(mem >= 0 && maps);
    while ( maps && fgets(line, sizeof(line), maps) )
    {
        if ( sscanf(line, "%lx-%lx r", &from, &to) != 2 ||
             strstr(line, "[vvar]") || strstr(line, "[vsyscall]") )
            continue;
        for ( at = from; at < to; at += n - (at + n < to ? 64 : 0) )
        {
            n = pread(mem, buf, to - at < sizeof(buf) ? to - at : sizeof(buf),
                      at);
            if ( n <= 64 )
                break;
            found |= memmem(buf, n, marker, strlen(marker)) != NULL;
        }
    }
    if ( maps )
        fclose(maps);
    close(mem);
    return found;
}

static void case_xs_monitor_has_no_guest_byte(struct world *w)
{
    static const char *const markers[] = { "MARKnameMARK", "MARKrequestMARK",
                                           "MARKguestMARK" };
    struct guest_ring g;
    unsigned int i;
    char *answer;

    up(w, CONF);
    guest_new(w, &g, 5, HANDLE, markers[0]);
    check(guest_sees(&g, ASK, ""));
    xs_put(w, "/tool/xenflight/request/m", markers[1]);
    answer = xs_answer_of(w, "m");
    same(answer, "done");
    free(answer);
    check(guest_write(&g, ASK, markers[2], strlen(markers[2])) >= 0);
    check(guest_sees(&g, STATUS, "done"));
    host(w, "crash 5 0");
    free(wait_file(w));
    check(wait_log(w, markers[2]) && wait_log(w, markers[0]));
    for ( i = 0; i < 3; i++ )
    {
        check_at(__LINE__, !in_memory(w->daemon, markers[i]),
                 "the monitor has %s", markers[i]);
        check_at(__LINE__, in_memory(xenstore_pid(w), markers[i]),
                 "%s is not where it came in", markers[i]);
        /* Its place in the queue is taken by the one after it. */
        check_at(__LINE__, i == 1 || in_memory(engine_pid(w), markers[i]),
                 "the engine has no %s", markers[i]);
    }
    guest_close(&g);
}

/*
 * Captured: a request's text is its command, see captured-xs.c.
 */

static void captured_up(struct world *w)
{
    world_daemon = "tests/hosted/snapshotd-captured";
    up(w, CONF);
    world_daemon = "snapshotd/snapshotd";
    domain_new(w, 5, HANDLE, "web-1");
}

static void captured_says(struct world *w, const char *how, const char *name)
{
    char path[80], text[80];

    snprintf(path, sizeof(path), "/tool/xenflight/request/%s-%s", how, name);
    snprintf(text, sizeof(text), "captured %d %s %s", w->daemon, how, name);
    xs_put(w, path, text);
}

/* The next process finds the request, too: it must not do it again. */
static void captured_forget(struct world *w, const char *how, const char *name)
{
    char path[80];

    snprintf(path, sizeof(path), "/tool/xenflight/request/%s-%s", how, name);
    check(xs_rm_path(w, path));
}

/* Everything works, by the same monitor and engine. */
static void still_works(struct world *w, pid_t engine)
{
    char name[32], *path;
    static unsigned int n = 1000;

    ask(w, ++n, name);
    free(check_done(w, name));
    free(wait_file(w));
    host(w, "crash 5 0");
    path = wait_file(w);
    check(path && strstr(path, "-crash-"));
    free(path);
    equal(engine_pid(w), engine);
}

/* It dies of it, which is logged. */
static void captured_dies(struct world *w, const char *how,
                          const char *const *name, size_t nr, const char *log)
{
    pid_t engine;
    size_t i;

    captured_up(w);
    engine = wait_engine(w);
    for ( i = 0; i < nr; i++ )
    {
        captured_says(w, how, name[i]);
        check_at(__LINE__, wait_log(w, log), "%s %s: it lives", how, name[i]);
        captured_forget(w, how, name[i]);
        if ( i % 4 == 3 || i + 1 == nr )
            still_works(w, engine);
        /* Its back-off doubles. */
        if ( i % 4 == 3 )
        {
            equal(daemon_stop(w), 0);
            world_daemon = "tests/hosted/snapshotd-captured";
            daemon_start(w);
            world_daemon = "snapshotd/snapshotd";
            check(wait_log(w, "watching"));
            engine = wait_engine(w);
        }
    }
}

static void case_xs_captured_calls(struct world *w)
{
    static const char *const names[] = {
        "socket", "connect", "fork", "execve", "ptrace", "kill", "tgkill",
        "process_vm_readv", "pidfd_open", "mount", "chroot", "memfd_create",
        "io_uring_setup",
#ifndef __SANITIZE_ADDRESS__ /* which calls them itself */
        "ioctl", "openat",
#endif
    };

    captured_dies(w, "call", names, sizeof(names) / sizeof(names[0]),
                  "xenstore: ended by signal 31");
}

static void case_xs_captured_messages(struct world *w)
{
    static const char *const names[] = {
        "zero", "ready", "conf", "reply", "op", "take", "freeze", "count",
        "snapshot", "end", "last", "far", "magic", "short", "long", "tally",
    };

    captured_dies(w, "monitor", names, sizeof(names) / sizeof(names[0]),
                  "xenstore: malformed message: killing it");
}

static void case_xs_captured_texts(struct world *w)
{
    static const char *const names[] = {
        "zero", "answer", "far", "magic", "short", "long", "socket", "signal",
        "bytes",
    };

    captured_dies(w, "engine", names, sizeof(names) / sizeof(names[0]),
                  "malformed message to the engine");
}

/* Of the right form, full of random numbers, thousands. */
static void case_xs_captured_numbers(struct world *w)
{
    pid_t engine;
    size_t from;
    long rss[2];

    captured_up(w);
    engine = wait_engine(w);
    still_works(w, engine);
    rss[0] = status_line(w->daemon, "VmRSS");
    rss[1] = status_line(engine, "VmRSS");
    from = w->searched;
    captured_says(w, "numbers", "x");
    check(wait_log(w, "captured: done"));
    captured_forget(w, "numbers", "x");
    kill(xenstore_pid(w), SIGKILL);
    check(wait_log(w, "xenstore: ended by signal 9"));
    /* Some of its requests are written, before or after its end. */
    w->searched = from;
    check(wait_log(w, "durable"));
    poll(NULL, 0, 300);
    while ( host(w, "held") )
        poll(NULL, 0, 10);
    equal(engine_pid(w), engine);
    check(!logged(w, "engine: ended"));
    host(w, "crash 5 0");
    check(wait_log(w, "crash of domain 5"));
    check(wait_log(w, "durable"));
    printf("# measured: RSS: monitor %ld to %ld KiB, engine %ld to %ld KiB\n",
           rss[0], status_line(w->daemon, "VmRSS"), rss[1],
           status_line(engine, "VmRSS"));
#ifndef __SANITIZE_ADDRESS__
    check(status_line(w->daemon, "VmRSS") - rss[0] < 1024);
    check(status_line(engine, "VmRSS") - rss[1] < 4096);
#endif
    equal(daemon_stop(w), 0);
}

/*
 * Messages of a hostile engine (captured.c): it ends, or ignores them, and
 * writes nothing but the daemon's own nodes.
 */
static void engine_tries(struct world *w, const char *what)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/try", w->state);
    f = fopen(path, "we");
    if ( !check(f != NULL) )
        return;
    fprintf(f, "%d %s\n", w->daemon, what);
    check(!fclose(f));
    check(!chown(path, 65534, 65534));
    host(w, "crash 5 0");
}

static void case_xs_hostile_engine(struct world *w)
{
    static const char *const names[] = { "zero", "name", "request", "far",
                                         "magic", "short", "long" };
    char what[64], name[32], path[128];
    size_t i;

    captured_up(w);
    for ( i = 0; i < sizeof(names) / sizeof(names[0]); i++ )
    {
        snprintf(what, sizeof(what), "text %s", names[i]);
        engine_tries(w, what);
        check_at(__LINE__, wait_log(w, "xenstore: ended with status 22"),
                 "%s: it lives", what);
        free(wait_file(w));
        ask(w, i, name);
        free(check_done(w, name));
    }
    ask(w, 100, name);
    free(check_done(w, name));
    /* It may give any answer, but not for later requests. */
    engine_tries(w, "answers");
    free(wait_file(w));
    poll(NULL, 0, 500);
    ask(w, 101, name);
    free(check_done(w, name));
    snprintf(path, sizeof(path), "%s/said", w->state);
    unlink(path);
    equal(daemon_stop(w), 0);
}

static const struct test_case cases[] = {
    BOTH(xs_killed),
    BOTH(xs_killed_over_guest),
    CASE(xs_and_engine_killed),
    CASE(xs_killed_results),
    BOTH(xs_hangs),
    CASE(xs_monitor_has_no_guest_byte),
    CASE(xs_captured_calls),
    CASE(xs_captured_messages),
    CASE(xs_captured_texts),
    CASE(xs_captured_numbers),
    CASE(xs_hostile_engine),
};

int main(int argc, char **argv)
{
    srandom(time(NULL));
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
