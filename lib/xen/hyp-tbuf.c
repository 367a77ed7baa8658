/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyp-tbuf.c: see hyp-tbuf.h. */

#include "lib/xen/hyp-tbuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "lib/xen/hyp-tbuf-impl.h"
#include "lib/xen/tbuf-packets.h"

#define MAX_CPUS        4096
#define NO_VCPU         0xffff
#define NO_DOMAIN       0x7ff4   /* DOMID_INVALID */
#define KEEP_ALL        UINT64_MAX

/*
 * A hold that nobody fetched for so long is given back: the buffers are full by
 * then, and Xen drops what is new.
 */
#define LEASE_NS        60000000000ULL

static struct hyp_tbuf *to_tbuf(struct hyp *h)
{
    return (struct hyp_tbuf *)h;
}

void hyp_tbuf_say(const struct hyp_tbuf *x, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if ( !x->conf.say )
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    x->conf.say(text);
}

/* This domain's monotonic clock stands in for Xen's, which is not shown. */
static uint64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int raw_op(struct hyp_tbuf *x, uint32_t cmd, uint32_t value,
                  struct hyp_tbuf_op *op)
{
    struct hyp_tbuf_op own;

    op = op ? op : &own;
    *op = (struct hyp_tbuf_op){ .cmd = cmd, .value = value };
    return x->raw->be->tbuf(x->raw, op);
}

/*
 * The buffers.
 */

static void forget_buffers(struct hyp_tbuf *x)
{
    free(x->info);
    free(x->cpu);
    x->info = NULL;
    x->cpu = NULL;
    x->nr_cpus = 0;
}

/* Frames that follow each other, read-only. */
static int map_frames(struct hyp_tbuf *x, uint64_t mfn, uint32_t frames,
                      void **out)
{
    uint32_t *list = calloc(frames, sizeof(*list)), i;
    int rc;

    if ( !list )
        return -ENOMEM;
    for ( i = 0; i < frames; i++ )
        list[i] = mfn + i;
    rc = x->raw->be->map_frames(x->raw, list, frames, false, out);
    free(list);
    return rc;
}

static unsigned int count_buffers(struct hyp_tbuf *x, uint32_t *mfn)
{
    unsigned int cpu, n = 0;
    int rc;

    for ( cpu = 0; cpu < x->nr_cpus; cpu++ )
    {
        rc = tbuf_info_cpu(x->info, x->info_bytes, cpu, mfn);
        x->cpu[cpu].present = !rc;
        n += !rc;
        if ( rc && rc != -ENODEV )
            hyp_tbuf_say(x,
                         "pCPU %u: Xen's table of trace buffers makes no sense: it "
                "is left out", cpu);
    }
    return n;
}

/* What is there.  No buffers is no error. */
static int find_buffers(struct hyp_tbuf *x)
{
    struct hyp_tbuf_op op;
    uint32_t *mfn = NULL;
    void *info;
    int rc;

    forget_buffers(x);
    rc = raw_op(x, HYP_TBUF_GET_INFO, 0, &op);
    if ( rc || !op.mfn )
        return rc;
    if ( op.size < TBUF_FRAME || op.size > (64U << 20) )
        return -EPROTO;
    rc = map_frames(x, op.mfn, op.size / TBUF_FRAME, &info);
    if ( rc )
        return rc;
    x->info_mfn = op.mfn;
    x->info_bytes = op.size;
    x->nr_cpus = x->host.max_cpus < MAX_CPUS ? x->host.max_cpus : MAX_CPUS;
    x->info = malloc(op.size);
    x->cpu = calloc(x->nr_cpus, sizeof(*x->cpu));
    if ( !x->info || !x->cpu )
    {
        rc = -ENOMEM;
        goto out;
    }
    memcpy(x->info, info, op.size);
    rc = tbuf_info_check(x->info, op.size, &x->pages);
    if ( rc )
        goto out;
    mfn = calloc(x->pages, sizeof(*mfn));
    rc = !mfn ? -ENOMEM : count_buffers(x, mfn) ? 0 : -EPROTO;

 out:
    x->raw->be->unmap(info, op.size);
    free(mfn);
    if ( rc )
        forget_buffers(x);
    return rc;
}

static int map_cpu(struct hyp_tbuf *x, uint32_t cpu, bool writable, void **out)
{
    uint32_t *mfn;
    int rc;

    if ( cpu >= x->nr_cpus || !x->cpu[cpu].present )
        return -ENODEV;
    mfn = calloc(x->pages, sizeof(*mfn));
    if ( !mfn )
        return -ENOMEM;
    rc = tbuf_info_cpu(x->info, x->info_bytes, cpu, mfn);
    if ( !rc )
        rc = x->raw->be->map_frames(x->raw, mfn, x->pages, writable, out);
    free(mfn);
    return rc;
}

/*
 * The consumer.
 */

/* A wrong consumer index can be set right, a wrong producer index cannot. */
static void repair(struct hyp_tbuf *x, uint32_t cpu)
{
    struct cpu *p = &x->cpu[cpu];
    uint32_t prod = __atomic_load_n(&p->c.t.index[1], __ATOMIC_ACQUIRE);
    bool can = !(prod % 4) && prod < 2 * p->c.t.bytes;

    if ( !p->told )
        hyp_tbuf_say(x,
                     "pCPU %u: the indices of its trace buffer make no sense (%#x, "
            "%#x): something else writes there; %s", cpu, p->c.t.index[0],
            prod, can ? "its history begins anew" : "it is left out");
    p->told = true;
    if ( !can )
        return;
    __atomic_store_n(&p->c.t.index[0], prod, __ATOMIC_SEQ_CST);
    /* Xen has stopped tracing, if it has seen them. */
    if ( x->running )
        raw_op(x, HYP_TBUF_ENABLE, 0, NULL);
}

static int take_cpu(struct hyp_tbuf *x, uint32_t cpu)
{
    struct cpu *p = &x->cpu[cpu];
    void *map;
    int rc = map_cpu(x, cpu, true, &map);

    if ( rc )
    {
        hyp_tbuf_say(x, "pCPU %u: its trace buffer cannot be mapped: %s", cpu,
            strerror(-rc));
        return rc;
    }
    if ( tbuf_consumer_init(&p->c, tbuf_of(map, x->pages)) )
    {
        repair(x, cpu);
        if ( tbuf_consumer_init(&p->c, tbuf_of(map, x->pages)) )
            p->present = false;
    }
    return 0;
}

/* Is a generation's history still only in the buffers?  Its number, or 0. */
static uint32_t held_back(const struct hyp_tbuf *x)
{
    uint32_t g;

    for ( g = x->released + 1; g <= x->gen; g++ )
        if ( !x->g[g % XEN_FLIGHTREC_MAX_HELD].fetched )
            return g;
    return 0;
}

/* Up to here a pCPU's buffer may be given up for generation `g`. */
static uint64_t keep_for(const struct cpu *p, uint32_t g)
{
    uint64_t end = p->end[g % XEN_FLIGHTREC_MAX_HELD];

    return end > p->c.t.bytes / 4 ? end - p->c.t.bytes / 4 : 0;
}

/*
 * Moves on where a buffer is half full, but leaves each generation that is not
 * fetched yet a quarter of a buffer.  `oldest`: that is all of its history that
 * is left to it, since an older one held it back so long.
 */
static void advance_all(struct hyp_tbuf *x, uint32_t oldest)
{
    uint32_t cpu;
    struct cpu *p;

    for ( cpu = 0; x->consumer && cpu < x->nr_cpus; cpu++ )
    {
        p = &x->cpu[cpu];
        if ( p->present &&
             tbuf_consumer_advance(&p->c, oldest ? keep_for(p, oldest)
                                                 : KEEP_ALL) == -EBADMSG )
            repair(x, cpu);
    }
}

static void go_on(struct hyp_tbuf *x)
{
    if ( !held_back(x) )
        advance_all(x, 0);
}

static int read_state(struct hyp_tbuf *x)
{
    unsigned int mask, made;
    FILE *f = x->conf.state ? fopen(x->conf.state, "re") : NULL;
    int n;

    if ( !f )
        return -ENOENT;
    n = fscanf(f, "mask=%x made=%u", &mask, &made);
    fclose(f);
    if ( n != 2 )
        return -EINVAL;
    x->found_mask = mask;
    x->made = made;
    return 0;
}

/* What is to be restored outlives our own death. */
static void write_state(const struct hyp_tbuf *x)
{
    FILE *f = x->conf.state ? fopen(x->conf.state, "we") : NULL;

    if ( !f )
        return;
    fprintf(f, "mask=%x made=%u\n", x->found_mask, x->made);
    fclose(f);
}

static int note_found(struct hyp_tbuf *x)
{
    struct hyp_tbuf_op op;
    int rc;

    if ( !read_state(x) )
        return 0;
    rc = raw_op(x, HYP_TBUF_GET_INFO, 0, &op);
    if ( rc )
        return rc;
    x->found_mask = op.value;
    x->made = !op.mfn;
    write_state(x);
    return 0;
}

static void tell_unsafe(const struct hyp_tbuf *x)
{
    struct hyp_version v;
    unsigned int major = 0, minor = 0, patch = 0;

    if ( !x->host.shadow || x->raw->be->version(x->raw, &v) )
        return;
    sscanf(v.version, "%u.%u.%u", &major, &minor, &patch);
    if ( major == 4 && minor == 17 && patch >= 7 )
        return;
    hyp_tbuf_say(x,
                 "Xen %.20s has shadow paging: without the fix of XSA-477, tracing "
        "lets a guest that uses it write beyond a buffer of Xen: see "
        "SECURITY.md", v.version);
}

/* All that there is to be consumed. */
static int take_buffers(struct hyp_tbuf *x)
{
    uint32_t cpu, n = 0;
    int rc = 0;

    for ( cpu = 0; !rc && cpu < x->nr_cpus; cpu++ )
    {
        if ( !x->cpu[cpu].present )
            continue;
        rc = take_cpu(x, cpu);
        n += !rc;
    }
    if ( !rc && n < x->host.online )
        hyp_tbuf_say(x,
                     "%u pCPUs have no trace buffer, since they came up after those "
            "were made: nothing is recorded of them until Xen boots anew",
            x->host.online - n);
    return rc;
}

static int set_masks(struct hyp_tbuf *x)
{
    int rc = raw_op(x, HYP_TBUF_SET_MASK, x->conf.mask, NULL);

    if ( !rc && x->conf.all_cpus )
        rc = raw_op(x, HYP_TBUF_ALL_CPUS, 0, NULL);
    return rc;
}

/*
 * Binds the VIRQ, and so becomes the one consumer.  Buffers that are there are
 * adopted as they are, as a former daemon or xentrace left them.
 */
static int tbuf_virq_bind(struct hyp *h, enum hyp_virq which, int *fd)
{
    struct hyp_tbuf *x = to_tbuf(h);
    int rc;

    if ( which != HYP_VIRQ_TRIGGER )
        return -ENOSYS;
    rc = x->raw->be->virq_bind(x->raw, HYP_VIRQ_TBUF, fd);
    if ( rc == -EEXIST || rc == -EBUSY )
        return -EUSERS;
    if ( !rc )
        rc = note_found(x);
    if ( rc )
        return rc;
    x->consumer = true;
    tell_unsafe(x);
    if ( !x->info )
        return 0;
    rc = take_buffers(x);
    if ( !rc )
        rc = set_masks(x);
    if ( !rc )
        rc = raw_op(x, HYP_TBUF_ENABLE, 0, NULL);
    x->running = !rc;
    go_on(x);
    return rc;
}

static int tbuf_virq_ack(struct hyp *h, enum hyp_virq which)
{
    struct hyp_tbuf *x = to_tbuf(h);
    int rc = x->raw->be->virq_ack(x->raw, HYP_VIRQ_TBUF);

    go_on(x);
    /* It is nothing that a reader of generations should wake up for. */
    return rc < 0 ? rc : 1;
}

/*
 * Generations.
 */

static struct generation *place(struct hyp_tbuf *x, uint32_t g)
{
    return &x->g[g % XEN_FLIGHTREC_MAX_HELD];
}

/* NULL: not held. */
static struct generation *generation(struct hyp_tbuf *x, uint32_t g)
{
    return g > x->released && g <= x->gen ? place(x, g) : NULL;
}

static void hold(struct hyp_tbuf *x, uint32_t g)
{
    struct generation *gen = place(x, g);
    uint64_t prod;
    struct cpu *p;
    uint32_t cpu;

    gen->fetched = false;
    gen->since_ns = clock_ns(CLOCK_MONOTONIC);
    for ( cpu = 0; cpu < x->nr_cpus; cpu++ )
    {
        p = &x->cpu[cpu];
        if ( !p->present )
            continue;
        prod = p->c.pos;
        tbuf_consumer_look(&p->c, &prod);
        p->end[g % XEN_FLIGHTREC_MAX_HELD] = prod;
    }
}

int hyp_tbuf_begin(struct hyp_tbuf *x, const struct xen_flightrec_trigger *t)
{
    if ( !x->info )
        return -ENODEV;
    if ( x->gen - x->released == XEN_FLIGHTREC_MAX_HELD )
    {
        x->deferred++;
        return -EBUSY;
    }
    x->gen++;
    place(x, x->gen)->t = *t;
    place(x, x->gen)->t.gen = x->gen;
    hold(x, x->gen);
    return 0;
}

static void release(struct hyp_tbuf *x)
{
    x->released++;
    place(x, x->released)->fetched = true;
    advance_all(x, held_back(x));
}

static void expire(struct hyp_tbuf *x)
{
    const struct generation *g;
    uint64_t now = clock_ns(CLOCK_MONOTONIC);

    while ( (g = generation(x, x->released + 1)) && !g->fetched &&
            now - g->since_ns > LEASE_NS )
    {
        hyp_tbuf_say(x,
                     "generation %u: nobody fetched it for %llu s: it is given up, "
            "and recording goes on", x->released + 1, LEASE_NS / 1000000000);
        x->expired++;
        release(x);
    }
}

void hyp_tbuf_trigger(struct xen_flightrec_trigger *t, uint8_t cause)
{
    *t = (struct xen_flightrec_trigger){
        .cause = cause, .cpu = XEN_FLIGHTREC_NO_CPU, .domid = NO_DOMAIN,
        .vcpu = NO_VCPU, .tsc = __rdtsc(), .ns = clock_ns(CLOCK_MONOTONIC),
    };
}

static int op_gen(struct hyp_tbuf *x, uint32_t cmd, uint32_t gen)
{
    struct generation *g = generation(x, gen);

    if ( !g )
        return -ENOENT;
    if ( cmd == XEN_FLIGHTREC_OP_release && gen != x->released + 1 )
        return -EINVAL;
    switch ( cmd )
    {
    case XEN_FLIGHTREC_OP_release:
        release(x);
        break;
    case HYP_OP_TBUF_FETCHED:
        g->fetched = true;
        advance_all(x, held_back(x));
        break;
    default:
        g->t.flags |= XEN_FLIGHTREC_TRG_ACKED;
        /* Who fetched it has died since: what is there now must do. */
        if ( g->fetched )
        {
            hold(x, gen);
            g->t.flags |= XEN_FLIGHTREC_TRG_DEFERRED;
        }
    }
    return 0;
}

static int op_freeze(struct hyp_tbuf *x, struct xen_flightrec_op_freeze *f)
{
    struct xen_flightrec_trigger t;
    int rc;

    hyp_tbuf_trigger(&t, XEN_FLIGHTREC_CAUSE_REQUEST);
    t.reason = f->reason;
    rc = hyp_tbuf_begin(x, &t);
    f->gen = x->gen;
    return rc;
}

static int op_window(struct hyp_tbuf *x, struct hyp_tbuf_window *w)
{
    struct cpu *p;
    uint64_t end;

    if ( !generation(x, w->gen) )
        return -ENOENT;
    if ( w->cpu >= x->nr_cpus || !x->cpu[w->cpu].present )
        return -ENODEV;
    p = &x->cpu[w->cpu];
    end = p->end[w->gen % XEN_FLIGHTREC_MAX_HELD];
    w->cons = tbuf_index(&p->c, p->c.pos);
    w->bytes = end > p->c.pos ? end - p->c.pos : 0;
    w->pos = p->c.pos;
    return 0;
}

/*
 * Other operations.
 */

static void op_status(struct hyp_tbuf *x, struct xen_flightrec_op_status *st)
{
    struct hyp_tbuf_op op;

    expire(x);
    go_on(x);
    *st = (struct xen_flightrec_op_status){
        .version = XEN_FLIGHTREC_VERSION,
        .state = HYP_ST_TBUF | (x->info ? XEN_FLIGHTREC_ST_CREATED : 0) |
                 (x->info && !x->consumer ? HYP_ST_UNREAD : 0) |
                 (x->running ? XEN_FLIGHTREC_ST_RUNNING : 0),
        .incarnation = x->info ? x->info_mfn : 0,
        .gen = x->gen,
        .released = x->released,
        .nr_cpus = x->nr_cpus,
        .tsc_khz = x->host.tsc_khz,
        .tsc_shift = tbuf_tsc_shift(x->host.tsc_khz),
        .causes = x->causes,
        .deferred = x->deferred,
        .expired = x->expired,
        .bytes_per_cpu = x->pages * TBUF_FRAME,
    };
    if ( !raw_op(x, HYP_TBUF_GET_INFO, 0, &op) )
        st->mask[XEN_FLIGHTREC_CH_BUSY] = op.value;
}

/* Xen enables tracing by itself when it makes them: so the mask goes first. */
static int op_create(struct hyp_tbuf *x, uint32_t bytes)
{
    int rc;

    if ( x->info )
        return x->pages == bytes / TBUF_FRAME ? 0 : -EEXIST;
    rc = set_masks(x);
    if ( !rc )
        rc = raw_op(x, HYP_TBUF_SET_SIZE, bytes / TBUF_FRAME, NULL);
    if ( !rc )
        rc = find_buffers(x);
    if ( !rc && x->consumer )
        rc = take_buffers(x);
    x->running = !rc && x->info;
    return rc;
}

static int op_switch(struct hyp_tbuf *x, bool on)
{
    int rc;

    if ( !x->info )
        return -ENODEV;
    rc = on ? set_masks(x) : 0;
    if ( !rc )
        rc = raw_op(x, on ? HYP_TBUF_ENABLE : HYP_TBUF_DISABLE, 0, NULL);
    if ( !rc )
        x->running = on;
    return rc;
}

static int op_mask(struct hyp_tbuf *x, struct xen_flightrec_op_mask *m)
{
    int rc;

    if ( m->how == XEN_FLIGHTREC_MASK_NEXT )
        m->event = 0; /* Xen cannot refuse single events here */
    if ( m->how != XEN_FLIGHTREC_MASK_SET )
        return m->how == XEN_FLIGHTREC_MASK_NEXT ? 0 : -EOPNOTSUPP;
    if ( m->channel != XEN_FLIGHTREC_CH_BUSY )
        return -EINVAL;
    rc = raw_op(x, HYP_TBUF_SET_MASK, m->mask, NULL);
    if ( !rc )
        x->conf.mask = m->mask;
    return rc;
}

static uint64_t oldest_tsc(const struct tbuf_consumer *c)
{
    struct tbuf_record r;
    struct tbuf_iter it;
    uint32_t cons, fill;

    if ( tbuf_look(&c->t, &cons, &fill) )
        return 0;
    tbuf_iter_init(&it, &c->t, cons, fill);
    while ( tbuf_next(&it, &r) > 0 )
        if ( r.has_tsc )
            return r.tsc;
    return 0;
}

static int op_cpu(struct hyp_tbuf *x, struct xen_flightrec_op_cpu *o)
{
    const struct cpu *p = o->cpu < x->nr_cpus ? &x->cpu[o->cpu] : NULL;

    if ( !p || !p->present )
        return -ENODEV;
    *o = (struct xen_flightrec_op_cpu){
        .cpu = o->cpu, .channel = o->channel, .frames = x->pages,
        .flags = XEN_FLIGHTREC_CPU_ONLINE, .tsc = __rdtsc(),
    };
    if ( !x->consumer || o->channel != XEN_FLIGHTREC_CH_BUSY )
        return 0;
    o->lost[XEN_FLIGHTREC_LOST_BUSY] = p->c.lost;
    o->oldest_tsc = oldest_tsc(&p->c);
    return 0;
}

static int op_counters(struct hyp_tbuf *x, struct hyp_tbuf_counters *o)
{
    const struct cpu *p = o->cpu < x->nr_cpus ? &x->cpu[o->cpu] : NULL;
    const struct tbuf_consumer *c = &p->c;
    uint32_t cons, fill = 0;

    if ( !p || !p->present )
        return -ENODEV;
    if ( x->consumer )
        tbuf_look(&c->t, &cons, &fill);
    *o = (struct hyp_tbuf_counters){
        .cpu = o->cpu, .bytes = x->pages * TBUF_FRAME - TBUF_INDEX_BYTES,
        .fill = fill, .produced = c->pos + fill, .lost = c->lost,
        .moves = c->moves, .walks = c->walks, .walked_bytes = c->walked_bytes,
        .fulls = c->fulls, .resyncs = c->resyncs, .bogus = c->bogus,
    };
    return 0;
}

static void op_clock(struct xen_flightrec_op_clock *o)
{
    uint64_t wall = clock_ns(CLOCK_REALTIME);

    *o = (struct xen_flightrec_op_clock){
        .tsc = __rdtsc(), .ns = clock_ns(CLOCK_MONOTONIC),
        .wall_sec = wall / 1000000000, .wall_nsec = wall % 1000000000,
    };
}

static int tbuf_op(struct hyp *h, struct xen_flightrec_op *op)
{
    struct hyp_tbuf *x = to_tbuf(h);
    const struct generation *g;

    switch ( op->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        op_status(x, &op->u.status);
        return 0;
    case XEN_FLIGHTREC_OP_create:
        return op_create(x, op->u.create.bytes_per_cpu);
    case XEN_FLIGHTREC_OP_start:
    case XEN_FLIGHTREC_OP_stop:
        return op_switch(x, op->cmd == XEN_FLIGHTREC_OP_start);
    case XEN_FLIGHTREC_OP_freeze:
        return op_freeze(x, &op->u.freeze);
    case XEN_FLIGHTREC_OP_quiesce:
        op->u.quiesce.pending = 0;
        return generation(x, op->u.quiesce.gen) ? 0 : -ENOENT;
    case XEN_FLIGHTREC_OP_ack:
    case XEN_FLIGHTREC_OP_release:
    case HYP_OP_TBUF_FETCHED:
        return op_gen(x, op->cmd, op->u.gen.gen);
    case XEN_FLIGHTREC_OP_trigger:
        g = generation(x, op->u.trigger.gen);
        if ( g )
            op->u.trigger = g->t;
        return g ? 0 : -ENOENT;
    case XEN_FLIGHTREC_OP_mask:
        return op_mask(x, &op->u.mask);
    case XEN_FLIGHTREC_OP_causes:
        x->causes = op->u.causes.causes;
        return 0;
    case XEN_FLIGHTREC_OP_clock:
        op_clock(&op->u.clock);
        return 0;
    case XEN_FLIGHTREC_OP_cpu:
        return op_cpu(x, &op->u.cpu);
    case HYP_OP_TBUF_WINDOW:
        return op_window(x, hyp_op_room(op));
    case HYP_OP_TBUF_COUNTERS:
        return op_counters(x, hyp_op_room(op));
    case XEN_FLIGHTREC_OP_destroy:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

static int tbuf_map(struct hyp *h, uint32_t id, uint32_t frames,
                    const void **out)
{
    struct hyp_tbuf *x = to_tbuf(h);
    void *map;
    int rc = frames == x->pages ? map_cpu(x, id, false, &map) : -EINVAL;

    if ( !rc )
        *out = map;
    return rc;
}

static int tbuf_version(struct hyp *h, struct hyp_version *v)
{
    return to_tbuf(h)->raw->be->version(to_tbuf(h)->raw, v);
}

/*
 * Begin and end.
 */

/* What is still as we set it becomes what it was. */
static void restore(struct hyp_tbuf *x)
{
    struct hyp_tbuf_op op;

    if ( x->conf.at_exit == HYP_TBUF_EXIT_DISABLE ||
         (x->conf.at_exit == HYP_TBUF_EXIT_AUTO && x->made) )
        raw_op(x, HYP_TBUF_DISABLE, 0, NULL);
    if ( !raw_op(x, HYP_TBUF_GET_INFO, 0, &op) && op.value == x->conf.mask )
        raw_op(x, HYP_TBUF_SET_MASK, x->found_mask, NULL);
    if ( x->conf.state )
        unlink(x->conf.state);
}

static void tbuf_close(struct hyp *h)
{
    struct hyp_tbuf *x = to_tbuf(h);

    if ( x->consumer )
        restore(x);
    forget_buffers(x);
    free(x->dom);
    hyp_close(x->raw);
    free(x);
}

static const struct hyp_backend tbuf_backend = {
    .close = tbuf_close,
    .op = tbuf_op,
    .virq_bind = tbuf_virq_bind,
    .virq_ack = tbuf_virq_ack,
    .map = tbuf_map,
    .domains = hyp_tbuf_domains,
    .version = tbuf_version,
};

bool hyp_is_tbuf(const struct hyp *h)
{
    return h->be == &tbuf_backend;
}

void hyp_tbuf_configure(struct hyp *h, const struct hyp_tbuf_conf *conf)
{
    if ( hyp_is_tbuf(h) )
        to_tbuf(h)->conf = *conf;
}

int hyp_tbuf_open(struct hyp *raw, struct hyp **out)
{
    struct hyp_tbuf *x = calloc(1, sizeof(*x));
    int rc;

    if ( !x )
        return -ENOMEM;
    x->hyp.be = &tbuf_backend;
    x->raw = raw;
    x->conf.mask = HYP_TBUF_MASK;
    x->causes = 1U << XEN_FLIGHTREC_CAUSE_REQUEST |
                1U << XEN_FLIGHTREC_CAUSE_CRASH |
                1U << XEN_FLIGHTREC_CAUSE_WATCHDOG;
    rc = raw->be->host(raw, &x->host);
    if ( !rc )
        rc = find_buffers(x);
    if ( rc )
    {
        forget_buffers(x);
        free(x);
        return rc;
    }
    *out = &x->hyp;
    return 0;
}
