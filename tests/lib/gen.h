/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gen.h: build packets for tests from the public header alone, independently
 * of the ring core.
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
    uint64_t seq;      /* of the current packet */
    uint64_t emitted;  /* records in all packets */
    uint64_t anchor;   /* units of 2^shift */
    uint32_t bytes;
    uint32_t records;
    uint8_t slot[GEN_SLOT_BYTES];
};

/* A record as it was written, to compare with the one read. */
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

/* Start the next packet of the stream g->cpu, g->channel. */
void gen_begin(struct gen *g, struct gen_at at);
/* Append a record, after an anchor if needed; false if it does not fit. */
bool gen_add(struct gen *g, const struct gen_record *rec);
/* Complete the header.  Return the length of the packet, which is g->slot. */
uint32_t gen_end(struct gen *g);

/* Repeatable numbers: xorshift64*. */
uint64_t gen_random(uint64_t *state);

#endif /* TESTS_GEN_H */
