/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-storms.c: what a daemon meets that runs for years: a xenstored that
 * hangs, floods of triggers, signals at any moment, clocks that are set.
 *
 *   test-storms BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"

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

/* All that Xen and an administrator want goes on meanwhile. */
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

/* A domain that came and crashed meanwhile: Xen knows who it was. */
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

int main(int argc, char **argv)
{
    static const struct test_case cases[] = {
        BOTH(xenstored_hangs),
        CASE(crash_while_xenstored_hangs),
        BOTH(xenstored_hangs_and_dies),
        CASE(start_while_xenstored_hangs),
    };

    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
