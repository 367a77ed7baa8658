/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gen.h: makes packets for tests, by the public header's words alone: a second
 * opinion beside the ring core.
 */

#ifndef TESTS_GEN_H
#define TESTS_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/flightrec.h>

#define GEN_SLOT_BYTES 65536

struct gen {
    uint16_t cpu;
    uint8_t channel;
    uint8_t shift;
    uint64_t seq;      /* of the packet being made */
    uint64_t emitted;  /* records so far, in all packets */
    uint64_t anchor;   /* units of 2^shift */
    uint32_t bytes;
    uint32_t records;
    uint8_t slot[GEN_SLOT_BYTES];
};

/* What was recorded, to compare with what is read. */
struct gen_record {
    uint64_t tsc;
    uint32_t id;       /* XEN_FLIGHTREC_ID_ESCAPE: `event` counts */
    uint32_t event;
    unsigned int words;
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS];
};

struct gen_at {
    uint64_t tsc;
    uint16_t domid, vcpu;
};

/* Begin the next packet of the stream g->cpu, g->channel. */
void gen_begin(struct gen *g, struct gen_at at);
/* False: no room.  An anchor goes in front where the time needs one. */
bool gen_add(struct gen *g, const struct gen_record *rec);
/* Complete the header.  The packet is g->slot, of the returned length. */
uint32_t gen_end(struct gen *g);

/* Repeatable numbers: xorshift64*. */
uint64_t gen_random(uint64_t *state);

#endif /* TESTS_GEN_H */
