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

#include "snapshotd/engine/engine.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "snapshotd/engine/engine-impl.h"
#include "lib/xen/hyp.h"
#include "snapshotd/common/log.h"
#include "snapshotd/engine/sandbox.h"

/* The longest time between two looks for files that are too old. */
#define EXPIRE_LOOK_S 600

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

/* Lines of one kind: so many at once, then one in so many seconds. */
static const struct limit_rate log_rate = { .burst = 100, .refill_s = 1 };

bool engine_may_log(struct engine *e, uint8_t kind)
{
    const uint8_t key[LIMIT_KEY_BYTES] = { kind };

    return limit_take(&e->log, key, &log_rate, engine_mono_ns());
}

#define PROGRESS_NS 100000000ULL

void engine_progress(struct engine *e)
{
    struct msg m = { .type = MSG_PONG };
    const uint64_t now = engine_mono_ns();

    if ( now - e->told_ns < PROGRESS_NS )
        return;
    e->told_ns = now;
    engine_send(e, &m);
}

static void request_log(struct engine *e, const struct msg_request *in,
                        size_t bytes)
{
    char from[32] = "";
    struct log_text text;

    if ( !engine_may_log(e, 'R') )
        return;
    if ( in->source == FROM_SIGNAL )
        strcpy(from, " by signal");
    else if ( in->source == FROM_SOCKET )
        strcpy(from, " by socket");
    else if ( in->source == FROM_GUEST )
        snprintf(from, sizeof(from), " of domain %u", in->domid);
    log_info("request%s: \"%s\"", from, log_escape(&text, in->text, bytes));
}

struct request *engine_request(struct engine *e, const struct msg_request *in,
                               uint16_t *error)
{
    const struct conf *c = &e->conf.conf;
    const bool guest = in->source == FROM_GUEST;
    size_t bytes = in->text_bytes < sizeof(in->text) ? in->text_bytes
                                                     : sizeof(in->text);
    uint64_t due = engine_mono_ns() + (guest ? 0 : c->delay_ms * 1000000ULL);
    struct request *q = NULL;

    e->counters.requests++;
    request_log(e, in, bytes);
    *error = ANSWER_OFF;
    if ( guest || (c->sources & (1U << in->source)) )
    {
        q = request_add(&e->requests, in->source, in->text, bytes, due);
        *error = ANSWER_LIMIT;
    }
    else
        count_add(&e->counters, OUTCOME_REFUSED, XEN_FLIGHTREC_CAUSE_REQUEST);
    if ( !q )
        return NULL;
    q->number = in->number;
    q->domid = in->domid;
    memcpy(q->handle, in->handle, sizeof(q->handle));
    q->gen = in->gen;
    q->frozen_s = in->frozen_s;
    q->ripe = q->gen != 0;
    e->work = true;
    return q;
}

static void got_request(struct engine *e, const struct msg_request *in)
{
    struct request none = { .source = in->source, .number = in->number,
                            .client = -1 };
    uint16_t error;
    struct request *q = engine_request(e, in, &error);

    if ( !q )
        engine_answer(e, &none, ANSWER_FAILED, error, NULL);
    else if ( in->source != FROM_SIGNAL )
        engine_answer(e, q, ANSWER_ACCEPTED, ANSWER_OK, NULL);
}

/*
 * Limits and budget from now on; another directory or user, or other threads:
 * another engine.
 */
static void got_conf(struct engine *e, const struct msg_conf *in)
{
    e->restart |= strcmp(in->conf.state, e->conf.conf.state) ||
                  in->conf.threads != e->conf.conf.threads ||
                  in->uid != e->conf.uid || in->gid != e->conf.gid;
    if ( !e->restart )
        e->conf.conf = in->conf;
    e->expire_ns = 0;
    e->work = true;
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

    case MSG_HOOK:
        e->hook = m->u.hook;
        return;

    case MSG_PING:
        e->told_ns = 0;
        engine_progress(e);
        return;

    case MSG_CONF:
        got_conf(e, &m->u.conf);
        return;

    case MSG_END:
        e->work = e->end = true;
        return;

    default:
        monitor_gone(-EPROTO);
    }
}

/* Sends a question, waits for its answer.  Other messages may come first. */
static int ask(struct engine *e, struct msg *m)
{
    uint32_t seq = ++e->seq;
    int rc;

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
    struct msg m = { .type = MSG_OP, .u.op.op = *op };
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

int engine_judge(struct engine *e, uint32_t gen, uint8_t cause,
                 enum outcome *outcome)
{
    struct msg m = { .type = MSG_JUDGE, .u.judge = { .gen = gen,
                                                     .cause = cause } };
    int rc = ask(e, &m);

    if ( rc )
        return rc;
    *outcome = m.u.judge.outcome;
    if ( *outcome >= OUTCOME_JUDGED )
        e->counters.of[*outcome][m.u.judge.cause] = m.u.judge.count;
    return 0;
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
        struct msg m = { .type = MSG_OP,
                         .u.op.op.cmd = XEN_FLIGHTREC_OP_clock };
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

uint64_t engine_mono_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

const char *engine_fields(char buf[ENGINE_FIELDS], const struct store_id *id,
                          int domid, enum outcome outcome, const char *file)
{
    char uuid[STORE_UUID];
    int n;

    store_uuid(id->uuid, uuid);
    n = snprintf(buf, ENGINE_FIELDS,
                 "XENFLIGHT_GENERATION=%u\nXENFLIGHT_CAUSE=%s\n"
                 "XENFLIGHT_OUTCOME=%s\nXENFLIGHT_UUID=%s\n",
                 id->gen, store_cause(id->cause), count_name(outcome), uuid);
    if ( domid >= 0 )
        n += snprintf(buf + n, ENGINE_FIELDS - n, "XENFLIGHT_DOMID=%d\n",
                      domid);
    if ( file )
        snprintf(buf + n, ENGINE_FIELDS - n, "XENFLIGHT_FILE=%s\n", file);
    return buf;
}

void engine_suppressed(struct engine *e, const struct store_id *id, int domid,
                       enum outcome outcome)
{
    static const char *const why[OUTCOMES] = {
        [OUTCOME_DOMAIN] = "beyond the limit of its domain",
        [OUTCOME_TOTAL] = "beyond the limit over all domains",
        [OUTCOME_REQUESTS] = "beyond the limit of requests",
        [OUTCOME_OFF] = "not wanted by the configuration",
    };
    char fields[ENGINE_FIELDS];

    if ( outcome < OUTCOME_JUDGED )
        count_add(&e->counters, outcome, id->cause);
    /* At once: an engine that dies is to have told. */
    engine_send_counters(e);
    if ( !why[outcome] || !engine_may_log(e, outcome) )
        return;
    engine_fields(fields, id, domid, outcome, NULL);
    if ( id->gen )
        log_fields(LOG_WARNING, fields,
                   "generation %u: %s: no snapshot: %s; it is counted",
                   id->gen, store_cause(id->cause), why[outcome]);
    else
        log_fields(LOG_WARNING, fields,
                   "request: no snapshot: %s; it is counted", why[outcome]);
}

static void freeze(struct engine *e)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_freeze };
    bool guest = request_owner(&e->requests, 0)->source == FROM_GUEST;
    uint8_t cause = guest ? STORE_CAUSE_GUEST : XEN_FLIGHTREC_CAUSE_REQUEST;
    enum outcome outcome;
    int rc = engine_judge(e, 0, cause, &outcome);

    if ( !rc && outcome != OUTCOME_WRITTEN )
    {
        engine_suppressed(e, &(struct store_id){ .cause = cause }, -1,
                          outcome);
        engine_answer_all(e, 0, guest ? ANSWER_LIMITED : ANSWER_FAILED,
                          ANSWER_RATE, NULL);
        engine_send_counters(e);
        return;
    }
    rc = rc ? rc : engine_op(e, &o);
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

/* The file that answers it bears Dom0's name, or one of those guests'. */
static bool file_of(struct engine *e, const struct request *q,
                    struct store_id *id)
{
    const struct request *g = NULL;

    *id = (struct store_id){ .wall_s = q->frozen_s, .gen = q->gen,
                             .cause = XEN_FLIGHTREC_CAUSE_REQUEST };
    if ( store_has(e->dir, id) )
        return true;
    id->cause = STORE_CAUSE_GUEST;
    while ( (g = request_next(&e->requests, (struct request *)g, q->gen)) )
    {
        memcpy(id->uuid, g->handle, sizeof(id->uuid));
        if ( g->source == FROM_GUEST && store_has(e->dir, id) )
            return true;
    }
    return false;
}

/*
 * Requests whose generation a former engine gave back, but did not come to
 * answer: if it wrote the file that is their answer.
 */
static void answer_overtaken(struct engine *e, uint32_t released)
{
    struct store_id id = { .gen = 0 };
    struct request *q;
    bool has = false;

    while ( (q = request_overtaken(&e->requests, released)) )
    {
        if ( id.gen != q->gen )
            has = file_of(e, q, &id);
        if ( has )
            engine_answer(e, q, ANSWER_DONE, ANSWER_OK, &id);
        else
            engine_answer(e, q, ANSWER_FAILED, ANSWER_IO, NULL);
    }
}

/* It is our root: only one that has not given root away makes another. */
static void end_without_directory(const struct engine *e)
{
    if ( !store_gone(e->dir) )
        return;
    log_error("%s: was removed: a fresh engine is needed, which makes it",
              e->conf.conf.state);
    exit(0);
}

/* Crashes first, requests then.  True: there may be more to do. */
static bool step(struct engine *e)
{
    struct xen_flightrec_op_status st;
    int rc = hyp_status(engine_op, e, &st);

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
    answer_overtaken(e, st.released);
    if ( e->mapped && st.gen != st.released )
    {
        if ( st.released + 1 == e->failed_gen )
            return false;
        end_without_directory(e);
        engine_take(e, st.released + 1);
        return true;
    }
    request_ripen(&e->requests, engine_mono_ns());
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

/* -1: for ever. */
static int next_timeout(struct engine *e)
{
    const uint64_t now = engine_mono_ns();
    uint64_t next = request_ripen(&e->requests, now);

    if ( e->expire_ns < next )
        next = e->expire_ns;
    if ( request_waiting(&e->requests) || next <= now )
        return 0;
    if ( next == UINT64_MAX )
        return -1;
    next = (next - now + 999999) / 1000000;
    return next < INT_MAX ? next : INT_MAX;
}

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
    rc = poll(p, 2 + CLIENTS, next_timeout(e));
    e->work |= !rc;
    if ( rc <= 0 )
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

/* Files that are too old go, and the next time to look is noted. */
static void expire(struct engine *e)
{
    const struct store_budget budget = engine_budget(e);
    uint64_t next_s, now = engine_mono_ns();
    struct timespec wall;
    int rc;

    if ( e->expire_ns > now )
        return;
    clock_gettime(CLOCK_REALTIME, &wall);
    rc = store_expire(e->dir, &budget, wall.tv_sec, &e->counters.store,
                      &next_s);
    if ( rc )
        log_error("store: the directory cannot be read: %s", strerror(-rc));
    /* The wall clock may be set: it is looked at again before long. */
    if ( next_s > EXPIRE_LOOK_S )
        next_s = EXPIRE_LOOK_S;
    e->expire_ns = next_s ? now + next_s * 1000000000ULL : UINT64_MAX;
}

/* What Xen has, then what the directory has too long. */
static void work(struct engine *e)
{
    while ( e->work )
    {
        e->work = false;
        /* Messages that come meanwhile set it too: it is not to be read now. */
        if ( step(e) )
            e->work = true;
    }
    if ( e->end )
    {
        log_info("the mapping is given up");
        exit(0);
    }
    expire(e);
    if ( e->restart && !request_any(&e->requests) )
    {
        log_info("another directory, user or threads: a fresh engine is needed");
        exit(0);
    }
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

static int start_background(void *arg)
{
    struct engine *e = arg;

    return background_start(e->conf.conf.threads, &e->background);
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
    rc = sandbox_enter(e->dir, e->conf.uid, e->conf.gid, start_background, e);
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
    store_recover(e.dir, e.conf.conf.keep_partial,
                  e.counters.of[OUTCOME_WRITTEN]);
    ready.u.op.op.u.status.incarnation = e.rings.info.incarnation;
    engine_send(&e, &ready);
    if ( engine_clocks(&e, &e.pair[0]) )
        log_warning("clock: Xen's clocks cannot be read");
    /* Something may have come while that was answered. */
    for ( ;; )
    {
        work(&e);
        wait_and_receive(&e);
    }
}
