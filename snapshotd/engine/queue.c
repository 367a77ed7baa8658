/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* queue.c: the table of requests; part of the engine. */

#include "snapshotd/engine/queue.h"

#include <string.h>

struct request *queue_next(struct queue *t, struct request *prev,
                           enum request_state state, uint32_t gen)
{
    struct request *q = prev ? prev + 1 : t->slot;

    for ( ; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->state == state && (state == REQUEST_WAITING || q->gen == gen) )
            return q;
    return NULL;
}

struct request *queue_owner(struct queue *t, enum request_state state,
                            uint32_t gen)
{
    struct request *q;

    for ( q = queue_next(t, NULL, state, gen); q;
          q = queue_next(t, q, state, gen) )
        if ( q->source != FROM_GUEST )
            return q;
    return queue_next(t, NULL, state, gen);
}

struct request *queue_overtaken(struct queue *t, uint32_t gen)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->state == REQUEST_FROZEN && q->gen <= gen )
            return q;
    return NULL;
}

uint64_t queue_due(struct queue *t, uint64_t now_ns)
{
    uint64_t next = UINT64_MAX;
    struct request *q;

    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
    {
        if ( q->state != REQUEST_DELAYED )
            continue;
        if ( q->due_ns <= now_ns )
            request_step(q, REQUEST_DUE);
        else if ( q->due_ns < next )
            next = q->due_ns;
    }
    return next;
}

static struct request *early_signal(struct queue *t)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->source == FROM_SIGNAL && (q->state == REQUEST_DELAYED ||
                                          q->state == REQUEST_WAITING) )
            return q;
    return NULL;
}

static struct request *free_slot(struct queue *t)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->state == REQUEST_FREE )
            return q;
    return NULL;
}

struct request *queue_add(struct queue *t, const struct request *in,
                          uint64_t due_ns)
{
    uint64_t *last = &t->due_ns[in->source];
    struct request *q = in->source == FROM_SIGNAL ? early_signal(t) : NULL;

    if ( q )
    {
        q->number = in->number;
        return q;
    }
    q = free_slot(t);
    if ( !q )
        return NULL;
    *q = *in;
    q->state = REQUEST_FREE;
    q->gen = 0;
    *last = due_ns > *last ? due_ns : *last;
    q->due_ns = *last;
    request_step(q, REQUEST_TAKE);
    return q;
}

struct request *queue_adopt(struct queue *t, const struct request *in)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->state != REQUEST_FREE && q->source == in->source &&
             q->number == in->number && q->link != in->link )
        {
            q->link = in->link;
            request_step(q, REQUEST_ADOPT);
            return q;
        }
    return NULL;
}

bool queue_any(const struct queue *t)
{
    const struct request *q;

    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->state != REQUEST_FREE )
            return true;
    return false;
}

void queue_numbers(struct queue *t, uint64_t number[REQUEST_SOURCES])
{
    struct request *q;

    memset(number, 0, REQUEST_SOURCES * sizeof(*number));
    for ( q = t->slot; q < t->slot + QUEUE_REQUESTS; q++ )
        if ( q->state == REQUEST_WAITING && q->number > number[q->source] )
            number[q->source] = q->number;
}

void queue_freeze(struct queue *t, uint32_t gen)
{
    struct request *q = NULL;

    while ( (q = queue_next(t, q, REQUEST_WAITING, 0)) )
    {
        q->gen = gen;
        request_step(q, REQUEST_FREEZE);
    }
}
