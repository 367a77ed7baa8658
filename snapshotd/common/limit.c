/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/common/limit.h"

#include <stddef.h>
#include <string.h>

static uint64_t refill_ns(const struct limit_rate *rate)
{
    return rate->refill_s * 1000000000ULL;
}

/* Return NULL if the bucket is full. */
static const struct limit_bucket *
find(const struct limit *l, const uint8_t key[LIMIT_KEY_BYTES],
     uint64_t now_ns)
{
    const struct limit_bucket *b;

    for ( b = l->bucket; b < l->bucket + LIMIT_KEYS; b++ )
        if ( b->full_ns > now_ns && !memcmp(b->key, key, sizeof(b->key)) )
            return b;
    return NULL;
}

bool limit_allows(const struct limit *l, const uint8_t key[LIMIT_KEY_BYTES],
                  const struct limit_rate *rate, uint64_t now_ns)
{
    const struct limit_bucket *b;

    if ( !rate->refill_s )
        return true;
    b = find(l, key, now_ns);
    return !b || b->full_ns - now_ns <= (rate->burst - 1) * refill_ns(rate);
}

/* The entry of the key, else the one that is full or will be soonest. */
static struct limit_bucket *entry(struct limit *l,
                                  const uint8_t key[LIMIT_KEY_BYTES],
                                  uint64_t now_ns)
{
    struct limit_bucket *b = (struct limit_bucket *)find(l, key, now_ns);

    if ( b )
        return b;
    for ( struct limit_bucket *e = b = l->bucket; e < l->bucket + LIMIT_KEYS;
          e++ )
        if ( e->full_ns < b->full_ns )
            b = e;
    memcpy(b->key, key, sizeof(b->key));
    b->full_ns = now_ns;
    return b;
}

bool limit_take(struct limit *l, const uint8_t key[LIMIT_KEY_BYTES],
                const struct limit_rate *rate, uint64_t now_ns)
{
    if ( !limit_allows(l, key, rate, now_ns) )
        return false;
    if ( rate->refill_s )
        entry(l, key, now_ns)->full_ns += refill_ns(rate);
    return true;
}
