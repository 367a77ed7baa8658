/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash.h: hashes for tables of values that a hostile file chooses.
 *
 * The seed differs in each process, so a file cannot be made whose values all
 * have one slot.
 */

#ifndef XENFLIGHT_HASH_H
#define XENFLIGHT_HASH_H

#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

static inline uint64_t hash_seed(void)
{
    const void *random = (const void *)getauxval(AT_RANDOM);
    uint64_t seed = 0;

    if ( random )
        memcpy(&seed, random, sizeof(seed));
    return seed;
}

static inline uint64_t hash_mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
    return h ^ h >> 29;
}

#endif /* XENFLIGHT_HASH_H */
