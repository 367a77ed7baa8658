/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * redact.h: a copy of a snapshot restricted to one domain, for its owner or a bug
 * report.
 *
 * A record is kept if it is of the time in which the domain had its number, its
 * event is known to this version with the same fields, is
 * not listed in redact.c as revealing other domains, fits its description in the
 * dictionary, and if it
 *   - names the domain and no other.  If another domain ran, it must have no
 *     address or argument, which may belong to that domain;
 *   - or names the domain and another one and has no other field: a switch between
 *     the two.  The other becomes domain REDACT_OTHER, its vCPU 0;
 *   - or names none, was written while the domain ran, and has a class caused by
 *     the guest itself: HVM, PV, shadow, guest.
 * Machine frame numbers become 0.  All other records are left out.  Packets are
 * built from the kept records only, so nothing remains of the original headers:
 * times, counts of lost and overwritten records, the domain running at the start,
 * the number of packets.
 *
 * The document is built from these members only: the domain's id, uuid, name and
 * vCPUs; its own trigger; the fit of the clock; the dictionary; Xen's version.
 * Left out are the host's name, kernel and command line, other domains, counters,
 * gaps, and the daemon's latencies.  If the trigger was another domain's, times
 * are relative to the last record of this one.
 */

#ifndef XENFLIGHT_REDACT_H
#define XENFLIGHT_REDACT_H

#include "lib/read/merge.h"
#include "tools/base/source.h"
#include "tools/redact/doc.h"

/* Numbers of records. */
struct redact_totals {
    uint64_t kept, left_out;
};

/*
 * Return true if the record is kept, after removing from @rec all that must not be
 * shown; else false with @rec unchanged.  @known: dictionary of the compiled-in
 * event list.
 */
bool redact_record(const struct event_dict *known, struct merge_record *rec,
                   uint32_t domid);

/*
 * Write the copy to @fd.  @life: a life of @domid in src->lives; records of other
 * domains with that number are left out.  NULL: the number has one domain.  Return
 * 0, -ENODATA if there is no record of the domain, or another -errno.
 */
int redact(const struct source *src, uint32_t domid, const struct life *life,
           int fd, struct redact_totals *totals);

#endif /* XENFLIGHT_REDACT_H */
