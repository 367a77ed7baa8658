/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * redact.h: a snapshot that tells of one domain only, so that a tenant or a bug
 * report can have it.
 *
 * A record is kept if its event is one that this version knows, with the same
 * fields, and not one of those that tell of others (redact.c has them), if it
 * fits its description in the dictionary, and if it
 *   - names the domain and no other; written while another ran, it must have no
 *     address or argument, which may be the other's;
 *   - or names the domain and another, and nothing else: who is switched to and
 *     from.  The other becomes domain REDACT_OTHER, its vCPU 0;
 *   - or names none, was written while the domain ran, and is of a class that a
 *     guest's own doing makes: HVM, PV, shadow, guest.
 * Machine frame numbers become 0.  All else is left out, and so is what packets
 * tell beside records: their own times, counts of what was lost and overwritten,
 * who ran at their begin, how many there were.  The packets are made anew from
 * the records that are kept.
 *
 * The documents are made anew as well, of what is named below and nothing else:
 * the domain's id, uuid, name and vCPUs; its own trigger; the clock's fit; the
 * dictionary; Xen's version.  Not: the host's name, kernel and command line,
 * other domains, accounts, gaps, the daemon's latencies.  Where the trigger was
 * not the domain's, times are counted from its own last record.
 */

#ifndef XENFLIGHT_REDACT_H
#define XENFLIGHT_REDACT_H

#include "lib/read/merge.h"
#include "tools/base/source.h"

#define REDACT_OTHER 0x7ff4 /* DOMID_INVALID: runs nowhere */

/* What became of the records. */
struct redact_totals {
    uint64_t kept, left_out;
};

/*
 * Is it kept?  If so `rec` is changed to what may be shown; else it is as it
 * was.  `known`: the dictionary of the compiled-in list.
 */
bool redact_record(const struct event_dict *known, struct merge_record *rec,
                   uint32_t domid);

/*
 * Writes the slice to `fd`.  -ENODATA: no record of the domain.  -errno.
 */
int redact(const struct source *src, uint32_t domid, int fd,
           struct redact_totals *totals);

#endif /* XENFLIGHT_REDACT_H */
