/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/control.c: handle the sub-commands of XEN_SYSCTL_tbuf_op,
 * and pass events from the trace points to the core.
 *
 * The caller (do_sysctl) has checked the privilege and copied the whole
 * operation in; it copies all of it back if we return 0.  Other pCPUs spin on
 * its lock only until they have softirqs to run, so a bounded wait for their
 * softirqs is safe here.
 */

#include <xen/cpu.h>
#include <xen/flightrec.h>
#include <xen/softirq.h>
#include <xen/time.h>
#include <public/sysctl.h>

#include "glue.h"

/* Limit of one quiesce operation's wait for the other pCPUs' softirqs. */
#define FR_QUIESCE_NS MILLISECS(2)
/* Limit of the work that a freeze or release does for other pCPUs. */
#define FR_ADOPT_NS   MILLISECS(1)

/* ------------------------------------------------------------------ sink -- */

void flightrec_trace(uint32_t event, const void *data, unsigned int bytes)
{
    fr_trace(event, data, data ? bytes : 0);
}

bool flightrec_wants(uint32_t event)
{
    return fr_lookup(event) & FR_ENT_CHANNELS;
}

/* ------------------------------------------------------------ operations -- */

static int op_status(struct xen_flightrec_op_status *st)
{
    unsigned int ch;

    st->version = XEN_FLIGHTREC_VERSION;
    if ( fr_set.state == FR_SET_CREATED )
    {
        st->state |= XEN_FLIGHTREC_ST_CREATED;
        st->incarnation = fr_set.incarnation;
        st->bytes_per_cpu = fr_buffers_bytes();
        st->slot_bytes = fr_set.geo[XEN_FLIGHTREC_CH_BUSY].slot_bytes;
        st->spares = fr_set.geo[XEN_FLIGHTREC_CH_BUSY].spares;
    }
    if ( fr_running() )
        st->state |= XEN_FLIGHTREC_ST_RUNNING;
    if ( fr_stopped() )
        st->state |= XEN_FLIGHTREC_ST_PANICKED;

    fr_generations(&st->gen, &st->released);
    st->nr_cpus = nr_cpu_ids;
    st->tsc_khz = cpu_khz;
    st->tsc_shift = fr_tsc_shift();
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
        st->mask[ch] = fr_get_mask(ch);
    st->causes = fr_causes;
    st->deferred = fr_counts.deferred;
    st->given_up = fr_counts.given_up;
    st->expired = fr_counts.expired;
    st->suppressed = fr_counts.suppressed;
    st->wake_every = ACCESS_ONCE(fr_wake_every);
    st->wakes = fr_wakes;
    return 0;
}

static int op_start(bool start)
{
    if ( start && fr_set.state != FR_SET_CREATED )
        return -ENODEV;
    if ( start && !fr_running() )
        fr_start();
    if ( !start && fr_running() )
        fr_halt();
    return 0;
}

/*
 * Make a pCPU that has buffers adopt G, without waiting: this pCPU and offline
 * ones at once, another one when it runs softirqs.
 */
static void adopt_on(unsigned int cpu)
{
    struct fr_pcpu *p = fr_pcpu(cpu);

    if ( cpu == smp_processor_id() || !cpu_online(cpu) )
        (void)fr_adopt(&p->core);
    else
        tasklet_schedule_on_cpu(&p->adopt, cpu);
}

/*
 * Make the pCPUs adopt G, as many as the time allows.  The others adopt it when
 * they write, or in a quiesce.
 */
static void adopt_soon(void)
{
    s_time_t end = NOW() + FR_ADOPT_NS;
    unsigned int cpu;

    for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
    {
        if ( !flightrec_cpu[cpu] )
            continue;
        adopt_on(cpu);
        if ( NOW() >= end )
            break;
    }
}

static int op_freeze(struct xen_flightrec_op_freeze *f)
{
    struct xen_flightrec_trigger t = {
        .cause = XEN_FLIGHTREC_CAUSE_REQUEST,
        .domid = DOMID_INVALID,
        .vcpu = 0xffff,
        .reason = f->reason,
    };
    int rc;

    if ( fr_set.state != FR_SET_CREATED )
        return -ENODEV;
    rc = fr_gen_begin(&t);
    if ( rc )
        return rc;

    f->gen = t.gen;
    adopt_soon();
    return 0;
}

/* Check a pCPU once more, unless it was found quiescent for @gen before. */
static bool is_quiescent(struct fr_pcpu *p, uint32_t gen)
{
    uint32_t *quiet = &p->quiet[gen % FR_HELD];

    if ( *quiet != gen && fr_quiescent(&p->core, gen) )
        *quiet = gen;
    return *quiet == gen;
}

/*
 * One turn over the pCPUs: count those that are not quiescent.  The clock is
 * read after each one that is checked, and from @end on none is, so those that
 * remain count as well; the results of earlier turns and operations are kept.
 */
static void quiesce_turn(struct xen_flightrec_op_quiesce *q, s_time_t end,
                         bool adopt)
{
    s_time_t now = NOW();
    unsigned int cpu;

    q->pending = 0;
    for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
    {
        struct fr_pcpu *p = fr_pcpu(cpu);

        if ( !p || p->quiet[q->gen % FR_HELD] == q->gen )
            continue;
        if ( now < end )
        {
            if ( adopt )
                adopt_on(cpu);
            if ( is_quiescent(p, q->gen) )
                p = NULL;
            now = NOW();
        }
        if ( p && !q->pending++ )
            q->first = cpu;
    }
}

static int op_quiesce(struct xen_flightrec_op_quiesce *q)
{
    struct xen_flightrec_trigger t;
    s_time_t start = NOW(), end = start + FR_QUIESCE_NS;
    int rc;

    if ( fr_set.state != FR_SET_CREATED )
        return -ENODEV;
    rc = fr_trigger_read(q->gen, &t);
    if ( rc )
        return rc;

    quiesce_turn(q, end, true);
    while ( q->pending && NOW() < end )
    {
        cpu_relax();
        quiesce_turn(q, end, false);
    }

    q->waited_ns = NOW() - start;
    return 0;
}

static int op_release(uint32_t gen)
{
    int rc = fr_gen_release(gen);

    if ( !rc )
        adopt_soon();
    return rc;
}

static int op_mask(struct xen_flightrec_op_mask *m)
{
    /* Input that belongs to another `how` must be 0. */
    if ( m->how == XEN_FLIGHTREC_MASK_SET ? m->event : m->mask )
        return -EINVAL;

    switch ( m->how )
    {
    case XEN_FLIGHTREC_MASK_SET:
        return fr_set_mask(m->channel, m->mask);

    case XEN_FLIGHTREC_MASK_REFUSE:
    case XEN_FLIGHTREC_MASK_ALLOW:
        return fr_refuse(m->channel, m->event,
                         m->how == XEN_FLIGHTREC_MASK_REFUSE);

    case XEN_FLIGHTREC_MASK_NEXT:
        if ( m->channel >= FR_CHANNELS )
            return -EINVAL;
        m->event = fr_refused_after(m->channel, m->event);
        return 0;
    }

    return -EINVAL;
}

static int op_causes(uint32_t causes)
{
    /* Bit 0 is not a cause. */
    if ( causes & ~((1U << XEN_FLIGHTREC_CAUSES) - 2) )
        return -EINVAL;
    fr_causes = causes;
    return 0;
}

static int op_clock(struct xen_flightrec_op_clock *clk)
{
    unsigned long flags = fr_irq_save();
    uint64_t wall_us;

    clk->tsc = rdtsc();
    clk->ns = get_s_time_fixed(clk->tsc);
    wall_us = get_localtime_us(dom_xen); /* no offset: UTC */
    fr_irq_restore(flags);

    clk->wall_sec = wall_us / 1000000;
    clk->wall_nsec = wall_us % 1000000 * 1000;
    return 0;
}

static int op_cpu(struct xen_flightrec_op_cpu *op)
{
    const struct fr_cpu *c;

    if ( op->channel >= FR_CHANNELS )
        return -EINVAL;
    if ( fr_set.state != FR_SET_CREATED || op->cpu >= nr_cpu_ids )
        return -ENODEV;
    c = flightrec_cpu[array_index_nospec(op->cpu, NR_CPUS)];
    if ( !c )
        return -ENODEV;

    fr_cpu_counters(c, array_index_nospec(op->channel, FR_CHANNELS), op);
    op->flags = cpu_online(op->cpu) ? XEN_FLIGHTREC_CPU_ONLINE : 0;
    op->frames = fr_set.frames;
    op->done_seq = fr_done_seq(c, op->channel);
    return 0;
}

static int op_wake(uint32_t every)
{
    if ( every && fr_set.state != FR_SET_CREATED )
        return -ENODEV;
    fr_write(fr_wake_every, (uint64_t)every);
    return 0;
}

static int op_destroy(void)
{
    int rc = fr_buffers_destroy();

    /* Wake the reader so that it notices the end of the buffers. */
    if ( !rc )
        fr_wake_now();
    return rc;
}

/* -------------------------------------------------------------- dispatch -- */

/* Bytes of input of each operation, at the start of its union member. */
static const uint8_t fr_op_in[] = {
    [XEN_FLIGHTREC_OP_status - XEN_FLIGHTREC_OP_BASE] = 0,
    [XEN_FLIGHTREC_OP_create - XEN_FLIGHTREC_OP_BASE] = 12,
    [XEN_FLIGHTREC_OP_destroy - XEN_FLIGHTREC_OP_BASE] = 0,
    [XEN_FLIGHTREC_OP_start - XEN_FLIGHTREC_OP_BASE] = 0,
    [XEN_FLIGHTREC_OP_stop - XEN_FLIGHTREC_OP_BASE] = 0,
    [XEN_FLIGHTREC_OP_freeze - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_quiesce - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_ack - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_release - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_trigger - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_mask - XEN_FLIGHTREC_OP_BASE] = 16,
    [XEN_FLIGHTREC_OP_causes - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_clock - XEN_FLIGHTREC_OP_BASE] = 0,
    [XEN_FLIGHTREC_OP_cpu - XEN_FLIGHTREC_OP_BASE] = 8,
    [XEN_FLIGHTREC_OP_wake - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_mapped - XEN_FLIGHTREC_OP_BASE] = 4,
    [XEN_FLIGHTREC_OP_bench - XEN_FLIGHTREC_OP_BASE] = 8,
};

/* All other bytes must be 0, so that they can be given a meaning later. */
static bool op_is_clean(const struct xen_flightrec_op *op)
{
    unsigned int i = op->cmd - XEN_FLIGHTREC_OP_BASE;

    if ( i >= ARRAY_SIZE(fr_op_in) || op->_rsvd )
        return false;

    for ( i = fr_op_in[array_index_nospec(i, ARRAY_SIZE(fr_op_in))];
          i < sizeof(op->u); i++ )
        if ( op->u.pad[i] )
            return false;

    return true;
}

static int do_op(struct xen_flightrec_op *op)
{
    switch ( op->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        return op_status(&op->u.status);

    case XEN_FLIGHTREC_OP_create:
        return fr_buffers_create(&op->u.create);

    case XEN_FLIGHTREC_OP_destroy:
        return op_destroy();

    case XEN_FLIGHTREC_OP_start:
    case XEN_FLIGHTREC_OP_stop:
        return op_start(op->cmd == XEN_FLIGHTREC_OP_start);

    case XEN_FLIGHTREC_OP_freeze:
        return op_freeze(&op->u.freeze);

    case XEN_FLIGHTREC_OP_quiesce:
        return op_quiesce(&op->u.quiesce);

    case XEN_FLIGHTREC_OP_ack:
        return fr_gen_ack(op->u.gen.gen);

    case XEN_FLIGHTREC_OP_release:
        return op_release(op->u.gen.gen);

    case XEN_FLIGHTREC_OP_trigger:
        return fr_trigger_read(op->u.trigger.gen, &op->u.trigger);

    case XEN_FLIGHTREC_OP_mask:
        return op_mask(&op->u.mask);

    case XEN_FLIGHTREC_OP_causes:
        return op_causes(op->u.causes.causes);

    case XEN_FLIGHTREC_OP_clock:
        return op_clock(&op->u.clock);

    case XEN_FLIGHTREC_OP_cpu:
        return op_cpu(&op->u.cpu);

    case XEN_FLIGHTREC_OP_wake:
        return op_wake(op->u.wake.every);

    case XEN_FLIGHTREC_OP_mapped:
        return fr_buffers_mapped(&op->u.mapped);

    case XEN_FLIGHTREC_OP_bench:
        return fr_bench(&op->u.bench);
    }

    return -EINVAL;
}

int flightrec_control(struct xen_sysctl_tbuf_op *tbc)
{
    struct xen_flightrec_op *op = (void *)tbc;
    int rc;

    /* tbc is a member of the sysctl's union, so *op fits. */
    BUILD_BUG_ON(sizeof(*op) > sizeof(((struct xen_sysctl *)0)->u));
    BUILD_BUG_ON(offsetof(struct xen_flightrec_op, cmd) !=
                 offsetof(struct xen_sysctl_tbuf_op, cmd));

    /* Without the notifier pCPUs would come up unnoticed. */
    if ( !fr_ready || !op_is_clean(op) )
        return -EINVAL;

    /*
     * Offline pCPUs must stay offline while we write on their behalf.  If a
     * hotplug operation is in progress the hypercall is continued.
     */
    if ( !get_cpu_maps() )
        return -ERESTART;
    spin_lock(&fr_lock);
    rc = do_op(op);
    spin_unlock(&fr_lock);
    put_cpu_maps();

    return rc;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
