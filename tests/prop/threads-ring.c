/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * threads-ring.c: two threads, each a pCPU, write without waiting while a third
 * one, the controller, freezes, reads the held slots and releases.  Built with
 * TSAN=1 it checks the ordering; without, the behaviour of the hardware.
 *
 * THREADS_GENS=N sets the number of generations (default 400).
 */

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ring.h"

#include "lib/format/packet.h"

#define WRITERS    2
#define EV_BUSY    0x00021001U
#define EV_BOTH    0x0001f101U
#define WAIT_NS    20000000000ULL /* a longer wait is a failure */

struct writer {
    struct fr_cpu cpu;
    struct xen_flightrec_cpu info;
    struct fr_geometry geo[FR_CHANNELS];
    pthread_t thread;
    unsigned int nr;
    bool stop;
};

static struct writer *writers[WRITERS];

static uint32_t *slot_memory(void *arg, unsigned int ch, unsigned int i)
{
    struct writer *w = arg;
    void *mem = calloc(1, w->geo[ch].slot_bytes);

    if ( !mem )
        abort();
    return mem;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    uint32_t serial = 0;

    fr_hosted_cpu = &w->cpu;
    while ( !__atomic_load_n(&w->stop, __ATOMIC_RELAXED) )
    {
        uint32_t data[3] = { serial, ~serial, w->nr };

        fr_trace(serial % 17 ? EV_BUSY : EV_BOTH, data, sizeof(data));
        serial++;
    }

    return NULL;
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Wait, bounded, until done(w, gen) returns true. */
static bool wait_for(bool (*done)(const struct writer *w, uint32_t gen),
                     const struct writer *w, uint32_t gen)
{
    uint64_t start = now_ns();

    while ( !done(w, gen) )
    {
        if ( now_ns() - start > WAIT_NS )
            return false;
        sched_yield();
    }

    return true;
}

static bool is_quiescent(const struct writer *w, uint32_t gen)
{
    return fr_quiescent(&w->cpu, gen);
}

/* The record that adopted corrects `late` soon after, not at once. */
static bool is_balanced(const struct writer *w, uint32_t gen)
{
    unsigned int ch, i;

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        const struct xen_flightrec_audit *a =
            &w->info.audit[gen % XEN_FLIGHTREC_MAX_HELD][ch];
        int64_t left = a->emitted - __atomic_load_n(&a->late,
                                                    __ATOMIC_RELAXED);

        left -= a->held + a->held_earlier + a->sacrificed + a->overwritten;
        for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
            left -= a->lost[i];
        if ( a->gen != gen || left )
            return false;
    }

    return true;
}

/* Collect the held packets of a channel by sequence; return their number. */
static unsigned int held_packets(const struct writer *w, unsigned int ch,
                                 uint32_t gen, struct packet *p)
{
    const struct fr_ring *r = &w->cpu.ring[ch];
    unsigned int i, j, n = 0;

    for ( i = 0; i < r->slots; i++ )
    {
        struct packet new;

        /* Other slots are being written: only hold_gen may be read. */
        if ( __atomic_load_n(&r->slot[i].hold_gen, __ATOMIC_RELAXED) != gen )
            continue;
        if ( packet_parse(r->slot[i].data, w->geo[ch].slot_bytes, &new) )
            return 0;
        for ( j = n++; j && p[j - 1].hdr.seq > new.hdr.seq; j-- )
            p[j] = p[j - 1];
        p[j] = new;
    }

    return n;
}

/*
 * All records must be whole and consecutive, and their number that of the
 * audit.  A missing packet means an earlier hold: its records were in the
 * spares.
 */
static const char *check_held(const struct writer *w, unsigned int ch,
                              uint32_t gen)
{
    static struct packet p[FR_SLOTS];
    unsigned int n = held_packets(w, ch, gen, p), i;
    uint32_t step = ch == XEN_FLIGHTREC_CH_BUSY ? 1 : 17, last = 0;
    uint64_t records = 0;
    bool next = false; /* the next record must follow `last` */

    for ( i = 0; i < n; i++ )
    {
        struct packet_record rec;
        struct packet_iter it;
        int rc;

        /* A packet may be empty: opened, and closed by the next freeze. */
        if ( i && p[i].hdr.seq != p[i - 1].hdr.seq + 1 )
            next = false;
        packet_iter_init(&it, &p[i]);
        while ( (rc = packet_next(&it, &rec)) > 0 )
        {
            if ( rec.words != 3 || rec.data[1] != ~rec.data[0] ||
                 rec.data[2] != w->nr )
                return "torn record";
            if ( next ? rec.data[0] != last + step : rec.data[0] < last )
                return "a record is missing between two that are held";
            next = true;
            last = rec.data[0];
            records++;
        }
        if ( rc )
            return "not whole records";
    }

    if ( records != w->info.audit[gen % XEN_FLIGHTREC_MAX_HELD][ch].held )
        return "the number of records differs from the audit";
    return NULL;
}

static const char *check_generation(uint32_t gen)
{
    unsigned int i, ch;

    for ( i = 0; i < WRITERS; i++ )
    {
        if ( !wait_for(is_quiescent, writers[i], gen) )
            return "not quiescent in time";
        for ( ch = 0; ch < FR_CHANNELS; ch++ )
        {
            const char *bad = check_held(writers[i], ch, gen);

            if ( bad )
                return bad;
        }
        if ( !wait_for(is_balanced, writers[i], gen) )
            return "the audit does not balance";
    }

    return NULL;
}

static const char *control(unsigned int gens)
{
    while ( gens-- )
    {
        struct xen_flightrec_trigger t = { .cause = 1 };
        struct xen_flightrec_op_cpu counters;
        const char *bad;
        bool gave_up;

        if ( fr_freeze(&t, &gave_up) )
            return "freeze refused";
        bad = check_generation(t.gen);
        if ( bad )
            return bad;
        fr_cpu_counters(&writers[0]->cpu, 0, &counters);
        if ( fr_release(t.gen) )
            return "release refused";
    }

    return NULL;
}

static void start_writer(unsigned int nr)
{
    struct writer *w = aligned_alloc(FR_CACHELINE, sizeof(*w));

    if ( !w )
        abort();
    memset(w, 0, sizeof(*w));
    w->nr = nr;
    if ( fr_geometry(512 << 10, 0, 0, w->geo) )
        abort();
    fr_cpu_init(&w->cpu, nr, 1, w->geo, &w->info, slot_memory, w);
    writers[nr] = w;
    if ( pthread_create(&w->thread, NULL, writer_main, w) )
        abort();
}

int main(void)
{
    const char *s = getenv("THREADS_GENS"), *bad;
    unsigned int i;

    if ( fr_init(2600000) )
        return 1;
    for ( i = 0; i < WRITERS; i++ )
        start_writer(i);

    bad = control(s ? strtoul(s, NULL, 0) : 400);

    for ( i = 0; i < WRITERS; i++ )
    {
        __atomic_store_n(&writers[i]->stop, true, __ATOMIC_RELAXED);
        pthread_join(writers[i]->thread, NULL);
    }

    printf("1..1\n%sok 1 - writers, and a controller that reads held slots\n",
           bad ? "not " : "");
    if ( bad )
        printf("# %s\n", bad);
    return bad ? 1 : 0;
}
