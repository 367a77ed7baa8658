/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream.h: follow the rings while they are written.
 *
 * A reader that keeps up gets each packet of each ring, in order, once; one that
 * does not is told how many packets were overwritten before it came to them.
 * Recording never waits for it.
 *
 *     rc = stream_open(hyp, 8, STREAM_NEWEST, &s);
 *     for ( ; ; )
 *     {
 *         rc = stream_arm(s);
 *         if ( rc )
 *             break;
 *         while ( stream_next(s, &p) )
 *             write p.data, p.bytes
 *         poll stream_fd(s) with a time-out; readable: stream_woken(s)
 *     }
 *
 * Armed before the rings are looked at, so that nothing is missed in between.
 * Only packets that are closed are handed out, and nothing closes a slot but
 * what fills it: on a quiet pCPU a record waits there, whatever the time-out.
 *
 * A pCPU that is plugged in later is followed by those who open again.
 * Programs that use it link what asks Xen (hyp.h).
 */

#ifndef XENFLIGHT_STREAM_H
#define XENFLIGHT_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/xen/hyp.h"
#include "lib/xen/rings.h"

struct stream_reader;

enum stream_from {
    STREAM_NEWEST,         /* what is closed from now on */
    STREAM_OLDEST,         /* what the rings still have, too */
};

struct stream_packet {
    uint32_t cpu;
    unsigned int channel;  /* XEN_FLIGHTREC_CH_* */
    uint64_t seq;
    uint64_t missed;       /* packets overwritten between the one before and it */
    const void *data;      /* header and records; until the next call */
    uint32_t bytes;
};

/*
 * Maps the rings and binds VIRQ_FLIGHTREC_WAKE.  every: wake when some ring has
 * opened so many slots; below half of a ring's slots, or it laps the reader.
 * As rings_map() and hyp_virq_bind(): -ENODEV: no buffers; -EEXIST: another
 * process follows the rings; -EINVAL: `every` is 0.  h stays the caller's and
 * must live longer.
 */
int stream_open(struct hyp *h, uint32_t every, enum stream_from from,
                struct stream_reader **out, struct rings_error *err);
/* Another `every`, not 0, from the next stream_arm() on. */
void stream_pace(struct stream_reader *s, uint32_t every);
/* Disarms. */
void stream_close(struct stream_reader *s);

/* What was mapped, with the information page: what ids mean. */
const struct rings *stream_rings(const struct stream_reader *s);

/* Readable when there is something to look for. */
int stream_fd(const struct stream_reader *s);
/* Takes the event off the descriptor. */
int stream_woken(struct stream_reader *s);

/*
 * Arms the wake and asks Xen how far each ring may be read.  -ESTALE: these
 * buffers are gone (destroyed, or created anew): close, and open again.
 */
int stream_arm(struct stream_reader *s);

/*
 * The next packet of any ring, up to where it may be read since the last
 * stream_arm(); the packets of a ring come in order.  False: there is none.
 */
bool stream_next(struct stream_reader *s, struct stream_packet *p);

/* Packets overwritten before they were read, of all rings so far. */
uint64_t stream_missed(const struct stream_reader *s);

#endif /* XENFLIGHT_STREAM_H */
