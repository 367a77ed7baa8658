/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.h: follow the rings while they are written.
 *
 * A reader that keeps up gets each packet of each ring once, in order.  For a
 * slower one, each packet counts those overwritten before it.  Recording never
 * waits for a reader.
 *
 *     rc = stream_open(hyp, 8, STREAM_NEWEST, &s);
 *     for ( ; ; )
 *     {
 *         rc = stream_arm(s);
 *         if ( rc )
 *             break;
 *         while ( stream_next(s, &p) )
 *             write p.data, p.bytes
 *         poll stream_fd(s) with a timeout; if readable: stream_woken(s)
 *     }
 *
 * Arm before reading the rings, so that no wake is missed in between.  Only
 * closed packets are returned, and a slot closes only when it is full: a record
 * of a quiet pCPU waits there, whatever the timeout.
 *
 * To follow a pCPU plugged in later, close and open again.  Programs that use
 * this must link the backends (hyp.h).
 */

#ifndef XENFLIGHT_STREAM_H
#define XENFLIGHT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/xen/hyp.h"
#include "lib/xen/rings.h"

struct stream_reader;

enum stream_from {
    STREAM_NEWEST,         /* packets closed from now on */
    STREAM_OLDEST,         /* those still in the rings, too */
};

struct stream_packet {
    uint32_t cpu;
    unsigned int channel;  /* XEN_FLIGHTREC_CH_* */
    uint64_t seq;
    uint64_t missed;       /* packets overwritten since the previous one */
    const void *data;      /* header and records; valid until the next call */
    uint32_t bytes;
};

/*
 * Map the rings and bind VIRQ_FLIGHTREC_WAKE.  @every: wake when a ring has
 * opened this many slots; it must be less than half of a ring's slots, or the
 * ring overtakes the reader.  @h stays the caller's and must outlive the
 * reader.  Return 0, -EINVAL if @every is 0, -ENODEV if there are no buffers,
 * -EEXIST if another process follows the rings, or an error of rings_map() or
 * hyp_virq_bind().
 */
int stream_open(struct hyp *h, uint32_t every, enum stream_from from,
                struct stream_reader **out, struct rings_error *err);
/* Change @every, from the next stream_arm() on.  Must not be 0. */
void stream_pace(struct stream_reader *s, uint32_t every);
/* Disarm the wake and free the reader.  @s may be NULL. */
void stream_close(struct stream_reader *s);

/* Return the mapping, with the information page that has the ids. */
const struct rings *stream_rings(const struct stream_reader *s);

/* Return the fd that is readable after a wake. */
int stream_fd(const struct stream_reader *s);
/* Take the wake from the fd. */
int stream_woken(struct stream_reader *s);

/*
 * Arm the wake and ask Xen how far each ring may be read.  Return 0, -ESTALE if
 * these buffers were destroyed (the caller must close, and open again), or
 * -errno.
 */
int stream_arm(struct stream_reader *s);

/*
 * Get the next packet of any ring, up to the position read by the last
 * stream_arm().  The packets of a ring come in order.  Return false if there is
 * none.
 */
bool stream_next(struct stream_reader *s, struct stream_packet *p);

/* Return the packets overwritten before they were read, of all rings. */
uint64_t stream_missed(const struct stream_reader *s);

#endif /* XENFLIGHT_STREAM_H */
