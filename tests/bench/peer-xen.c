/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * peer-xen.c: a model of Xen's trace buffers: lock, fenced clock, records of
 * 12 bytes and payload, indices shared with the reader and checked before use,
 * and the newest record dropped when full.  The reader, in the same thread,
 * empties the buffer when it is half full, at no cost.  User space cannot
 * disable interrupts, so their state is only saved and restored.
 */

#include <stdbool.h>
#include <string.h>

#include "peer.h"

#define SIZE       (1U << 20)
#define CLASS_ALL  0x0ffff000U
#define EVENT      0x00021001U
#define WRAP       0x0001f001U
#define WITH_TSC   (1U << 31)

static struct {
    volatile uint32_t cons, prod;          /* modulo twice the size */
    uint8_t data[SIZE];
} buf;

static volatile uint32_t mask = CLASS_ALL, head, tail, lost;
static volatile unsigned long cpus = 1, woken;
static volatile bool active = true;

static uint64_t clock_fenced(void)
{
    __builtin_ia32_lfence();
    return __builtin_ia32_rdtsc();
}

static unsigned long lock_irqsave(void)
{
    unsigned long flags;
    uint32_t ticket;

    __asm__ volatile("pushf; pop %0" : "=r"(flags) : : "memory");
    ticket = __atomic_fetch_add(&tail, 1, __ATOMIC_ACQUIRE);
    while ( __atomic_load_n(&head, __ATOMIC_ACQUIRE) != ticket )
        __builtin_ia32_pause();

    return flags;
}

static void unlock_irqrestore(unsigned long flags)
{
    __atomic_store_n(&head, head + 1, __ATOMIC_RELEASE);
    __asm__ volatile("push %0; popf" : : "r"(flags) : "memory", "cc");
}

static bool bogus(uint32_t prod, uint32_t cons)
{
    return ((prod | cons) & 3) || prod >= 2 * SIZE || cons >= 2 * SIZE ||
           (prod - cons + 2 * SIZE) % (2 * SIZE) > SIZE;
}

/* Return the unread bytes; SIZE if the indices are invalid. */
static uint32_t unread(void)
{
    uint32_t prod = buf.prod, cons = buf.cons;

    if ( bogus(prod, cons) )
        return SIZE;
    return prod >= cons ? prod - cons : prod - cons + 2 * SIZE;
}

static uint32_t to_wrap(void)
{
    uint32_t prod = buf.prod;

    if ( bogus(prod, buf.cons) )
        return 0;
    return SIZE - (prod >= SIZE ? prod - SIZE : prod);
}

/* By string instructions, as Xen copies. */
static void copy(void *to, const void *from, size_t bytes)
{
    size_t quads = bytes / 8, rest = bytes & 7;

    __asm__ volatile("rep movsq; mov %3, %2; rep movsb"
                     : "+D"(to), "+S"(from), "+c"(quads)
                     : "r"(rest)
                     : "memory");
}

static void insert(uint32_t event, uint32_t words, bool stamp,
                   const void *data)
{
    uint32_t prod = buf.prod, bytes = 4 + (stamp ? 8 : 0) + words * 4;
    uint8_t *to = buf.data + (prod >= SIZE ? prod - SIZE : prod);
    uint64_t tsc;

    if ( bogus(prod, buf.cons) )
        return;
    *(uint32_t *)to = event | words << 28 | (stamp ? WITH_TSC : 0);
    to += 4;
    if ( stamp )
    {
        tsc = clock_fenced();
        memcpy(to, &tsc, 8);
        to += 8;
    }
    if ( words )
        copy(to, data, words * 4);

    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    prod += bytes;
    buf.prod = prod >= 2 * SIZE ? prod - 2 * SIZE : prod;
}

static __attribute__((__noinline__)) void trace(uint32_t event, uint32_t bytes,
                                                const void *data)
{
    unsigned long flags;
    uint32_t need = 12 + bytes, before;

    if ( !active || (bytes & 3) || bytes > 28 ||
         !(mask & event & 0x0fff0000U) || !(mask & event & 0xf000U) ||
         !(cpus & 1) )
        return;

    flags = lock_irqsave();
    before = unread();
    if ( to_wrap() < need )
        need += to_wrap();
    if ( before + need > SIZE )
        lost++;
    else
    {
        while ( to_wrap() < 12 + bytes )
            insert(WRAP, (to_wrap() - 4) / 4 > 7 ? 7 : (to_wrap() - 4) / 4,
                   false, buf.data);
        insert(event, bytes / 4, true, data);
    }
    unlock_irqrestore(flags);

    if ( before < SIZE / 2 && unread() >= SIZE / 2 )
    {
        woken++;
        buf.cons = buf.prod;
    }
}

static const char *open_model(void)
{
    return NULL;
}

#define EVENT_XEN(words, data) trace(EVENT, (words) * 4, data)

PEER(peer_xen, "xen", "model of Xen's locked ring", open_model, EVENT_XEN);
