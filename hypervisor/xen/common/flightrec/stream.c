/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/stream.c: serve a reader that follows the rings while they
 * are written: compute how far it may read, and when it must be woken.
 */

#include "ring.h"

bool fr_wake_take(void)
{
    uint64_t every = fr_read(fr_wake_every);

    return every && fr_cmpxchg(&fr_wake_every, every, 0);
}

/*
 * The newest slot of a ring is excluded even when it is closed: only the next
 * opening proves that its closing is complete (P6).  A slot that is reopened
 * during the scan held a packet that is overwritten, so it does not count.
 */
uint64_t fr_done_seq(const struct fr_cpu *c, unsigned int channel)
{
    const struct fr_ring *r = &c->ring[channel];
    uint64_t done = fr_load_acquire(&r->seq); /* P6 */
    unsigned int i;

    if ( done )
        done--;
    for ( i = 0; i < r->slots; i++ )
    {
        const struct fr_slot *s = &r->slot[i];
        uint64_t seq = fr_read(s->seq);
        bool whole = fr_read(s->used) ==
                     fr_load_acquire(&s->committed); /* P1 */

        if ( !whole && seq && seq <= done && fr_read(s->seq) == seq )
            done = seq - 1;
    }

    return done;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
