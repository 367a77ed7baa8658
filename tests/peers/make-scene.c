/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-scene.c SCENE FILE [STEPS]: simulates a scene into a snapshot file and
 * prints the facts about it, one per line:
 *
 * The scene "noise" simulates nothing: it has random records in any order and
 * holes between the packets; STEPS is its seed.  "noise-300" is the same with a
 * pCPU 300.
 *
 *   records N
 *   event WORD NAME N               count; the event word in hex, its name
 *   total DOMID VCPU STATE TICKS    time in a runstate, between changes
 *   ran DOMID VCPU STATE TIMES TICKS  the same, from its first running on to the
 *                                     end of the recording where it runs
 *   whole DOMID VCPU STATE TICKS    the same, all of the recording
 *   did DOMID VCPU HYPERCALLS EXITS
 *   woke DOMID VCPU TIMES LONGEST   from wake-up to running, ticks
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/event.h"
#include "tests/lib/gen.h"
#include "tests/lib/scene.h"

static const char *const state[SC_STATES] = {
    "running", "runnable", "blocked", "offline",
};

static void print_vcpu(const struct scene *s, unsigned int d, unsigned int v)
{
    const struct scene_vcpu *vcpu = scene_vcpu(s, d, v);

    for ( unsigned int i = 0; i < SC_STATES; i++ )
    {
        if ( vcpu->total[i] )
            printf("total %u %u %s %" PRIu64 "\n", scene_domid(d), v, state[i],
                   vcpu->total[i]);
        if ( vcpu->whole[i] && vcpu->recorded )
            printf("whole %u %u %s %" PRIu64 "\n", scene_domid(d), v, state[i],
                   vcpu->whole[i]);
        if ( vcpu->after_run[i] )
            printf("ran %u %u %s %" PRIu64 " %" PRIu64 "\n", scene_domid(d), v,
                   state[i], vcpu->times[i], vcpu->after_run[i]);
    }
    printf("did %u %u %" PRIu64 " %" PRIu64 "\n", scene_domid(d), v,
           vcpu->hypercalls, vcpu->exits);
    if ( vcpu->waits )
        printf("woke %u %u %" PRIu64 " %" PRIu64 "\n", scene_domid(d), v,
               vcpu->waits, vcpu->longest);
}

static void print_facts(const struct scene *s)
{
    printf("records %" PRIu64 "\n", scene_count(s));
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( scene_event_count(s, i) )
            printf("event %x %s %" PRIu64 "\n", event_list[i].event,
                   event_list[i].name, scene_event_count(s, i));
    for ( unsigned int d = 0; d < SCENE_DOMS; d++ )
        for ( unsigned int v = 0; v < SCENE_VCPUS; v++ )
            print_vcpu(s, d, v);
}

/*
 * The scenes.  Each ends with its trigger's document.
 */

static json_t *request(struct scene *s)
{
    return json_pack("{s:s, s:s}", "cause", "request", "source", "socket");
}

static json_t *died(const char *cause, unsigned int cpu, int reason)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:s}", "cause", cause,
                     "source", "virq", "cpu", cpu, "domid", 1, "vcpu", 0,
                     "reason", reason, "name", "victim");
}

static json_t *plain(struct scene *s, unsigned int steps)
{
    scene_play(s, steps);
    return request(s);
}

static json_t *hole(struct scene *s, unsigned int steps)
{
    scene_hole(s, 2, 3);
    return plain(s, steps);
}

/* The panic of a PV guest, as Xen records it. */
static json_t *pv_panic(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_play(s, steps);
    cpu = scene_run(s, 1, 0);
    SCENE_RECORD(s, cpu, "PV_TRAP__64", 0x81000000, 0xffffffff, 6);
    SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 29 | 1 << 20, 2);
    SCENE_RECORD(s, cpu, "SCHED_SHUTDOWN", 1, 0, 3);
    SCENE_RECORD(s, cpu, "FR_DOMAIN_CRASH", 1 << 16, 2, 3);
    return died("crash", cpu, 3);
}

/* Domain 2 is an HVM guest. */
static json_t *hvm(struct scene *s, unsigned int steps)
{
    scene_hvm(s, 2);
    scene_behave(s, 2, (struct scene_odds){ 40, 20, 20, 50, 200, 0 }, -1);
    scene_play(s, steps);
    return request(s);
}

/* The same exits, but slower. */
static json_t *hvm_slow(struct scene *s, unsigned int steps)
{
    scene_slow(s, 8);
    return hvm(s, steps);
}

/* The scene "plain" with other event ids. */
static json_t *other_ids(struct scene *s, unsigned int steps)
{
    scene_other_ids(s);
    scene_dice(s, 0);
    return plain(s, steps);
}

/* A guest that faults far more often in the last 100 ms, then panics. */
static json_t *faults_panic(struct scene *s, unsigned int steps)
{
    scene_play(s, steps * 6);
    scene_behave(s, 1, (struct scene_odds){ 40, 20, 60, 100, 0, 700 }, -1);
    scene_play(s, steps * 2);
    return pv_panic(s, steps);
}

/* Xen refuses a page table and kills the domain. */
static json_t *xen_crash(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_play(s, steps);
    cpu = scene_run(s, 1, 0);
    SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 1);
    SCENE_RECORD(s, cpu, "FR_DOMAIN_CRASH", 1 << 16, 3, 3);
    return died("xen-crash", cpu, 3);
}

static json_t *triple(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_hvm(s, 1);
    scene_behave(s, 1, (struct scene_odds){ 40, 20, 20, 0, 200, 0 }, -1);
    scene_play(s, steps);
    cpu = scene_run(s, 1, 0);
    SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 127, 0x1000, 0);
    SCENE_RECORD(s, cpu, "FR_DOMAIN_CRASH", 1 << 16, 5, 1);
    return died("triple-fault", cpu, 1);
}

static void fill_packet(struct scene *s, unsigned int cpu)
{
    for ( unsigned int i = 0; i < 1000; i++ )
    {
        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 50000);
    }
}

/* An exit of 50 ms by the times of its records, but a packet is missing. */
static json_t *exit_hole(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_hvm(s, 1);
    scene_hole(s, 2, 2);
    cpu = scene_run(s, 1, 0);
    fill_packet(s, 1 - cpu);
    SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 120, 0x1000, 0);
    fill_packet(s, 1 - cpu);
    fill_packet(s, 1 - cpu);
    SCENE_RECORD(s, cpu, "HVM_VMENTRY", 0);
    scene_wait(s, 1000);
    SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 120, 0x1000, 0);
    scene_wait(s, 1000);
    SCENE_RECORD(s, cpu, "HVM_VMENTRY", 0);
    SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 127, 0x1000, 0);
    SCENE_RECORD(s, cpu, "FR_DOMAIN_CRASH", 1 << 16, 5, 1);
    return died("triple-fault", cpu, 1);
}

/* Domain 1 does nothing but exit, 100,000 times a second. */
static void exit_loop(struct scene *s, unsigned int exits,
                      const uint32_t *reason, const uint32_t *rip,
                      const uint64_t *gpa)
{
    unsigned int cpu;

    scene_hvm(s, 1);
    cpu = scene_run(s, 1, 0);
    for ( unsigned int i = 0; i < exits; i++ )
    {
        SCENE_RECORD(s, cpu, "HVM_VMEXIT64", reason[i & 1], rip[i & 1], 0);
        scene_wait(s, 4000);
        if ( gpa )
            SCENE_RECORD(s, cpu, "HVM_NPF", gpa[0] + i * gpa[1],
                         (gpa[0] + i * gpa[1]) >> 32, 0, 0, 0, 0);
        scene_wait(s, 3000);
        SCENE_RECORD(s, cpu, "HVM_VMENTRY", 0);
        scene_wait(s, 3000);
        if ( i % 100 == 0 )
            SCENE_RECORD(s, 1 - cpu, "PV_HYPERCALL_V2", 17);
    }
}

/* It accesses one address that has no memory. */
static json_t *exits_npf(struct scene *s, unsigned int steps)
{
    exit_loop(s, steps, (uint32_t[]){ 0x400, 0x400 },
              (uint32_t[]){ 0x1000, 0x1000 }, (uint64_t[]){ 0x80000000, 0 });
    return request(s);
}

/* It touches new memory page by page, which is no fault. */
static json_t *exits_touch(struct scene *s, unsigned int steps)
{
    exit_loop(s, steps, (uint32_t[]){ 0x400, 0x400 },
              (uint32_t[]){ 0x1000, 0x1000 },
              (uint64_t[]){ 0x80000000, 0x1000 });
    return request(s);
}

/* It reads a register and executes cpuid, by turns. */
static json_t *exits_two(struct scene *s, unsigned int steps)
{
    exit_loop(s, steps, (uint32_t[]){ 114, 124 },
              (uint32_t[]){ 0x1000, 0x1008 }, NULL);
    return request(s);
}

/* It runs at one address with interrupts off. */
static json_t *spins(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_hvm(s, 1);
    cpu = scene_run(s, 1, 0);
    for ( unsigned int i = 0; i < 100; i++ )
    {
        SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 96, 0x1000, 0);
        scene_wait(s, 3000);
        SCENE_RECORD(s, cpu, "HVM_VMENTRY", 0);
        scene_wait(s, 9000000);
        SCENE_RECORD(s, 1 - cpu, "PV_HYPERCALL_V2", 17);
    }
    return request(s);
}

/* An exit of which Xen does not return. */
static json_t *stuck(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_hvm(s, 1);
    cpu = scene_run(s, 1, 0);
    SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 0x400, 0x1000, 0);
    for ( unsigned int i = 0; i < 100; i++ )
    {
        SCENE_RECORD(s, 1 - cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 9000000);
    }
    return request(s);
}

/* Domain 1 runs all the time, as its begin is overwritten. */
static json_t *still(struct scene *s, unsigned int steps)
{
    unsigned int cpu = scene_run(s, 1, 0);

    for ( unsigned int i = 0; i < 3; i++ )
    {
        fill_packet(s, cpu);
        fill_packet(s, 1 - cpu);
    }
    return request(s);
}

/* Many vCPUs, and STEPS records of the end of a domain. */
static json_t *ends(struct scene *s, unsigned int steps)
{
    for ( unsigned int i = 0; i < 60000; i++ )
        SCENE_RECORD(s, 0, "SCHED_RUNSTATE_CHANGE__BLOCKED_RUNNABLE",
                     i % 30000 << 16 | i / 30000);
    for ( unsigned int i = 0; i < steps; i++ )
        SCENE_RECORD(s, 0, "DOM0_DOM_REM", 1);
    return request(s);
}

/* The guest's watchdog timer expires on Dom0's pCPU. */
static json_t *watchdog(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_play(s, steps);
    cpu = scene_run(s, 1, 0);
    SCENE_RECORD(s, 1 - cpu, "SCHED_SHUTDOWN", 1, 0, 4);
    SCENE_RECORD(s, 1 - cpu, "FR_DOMAIN_CRASH", 1 << 16 | 0xffff, 4, 4);
    return died("watchdog", 1 - cpu, 4);
}

/* The domain is pinned to pCPU 99, which does not exist. */
static json_t *starved(struct scene *s, unsigned int steps)
{
    scene_behave(s, 1, (struct scene_odds){ 40, 20, 60, 100, 0, 20 }, 99);
    scene_play(s, steps * 5);
    return request(s);
}

/* Domain 1 works; in the last of three seconds domain 2 is preferred. */
static json_t *late_starved(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    for ( unsigned int i = 0; i < 200; i++ )
    {
        cpu = scene_run(s, 1, 0);
        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 10000000);
    }
    for ( unsigned int i = 0; i < 100; i++ )
    {
        cpu = scene_run(s, 2, 0);
        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 9500000);
        cpu = scene_run(s, 1, 0);
        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 500000);
    }
    return request(s);
}

/* Domain 1 runs for 1 ms of each 20: @paused, or parked by its cap. */
static json_t *stopped(struct scene *s, bool paused)
{
    for ( unsigned int i = 0; i < 20; i++ )
    {
        unsigned int cpu = scene_run(s, 1, 0);

        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 1000000);
        if ( paused )
            SCENE_RECORD(s, 1 - cpu, "SCHED_SLEEP", 1, 0);
        scene_leave(s, 1, 0, SC_OFFLINE);
        scene_wait(s, 19000000);
    }
    return request(s);
}

static json_t *capped(struct scene *s, unsigned int steps)
{
    return stopped(s, false);
}

static json_t *paused(struct scene *s, unsigned int steps)
{
    return stopped(s, true);
}

static json_t *storm(struct scene *s, unsigned int steps)
{
    scene_behave(s, 2, (struct scene_odds){ 5, 20, 0, 900, 0, 0 }, -1);
    scene_op(s, 2, 17);
    scene_play(s, steps);
    return request(s);
}

/* The same while domain 1 has no pCPU to run on. */
static json_t *storm_starves(struct scene *s, unsigned int steps)
{
    scene_behave(s, 1, (struct scene_odds){ 40, 20, 60, 100, 0, 20 }, 99);
    return storm(s, steps * 5);
}

static json_t *hung(struct scene *s, unsigned int steps)
{
    scene_play(s, 100);
    scene_hang(s, scene_run(s, 0, 1));
    scene_play(s, steps * 20);
    return request(s);
}

/* Domain 1 loops, and shares its pCPU. */
static json_t *hung_shares(struct scene *s, unsigned int steps)
{
    for ( unsigned int i = 0; i < 60; i++ )
    {
        unsigned int cpu = scene_run(s, 2, 0);

        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 17);
        scene_wait(s, 10000000);
        scene_run(s, 1, 0);
        scene_wait(s, 10000000);
    }
    return request(s);
}

static json_t *destroyed(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_play(s, steps);
    cpu = scene_run(s, 0, 0);
    SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 36);
    SCENE_RECORD(s, cpu, "SCHED_SLEEP", 1, 0);
    SCENE_RECORD(s, cpu, "DOM0_DOM_REM", 1);
    SCENE_RECORD(s, cpu, "SCHED_DOM_REM", 1);
    return request(s);
}

/* Xen killed it long ago, so it has no shutdown of its own. */
static json_t *removed(struct scene *s, unsigned int steps)
{
    SCENE_RECORD(s, 0, "FR_DOMAIN_CRASH", 1 << 16, 3, 3);
    scene_wait(s, 20000000000ULL);
    scene_play(s, steps);
    SCENE_RECORD(s, scene_run(s, 0, 0), "DOM0_DOM_REM", 1);
    return request(s);
}

/* The domain asks for a reboot; its successor has the next number. */
static json_t *reboot(struct scene *s, unsigned int steps)
{
    unsigned int cpu;

    scene_play(s, steps);
    cpu = scene_run(s, 1, 0);
    SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", 29 | 1 << 20, 2);
    SCENE_RECORD(s, cpu, "SCHED_SHUTDOWN", 1, 0, 1);
    cpu = scene_run(s, 0, 0);
    SCENE_RECORD(s, cpu, "DOM0_DOM_REM", 1);
    SCENE_RECORD(s, cpu, "DOM0_DOM_ADD", 5);
    return request(s);
}

/*
 * Domain 1 is removed after a wake-up and before it runs.  Another domain gets
 * its number before the last reference to the first is dropped.  Then a pCPU
 * goes down, without a record that domain 2 left it.
 */
static json_t *reborn(struct scene *s, unsigned int steps)
{
    unsigned int cpu, i;

    scene_play(s, steps);
    cpu = scene_run(s, 1, 0);
    scene_change(s, cpu, 1, 0, SC_BLOCKED);
    scene_change(s, cpu, 1, 0, SC_RUNNABLE);
    SCENE_RECORD(s, cpu, "DOM0_DOM_REM", 1);
    scene_wait(s, 1000000);
    SCENE_RECORD(s, cpu, "DOM0_DOM_ADD", 1);
    SCENE_RECORD(s, cpu, "SCHED_DOM_ADD", 1);
    SCENE_RECORD(s, cpu, "SCHED_DOM_REM", 1);
    for ( i = 0; i < 10; i++ )
    {
        scene_change(s, cpu, 1, 0, SC_RUNNING);
        scene_change(s, cpu, 1, 0, SC_BLOCKED);
        scene_change(s, cpu, 1, 0, SC_RUNNABLE);
    }
    scene_change(s, cpu, 1, 0, SC_RUNNING);
    cpu = scene_run(s, 2, 0);
    SCENE_RECORD(s, 1 - cpu, "FR_CPU_DOWN", cpu);
    scene_wait(s, 1000000);
    SCENE_RECORD(s, 1 - cpu, "FR_CPU_UP", cpu);
    return request(s);
}

static json_t *cpu_off_on(struct scene *s, unsigned int steps)
{
    scene_play(s, steps);
    SCENE_RECORD(s, 0, "FR_CPU_DOWN", 1);
    scene_wait(s, 20000000);
    SCENE_RECORD(s, 0, "FR_CPU_UP", 1);
    scene_play(s, steps);
    return request(s);
}

static const struct {
    const char *name;
    json_t *(*play)(struct scene *s, unsigned int steps);
    unsigned int drop[SCENE_CPUS];
} scenes[] = { /* the index is part of the seed: add scenes at the end */
    { "plain", plain, { 0 } },
    { "late", plain, { 0, 3 } },
    { "hvm", hvm, { 0 } },
    { "pv-panic", pv_panic, { 0 } },
    { "xen-crash", xen_crash, { 0 } },
    { "triple", triple, { 0 } },
    { "watchdog", watchdog, { 0 } },
    { "starved", starved, { 0 } },
    { "late-starved", late_starved, { 0 } },
    { "capped", capped, { 0 } },
    { "paused", paused, { 0 } },
    { "storm", storm, { 0 } },
    { "storm-starves", storm_starves, { 0 } },
    { "hung", hung, { 0 } },
    { "hung-shares", hung_shares, { 0 } },
    { "destroyed", destroyed, { 0 } },
    { "removed", removed, { 0, 3 } },
    { "reboot", reboot, { 0 } },
    { "cpu-off-on", cpu_off_on, { 0 } },
    { "reborn", reborn, { 0 } },
    { "hvm-slow", hvm_slow, { 0 } },
    { "other-ids", other_ids, { 0 } },
    { "faults-panic", faults_panic, { 0 } },
    { "hole", hole, { 0 } },
    { "exit-hole", exit_hole, { 0 } },
    { "ends", ends, { 0 } },
    { "still", still, { 0, 1 } },
    { "exits-npf", exits_npf, { 0 } },
    { "exits-touch", exits_touch, { 0 } },
    { "exits-two", exits_two, { 0 } },
    { "spins", spins, { 0 } },
    { "stuck", stuck, { 0 } },
};

#define NR_SCENES (sizeof(scenes) / sizeof(scenes[0]))

/*
 * Noise.
 */

#define NOISE_PACKETS 40

static struct gen_record any_record(uint64_t *random, uint64_t *tsc)
{
    uint64_t r = gen_random(random);
    struct gen_record rec = {
        .id = 1 + r % (XEN_FLIGHTREC_IDS - 1),
        .event = gen_random(random) & EVENT_MAX_WORD,
        .words = r >> 32 & 7,
    };

    /* Mostly forward, at times back: nested writers. */
    *tsc += r >> 40 & 0xfff;
    rec.tsc = *tsc - (r >> 60 ? 0 : r >> 52 & 0xff);
    for ( unsigned int i = 0; i < XEN_FLIGHTREC_MAX_WORDS; i++ )
        rec.data[i] = gen_random(random);
    return rec;
}

/* The packets of one pCPU.  Some are left out, some lost records. */
static uint64_t noise_cpu(struct snapshot_writer *w, unsigned int cpu,
                          uint64_t *random)
{
    static struct gen g;
    uint64_t tsc = 1000000000, n = 0;

    memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.shift = 4;
    for ( unsigned int i = 0; i < NOISE_PACKETS; i++ )
    {
        struct xen_flightrec_packet *hdr = (void *)g.slot;
        unsigned int records = gen_random(random) % 500;

        g.seq += gen_random(random) % 8 == 0;
        gen_begin(&g, (struct gen_at){ tsc, gen_random(random),
                                       gen_random(random) });
        hdr->lost[gen_random(random) % XEN_FLIGHTREC_LOST_CAUSES] =
            gen_random(random) % 3;
        while ( records-- )
        {
            struct gen_record rec = any_record(random, &tsc);

            if ( !gen_add(&g, &rec) )
                break;
            n++;
        }
        gen_end(&g);
        if ( snapshot_put_packet(w, g.slot, sizeof(g.slot)) )
            abort();
    }

    return n;
}

/* Noise on pCPU 0 and one more. */
static int noise(const char *path, uint64_t seed, unsigned int cpu)
{
    struct scene *s = scene_new(seed);
    struct snapshot_writer *w;
    uint64_t random = seed * 2 + 1, n;
    int rc;

    scene_wait(s, 1000000);
    scene_odd_names(s);
    rc = scene_begin(s, path, request(s), &w);
    if ( rc )
        return rc;

    n = noise_cpu(w, 0, &random);
    n += noise_cpu(w, cpu, &random);
    rc = scene_finish(w);
    scene_free(s);
    printf("records %" PRIu64 "\n", n);
    return rc;
}

/* With a time of day and a request's reason, if given. */
static int write_scene(struct scene *s, size_t i, unsigned int steps,
                       char **argv)
{
    json_t *trigger = scenes[i].play(s, steps);

    if ( argv[3] && argv[4] )
        scene_wall(s, strtoll(argv[4], NULL, 0) * 1000000000);
    if ( argv[3] && argv[4] && argv[5] )
        json_object_set_new(trigger, "reason_text", json_string(argv[5]));
    return scene_write(s, argv[2], trigger, scenes[i].drop);
}

int main(int argc, char **argv)
{
    unsigned int steps = argc > 3 ? strtoul(argv[3], NULL, 0) : 20000;
    int rc;

    if ( argc > 2 && !strcmp(argv[1], "noise") )
        return noise(argv[2], steps, 47) ? 1 : 0;
    if ( argc > 2 && !strcmp(argv[1], "noise-300") )
        return noise(argv[2], steps, 300) ? 1 : 0;

    for ( size_t i = 0; argc > 2 && i < NR_SCENES; i++ )
    {
        struct scene *s;

        if ( strcmp(argv[1], scenes[i].name) )
            continue;
        s = scene_new(i);
        rc = write_scene(s, i, steps, argv);
        if ( rc )
            fprintf(stderr, "make-scene: %s: %s\n", argv[2], strerror(-rc));
        else
        {
            scene_end(s);
            print_facts(s);
        }
        scene_free(s);
        return rc ? 1 : 0;
    }

    fprintf(stderr, "usage: make-scene SCENE FILE [STEPS [SECONDS_SINCE_1970 "
                    "[REASON]]]\n");
    return 2;
}
