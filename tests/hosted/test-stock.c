/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-stock.c: the daemon on a Xen without flight recorder, that a model of
 * Xen's trace buffers plays (tests/fake/stockxen.c).
 *
 *   test-stock BUILD-DIRECTORY [NAME-PART]: only cases with it in their name
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"
#include "lib/xen/tbuf.h"

#define HANDLE "00112233445566778899aabbccddeeff"
#define UUID   "00112233-4455-6677-8899-aabbccddeeff"
/* 16 frames a pCPU: a ring is about 4000 of stockxen's records. */
#define SMALL  "[recorder]\nbytes_per_cpu = 128K\n"
#define RING   8000

static int open_in(const struct world *w, const char *name)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", w->dir, name);
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static json_t *recorder(struct world *w)
{
    char program[300], *out;
    const char *argv[] = { program, "status", "--json", "--run", w->run,
                           NULL };
    json_t *status, *r;

    snprintf(program, sizeof(program), "%s/tools/xenflight", cases_build);
    run(&out, argv);
    status = json_loads(out, 0, NULL);
    check_at(__LINE__, status, "status: output: %s", out);
    free(out);
    r = json_incref(json_object_get(status, "recorder"));
    json_decref(status);
    return r;
}

/* A counter of a pCPU's buffer. */
static int64_t counter(struct world *w, unsigned int cpu, const char *name)
{
    json_t *r = recorder(w);
    int64_t n = num_of(json_object_get(
        json_array_get(json_object_get(r, "cpus"), cpu), "tbuf"), name);

    json_decref(r);
    return n;
}

static json_t *whole(const char *path)
{
    char program[300], *out = NULL;
    const char *argv[] = { program, "verify", path, NULL };

    snprintf(program, sizeof(program), "%s/tools/xenflight", cases_build);
    check_at(__LINE__, path && !run(&out, argv), "verify: %s",
             path ? out : "no file");
    free(out);
    return path ? file_meta(path) : NULL;
}

/* The file that a request makes. */
static json_t *request(struct world *w)
{
    char *path;
    json_t *meta;

    check(!kill(w->daemon, SIGUSR1));
    path = wait_file(w);
    meta = whole(path);
    free(path);
    return meta;
}

static int64_t held(const json_t *meta, unsigned int cpu, const char *what)
{
    const json_t *s;
    size_t i;

    json_array_foreach(json_object_get(meta, "streams"), i, s)
        if ( num_of(s, "cpu") == (int64_t)cpu )
            return num_of(s, what);
    return -1;
}

static void case_chosen_by_itself(struct world *w)
{
    json_t *r, *meta;
    unsigned int i;

    up(w, SMALL);
    check(logged(w, "using Xen's own trace buffers"));
    r = recorder(w);
    same(text_of(r, "backend"), "tbuf");
    same(text_of(r, "state"), "recording");
    json_decref(r);
    equal(host(w, "mask"), 0x07bff000);
    for ( i = 0; i < 10; i++ )
    {
        host(w, "fill 0 %u", RING / 3);
        host(w, "fill 1 %u", RING / 5);
        if ( i > 2 )
            check(host(w, "percent 0") >= 25);
    }
    equal(host(w, "dropped 0") + host(w, "dropped 1"), 0);
    meta = request(w);
    same(text_of(meta, "backend"), "tbuf");
    same(text_of(meta, "history"), "complete");
    check(json_array_size(json_object_get(meta, "limits")));
    equal(json_array_size(json_object_get(meta, "streams")), 2);
    check(held(meta, 0, "held") > RING / 5);
    check(held(meta, 1, "held") > RING / 5);
    json_decref(meta);
    equal(daemon_stop(w), 0);
    /* There were no buffers before: tracing was off, all events wanted. */
    equal(host(w, "mask"), 0x0ffff000);
    equal(host(w, "enabled"), 0);
}

static void check_death(struct world *w, const char *how)
{
    const json_t *t;
    json_t *meta;
    char *path;

    up(w, SMALL);
    domain_new(w, 5, HANDLE, "web-1");
    json_decref(request(w));
    host(w, "fill 1 500");
    check(xs_rm_domain(w, 5));
    host(w, "%s 5 1", how);
    check(xs_release(w, 5));
    path = wait_file(w);
    meta = whole(path);
    t = json_object_get(meta, "trigger");
    same(text_of(t, "cause"), "crash");
    same(text_of(t, "uuid"), UUID);
    same(text_of(t, "name"), "web-1");
    same(text_of(t, "source"), "release-domain");
    equal(num_of(t, "domid"), 5);
    equal(num_of(t, "cpu"), 1);
    equal(num_of(t, "vcpu"), 1);
    check(held(meta, 1, "held") > 500);
    json_decref(meta);
    free(path);
    host(w, "gone 5");
    /* One death, one file: the next is another's. */
    json_decref(request(w));
    equal(count_files(w), 3);
}

static void case_crash(struct world *w)
{
    check_death(w, "crash");
}

/* Its reason is in the records only. */
static void case_gone_before_anyone_looked(struct world *w)
{
    check_death(w, "vanish");
}

static void case_poweroff_is_no_crash(struct world *w)
{
    up(w, SMALL);
    domain_new(w, 5, HANDLE, "web-1");
    json_decref(request(w));
    host(w, "crash 5 1 0");
    check(xs_release(w, 5));
    json_decref(request(w));
    equal(count_files(w), 2);
}

/* Without us Xen drops; the next daemon continues, and counts it. */
static void case_killed_and_adopted(struct world *w)
{
    int64_t dropped;
    json_t *meta;

    up(w, SMALL "[tbuf]\nevents = 0x00021000\n");
    equal(host(w, "mask"), 0x21000);
    host(w, "fill 0 %u", 2 * RING);
    daemon_kill(w, SIGKILL);
    host(w, "fast 0 %u", 2 * RING);
    dropped = host(w, "dropped 0");
    check(dropped > 0);
    daemon_start(w);
    check(wait_log(w, "watching"));
    host(w, "fill 0 %u", RING);
    equal(host(w, "dropped 0"), dropped);
    equal(counter(w, 0, "lost"), dropped);
    check(counter(w, 0, "fulls") > 0);
    meta = request(w);
    check(held(meta, 0, "held") > RING / 5);
    json_decref(meta);
    equal(daemon_stop(w), 0);
    /* The state that the first found, though the second found the first's. */
    equal(host(w, "mask"), 0x0ffff000);
    equal(host(w, "enabled"), 0);
}

static void case_at_exit_keep(struct world *w)
{
    up(w, SMALL "[tbuf]\nat_exit = keep\n");
    equal(daemon_stop(w), 0);
    equal(host(w, "enabled"), 1);
    equal(host(w, "mask"), 0x0ffff000);
}

static void case_beside_xentrace(struct world *w)
{
    int fd;

    world_start(w, NULL);
    fd = open_in(w, "virq.4");
    check(fd >= 0 && !flock(fd, LOCK_EX));
    daemon_start(w);
    equal(daemon_wait(w), 8);
    check(wait_log(w, "xentrace"));
    equal(host(w, "mask"), 0x0ffff000);
    close(fd);
}

static void case_backend_flightrec(struct world *w)
{
    world_start(w, "[recorder]\nbackend = flightrec\n");
    daemon_start(w);
    equal(daemon_wait(w), 6);
    check(wait_log(w, "no flight recorder"));
}

/* The index is overwritten: Xen stops tracing.  That is logged and repaired. */
static void case_bogus_index(struct world *w)
{
    int64_t bogus;

    up(w, SMALL);
    host(w, "fill 0 %u", RING);
    host(w, "index 0 %u", 0xfffffff7U);
    host(w, "fill 0 10");
    equal(host(w, "enabled"), 0);
    bogus = counter(w, 0, "bogus");
    check(bogus > 0);
    check(wait_log(w, "invalid indices"));
    equal(host(w, "enabled"), 1);
    host(w, "fill 0 %u", RING);
    equal(counter(w, 0, "bogus"), bogus);
    check(host(w, "percent 0") >= 25);
}

static void case_cpu_without_buffer(struct world *w)
{
    world_start(w, SMALL);
    daemon_start(w);
    check(wait_log(w, "watching"));
    daemon_stop(w);
    host(w, "online 4");
    daemon_start(w);
    check(wait_log(w, "2 pCPUs have no trace buffer"));
    check(wait_log(w, "watching"));
    json_decref(request(w));
}

/* While a generation waits for its reader nothing of it is given up. */
static void case_engine_dies_in_between(struct world *w)
{
    json_t *meta;
    pid_t engine;
    char *path;

    up(w, SMALL);
    json_decref(request(w));
    host(w, "fill 0 %u", RING);
    engine = engine_pid(w);
    if ( !check(engine > 0) )
        return;
    kill(engine, SIGSTOP);
    check(!kill(w->daemon, SIGUSR1));
    kill(engine, SIGKILL);
    path = wait_file(w);
    meta = whole(path);
    check(held(meta, 0, "held") > RING / 5);
    json_decref(meta);
    free(path);
    equal(counter(w, 0, "resyncs"), 0);
}

static long wakes(const struct world *w)
{
    return status_line(w->daemon, "voluntary_ctxt_switches") +
           status_line(engine_pid(w), "voluntary_ctxt_switches");
}

/* Xen's call is all that wakes it, some six times a buffer. */
static void case_sleeps(struct world *w)
{
    int64_t before, bytes;
    int tries;
    long n;

    up(w, SMALL "[daemon]\nheartbeat = 3600\n");
    json_decref(request(w));
    host(w, "fill 0 %u", RING);
    before = counter(w, 0, "produced");
    /* Consequences of this, at health's own rate, must end. */
    for ( tries = 0, n = -1; tries < 10 && n != wakes(w); tries++ )
    {
        n = wakes(w);
        poll(NULL, 0, 1000);
    }
    check(tries < 10);
    n = wakes(w);
    host(w, "fill 0 %u", 20 * RING);
    n = wakes(w) - n;
    bytes = counter(w, 0, "produced") - before;
    printf("# measured: %ld wakes for %.1f buffers\n", n,
           (double)bytes / counter(w, 0, "bytes"));
    check(n * counter(w, 0, "bytes") < 8 * bytes);
    equal(host(w, "dropped 0"), 0);
}

/* CPU time of a process, in ms. */
static double cpu_ms(pid_t pid)
{
    char path[64];
    uint64_t ns = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
    f = fopen(path, "re");
    check(f && fscanf(f, "%" SCNu64, &ns) == 1);
    if ( f )
        fclose(f);
    return ns / 1e6;
}

/*
 * A reader like xentrace -M: wakes at the VIRQ or ten times a second, copies
 * all new records into a ring of its own, consumes it.
 */
static void __attribute__((__noreturn__)) copy_all(const struct world *w, size_t bytes)
{
    static uint8_t memory[8 << 20];
    struct pollfd p = { .fd = open_in(w, "virq.4"), .events = POLLIN };
    uint32_t cons, fill, off, n, at = 0;
    char taken[256];
    struct tbuf t;
    void *map;

    /* stockxen has the first buffer behind t_info. */
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
               open_in(w, "mem"), 5 * TBUF_FRAME);
    if ( map == MAP_FAILED )
        _exit(1);
    t = tbuf_of(map, bytes / TBUF_FRAME);
    for ( ;; )
    {
        if ( poll(&p, 1, 100) > 0 && read(p.fd, taken, sizeof(taken)) < 0 )
            _exit(1);
        if ( tbuf_look(&t, &cons, &fill) )
            _exit(1);
        for ( off = cons % t.bytes; fill; fill -= n, off = (off + n) % t.bytes )
        {
            n = fill < t.bytes - off ? fill : t.bytes - off;
            n = n < sizeof(memory) - at ? n : sizeof(memory) - at;
            memcpy(memory + at, t.data + off, n);
            at = (at + n) % sizeof(memory);
            cons = (cons + n) % (2 * t.bytes);
        }
        __atomic_store_n(&t.index[0], cons, __ATOMIC_RELEASE);
    }
}

static void beside_a_copy(struct world *w, unsigned int mib)
{
    enum { TOTAL = 100, RECORDS = 52000 }; /* MiB; in one of them */
    double ours, theirs;
    char conf[128];
    pid_t pid;

    snprintf(conf, sizeof(conf), "[recorder]\nbytes_per_cpu = %uM\n"
             "[tbuf]\nat_exit = keep\n[daemon]\nheartbeat = 3600\n", mib);
    up(w, conf);
    json_decref(request(w));
    host(w, "fill 0 %u", 2 * mib * RECORDS);
    ours = cpu_ms(w->daemon);
    host(w, "fill 0 %u", TOTAL * RECORDS);
    ours = cpu_ms(w->daemon) - ours;
    equal(host(w, "dropped 0"), 0);
    equal(daemon_stop(w), 0);
    pid = fork();
    if ( !pid )
        copy_all(w, mib << 20);
    host(w, "fill 0 %u", 2 * mib * RECORDS);
    theirs = cpu_ms(pid);
    host(w, "fill 0 %u", TOTAL * RECORDS);
    theirs = cpu_ms(pid) - theirs;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    printf("# measured: buffers of %u MiB, CPU time for 100 MiB of records: "
           "%.2f ms; one that copies as xentrace -M: %.2f ms; 1/%.1f\n",
           mib, ours, theirs, theirs / ours);
}

static void case_beside_a_copy(struct world *w)
{
    beside_a_copy(w, 1);
}

static void case_beside_a_copy_large(struct world *w)
{
    beside_a_copy(w, 4);
}

/* Without a daemon: the tool's abilities, and its stated limits. */
static void case_tool_alone(struct world *w)
{
    char program[300], *out;
    const char *argv[] = { program, "start", "--run", w->run, "--backend",
                           w->backend, NULL };

    world_start(w, NULL);
    snprintf(program, sizeof(program), "%s/tools/xenflight", cases_build);
    equal(run(&out, argv), 0);
    check_at(__LINE__, strstr(out, "start snapshotd"), "output: %s", out);
    free(out);
    equal(host(w, "enabled"), 1);
    equal(host(w, "mask"), 0x07bff000);
    argv[1] = "status";
    equal(run(&out, argv), 1);
    check(strstr(out, "not read"));
    free(out);
    argv[1] = "destroy";
    equal(run(&out, argv), 1);
    check(strstr(out, "once a boot"));
    free(out);
    argv[1] = "stop";
    equal(run(&out, argv), 0);
    free(out);
    equal(host(w, "enabled"), 0);
}

static const struct test_case cases[] = {
    CASE(chosen_by_itself), BOTH(crash), BOTH(gone_before_anyone_looked),
    CASE(poweroff_is_no_crash), CASE(killed_and_adopted), CASE(at_exit_keep),
    CASE(beside_xentrace), CASE(backend_flightrec), CASE(bogus_index),
    CASE(cpu_without_buffer), CASE(engine_dies_in_between), CASE(tool_alone), CASE(sleeps),
    CASE(beside_a_copy), CASE(beside_a_copy_large),
};

int main(int argc, char **argv)
{
    world_xen = "stockxen";
    return cases_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
