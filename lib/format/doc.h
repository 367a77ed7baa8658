/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doc.h: load and check the JSON documents of a snapshot, which are described
 * in lib/format/snapshot.h.
 *
 * No text in them is trusted: callers must escape it before printing (text.h).
 */

#ifndef XENFLIGHT_DOC_H
#define XENFLIGHT_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/format/clock.h"
#include "lib/format/event.h"
#include "lib/format/snapshot.h"

#define DOC_UNKNOWN (-1)

/* Limit of values in a document; those of 4,000 pCPUs need a fifth of it. */
#define DOC_MAX_VALUES (1U << 20)

struct doc {
    json_t *root;              /* the meta document */
    json_t *note;              /* the note, or NULL */
    const json_t **by_domid;   /* for doc_domain(); NULL if no domains */
    struct event_dict *dict;   /* NULL without want_dict in doc_load() */

    /*
     * Written by `xenflight record`, without a freeze: the trigger is the
     * start, and each pCPU's records end with the last slot it filled.
     */
    bool recording;

    /*
     * Written by `xenflight redact`: all records are of domain @only.  Other
     * domains, and idle vCPUs, appear as DOC_OTHER, vCPU 0.
     */
    bool redacted;
    uint32_t only;

    /* The trigger.  An absent text is "", an absent number DOC_UNKNOWN. */
    const char *cause, *name, *uuid, *reason_text, *source;
    int64_t gen, cpu, domid, vcpu, reason;
    bool has_rip;
    uint64_t rip;
    uint64_t tsc;

    const char *history;       /* "complete", "partial", "" */
    uint32_t tsc_khz;
    bool has_fit;              /* else the file states no error */
    struct clock_fit clock;    /* always set, at least frequency and trigger */
    bool has_ns;               /* clock.ns is Xen's system time at `tsc` */
    bool has_wall;             /* wall_ns is the time at `tsc` */
    int64_t wall_ns;
    bool has_mono;             /* mono_ns is Dom0's CLOCK_MONOTONIC at `tsc` */
    int64_t mono_ns;
    uint64_t dom0_error_ns;    /* bound of the error of both, at `tsc` */
};

/*
 * Number of all other domains in a redacted file: DOMID_INVALID, never in use.
 */
#define DOC_OTHER 0x7ff4

/* Clocks in which a moment can be expressed. */
enum doc_clock {
    DOC_CLOCK_REL,             /* ns from the trigger */
    DOC_CLOCK_TSC,             /* the trigger's TSC, in ticks */
    DOC_CLOCK_XEN,             /* Xen's system time: ns since Xen booted */
    DOC_CLOCK_MONOTONIC,       /* Dom0's CLOCK_MONOTONIC, ns */
    DOC_CLOCK_REALTIME,        /* Dom0's CLOCK_REALTIME: ns since 1970 */
    DOC_CLOCKS
};

/*
 * Load the documents of `s`, and the dictionary if `want_dict`; without it,
 * the member "dictionary" is null, since it is most of the document's text.
 * The caller frees `m` with doc_free(), unless an error was returned.  Return
 * 0, -ENOMEM, -ENOENT if the file ends before its meta document, or -EBADMSG.
 * The reason is in `err` and needs no escaping.
 */
int doc_load(struct snapshot *s, bool want_dict, struct doc *m, char *err,
              size_t err_bytes);
void doc_free(struct doc *m);

/*
 * Arguments `tsc` below are on the trigger's clock: callers must pass a
 * merge_record's .tsc, not its .stamp.
 */

/*
 * Return the clock called "rel", "tsc", "xen", "monotonic" or "realtime", or
 * DOC_CLOCKS if there is none of that name.
 */
enum doc_clock doc_clock_find(const char *name);
const char *doc_clock_name(enum doc_clock clock);
/* Whether the file has that clock. */
bool doc_clock_known(const struct doc *m, enum doc_clock clock);
/* Return a clock's value at `tsc`, and the bound of its error. */
int64_t doc_clock_at(const struct doc *m, enum doc_clock clock, uint64_t tsc);
uint64_t doc_clock_error(const struct doc *m, enum doc_clock clock,
                         uint64_t tsc);

/* Return ns from the trigger to `tsc`, negative before it. */
int64_t doc_ns(const struct doc *m, uint64_t tsc);
/*
 * Return ns since TSC 0, for formats without negative times.  The trigger is
 * placed by the frequency, everything else relative to it by the fit.  Stamps
 * out of range saturate.
 */
uint64_t doc_tsc_ns(const struct doc *m, uint64_t tsc);
/* Get the difference from that to ns since 1970; false without wall clock. */
bool doc_tsc_wall(const struct doc *m, int64_t *offset_ns);
/* Return the TSC `ns` before the trigger, or 0 if the TSC started later. */
uint64_t doc_tsc_before(const struct doc *m, uint64_t ns);
/* Return the TSC `ns` after the trigger, negative before it; saturates. */
uint64_t doc_tsc_at(const struct doc *m, int64_t ns);

/*
 * Get the time, in ns from the trigger, in which the file has every record of
 * every pCPU in that channel ("busy", "rare"), except for lost ones.  Return
 * false if the file does not have it.
 */
bool doc_window(const struct doc *m, const char *channel, int64_t *from_ns,
                int64_t *to_ns);

/* Return a member, or `otherwise` if it is absent or of another type. */
const char *doc_text(const json_t *object, const char *key,
                      const char *otherwise);
int64_t doc_number(const json_t *object, const char *key, int64_t otherwise);

/* Return true if @domid stands for all other domains of a redacted file. */
bool doc_is_other(const struct doc *m, uint32_t domid);

/* Return the first entry of "domains" for a domid, or NULL; owned by `m`. */
const json_t *doc_domain(const struct doc *m, uint32_t domid);

/* Parse a domid, up to 0x7fff.  Return false if @key is not a number. */
bool doc_is_domid(const char *key, uint32_t *domid);

/* A set of domids. */
#define DOC_DOMIDS 65536
struct doc_domids {
    uint8_t bit[DOC_DOMIDS / 8];
};

static inline bool doc_has_domid(const struct doc_domids *set, uint32_t domid)
{
    return domid < DOC_DOMIDS && set->bit[domid / 8] & 1U << domid % 8;
}

/*
 * Find all domains with a number, name or uuid: a guest that rebooted has
 * several numbers.  Return how many there are.
 */
unsigned int doc_find_domains(const struct doc *m, const char *key,
                              struct doc_domids *set);
/*
 * Get one of them: the trigger's, else the last that was alive, else the last.
 * Return false if there is none.
 */
bool doc_find_domain(const struct doc *m, const char *key, uint32_t *domid);

#endif /* XENFLIGHT_DOC_H */
