/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tbuf-model.h: the producer of Xen's trace buffer, with the behaviour of
 * xen/common/trace.c: whether a record fits, the records written before it, and
 * when the VIRQ is raised.  A write has two halves, so that a test can act in
 * between, as another pCPU could.
 */

#ifndef TESTS_TBUF_MODEL_H
#define TESTS_TBUF_MODEL_H

#include <stdbool.h>
#include <stdint.h>

struct tbuf_model {
    uint32_t *index;       /* [0] consumer, [1] producer */
    uint8_t *data;
    uint32_t bytes;
    uint16_t domid, vcpu;  /* running, for LOST_RECORDS */
    uint32_t lost;         /* not yet reported */
    uint64_t first_lost_tsc;
    uint64_t dropped;      /* in total */
    bool below;            /* the pending write began below a half */
};

struct tbuf_model_record {
    uint32_t event;
    bool has_tsc;
    uint64_t tsc;
    uint8_t words;
    uint32_t data[7];
};

void tbuf_model_init(struct tbuf_model *m, void *map, uint32_t pages);
uint32_t tbuf_model_fill(const struct tbuf_model *m);

void tbuf_model_begin(struct tbuf_model *m);
/* Return true if written.  *@virq: the VIRQ is raised. */
bool tbuf_model_end(struct tbuf_model *m, const struct tbuf_model_record *r,
                    bool *virq);

#endif /* TESTS_TBUF_MODEL_H */
