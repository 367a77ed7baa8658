/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-names.c: the names of domains in files of `xenflight record': from a
 * real xenstored, whenever they come there.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "tests/lib/owntime.h"

#define HANDLE_A "000102030405060708090a0b0c0d0e0f"
#define HANDLE_B "101112131415161718191a1b1c1d1e1f"
#define UUID_A   "00010203-0405-0607-0809-0a0b0c0d0e0f"
#define UUID_B   "10111213-1415-1617-1819-1a1b1c1d1e1f"

static char file[128];

static const char *tool(void)
{
    static char path[300];

    snprintf(path, sizeof(path), "%s/tools/xenflight", cases_build);
    return path;
}

/* Recording has begun when it returns. */
static pid_t begin(struct world *w)
{
    char said[512] = "";
    size_t n = 0;
    int p[2];
    pid_t pid;
    struct pollfd ready;

    snprintf(file, sizeof(file), "%s/recording", w->dir);
    unlink(file);
    check(!pipe(p));
    pid = fork();
    if ( !pid )
    {
        dup2(p[1], STDERR_FILENO);
        close(p[0]);
        close(p[1]);
        close(STDOUT_FILENO);
        open("/dev/null", O_WRONLY);
        execl(tool(), "xenflight", "record", "--backend", w->backend, "-o",
              file, "--seconds", "60", (char *)NULL);
        _exit(127);
    }
    close(p[1]);
    ready = (struct pollfd){ .fd = p[0], .events = POLLIN };
    while ( !strstr(said, "Recording") && n < sizeof(said) - 1 &&
            own_poll(&ready, 1, WAIT_MS) > 0 && read(p[0], &said[n], 1) == 1 )
        n++;
    check(strstr(said, "Recording") != NULL);
    close(p[0]);
    return pid;
}

/* Ends it and reads its entries for the domains of that number. */
static json_t *end(pid_t pid)
{
    const char *argv[] = { tool(), "info", "--json", file, NULL };
    json_t *root, *domains;
    char *out;
    int status;

    kill(pid, SIGINT);
    check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    equal(WEXITSTATUS(status), 0);
    equal(run(&out, argv), 0);
    root = json_loads(out, 0, NULL);
    domains = json_incref(json_object_get(json_object_get(root, "meta"),
                                          "domains"));
    check(json_is_array(domains));
    json_decref(root);
    free(out);
    return domains;
}

/* The one entry of a domain. */
static const json_t *one(const json_t *domains, int domid, const char *uuid)
{
    const json_t *found = NULL, *d;
    size_t i;

    json_array_foreach((json_t *)domains, i, d)
        if ( num_of(d, "domid") == domid && !strcmp(text_of(d, "uuid"), uuid) )
        {
            check(!found);
            found = d;
        }
    check(found != NULL);
    return found;
}

static void names(struct world *w, bool late)
{
    json_t *domains;
    pid_t pid;

    world_start(w, NULL);
    domain_new(w, 5, HANDLE_A, "web1");
    host(w, "domain 6 %s 1", HANDLE_B); /* its name comes later */
    pid = begin(w);
    if ( late )
    {
        xs_put(w, "/local/domain/6/name", "late");
        domain_new(w, 7, HANDLE_A, "born");
        check(xs_rm_domain(w, 5));
        host(w, "gone 5");
        domain_new(w, 5, HANDLE_B, "second");
    }
    host(w, "fill 0 900");
    domains = end(pid);
    same(text_of(one(domains, 5, UUID_A), "name"), "web1");
    same(text_of(one(domains, 6, UUID_B), "name"), late ? "late" : "");
    if ( late )
    {
        same(text_of(one(domains, 7, UUID_A), "name"), "born");
        same(text_of(one(domains, 5, UUID_B), "name"), "second");
    }
    json_decref(domains);
}

static void case_names_at_the_begin(struct world *w)
{
    names(w, false);
}

static void case_names_that_come_later(struct world *w)
{
    names(w, true);
}

/*
 * A reader finds a domain by its name, all that had it; a slice is of
 * one.
 */
static void case_names_are_found(struct world *w)
{
    const char *argv[] = { tool(), "show", "--head", "--domain", "born", file,
                           NULL };
    const char *slice[] = { tool(), "redact", "--domain", "born", "-o",
                            "/dev/null", file, NULL };
    char *out;
    pid_t pid;

    world_start(w, NULL);
    pid = begin(w);
    domain_new(w, 7, HANDLE_A, "born");
    domain_new(w, 8, HANDLE_A, "born");
    host(w, "fill 0 900");
    json_decref(end(pid));
    equal(run(&out, argv), 0);
    check(strstr(out, "d7 born, d8 born") != NULL);
    free(out);
    equal(run(&out, slice), 1);
    check(strstr(out, "give a number: 7 8\n") != NULL);
    free(out);
}

/* Not as any node may be: too long, of bytes that JSON has not. */
static void case_odd_names(struct world *w)
{
    char longer[200];
    json_t *domains;
    pid_t pid;

    world_start(w, NULL);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    domain_new(w, 5, HANDLE_A, longer);
    domain_new(w, 6, HANDLE_B, "a\xff\x1b[31m\"b");
    domain_new(w, 7, HANDLE_A, "");
    pid = begin(w);
    domains = end(pid);
    check(!json_object_get(one(domains, 5, UUID_A), "name"));
    same(text_of(one(domains, 6, UUID_B), "name"), "a\\xff\\x1b[31m\"b");
    check(!json_object_get(one(domains, 7, UUID_A), "name"));
    json_decref(domains);
}

/* The nodes of a former domain of the number are not those of the new one. */
static void case_stale_names(struct world *w)
{
    json_t *domains;
    pid_t pid;

    world_start(w, NULL);
    xs_put(w, "/local/domain/5/vm", "/vm/" UUID_B);
    domain_new(w, 5, HANDLE_A, "stale");
    xs_put(w, "/local/domain/6/vm", "/vm/" UUID_B);
    domain_new(w, 6, HANDLE_B, "web6");
    pid = begin(w);
    domains = end(pid);
    check(!json_object_get(one(domains, 5, UUID_A), "name"));
    same(text_of(one(domains, 6, UUID_B), "name"), "web6");
    json_decref(domains);
}

static void case_no_xenstore(struct world *w)
{
    json_t *domains;
    pid_t pid;

    world_start(w, NULL);
    domain_new(w, 5, HANDLE_A, "web1");
    pid = begin(w);
    xenstored_kill(w);
    host(w, "domain 6 %s 1", HANDLE_B);
    host(w, "fill 0 900");
    domains = end(pid);
    same(text_of(one(domains, 5, UUID_A), "name"), "web1");
    check(!json_object_get(one(domains, 6, UUID_B), "name"));
    json_decref(domains);

    pid = begin(w);
    host(w, "fill 0 900");
    domains = end(pid);
    check(!json_object_get(one(domains, 5, UUID_A), "name"));
    json_decref(domains);
}

/* It is there, but answers never: recording goes on. */
static void case_silent_xenstore(struct world *w)
{
    json_t *domains;
    pid_t pid;

    world_start(w, NULL);
    domain_new(w, 5, HANDLE_A, "web1");
    check(!kill(w->xenstored, SIGSTOP));
    pid = begin(w);
    host(w, "domain 6 %s 1", HANDLE_B);
    host(w, "fill 0 900");
    domains = end(pid);
    check(!json_object_get(one(domains, 5, UUID_A), "name"));
    check(!json_object_get(one(domains, 6, UUID_B), "name"));
    json_decref(domains);

    check(!kill(w->xenstored, SIGCONT));
    pid = begin(w);
    domains = end(pid);
    same(text_of(one(domains, 5, UUID_A), "name"), "web1");
    json_decref(domains);
}

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        BOTH(names_at_the_begin), BOTH(names_that_come_later),
        CASE(names_are_found),    CASE(odd_names), CASE(stale_names),
        CASE(no_xenstore),        CASE(silent_xenstore),
    };

    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
