/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * questions.h: the questions that the engine may ask, and the state needed to
 * answer them, which outlives each engine.
 */

#ifndef SNAPSHOTD_QUESTIONS_H
#define SNAPSHOTD_QUESTIONS_H

#include "lib/xen/hyp.h"
#include "snapshotd/common/proto.h"
#include "snapshotd/monitor/policy.h"

struct questions {
    /* Others own these. */
    struct hyp *hyp;
    const struct conf *conf;
    const uint64_t *number;  /* the last number given to a request */

    struct policy policy;
    struct counters counters; /* the engine's report, and our verdicts */
    struct freeze freeze[PROTO_FREEZES]; /* oldest first */
    uint32_t reading;      /* the generation that was taken; 0: none */
    unsigned int deaths;   /* of engines that were reading it */
    uint32_t released;     /* given back last; 0 once its file is reported */
    uint32_t asked;        /* the generation of the last TAKE */
    uint64_t takes;        /* of different generations */
    struct msg reply;
    bool reply_owed;
};

/* hyp_op() as a hyp_op_fn; `hyp` is the handle. */
int monitor_op(void *hyp, struct xen_flightrec_op *op);

/* One of OP, TAKE and FREEZE.  Leaves the reply owed. */
void monitor_question(struct questions *q, const struct msg *in);
/* The freezes were of other buffers. */
void monitor_forget_freezes(struct questions *q);

#endif /* SNAPSHOTD_QUESTIONS_H */
