/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scene.h: simulates a small machine: pCPUs, domains, a random scheduler.  It
 * writes the records that Xen would, counts its own actions, and writes all
 * into a snapshot file.  A test compares the results of a reader with these
 * counts.
 *
 * All pCPUs share one clock, which advances with each record, so the order of
 * records is known.  The same seed gives the same scene.
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
#define SCENE_VCPUS  2     /* maximum of a domain */

#define SCENE_KHZ    2000000ULL
#define SCENE_TICK   16    /* all timestamps are multiples of it: 8 ns */

enum scene_state { SC_RUNNING, SC_RUNNABLE, SC_BLOCKED, SC_OFFLINE, SC_STATES };

struct scene_vcpu {
    enum scene_state state;
    uint64_t since;               /* TSC of the last change */
    bool recorded;                /* has changed at least once */
    uint64_t total[SC_STATES];    /* ticks between its changes */
    uint64_t whole[SC_STATES];    /* ticks from the scene's first record to the
                                   * trigger */
    uint64_t woken;               /* TSC of a wake-up not run yet, or 0 */
    uint64_t waits, waited, longest; /* from wake-up to running, ticks */
    bool ran;
    uint64_t after_run[SC_STATES]; /* the same from its first running on */
    uint64_t times[SC_STATES];    /* number of intervals in after_run */
    uint64_t hypercalls, exits;
};

struct scene;

/* Actions of a pCPU in a thousand steps. */
struct scene_odds {
    unsigned int block, preempt, wake, hypercall, exit, fault;
};

struct scene *scene_new(uint64_t seed);
void scene_free(struct scene *s);

/* Set a domain's behaviour from now on.  @pinned is a pCPU, or -1. */
void scene_behave(struct scene *s, unsigned int dom, struct scene_odds odds,
                  int pinned);
/* Make a domain HVM: exits and entries instead of traps. */
void scene_hvm(struct scene *s, unsigned int dom);

/* Restrict a domain to one hypercall. */
void scene_op(struct scene *s, unsigned int dom, uint32_t op);
/* Multiply the duration of exits. */
void scene_slow(struct scene *s, unsigned int times);
/* Use another seed from here on. */
void scene_dice(struct scene *s, uint64_t seed);
/* Leave these packets of pCPU 0 out of the file, numbered from 1. */
void scene_hole(struct scene *s, uint64_t from, uint64_t to);
/* Stop a pCPU: its vCPU stays running without records. */
void scene_hang(struct scene *s, unsigned int cpu);

void scene_play(struct scene *s, unsigned int steps);

/* Single records.  @event is a name of the list of events. */
void scene_record(struct scene *s, unsigned int cpu, const char *event,
                  unsigned int words, const uint32_t *data);
#define SCENE_RECORD(s, cpu, event, ...) \
    scene_record(s, cpu, event, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
                 (uint32_t[]){ __VA_ARGS__ })
void scene_wait(struct scene *s, uint64_t ns);
uint64_t scene_tsc(const struct scene *s);
/* Return the pCPU of a vCPU, which is scheduled if it does not run. */
unsigned int scene_run(struct scene *s, unsigned int dom, unsigned int vcpu);
/* Stop a running vCPU; its pCPU becomes idle. */
void scene_leave(struct scene *s, unsigned int dom, unsigned int vcpu,
                 enum scene_state to);
void scene_change(struct scene *s, unsigned int cpu, unsigned int dom,
                  unsigned int vcpu, enum scene_state to);

/* Count intervals that are still open.  Must be called at the trigger. */
void scene_end(struct scene *s);

uint32_t scene_domid(unsigned int dom);
const struct scene_vcpu *scene_vcpu(const struct scene *s, unsigned int dom,
                                    unsigned int vcpu);
uint64_t scene_count(const struct scene *s);
/* Records of an event, by its index in the list. */
uint64_t scene_event_count(const struct scene *s, unsigned int row);

/*
 * Write the file.  @trigger is the document's member without a tsc, which is
 * set to the current time; the reference is consumed.  The first drop[cpu]
 * packets of a pCPU are left out as overwritten.  Return 0 or -errno.
 */
int scene_write(struct scene *s, const char *path, json_t *trigger,
                const unsigned int drop[SCENE_CPUS]);

/*
 * Give one event's fields unusual names, and domain 1 a name with markup in it.
 */
#define SCENE_ODD_NAME "</script><script>document.title='owned'</script>" \
                       "<img src=x onerror=\"document.title='owned'\">&amp;"
void scene_odd_names(struct scene *s);
/* The time of day at the trigger, in ns since 1970. */
void scene_wall(struct scene *s, int64_t wall_ns);

/* Use the dictionary of another Xen, with other compact ids. */
void scene_other_ids(struct scene *s);

/* The same in two steps, between which the caller adds packets of its own. */
int scene_begin(struct scene *s, const char *path, json_t *trigger,
                struct snapshot_writer **w);
int scene_finish(struct snapshot_writer *w);

#endif /* TESTS_SCENE_H */
