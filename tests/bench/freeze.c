/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * freeze.c: measure the cost of a freeze, and of the slowest record.
 *
 *   - the freeze itself, and the time after the trigger during which each of 64
 *     rings still wrote for the last generation, while threads write all rings;
 *   - instructions of single records, counted with the CPU's trap flag, so they
 *     are exact and the same in every run.
 *
 * There is no verdict.
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ring.h"

#define EV_BUSY  0x00021001U /* busy only */
#define EV_BOTH  0x0001f101U /* also in rare */
#define RINGS    64
#define FREEZES  50

static struct fr_cpu *cpu[RINGS];
static struct xen_flightrec_cpu info[RINGS];
static struct fr_geometry geo[FR_CHANNELS];
static volatile bool end;
static double tick_ns;

static uint32_t *slot_memory(void *arg, unsigned int ch, unsigned int i)
{
    uint32_t *slot = calloc(1, geo[ch].slot_bytes);

    if ( !slot )
        abort();
    return slot;
}

static void make_ring(unsigned int i, uint32_t busy_slots, uint32_t rare_slots)
{
    geo[XEN_FLIGHTREC_CH_BUSY] = (struct fr_geometry){ 4096, busy_slots, 8, 0 };
    geo[XEN_FLIGHTREC_CH_RARE] = (struct fr_geometry){ 4096, rare_slots, 8, 0 };
    cpu[i] = aligned_alloc(FR_CACHELINE, sizeof(*cpu[i]));
    if ( !cpu[i] )
        abort();
    fr_cpu_init(cpu[i], i, 1, geo, &info[i], slot_memory, NULL);
}

static int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return d < 0 ? -1 : d > 0;
}

static void print(const char *what, double *v, unsigned int n)
{
    qsort(v, n, sizeof(*v), by_value);
    printf("%-52s%12.0f%12.0f%12.0f\n", what, v[n / 2], v[n - n / 100 - 1],
           v[n - 1]);
}

/* -------------------------------------------------------------- threads -- */

static void *writer(void *arg)
{
    unsigned int first = (uintptr_t)arg & 0xff, step = (uintptr_t)arg >> 8, i;
    uint32_t data[2] = { 1, 2 };

    while ( !end )
        for ( i = first; i < RINGS; i += step )
        {
            fr_hosted_cpu = cpu[i];
            fr_trace(EV_BUSY, data, sizeof(data));
        }
    return NULL;
}

static bool all_quiescent(uint32_t gen)
{
    for ( unsigned int i = 0; i < RINGS; i++ )
        if ( !fr_quiescent(cpu[i], gen) )
            return false;
    return true;
}

/* No record of `gen` is written after its adoption. */
static void one_freeze(double *op, double *quiet, double *adopted)
{
    struct xen_flightrec_trigger t = { .cause = XEN_FLIGHTREC_CAUSE_REQUEST };
    struct timespec pause = { 0, 2000000 };
    bool gave_up;
    uint64_t start = fr_clock();

    if ( fr_freeze(&t, &gave_up) )
        abort();
    *op = (fr_clock() - start) * tick_ns;
    while ( !all_quiescent(t.gen) )
        ;
    *quiet = (fr_clock() - start) * tick_ns;
    for ( unsigned int i = 0; i < RINGS; i++ )
        adopted[i] = (double)(int64_t)(
            cpu[i]->audit[t.gen % FR_HELD][0].pub.tsc - t.tsc) * tick_ns;
    fr_release(t.gen);
    nanosleep(&pause, NULL);
}

static void time_freezes(unsigned int threads)
{
    static double op[FREEZES], quiet[FREEZES], adopted[FREEZES * RINGS];
    pthread_t id[RINGS];
    char what[64];

    end = false;
    for ( uintptr_t i = 0; i < threads; i++ )
        if ( pthread_create(&id[i], NULL, writer,
                            (void *)(i | (uintptr_t)threads << 8)) )
            abort();
    for ( unsigned int i = 0; i < FREEZES; i++ )
        one_freeze(&op[i], &quiet[i], &adopted[i * RINGS]);
    end = true;
    for ( unsigned int i = 0; i < threads; i++ )
        pthread_join(id[i], NULL);
    snprintf(what, sizeof(what), "%u rings, %u thread%s, ns", RINGS, threads,
             threads > 1 ? "s" : "");
    printf("\n%-52s%12s%12s%12s\n", what, "median", "99 %", "worst");
    print("the freeze", op, FREEZES);
    print("trigger to the last record before it, per ring", adopted,
          FREEZES * RINGS);
    print("until all are quiescent", quiet, FREEZES);
}

/* ---------------------------------------------------------- instructions -- */

static volatile unsigned long steps;

static void on_step(int sig)
{
    steps++;
}

/* Instructions from the call to the return, without the call itself. */
static __attribute__((__noinline__)) unsigned long
count(uint32_t event, unsigned int words)
{
    static uint32_t data[7] = { 1, 2, 3, 4, 5, 6, 7 };
    static unsigned long around;

    for ( unsigned int pass = !around; ; pass-- )
    {
        steps = 0;
        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
        if ( !pass )
            fr_trace(event, data, words * 4);
        __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq"
                         ::: "memory", "cc");
        if ( !pass )
            return steps - around;
        around = steps;
    }
}

static void fill(uint32_t event, unsigned int slots)
{
    const struct fr_ring *r = &cpu[0]->ring[event == EV_BOTH];
    uint32_t data[7] = { 0 };
    uint64_t until = r->seq + slots;

    while ( r->seq < until )
        fr_trace(event, data, sizeof(data));
}

/* Fill the open slots, so that the next record needs a switch. */
static void fill_up(void)
{
    uint32_t data[7] = { 0 };
    unsigned int ch;

    for ( ch = FR_CHANNELS; ch--; )
        while ( (cpu[0]->ring[ch].pos & FR_OFF_MASK) + 32 <= 4096 )
            fr_trace(ch ? EV_BOTH : EV_BUSY, data, sizeof(data));
}

static uint32_t freeze(void)
{
    struct xen_flightrec_trigger t = { .cause = XEN_FLIGHTREC_CAUSE_REQUEST };
    bool gave_up;

    if ( fr_freeze(&t, &gave_up) )
        abort();
    return t.gen;
}

/* Slots return in descending order, so each passes all before it. */
static void worst_order(struct fr_ring *r)
{
    for ( unsigned int i = 0; i < r->slots; i++ )
        if ( r->slot[i].hold_gen )
            r->slot[i].seq = r->slots - i;
}

static void count_records(void)
{
    uint32_t gen;

    printf("\n%-52s%12s\n", "instructions of one record (call left out)", "");
    fr_hosted_cpu = cpu[0];
    fill(EV_BOTH, 70);
    fill(EV_BUSY, 70);
    count(EV_BUSY, 2);
    printf("%-52s%12lu\n", "two words, the fast path", count(EV_BUSY, 2));
    fill_up();
    printf("%-52s%12lu\n", "seven words, opens a slot", count(EV_BUSY, 7));
    fill_up();
    gen = freeze();
    printf("%-52s%12lu\n", "in both channels, adopts a freeze, opens slots",
           count(EV_BOTH, 7));
    fill_up();
    fr_release(gen);
    printf("%-52s%12lu\n", "in both channels, adopts a release, opens slots",
           count(EV_BOTH, 7));
    gen = freeze();
    fr_trace(EV_BOTH, NULL, 0);
    fill_up();
    worst_order(&cpu[0]->ring[0]);
    worst_order(&cpu[0]->ring[1]);
    fr_release(gen);
    freeze();
    printf("%-52s%12lu\n", "release and freeze at once, slots in the worst order",
           count(EV_BOTH, 7));
    printf("64 slots of 64 in each ring; the clock pair of each slot, a call to "
           "the vDSO\nhere, is among these\n");
}

static double measure_tick(void)
{
    struct timespec a, b, wait = { 0, 50000000 };
    uint64_t tsc = fr_clock();

    clock_gettime(CLOCK_MONOTONIC, &a);
    nanosleep(&wait, NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) /
           (fr_clock() - tsc);
}

int main(void)
{
    struct sigaction trap = { .sa_handler = on_step };

    tick_ns = measure_tick();
    if ( sigaction(SIGTRAP, &trap, NULL) || fr_init(1e6 / tick_ns) )
        return 1;
    for ( unsigned int i = 0; i < RINGS; i++ )
        make_ring(i, 64, 64);
    time_freezes(1);
    time_freezes(2);
    make_ring(0, 64, 64);
    count_records();
    return 0;
}
