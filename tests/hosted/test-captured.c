/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-captured.c: an engine under an attacker's control (captured.c), inside the
 * production daemon, reaches nothing beyond what SECURITY.md grants it.
 *
 *   test-captured BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "lib/xen/hyp.h"

#define HANDLE "00112233445566778899aabbccddeeff"
#define CONF   "[limit]\ndomain = 1000/1s\ntotal = 1000/1s\n"

/* Its back-off doubles with each: so many, then another daemon. */
#define DEATHS 3

static void begin(struct world *w)
{
    up(w, CONF);
    domain_new(w, 5, HANDLE, "web-1");
}

static void read_said(const struct world *w, char *text, size_t bytes)
{
    char path[128];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/said", w->state);
    f = fopen(path, "re");
    n = f ? fread(text, 1, bytes - 1, f) : 0;
    text[n] = '\0';
    if ( f )
        fclose(f);
    unlink(path);
}

static void tell(struct world *w, const char *what)
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

/* The crash is written in the end, by whichever engine; nothing stays held. */
static void written(struct world *w)
{
    char *path = wait_file(w);
    json_t *meta = path ? file_meta(path) : NULL;

    check(meta != NULL);
    json_decref(meta);
    free(path);
    check(wait_log(w, "durable"));
}

/* It dies of it, by this signal, and the monitor does not. */
static void dies(struct world *w, const char *how, const char *name, int sig)
{
    char what[64], log[64], text[64];
    const pid_t daemon = w->daemon;

    snprintf(what, sizeof(what), "%s %s", how, name);
    snprintf(log, sizeof(log), "engine: ended by signal %d", sig);
    tell(w, what);
    check_at(__LINE__, wait_log(w, log), "%s: it lives", what);
    read_said(w, text, sizeof(text));
    check_at(__LINE__, !text[0], "%s: %s", what, text);
    check_at(__LINE__, daemon == w->daemon && !kill(daemon, 0), "%s: the "
             "monitor is gone", what);
    written(w);
}

static void all_die(struct world *w, const char *how, const char *const *name,
                    size_t nr, int sig)
{
    size_t i;

    begin(w);
    for ( i = 0; i < nr; i++ )
    {
        if ( i && i % DEATHS == 0 )
        {
            equal(daemon_stop(w), 0);
            daemon_start(w);
            check(wait_log(w, "watching"));
        }
        dies(w, how, name[i], sig);
    }
}

static void case_captured_calls(struct world *w)
{
    static const char *const names[] = {
        "socket", "connect", "fork", "execve", "ptrace", "kill", "tgkill",
        "process_vm_readv", "pidfd_open", "mount", "chroot", "symlinkat",
        "mknodat", "memfd_create", "io_uring_setup",
#ifndef __SANITIZE_ADDRESS__ /* which calls it itself */
        "ioctl",
#endif
    };

    all_die(w, "call", names, sizeof(names) / sizeof(names[0]), SIGSYS);
}

static void case_captured_messages(struct world *w)
{
    static const char *const names[] = {
        "zero", "ready", "conf", "reply", "end", "last", "far", "magic",
        "short", "long",
    };

    all_die(w, "send", names, sizeof(names) / sizeof(names[0]), SIGKILL);
    check(logged(w, "engine: malformed message: killing it"));
}

/* Names in the world's directory. */
static unsigned int count_outside(const struct world *w)
{
    DIR *d = opendir(w->dir);
    unsigned int n = 0;

    while ( d && readdir(d) )
        n++;
    if ( d )
        closedir(d);
    return n;
}

static void said_nothing(struct world *w, const char *what)
{
    char text[4096];

    tell(w, what);
    written(w);
    read_said(w, text, sizeof(text));
    check_at(__LINE__, !text[0], "%s: %s", what, text);
}

static void case_captured_files(struct world *w)
{
    unsigned int before;

    begin(w);
    before = count_outside(w);
    said_nothing(w, "files");
    equal(count_outside(w), before);
}

#define BIT(op) (1L << (XEN_FLIGHTREC_OP_##op - XEN_FLIGHTREC_OP_BASE))

/* Xen hears of none that the engine may not ask for. */
static void case_captured_operations(struct world *w)
{
    long asked;

    begin(w);
    host(w, "asked");
    said_nothing(w, "operations");
    asked = host(w, "asked");
    check(asked & BIT(release));
    equal(asked & ~(BIT(status) | BIT(clock) | BIT(freeze) | BIT(quiesce) |
                    BIT(ack) | BIT(release) | BIT(trigger) | BIT(cpu)), 0);
}

/* Changes in xenstore from `from` on, beyond the daemon's own nodes. */
static void check_trace(const struct world *w, long from)
{
    char path[128], line[8192], op[32], node[256];
    unsigned int n = 0;
    FILE *f;

    snprintf(path, sizeof(path), "%s/xs.trace", w->dir);
    f = fopen(path, "re");
    if ( !check(f && !fseek(f, from, SEEK_SET)) )
        return;
    while ( fgets(line, sizeof(line), f) )
    {
        if ( sscanf(line, "IN %*s %*s %*s %31s (%255[^ )]", op, node) != 2 ||
             (strcmp(op, "WRITE") && strcmp(op, "MKDIR") && strcmp(op, "RM") &&
              strcmp(op, "SET_PERMS")) )
            continue;
        n++;
        check_at(__LINE__, !strncmp(node, "/tool/xenflight/", 16) &&
                 !strstr(node, ".."), "xenstore: %s of %s", op, node);
    }
    check(n > 0);
    fclose(f);
}

static long trace_end(const struct world *w)
{
    char path[128];
    long at = -1;
    FILE *f;

    snprintf(path, sizeof(path), "%s/xs.trace", w->dir);
    f = fopen(path, "re");
    if ( f && !fseek(f, 0, SEEK_END) )
        at = ftell(f);
    if ( f )
        fclose(f);
    return at;
}

static void case_captured_numbers(struct world *w)
{
    unsigned int before, i;
    char *value;
    long from;

    begin(w);
    before = count_outside(w);
    xs_put(w, "/tool/xenflight/request/x", "to be answered with anything");
    free(xs_answer_of(w, "x"));
    free(wait_file(w));
    from = trace_end(w);
    for ( i = 0; i < 3; i++ )
        said_nothing(w, "numbers");
    xs_put(w, "/tool/xenflight/request/y", "");
    value = xs_answer_of(w, "y");
    same(value, "done");
    free(value);
    check_trace(w, from);
    equal(count_outside(w), before);
    check(!logged(w, "ended by signal"));
    check(logged(w, "implausible counters: ignored"));
    equal(daemon_stop(w), 0);
}

static const struct test_case cases[] = {
    CASE(captured_files),    CASE(captured_operations),
    CASE(captured_numbers),  CASE(captured_messages),
    CASE(captured_calls),
};

int main(int argc, char **argv)
{
    world_daemon = "tests/hosted/snapshotd-captured";
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
