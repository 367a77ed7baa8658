/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-stream.c FRHOST: follow rings that the real core writes.  TAP on stdout.
 */

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/format/packet.h"
#include "lib/xen/stream.h"
#include "tests/lib/owntime.h"

#define WAIT_MS 10000
#define EVERY   4

static const char *frhost;
static char backend[] = "hosted:/tmp/xenflight-stream-XXXXXX";
#define DIR (backend + sizeof("hosted:") - 1)
static FILE *to, *from;
static struct hyp *hyp;
static struct stream_reader *reader;
static struct rings_error why;
static unsigned int tests, failed;

static void ok(bool good, const char *what)
{
    printf("%sok %u - %s\n", good ? "" : "not ", ++tests, what);
    failed += !good;
}

static void __attribute__((__noreturn__)) bail(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Send frhost a command, and wait for its answer. */
static void host(const char *line)
{
    char answer[64];

    fprintf(to, "%s\n", line);
    fflush(to);
    if ( !fgets(answer, sizeof(answer), from) || strncmp(answer, "ok", 2) )
        bail(line);
}

static pid_t start_host(void)
{
    int in[2], out[2];
    char answer[64];
    pid_t pid;

    if ( !mkdtemp(DIR) || pipe(in) || pipe(out) )
        bail("start");
    pid = fork();
    if ( !pid )
    {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execl(frhost, frhost, DIR, "2", NULL);
        _exit(1);
    }
    close(in[0]);
    close(out[1]);
    to = fdopen(in[1], "w");
    from = fdopen(out[0], "r");
    if ( pid < 0 || !to || !from || !fgets(answer, sizeof(answer), from) )
        bail("frhost");
    return pid;
}

static bool woken(int ms)
{
    struct pollfd p = { .fd = stream_fd(reader), .events = POLLIN };

    return own_poll(&p, 1, ms) == 1 && !stream_woken(reader);
}

static uint32_t wakes(void)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_status };

    return hyp_op(hyp, &o) ? ~0U : o.u.status.wakes;
}

struct seen {
    unsigned int packets, wrong;
    uint64_t last[2][XEN_FLIGHTREC_CHANNELS], records, missed;
};

/* Packets must be whole, in order, and every gap reported. */
static void read_all(struct seen *s)
{
    struct stream_packet p;
    struct packet k;
    uint32_t n;
    uint64_t tsc;

    while ( stream_next(reader, &p) )
    {
        uint64_t *last = &s->last[p.cpu][p.channel];

        s->packets++;
        s->missed += p.missed;
        s->wrong += *last && p.seq != *last + 1 + p.missed;
        *last = p.seq;
        if ( packet_parse(p.data, p.bytes, &k) ||
             packet_count(&k, &n, &tsc) || k.hdr.cpu != p.cpu ||
             k.hdr.seq != p.seq || k.hdr.channel != p.channel )
            s->wrong++;
        else
            s->records += n;
    }
}

static void reopen(enum stream_from where)
{
    stream_close(reader);
    hyp_close(hyp);
    if ( hyp_open(backend, &hyp) ||
         stream_open(hyp, EVERY, where, &reader, &why) )
        bail("stream_open");
}

static void test_wake(void)
{
    uint32_t before = wakes();

    host("fill 0 4000");
    ok(!woken(0) && wakes() == before, "not armed: no wake");
    ok(!stream_arm(reader), "arm");
    host("fill 0 10");
    ok(!woken(0), "armed: no wake for a few records");
    host("fill 0 4000");
    ok(woken(WAIT_MS), "armed: woken after slots were opened");
    host("fill 0 4000");
    host("fill 1 4000");
    ok(!woken(0) && wakes() == before + 1, "one wake for each arm");
    ok(!stream_arm(reader), "arm again");
    host("fill 1 4000");
    ok(woken(WAIT_MS) && wakes() == before + 2, "woken again");
}

static void test_read(void)
{
    struct seen s = { 0 };

    reopen(STREAM_NEWEST);
    for ( int i = 0; i < 20; i++ )
    {
        host("fill 0 900");
        host("fill 1 300");
        if ( stream_arm(reader) )
            bail("arm");
        read_all(&s);
    }
    ok(s.packets > 30 && !s.wrong, "packets are whole and in order");
    ok(!s.missed && !stream_missed(reader),
       "a reader that keeps up misses none");
    printf("# %u packets, %llu records\n", s.packets,
           (unsigned long long)s.records);
}

static void test_lapped(void)
{
    struct seen s = { 0 };

    if ( stream_arm(reader) )
        bail("arm");
    read_all(&s);
    for ( int i = 0; i < 10; i++ )
        host("fill 0 20000");
    if ( stream_arm(reader) )
        bail("arm");
    read_all(&s);
    ok(s.missed > 100 && !s.wrong && s.missed == stream_missed(reader),
       "a slow reader gets the count of missed packets");
}

/* The pCPU writes all the time: no torn packet may be returned. */
static void test_race(void)
{
    struct seen s = { 0 };
    char line[64];

    reopen(STREAM_OLDEST);
    for ( int i = 0; i < 30; i++ )
    {
        fprintf(to, "fill 0 40000\n");
        fflush(to);
        for ( int j = 0; j < 20; j++ )
            if ( stream_arm(reader) )
                bail("arm");
            else
                read_all(&s);
        if ( !fgets(line, sizeof(line), from) )
            bail("fill");
    }
    ok(s.packets && !s.wrong, "no torn packet from a ring being written");
    printf("# %u packets, %llu missed\n", s.packets,
           (unsigned long long)s.missed);
}

static void test_others(void)
{
    struct stream_reader *second;
    struct hyp *other;
    int rc;

    if ( hyp_open(backend, &other) )
        bail("open");
    rc = stream_open(other, EVERY, STREAM_NEWEST, &second, &why);
    ok(rc == -EEXIST, "a second reader is refused");
    hyp_close(other);
    ok(!stream_arm(reader), "arm before the buffers go");
    host("recreate");
    ok(woken(WAIT_MS), "woken when the buffers go");
    ok(stream_arm(reader) == -ESTALE, "... and the reader gets -ESTALE");
    reopen(STREAM_NEWEST);
    ok(!stream_arm(reader), "open again");
    stream_close(reader);
    reader = NULL;
    ok(stream_open(hyp, 0, STREAM_NEWEST, &reader, &why) == -EINVAL,
       "every 0 slots is refused");
}

int main(int argc, char **argv)
{
    char rm[64];
    pid_t pid;

    if ( argc != 2 )
        return 2;
    frhost = argv[1];
    pid = start_host();
    snprintf(rm, sizeof(rm), "rm -rf %s", DIR);
    host("pause");
    if ( hyp_open(backend, &hyp) )
        bail("hyp_open");
    if ( stream_open(hyp, EVERY, STREAM_NEWEST, &reader, &why) )
        bail("stream_open");
    test_wake();
    test_read();
    test_lapped();
    test_race();
    test_others();
    printf("1..%u\n", tests);
    fclose(to);
    waitpid(pid, NULL, 0);
    return system(rm) || failed;
}
