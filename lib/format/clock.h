/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.h: what the TSC stamps of all pCPUs mean in one time.
 *
 * Each packet header has a pair (TSC, Xen's system time), taken on the pCPU that
 * wrote the packet.  From these the writer of a snapshot makes a fit: one line
 *
 *     system time = ns + (TSC - tsc) * (1 + drift) / frequency
 *
 * through the moment of the trigger, for all pCPUs.  As long as all pairs lie
 * near it the stamps are used as they are: TSCs that run together order records
 * better than anything else.  `error_ns` bounds how far the line is from any
 * pCPU's system time at any record: half the spread of the pairs around it, what
 * may happen between two pairs (as much as was ever seen to), and the step of a
 * stamp.
 *
 * Where a TSC was set to something else (a pCPU that came back, a resume), or
 * pCPUs run with TSCs apart, no line will do.  Then there are spans: stretches of
 * one pCPU between two such steps, each with an offset that is to be added to
 * its stamps.  A step is a difference that no noise of the machine's system time
 * explains: above 1 ms, a sixteenth of the time that has passed, and four times
 * the noise that is seen without steps.
 *
 * A packet's own pair says which span it begins in, and if its channel has a
 * later pair in that span it lies in it.  In the last packet before a step, where
 * the step was is told by the stamps: those that would be before their
 * predecessor, or after the next span's first pair, are behind it.  Where both
 * would do, the record's own error says how far apart they are.  One step
 * between two pairs of a pCPU is assumed at most, and one after its last pair
 * cannot be seen unless stamps go back.
 *
 * No floating point: all readers get the same figures.
 */

#ifndef XENFLIGHT_CLOCK_H
#define XENFLIGHT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <public/flightrec.h>

/* Beyond this no crystal is off: the fit has drift 0 instead. */
#define CLOCK_MAX_DRIFT_PPB 500000
/* Far more than any recording has; a file with more is not believed. */
#define CLOCK_MAX_SPANS     65536
/* How fast Dom0's kernel may turn its clocks against Xen's. */
#define CLOCK_DOM0_PPM      500

struct clock_point {
    uint16_t cpu;
    uint8_t channel;
    uint64_t tsc, ns;
};

struct clock_span {
    uint16_t cpu;
    int64_t offset;            /* ticks to add to its stamps */
    uint64_t from_ns, to_ns;   /* system time of its first and last pair ... */
    uint64_t last_ns[XEN_FLIGHTREC_CHANNELS]; /* ... and the channel's last */
};

struct clock_fit {
    uint32_t tsc_khz;
    uint64_t tsc, ns;          /* the trigger, and system time there */
    int32_t drift_ppb;         /* system time gains so much on the TSC */
    uint64_t error_ns;         /* 0: there were no pairs, nothing is known */
    struct clock_span *span;   /* by (cpu, from_ns) */
    unsigned int nr_spans;     /* 0: stamps are used as they are */
};

/*
 * Where one stream's reader is.  Begin it with zeros; clock_packet() at each
 * packet, clock_stamp() for each record in order.
 */
struct clock_walk {
    const struct clock_span *at, *end;
    bool whole;                /* the packet lies in one span */
    uint64_t floor_ns;         /* no later record of it is before this */
};

/*
 * Makes the fit from all pairs; sorts `points`.  `trigger`: its pCPU's TSC is
 * the one that the others are related to; a pCPU without pairs will do.
 * tsc_khz is not 0.  0 or -ENOMEM; clock_free().
 */
int clock_fit(struct clock_fit *f, uint32_t tsc_khz, unsigned int tsc_shift,
              const struct clock_point *trigger, struct clock_point *points,
              size_t nr);
void clock_free(struct clock_fit *f);

/* A stamp in the trigger's TSC, of where the reader is: no record's. */
static inline uint64_t clock_here(const struct clock_walk *w, uint64_t tsc)
{
    return w->at ? tsc + w->at->offset : tsc;
}

/*
 * The same where no more is known than the pCPU: in the oldest span that it can
 * be of.
 */
uint64_t clock_guess(const struct clock_fit *f, uint16_t cpu, uint64_t tsc);

/* A packet begins, whose header this is. */
void clock_packet(const struct clock_fit *f, struct clock_walk *w,
                  const struct xen_flightrec_packet *hdr);
/* clock_stamp() in a packet that may reach over a step. */
uint64_t clock_search(const struct clock_fit *f, struct clock_walk *w,
                      uint64_t tsc, uint64_t *error_ns);
/*
 * A record's stamp in the trigger's TSC.  *error_ns: 0, or more than the fit's
 * error if this one is less certain.
 */
static inline uint64_t clock_stamp(const struct clock_fit *f,
                                   struct clock_walk *w, uint64_t tsc,
                                   uint64_t *error_ns)
{
    *error_ns = 0;
    return !w->at || w->whole ? clock_here(w, tsc)
                              : clock_search(f, w, tsc, error_ns);
}

/* ns from the trigger to a stamp so corrected; saturates. */
int64_t clock_since(const struct clock_fit *f, uint64_t tsc);
/* Ticks in `ns`. */
int64_t clock_ticks(const struct clock_fit *f, int64_t ns);

/* The member "fit" of the meta document.  NULL: no memory. */
json_t *clock_json(const struct clock_fit *f);
/*
 * Reads it; f->tsc_khz, .tsc and .ns are set by the caller and stay.  -EBADMSG:
 * it is none, `f` has no drift, no spans.
 */
int clock_from_json(struct clock_fit *f, const json_t *fit);

#endif /* XENFLIGHT_CLOCK_H */
