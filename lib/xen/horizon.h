/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * horizon.h: how far back the recorder reaches at this moment, and what goes in.
 *
 * A ring overwrites its oldest, so the question of every operator is: how many
 * seconds would a snapshot have, were it taken now?  The answer is made of what
 * the writer leaves behind anyway: Xen's counters, and the packet headers in the
 * read-only mapping.  It costs the writer nothing.
 *
 * Ages are taken from the (TSC, system time) pair in each header, so that a TSC
 * that was set to something else in between does not matter.
 */

#ifndef XENFLIGHT_HORIZON_H
#define XENFLIGHT_HORIZON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/xen/rings.h"

struct horizon_channel {
    /* Since the ring was made, in records. */
    uint64_t emitted, overwritten;
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES];
    uint64_t newest_seq;   /* packets begun */
    uint32_t writable;     /* slots that can be overwritten ... */
    uint32_t held;         /* ... and those that generations hold */
    /*
     * The age of the oldest record that a snapshot taken now would have.  0: it
     * would have none.
     */
    uint64_t reach_ns;
    /* Nothing was overwritten: that record is the first there ever was. */
    bool whole;
    /*
     * From the packet headers; false if they are not mapped.  Then reach_ns is
     * that of the whole ring: a snapshot gives up a few slots of it.
     */
    bool measured;
    double events_per_s;   /* over reach_ns */
    double bytes_per_event;/* headers and anchors included; 0: none closed yet */
};

struct horizon_cpu {
    uint32_t cpu;
    bool online;
    struct horizon_channel ch[XEN_FLIGHTREC_CHANNELS];
};

struct horizon {
    struct horizon_cpu *cpu;
    unsigned int nr;
    /* So far back each pCPU's channel has every record that was not lost. */
    uint64_t complete_ns[XEN_FLIGHTREC_CHANNELS];
};

/*
 * Asks Xen by `op`: three operations a pCPU and channel at most.  `rings` may be
 * NULL, or of an earlier set of buffers: then what needs the mapping is left
 * out.  No buffers: 0 pCPUs.  Returns 0 or -errno; horizon_free() in any case.
 */
int horizon_read(hyp_op_fn *op, void *arg, const struct rings *rings,
                 struct horizon *out);
void horizon_free(struct horizon *h);

/* "busy", "rare"; and the LOST_* causes in one word each. */
const char *horizon_channel_name(unsigned int channel);
const char *horizon_lost_name(unsigned int cause);

/*
 * As JSON: [ {"cpu", "online", "channels": {"busy": {...}, "rare": {...}}} ]
 * and {"busy": seconds, "rare": seconds}.  NULL: no memory.
 */
json_t *horizon_cpus_json(const struct horizon *h);
json_t *horizon_complete_json(const struct horizon *h);

#endif /* XENFLIGHT_HORIZON_H */
