/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-guests.c: guests ask for trace snapshots by xs-hooks/PROTOCOL.md,
 * and misuse their nodes: over their own rings, on both xenstoreds.
 *
 *   test-guests BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
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

/* The daemon has seen all that was introduced before. */
static void settle(struct world *w)
{
    static unsigned int n;
    char name[64], *answer;

    snprintf(name, sizeof(name), "/tool/xenflight/request/s%u", ++n);
    xs_put(w, name, "settle");
    answer = xs_answer_of(w, strrchr(name, '/') + 1);
    same(answer, "done");
    free(answer);
    free(wait_file(w));
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

/* A stale request; a guest that opts out; one that may not ask. */
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

/* The program for guests that needs nothing but the device. */
static void case_program(struct world *w)
{
    char ask_path[300], *out, *path;
    struct guest_ring g, other;
    json_t *meta;

    snprintf(ask_path, sizeof(ask_path), "%s/xs-hooks/guest/xenflight-ask",
             cases_build);
    up(w, "[guests]\nmay_ask = named\n[limit]\nguest = 1/15m\n");
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
    check_at(__LINE__, strstr(out, "may not ask: ENOENT"), "output: %s", out);
    free(out);
    equal(run(&out, (const char *[]){ ask_path, "-d", "/nonexistent", NULL }),
          3);
    free(out);
    equal(run(&out, (const char *[]){ ask_path, "-t", "x", NULL }), 2);
    free(out);
    /* No daemon. */
    equal(daemon_stop(w), 0);
    equal(guest_run(&g, &out, (const char *[]){ ask_path, "-d", "DEVICE", "-n",
                                                NULL }), 0);
    same(out, "");
    free(out);
    equal(guest_run(&g, &out, (const char *[]){ ask_path, "-d", "DEVICE", "-t",
                                                "1", NULL }), 1);
    check_at(__LINE__, strstr(out, "no answer"), "output: %s", out);
    free(out);
    guest_close(&g);
    guest_close(&other);
}

static unsigned int log_lines(struct world *w, const char *what)
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

/*
 * Toolstacks: the hooks of libvirt and XAPI, called as they do.
 */

/* A shell line, with the tree's hooks in $H and a directory for it in $D. */
static int shell(struct world *w, const char *line)
{
    const char *argv[] = { "/bin/sh", "-ec", line, NULL };
    char *out;
    int rc;

    setenv("H", "xs-hooks/toolstack", 1);
    setenv("D", w->dir, 1);
    rc = run(&out, argv);
    if ( rc || *out )
        printf("# %s\n# status %d, output: %s\n", line, rc, out);
    rc = rc ? rc : *out;
    free(out);
    return rc;
}

/*
 * The script for guests: xenstore's programs are Dom0's here, so it asks by
 * Dom0's own directory, and the other side is played.
 */
static void case_script(struct world *w)
{
    world_start(w, NULL);
    setenv("A", "xs-hooks/guest/xenflight-ask.sh", 1);
    equal(shell(w, "r=0; $A x 2>$D/said || r=$?; [ $r = 3 ]"), 0);
    equal(shell(w, "xenstore-write " ASK " '' " STATUS " done"), 0);
    /* An old answer is none. */
    equal(shell(w, "(until [ \"$(xenstore-read " ASK ")\" = why ]; do "
                   "sleep .02; done; "
                   "xenstore-write " STATUS " accepted " ASK " ''; "
                   "xenstore-write " STATUS " rate-limited) & "
                   "r=0; $A -t 20 why >$D/said || r=$?; wait; [ $r = 1 ]; "
                   "[ \"$(cat $D/said)\" = rate-limited ]"), 0);
    equal(shell(w, "r=0; $A -t 1 why 2>$D/said || r=$?; [ $r = 1 ]; "
                   "grep -q 'no answer' $D/said; $A -n again; "
                   "[ \"$(xenstore-read " ASK ")\" = again ]"), 0);
    equal(shell(w, "r=0; $A -t x 2>$D/said || r=$?; [ $r = 2 ]"), 0);
}

#define XML(meta)                                                            \
    "printf '<domain type=\"xen\">\n <name>web-1</name>\n <uuid>" UUID     \
    "</uuid>\n <description>&lt;x:guest xmlns:x=\"urn:xenflight\" "         \
    "may-ask=\"yes\"/></description>\n <metadata>" meta "</metadata>\n"    \
    "</domain>\n' | $H/libvirt web-1 "
#define MAY "<x:guest may-ask=\"yes\" xmlns:x=\"urn:xenflight\"/>"

static void case_libvirt(struct world *w)
{
    struct guest_ring g;
    char value[16];

    up(w, "[guests]\nmay_ask = named\n");
    equal(shell(w, XML("") "prepare begin -"), 0);
    guest_new(w, &g, 5, HANDLE, "web-1");
    settle(w);
    equal(guest_read(&g, ASK, value, sizeof(value)), -ENOENT);
    equal(shell(w, XML(MAY) "start begin -"), 0);
    check(guest_sees(&g, ASK, ""));
    equal(shell(w, XML(MAY) "started begin -"), 0);
    ask(&g, "x");
    check_answer(&g, "done");
    equal(shell(w, XML(MAY) "release end -"), 0);
    check(guest_sees(&g, STATUS, "denied"));
    /* Nothing it can use: no harm. */
    equal(shell(w, "echo nonsense | $H/libvirt x prepare begin -"), 0);
    equal(shell(w, "$H/libvirt </dev/null"), 0);
    guest_close(&g);
}

/* With an xe that knows one VM. */
static void case_xapi(struct world *w)
{
    struct guest_ring g;
    char *path;
    json_t *meta;

    up(w, "[guests]\nmay_ask = named\n");
    equal(shell(w, "mkdir $D/bin; for d in start resume shutdown reboot; do "
                   "mkdir $D/vm-pre-$d; cp $H/xapi $D/vm-pre-$d/50-x; done; "
                   "mkdir $D/vm-post-destroy; "
                   "cp $H/xapi $D/vm-post-destroy/50-x; "
                   "cp $H/xenflight-request $D/bin; "
                   "printf '#!/bin/sh\n[ \"$*\" = \"vm-param-get uuid=" UUID
                   " param-name=other-config param-key=xenflight-may-ask\" ] "
                   "&& echo true\n' >$D/bin/xe; chmod +x $D/bin/xe"), 0);
    guest_new(w, &g, 5, HANDLE, "web-1");
    equal(shell(w, "PATH=$D/bin:$PATH $D/vm-pre-start/50-x -vmuuid " UUID
                   " -reason none"), 0);
    check(guest_sees(&g, ASK, ""));
    equal(shell(w, "PATH=$D/bin:$PATH $D/vm-pre-start/50-x -vmuuid " UUID2
                   " -reason none"), 0);
    path = xs_get(w, "/tool/xenflight/guest/" UUID2);
    check(!path);
    free(path);
    /* Forced: the history before it is kept. */
    equal(shell(w, "PATH=$D/bin:$PATH $D/vm-pre-shutdown/50-x -vmuuid " UUID
                   " -reason hard-shutdown >$D/said"), 0);
    path = wait_file(w);
    meta = path ? file_meta(path) : NULL;
    same(text_of(json_object_get(meta, "trigger"), "reason_text"),
         "XAPI: hard-shutdown of " UUID);
    json_decref(meta);
    free(path);
    equal(shell(w, "PATH=$D/bin:$PATH $D/vm-pre-reboot/50-x -vmuuid " UUID
                   " -reason clean-reboot"), 0);
    equal(shell(w, "$D/vm-post-destroy/50-x -vmuuid " UUID " -reason none"), 0);
    check(guest_sees(&g, STATUS, "denied"));
    equal(shell(w, "$D/vm-pre-start/50-x -vmuuid '../../x' -reason none"), 0);
    equal(count_files(w), 1);
    guest_close(&g);
}

/*
 * Misuse.
 */

static void case_reaches_no_further(struct world *w)
{
    static const char mine[] = "n5", ours[] = "n0\0b5\0b6";
    struct guest_ring g, other;
    char value[16];

    up(w, ALL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    guest_new(w, &other, 6, HANDLE2, "web-2");
    check(guest_sees(&g, ASK, ""));
    check(guest_sees(&other, ASK, ""));
    equal(guest_chmod(&g, ASK, mine, sizeof(mine)), -EACCES);
    equal(guest_chmod(&g, ASK, ours, sizeof(ours)), -EACCES);
    equal(guest_chmod(&g, STATUS, mine, sizeof(mine)), -EACCES);
    equal(guest_write(&g, STATUS, "done", 4), -EACCES);
    equal(guest_rm(&g, STATUS), -EACCES);
    equal(guest_write(&g, STATUS "/x", "x", 1), -EACCES);
    equal(guest_read(&other, "/local/domain/5/" ASK, value, sizeof(value)),
          -EACCES);
    equal(guest_read(&other, "/local/domain/5/" STATUS, value, sizeof(value)),
          -EACCES);
    equal(guest_write(&other, "/local/domain/5/" ASK, "x", 1), -EACCES);
    check(guest_read(&other, "/tool/xenflight/request", value,
                     sizeof(value)) < 0);
    check_perms(&g, ASK, "n0,b5");
    /* It need not take part, and cannot change its mind. */
    check(guest_rm(&g, ASK) >= 0);
    equal(guest_write(&g, ASK, "x", 1), -EACCES);
    settle(w);
    equal(guest_read(&g, ASK, value, sizeof(value)), -ENOENT);
    ask(&other, "x");
    check_answer(&other, "done");
    guest_close(&g);
    guest_close(&other);
}

/* On oxenstored these would be Dom0's nodes, and count against no quota. */
static void case_children(struct world *w)
{
    struct guest_ring g;
    char name[64], *left;
    unsigned int i;
    int rc = 0;

    up(w, ALL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    for ( i = 0; i < 100000 && rc >= 0; i++ )
    {
        snprintf(name, sizeof(name), ASK "/%u", i);
        rc = guest_write(&g, name, "x", 1);
    }
    printf("# measured: it could make %u nodes\n", i - 1);
    check(rc == -EACCES || rc == -ENOSPC);
    check(guest_sees(&g, STATUS, "denied"));
    left = xs_get(w, "/local/domain/5/" ASK);
    check(!left);
    free(left);
    check(wait_log(w, "made nodes below"));
    guest_close(&g);
}

/* Bytes of all kinds, as many as xenstored takes. */
static void case_binary(struct world *w)
{
    static const char start[] = "x\nsnapshotd: error: %s\033[31m";
    struct guest_ring g;
    char value[4000], *path;
    const char *text;
    json_t *meta;
    size_t i;

    up(w, ALL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    for ( i = 0; i < sizeof(value); i++ )
        value[i] = i * 7 + i / 256;
    memcpy(value, start, sizeof(start) - 1);
    if ( guest_write(&g, ASK, value, sizeof(value)) < 0 )
        check(guest_write(&g, ASK, value, 2000) >= 0);
    check_answer(&g, "done");
    path = wait_file(w);
    meta = path ? file_meta(path) : NULL;
    text = text_of(json_object_get(meta, "trigger"), "reason_text");
    check(strstr(text, "\\x1b[31m") && strlen(text) <= 1024);
    check(wait_log(w, "\"x\\x0asnapshotd: error: %s\\x1b[31m"));
    check(!logged(w, "\nsnapshotd: error: %s"));
    check(!memchr(w->text, '\033', w->text_bytes));
    json_decref(meta);
    free(path);
    guest_close(&g);
}

/* Where it may, it takes the nodes away and makes its own, again and again. */
static void case_makes_its_own(struct world *w)
{
    static const char mine[] = "n5\0b6";
    struct guest_ring g, other;
    unsigned int i;

    up(w, ALL);
    guest_new(w, &other, 6, HANDLE2, "web-2");
    guest_new(w, &g, 5, HANDLE, "web-1");
    guest_owns_control(w, &g);
    check(guest_sees(&g, ASK, "") && guest_sees(&other, ASK, ""));
    for ( i = 0; i < 300; i++ )
    {
        guest_write(&g, ASK, "x", 1);
        guest_rm(&g, STATUS);
        guest_rm(&g, ASK);
        guest_write(&g, ASK, "y", 1);
        guest_chmod(&g, ASK, mine, sizeof(mine));
        guest_write(&g, STATUS, "done", 4);
        guest_write(&g, STATUS "/a", "b", 1);
    }
    settle(w);
    ask(&other, "beside it");
    check_answer(&other, "done");
    /* Its limit, the other's, the final state. */
    check(count_files(w) <= 2 + 1 + 1);
    check(log_lines(w, "domain 5") <= 6);
    guest_close(&g);
    guest_close(&other);
}

/*
 * Domains that come, ask and go at once, under one number: their directories
 * stay gone, and no one gets another one's answer.
 */
static void case_number_again(struct world *w)
{
    struct guest_ring g;
    char handle[40], value[16], *left;
    unsigned int i;

    up(w, ALL "[limit]\nguest = off\n");
    for ( i = 0; i < 25; i++ )
    {
        snprintf(handle, sizeof(handle), "%032x", i + 1);
        guest_new(w, &g, 5, handle, "short");
        if ( i & 1 )
            check(guest_sees(&g, ASK, ""));
        if ( guest_read(&g, STATUS, value, sizeof(value)) >= 0 )
            same(value, "");
        /* Not always is the node there yet. */
        guest_write(&g, ASK, "x", 1);
        guest_destroy(w, &g);
    }
    settle(w);
    left = xs_get(w, "/local/domain/5");
    check(!left);
    free(left);

    /* One is gone while its snapshot is being made. */
    host(w, "hang 0");
    guest_new(w, &g, 5, HANDLE, "web-1");
    check(guest_sees(&g, ASK, ""));
    ask(&g, "from the first");
    check(guest_sees(&g, STATUS, "accepted"));
    guest_destroy(w, &g);
    guest_new(w, &g, 5, HANDLE2, "web-2");
    check(guest_sees(&g, ASK, ""));
    host(w, "run 0");
    check(wait_log(w, UUID "-guest-request"));
    settle(w);
    check(guest_sees(&g, STATUS, ""));
    guest_close(&g);
}

/*
 * A guest that writes as fast as it can; beside it another one, whose
 * operations are timed.  First to an unwatched node, for comparison.
 */

struct flood {
    bool stop;
    unsigned int writes;
};

struct beside {
    unsigned int ops, writes;
    double median_us, p99_us;
};

static double seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* In a process of its own: writes until a signal, and counts. */
static pid_t flood(struct guest_ring *g, const char *node, struct flood *f)
{
    static const char *const values[] = { "flood", "", "another" };
    pid_t pid = fork();

    if ( pid )
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while ( !__atomic_load_n(&f->stop, __ATOMIC_RELAXED) )
    {
        const char *v = values[f->writes % 3];

        if ( guest_write(g, node, v, strlen(v)) < 0 )
            _exit(1);
        f->writes++;
    }
    _exit(0);
}

static void time_beside(struct guest_ring *other, double for_s,
                        struct beside *out)
{
    static double us[1 << 20];
    double end = seconds() + for_s, t;
    char value[16];

    for ( out->ops = 0; (t = seconds()) < end && out->ops < 1 << 20; )
    {
        check(guest_read(other, STATUS, value, sizeof(value)) >= 0);
        us[out->ops++] = (seconds() - t) * 1e6;
        usleep(500);
    }
    qsort(us, out->ops, sizeof(us[0]), by_size);
    out->median_us = us[out->ops / 2];
    out->p99_us = us[out->ops - 1 - out->ops / 100];
}

static struct beside flood_beside(struct world *w, struct guest_ring *g,
                                  const char *node, struct guest_ring *other,
                                  double for_s)
{
    struct flood *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct beside b;
    pid_t pid;
    int status;

    pid = flood(g, node, f);
    time_beside(other, for_s, &b);
    __atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
    waitpid(pid, &status, 0);
    equal(status, 0);
    b.writes = f->writes;
    munmap(f, sizeof(*f));
    printf("# measured: %.0f writes/s to %s, beside it %u reads: median %.0f "
           "us, p99 %.0f us\n", b.writes / for_s, node, b.ops, b.median_us,
           b.p99_us);
    return b;
}

/* CPU time of a process so far. */
static double cpu_s(pid_t pid)
{
    unsigned long user = 0, sys = 0;
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    check(f && fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u "
                         "%*u %*u %lu %lu", &user, &sys) == 2);
    if ( f )
        fclose(f);
    return (double)(user + sys) / sysconf(_SC_CLK_TCK);
}

static void case_flood(struct world *w)
{
    const char *for_env = getenv("FLOOD_SECONDS");
    double for_s = for_env ? atof(for_env) : 1.5, t;
    struct guest_ring g, other, third;
    struct beside ours;
    long monitor, engine, xs;
    unsigned int files, i;

    up(w, ALL);
    guest_new(w, &g, 5, HANDLE, "web-1");
    guest_new(w, &other, 6, HANDLE2, "web-2");
    guest_new(w, &third, 7, "00000000000000000000000000000007", "web-3");
    check(guest_sees(&third, ASK, ""));
    check(guest_sees(&g, ASK, "") && guest_sees(&other, ASK, ""));
    /* Something was written before memory is looked at. */
    ask(&other, "first");
    free(wait_file(w));
    check_answer(&other, "done");
    flood_beside(w, &g, "data/x", &other, for_s);
    monitor = status_line(w->daemon, "VmRSS");
    engine = status_line(engine_pid(w), "VmRSS");
    xs = status_line(xenstore_pid(w), "VmRSS");
    files = count_files(w);

    t = cpu_s(w->daemon) + cpu_s(xenstore_pid(w));
    ours = flood_beside(w, &g, ASK, &other, for_s);
    t = cpu_s(w->daemon) + cpu_s(xenstore_pid(w)) - t;
    printf("# measured: %.0f ms of CPU for the monitor and the xenstore "
           "process\n", t * 1e3);
    check(t < 0.05 + 0.02 * for_s);
    printf("# measured: RSS: monitor %ld to %ld KiB, engine %ld to %ld KiB, "
           "xenstore process %ld to %ld KiB, xenstored %ld KiB\n", monitor,
           status_line(w->daemon, "VmRSS"), engine,
           status_line(engine_pid(w), "VmRSS"), xs,
           status_line(xenstore_pid(w), "VmRSS"),
           status_line(w->xenstored, "VmRSS"));
    check(ours.writes > 100 * for_s);
    /* How long is the machine's affair; that it goes on is not. */
    check(ours.ops && ours.p99_us < 1e6);
#ifndef __SANITIZE_ADDRESS__
    check(status_line(w->daemon, "VmRSS") - monitor < 1024);
    check(status_line(engine_pid(w), "VmRSS") - engine < 2048);
    check(status_line(xenstore_pid(w), "VmRSS") - xs < 1024);
#endif
    /* Requests of others are served as before; its own budget is used up. */
    t = seconds();
    ask(&third, "while it is going on");
    check_answer(&third, "done");
    printf("# measured: another guest's request done after %.0f ms\n",
           (seconds() - t) * 1e3);
    /* The rest of it, if any, comes soon. */
    for ( i = 0; i < 3; i++ )
    {
        ask(&g, "after all that");
        check(guest_sees(&g, ASK, ""));
    }
    check(guest_sees(&g, STATUS, "rate-limited"));
    check(count_files(w) <= files + 3);
    settle(w);
    check(log_lines(w, "domain 5") <= 2 * 2 + 2);
    guest_close(&g);
    guest_close(&other);
    guest_close(&third);
}

static const struct test_case cases[] = {
    BOTH(asks), BOTH(not_allowed), BOTH(named), BOTH(daemon_was_away),
    BOTH(program), BOTH(script), CASE(libvirt), CASE(xapi),
    BOTH(reaches_no_further), BOTH(children), BOTH(binary),
    BOTH(makes_its_own), BOTH(number_again), BOTH(flood),
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
