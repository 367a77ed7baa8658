/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * audit.h: the account that Xen keeps of a ring, and whether it adds up.
 *
 * Every record emitted since the ring was made is counted once more where it
 * ended: held by this generation or an earlier one, in a slot kept writable,
 * overwritten, or lost.  The capture checks the account that Xen copied out
 * (struct xen_flightrec_audit), `xenflight verify` the one in the document
 * (member "streams" of lib/format/snapshot.h).
 */

#ifndef XENFLIGHT_AUDIT_H
#define XENFLIGHT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <public/flightrec.h>

/*
 * The member of "lost" that counts cause XEN_FLIGHTREC_LOST_*.  Inline: the
 * monitor uses it, and links nothing of lib/format.
 */
static inline const char *audit_lost_name(unsigned int cause)
{
    static const char *const name[XEN_FLIGHTREC_LOST_CAUSES] = {
        [XEN_FLIGHTREC_LOST_NESTED] = "nested",
        [XEN_FLIGHTREC_LOST_BUSY] = "busy",
        [XEN_FLIGHTREC_LOST_STOPPED] = "stopped",
        [XEN_FLIGHTREC_LOST_RETRY] = "retry",
    };

    return name[cause];
}

/*
 * Return true if
 * emitted - late = held + held_earlier + sacrificed + overwritten + lost
 */
bool audit_balances(const struct xen_flightrec_audit *a);

/*
 * Fill @a from one element of "streams".  Members that are absent or not
 * integers are 0.
 */
void audit_from_json(const json_t *stream, struct xen_flightrec_audit *a);

#endif /* XENFLIGHT_AUDIT_H */
