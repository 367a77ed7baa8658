/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream.c: read packets from the rings while Xen writes them. */

#include "lib/xen/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/packet.h"

/* One ring. */
struct position {
    const struct ring_map *map;
    unsigned int channel;
    uint64_t next;         /* seq of the packet to read */
    uint64_t done;         /* all up to this may be read */
    uint64_t missed;       /* since the last packet returned */
};

struct stream_reader {
    struct hyp *hyp;
    struct rings rings;
    uint64_t incarnation, missed;
    uint32_t every;
    int fd;
    struct position *ring;
    unsigned int nr, turn; /* rings; the one to read first */
    uint8_t *copy;         /* of one slot */
};

static int op_arg(void *arg, struct xen_flightrec_op *op)
{
    return hyp_op(arg, op);
}

static int arm(struct stream_reader *s, uint32_t every)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_wake,
                                  .u.wake.every = every };

    return hyp_op(s->hyp, &o);
}

static int ask_position(struct stream_reader *s, struct position *r,
                        struct xen_flightrec_op_cpu *c)
{
    struct xen_flightrec_op o = {
        .cmd = XEN_FLIGHTREC_OP_cpu,
        .u.cpu = { .cpu = r->map->cpu, .channel = r->channel },
    };
    int rc = hyp_op(s->hyp, &o);

    if ( rc )
        return rc == -ENODEV ? -ESTALE : rc;
    *c = o.u.cpu;
    r->done = c->done_seq;
    return 0;
}

static int check_incarnation(struct stream_reader *s)
{
    struct xen_flightrec_op_status st;
    int rc = hyp_status(op_arg, s->hyp, &st);

    if ( rc )
        return rc;
    return st.state & XEN_FLIGHTREC_ST_CREATED &&
                   st.incarnation == s->incarnation
               ? 0
               : -ESTALE;
}

int stream_arm(struct stream_reader *s)
{
    struct xen_flightrec_op_cpu c;
    unsigned int i;
    int rc = arm(s, s->every);

    if ( rc == -ENODEV )
        rc = -ESTALE;
    for ( i = 0; !rc && i < s->nr; i++ )
        rc = ask_position(s, &s->ring[i], &c);
    /* Must be last: the positions could be those of other buffers. */
    return rc ? rc : check_incarnation(s);
}

/* Return the sequence number of the oldest packet that can be in the ring. */
static uint64_t oldest_there(const struct position *r)
{
    uint32_t slots = r->map->ch[r->channel].slots;

    return r->done > slots ? r->done - slots + 1 : 1;
}

static int begin(struct stream_reader *s, enum stream_from from)
{
    struct xen_flightrec_op_cpu c;
    unsigned int i, ch;
    int rc;

    for ( i = 0; i < s->rings.nr; i++ )
        for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        {
            struct position *r = &s->ring[s->nr];

            r->map = &s->rings.map[i];
            r->channel = ch;
            rc = ask_position(s, r, &c);
            if ( rc )
                return rc;
            r->next = from == STREAM_NEWEST ? r->done + 1 : oldest_there(r);
            s->nr++;
        }
    return check_incarnation(s);
}

int stream_open(struct hyp *h, uint32_t every, enum stream_from from,
                struct stream_reader **out, struct rings_error *err)
{
    struct stream_reader *s = calloc(1, sizeof(*s));
    int rc;

    *out = NULL;
    err->what[0] = '\0';
    if ( !every || !s )
    {
        free(s);
        return every ? -ENOMEM : -EINVAL;
    }
    s->hyp = h;
    s->fd = -1;
    s->every = every;
    rc = rings_map(h, &s->rings, err);
    if ( rc )
        goto out;
    s->incarnation = s->rings.info.incarnation;
    s->ring = calloc(s->rings.nr * XEN_FLIGHTREC_CHANNELS, sizeof(*s->ring));
    s->copy = malloc(XEN_FLIGHTREC_MAX_SLOT_BYTES);
    rc = s->ring && s->copy ? begin(s, from) : -ENOMEM;
    if ( !rc )
        rc = hyp_virq_bind(h, HYP_VIRQ_WAKE, &s->fd);

 out:
    if ( rc )
    {
        stream_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void stream_pace(struct stream_reader *s, uint32_t every)
{
    s->every = every;
}

void stream_close(struct stream_reader *s)
{
    if ( !s )
        return;
    if ( s->fd >= 0 )
        (void)arm(s, 0);
    free(s->rings.map);
    free(s->ring);
    free(s->copy);
    free(s);
}

const struct rings *stream_rings(const struct stream_reader *s)
{
    return &s->rings;
}

int stream_fd(const struct stream_reader *s)
{
    return s->fd;
}

int stream_woken(struct stream_reader *s)
{
    return hyp_virq_ack(s->hyp, HYP_VIRQ_WAKE);
}

uint64_t stream_missed(const struct stream_reader *s)
{
    return s->missed;
}

/* A field of a header that Xen may be writing. */
#define live(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

/* Return the slot that holds packet @seq, or NULL if it was overwritten. */
static const struct xen_flightrec_packet *find_slot(const struct position *r,
                                                    uint64_t seq)
{
    unsigned int i;

    for ( i = 0; i < r->map->ch[r->channel].slots; i++ )
    {
        const struct xen_flightrec_packet *slot = rings_slot(r->map,
                                                             r->channel, i);

        if ( live(slot->seq) == seq )
            return slot;
    }
    return NULL;
}

/* Return false if the slot was overwritten during the copy. */
static bool copy_slot(const struct stream_reader *s, const struct position *r,
                      const struct xen_flightrec_packet *slot, uint32_t *bytes)
{
    uint32_t used = live(slot->used_bytes);

    if ( used < sizeof(*slot) || used > r->map->ch[r->channel].slot_bytes )
        return false;
    memcpy(s->copy, slot, used);
    /*
     * P7 of ring.h: copy the content, then check that it still was that
     * packet's.  seq last: the next packet may have the same length, and is
     * closed after its seq is written.
     */
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    *bytes = used;
    return __atomic_load_n(&slot->used_bytes, __ATOMIC_ACQUIRE) == used &&
           live(slot->seq) == r->next;
}

/* Read the next packet.  Return false if it was overwritten. */
static bool read_packet(struct stream_reader *s, struct position *r,
                        struct stream_packet *p)
{
    const struct xen_flightrec_packet *slot = find_slot(r, r->next);
    uint32_t bytes;

    if ( !slot || !copy_slot(s, r, slot, &bytes) )
        return false;
    *p = (struct stream_packet){ .cpu = r->map->cpu, .channel = r->channel,
                                 .seq = r->next, .data = s->copy,
                                 .bytes = bytes };
    return packet_check_header((const void *)s->copy, bytes) == 0;
}

static void miss(struct stream_reader *s, struct position *r, uint64_t packets)
{
    r->next += packets;
    r->missed += packets;
    s->missed += packets;
}

static bool read_ring(struct stream_reader *s, struct position *r,
                      struct stream_packet *p)
{
    uint64_t oldest = oldest_there(r);

    if ( r->next < oldest )
        miss(s, r, oldest - r->next);
    for ( ; r->next <= r->done; miss(s, r, 1) )
    {
        if ( !read_packet(s, r, p) )
            continue;
        p->missed = r->missed;
        r->missed = 0;
        r->next++;
        return true;
    }
    return false;
}

bool stream_next(struct stream_reader *s, struct stream_packet *p)
{
    unsigned int tried;

    for ( tried = 0; tried < s->nr; tried++ )
    {
        struct position *r = &s->ring[s->turn];

        if ( read_ring(s, r, p) )
            return true;
        s->turn = (s->turn + 1) % s->nr;
    }
    return false;
}
