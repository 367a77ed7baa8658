/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tbuf-model.c: write records as xen/common/trace.c does. */

#include "tests/fake/tbuf-model.h"

#include <string.h>

#include "lib/xen/tbuf.h"

#define LOST_BYTES 28

void tbuf_model_init(struct tbuf_model *m, void *map, uint32_t pages)
{
    *m = (struct tbuf_model){
        .index = map,
        .data = (uint8_t *)map + TBUF_INDEX_BYTES,
        .bytes = pages * TBUF_FRAME - TBUF_INDEX_BYTES,
    };
    m->index[0] = m->index[1] = 0;
}

uint32_t tbuf_model_fill(const struct tbuf_model *m)
{
    uint32_t cons = __atomic_load_n(&m->index[0], __ATOMIC_ACQUIRE);
    uint32_t prod = m->index[1];

    return prod >= cons ? prod - cons : prod + 2 * m->bytes - cons;
}

static uint32_t to_wrap(const struct tbuf_model *m)
{
    return m->bytes - m->index[1] % m->bytes;
}

static void insert(struct tbuf_model *m, const struct tbuf_model_record *r)
{
    uint8_t *at = m->data + m->index[1] % m->bytes;
    uint32_t head = r->event | (uint32_t)r->words << TBUF_WORDS_SHIFT |
                    (r->has_tsc ? TBUF_HAS_TSC : 0);
    uint32_t prod = m->index[1] + tbuf_record_bytes(head);

    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    if ( r->has_tsc )
    {
        memcpy(at, &r->tsc, sizeof(r->tsc));
        at += sizeof(r->tsc);
    }
    memcpy(at, r->data, 4 * r->words);
    __atomic_store_n(&m->index[1], prod % (2 * m->bytes), __ATOMIC_RELEASE);
}

/* Pad up to the end of the buffer with a record of that size. */
static void insert_wrap(struct tbuf_model *m)
{
    uint32_t words = to_wrap(m) / 4 - 1;
    struct tbuf_model_record r = { .event = TBUF_EV_WRAP };

    if ( words > 7 )
    {
        r.has_tsc = true;
        words -= 2;
    }
    r.words = words;
    insert(m, &r);
}

static void insert_lost(struct tbuf_model *m, uint64_t tsc)
{
    struct tbuf_model_record r = {
        .event = TBUF_EV_LOST, .has_tsc = true, .tsc = tsc, .words = 4,
        .data = { m->lost, m->domid | (uint32_t)m->vcpu << 16,
                  m->first_lost_tsc, m->first_lost_tsc >> 32 },
    };

    insert(m, &r);
    m->lost = 0;
}

void tbuf_model_begin(struct tbuf_model *m)
{
    m->below = tbuf_model_fill(m) < m->bytes / 2;
}

/* Return the bytes of the record and of those written before it. */
static uint32_t total(const struct tbuf_model *m, uint32_t bytes)
{
    uint32_t room = to_wrap(m), sum = 0;

    if ( m->lost )
    {
        if ( room < LOST_BYTES )
        {
            sum += room;
            room = m->bytes;
        }
        sum += LOST_BYTES;
        room -= LOST_BYTES;
        if ( !room )
            room = m->bytes;
    }
    return sum + (bytes > room ? room : 0) + bytes;
}

bool tbuf_model_end(struct tbuf_model *m, const struct tbuf_model_record *r,
                    bool *virq)
{
    uint32_t bytes = 4 + 8 * r->has_tsc + 4 * r->words;

    *virq = false;
    if ( total(m, bytes) > m->bytes - tbuf_model_fill(m) )
    {
        if ( !m->lost++ )
            m->first_lost_tsc = r->tsc;
        m->dropped++;
        return false;
    }
    if ( m->lost && to_wrap(m) < LOST_BYTES )
        insert_wrap(m);
    if ( m->lost )
        insert_lost(m, r->tsc);
    if ( bytes > to_wrap(m) )
        insert_wrap(m);
    insert(m, r);
    *virq = m->below && tbuf_model_fill(m) >= m->bytes / 2;
    return true;
}
