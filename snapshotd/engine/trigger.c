/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/engine/trigger.h"

#include <string.h>

/* Domains are below this; what lies above are DOMID_SELF, DOMID_INVALID, ... */
#define FIRST_RESERVED_DOMID 0x7ff0

struct request *request_next(struct requests *r, struct request *prev,
                             uint32_t gen)
{
    struct request *q = prev ? prev + 1 : r->slot;

    for ( ; q < r->slot + TRIGGER_REQUESTS; q++ )
        if ( q->used && q->ripe && q->gen == gen )
            return q;
    return NULL;
}

struct request *request_owner(struct requests *r, uint32_t gen)
{
    struct request *q;

    for ( q = request_next(r, NULL, gen); q; q = request_next(r, q, gen) )
        if ( q->source != FROM_GUEST )
            return q;
    return request_next(r, NULL, gen);
}

struct request *request_overtaken(struct requests *r, uint32_t gen)
{
    struct request *q;

    for ( q = r->slot; q < r->slot + TRIGGER_REQUESTS; q++ )
        if ( q->used && q->gen && q->gen <= gen )
            return q;
    return NULL;
}

uint64_t request_ripen(struct requests *r, uint64_t now_ns)
{
    uint64_t next = UINT64_MAX;
    struct request *q;

    for ( q = r->slot; q < r->slot + TRIGGER_REQUESTS; q++ )
    {
        if ( !q->used || q->ripe )
            continue;
        q->ripe = q->due_ns <= now_ns;
        if ( !q->ripe && q->due_ns < next )
            next = q->due_ns;
    }
    return next;
}

static struct request *waiting_signal(struct requests *r)
{
    struct request *q;

    for ( q = r->slot; q < r->slot + TRIGGER_REQUESTS; q++ )
        if ( q->used && !q->gen && q->source == FROM_SIGNAL )
            return q;
    return NULL;
}

struct request *request_add(struct requests *r, uint16_t source,
                            const char *text, size_t bytes, uint64_t due_ns)
{
    struct request *q = source == FROM_SIGNAL ? waiting_signal(r) : NULL;

    if ( q )
        return q;
    for ( q = r->slot; q < r->slot + TRIGGER_REQUESTS; q++ )
    {
        if ( q->used )
            continue;
        memset(q, 0, sizeof(*q));
        q->used = true;
        q->source = source;
        q->client = -1;
        q->due_ns = due_ns;
        q->text_bytes = bytes < sizeof(q->text) ? bytes : sizeof(q->text);
        memcpy(q->text, text, q->text_bytes);
        return q;
    }
    return NULL;
}

bool request_any(const struct requests *r)
{
    const struct request *q;

    for ( q = r->slot; q < r->slot + TRIGGER_REQUESTS; q++ )
        if ( q->used )
            return true;
    return false;
}

bool request_waiting(const struct requests *r)
{
    return request_next((struct requests *)r, NULL, 0) != NULL;
}

void request_assign(struct requests *r, uint32_t gen)
{
    struct request *q;

    for ( q = request_next(r, NULL, 0); q; q = request_next(r, q, 0) )
        q->gen = gen;
}

bool trigger_has_domain(const struct trigger *t)
{
    return t->t.domid < FIRST_RESERVED_DOMID &&
           (t->by_guest || t->t.cause != XEN_FLIGHTREC_CAUSE_REQUEST);
}

void trigger_id(const struct trigger *t, struct store_id *id)
{
    memset(id, 0, sizeof(*id));
    id->wall_s = t->wall_ns / 1000000000;
    id->gen = t->t.gen;
    id->cause = t->by_guest ? STORE_CAUSE_GUEST : t->t.cause;
    if ( trigger_has_domain(t) )
        memcpy(id->uuid, t->t.handle, sizeof(id->uuid));
}
