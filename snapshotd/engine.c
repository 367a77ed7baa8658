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
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "domains.h"
#include "lib/control.h"
#include "lib/recorder.h"
#include "log.h"
#include "meta.h"
#include "sandbox.h"
#include "trigger.h"

#define CLIENTS       8    /* control connections at a time */
#define QUIESCE_TRIES 20   /* each waits a bounded time inside Xen */

/* Nanoseconds from the trigger on. */
struct latency {
    uint64_t wake, quiescent, written, durable;
};

struct engine {
    int fd, listen, dir;
    struct msg_conf conf;
    struct rings rings;
    bool mapped;
    struct hyp_version xen;
    struct utsname uts;
    struct domains domains;
    struct requests requests;
    struct counters counters;
    struct msg_wake virq, wake; /* the last VIRQ, the last of another kind */
    bool work;             /* something may be to be done */
    uint32_t seq;
    struct clock_pair pair[2]; /* at the start, and for this snapshot */
    int64_t xen_minus_mono;
    uint32_t failed_gen;   /* could not be given back: not tried again */
    int client[CLIENTS];   /* -1: free */
    char last_file[STORE_NAME];
    struct latency last;
};

/* One snapshot being taken. */
struct take {
    struct trigger trigger;
    struct meta meta;
    struct stream *streams;
    struct store_id id;
    int fd;                /* -1: none begun */
    struct snapshot_writer *w;
    struct latency lat;
    struct snapshot_totals totals;
    bool released;
};

static uint64_t mono_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* Xen's system time now, by the last clock pair. */
static uint64_t xen_ns(const struct engine *e)
{
    return mono_ns() + e->xen_minus_mono;
}

static uint64_t since(const struct engine *e, const struct trigger *t)
{
    uint64_t now = xen_ns(e);

    return now > t->t.ns ? now - t->t.ns : 0;
}

/*
 * Messages.
 */

static void __attribute__((__noreturn__)) monitor_gone(int rc)
{
    if ( rc != -EPIPE )
        log_error("monitor: %s: the engine ends", strerror(-rc));
    exit(rc == -EPIPE ? 0 : 1);
}

static void send_monitor(struct engine *e, struct msg *m)
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

static void answer(struct engine *e, struct request *q, uint16_t state,
                   uint16_t error, const struct store_id *id);

static void got_request(struct engine *e, const struct msg_request *in)
{
    size_t bytes = in->text_bytes < sizeof(in->text) ? in->text_bytes
                                                     : sizeof(in->text);
    struct request *q = request_add(&e->requests, in->source, in->text, bytes);
    struct request none = { .source = in->source, .number = in->number,
                            .client = -1 };
    struct log_text text;

    e->counters.requests++;
    log_info("request%s: \"%s\"",
             in->source == FROM_SIGNAL ? " by signal" : "",
             log_escape(&text, in->text, bytes));
    if ( !q )
    {
        answer(e, &none, ANSWER_FAILED, ANSWER_LIMIT, NULL);
        return;
    }
    q->number = in->number;
    e->work = true;
    if ( in->source == FROM_XENSTORE )
        answer(e, q, ANSWER_ACCEPTED, ANSWER_OK, NULL);
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
    send_monitor(e, m);
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

static int engine_op(void *arg, struct xen_flightrec_op *op)
{
    struct msg m = { .u.op.op = *op };
    int rc = ask(arg, &m);

    if ( !rc )
        *op = m.u.op.op;
    return rc;
}

static int gen_op(struct engine *e, uint32_t cmd, uint32_t gen)
{
    struct xen_flightrec_op o = { .cmd = cmd, .u.gen.gen = gen };

    return engine_op(e, &o);
}

static void send_counters(struct engine *e)
{
    struct msg m = { .type = MSG_COUNT, .u.counters = e->counters };

    send_monitor(e, &m);
}

/* A moment on all clocks. */
static int read_clocks(struct engine *e, struct clock_pair *p)
{
    struct msg m = { .u.op.op.cmd = XEN_FLIGHTREC_OP_clock };
    const struct msg_op *o = &m.u.op;
    int rc = ask(e, &m);

    if ( rc )
        return rc;
    p->tsc = o->op.u.clock.tsc;
    p->ns = o->op.u.clock.ns;
    p->wall_ns = o->wall_ns[0] + (o->wall_ns[1] - o->wall_ns[0]) / 2;
    e->xen_minus_mono = p->ns - (o->mono_ns[0] +
                                 (o->mono_ns[1] - o->mono_ns[0]) / 2);
    return 0;
}

/*
 * Answers.
 */

static void send_client(int fd, json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    /* A client that does not read loses its answer, not our time. */
    if ( text &&
         send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 )
        log_warning("control: an answer could not be sent: %s",
                    strerror(errno));
    free(text);
    json_decref(o);
}

static void answer_client(struct engine *e, struct request *q, uint16_t state,
                          uint16_t error, const struct store_id *id)
{
    char name[STORE_NAME], path[CONF_PATH + STORE_NAME + 1] = "";
    json_t *o;

    if ( id )
    {
        store_name(id, name);
        snprintf(path, sizeof(path), "%s/%s", e->conf.conf.state, name);
    }
    o = json_pack("{sb ss}", "ok", state != ANSWER_FAILED, "state",
                  proto_state_name(state));
    if ( id )
        json_object_set_new(o, "file", json_string(path));
    if ( error )
        json_object_set_new(o, "error",
                            json_string(proto_error_text(error)));
    send_client(q->client, o);
    close(q->client);
}

static void answer(struct engine *e, struct request *q, uint16_t state,
                   uint16_t error, const struct store_id *id)
{
    struct msg m = { .type = MSG_ANSWER,
                     .u.answer = { .number = q->number, .state = state,
                                   .error = error } };

    if ( id )
        m.u.answer.file = *id;
    if ( q->source != FROM_SOCKET )
        send_monitor(e, &m);
    else if ( q->client >= 0 )
        answer_client(e, q, state, error, id);
    if ( state == ANSWER_FAILED )
        log_error("request: failed: %s", proto_error_text(error));
    if ( state != ANSWER_ACCEPTED )
        q->used = false;
}

/* All requests of a generation; 0: those that wait. */
static void answer_all(struct engine *e, uint32_t gen, uint16_t state,
                       uint16_t error, const struct store_id *id)
{
    struct request *q = NULL;

    while ( (q = request_next(&e->requests, q, gen)) )
        answer(e, q, state, error, id);
}

/*
 * Taking a generation.
 */

/* Did the VIRQ of this trigger, or of a later one, wake us? */
static bool virq_came(const struct engine *e, const struct trigger *t)
{
    return e->virq.ns >= t->t.ns;
}

static const char *trigger_source(const struct engine *e,
                                  const struct trigger *t,
                                  const struct request *q)
{
    static const char *const from[] = {
        [FROM_XENSTORE] = "xenstore",
        [FROM_SIGNAL] = "signal",
        [FROM_SOCKET] = "socket",
    };

    if ( q )
        return from[q->source];
    if ( virq_came(e, t) )
        return "virq";
    switch ( e->wake.source )
    {
    case WAKE_RELEASE:
        return "release-domain";
    case WAKE_START:
        return "start";
    default:
        return "check";
    }
}

/* Who asked, and who it was about: from our own notes. */
static void trigger_fill(struct engine *e, struct trigger *t)
{
    struct request *q = NULL;
    struct domain *d;

    if ( t->t.cause == XEN_FLIGHTREC_CAUSE_REQUEST )
        q = request_next(&e->requests, NULL, t->t.gen);
    t->source = trigger_source(e, t, q);
    if ( q )
    {
        memcpy(t->text, q->text, q->text_bytes);
        t->text_bytes = q->text_bytes;
    }
    d = trigger_has_domain(t)
            ? domains_find(&e->domains, t->t.domid, t->t.handle)
            : NULL;
    if ( d )
    {
        memcpy(t->name, d->d.name, d->d.name_bytes);
        t->name_bytes = d->d.name_bytes;
    }
}

static void trigger_log(const struct trigger *t)
{
    struct log_text text;

    if ( trigger_has_domain(t) )
        log_info("generation %u: %s of domain %u \"%s\", vCPU %d, pCPU %d",
                 t->t.gen, store_cause(t->t.cause), t->t.domid,
                 log_escape(&text, t->name, t->name_bytes),
                 t->t.vcpu == 0xffff ? -1 : t->t.vcpu,
                 t->t.cpu == XEN_FLIGHTREC_NO_CPU ? -1 : t->t.cpu);
    else
        log_info("generation %u: %s (%s): \"%s\"", t->t.gen,
                 store_cause(t->t.cause), t->source,
                 log_escape(&text, t->text, t->text_bytes));
}

/* Reads what began the generation, and says that we are reading it. */
static int take_trigger(struct engine *e, struct take *k, uint32_t gen)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                  .u.trigger.gen = gen };
    struct trigger *t = &k->trigger;
    struct clock_pair *now = &e->pair[1];
    int rc;

    rc = gen_op(e, XEN_FLIGHTREC_OP_ack, gen);
    if ( !rc )
        rc = engine_op(e, &o);
    if ( !rc )
        rc = read_clocks(e, now);
    if ( rc )
        return rc;
    t->t = o.u.trigger;
    t->wall_ns = now->wall_ns - (now->ns - t->t.ns);
    t->wake_ns = virq_came(e, t) ? e->virq.ns : now->ns;
    k->lat.wake = t->wake_ns > t->t.ns ? t->wake_ns - t->t.ns : 0;
    trigger_fill(e, t);
    trigger_id(t, &k->id);
    trigger_log(t);
    return 0;
}

/* A former engine wrote it to the end, but did not come to give it back. */
static bool take_is_there(struct engine *e, struct take *k)
{
    if ( !store_has(e->dir, &k->id) )
        return false;
    log_info("generation %u: its file is there already", k->trigger.t.gen);
    return true;
}

/* Bounded; who is not quiescent then is noted, and its packets checked. */
static int take_quiesce(struct engine *e, struct take *k)
{
    struct xen_flightrec_op o;
    unsigned int i;
    int rc = 0;

    for ( i = 0; i < QUIESCE_TRIES; i++ )
    {
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_quiesce,
                                       .u.quiesce.gen = k->trigger.t.gen };
        rc = engine_op(e, &o);
        if ( rc || !o.u.quiesce.pending )
            break;
    }
    k->lat.quiescent = since(e, &k->trigger);
    k->meta.pending = rc ? 0 : o.u.quiesce.pending;
    if ( k->meta.pending )
        log_warning("freeze: pCPU %u and %u more: not quiescent; snapshot of "
                    "generation %u marked partial",
                    o.u.quiesce.first, k->meta.pending - 1,
                    k->trigger.t.gen);
    return rc;
}

static int take_put_meta(struct engine *e, struct take *k)
{
    char *text;
    int rc;

    k->meta.trigger = &k->trigger;
    k->meta.rings = &e->rings;
    k->meta.streams = k->streams;
    k->meta.domains = &e->domains;
    k->meta.xen = &e->xen;
    k->meta.host = e->uts.nodename;
    k->meta.kernel = e->uts.release;
    if ( e->pair[0].tsc )
        k->meta.pair[k->meta.nr_pairs++] = e->pair[0];
    k->meta.pair[k->meta.nr_pairs++] = e->pair[1];
    rc = meta_text(&k->meta, &text);
    if ( rc )
        return rc;
    rc = snapshot_put_meta(k->w, text, strlen(text));
    free(text);
    return rc;
}

static int take_put_note(struct take *k)
{
    char text[160];
    int n = snprintf(text, sizeof(text),
                     "{\"latency_ns\":{\"wake\":%" PRIu64
                     ",\"quiescent\":%" PRIu64 ",\"written\":%" PRIu64 "}}",
                     k->lat.wake, k->lat.quiescent, k->lat.written);

    return snapshot_put_note(k->w, text, n);
}

/* From the mapping into the page cache. */
static int take_write(struct engine *e, struct take *k)
{
    unsigned int i, bad = 0;
    int rc;

    rc = capture_find(&e->rings, k->trigger.t.gen, k->trigger.t.cpu,
                      &k->streams, &k->meta.nr_streams);
    if ( !rc )
        rc = store_begin(e->dir, &k->id, &k->fd);
    if ( !rc )
        rc = snapshot_create(k->fd, e->pair[1].wall_ns, &k->w);
    if ( !rc )
        rc = take_put_meta(e, k);
    for ( i = 0; !rc && i < k->meta.nr_streams; i++ )
        rc = capture_write(k->w, &k->streams[i], &bad);
    return rc ? rc : snapshot_flush(k->w);
}

/*
 * The slots go back to Xen before the disk is waited for, but not before the
 * file is complete: should we be killed then, the next engine gives it its name.
 */
static int take_finish(struct engine *e, struct take *k)
{
    struct snapshot_writer *w = k->w;
    int rc;

    k->lat.written = since(e, &k->trigger);
    rc = take_put_note(k);
    if ( rc )
        return rc;
    k->w = NULL;
    rc = snapshot_finish(w, &k->totals);
    if ( rc )
        return rc;
    rc = gen_op(e, XEN_FLIGHTREC_OP_release, k->trigger.t.gen);
    if ( rc )
        return rc == -ENOENT ? -ESTALE : -EREMOTEIO;
    k->released = true;
    rc = store_commit(e->dir, &k->id, k->fd);
    k->lat.durable = since(e, &k->trigger);
    return rc;
}

static uint16_t error_of(int rc)
{
    switch ( -rc )
    {
    case ESTALE:
    case ENOENT:
        return ANSWER_GONE;
    case EDQUOT:
        return ANSWER_BUDGET;
    case ENOSPC:
        return ANSWER_SPACE;
    case EREMOTEIO:
        return ANSWER_XEN;
    default:
        return ANSWER_IO;
    }
}

static void take_done(struct engine *e, struct take *k)
{
    struct store_budget budget = { e->conf.conf.max_files,
                                   e->conf.conf.max_bytes };

    e->counters.written++;
    e->counters.bytes_written += k->totals.file_bytes;
    e->last = k->lat;
    store_name(&k->id, e->last_file);
    log_info("%s: %" PRIu64 " records, %" PRIu64 " bytes%s; after the trigger: "
             "woken %" PRIu64 " us, quiescent %" PRIu64 " us, written %" PRIu64
             " us, durable %" PRIu64 " us",
             e->last_file, k->totals.records, k->totals.file_bytes,
             meta_partial(&k->meta, NULL) ? ", partial" : "",
             k->lat.wake / 1000, k->lat.quiescent / 1000,
             k->lat.written / 1000, k->lat.durable / 1000);
    store_make_room(e->dir, &budget, &k->id, &e->counters.evicted);
}

static void take_failed(struct engine *e, struct take *k, int rc)
{
    uint16_t error = error_of(rc);

    log_error("generation %u: no snapshot: %s (%s)", k->trigger.t.gen,
              proto_error_text(error), strerror(-rc));
    if ( error == ANSWER_BUDGET )
        e->counters.suppressed_budget++;
    else if ( error == ANSWER_GONE )
        e->counters.gone++;
    else
        e->counters.failed++;
    answer_all(e, k->trigger.t.gen, ANSWER_FAILED, error, NULL);
}

static int take_try(struct engine *e, struct take *k, uint32_t gen)
{
    struct store_budget budget = { e->conf.conf.max_files,
                                   e->conf.conf.max_bytes };
    int rc;

    rc = take_trigger(e, k, gen);
    if ( rc || take_is_there(e, k) )
        return rc;
    rc = store_make_room(e->dir, &budget, NULL, &e->counters.evicted);
    if ( !rc )
        rc = take_quiesce(e, k);
    if ( !rc )
        rc = take_write(e, k);
    if ( !rc )
        rc = take_finish(e, k);
    if ( !rc )
        take_done(e, k);
    return rc;
}

static void take_give_back(struct engine *e, struct take *k)
{
    uint32_t gen = k->trigger.t.gen;
    int rc = k->released ? 0 : gen_op(e, XEN_FLIGHTREC_OP_release, gen);

    if ( !rc || rc == -ENOENT )
        return;
    log_error("generation %u: Xen does not take it back: %s", gen,
              strerror(-rc));
    e->failed_gen = gen;
}

/* Whatever becomes of the file: the generation is given back. */
static void take(struct engine *e, uint32_t gen)
{
    struct take k = { .fd = -1, .trigger.t.gen = gen };
    int rc = take_try(e, &k, gen);

    snapshot_abort(k.w);
    if ( k.fd >= 0 )
    {
        if ( rc )
            store_abort(e->dir, &k.id);
        close(k.fd);
    }
    free(k.streams);
    take_give_back(e, &k);
    if ( rc )
        take_failed(e, &k, rc);
    else
        answer_all(e, gen, ANSWER_DONE, ANSWER_OK, &k.id);
    send_counters(e);
    malloc_trim(0);
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
        answer_all(e, 0, ANSWER_FAILED,
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
        answer_all(e, 0, ANSWER_FAILED, ANSWER_XEN, NULL);
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
        take(e, st.released + 1);
        return true;
    }
    if ( !request_waiting(&e->requests) )
        return false;
    if ( e->mapped && (st.state & XEN_FLIGHTREC_ST_RUNNING) )
        freeze(e);
    else
        answer_all(e, 0, ANSWER_FAILED, ANSWER_NO_RECORDER, NULL);
    return true;
}

/*
 * Control socket.
 */

static json_t *daemon_json(const struct engine *e)
{
    const struct counters *c = &e->counters;
    json_t *last = NULL;

    if ( e->last_file[0] )
        last = json_pack("{ss s{sI sI sI sI}}", "file", e->last_file,
                         "latency_ns", "wake", (json_int_t)e->last.wake,
                         "quiescent", (json_int_t)e->last.quiescent,
                         "written", (json_int_t)e->last.written,
                         "durable", (json_int_t)e->last.durable);
    return json_pack("{sI sI ss sI sI sI sI sI sI sI so*}",
                     "engine_pid", (json_int_t)getpid(),
                     "engine_starts", (json_int_t)e->conf.starts,
                     "state_dir", e->conf.conf.state,
                     "written", (json_int_t)c->written,
                     "bytes_written", (json_int_t)c->bytes_written,
                     "failed", (json_int_t)c->failed,
                     "suppressed_budget", (json_int_t)c->suppressed_budget,
                     "gone", (json_int_t)c->gone,
                     "evicted", (json_int_t)c->evicted,
                     "requests", (json_int_t)c->requests,
                     "last", last);
}

static void client_error(int fd, const char *text)
{
    send_client(fd, json_pack("{sb ss}", "ok", 0, "error", text));
}

static void client_status(struct engine *e, int fd)
{
    json_t *recorder;
    int rc = recorder_json(engine_op, e, &recorder);

    if ( rc )
        client_error(fd, hyp_why(rc));
    else
        send_client(fd, json_pack("{sb so so}", "ok", 1, "recorder", recorder,
                                  "daemon", daemon_json(e)));
}

static void client_switch(struct engine *e, int fd, bool start)
{
    int rc = start ? recorder_start(engine_op, e, e->conf.conf.bytes_per_cpu)
                   : recorder_stop(engine_op, e);

    log_info("control: %s: %s", start ? "start" : "stop",
             rc ? hyp_why(rc) : "done");
    if ( rc )
        client_error(fd, hyp_why(rc));
    else
        send_client(fd, json_pack("{sb}", "ok", 1));
}

/* True: the connection is the request's now. */
static bool client_snapshot(struct engine *e, int fd,
                            const struct control_request *in)
{
    size_t bytes = in->text_bytes < sizeof(in->text) ? in->text_bytes
                                                     : sizeof(in->text);
    struct request *q = request_add(&e->requests, FROM_SOCKET, in->text,
                                    bytes);
    struct log_text text;

    e->counters.requests++;
    log_info("request by socket: \"%s\"", log_escape(&text, in->text, bytes));
    if ( !q )
    {
        client_error(fd, proto_error_text(ANSWER_LIMIT));
        return false;
    }
    e->work = true;
    q->wait = in->flags & CONTROL_WAIT;
    if ( q->wait )
        q->client = fd;
    else
        send_client(fd, json_pack("{sb ss}", "ok", 1, "state", "accepted"));
    return q->wait;
}

/* True: the connection is a request's now.  One request each. */
static bool client_request(struct engine *e, int fd)
{
    struct control_request in;
    ssize_t n = recv(fd, &in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC);

    if ( n != sizeof(in) || in.magic != CONTROL_MAGIC )
        return false;
    switch ( in.op )
    {
    case CONTROL_STATUS:
        client_status(e, fd);
        return false;

    case CONTROL_START:
    case CONTROL_STOP:
        client_switch(e, fd, in.op == CONTROL_START);
        return false;

    case CONTROL_SNAPSHOT:
        return client_snapshot(e, fd, &in);

    default:
        client_error(fd, "the daemon does not know the request");
        return false;
    }
}

static void client_ready(struct engine *e, int *client)
{
    if ( !client_request(e, *client) )
        close(*client);
    *client = -1;
}

static void client_accept(struct engine *e)
{
    int fd = accept4(e->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), i;

    if ( fd < 0 )
        return;
    for ( i = 0; i < CLIENTS; i++ )
    {
        if ( e->client[i] >= 0 )
            continue;
        e->client[i] = fd;
        return;
    }
    client_error(fd, "too many connections at a time: ask again");
    close(fd);
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
            client_ready(e, &e->client[i]);
    if ( p[1].revents )
        client_accept(e);
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
    send_monitor(&e, &ready);
    if ( read_clocks(&e, &e.pair[0]) )
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
