/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * horizon.h: how far back the recorder reaches at this moment, and its rates.
 *
 * A ring overwrites its oldest records, so every operator asks: how many
 * seconds would a snapshot taken now have?  The answer comes from data that
 * the writer leaves behind anyway: Xen's counters, and the packet headers in
 * the read-only mapping.  It costs the writer nothing.
 *
 * Ages come from the (TSC, system time) pair in each header, so a TSC that was
 * written in between does not matter.
 */

#ifndef XENFLIGHT_HORIZON_H
#define XENFLIGHT_HORIZON_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/xen/rings.h"

struct horizon_channel {
    /* Records since the ring was made. */
    uint64_t emitted, overwritten;
    uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES];
    uint64_t newest_seq;   /* packets begun */
    uint32_t writable;     /* slots that can be overwritten */
    uint32_t held;         /* slots held by generations */
    /* Age of the oldest record in a snapshot taken now; 0: no records. */
    uint64_t reach_ns;
    /* Nothing was overwritten: that record is the first of the ring. */
    bool whole;
    /*
     * reach_ns and the rates are from the packet headers.  If false, those are
     * not mapped, and reach_ns is that of the whole ring: a snapshot loses a
     * few slots of it.
     */
    bool measured;
    double events_per_s;   /* over reach_ns */
    double bytes_per_event;/* with headers and anchors; 0: no packet closed */
};

struct horizon_cpu {
    uint32_t cpu;
    bool online;
    struct horizon_channel ch[XEN_FLIGHTREC_CHANNELS];
};

struct horizon {
    struct horizon_cpu *cpu;
    unsigned int nr;
    /* Back to here the channel of every pCPU has all records not lost. */
    uint64_t complete_ns[XEN_FLIGHTREC_CHANNELS];
};

/*
 * Ask Xen by @op, with at most three operations for a pCPU and channel.
 * @rings may be NULL or of an earlier set of buffers; `measured` is false
 * then.  Without buffers the result has 0 pCPUs.  Return 0 or -errno; the
 * caller must call horizon_free() in both cases.
 */
int horizon_read(hyp_op_fn *op, void *arg, const struct rings *rings,
                 struct horizon *out);
void horizon_free(struct horizon *h);

/* Return "busy" or "rare"; one word for a cause XEN_FLIGHTREC_LOST_*. */
const char *horizon_channel_name(unsigned int channel);
const char *horizon_lost_name(unsigned int cause);

/*
 * As JSON: [ {"cpu", "online", "channels": {"busy": {...}, "rare": {...}}} ]
 * and {"busy": seconds, "rare": seconds}.  The caller must decref the result.
 * Return NULL if there is no memory.
 */
json_t *horizon_cpus_json(const struct horizon *h);
json_t *horizon_complete_json(const struct horizon *h);

#endif /* XENFLIGHT_HORIZON_H */
