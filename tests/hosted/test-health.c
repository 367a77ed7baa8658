/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-health.c: the daemon's published state: nodes in xenstore, the file
 * for Prometheus, the service manager and its watchdog.
 *
 *   test-health BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "tests/lib/owntime.h"

#define HANDLE "00112233445566778899aabbccddeeff"

static char *crash_file(struct world *w)
{
    char *path;

    host(w, "crash 5 0");
    path = wait_file(w);
    check(path != NULL);
    return path;
}

/* Waits until status/<name> has this value. */
static void check_node(struct world *w, const char *name, const char *want)
{
    char path[128], *value = NULL;
    uint64_t end = own_ms() + WAIT_MS;

    snprintf(path, sizeof(path), "/tool/xenflight/status/%s", name);
    do {
        free(value);
        value = xs_get(w, path);
        if ( value && !strcmp(value, want) )
            break;
        poll(NULL, 0, 10);
    } while ( own_ms() < end );
    same(value, want);
    free(value);
}

static void case_nodes(struct world *w)
{
    char *file, *value;

    up(w, "[daemon]\nheartbeat = 1\n[limit]\ndomain = 1/1h\n");
    check_node(w, "state", "recording");
    check_node(w, "engine", "running");
    check_node(w, "written", "0");
    domain_new(w, 5, HANDLE, "web-1");
    file = crash_file(w);
    host(w, "crash 5 1");
    check_node(w, "written", "1");
    check_node(w, "suppressed", "1");
    check_node(w, "failed", "0");
    check_node(w, "held", "0");
    check_node(w, "last", file);
    free(file);
    /* A new xenstored gets all of it. */
    xenstored_kill(w);
    check(wait_log(w, "xenstored is gone"));
    xenstored_start(w);
    check(wait_log(w, "connected again"));
    check_node(w, "written", "1");
    check_node(w, "state", "recording");
    equal(daemon_stop(w), 0);
    value = xs_get(w, "/tool/xenflight/status/state");
    check(!value);
    free(value);
}

/*
 * Prometheus.
 */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = calloc(1, 65536);

    if ( f )
    {
        check(fread(text, 1, 65535, f) > 0);
        fclose(f);
    }
    return text;
}

/* name{label="value",...} number: the form, and that its TYPE came before. */
static bool sample_is_good(const char *text, const char *line)
{
    char name[128], type[160];
    const char *at = line;
    size_t n = strcspn(line, "{ \n");
    char *end;

    snprintf(name, sizeof(name), "%.*s", (int)n, line);
    at += n;
    if ( *at == '{' )
        at = strchr(at, '}') ? strchr(at, '}') + 1 : "";
    if ( strncmp(name, "xenflight_", 10) || *at != ' ' )
        return false;
    strtod(at + 1, &end);
    if ( end == at + 1 || *end != '\n' )
        return false;
    /* A summary's parts have their own ends. */
    if ( strstr(name, "durable_seconds_") && !strstr(name, "_max") )
        *strrchr(name, '_') = '\0';
    snprintf(type, sizeof(type), "# TYPE %s ", name);
    return strstr(text, type) && strstr(text, type) < line;
}

static void check_samples(const char *text)
{
    const char *line;
    unsigned int n = 0;

    for ( line = text; *line; line = strchr(line, '\n') + 1 )
    {
        if ( !strchr(line, '\n') )
            check_at(__LINE__, false, "cut: %s", line);
        if ( !strchr(line, '\n') )
            return;
        if ( *line == '#' )
            continue;
        check_at(__LINE__, sample_is_good(text, line), "no sample: %.60s",
                 line);
        n++;
    }
    check(n > 50);
}

static bool wait_text(const char *path, const char *what)
{
    uint64_t end = own_ms() + WAIT_MS;
    bool found = false;
    char *text;

    while ( !found && own_ms() < end )
    {
        text = read_file(path);
        found = strstr(text, what) != NULL;
        free(text);
        if ( !found )
            poll(NULL, 0, 10);
    }
    return check_at(__LINE__, found, "not in the file: %s", what);
}

static void case_textfile(struct world *w)
{
    char conf[512], path[128], part[144], victim[128], *text;
    struct stat st;
    int fd;

    world_start(w, NULL);
    snprintf(path, sizeof(path), "%s/x.prom", w->dir);
    snprintf(part, sizeof(part), "%s.part", path);
    snprintf(victim, sizeof(victim), "%s/victim", w->dir);
    /* Another user with write access there has laid a trap. */
    fd = open(victim, O_WRONLY | O_CREAT, 0600);
    check(write(fd, "mine", 4) == 4);
    close(fd);
    check(!symlink(victim, part));
    snprintf(conf, sizeof(conf), "[daemon]\nuser = nobody\nstate = %s\n"
             "run = %s\n[status]\ntextfile = %s\n[limit]\ndomain = 1/1h\n",
             w->state, w->run, path);
    fd = open(w->conf, O_WRONLY | O_TRUNC);
    check(write(fd, conf, strlen(conf)) == (ssize_t)strlen(conf));
    close(fd);
    daemon_start(w);
    check(wait_log(w, "watching"));
    domain_new(w, 5, HANDLE, "web-1");
    free(crash_file(w));
    host(w, "crash 5 0");
    wait_text(path, "triggers_total{cause=\"crash\",outcome=\"written\"} 1\n");
    wait_text(path,
              "triggers_total{cause=\"crash\",outcome=\"limit_domain\"} 1\n");
    wait_text(path, "xenflight_recording 1\n");
    wait_text(path, "xenflight_durable_seconds_count 1\n");
    wait_text(path, "xenflight_store_files 1\n");
    text = read_file(path);
    check_samples(text);
    check(!strstr(text, "reach_seconds{channel=\"busy\"} 0.000\n"));
    check(strstr(text, "reach_seconds{channel=\"rare\"}") != NULL);
    free(text);
    check(!stat(path, &st) && (st.st_mode & 07777) == 0644);
    text = read_file(victim);
    same(text, "mine");
    free(text);
    check(access(part, F_OK));
}

/*
 * The service manager.
 */

static int manager; /* the socket that NOTIFY_SOCKET names */

static void manager_up(struct world *w, const char *watchdog_usec,
                       mode_t state_mode)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    world_start(w, NULL);
    check(!chmod(w->state, state_mode));
    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", w->dir);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(!bind(manager, (struct sockaddr *)&sun, sizeof(sun)));
    setenv("NOTIFY_SOCKET", sun.sun_path, 1);
    if ( watchdog_usec )
        setenv("WATCHDOG_USEC", watchdog_usec, 1);
    daemon_start(w);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
}

/* Waits at most `ms` for a message that contains `what`. */
static bool told(const char *what, int ms)
{
    struct pollfd p = { .fd = manager, .events = POLLIN };
    uint64_t now, end = own_ms() + ms;
    char text[512];
    ssize_t n;

    while ( (now = own_ms()) < end )
    {
        if ( own_poll(&p, 1, end - now) <= 0 )
            continue;
        n = recv(manager, text, sizeof(text) - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        if ( strstr(text, what) )
            return true;
    }
    return false;
}

static void case_manager(struct world *w)
{
    char path[64], *text;

    manager_up(w, NULL, 0700);
    check(told("READY=1\nSTATUS=recording; back ", WAIT_MS));
    domain_new(w, 5, HANDLE, "web-1");
    free(crash_file(w));
    check(told("1 written, 0 failed", WAIT_MS));
    /* The engine has no notification socket. */
    snprintf(path, sizeof(path), "/proc/%d/environ", engine_pid(w));
    text = read_file(path);
    check(!memmem(text, 65536, "NOTIFY_SOCKET", 13));
    free(text);
    kill(w->daemon, SIGTERM);
    check(told("STOPPING=1", WAIT_MS));
    equal(daemon_wait(w), 0);
    close(manager);
}

/* It can do little, but that is no reason to start it again and again. */
static void case_manager_of_a_bad_disk(struct world *w)
{
    manager_up(w, NULL, 0755);
    check(told("READY=1\nSTATUS=recording", WAIT_MS));
    check(wait_log(w, "closed to others"));
    check(!chmod(w->state, 0700));
    check(told("0 suppressed", WAIT_MS));
    domain_new(w, 5, HANDLE, "web-1");
    free(crash_file(w));
    close(manager);
}

#define TICK_MS 200

static void case_watchdog(struct world *w)
{
    pid_t engine;

    manager_up(w, "600000", 0700);
    check(told("READY=1", WAIT_MS));
    check(told("WATCHDOG=1", WAIT_MS) && told("WATCHDOG=1", WAIT_MS));
    engine = engine_pid(w);
    kill(engine, SIGSTOP);
    /* Earlier progress may still be reported once; then there is silence. */
    told("WATCHDOG=1", 2 * TICK_MS);
    told("WATCHDOG=1", 2 * TICK_MS);
    check(!told("WATCHDOG=1", 5 * TICK_MS));
    kill(engine, SIGCONT);
    check(told("WATCHDOG=1", WAIT_MS));
    /* One that is dead is not one that is stuck: a new one comes. */
    kill(engine, SIGKILL);
    check(wait_log(w, "ended by signal 9"));
    check(told("WATCHDOG=1", WAIT_MS) && told("WATCHDOG=1", WAIT_MS));
    /* A stuck monitor is silent as well. */
    kill(w->daemon, SIGSTOP);
    while ( told("WATCHDOG=1", 1) )
        continue;
    check(!told("WATCHDOG=1", 5 * TICK_MS));
    kill(w->daemon, SIGCONT);
    check(told("WATCHDOG=1", WAIT_MS));
    equal(daemon_stop(w), 0);
    close(manager);
}

static const struct test_case cases[] = {
    BOTH(nodes),
    CASE(textfile),
    CASE(manager),
    CASE(manager_of_a_bad_disk),
    CASE(watchdog),
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
