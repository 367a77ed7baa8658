/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * limit.h: token buckets, one a key, in a table of fixed size.
 *
 * A bucket is one number, the time at which it will be full again; each token
 * taken moves it by the time that a token needs to come back.  A full bucket is
 * the same as none, so its entry is free for another key.  If more keys than
 * entries are in use, the one that would be full soonest is forgotten: it gets
 * the fewest tokens that are not its own.  A caller that must bound the sum
 * over any number of keys takes from a bucket for all of them as well.
 *
 * Nothing here reads a clock: `now_ns` is any clock that does not step.
 */

#ifndef SNAPSHOTD_LIMIT_H
#define SNAPSHOTD_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_KEYS      256
#define LIMIT_KEY_BYTES 16

struct limit_rate {
    uint32_t burst;        /* tokens of a full bucket, at least 1 */
    uint32_t refill_s;     /* seconds until one comes back; 0: no limit */
};

/* All 0: every bucket is full. */
struct limit {
    struct limit_bucket {
        uint8_t key[LIMIT_KEY_BYTES];
        uint64_t full_ns;
    } bucket[LIMIT_KEYS];
};

/* Whether there is a token.  Takes none, so that callers can check several. */
bool limit_allows(const struct limit *l, const uint8_t key[LIMIT_KEY_BYTES],
                  const struct limit_rate *rate, uint64_t now_ns);

/* Take a token.  Return false, with nothing changed, if there is none. */
bool limit_take(struct limit *l, const uint8_t key[LIMIT_KEY_BYTES],
                const struct limit_rate *rate, uint64_t now_ns);

#endif /* SNAPSHOTD_LIMIT_H */
