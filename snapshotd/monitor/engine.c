/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.c: the engine's life and the messages to it; part of the monitor.
 *
 * Whatever the engine must know is kept here and marked as owed; a new engine is
 * sent all of it again.  Nothing is sent by blocking: an engine that does not
 * read holds up nothing else.
 */

#include "snapshotd/monitor/engine.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/xen/hyp.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"
#include "snapshotd/monitor/questions.h"

/* Engines that may die of one generation before it is given back unread. */
#define GENERATION_TRIES 3
#define BACKOFF_MAX_MS   30000

/*
 * Life.
 */

static void closed(struct engine_child *e)
{
    child_close(&e->child);
    e->q.reply_owed = e->end_sent = false;
    request_step(&e->signal, REQUEST_LOST);
    domains_owe(e->domains, OWED_ENGINE);
    e->guests_owed = e->hook_owed = true;
    e->changed = true;
}

/* Something about this generation kills engines: better lose it. */
static void died_reading(struct engine_child *e)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_release,
                                  .u.gen.gen = e->q.reading };
    struct xen_flightrec_op t = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                  .u.trigger.gen = e->q.reading };

    if ( !e->q.reading || ++e->q.deaths < GENERATION_TRIES )
        return;
    log_error("generation %u: %d engines died reading it: released unread",
              e->q.reading, GENERATION_TRIES);
    if ( !hyp_op(e->hyp, &t) )
        count_add(&e->q.counters, OUTCOME_FAILED, t.u.trigger.cause);
    hyp_op(e->hyp, &o);
    e->q.reading = 0;
    policy_forget(&e->q.policy);
}

void monitor_engine_ended(struct engine_child *e, int status)
{
    /* 0: it asked for a new one, and was reading nothing. */
    const bool good = WIFEXITED(status) && !WEXITSTATUS(status);

    e->child.pid = 0;
    closed(e);
    child_back_off(&e->child, good, BACKOFF_MAX_MS);
    died_reading(e);
    if ( WIFSIGNALED(status) )
        log_error("engine: ended by signal %d; starting a new one in %" PRIu64
                  " ms", WTERMSIG(status), e->child.backoff_ms);
    else if ( WEXITSTATUS(status) )
        log_error("engine: ended with status %d; starting a new one in %" PRIu64
                  " ms", WEXITSTATUS(status), e->child.backoff_ms);
}

void monitor_engine_replace(struct engine_child *e, const char *why)
{
    if ( !e->child.pid )
        return;
    log_info("engine: %s: starting a new one", why);
    child_kill(&e->child, SIGKILL);
    closed(e);
    e->q.reading = 0;
    policy_forget(&e->q.policy);
    e->child.restart_ms = 0;
}

void monitor_engine_end(struct engine_child *e)
{
    child_kill(&e->child, SIGTERM);
}

/* Changes when the engine's mapping does not cover all buffers any more. */
static uint64_t geometry(struct engine_child *e)
{
    struct xen_flightrec_op_status st;
    struct xen_flightrec_op o;
    uint64_t g = 14695981039346656037ULL;
    uint32_t cpu;

    if ( hyp_status(monitor_op, e->hyp, &st) ||
         !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        return 0;
    g = (g ^ st.incarnation) * 1099511628211ULL;
    for ( cpu = 0; cpu < st.nr_cpus; cpu++ )
    {
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_cpu,
                                       .u.cpu.cpu = cpu };
        if ( !hyp_op(e->hyp, &o) )
            g = (g ^ cpu ^ ((uint64_t)o.u.cpu.frames << 32)) *
                1099511628211ULL;
    }
    return g;
}

void monitor_engine_check(struct engine_child *e)
{
    if ( e->child.ready && geometry(e) != e->geometry )
        monitor_engine_replace(e, "the recorder's buffers have changed");
}

static bool send_conf(struct engine_child *e)
{
    struct msg c = { .type = MSG_CONF };

    if ( !e->conf_owed )
        return true;
    c.u.conf.conf = *e->conf;
    c.u.conf.counters = e->q.counters;
    c.u.conf.starts = e->child.starts;
    c.u.conf.uid = e->user->uid;
    c.u.conf.gid = e->user->gid;
    c.u.conf.incarnation = e->incarnation;
    memcpy(c.u.conf.freeze, e->q.freeze, sizeof(c.u.conf.freeze));
    e->conf_owed = !child_send(&e->child, &c);
    return !e->conf_owed;
}

void monitor_engine_start(struct engine_child *e)
{
    e->geometry = geometry(e);
    if ( child_start(&e->child, &e->exec) )
        return;
    strcpy(e->state, e->conf->state);
    e->conf_owed = true;
    send_conf(e);
}

/*
 * Messages from the engine.
 */

static void got_ready(struct engine_child *e, uint32_t incarnation)
{
    if ( incarnation != e->incarnation )
        monitor_forget_freezes(&e->q);
    e->incarnation = incarnation;
    e->child.ready = true;
    e->alive = e->changed = e->came = true;
    if ( !e->woken )
        monitor_engine_wake(e, WAKE_START, 0, 0);
}

/* Complete files of a former engine that one start may find. */
#define RECOVERED 8

/*
 * Counters only grow, and there are no more outcomes than generations that were
 * taken: so a captured engine can neither hide what happened nor make up much.
 */
static bool plausible(const struct engine_child *e, const struct counters *in)
{
    const struct counters *old = &e->q.counters;
    const uint64_t most = e->q.takes + RECOVERED * (uint64_t)e->child.starts;
    uint64_t sum = 0;
    unsigned int i, cause;

    for ( i = 0; i < OUTCOME_JUDGED; i++ )
        for ( cause = 0; cause < STORE_CAUSES; cause++ )
        {
            if ( in->of[i][cause] < old->of[i][cause] ||
                 (i != OUTCOME_REFUSED && in->of[i][cause] > most) )
                return false;
            sum += i == OUTCOME_REFUSED ? 0 : in->of[i][cause];
        }
    return sum <= most && in->requests >= old->requests &&
           in->durable >= old->durable && in->durable <= most &&
           in->bytes_written >= old->bytes_written &&
           in->held_ns >= old->held_ns && in->durable_ns >= old->durable_ns &&
           in->store.evicted >= old->store.evicted &&
           in->store.expired >= old->store.expired;
}

/* All but the outcomes that are counted here. */
static void got_counters(struct engine_child *e, struct counters *in)
{
    if ( !plausible(e, in) )
    {
        if ( !e->implausible )
            log_error("engine: implausible counters: ignored");
        e->implausible = true;
        return;
    }
    memcpy(in->of[OUTCOME_JUDGED], e->q.counters.of[OUTCOME_JUDGED],
           sizeof(in->of) - OUTCOME_JUDGED * sizeof(in->of[0]));
    e->q.counters = *in;
    e->changed = true;
}

/* Only of the generation just given back, and once. */
static void got_snapshot(struct engine_child *e, const struct msg_snapshot *s)
{
    if ( !e->q.released || s->file.gen != e->q.released )
        return;
    e->q.released = 0;
    e->snapshot = *s;
    e->wrote = true;
}

static bool got_message(struct engine_child *e, struct msg *in)
{
    if ( !e->child.ready )
    {
        if ( in->type == MSG_READY )
            got_ready(e, in->u.incarnation);
        return e->child.ready;
    }
    switch ( in->type )
    {
    case MSG_OP:
    case MSG_TAKE:
    case MSG_FREEZE:
        monitor_question(&e->q, in);
        return true;

    case MSG_ANSWER:
        if ( in->u.signal.number == e->signal.number )
            request_step(&e->signal, REQUEST_WRITE);
        return true;

    case MSG_COUNT:
        got_counters(e, &in->u.counters);
        return true;

    case MSG_PONG:
        e->alive = true;
        return true;

    case MSG_SNAPSHOT:
        got_snapshot(e, &in->u.snapshot);
        return true;

    case MSG_UNLINK:
        e->unlink = true;
        return true;

    default:
        return false;
    }
}

void monitor_engine_receive(struct engine_child *e)
{
    struct msg in;
    int rc = proto_receive(e->child.fd, &in, MSG_DONTWAIT);

    if ( rc == -EAGAIN )
        return;
    if ( !rc && got_message(e, &in) )
        return;
    if ( rc != -EPIPE )
        log_error("engine: malformed message: killing it");
    /* SIGCHLD brings the rest. */
    kill(e->child.pid, SIGKILL);
    closed(e);
}

/*
 * Messages to the engine.  Each function returns false if it must wait.
 */

static bool send_domains(struct engine_child *e)
{
    struct msg out = { .type = MSG_DOMAIN };
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < e->domains->nr; i++ )
    {
        d = &e->domains->entry[i];
        if ( !(d->owed & OWED_ENGINE) )
            continue;
        out.u.domain = d->d;
        if ( !child_send(&e->child, &out) )
            return false;
        d->owed &= ~OWED_ENGINE;
    }
    return true;
}

bool monitor_engine_knows(const struct engine_child *e)
{
    unsigned int i;

    for ( i = 0; i < e->domains->nr; i++ )
        if ( e->domains->entry[i].owed & OWED_ENGINE )
            return false;
    return e->child.ready;
}

static bool send_signal(struct engine_child *e)
{
    struct msg out = { .type = MSG_SIGNAL,
                       .u.signal.number = e->signal.number };

    if ( e->signal.state != REQUEST_OPEN )
        return true;
    if ( !child_send(&e->child, &out) )
        return false;
    request_step(&e->signal, REQUEST_SEND);
    return true;
}

static bool send_one(struct engine_child *e, bool *owed, struct msg *out)
{
    if ( *owed )
        *owed = !child_send(&e->child, out);
    return !*owed;
}

static bool send_counters(struct engine_child *e)
{
    struct msg guests = { .type = MSG_GUESTS, .u.guests = e->guests };
    struct msg hook = { .type = MSG_HOOK, .u.hook = e->hook };

    return send_one(e, &e->guests_owed, &guests) &&
           send_one(e, &e->hook_owed, &hook);
}

static bool send_ping(struct engine_child *e)
{
    struct msg out = { .type = MSG_PING };

    return send_one(e, &e->ping_owed, &out);
}

static bool send_wake(struct engine_child *e)
{
    struct msg out = { .type = MSG_WAKE, .u.wake = e->wake };

    /* While it waits for a name it does not hold up the rest. */
    return e->wake_held || send_one(e, &e->woken, &out);
}

/* Last: it must do all of the above first. */
static bool send_end(struct engine_child *e)
{
    struct msg out = { .type = MSG_END };

    if ( e->end_owed && !e->end_sent )
        e->end_sent = child_send(&e->child, &out);
    return e->end_sent || !e->end_owed;
}

bool monitor_engine_feed(struct engine_child *e)
{
    if ( !e->child.ready )
        return true;
    return send_one(e, &e->q.reply_owed, &e->q.reply) && send_ping(e) &&
           send_conf(e) && send_domains(e) && send_wake(e) && send_signal(e) &&
           send_counters(e) && send_end(e);
}

/* It wants this moment, not that of an earlier signal. */
void monitor_engine_signal(struct engine_child *e, uint64_t number)
{
    e->signal.source = FROM_SIGNAL;
    e->signal.number = number;
    request_step(&e->signal, REQUEST_ASK);
}

void monitor_engine_wake(struct engine_child *e, enum wake_source source,
                         uint64_t tsc, uint64_t ns)
{
    e->wake = (struct msg_wake){ .source = source, .tsc = tsc, .ns = ns };
    e->woken = true;
}

void monitor_engine_counters(struct engine_child *e,
                             const struct guest_counters *guests,
                             const struct hook_counters *hook)
{
    e->guests_owed |= memcmp(&e->guests, guests, sizeof(e->guests)) != 0;
    e->hook_owed |= memcmp(&e->hook, hook, sizeof(e->hook)) != 0;
    e->guests = *guests;
    e->hook = *hook;
}

void monitor_engine_reload(struct engine_child *e)
{
    e->conf_owed = true;
}

void monitor_engine_ping(struct engine_child *e)
{
    e->ping_owed = true;
}

void monitor_engine_hold(struct engine_child *e, bool hold)
{
    e->wake_held = hold;
}

void monitor_engine_unmap(struct engine_child *e, bool unmap)
{
    e->end_owed = unmap;
}

void monitor_engine_hurry(struct engine_child *e)
{
    if ( !e->child.pid )
        e->child.restart_ms = 0;
}
