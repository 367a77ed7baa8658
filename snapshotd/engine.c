/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.c: the unprivileged half: policy, foreign text, lz4, disk.
 *
 * It maps the rings and opens the state directory while it is root, gives all
 * else away (sandbox.h), and from then on asks the monitor for each operation.
 * It sleeps until a message or a client comes.
 *
 *        wake, request                     held > 0
 *   idle -------------> look at the status ---------> take the oldest held
 *    ^                     |       ^                    trigger, ack, quiesce,
 *    |  nothing to do      |       |                    write, release, sync
 *    +---------------------+       +-- freeze, if somebody asked ------+
 *
 * What Xen holds stays held if this process dies: the next one takes it.
 */

#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine-impl.h"
#include "lib/recorder.h"
#include "log.h"
#include "sandbox.h"

/*
 * Messages.
 */

static void __attribute__((__noreturn__)) monitor_gone(int rc)
{
    if ( rc != -EPIPE )
        log_error("monitor: %s: the engine ends", strerror(-rc));
    exit(rc == -EPIPE ? 0 : 1);
}

void engine_send(struct engine *e, struct msg *m)
{
    int rc = proto_send(e->fd, m, 0);

    if ( rc )
        monitor_gone(rc);
}

static void got_domain(struct engine *e, const struct msg_domain *in)
{
    struct domain *d = domains_get(&e->domains, in->domid, in->handle);

    if ( !d )
    {
        log_error("domain %u: no memory to note who it is", in->domid);
        return;
    }
    d->d = *in;
    if ( d->d.name_bytes > sizeof(d->d.name) )
        d->d.name_bytes = 0;
    domains_changed(&e->domains, d);
}

static void request_log(const struct msg_request *in, size_t bytes)
{
    char from[32] = "";
    struct log_text text;

    if ( in->source == FROM_SIGNAL )
        strcpy(from, " by signal");
    else if ( in->source == FROM_GUEST )
        snprintf(from, sizeof(from), " of domain %u", in->domid);
    log_info("request%s: \"%s\"", from, log_escape(&text, in->text, bytes));
}

static void got_request(struct engine *e, const struct msg_request *in)
{
    size_t bytes = in->text_bytes < sizeof(in->text) ? in->text_bytes
                                                     : sizeof(in->text);
    struct request none = { .source = in->source, .number = in->number,
                            .client = -1 };
    struct request *q;

    e->counters.requests++;
    request_log(in, bytes);
    q = request_add(&e->requests, in->source, in->text, bytes);
    if ( !q )
    {
        engine_answer(e, &none, ANSWER_FAILED, ANSWER_LIMIT, NULL);
        return;
    }
    q->number = in->number;
    q->domid = in->domid;
    memcpy(q->handle, in->handle, sizeof(q->handle));
    e->work = true;
    if ( in->source != FROM_SIGNAL )
        engine_answer(e, q, ANSWER_ACCEPTED, ANSWER_OK, NULL);
}

/* Only notes what came: what follows from it is done in the main loop. */
static void got_message(struct engine *e, const struct msg *m)
{
    switch ( m->type )
    {
    case MSG_WAKE:
        if ( m->u.wake.source == WAKE_VIRQ )
            e->virq = m->u.wake;
        else
            e->wake = m->u.wake;
        e->work = true;
        return;

    case MSG_DOMAIN:
        got_domain(e, &m->u.domain);
        return;

    case MSG_GUESTS:
        e->guests = m->u.guests;
        return;

    case MSG_REQUEST:
        got_request(e, &m->u.request);
        return;

    default:
        monitor_gone(-EPROTO);
    }
}

/* One operation through the monitor.  Other messages may come first. */
static int ask(struct engine *e, struct msg *m)
{
    uint32_t seq = ++e->seq;
    int rc;

    m->type = MSG_OP;
    m->seq = seq;
    engine_send(e, m);
    for ( ;; )
    {
        rc = proto_receive(e->fd, m, 0);
        if ( rc )
            monitor_gone(rc);
        if ( m->type == MSG_REPLY && m->seq == seq )
            return m->rc;
        got_message(e, m);
    }
}

int engine_op(void *arg, struct xen_flightrec_op *op)
{
    struct msg m = { .u.op.op = *op };
    int rc = ask(arg, &m);

    if ( !rc )
        *op = m.u.op.op;
    return rc;
}

int engine_gen_op(struct engine *e, uint32_t cmd, uint32_t gen)
{
    struct xen_flightrec_op o = { .cmd = cmd, .u.gen.gen = gen };

    return engine_op(e, &o);
}

void engine_send_counters(struct engine *e)
{
    struct msg m = { .type = MSG_COUNT, .u.counters = e->counters };

    engine_send(e, &m);
}

#define CLOCK_TRIES 3

static uint64_t halfway(const uint64_t t[2])
{
    return t[0] + (t[1] - t[0]) / 2;
}

/*
 * A moment on all clocks.  Dom0's are read before and after Xen's: how far apart that was is how
 * far off the pair may be.  The narrowest of a few.
 */
int engine_clocks(struct engine *e, struct clock_pair *p)
{
    uint64_t narrowest = UINT64_MAX;

    for ( unsigned int i = 0; i < CLOCK_TRIES; i++ )
    {
        struct msg m = { .u.op.op.cmd = XEN_FLIGHTREC_OP_clock };
        const struct msg_op *o = &m.u.op;
        int rc = ask(e, &m);

        if ( rc )
            return rc;
        /* The wall clock is read around the other; but it may be set. */
        if ( o->mono_ns[1] - o->mono_ns[0] >= narrowest )
            continue;
        narrowest = o->mono_ns[1] - o->mono_ns[0];
        *p = (struct clock_pair){
            .tsc = o->op.u.clock.tsc,
            .ns = o->op.u.clock.ns,
            .wall_ns = halfway(o->wall_ns),
            .mono_ns = halfway(o->mono_ns),
            .width_ns = o->wall_ns[1] > o->wall_ns[0]
                            ? o->wall_ns[1] - o->wall_ns[0]
                            : narrowest,
        };
        e->xen_minus_mono = p->ns - p->mono_ns;
    }

    return 0;
}

static void freeze(struct engine *e)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_freeze };
    int rc = engine_op(e, &o);

    if ( !rc )
        request_assign(&e->requests, o.u.freeze.gen);
    else
    {
        log_error("freeze: %s", hyp_why(rc));
        engine_answer_all(e, 0, ANSWER_FAILED,
                   rc == -EBUSY ? ANSWER_BUSY : ANSWER_XEN, NULL);
    }
}

/* Than those that we mapped, which can be done only at the start. */
static bool other_buffers(const struct engine *e,
                          const struct xen_flightrec_op_status *st)
{
    if ( !e->mapped )
        return st->state & XEN_FLIGHTREC_ST_CREATED;
    return st->incarnation != e->rings.info.incarnation;
}

/* Crashes first, requests then.  True: there may be more to do. */
static bool step(struct engine *e)
{
    struct xen_flightrec_op_status st;
    int rc = recorder_status(engine_op, e, &st);

    if ( rc )
    {
        log_error("status: %s", hyp_why(rc));
        engine_answer_all(e, 0, ANSWER_FAILED, ANSWER_XEN, NULL);
        return false;
    }
    if ( other_buffers(e, &st) )
    {
        log_info("the recorder's buffers are others now: a fresh engine is "
                 "needed");
        exit(0);
    }
    if ( e->mapped && st.gen != st.released )
    {
        if ( st.released + 1 == e->failed_gen )
            return false;
        engine_take(e, st.released + 1);
        return true;
    }
    if ( !request_waiting(&e->requests) )
        return false;
    if ( e->mapped && (st.state & XEN_FLIGHTREC_ST_RUNNING) )
        freeze(e);
    else
        engine_answer_all(e, 0, ANSWER_FAILED, ANSWER_NO_RECORDER, NULL);
    return true;
}

/*
 * The loop.
 */

static void wait_and_receive(struct engine *e)
{
    struct pollfd p[2 + CLIENTS] = {
        { .fd = e->fd, .events = POLLIN },
        { .fd = e->listen, .events = POLLIN },
    };
    struct msg m;
    int i, rc;

    for ( i = 0; i < CLIENTS; i++ )
        p[2 + i] = (struct pollfd){ .fd = e->client[i], .events = POLLIN };
    if ( poll(p, 2 + CLIENTS, -1) < 0 )
        return;
    if ( p[0].revents )
    {
        rc = proto_receive(e->fd, &m, MSG_DONTWAIT);
        if ( rc && rc != -EAGAIN )
            monitor_gone(rc);
        if ( !rc )
            got_message(e, &m);
    }
    for ( i = 0; i < CLIENTS; i++ )
        if ( p[2 + i].revents )
            engine_client_ready(e, &e->client[i]);
    if ( p[1].revents )
        engine_client_accept(e);
}

/* What needs Xen's devices and root.  No buffers yet is no failure. */
static int map_rings(struct engine *e, const char *backend)
{
    struct rings_error why;
    struct hyp *h;
    int rc = hyp_open(backend, &h);

    if ( rc )
    {
        log_error("engine: %s", hyp_why(rc));
        return rc;
    }
    rc = rings_map(h, &e->rings, &why);
    if ( why.what[0] )
        log_error("map: %s", why.what);
    e->mapped = !rc;
    if ( rc == -ENODEV )
        rc = 0;
    if ( !rc )
        rc = hyp_version(h, &e->xen);
    if ( rc )
        log_error("engine: the rings cannot be mapped: %s", hyp_why(rc));
    hyp_close(h);
    return rc;
}

static int prepare(struct engine *e, const char *backend)
{
    struct msg m;
    int rc, i;

    e->fd = ENGINE_FD_MONITOR;
    e->listen = ENGINE_FD_CONTROL;
    for ( i = 0; i < CLIENTS; i++ )
        e->client[i] = -1;
    rc = proto_receive(e->fd, &m, 0);
    if ( rc || m.type != MSG_CONF )
        return rc ? rc : -EPROTO;
    e->conf = m.u.conf;
    e->counters = m.u.conf.counters;
    uname(&e->uts);
    /* Its command was /proc/self/exe. */
    prctl(PR_SET_NAME, "snapshotd-eng");
    rc = map_rings(e, backend);
    if ( rc )
        return rc;
    rc = store_open(e->conf.conf.state, e->conf.uid, e->conf.gid, &e->dir);
    if ( rc )
    {
        log_error("%s: %s", e->conf.conf.state,
                  rc == -EPERM ? "must belong to the daemon's user and be "
                                 "closed to others (mode 0700)"
                               : strerror(-rc));
        return rc;
    }
    /* Its seed comes from a device that is out of reach later. */
    json_object_seed(0);
    rc = sandbox_enter(e->dir, e->conf.uid, e->conf.gid);
    if ( rc )
        log_error("sandbox: %s: the engine ends", strerror(-rc));
    return rc;
}

int engine_run(const char *backend)
{
    static struct engine e;
    struct msg ready = { .type = MSG_READY };

    if ( prepare(&e, backend) )
        return 1;
    store_recover(e.dir, e.conf.conf.keep_partial);
    ready.u.op.op.u.status.incarnation = e.rings.info.incarnation;
    engine_send(&e, &ready);
    if ( engine_clocks(&e, &e.pair[0]) )
        log_warning("clock: Xen's clocks cannot be read");
    /* Something may have come while that was answered. */
    for ( ;; )
    {
        while ( e.work )
        {
            e.work = false;
            if ( step(&e) )
                e.work = true;
        }
        wait_and_receive(&e);
    }
}
