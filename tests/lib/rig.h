/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rig.h: one pCPU's recorder on ordinary memory, with a clock that the test
 * turns, and a look at all that is recorded in it.
 */

#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "ring.h"

#include "lib/format/packet.h"

/* Events of the list, by where they go, and such as are not in it. */
#define RIG_EV_BUSY  0x00021001U /* SCHED_RUNSTATE_CHANGE: busy alone */
#define RIG_EV_BOTH  0x0001f101U /* FR_STOP: both channels */
#define RIG_EV_OTHER 0x00022fffU /* class SCHED, in no list */
#define RIG_EV_OFF   0x08001001U /* class GUEST: refused by default */

struct rig {
    struct fr_cpu *cpu;
    struct xen_flightrec_cpu *info;
    struct fr_geometry geo[FR_CHANNELS];
    uint32_t *mem[FR_CHANNELS];
};

/* One record as it was found. */
struct rig_record {
    uint64_t seq;          /* of its packet */
    unsigned int slot;
    uint32_t hold_gen;
    struct packet_record rec;
};

/* The clock: its next value, and the step taken by each reading. */
extern uint64_t rig_tsc, rig_tick;

/* busy and rare alike: this many slots of so many bytes */
struct rig_form {
    uint32_t slots;
    uint32_t slot_bytes;
    uint32_t spares;
};

/* Makes the rig this thread's pCPU.  Releases the holds of an earlier test. */
void rig_open(struct rig *rig, const struct rig_form *form);
void rig_close(struct rig *rig);

/*
 * All records of a channel in order, at most `max`; -EBADMSG if any packet is
 * not filled with whole records.
 */
int rig_read(const struct rig *rig, unsigned int channel,
             struct rig_record *rec, unsigned int max);

/* The packet in a slot, as a reader would see it were it closed now. */
int rig_packet(const struct rig *rig, unsigned int channel, unsigned int slot,
               struct packet *p);

/* Dom0's copy of an audit; NULL if there is none for gen. */
const struct xen_flightrec_audit *rig_audit(const struct rig *rig,
                                            unsigned int channel, uint32_t gen);
/* Left side minus right side of I7. */
int64_t rig_imbalance(const struct xen_flightrec_audit *a);

/* Begin a generation and return it; 0 if refused. */
uint32_t rig_freeze(void);

#endif /* TESTS_RIG_H */
