/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.h: convert the TSC stamps of all pCPUs to one time.
 *
 * Each packet header has a pair (TSC, Xen's system time), taken on the pCPU
 * that wrote the packet.  From these the writer of a snapshot computes a fit,
 * one line for all pCPUs through the moment of the trigger:
 *
 *     system time = ns + (TSC - tsc) * (1 + drift) / frequency
 *
 * While all pairs lie near the line, stamps are used unchanged: synchronised
 * TSCs order records better than anything else.  `error_ns` bounds the
 * distance of the line from any pCPU's system time at any record.  It is the
 * sum of half the spread of the pairs around the line, the largest change seen
 * between two pairs, and the resolution of a stamp.
 *
 * If a TSC was reset (a pCPU that came back, a resume), or the pCPUs' TSCs
 * differ, no single line fits.  The fit then has spans.  A span is the time of
 * one pCPU between two steps, with an offset that must be added to its stamps.
 * A step is a difference larger than the noise of system time can explain:
 * above 1 ms, a sixteenth of the time that has passed, and four times the
 * noise without steps.
 *
 * A packet's own pair gives the span in which the packet begins.  If its
 * channel has a later pair in that span, the whole packet lies in it.  In the
 * last packet before a step, the stamps show where the step was: a record
 * follows it if its stamp would otherwise precede the record before it, or
 * exceed the first pair of the next span.  If both spans are possible, the
 * record's own error is the distance between them.  At most one step is
 * assumed between two pairs of a pCPU, and at most CLOCK_LOOK in one packet.
 * A step after a pCPU's last pair is seen only if stamps go back.
 *
 * There is no floating point, so all readers compute the same figures.
 */

#ifndef XENFLIGHT_CLOCK_H
#define XENFLIGHT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <public/flightrec.h>

/* Crystals drift less than this; a fit beyond it gets drift 0. */
#define CLOCK_MAX_DRIFT_PPB 500000
/* Far more than any recording has; a fit with more is refused. */
#define CLOCK_MAX_SPANS     65536
/*
 * Limits of the spans tried for one stamp, so that a file cannot multiply its
 * spans by its records: the steps that one packet may contain, and those that
 * a stamp without a packet may be before.
 */
#define CLOCK_LOOK          16
#define CLOCK_GUESS_LOOK    256
/* Rate at which Dom0's kernel may slew its clocks against Xen's, in ppm. */
#define CLOCK_DOM0_PPM      500

struct clock_point {
    uint16_t cpu;
    uint8_t channel;
    uint64_t tsc, ns;
};

struct clock_span {
    uint16_t cpu;
    int64_t offset;            /* ticks that must be added to its stamps */
    uint64_t from_ns, to_ns;   /* system time of its first and last pair */
    uint64_t last_ns[XEN_FLIGHTREC_CHANNELS]; /* of the channel's last pair */
};

struct clock_fit {
    uint32_t tsc_khz;
    uint64_t tsc, ns;          /* of the trigger */
    int32_t drift_ppb;         /* of system time against the TSC */
    uint64_t error_ns;         /* 0: unknown, there were no pairs */
    struct clock_span *span;   /* ascending by (cpu, from_ns) */
    unsigned int nr_spans;     /* 0: stamps are used unchanged */
};

/*
 * The position of one stream's reader.  Callers must zero it, call
 * clock_packet() at each packet, and clock_stamp() for each record in order.
 */
struct clock_walk {
    const struct clock_span *at, *end;
    bool whole;                /* the packet lies in one span */
    uint64_t floor_ns;         /* system time that no later record precedes */
};

/*
 * Compute the fit from all pairs.  `points` is sorted in place.  Offsets are
 * relative to the TSC of the trigger's pCPU, which need not have pairs.
 * tsc_khz must not be 0.  The caller frees the fit with clock_free().  Return
 * 0 or -ENOMEM.
 */
int clock_fit(struct clock_fit *f, uint32_t tsc_khz, unsigned int tsc_shift,
              const struct clock_point *trigger, struct clock_point *points,
              size_t nr);
void clock_free(struct clock_fit *f);

/* Convert a stamp that is not a record's, by the span of the last record. */
static inline uint64_t clock_here(const struct clock_walk *w, uint64_t tsc)
{
    return w->at ? tsc + w->at->offset : tsc;
}

/*
 * Convert a stamp of which only the pCPU is known, by the oldest span that
 * fits.  Return UINT64_MAX if none of the first CLOCK_GUESS_LOOK does and
 * there are more.
 */
uint64_t clock_guess(const struct clock_fit *f, uint16_t cpu, uint64_t tsc);

/* Start the packet with header `hdr`. */
void clock_packet(const struct clock_fit *f, struct clock_walk *w,
                  const struct xen_flightrec_packet *hdr);
/* The slow path of clock_stamp(): the packet may contain a step. */
uint64_t clock_search(const struct clock_fit *f, struct clock_walk *w,
                      uint64_t tsc, uint64_t *error_ns);
/*
 * Convert a record's stamp to the trigger's TSC.  *error_ns is 0, or the
 * record's own error if that exceeds the fit's.
 */
static inline uint64_t clock_stamp(const struct clock_fit *f,
                                   struct clock_walk *w, uint64_t tsc,
                                   uint64_t *error_ns)
{
    *error_ns = 0;
    return !w->at || w->whole ? clock_here(w, tsc)
                              : clock_search(f, w, tsc, error_ns);
}

/* Return ns from the trigger to a converted stamp; saturates. */
int64_t clock_since(const struct clock_fit *f, uint64_t tsc);
/* Return the ticks in `ns`; saturates. */
int64_t clock_ticks(const struct clock_fit *f, int64_t ns);

/*
 * Return the member "fit" of the meta document, a new reference, or NULL if
 * out of memory.
 */
json_t *clock_json(const struct clock_fit *f);
/*
 * Parse that member.  Callers must set f->tsc_khz, .tsc and .ns before.
 * Return 0, -ENOMEM, or -EBADMSG if it is invalid; `f` then has no drift and
 * no spans.
 */
int clock_from_json(struct clock_fit *f, const json_t *fit);

#endif /* XENFLIGHT_CLOCK_H */
