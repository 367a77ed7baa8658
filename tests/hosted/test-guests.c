/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-guests.c: guests ask for trace snapshots, as xs-hooks/PROTOCOL.md says,
 * and misuse what they were given: over their own rings, on both xenstoreds.
 *
 *   test-guests BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "guest.h"

#define HANDLE  "00112233445566778899aabbccddeeff"
#define UUID    "00112233-4455-6677-8899-aabbccddeeff"
#define HANDLE2 "ffeeddccbbaa99887766554433221100"
#define UUID2   "ffeeddcc-bbaa-9988-7766-554433221100"
#define ALL     "[guests]\nmay_ask = all\n"

static void check_perms(struct guest_ring *g, const char *path,
                        const char *want)
{
    char perms[64], *p;
    int n = guest_call(g, XS_GET_PERMS, path, strlen(path) + 1, perms,
                       sizeof(perms) - 1);

    if ( !check(n > 0) )
        return;
    perms[n] = '\0';
    for ( p = perms; p < perms + n - 1; p++ )
        if ( !*p )
            *p = ',';
    same(perms, want);
}

static bool ask(struct guest_ring *g, const char *why)
{
    return check(guest_write(g, ASK, why, strlen(why)) >= 0);
}

/* Has asked: waits for the answer. */
static void check_answer(struct guest_ring *g, const char *want)
{
    check(guest_sees(g, STATUS, want));
    check(guest_sees(g, ASK, ""));
}

static void case_asks(struct world *w)
{
    struct guest_ring g;
    const json_t *t;
    json_t *meta;
    char *path;

    up(w, ALL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    check_perms(&g, ASK, "n0,b5");
    check_perms(&g, STATUS, "n0,r5");
    check(guest_sees(&g, STATUS, ""));
    ask(&g, "a task hung");
    path = wait_file(w);
    check_answer(&g, "done");
    check(path && strstr(path, "-" UUID "-guest-request-g1.xfr.lz4"));
    meta = path ? file_meta(path) : NULL;
    t = json_object_get(meta, "trigger");
    same(text_of(t, "cause"), "request");
    same(text_of(t, "source"), "guest");
    same(text_of(t, "reason_text"), "a task hung");
    same(text_of(t, "uuid"), UUID);
    same(text_of(t, "name"), "web-1");
    equal(num_of(t, "domid"), 5);
    json_decref(meta);
    free(path);
    /* Again; then its budget of two is used up. */
    ask(&g, "and again");
    free(wait_file(w));
    check_answer(&g, "done");
    ask(&g, "thrice");
    check_answer(&g, "rate-limited");
    equal(count_files(w), 2);
    equal(count_entries(w), 2);
    guest_close(&g);
}

static void case_not_allowed(struct world *w)
{
    struct guest_ring g;
    char value[16];

    up(w, NULL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    /* The introduction has been seen when this is answered. */
    xs_put(w, "/tool/xenflight/request/r", "");
    free(xs_answer_of(w, "r"));
    equal(guest_read(&g, ASK, value, sizeof(value)), -ENOENT);
    equal(guest_read(&g, STATUS, value, sizeof(value)), -ENOENT);
    equal(guest_write(&g, ASK, "x", 1), -EACCES);
    guest_close(&g);
}

/* Only those that Dom0 names; it may change its mind. */
static void case_named(struct world *w)
{
    struct guest_ring g, other;
    char value[16];

    up(w, "[guests]\nmay_ask = named\n");
    xs_put(w, "/tool/xenflight/guest/" UUID, "");
    guest_new(w, &g, 5, HANDLE, "web-1");
    guest_new(w, &other, 6, HANDLE2, "web-2");
    check(guest_sees(&g, ASK, ""));
    ask(&g, "x");
    free(wait_file(w));
    check_answer(&g, "done");
    equal(guest_read(&other, ASK, value, sizeof(value)), -ENOENT);
    xs_put(w, "/tool/xenflight/guest/" UUID2, "");
    check(guest_sees(&other, ASK, ""));
    check(xs_rm_path(w, "/tool/xenflight/guest/" UUID));
    check(guest_sees(&g, STATUS, "denied"));
    equal(guest_read(&g, ASK, value, sizeof(value)), -ENOENT);
    xs_put(w, "/tool/xenflight/guest/" UUID, "");
    check(guest_sees(&g, ASK, ""));
    check(guest_sees(&g, STATUS, ""));
    guest_close(&g);
    guest_close(&other);
}

/* What was asked of nobody; a guest that does not want to; one that may not. */
static void case_daemon_was_away(struct world *w)
{
    struct guest_ring g, other;
    char value[16];

    up(w, ALL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    guest_new(w, &other, 6, HANDLE2, "web-2");
    check(guest_sees(&g, ASK, ""));
    check(guest_sees(&other, ASK, ""));
    check(guest_rm(&other, ASK) >= 0);
    equal(daemon_stop(w), 0);
    ask(&g, "is anybody there?");
    daemon_start(w);
    check_answer(&g, "stale");
    check(wait_log(w, "watching"));
    equal(count_entries(w), 0);
    equal(guest_read(&other, ASK, value, sizeof(value)), -ENOENT);
    equal(daemon_stop(w), 0);
    conf_write(w, NULL);
    daemon_start(w);
    check(guest_sees(&g, STATUS, "denied"));
    equal(guest_read(&g, ASK, value, sizeof(value)), -ENOENT);
    guest_close(&g);
    guest_close(&other);
}

/* The programs for guests; the script has a ring only on a real Xen. */
static void case_program(struct world *w)
{
    char ask_path[300], *out, *path;
    struct guest_ring g, other;
    json_t *meta;

    snprintf(ask_path, sizeof(ask_path), "%s/xs-hooks/guest/xenflight-ask",
             cases_build);
    up(w, "[guests]\nmay_ask = named\nburst = 1\n");
    xs_put(w, "/tool/xenflight/guest/" UUID, "");
    guest_new(w, &g, 5, HANDLE, "web-1");
    guest_new(w, &other, 6, HANDLE2, "web-2");
    check(guest_sees(&g, ASK, ""));
    equal(guest_run(&g, &out, (const char *[]){ ask_path, "-d", "DEVICE",
                                                "a task hung", NULL }), 0);
    same(out, "done\n");
    free(out);
    path = wait_file(w);
    meta = path ? file_meta(path) : NULL;
    same(text_of(json_object_get(meta, "trigger"), "reason_text"),
         "a task hung");
    json_decref(meta);
    free(path);
    equal(guest_run(&g, &out, (const char *[]){ ask_path, "-d", "DEVICE",
                                                NULL }), 1);
    same(out, "rate-limited\n");
    free(out);
    equal(guest_run(&other, &out, (const char *[]){ ask_path, "-d", "DEVICE",
                                                    NULL }), 3);
    check_at(__LINE__, strstr(out, "may not ask: ENOENT"), "it said: %s", out);
    free(out);
    equal(run(&out, (const char *[]){ ask_path, "-d", "/nonexistent", NULL }),
          3);
    free(out);
    equal(run(&out, (const char *[]){ ask_path, "-t", "x", NULL }), 2);
    free(out);
    /* Nobody there. */
    equal(daemon_stop(w), 0);
    equal(guest_run(&g, &out, (const char *[]){ ask_path, "-d", "DEVICE", "-n",
                                                NULL }), 0);
    same(out, "");
    free(out);
    equal(guest_run(&g, &out, (const char *[]){ ask_path, "-d", "DEVICE", "-t",
                                                "1", NULL }), 1);
    check_at(__LINE__, strstr(out, "no answer"), "it said: %s", out);
    free(out);
    guest_close(&g);
    guest_close(&other);
}

static const struct test_case cases[] = {
    BOTH(asks), BOTH(not_allowed), BOTH(named), BOTH(daemon_was_away),
    BOTH(program),
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
