/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scene.h: a small machine that is played, not run: pCPUs, domains, a scheduler
 * with dice.  It writes the records that Xen would, keeps count of what it did
 * by itself, and puts all into a snapshot file.  What the readers make of the
 * file can then be compared with what happened.
 *
 * One clock for all pCPUs, which goes on with each record, so that their order
 * is known.  The same seed plays the same scene.
 */

#ifndef TESTS_SCENE_H
#define TESTS_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/format/snapshot.h"

#define SCENE_CPUS   2
#define SCENE_DOMS   4     /* 0: Dom0, the last: idle */
#define SCENE_IDLE   (SCENE_DOMS - 1)
#define SCENE_VCPUS  2     /* at most, of a domain */

#define SCENE_KHZ    2000000ULL
#define SCENE_TICK   16    /* all stamps are multiples of it: 8 ns */

enum scene_state { SC_RUNNING, SC_RUNNABLE, SC_BLOCKED, SC_OFFLINE, SC_STATES };

struct scene_vcpu {
    enum scene_state state;
    uint64_t since;               /* TSC of the last change */
    bool recorded;                /* it has changed at least once */
    uint64_t total[SC_STATES];    /* ticks, between its changes */
    uint64_t whole[SC_STATES];    /* ticks, from the first record of all to the
                                   * trigger */
    uint64_t woken;               /* 0: it does not wait to run for that */
    uint64_t waits, waited, longest; /* from wake-up to running; ticks */
    bool ran;
    uint64_t after_run[SC_STATES]; /* the same from its first running on */
    uint64_t times[SC_STATES];    /* how many intervals are in after_run */
    uint64_t hypercalls, exits;
};

struct scene;

/* How many of a thousand steps on a pCPU do what. */
struct scene_odds {
    unsigned int block, preempt, wake, hypercall, exit, fault;
};

struct scene *scene_new(uint64_t seed);
void scene_free(struct scene *s);

/* How a domain behaves from now on; `pinned`: a pCPU, or -1. */
void scene_behave(struct scene *s, unsigned int dom, struct scene_odds odds,
                  int pinned);
/* A domain whose vCPUs are HVM: exits and entries instead of traps. */
void scene_hvm(struct scene *s, unsigned int dom);

/* A domain that makes one hypercall only. */
void scene_op(struct scene *s, unsigned int dom, uint32_t op);
/* Xen takes so many times as long for an exit. */
void scene_slow(struct scene *s, unsigned int times);
/* The dice of another scene, from here on. */
void scene_dice(struct scene *s, uint64_t seed);
/* These packets of pCPU 0, by number from 1, will not be in the file. */
void scene_hole(struct scene *s, uint64_t from, uint64_t to);
/* Nothing more happens on a pCPU: who runs there stays. */
void scene_hang(struct scene *s, unsigned int cpu);

void scene_play(struct scene *s, unsigned int steps);

/* By hand.  `event` is the name in the list of events. */
void scene_record(struct scene *s, unsigned int cpu, const char *event,
                  unsigned int words, const uint32_t *data);
#define SCENE_RECORD(s, cpu, event, ...) \
    scene_record(s, cpu, event, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
                 (uint32_t[]){ __VA_ARGS__ })
void scene_wait(struct scene *s, uint64_t ns);
uint64_t scene_tsc(const struct scene *s);
/* The pCPU that a vCPU runs on; it is put there if it does not run. */
unsigned int scene_run(struct scene *s, unsigned int dom, unsigned int vcpu);
/* A vCPU that runs runs no more; its pCPU is idle then. */
void scene_leave(struct scene *s, unsigned int dom, unsigned int vcpu,
                 enum scene_state to);
void scene_change(struct scene *s, unsigned int cpu, unsigned int dom,
                  unsigned int vcpu, enum scene_state to);

/* Count what is not over yet: call it when the trigger has come. */
void scene_end(struct scene *s);

uint32_t scene_domid(unsigned int dom);
const struct scene_vcpu *scene_vcpu(const struct scene *s, unsigned int dom,
                                    unsigned int vcpu);
uint64_t scene_count(const struct scene *s);
/* How often an event of the list was recorded, by its index there. */
uint64_t scene_event_count(const struct scene *s, unsigned int row);

/*
 * Writes the file.  `trigger` is the document's member, without its tsc, which
 * is now; stolen.  drop[cpu]: the first so many packets of that pCPU were
 * overwritten.  -errno.
 */
int scene_write(struct scene *s, const char *path, json_t *trigger,
                const unsigned int drop[SCENE_CPUS]);

/*
 * One event's fields have names that no list of ours would have; and domain 1's
 * is one that a careless page would run.
 */
#define SCENE_ODD_NAME "</script><script>document.title='owned'</script>" \
                       "<img src=x onerror=\"document.title='owned'\">&amp;"
void scene_odd_names(struct scene *s);
/* The time of day at the trigger; ns since 1970. */
void scene_wall(struct scene *s, int64_t wall_ns);

/* The dictionary of another Xen: the same events have other compact ids. */
void scene_other_ids(struct scene *s);

/* The same in two parts, for packets of the caller's. */
int scene_begin(struct scene *s, const char *path, json_t *trigger,
                struct snapshot_writer **w);
int scene_finish(struct snapshot_writer *w);

#endif /* TESTS_SCENE_H */
