/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench.c: measure the cost of a record, compared with this machine's minimum
 * (read the TSC and store the same number of bytes) and with other recorders.
 *
 * bench             time all cases in interleaved rounds, so that drift hits
 *                   all equally; print medians (min-max), ratios to the floor
 * bench CASE N      run one case N times without output, to count instructions
 *                   by the difference of two lengths
 * bench --list      list the cases
 *
 * A recorder that is not installed is listed as such.  There is no verdict: the
 * numbers depend on the machine.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ring.h"
#include "peer.h"

#define EV_BUSY   0x00021001U /* busy only: the fast path */
#define EV_BOTH   0x0001f101U /* also in rare */
#define EV_ESCAPE 0x00022fffU /* not in the list, but selected by the mask */
#define EV_OFF    0x08001001U /* class GUEST: not in the mask */

#define EVENTS    1000000UL
#define ROUNDS    11
#define ADDS      256         /* dependent adds between spaced events */
#define COLD      200         /* cold events a round */
#define CACHE     (4U << 20)  /* more than the caches of one core hold */
#define RING      (1U << 20)

static uint32_t floor_ring[RING / 4];

static inline void pretend_used(uint64_t *x)
{
    __asm__ volatile("" : "+r"(*x));
}

/* --------------------------------------------------------------- floors -- */

/* Only the TSC and `words` words behind a header, inlined, wrapping. */
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

static __attribute__((__noinline__)) void floor_one(uint32_t i)
{
    floor_ring[0] = (uint32_t)__builtin_ia32_rdtsc();
    floor_ring[1] = i;
    floor_ring[2] = ~i;
}

static const char *open_nothing(void)
{
    return NULL;
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

#define EVENT_OURS(words, data) fr_trace(EV_BUSY, data, (words) * 4)

PEER(peer_ours, "ours", "fr_trace(), out of line", open_nothing, EVENT_OURS);

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
 * 256 dependent adds.  All cases use one copy of the code, because the speed of
 * a loop depends on its address.
 */
__attribute__((__noinline__)) uint64_t bench_work(uint64_t x)
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
        x = bench_work(x);
}

static void spaced_floor(unsigned long n)
{
    uint64_t x = 0;
    uint32_t *to = floor_ring, *end = floor_ring + RING / 4 - 8;
    unsigned long i;

    for ( i = 0; i < n; i++ )
    {
        x = bench_work(x);
        ((volatile uint32_t *)to)[0] = (uint32_t)__builtin_ia32_rdtsc();
        ((volatile uint32_t *)to)[1] = i;
        ((volatile uint32_t *)to)[2] = i;
        to += 3;
        if ( to > end )
            to = floor_ring;
    }
}

const struct peer peer_floor = {
    .name = "floor", .what = "rdtsc and store", .open = open_nothing,
    .loop = { floor_0, floor_2, floor_4, floor_7 },
    .spaced = spaced_floor, .one = floor_one,
};

/* ----------------------------------------------------------------- cases -- */

static const struct peer *const peer[] = {
    &peer_floor, &peer_ours, &peer_xen, &peer_dpdk, &peer_lttng,
};

#define PEERS ((int)(sizeof(peer) / sizeof(peer[0])))

/* The reason why it is not measured; NULL: it is. */
static const char *missing[sizeof(peer) / sizeof(peer[0])];

struct bench {
    char name[16];
    const char *what;
    void (*run)(unsigned long n);
    int against;             /* index of its floor; -1: none */
};

#define CASES 40

static struct bench bench[CASES];
static int cases;

static void add_case(const char *recorder, const char *kind, const char *what,
                     void (*run)(unsigned long n), int against)
{
    struct bench *b = &bench[cases++];

    if ( cases > CASES )
        abort();
    snprintf(b->name, sizeof(b->name), "%s%s", recorder, kind);
    b->what = what;
    b->run = run;
    b->against = against;
}

/* The floor must be first: others are compared with its cases 0..3. */
static void add_cases(void)
{
    static const char *const size[] = { "-0", "-2", "-4", "-7" };
    int i, k;

    for ( i = 0; i < PEERS; i++ )
        for ( k = 0; k < PEER_SIZES && !missing[i]; k++ )
            add_case(peer[i]->name, size[k], peer[i]->what, peer[i]->loop[k],
                     i ? k : -1);

    add_case("both", "", "2 words, also in rare", trace_both, 1);
    add_case("escape", "", "2 words, not in the list", trace_escape, 1);
    add_case("odd", "", "7 bytes", trace_odd, 1);
    add_case("refused", "", "refused by the mask", trace_refused, 1);
    add_case("no-cpu", "", "no recorder on this pCPU", trace_no_cpu, 1);

    add_case("none", "-spaced", "256 adds", spaced_none, -1);
    for ( i = 0; i < PEERS; i++ )
        if ( !missing[i] )
            add_case(peer[i]->name, "-spaced", "256 adds, 2 words",
                     peer[i]->spaced, -1);
}

static double ns[CASES][ROUNDS];
/* Ticks of a cold event, and of none. */
static double cold[sizeof(peer) / sizeof(peer[0])][ROUNDS], cold_none[ROUNDS];

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

/* Bytes per record, including the packet's header and unused end. */
static double bytes_per_event(void (*run)(unsigned long n))
{
    const struct fr_ring *r = &fr_hosted_cpu->ring[XEN_FLIGHTREC_CH_BUSY];
    uint64_t seq = r->seq, e = r->emitted;

    run(EVENTS);
    return (double)(r->seq - seq) * r->slot_bytes / (r->emitted - e);
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

    for ( i = 0; i < cases; i++ )
        if ( !strcmp(bench[i].name, name) )
            return i;

    return -1;
}

static void print_times(void)
{
    int i;

    printf("%-14s%-28s%9s  %-17s%8s\n", "case", "", "ns/event", "(min-max)",
           "x floor");
    for ( i = 0; i < cases; i++ )
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

}

/* Per recorder: cost of two words in a loop, after other work, and cold. */
static void print_peers(double ticks_ns)
{
    int none = find("none-spaced"), i, k;

    printf("\n%-8s%-28s%9s%10s%9s\n", "2 words", "", "x floor", "ns added",
           "ns cold");
    for ( i = 0; i < PEERS; i++ )
    {
        double v[ROUNDS];
        char name[16];

        if ( missing[i] )
        {
            printf("%-8s%-28snot measured: %s\n", peer[i]->name, peer[i]->what,
                   missing[i]);
            continue;
        }
        for ( k = 0; k < ROUNDS; k++ )
            v[k] = (cold[i][k] - cold_none[k]) / ticks_ns;
        snprintf(name, sizeof(name), "%s-2", peer[i]->name);
        k = find(name);
        snprintf(name, sizeof(name), "%s-spaced", peer[i]->name);
        printf("%-8s%-28s%9.3f%10.2f%9.1f\n", peer[i]->name, peer[i]->what,
               median_ratio(k, 1), median_difference(find(name), none),
               median(v));
    }
    printf("added: to 256 dependent adds; cold: one event after %u MiB of "
           "other memory\n", CACHE >> 20);
}

static void print_bytes(void)
{
    printf("bytes/event, packet headers included: 0 words %.2f, 2 %.2f, "
           "4 %.2f, 7 %.2f\n", bytes_per_event(peer_ours.loop[0]),
           bytes_per_event(peer_ours.loop[1]),
           bytes_per_event(peer_ours.loop[2]),
           bytes_per_event(peer_ours.loop[3]));
}

/* Evict the caches of code and data. */
static void chill(void)
{
    static volatile uint8_t cache[CACHE] = { 1 };
    unsigned int i;

    for ( i = 0; i < CACHE; i += FR_CACHELINE )
        (void)cache[i];
}

static __attribute__((__noinline__)) void no_event(uint32_t i)
{
    __asm__ volatile("" ::: "memory");
}

/* Return the median ticks of one() with cold caches. */
static double time_cold(void (*one)(uint32_t i))
{
    double t[COLD];
    unsigned int aux;
    int i;

    for ( i = 0; i < COLD; i++ )
    {
        uint64_t start;

        chill();
        start = __builtin_ia32_rdtscp(&aux);
        __builtin_ia32_lfence();
        one(i);
        t[i] = __builtin_ia32_rdtscp(&aux) - start;
        __builtin_ia32_lfence();
    }

    qsort(t, COLD, sizeof(t[0]), by_value);
    return t[COLD / 2];
}

static void time_round(int round)
{
    int i;

    for ( i = 0; i < cases; i++ )
    {
        double start = now_ns();

        bench[i].run(EVENTS);
        ns[i][round] = (now_ns() - start) / EVENTS;
    }

    cold_none[round] = time_cold(no_event);
    for ( i = 0; i < PEERS; i++ )
        if ( !missing[i] )
            cold[i][round] = time_cold(peer[i]->one);
}

/* Run all rounds.  Return the TSC's ticks per ns. */
static double time_all(void)
{
    struct timespec a, b;
    uint64_t tsc;
    int i;

    for ( i = 0; i < cases; i++ )
        bench[i].run(EVENTS / 4);

    clock_gettime(CLOCK_MONOTONIC, &a);
    tsc = __builtin_ia32_rdtsc();
    for ( i = 0; i < ROUNDS; i++ )
        time_round(i);
    tsc = __builtin_ia32_rdtsc() - tsc;
    clock_gettime(CLOCK_MONOTONIC, &b);

    return tsc / ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec));
}

/* Start all recorders, or only the one that has the case. */
static void open_peers(const char *name)
{
    int i;

    for ( i = 0; i < PEERS; i++ )
        missing[i] = name && strncmp(name, peer[i]->name, strlen(peer[i]->name))
                         ? "not asked for" : peer[i]->open();
}

int main(int argc, char **argv)
{
    int i, rc = open_ring();
    double ticks_ns;

    if ( rc )
    {
        fprintf(stderr, "bench: no ring: %s\n", strerror(-rc));
        return 1;
    }

    open_peers(argc == 3 ? argv[1] : NULL);
    add_cases();

    if ( argc == 2 && !strcmp(argv[1], "--list") )
    {
        for ( i = 0; i < cases; i++ )
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

    ticks_ns = time_all();
    print_times();
    print_peers(ticks_ns);
    print_bytes();
    return 0;
}
