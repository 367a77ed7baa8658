/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer.h: the interface of a recorder that bench.c measures, with one event.
 */

#ifndef PEER_H
#define PEER_H

#include <stdint.h>

#define PEER_SIZES 4 /* 0, 2, 4, 7 words */

struct peer {
    const char *name, *what;
    /* Must be called first.  Return NULL, or why it cannot be measured. */
    const char *(*open)(void);
    /* n events back to back; n events with bench_work() before each. */
    void (*loop[PEER_SIZES])(unsigned long n);
    void (*spaced)(unsigned long n);
    /* One event of two words, not inlined. */
    void (*one)(uint32_t i);
};

extern const struct peer peer_floor, peer_ours, peer_xen, peer_dpdk, peer_lttng;

/* Dependent additions.  One copy, as speed depends on a loop's address. */
uint64_t bench_work(uint64_t x);

#define PEER_LOOP(fn, event, words, before)                                   \
    static void fn(unsigned long n)                                           \
    {                                                                         \
        uint32_t data[7] = { 0, 1, 2, 3, 4, 5, 6 };                           \
        uint64_t x = 0;                                                       \
        unsigned long i;                                                      \
                                                                              \
        for ( i = 0; i < n; i++ )                                             \
        {                                                                     \
            before;                                                           \
            data[0] = i;                                                      \
            data[1] = ~i;                                                     \
            event(words, data);                                               \
        }                                                                     \
        (void)x;                                                              \
    }

/* event(words, data): a macro or an inline function; words is a constant. */
#define PEER(sym, name_, what_, open_, event)                                 \
    PEER_LOOP(sym##_0, event, 0, )                                            \
    PEER_LOOP(sym##_2, event, 2, )                                            \
    PEER_LOOP(sym##_4, event, 4, )                                            \
    PEER_LOOP(sym##_7, event, 7, )                                            \
    PEER_LOOP(sym##_spaced, event, 2, x = bench_work(x))                      \
    static __attribute__((__noinline__)) void sym##_one(uint32_t i)           \
    {                                                                         \
        uint32_t data[7] = { i, ~i };                                         \
                                                                              \
        event(2, data);                                                       \
    }                                                                         \
    const struct peer sym = {                                                 \
        .name = name_, .what = what_, .open = open_,                          \
        .loop = { sym##_0, sym##_2, sym##_4, sym##_7 },                       \
        .spaced = sym##_spaced, .one = sym##_one,                             \
    }

#endif /* PEER_H */
