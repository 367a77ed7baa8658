/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seed.h: seeds for hash tables with keys from a file.
 */

#ifndef XENFLIGHT_SEED_H
#define XENFLIGHT_SEED_H

#include <stdint.h>

/*
 * Return a random seed.  A table whose hash depends on it has no keys that a
 * file can choose so that they all collide.
 */
uint64_t seed_random(void);

#endif /* XENFLIGHT_SEED_H */
