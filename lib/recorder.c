/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recorder.h"

#include <errno.h>

#define MAX_CPUS 4096

static int simple(hyp_op_fn *op, void *arg, uint32_t cmd)
{
    struct xen_flightrec_op o = { .cmd = cmd };

    return op(arg, &o);
}

int recorder_status(hyp_op_fn *op, void *arg,
                    struct xen_flightrec_op_status *st)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_status };
    int rc = op(arg, &o);

    if ( rc )
        return rc;
    if ( o.u.status.version != XEN_FLIGHTREC_VERSION ||
         o.u.status.nr_cpus > MAX_CPUS )
        return -EPROTO;
    *st = o.u.status;
    return 0;
}

int recorder_start(hyp_op_fn *op, void *arg, uint32_t bytes_per_cpu)
{
    struct xen_flightrec_op create = {
        .cmd = XEN_FLIGHTREC_OP_create,
        .u.create.bytes_per_cpu = bytes_per_cpu,
    };
    struct xen_flightrec_op_status st;
    int rc = recorder_status(op, arg, &st);

    if ( !rc && !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        rc = op(arg, &create);
    return rc ? rc : simple(op, arg, XEN_FLIGHTREC_OP_start);
}

int recorder_stop(hyp_op_fn *op, void *arg)
{
    return simple(op, arg, XEN_FLIGHTREC_OP_stop);
}

static json_t *lost_json(const uint64_t lost[XEN_FLIGHTREC_LOST_CAUSES])
{
    return json_pack("{sI sI sI sI}",
                     "nested", (json_int_t)lost[XEN_FLIGHTREC_LOST_NESTED],
                     "busy", (json_int_t)lost[XEN_FLIGHTREC_LOST_BUSY],
                     "stopped", (json_int_t)lost[XEN_FLIGHTREC_LOST_STOPPED],
                     "retry", (json_int_t)lost[XEN_FLIGHTREC_LOST_RETRY]);
}

static json_t *channel_json(const struct xen_flightrec_op_cpu *c,
                            uint32_t tsc_khz)
{
    uint64_t span = c->tsc > c->oldest_tsc && c->oldest_tsc
                        ? c->tsc - c->oldest_tsc
                        : 0;

    return json_pack("{sI sI so sI sI sI sf}",
                     "emitted", (json_int_t)c->emitted,
                     "overwritten", (json_int_t)c->overwritten,
                     "lost", lost_json(c->lost),
                     "writable", (json_int_t)c->writable,
                     "held", (json_int_t)c->held,
                     "newest_seq", (json_int_t)c->newest_seq,
                     "history_s", tsc_khz ? span / 1000.0 / tsc_khz : 0.0);
}

/* NULL without an error: this pCPU has no buffers. */
static int cpu_json(hyp_op_fn *op, void *arg, uint32_t cpu, uint32_t tsc_khz,
                    json_t **out)
{
    static const char *const names[XEN_FLIGHTREC_CHANNELS] = {
        [XEN_FLIGHTREC_CH_BUSY] = "busy",
        [XEN_FLIGHTREC_CH_RARE] = "rare",
    };
    json_t *channels = json_object();
    struct xen_flightrec_op o;
    unsigned int ch;
    int rc = 0;

    *out = NULL;
    for ( ch = 0; !rc && ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        o = (struct xen_flightrec_op){
            .cmd = XEN_FLIGHTREC_OP_cpu,
            .u.cpu = { .cpu = cpu, .channel = ch },
        };
        rc = op(arg, &o);
        if ( !rc && json_object_set_new(channels, names[ch],
                                        channel_json(&o.u.cpu, tsc_khz)) )
            rc = -ENOMEM;
    }
    if ( rc )
    {
        json_decref(channels);
        return rc == -ENODEV ? 0 : rc;
    }
    *out = json_pack("{sI sb so}", "cpu", (json_int_t)cpu, "online",
                     !!(o.u.cpu.flags & XEN_FLIGHTREC_CPU_ONLINE), "channels",
                     channels);
    return *out ? 0 : -ENOMEM;
}

static json_t *status_json(const struct xen_flightrec_op_status *st)
{
    const char *state = st->state & XEN_FLIGHTREC_ST_PANICKED  ? "panicked"
                        : st->state & XEN_FLIGHTREC_ST_RUNNING ? "recording"
                        : st->state & XEN_FLIGHTREC_ST_CREATED ? "stopped"
                                                               : "no buffers";

    return json_pack("{ss sI sI sI sI sI sI sI sI sI sI sI}",
                     "state", state,
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

int recorder_json(hyp_op_fn *op, void *arg, json_t **out)
{
    struct xen_flightrec_op_status st;
    json_t *cpus = NULL, *cpu;
    uint32_t i;
    int rc;

    *out = NULL;
    rc = recorder_status(op, arg, &st);
    if ( rc )
        return rc;
    *out = status_json(&st);
    cpus = json_array();
    if ( !*out || !cpus )
    {
        rc = -ENOMEM;
        goto out;
    }
    for ( i = 0; (st.state & XEN_FLIGHTREC_ST_CREATED) && i < st.nr_cpus; i++ )
    {
        rc = cpu_json(op, arg, i, st.tsc_khz, &cpu);
        if ( rc )
            goto out;
        if ( cpu && json_array_append_new(cpus, cpu) )
        {
            rc = -ENOMEM;
            goto out;
        }
    }
    rc = json_object_set(*out, "cpus", cpus) ? -ENOMEM : 0;

 out:
    json_decref(cpus);
    if ( rc )
    {
        json_decref(*out);
        *out = NULL;
    }
    return rc;
}
