/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doc.h: the documents in a snapshot, read and checked.  lib/format/snapshot.h says
 * what is in them.
 *
 * Every text in here is of somebody's choosing: escape what is printed
 * (text.h).
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

/* A document with more values is none: those of 4000 pCPUs take a fifth. */
#define DOC_MAX_VALUES (1U << 20)

struct doc {
    json_t *root;              /* the meta document */
    json_t *note;              /* NULL: none */
    struct event_dict *dict;   /* NULL: doc_load() was not asked for it */

    /*
     * Written as it happened, not held at a moment: the trigger is its begin,
     * and each pCPU's records end where it last filled a slot.
     */
    bool recording;

    /* The trigger.  Texts are "" and numbers DOC_UNKNOWN if absent. */
    const char *cause, *name, *uuid, *reason_text, *source;
    int64_t gen, cpu, domid, vcpu, reason;
    bool has_rip;
    uint64_t rip;
    uint64_t tsc;

    const char *history;       /* "complete", "partial", "" */
    uint32_t tsc_khz;
    bool has_fit;              /* else the file has no stated error */
    struct clock_fit clock;    /* through the trigger, in any case */
    bool has_ns;               /* clock.ns is Xen's system time at `tsc` */
    bool has_wall;             /* wall_ns is the time at `tsc` */
    int64_t wall_ns;
    bool has_mono;             /* and mono_ns Dom0's CLOCK_MONOTONIC */
    int64_t mono_ns;
    uint64_t dom0_error_ns;    /* of both, at `tsc` */
};

/* In which time a moment is told. */
enum doc_clock {
    DOC_CLOCK_REL,             /* ns from the trigger */
    DOC_CLOCK_TSC,             /* the trigger's TSC, in ticks */
    DOC_CLOCK_XEN,             /* Xen's system time: ns since Xen booted */
    DOC_CLOCK_MONOTONIC,       /* Dom0's CLOCK_MONOTONIC, ns */
    DOC_CLOCK_REALTIME,        /* Dom0's CLOCK_REALTIME: ns since 1970 */
    DOC_CLOCKS
};

/*
 * -ENOENT: the file was cut before its meta document; -EBADMSG, `err` (needs
 * no escaping) says what is wrong.  On error there is nothing to free.
 */
int doc_load(struct snapshot *s, bool want_dict, struct doc *m, char *err,
              size_t err_bytes);
void doc_free(struct doc *m);

/*
 * `tsc` below is on the trigger's clock: a merge_record's .tsc, not its .stamp.
 */

/* "rel", "tsc", "xen", "monotonic", "realtime"; DOC_CLOCKS: none of these. */
enum doc_clock doc_clock_find(const char *name);
const char *doc_clock_name(enum doc_clock clock);
/* Does the file know that clock? */
bool doc_clock_known(const struct doc *m, enum doc_clock clock);
/* What a clock said at `tsc`, and how far off that may be at most. */
int64_t doc_clock_at(const struct doc *m, enum doc_clock clock, uint64_t tsc);
uint64_t doc_clock_error(const struct doc *m, enum doc_clock clock,
                         uint64_t tsc);

/* ns from the trigger to `tsc`, negative before it. */
int64_t doc_ns(const struct doc *m, uint64_t tsc);
/*
 * ns since TSC 0, for formats whose times cannot be negative: the trigger by the
 * frequency, all else from there by the fit; for a file's absurd stamps the
 * nearest that fits.
 */
uint64_t doc_tsc_ns(const struct doc *m, uint64_t tsc);
/* What to add to it for ns since 1970; false: no wall clock. */
bool doc_tsc_wall(const struct doc *m, int64_t *offset_ns);
/* The TSC `ns` before the trigger; 0 if that is before the TSC began. */
uint64_t doc_tsc_before(const struct doc *m, uint64_t ns);
/* The TSC `ns` from the trigger, negative before it; saturates. */
uint64_t doc_tsc_at(const struct doc *m, int64_t ns);

/*
 * From when to when the file has every record of every pCPU in that channel
 * ("busy", "rare") but those that were lost; ns from the trigger.  False: the
 * file does not say.
 */
bool doc_window(const struct doc *m, const char *channel, int64_t *from_ns,
                int64_t *to_ns);

/* A member, if it is there and of that type; else the last argument. */
const char *doc_text(const json_t *object, const char *key,
                      const char *otherwise);
int64_t doc_number(const json_t *object, const char *key, int64_t otherwise);

/* Entry of "domains" for a domid.  NULL: none. */
const json_t *doc_domain(const struct doc *m, uint32_t domid);

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
 * All domains that a number, name or uuid means: a guest that rebooted has had
 * several numbers.  How many; 0: there is none.
 */
unsigned int doc_find_domains(const struct doc *m, const char *who,
                              struct doc_domids *set);
/*
 * One of them: the trigger's, else the last of those that were not gone, else
 * the last.  False: there is none.
 */
bool doc_find_domain(const struct doc *m, const char *who, uint32_t *domid);

#endif /* XENFLIGHT_DOC_H */
