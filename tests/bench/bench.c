/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.c: what a record costs, next to the least that this machine can do:
 * read the TSC and store as many bytes.
 *
 * bench             times all cases in interleaved rounds, so that drift hits
 *                   all alike; prints medians (min-max) and ratios to the floor
 * bench CASE N      does one case N times and says nothing: for counting
 *                   instructions by the difference of two lengths
 * bench --list      the cases
 *
 * Numbers only: a verdict is for who knows the machine.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ring.h"

#define EV_BUSY   0x00021001U /* busy alone: the fast path */
#define EV_BOTH   0x0001f101U /* a copy in rare */
#define EV_ESCAPE 0x00022fffU /* in no list, but asked for */
#define EV_OFF    0x08001001U /* class GUEST: refused by the mask */

#define EVENTS    1000000UL
#define ROUNDS    11
#define ADDS      256         /* dependent adds between spaced events */
#define RING      (1U << 20)

static uint32_t floor_ring[RING / 4];

static inline void pretend_used(uint64_t *x)
{
    __asm__ volatile("" : "+r"(*x));
}

/* --------------------------------------------------------------- floors -- */

/* The TSC and `words` words behind a header, inlined, wrapping; no more. */
static inline __attribute__((__always_inline__)) void
floor_loop(unsigned long n, unsigned int words)
{
    unsigned long i;
    uint32_t *to = floor_ring, *end = floor_ring + RING / 4 - 8;
    unsigned int w;

    for ( i = 0; i < n; i++ )
    {
        *(volatile uint32_t *)to = (uint32_t)__builtin_ia32_rdtsc();
        for ( w = 1; w <= words; w++ )
            ((volatile uint32_t *)to)[w] = i;
        to += 1 + words;
        if ( to > end )
            to = floor_ring;
    }
}

static void floor_0(unsigned long n)
{
    floor_loop(n, 0);
}

static void floor_2(unsigned long n)
{
    floor_loop(n, 2);
}

static void floor_4(unsigned long n)
{
    floor_loop(n, 4);
}

static void floor_7(unsigned long n)
{
    floor_loop(n, 7);
}

/* -------------------------------------------------------------- records -- */

static inline __attribute__((__always_inline__)) void
trace_loop(unsigned long n, uint32_t event, unsigned int bytes)
{
    unsigned long i;
    uint32_t data[7] = { 0, 1, 2, 3, 4, 5, 6 };

    for ( i = 0; i < n; i++ )
    {
        data[0] = i;
        data[1] = ~i;
        fr_trace(event, data, bytes);
    }
}

static void trace_0(unsigned long n)
{
    unsigned long i;

    for ( i = 0; i < n; i++ )
        fr_trace(EV_BUSY, NULL, 0);
}

static void trace_2(unsigned long n)
{
    trace_loop(n, EV_BUSY, 8);
}

static void trace_4(unsigned long n)
{
    trace_loop(n, EV_BUSY, 16);
}

static void trace_7(unsigned long n)
{
    trace_loop(n, EV_BUSY, 28);
}

static void trace_both(unsigned long n)
{
    trace_loop(n, EV_BOTH, 8);
}

static void trace_escape(unsigned long n)
{
    trace_loop(n, EV_ESCAPE, 8);
}

static void trace_odd(unsigned long n)
{
    trace_loop(n, EV_BUSY, 7);
}

static void trace_refused(unsigned long n)
{
    trace_loop(n, EV_OFF, 8);
}

static void trace_no_cpu(unsigned long n)
{
    struct fr_cpu *c = fr_hosted_cpu;

    fr_hosted_cpu = NULL;
    trace_loop(n, EV_BUSY, 8);
    fr_hosted_cpu = c;
}

/* --------------------------------------------------------------- spaced -- */

/*
 * 256 adds, each of which needs the one before.  One copy of the code for all
 * cases: where a loop lies decides how fast it runs.
 */
static __attribute__((__noinline__)) uint64_t work(uint64_t x)
{
    unsigned int i;

    for ( i = 0; i < ADDS; i++ )
    {
        x += 1;
        pretend_used(&x);
    }

    return x;
}

static void spaced_none(unsigned long n)
{
    uint64_t x = 0;
    unsigned long i;

    for ( i = 0; i < n; i++ )
        x = work(x);
}

static void spaced_floor(unsigned long n)
{
    uint64_t x = 0;
    uint32_t *to = floor_ring, *end = floor_ring + RING / 4 - 8;
    unsigned long i;

    for ( i = 0; i < n; i++ )
    {
        x = work(x);
        ((volatile uint32_t *)to)[0] = (uint32_t)__builtin_ia32_rdtsc();
        ((volatile uint32_t *)to)[1] = i;
        ((volatile uint32_t *)to)[2] = i;
        to += 3;
        if ( to > end )
            to = floor_ring;
    }
}

static void spaced_trace(unsigned long n)
{
    uint64_t x = 0;
    unsigned long i;
    uint32_t data[2] = { 0, 0 };

    for ( i = 0; i < n; i++ )
    {
        x = work(x);
        data[0] = i;
        fr_trace(EV_BUSY, data, sizeof(data));
    }
}

/* ----------------------------------------------------------------- cases -- */

struct bench {
    const char *name, *what;
    void (*run)(unsigned long n);
    int against;             /* index of its floor; -1: none */
};

static const struct bench bench[] = {
    { "floor-0", "rdtsc, store 4 bytes", floor_0, -1 },
    { "floor-2", "rdtsc, store 12 bytes", floor_2, -1 },
    { "floor-4", "rdtsc, store 20 bytes", floor_4, -1 },
    { "floor-7", "rdtsc, store 32 bytes", floor_7, -1 },
    { "trace-0", "record, 0 words", trace_0, 0 },
    { "trace-2", "record, 2 words", trace_2, 1 },
    { "trace-4", "record, 4 words", trace_4, 2 },
    { "trace-7", "record, 7 words", trace_7, 3 },
    { "both", "2 words, also in rare", trace_both, 1 },
    { "escape", "2 words, not in the list", trace_escape, 1 },
    { "odd", "7 bytes", trace_odd, 1 },
    { "refused", "refused by the mask", trace_refused, 1 },
    { "no-cpu", "no recorder on this pCPU", trace_no_cpu, 1 },
    { "spaced-none", "256 adds", spaced_none, -1 },
    { "spaced-floor", "256 adds; rdtsc, store 12", spaced_floor, -1 },
    { "spaced-trace", "256 adds; record, 2 words", spaced_trace, -1 },
};

#define CASES ((int)(sizeof(bench) / sizeof(bench[0])))

static double ns[sizeof(bench) / sizeof(bench[0])][ROUNDS];

/* ------------------------------------------------------------------ ring -- */

static uint32_t *slot_memory(void *arg, unsigned int ch, unsigned int i)
{
    const struct fr_geometry *geo = arg;
    uint32_t *slot = calloc(1, geo[ch].slot_bytes);

    if ( !slot )
        abort();
    return slot;
}

static int open_ring(void)
{
    static struct fr_cpu cpu;
    static struct xen_flightrec_cpu info;
    static struct fr_geometry geo[FR_CHANNELS];
    int rc = fr_init(2600000);

    if ( !rc )
        rc = fr_geometry(RING, 0, 0, geo);
    if ( rc )
        return rc;

    fr_cpu_init(&cpu, 0, 1, geo, &info, slot_memory, geo);
    fr_hosted_cpu = &cpu;
    return 0;
}

/* Bytes a record, header of the packet and its unused end included. */
static double bytes_per_event(void (*run)(unsigned long n))
{
    const struct fr_ring *r = &fr_hosted_cpu->ring[XEN_FLIGHTREC_CH_BUSY];
    uint64_t seq = r->seq, e = r->emitted;

    run(EVENTS);
    return (double)(r->seq - seq) * r->slot_words * 4 / (r->emitted - e);
}

/* ----------------------------------------------------------------- times -- */

static double now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return d < 0 ? -1 : d > 0;
}

static double median(const double *v)
{
    double sorted[ROUNDS];

    memcpy(sorted, v, sizeof(sorted));
    qsort(sorted, ROUNDS, sizeof(sorted[0]), by_value);
    return sorted[ROUNDS / 2];
}

/* Median of the differences or ratios of one round each. */
static double median_ratio(int a, int b)
{
    double v[ROUNDS];
    int i;

    for ( i = 0; i < ROUNDS; i++ )
        v[i] = ns[a][i] / ns[b][i];
    return median(v);
}

static double median_difference(int a, int b)
{
    double v[ROUNDS];
    int i;

    for ( i = 0; i < ROUNDS; i++ )
        v[i] = ns[a][i] - ns[b][i];
    return median(v);
}

static int find(const char *name)
{
    int i;

    for ( i = 0; i < CASES; i++ )
        if ( !strcmp(bench[i].name, name) )
            return i;

    return -1;
}

static void print_times(void)
{
    int i;

    printf("%-14s%-28s%9s  %-17s%8s\n", "case", "", "ns/event", "(min-max)",
           "x floor");
    for ( i = 0; i < CASES; i++ )
    {
        double low = ns[i][0], high = ns[i][0];
        int j;

        for ( j = 1; j < ROUNDS; j++ )
        {
            low = ns[i][j] < low ? ns[i][j] : low;
            high = ns[i][j] > high ? ns[i][j] : high;
        }
        printf("%-14s%-28s%9.2f  (%.2f-%.2f)", bench[i].name, bench[i].what,
               median(ns[i]), low, high);
        if ( bench[i].against >= 0 )
            printf("%*s%.3f", low < 10 ? 6 : 4, "",
                   median_ratio(i, bench[i].against));
        printf("\n");
    }

    i = find("spaced-none");
    printf("\nadded to 256 dependent adds: rdtsc and store %.2f ns, "
           "record %.2f ns\n", median_difference(find("spaced-floor"), i),
           median_difference(find("spaced-trace"), i));
}

static void print_bytes(void)
{
    printf("bytes/event, packet headers included: 0 words %.2f, 2 %.2f, "
           "4 %.2f, 7 %.2f\n", bytes_per_event(trace_0),
           bytes_per_event(trace_2), bytes_per_event(trace_4),
           bytes_per_event(trace_7));
}

static void time_all(void)
{
    int round, i;

    for ( i = 0; i < CASES; i++ )
        bench[i].run(EVENTS / 4);

    for ( round = 0; round < ROUNDS; round++ )
        for ( i = 0; i < CASES; i++ )
        {
            double start = now_ns();

            bench[i].run(EVENTS);
            ns[i][round] = (now_ns() - start) / EVENTS;
        }
}

int main(int argc, char **argv)
{
    int i, rc = open_ring();

    if ( rc )
    {
        fprintf(stderr, "bench: no ring: %s\n", strerror(-rc));
        return 1;
    }

    if ( argc == 2 && !strcmp(argv[1], "--list") )
    {
        for ( i = 0; i < CASES; i++ )
            printf("%s\n", bench[i].name);
        return 0;
    }
    if ( argc == 3 && find(argv[1]) >= 0 )
    {
        bench[find(argv[1])].run(strtoul(argv[2], NULL, 0));
        return 0;
    }
    if ( argc != 1 )
    {
        fprintf(stderr, "usage: bench [--list | CASE N]\n");
        return 2;
    }

    time_all();
    print_times();
    print_bytes();
    return 0;
}
