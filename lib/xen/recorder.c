/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* recorder.c: start and stop the recorder, describe its state as JSON. */

#include "lib/xen/recorder.h"

#include <errno.h>

#include "lib/xen/horizon.h"
#include "lib/xen/hyp-tbuf.h"

static int simple(hyp_op_fn *op, void *arg, uint32_t cmd)
{
    struct xen_flightrec_op o = { .cmd = cmd };

    return op(arg, &o);
}

int recorder_start(hyp_op_fn *op, void *arg, uint32_t bytes_per_cpu)
{
    struct xen_flightrec_op create = {
        .cmd = XEN_FLIGHTREC_OP_create,
        .u.create.bytes_per_cpu = bytes_per_cpu,
    };
    struct xen_flightrec_op_status st;
    int rc = hyp_status(op, arg, &st);

    if ( !rc && !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        rc = op(arg, &create);
    return rc ? rc : simple(op, arg, XEN_FLIGHTREC_OP_start);
}

int recorder_stop(hyp_op_fn *op, void *arg)
{
    return simple(op, arg, XEN_FLIGHTREC_OP_stop);
}

static json_t *status_json(const struct xen_flightrec_op_status *st)
{
    const char *state = st->state & HYP_ST_UNREAD              ? "not read"
                        : st->state & XEN_FLIGHTREC_ST_PANICKED ? "panicked"
                        : st->state & XEN_FLIGHTREC_ST_RUNNING ? "recording"
                        : st->state & XEN_FLIGHTREC_ST_CREATED ? "stopped"
                                                               : "no buffers";

    return json_pack("{ss ss sI sI sI sI sI sI sI sI sI sI sI}",
                     "state", state,
                     "backend", st->state & HYP_ST_TBUF ? "tbuf" : "flightrec",
                     "gen", (json_int_t)st->gen,
                     "held", (json_int_t)(st->gen - st->released),
                     "tsc_khz", (json_int_t)st->tsc_khz,
                     "mask_busy", (json_int_t)st->mask[XEN_FLIGHTREC_CH_BUSY],
                     "mask_rare", (json_int_t)st->mask[XEN_FLIGHTREC_CH_RARE],
                     "causes", (json_int_t)st->causes,
                     "bytes_per_cpu", (json_int_t)st->bytes_per_cpu,
                     "deferred", (json_int_t)st->deferred,
                     "given_up", (json_int_t)st->given_up,
                     "expired", (json_int_t)st->expired,
                     "suppressed", (json_int_t)st->suppressed);
}

/* Add the counters of the trace buffer backend to the object of a pCPU. */
static int tbuf_json(hyp_op_fn *op, void *arg, json_t *cpu)
{
    struct xen_flightrec_op o = { .cmd = HYP_OP_TBUF_COUNTERS };
    struct hyp_tbuf_counters *c = hyp_op_room(&o);
    json_t *t;
    int rc;

    c->cpu = json_integer_value(json_object_get(cpu, "cpu"));
    rc = op(arg, &o);
    if ( rc )
        return rc;
    t = json_pack("{sI sI sI sI sI sI sI sI sI sI}",
                  "bytes", (json_int_t)c->bytes, "fill", (json_int_t)c->fill,
                  "produced", (json_int_t)c->produced,
                  "lost", (json_int_t)c->lost, "moves", (json_int_t)c->moves,
                  "walks", (json_int_t)c->walks,
                  "walked_bytes", (json_int_t)c->walked_bytes,
                  "fulls", (json_int_t)c->fulls,
                  "resyncs", (json_int_t)c->resyncs,
                  "bogus", (json_int_t)c->bogus);
    return json_object_set_new(cpu, "tbuf", t) ? -ENOMEM : 0;
}

static int all_tbuf_json(hyp_op_fn *op, void *arg, json_t *recorder)
{
    json_t *cpu;
    size_t i;
    int rc = 0;

    json_array_foreach(json_object_get(recorder, "cpus"), i, cpu)
        rc = rc ? rc : tbuf_json(op, arg, cpu);
    return rc;
}

int recorder_json(hyp_op_fn *op, void *arg, const struct rings *rings,
                  json_t **out)
{
    struct xen_flightrec_op_status st;
    struct horizon h = { 0 };
    int rc;

    *out = NULL;
    rc = hyp_status(op, arg, &st);
    if ( !rc )
        rc = horizon_read(op, arg, rings, &h);
    if ( rc )
        goto out;

    *out = status_json(&st);
    if ( !*out ||
         json_object_set_new(*out, "complete_s", horizon_complete_json(&h)) ||
         json_object_set_new(*out, "cpus", horizon_cpus_json(&h)) )
        rc = -ENOMEM;
    if ( !rc && (st.state & HYP_ST_TBUF) )
        rc = all_tbuf_json(op, arg, *out);

 out:
    horizon_free(&h);
    if ( rc )
    {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}
