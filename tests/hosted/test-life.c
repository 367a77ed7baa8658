/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-life.c: the recorder's life cycle by the tool: create, destroy, start,
 * stop, mask, with the production daemon and without, and all at once.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "tests/lib/owntime.h"
#include "lib/ipc/command.h"
#include "lib/ipc/control.h"

#define HANDLE "00112233445566778899aabbccddeeff"

/* Runs the tool in this world; arguments up to NULL. */
static int __attribute__((__sentinel__))
tool(struct world *w, char **out, const char *command, ...)
{
    char path[300];
    const char *argv[16] = { path, command, "--run", w->run, "--backend",
                             w->backend };
    unsigned int n = 6;
    va_list ap;

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    va_start(ap, command);
    while ( n < 15 && (argv[n] = va_arg(ap, const char *)) )
        n++;
    va_end(ap);
    return run(out, argv);
}

#define good(...) good_at(__LINE__, w, __VA_ARGS__, NULL)
static void __attribute__((__sentinel__))
good_at(int line, struct world *w, const char *command, const char *a, ...)
{
    const char *b = NULL, *c = NULL;
    va_list ap;
    char *out;
    int rc;

    va_start(ap, a);
    if ( a )
        b = va_arg(ap, const char *);
    if ( b )
        c = va_arg(ap, const char *);
    va_end(ap);
    rc = tool(w, &out, command, a, b, c, NULL);
    check_at(line, !rc, "%s %s: %d: %s", command, a ? a : "", rc, out);
    free(out);
}

/* The tool fails with the message `what`. */
static void refused(struct world *w, const char *what, const char *command,
                    const char *a)
{
    char *out;
    int rc = tool(w, &out, command, a, NULL);

    check_at(__LINE__, rc == 1, "%s: %d", command, rc);
    check_at(__LINE__, strstr(out, what), "%s: output: %s", command, out);
    free(out);
}

static json_t *recorder(struct world *w)
{
    const uint64_t end = own_ms() + WAIT_MS;
    json_t *status, *r;
    char *out;

    /* An engine that is replaced for other buffers does not answer. */
    for ( ;; )
    {
        tool(w, &out, "status", "--json", NULL);
        status = json_loads(out, 0, NULL);
        if ( status || !strstr(out, "no answer") || own_ms() >= end )
            break;
        free(out);
    }
    check_at(__LINE__, status, "status: output: %s", out);
    free(out);
    r = json_incref(json_object_get(status, "recorder"));
    json_decref(status);
    return r;
}

static void in_state(struct world *w, const char *state)
{
    json_t *r = recorder(w);

    same(text_of(r, "state"), state);
    json_decref(r);
}

static void verify(const char *path)
{
    char program[300], *out;
    const char *argv[] = { program, "verify", path, NULL };

    snprintf(program, sizeof(program), "%s/tools/xenflight", cases_build);
    check_at(__LINE__, path && !run(&out, argv), "verify: %s",
             path ? out : "no file");
    if ( path )
        free(out);
}

/* A snapshot by hand that is whole. */
static void snapshot(struct world *w)
{
    char *path;

    good("snapshot", "--wait");
    path = wait_file(w);
    verify(path);
    free(path);
}

/* Common to a tool that asks the daemon and one that asks Xen. */
static void live(struct world *w)
{
    json_t *r;

    good("stop", NULL);
    good("stop", NULL);
    in_state(w, "stopped");
    good("start", NULL);
    good("start", NULL);
    in_state(w, "recording");
    good("destroy", NULL);
    in_state(w, "no buffers");
    good("destroy", NULL);
    good("stop", NULL);
    good("create", "--size=512K", "--slot=8K", "--spares=3");
    good("create", "--size=512K", "--slot=8K", "--spares=3");
    in_state(w, "stopped");
    refused(w, "512.0 KiB", "create", "--size=1M");
    refused(w, "slots of 8", "create", "--size=1M");
    good("start", NULL);
    r = recorder(w);
    same(text_of(r, "state"), "recording");
    json_decref(r);
    good("destroy", NULL);
    refused(w, "128K to 36M", "create", "--size=1K");
    refused(w, "128K to 36M", "create", "--slot=5000");
    good("start", NULL);
    in_state(w, "recording");
}

static void mask_says(struct world *w, const char *busy, const char *rare)
{
    char *out, want[200];

    good("mask", NULL);
    tool(w, &out, "mask", NULL);
    snprintf(want, sizeof(want), "busy: %s\nrare: %s\n", busy, rare);
    same(out, want);
    free(out);
}

#define CLASSES "gen sched dom0op hvm mem pv"

static void masks(struct world *w)
{
    json_t *r;
    int64_t was, now;
    char *out;

    mask_says(w, "0x7bff000: " CLASSES " hw", "0x7bff000: " CLASSES " hw");
    good("mask", "busy", "hvm=off", "sched_switch=off");
    good("mask", "rare", "0x4f000");
    mask_says(w, "0x7b7f000: gen sched dom0op mem pv hw; not SCHED_SWITCH "
                 "(0x2800a)", "0x4f000: dom0op");
    good("mask", "busy", "SCHED_SWITCH=on", "hvm=on");
    good("mask", "rare", "default");
    mask_says(w, "0x7bff000: " CLASSES " hw", "0x7bff000: " CLASSES " hw");

    /* The pCPUs write runstate changes and nothing else. */
    good("mask", "busy", "sched_runstate*=off");
    r = recorder(w);
    was = num_of(json_object_get(
                     json_object_get(json_array_get(json_object_get(r, "cpus"),
                                                    0), "channels"), "busy"),
                 "emitted");
    json_decref(r);
    host(w, "fill 0 100");
    r = recorder(w);
    now = num_of(json_object_get(
                     json_object_get(json_array_get(json_object_get(r, "cpus"),
                                                    0), "channels"), "busy"),
                 "emitted");
    json_decref(r);
    check(was > 0);
    equal(now, was);
    good("mask", "busy", "sched_runstate*=on");
    equal(tool(w, &out, "mask", "busy", "nosuch=on", NULL), 2);
    free(out);
    equal(tool(w, &out, "mask", "both", "all", NULL), 2);
    free(out);
}

static void case_life_with_daemon(struct world *w)
{
    up(w, NULL);
    snapshot(w);
    live(w);
    masks(w);
    snapshot(w);
}

static void case_life_without_daemon(struct world *w)
{
    world_start(w, NULL);
    live(w);
    masks(w);
}

/* Held generations are written before the mapping is dropped. */
static void case_destroy_takes_first(struct world *w)
{
    char *path;

    up(w, NULL);
    domain_new(w, 5, HANDLE, "web-1");
    host(w, "trigger 5 0"); /* its VIRQ is lost */
    good("destroy", NULL);
    path = wait_file(w);
    check(path && strstr(path, "-crash-"));
    verify(path);
    free(path);
    check(wait_log(w, "mapping given up"));
    in_state(w, "no buffers");
    refused(w, "does not record", "snapshot", "--wait");
    good("create", "--size=2M");
    good("start", NULL);
    snapshot(w);
}

/* Another process has it mapped: it is named, and recording continues. */
static void case_destroy_refused(struct world *w)
{
    up(w, NULL);
    host(w, "mapped 7");
    refused(w, "7 of their pages are mapped, the first is page 3 of pCPU 1",
            "destroy", NULL);
    in_state(w, "recording");
    snapshot(w);
    host(w, "mapped 0");
    good("destroy", NULL);
}

/* A client that is silent or sends nonsense blocks no other for long. */
static void case_command_from_nobody(struct world *w)
{
    int silent, odd;

    up(w, NULL);
    silent = control_connect(w->run, COMMAND_SOCKET);
    odd = control_connect(w->run, COMMAND_SOCKET);
    check(silent >= 0);
    check(odd >= 0 && send(odd, "nonsense", 8, MSG_NOSIGNAL) == 8);
    good("stop", NULL);
    in_state(w, "stopped");
    close(silent);
    close(odd);
}

/* Connections that send nothing, as many as are taken. */
#define SILENT 64

static unsigned int connect_silently(struct world *w, const char *name,
                                     int fd[SILENT])
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    unsigned int n;

    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", w->run, name);
    for ( n = 0; n < SILENT; n++ )
    {
        fd[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
        if ( connect(fd[n], (struct sockaddr *)&sun, sizeof(sun)) )
        {
            close(fd[n]);
            break;
        }
        poll(NULL, 0, 2);
    }
    return n;
}

/* They are in the way of no one, neither at once nor later. */
static void case_silent_clients(struct world *w)
{
    static const char *const sockets[] = { CONTROL_SOCKET, COMMAND_SOCKET };
    int fd[2][SILENT];
    unsigned int n[2], i;

    up(w, NULL);
    snapshot(w);
    for ( i = 0; i < 2; i++ )
        n[i] = connect_silently(w, sockets[i], fd[i]);
    check(n[0] >= 9 && n[1] >= 9);
    good("stop", NULL);
    in_state(w, "stopped");
    good("start", NULL);
    in_state(w, "recording");
    snapshot(w);
    for ( i = 0; i < 2; i++ )
        while ( n[i]-- )
            close(fd[i][n[i]]);
}

/* More clients that wait for their snapshot than the queue has room for. */
static void case_many_waiting_clients(struct world *w)
{
    struct control_request r = { .magic = CONTROL_MAGIC,
                                 .op = CONTROL_SNAPSHOT,
                                 .flags = CONTROL_WAIT };
    unsigned int n, done = 0;
    int fd[80];
    char text[512];
    ssize_t got;

    up(w, "[trigger]\ndelay = 1s\n");
    snapshot(w);
    for ( n = 0; n < 80; n++ )
    {
        fd[n] = control_connect(w->run, CONTROL_SOCKET);
        check_at(__LINE__, fd[n] >= 0 && send(fd[n], &r, sizeof(r), 0) > 0,
                 "client %u", n);
    }
    for ( n = 0; n < 80; n++ )
    {
        got = recv(fd[n], text, sizeof(text) - 1, 0);
        text[got > 0 ? got : 0] = '\0';
        done += strstr(text, "\"done\"") != NULL;
        check_at(__LINE__, strstr(text, "\"done\"") ||
                 strstr(text, "too many requests at a time"), "client %u: %s",
                 n, text);
        close(fd[n]);
    }
    equal(done, 64);
    snapshot(w);
}

/* An answer that is larger than a message may be; and a reader that stops. */
static void case_status_of_many_cpus(struct world *w)
{
    struct control_request r = { .magic = CONTROL_MAGIC,
                                 .op = CONTROL_STATUS };
    int stopped[3], i;
    json_t *o;

    world_cpus = "1024";
    up(w, "[recorder]\nbytes_per_cpu = 128K\n");
    world_cpus = "2";
    for ( i = 0; i < 3; i++ )
    {
        stopped[i] = control_connect(w->run, CONTROL_SOCKET);
        check(send(stopped[i], &r, sizeof(r), 0) > 0);
    }
    o = recorder(w);
    equal(json_array_size(json_object_get(o, "cpus")), 1024);
    json_decref(o);
    good("stop", NULL);
    o = recorder(w);
    same(text_of(o, "state"), "stopped");
    json_decref(o);
    for ( i = 0; i < 3; i++ )
        close(stopped[i]);
}

/*
 * Everybody at once.
 */

static const char *const steps[] = {
    "create --size=256K", "destroy", "start", "stop", "create --size=512K",
    "mask busy hvm=off", "mask busy hvm=on", "start", "destroy",
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* A shell that runs `turns` of them; its status is 0 if none hung or died. */
static pid_t shell(struct world *w, unsigned int turns, unsigned int stride)
{
    char script[4096];
    size_t len = 0;
    unsigned int i;
    pid_t pid;

    for ( i = 0; i < turns; i++ )
    {
        const char *step = steps[i * stride % STEPS], *args = strchr(step, ' ');

        len += snprintf(script + len, sizeof(script) - len,
                        "%s/tools/xenflight %.*s --run %s --backend %s%s; "
                        "[ $? -lt 2 ] || exit 1\n",
                        cases_build,
                        (int)(args ? args - step : (long)strlen(step)), step,
                        w->run, w->backend, args ? args : "");
    }
    pid = fork();
    if ( !pid )
    {
        freopen("/dev/null", "w", stdout);
        freopen("/dev/null", "w", stderr);
        execl("/bin/sh", "sh", "-c", script, NULL);
        _exit(127);
    }
    return pid;
}

static void race(struct world *w, bool daemon_comes_and_goes)
{
    pid_t pid[2] = { shell(w, 18, 2), shell(w, 18, 5) };
    int status, i;

    for ( i = 0; daemon_comes_and_goes && i < 3; i++ )
    {
        daemon_start(w);
        check(wait_log(w, "watching; snapshots go to"));
        equal(daemon_stop(w), 0);
    }
    for ( i = 0; i < 2; i++ )
        check(waitpid(pid[i], &status, 0) == pid[i] && WIFEXITED(status) &&
              !WEXITSTATUS(status));
}

static void settle(struct world *w)
{
    good("destroy", NULL);
    good("create", "--size=512K");
    good("mask", "busy", "default");
    good("start", NULL);
    in_state(w, "recording");
}

static void case_race_beside_daemon(struct world *w)
{
    up(w, "heartbeat = 1\n");
    race(w, false);
    settle(w);
    snapshot(w);
}

static void case_race_without_daemon(struct world *w)
{
    world_start(w, "[recorder]\ncreate = no\n");
    race(w, true);
    settle(w);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        CASE(life_with_daemon),    CASE(life_without_daemon),
        CASE(destroy_takes_first), CASE(destroy_refused),
        CASE(command_from_nobody), CASE(silent_clients),
        CASE(status_of_many_cpus),
        CASE(many_waiting_clients), CASE(race_beside_daemon),
        CASE(race_without_daemon),
    };

    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
