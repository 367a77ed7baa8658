/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* take.c: make a file of a generation that Xen holds; part of the engine. */

#include "snapshotd/engine/engine-impl.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"

#define QUIESCE_TRIES 20   /* each waits a bounded time inside Xen */

/* One snapshot being taken. */
struct take {
    struct engine *engine;
    struct trigger trigger;
    struct meta meta;
    struct stream *streams;
    struct store_id id;
    int fd;                /* -1: none begun */
    struct snapshot_writer *w;
    struct latency lat;
    struct snapshot_totals totals;
    enum outcome outcome;  /* the verdict; the reason of ECANCELED */
    struct store_room room;
    struct store_budget budget;
    bool to_disk;          /* an error from here on is the disk's ... */
    bool refused;          /* ... unless it is the budget's */
    bool released;
};

/* Xen's system time now, by the last clock pair. */
static uint64_t xen_ns(const struct engine *e)
{
    return now_ns(CLOCK_MONOTONIC) + e->xen_minus_mono;
}

static uint64_t since(const struct engine *e, const struct trigger *t)
{
    uint64_t now = xen_ns(e);

    return now > t->t.ns ? now - t->t.ns : 0;
}

/*
 * Taking a generation.
 */

/* Whether the VIRQ of this trigger, or of a later one, was the wake-up. */
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
        [FROM_GUEST] = "guest",
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

/* Add the request and the domain. */
static void trigger_fill(struct engine *e, struct trigger *t)
{
    struct request *q = NULL;
    struct domain *d;

    if ( t->t.cause == XEN_FLIGHTREC_CAUSE_REQUEST )
        q = queue_owner(&e->queue, REQUEST_FROZEN, t->t.gen);
    t->source = trigger_source(e, t, q);
    if ( q )
    {
        memcpy(t->text, q->text, q->text_bytes);
        t->text_bytes = q->text_bytes;
        t->by_guest = q->source == FROM_GUEST;
    }
    if ( q && t->by_guest )
    {
        t->t.domid = q->domid;
        memcpy(t->t.handle, q->handle, sizeof(t->t.handle));
    }
    d = trigger_has_domain(t)
            ? domains_find(&e->domains, t->t.domid, t->t.handle)
            : NULL;
    if ( d && d->name )
    {
        memcpy(t->name, d->name, d->name_bytes);
        t->name_bytes = d->name_bytes;
    }
}

static void trigger_log(const struct trigger *t)
{
    struct log_text text;

    if ( trigger_has_domain(t) && !t->by_guest )
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

/*
 * Acknowledges the generation, and gets its trigger, the clocks and the verdict:
 * one question.
 */
static int take_trigger(struct engine *e, struct take *k, uint32_t gen)
{
    struct msg m = { .type = MSG_TAKE, .u.take.gen = gen };
    const struct msg_take *in = &m.u.take;
    struct trigger *t = &k->trigger;
    int rc = engine_ask(e, &m);

    if ( rc )
        return rc;
    e->pair[1] = in->now;
    e->xen_minus_mono = in->now.ns - in->now.mono_ns;
    t->t = in->trigger;
    t->wall_ns = in->now.wall_ns - (in->now.ns - t->t.ns);
    t->wake_ns = virq_came(e, t) ? e->virq.ns : in->now.ns;
    k->lat.wake = t->wake_ns > t->t.ns ? t->wake_ns - t->t.ns : 0;
    k->outcome = in->outcome;
    if ( in->outcome >= OUTCOME_JUDGED && t->t.cause < STORE_CAUSES )
        e->counters.of[in->outcome][t->t.cause] = in->count;
    trigger_fill(e, t);
    trigger_id(t, &k->id);
    if ( engine_may_log(e, 'T') )
        trigger_log(t);
    return 0;
}

/* A former engine may have written it, and died before it gave it back. */
static bool take_is_there(struct engine *e, struct take *k)
{
    const struct xen_flightrec_trigger *t = &k->trigger.t;
    const struct store_moment when = { .tsc = t->tsc, .ns = t->ns };
    struct store_id id;

    if ( t->gen > e->old_gen || !store_find(e->dir, t->gen, &when, &id) )
        return false;
    k->id = id;
    log_info("generation %u: its file is there already", k->trigger.t.gen);
    return true;
}

struct store_budget engine_budget(const struct engine *e)
{
    const struct conf *c = &e->conf.conf;

    return (struct store_budget){ .max_files = c->max_files,
                                  .max_bytes = c->max_bytes,
                                  .min_free = c->min_free,
                                  .max_age_s = c->max_age_s };
}

/* Before each write, so that a slow disk counts as progress. */
static int take_room(void *arg, uint64_t bytes)
{
    struct take *k = arg;

    int rc;

    engine_progress(k->engine);
    rc = store_room(&k->room, bytes);
    k->refused |= rc == -EDQUOT;
    return rc;
}

/* Make room first: an empty file counts, too. */
static int take_begin(struct engine *e, struct take *k)
{
    const struct snapshot_how how = {
        .pool = background_pool(e->background),
        .level = e->conf.conf.compression_level,
    };
    int rc;

    k->budget = engine_budget(e);
    k->room = (struct store_room){ .dir = e->dir, .budget = &k->budget,
                                   .id = &k->id, .ages = &e->ages,
                                   .usage = &e->counters.store };
    rc = take_room(k, sizeof(struct snapshot_header));
    if ( !rc )
        rc = store_begin(e->dir, &k->id, &k->fd);
    if ( !rc )
        rc = snapshot_create_as(k->fd, e->pair[1].wall_ns, &how, &k->w);
    if ( !rc )
        snapshot_ask_room(k->w, take_room, k);
    return rc;
}

/* Bounded; pCPUs not quiescent by then are noted, their packets checked. */
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

/* Read records that Xen's own trace buffers hold, which are not mapped. */
static int take_fetch(struct engine *e, struct take *k)
{
    struct rings_fetched *f = &k->meta.fetched;
    int rc = rings_fetch(&e->rings, k->trigger.t.gen, k->trigger.t.tsc,
                         engine_op, e, f);

    if ( f->damaged || f->left_out )
        log_warning("generation %u: the trace buffers of %u pCPUs could not "
                    "be read to their end, %" PRIu64 " records found no room",
                    k->trigger.t.gen, f->damaged, f->left_out);
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
    k->meta.boot = e->ages.boot;
    k->meta.boot_s = age_boot_s();
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

static int take_put_note(struct engine *e, struct take *k)
{
    char text[200];
    int n = snprintf(text, sizeof(text),
                     "{\"latency_ns\":{\"wake\":%" PRIu64
                     ",\"quiescent\":%" PRIu64 ",\"written\":%" PRIu64
                     "},\"lost_in_dump\":%" PRIu64 "}",
                     k->lat.wake, k->lat.quiescent, k->lat.written,
                     rings_lost_since(&e->rings));

    return snapshot_put_note(k->w, text, n);
}

/* Write the streams of the trigger's pCPU, and start to sync them. */
static int take_write_first(struct engine *e, struct take *k, unsigned int *i,
                            unsigned int *bad)
{
    uint32_t cpu = k->trigger.t.cpu;
    int rc = 0;

    while ( !rc && *i < k->meta.nr_streams && k->streams[*i].cpu == cpu )
        rc = capture_write(k->w, &k->streams[(*i)++], bad);
    if ( rc || !*i )
        return rc;
    rc = snapshot_flush(k->w);
    if ( !rc )
        background_sync(e->background, k->fd);
    return rc;
}

/* Write all streams from the mapping to the file. */
static int take_write(struct engine *e, struct take *k)
{
    unsigned int i = 0, bad = 0;
    int rc;

    rc = capture_find(&e->rings, k->trigger.t.gen, k->trigger.t.cpu,
                      &k->streams, &k->meta.nr_streams);
    k->to_disk = !rc;
    if ( !rc )
        rc = take_begin(e, k);
    if ( !rc )
        rc = take_put_meta(e, k);
    if ( !rc )
        rc = take_write_first(e, k, &i, &bad);
    if ( rc )
        return rc;
    background_nice(e->background, true);
    while ( !rc && i < k->meta.nr_streams )
        rc = capture_write(k->w, &k->streams[i++], &bad);
    if ( !rc )
        rc = snapshot_flush(k->w);
    background_nice(e->background, false);
    return rc;
}

/*
 * Wait for the sync of the first part.  Its error must be taken from here, since
 * fsync() reports each only once.
 */
static int take_wait_first(struct engine *e, struct take *k)
{
    uint64_t mono, now;
    int rc = background_wait(e->background, &mono);

    now = mono + e->xen_minus_mono;
    if ( mono && now > k->trigger.t.ns )
        k->lat.first = now - k->trigger.t.ns;
    return rc;
}

static void count_held(struct engine *e, const struct take *k)
{
    const uint64_t ns = since(e, &k->trigger);

    e->counters.held_ns += ns;
    if ( ns > e->counters.held_max_ns )
        e->counters.held_max_ns = ns;
}

static int release(struct engine *e, uint32_t gen)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_release,
                                  .u.gen.gen = gen };

    return engine_op(e, &o);
}

/*
 * Release the slots before waiting for the disk, but not before the file is
 * complete: if this process is killed then, the next engine renames it.
 */
static int take_finish(struct engine *e, struct take *k)
{
    struct snapshot_writer *w = k->w;
    int rc;

    k->lat.written = since(e, &k->trigger);
    rc = take_put_note(e, k);
    if ( rc )
        return rc;
    k->w = NULL;
    rc = snapshot_finish(w, &k->totals);
    if ( rc )
        return rc;
    rc = release(e, k->trigger.t.gen);
    if ( rc )
        return rc == -ENOENT ? -ESTALE : -EREMOTEIO;
    k->released = true;
    count_held(e, k);
    rc = take_wait_first(e, k);
    if ( !rc )
        rc = store_commit(e->dir, &k->id, k->fd);
    if ( !rc )
        age_written(&e->ages, &k->id);
    k->lat.durable = since(e, &k->trigger);
    return rc;
}

static uint16_t error_of(const struct take *k, int rc)
{
    switch ( -rc )
    {
    case ESTALE:
        return ANSWER_GONE;
    case ENOENT: /* Xen does not have it; or the directory is not there */
        return k->to_disk ? ANSWER_IO : ANSWER_GONE;
    case EDQUOT: /* ours, or the disk's */
        return k->refused ? ANSWER_BUDGET : ANSWER_SPACE;
    case ENOSPC:
        return ANSWER_SPACE;
    case EREMOTEIO:
        return ANSWER_XEN;
    case ECANCELED:
        return ANSWER_RATE;
    default:
        return ANSWER_IO;
    }
}

/* Return -1 if it is about no domain. */
static int domid_of(const struct trigger *t)
{
    return trigger_has_domain(t) ? t->t.domid : -1;
}

static void take_done(struct engine *e, struct take *k)
{
    struct counters *c = &e->counters;
    char fields[ENGINE_FIELDS];

    count_add(c, OUTCOME_WRITTEN, k->id.cause);
    c->bytes_written += k->totals.file_bytes;
    c->store.files++;
    c->store.bytes += k->totals.file_bytes;
    if ( e->conf.conf.max_age_s )
        e->expire_ns = 0;
    c->durable++;
    c->durable_ns += k->lat.durable;
    if ( k->lat.durable > c->durable_max_ns )
        c->durable_max_ns = k->lat.durable;
    e->last = k->lat;
    store_name(&k->id, e->last_file);
    engine_fields(fields, &k->id, domid_of(&k->trigger), OUTCOME_WRITTEN,
                  e->last_file);
    log_fields(LOG_INFO, fields,
               "%s: %" PRIu64 " records, %" PRIu64 " bytes%s; after the "
               "trigger: woken %" PRIu64 " us, quiescent %" PRIu64 " us, its "
               "pCPU durable %" PRIu64 " us, written %" PRIu64 " us, durable "
               "%" PRIu64 " us",
               e->last_file, k->totals.records, k->totals.file_bytes,
               meta_partial(&k->meta, NULL) ? ", partial" : "",
               k->lat.wake / 1000, k->lat.quiescent / 1000,
               k->lat.first / 1000, k->lat.written / 1000,
               k->lat.durable / 1000);
}

/* For the hook and the reports, which are the monitor's. */
static void take_tell(struct engine *e, const struct take *k)
{
    const struct trigger *t = &k->trigger;
    struct msg m = { .type = MSG_SNAPSHOT };

    m.u.snapshot = (struct msg_snapshot){
        .file = k->id,
        .domid = t->t.domid,
        .has_domain = trigger_has_domain(t),
        .partial = meta_partial(&k->meta, NULL),
        .wall_ns = t->wall_ns,
        .records = k->totals.records,
        .bytes = k->totals.file_bytes,
        .wake_ns = k->lat.wake,
        .quiescent_ns = k->lat.quiescent,
        .written_ns = k->lat.written,
        .durable_ns = k->lat.durable,
    };
    engine_send(e, &m);
}

static enum outcome outcome_of(const struct take *k, int rc, uint16_t error)
{
    if ( rc == -ECANCELED )
        return k->outcome;
    return error == ANSWER_BUDGET ? OUTCOME_BUDGET
           : error == ANSWER_GONE ? OUTCOME_GONE
                                  : OUTCOME_FAILED;
}

static void take_failed(struct engine *e, struct take *k, int rc)
{
    const uint16_t error = error_of(k, rc);
    const enum outcome outcome = outcome_of(k, rc, error);
    char fields[ENGINE_FIELDS];

    if ( rc != -ECANCELED && engine_may_log(e, outcome) )
        log_fields(LOG_ERR,
                   engine_fields(fields, &k->id, domid_of(&k->trigger),
                                 outcome, NULL),
                   "generation %u: no snapshot: %s (%s)", k->trigger.t.gen,
                   request_error_text(error), strerror(-rc));
    engine_suppressed(e, &k->id, domid_of(&k->trigger), outcome);
    engine_answer_all(e, REQUEST_FROZEN, k->trigger.t.gen,
                      ANSWER_FAILED, error, NULL);
}

static int take_try(struct engine *e, struct take *k, uint32_t gen)
{
    int rc;

    rc = take_trigger(e, k, gen);
    if ( rc || take_is_there(e, k) )
        return rc;
    /* Limits or the configuration refuse it. */
    if ( k->outcome != OUTCOME_WRITTEN )
        return -ECANCELED;
    rc = take_quiesce(e, k);
    if ( !rc )
        rc = take_fetch(e, k);
    if ( !rc )
        rc = take_write(e, k);
    if ( !rc )
        rc = take_finish(e, k);
    if ( !rc )
    {
        take_done(e, k);
        take_tell(e, k);
    }
    return rc;
}

static void take_give_back(struct engine *e, struct take *k)
{
    uint32_t gen = k->trigger.t.gen;
    int rc = k->released ? 0 : release(e, gen);

    if ( !rc && !k->released && k->trigger.t.ns )
        count_held(e, k);
    if ( !rc || rc == -ENOENT )
        return;
    log_error("generation %u: release failed: %s", gen,
              strerror(-rc));
    e->failed_gen = gen;
}

void engine_take(struct engine *e, uint32_t gen)
{
    struct take k = { .engine = e, .fd = -1, .trigger.t.gen = gen,
                      .id.gen = gen };
    int rc = take_try(e, &k, gen);

    snapshot_abort(k.w);
    if ( k.fd >= 0 )
    {
        take_wait_first(e, &k);
        if ( rc )
            store_abort(e->dir, &k.id);
        close(k.fd);
    }
    free(k.streams);
    rings_done(&e->rings);
    /* Count it while Xen still holds it, so that a kill cannot lose it. */
    if ( rc )
        take_failed(e, &k, rc);
    take_give_back(e, &k);
    if ( !rc )
        engine_answer_all(e, REQUEST_FROZEN, gen, ANSWER_DONE, ANSWER_OK, &k.id);
    engine_send_counters(e);
    malloc_trim(0);
}
