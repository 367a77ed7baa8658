/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.c: the other process.  It is started anew when it died or when
 * the buffers are others; it may ask for a few operations, one at a time.
 *
 * What it is to know (domains, requests, a wake-up) is kept in struct monitor
 * and marked as sent; a fresh engine is told all of it again.  It is sent
 * without blocking: an engine that does not listen holds up nobody.
 */

#include "snapshotd/monitor/monitor-impl.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshotd/engine/engine.h"
#include "lib/xen/hyp-tbuf.h"
#include "lib/xen/hyp.h"
#include "snapshotd/common/log.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS   30000
/* An engine that lived this long makes the back-off start again. */
#define BACKOFF_GOOD_MS  10000
/* So many engines may die of one generation before it is given back unread. */
#define GENERATION_TRIES 3

/*
 * The engine's operations.
 */

/* Operations that Xen does not know go to the backend that does, or nowhere. */
static int tbuf_filter(const struct monitor *m,
                       const struct xen_flightrec_op *in,
                       struct xen_flightrec_op *out)
{
    struct hyp_tbuf_window w;

    if ( !hyp_is_tbuf(m->hyp) )
        return -EPERM;
    memcpy(&w, in->u.pad, sizeof(w));
    memcpy(out->u.pad, &w.cpu, sizeof(w.cpu));
    if ( in->cmd == HYP_OP_TBUF_WINDOW )
        memcpy(out->u.pad + sizeof(w.cpu), &w.gen, sizeof(w.gen));
    return 0;
}

/* A fresh structure with the input that this operation has, nothing else. */
static int op_filter(const struct monitor *m, const struct xen_flightrec_op *in,
                     struct xen_flightrec_op *out)
{
    *out = (struct xen_flightrec_op){ .cmd = in->cmd };
    switch ( in->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
    case XEN_FLIGHTREC_OP_clock:
    case XEN_FLIGHTREC_OP_freeze:
        return 0;

    case XEN_FLIGHTREC_OP_quiesce:
        out->u.quiesce.gen = in->u.quiesce.gen;
        return 0;

    case XEN_FLIGHTREC_OP_ack:
    case XEN_FLIGHTREC_OP_release:
        out->u.gen.gen = in->u.gen.gen;
        return 0;

    case HYP_OP_TBUF_FETCHED:
        out->u.gen.gen = in->u.gen.gen;
        return hyp_is_tbuf(m->hyp) ? 0 : -EPERM;

    case XEN_FLIGHTREC_OP_trigger:
        out->u.trigger.gen = in->u.trigger.gen;
        return 0;

    case XEN_FLIGHTREC_OP_cpu:
        out->u.cpu.cpu = in->u.cpu.cpu;
        out->u.cpu.channel = in->u.cpu.channel;
        return 0;

    case HYP_OP_TBUF_WINDOW:
    case HYP_OP_TBUF_COUNTERS:
        return tbuf_filter(m, in, out);

    default:
        return -EPERM;
    }
}

/*
 * All that the engine was told of is answered by this generation: should it die
 * now, the next one is not to freeze another one for it.
 */
static void note_frozen(struct monitor *m, uint32_t gen, uint64_t wall_s)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
    {
        if ( !p->used || !p->sent || p->gen || pending_final(p) )
            continue;
        p->gen = gen;
        p->frozen_s = wall_s;
    }
    guests_note_frozen(&m->guests, gen, wall_s);
    if ( m->signal_number && !m->signal_gen )
    {
        m->signal_gen = gen;
        m->signal_frozen_s = wall_s;
    }
}

/* Other buffers: their generations are others. */
static void forget_frozen(struct monitor *m)
{
    unsigned int i;

    for ( i = 0; i < XS_TRIGGER_MAX; i++ )
        m->pending[i].gen = 0;
    guests_forget_frozen(&m->guests);
    m->signal_gen = 0;
}

static void op_note(struct monitor *m, uint32_t cmd, uint32_t gen)
{
    if ( cmd == XEN_FLIGHTREC_OP_ack && gen != m->reading )
    {
        m->reading = gen;
        m->deaths = 0;
    }
    else if ( cmd == XEN_FLIGHTREC_OP_release )
    {
        m->reading = 0;
        m->released = gen;
        policy_forget(&m->policy);
    }
}

static void engine_operation(struct monitor *m, const struct msg *in)
{
    struct msg *r = &m->reply;
    struct msg_op *o = &r->u.op;

    memset(r, 0, sizeof(*r));
    r->type = MSG_REPLY;
    r->seq = in->seq;
    r->rc = op_filter(m, &in->u.op.op, &o->op);
    o->wall_ns[0] = monitor_ns(CLOCK_REALTIME);
    o->mono_ns[0] = monitor_ns(CLOCK_MONOTONIC);
    if ( !r->rc )
        r->rc = hyp_op(m->hyp, &o->op);
    o->mono_ns[1] = monitor_ns(CLOCK_MONOTONIC);
    o->wall_ns[1] = monitor_ns(CLOCK_REALTIME);
    if ( !r->rc )
        op_note(m, in->u.op.op.cmd, in->u.op.op.u.gen.gen);
    if ( !r->rc && in->u.op.op.cmd == XEN_FLIGHTREC_OP_freeze )
        note_frozen(m, o->op.u.freeze.gen, o->wall_ns[0] / 1000000000);
    m->reply_owed = true;
}

/* What Xen says of the generation decides, not what the engine does. */
static void engine_judge(struct monitor *m, const struct msg *in)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                  .u.trigger.gen = in->u.judge.gen };
    const uint64_t now = monitor_ns(CLOCK_MONOTONIC);
    struct msg *r = &m->reply;
    struct msg_judge *j = &r->u.judge;

    memset(r, 0, sizeof(*r));
    r->type = MSG_REPLY;
    r->seq = in->seq;
    /* Nothing of the question indexes anything: the engine chose it freely. */
    j->gen = in->u.judge.gen;
    j->cause = in->u.judge.cause;
    if ( !j->gen )
        j->outcome = policy_requests(&m->policy, &m->conf,
                                     j->cause == STORE_CAUSE_GUEST, now,
                                     &m->counters);
    else
        r->rc = hyp_op(m->hyp, &o);
    if ( j->gen && !r->rc )
    {
        j->cause = o.u.trigger.cause;
        j->outcome = policy_generation(&m->policy, &m->conf, &o.u.trigger, now,
                                       &m->counters);
    }
    if ( !r->rc && j->cause < STORE_CAUSES )
        j->count = m->counters.of[j->outcome][j->cause];
    m->reply_owed = true;
}

/*
 * The engine's life.
 */

static void engine_close(struct monitor *m)
{
    unsigned int i;

    if ( m->engine >= 0 )
        close(m->engine);
    m->engine = -1;
    m->ready = m->reply_owed = m->end_sent = false;
    m->signalled |= m->signal_number != 0;
    m->signal_number = 0;
    for ( i = 0; i < m->domains.nr; i++ )
        m->domains.entry[i].sent = false;
    for ( i = 0; i < XS_TRIGGER_MAX; i++ )
        m->pending[i].sent = false;
    guests_send_again(&m->guests);
}

/* Something about this generation kills engines: better lose it. */
static void engine_died_reading(struct monitor *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_release,
                                  .u.gen.gen = m->reading };
    struct xen_flightrec_op t = { .cmd = XEN_FLIGHTREC_OP_trigger,
                                  .u.trigger.gen = m->reading };

    if ( !m->reading || ++m->deaths < GENERATION_TRIES )
        return;
    log_error("generation %u: %d engines died of it: given back unread",
              m->reading, GENERATION_TRIES);
    if ( !hyp_op(m->hyp, &t) )
        count_add(&m->counters, OUTCOME_FAILED, t.u.trigger.cause);
    hyp_op(m->hyp, &o);
    m->reading = 0;
    policy_forget(&m->policy);
}

static void engine_ended(struct monitor *m, int status)
{
    bool good = monitor_ms() - m->started_ms > BACKOFF_GOOD_MS;

    health_changed(m);
    engine_close(m);
    m->pid = 0;
    /* 0: it asked for a fresh one, and was reading nothing. */
    good |= WIFEXITED(status) && !WEXITSTATUS(status);
    m->backoff_ms = good || !m->backoff_ms ? BACKOFF_FIRST_MS
                                           : 2 * m->backoff_ms;
    if ( m->backoff_ms > BACKOFF_MAX_MS )
        m->backoff_ms = BACKOFF_MAX_MS;
    m->restart_ms = monitor_ms() + m->backoff_ms;
    engine_died_reading(m);
    if ( WIFSIGNALED(status) )
        log_error("engine: ended by signal %d; a new one in %" PRIu64 " ms",
                  WTERMSIG(status), m->backoff_ms);
    else if ( WEXITSTATUS(status) )
        log_error("engine: ended with status %d; a new one in %" PRIu64 " ms",
                  WEXITSTATUS(status), m->backoff_ms);
}

void monitor_reap(struct monitor *m)
{
    int status;
    pid_t pid;

    while ( (pid = waitpid(-1, &status, WNOHANG)) > 0 )
        if ( pid == m->pid )
            engine_ended(m, status);
        else
            hook_reaped(&m->hook, pid, status);
}

/* Ends an engine that is to be replaced at once. */
void monitor_replace_engine(struct monitor *m, const char *why)
{
    if ( !m->pid )
        return;
    log_info("engine: %s: a new one is started", why);
    kill(m->pid, SIGKILL);
    waitpid(m->pid, NULL, 0);
    engine_close(m);
    m->pid = 0;
    m->reading = 0;
    policy_forget(&m->policy);
    m->restart_ms = 0;
}

/* In the child: no memory, handle or thread of ours gets to the engine. */
static void __attribute__((__noreturn__))
engine_exec(const struct monitor *m, int fd)
{
    char *argv[8] = { "snapshotd", "--engine" };
    sigset_t none;
    int n = 2, control = m->control;

    if ( m->opt->backend )
    {
        argv[n++] = "--backend";
        argv[n++] = (char *)m->opt->backend;
    }
    if ( m->opt->to_syslog )
        argv[n++] = "--syslog";
    /* Out of the way of the numbers they get. */
    if ( fd == ENGINE_FD_CONTROL )
        fd = dup(fd);
    if ( control == ENGINE_FD_MONITOR )
        control = dup(control);
    /* dup2() onto itself would leave close-on-exec set. */
    fd = fd == ENGINE_FD_MONITOR ? dup(fd) : fd;
    control = control == ENGINE_FD_CONTROL ? dup(control) : control;
    if ( dup2(fd, ENGINE_FD_MONITOR) < 0 ||
         dup2(control, ENGINE_FD_CONTROL) < 0 )
        _exit(1);
    close_range(ENGINE_FD_CONTROL + 1, ~0U, 0);
    /* What is meant for the daemon may be sent to all of it. */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    _exit(1);
}

static bool send_engine(struct monitor *m, struct msg *out)
{
    return !proto_send(m->engine, out, MSG_DONTWAIT);
}

static bool send_conf(struct monitor *m)
{
    struct msg c = { .type = MSG_CONF };

    if ( !m->conf_owed )
        return true;
    c.u.conf.conf = m->conf;
    c.u.conf.counters = m->counters;
    c.u.conf.starts = m->starts;
    c.u.conf.uid = m->uid;
    c.u.conf.gid = m->gid;
    m->conf_owed = !send_engine(m, &c);
    return !m->conf_owed;
}

/* Changes when the engine's mapping is not all there is any more. */
static uint64_t geometry(struct monitor *m)
{
    struct xen_flightrec_op_status st;
    struct xen_flightrec_op o;
    uint64_t g = 14695981039346656037ULL;
    uint32_t cpu;

    if ( hyp_status(monitor_op, m->hyp, &st) ||
         !(st.state & XEN_FLIGHTREC_ST_CREATED) )
        return 0;
    g = (g ^ st.incarnation) * 1099511628211ULL;
    for ( cpu = 0; cpu < st.nr_cpus; cpu++ )
    {
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_cpu,
                                       .u.cpu.cpu = cpu };
        if ( !hyp_op(m->hyp, &o) )
            g = (g ^ cpu ^ ((uint64_t)o.u.cpu.frames << 32)) *
                1099511628211ULL;
    }
    return g;
}

void monitor_start_engine(struct monitor *m)
{
    int fd[2], size = 1 << 20;

    m->started_ms = monitor_ms();
    m->restart_ms = m->started_ms + BACKOFF_MAX_MS;
    m->geometry = geometry(m);
    if ( socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) )
    {
        log_error("engine: no socket: %s", strerror(errno));
        return;
    }
    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    m->pid = fork();
    if ( !m->pid )
        engine_exec(m, fd[1]);
    close(fd[1]);
    m->engine = fd[0];
    if ( m->pid < 0 )
    {
        log_error("engine: no process: %s", strerror(errno));
        m->pid = 0;
        engine_close(m);
        return;
    }
    m->starts++;
    strcpy(m->state, m->conf.state);
    m->conf_owed = true;
    send_conf(m);
}

static void engine_ready(struct monitor *m, uint32_t incarnation)
{
    if ( incarnation != m->incarnation )
        forget_frozen(m);
    m->incarnation = incarnation;
    m->ready = true;
    m->health.alive = true;
    m->hook.counters_sent = false;
    health_changed(m);
    if ( !m->woken )
        m->wake = (struct msg_wake){ .source = WAKE_START };
    m->woken = true;
}

/* All but what is counted here. */
static void engine_counted(struct monitor *m, struct counters *in)
{
    memcpy(in->of[OUTCOME_JUDGED], m->counters.of[OUTCOME_JUDGED],
           sizeof(in->of) - OUTCOME_JUDGED * sizeof(in->of[0]));
    m->counters = *in;
    health_changed(m);
}

/* Only of what it has just given back, and once. */
static void engine_wrote(struct monitor *m, const struct msg_snapshot *s)
{
    if ( !m->released || s->file.gen != m->released )
        return;
    m->released = 0;
    health_snapshot(m, s);
    hook_add(&m->hook, &m->conf, m->state, s);
}

/* A message from the engine.  Anything odd ends it. */
void monitor_receive(struct monitor *m)
{
    struct msg in;
    int rc = proto_receive(m->engine, &in, MSG_DONTWAIT);

    if ( rc == -EAGAIN )
        return;
    if ( !rc && in.type == MSG_READY && !m->ready )
        engine_ready(m, in.u.op.op.u.status.incarnation);
    else if ( !rc && in.type == MSG_OP && m->ready )
        engine_operation(m, &in);
    else if ( !rc && in.type == MSG_JUDGE && m->ready )
        engine_judge(m, &in);
    else if ( !rc && in.type == MSG_ANSWER && m->ready )
        monitor_answered(m, &in.u.answer);
    else if ( !rc && in.type == MSG_COUNT && m->ready )
        engine_counted(m, &in.u.counters);
    else if ( !rc && in.type == MSG_PONG && m->ready )
        m->health.alive = true;
    else if ( !rc && in.type == MSG_SNAPSHOT && m->ready )
        engine_wrote(m, &in.u.snapshot);
    else
    {
        if ( rc != -EPIPE )
            log_error("engine: sends what is no message: it is ended");
        /* SIGCHLD brings the rest. */
        kill(m->pid, SIGKILL);
        engine_close(m);
    }
}

void monitor_check_engine(struct monitor *m)
{
    if ( m->ready && geometry(m) != m->geometry )
        monitor_replace_engine(m, "the recorder's buffers have changed");
}

void monitor_end_engine(struct monitor *m)
{
    if ( !m->pid )
        return;
    kill(m->pid, SIGTERM);
    waitpid(m->pid, NULL, 0);
    engine_close(m);
    m->pid = 0;
}

/*
 * What the engine is owed.  Each returns false if it must wait.
 */

static bool send_domains(struct monitor *m)
{
    struct msg out = { .type = MSG_DOMAIN };
    unsigned int i;

    for ( i = 0; i < m->domains.nr; i++ )
    {
        if ( m->domains.entry[i].sent )
            continue;
        out.u.domain = m->domains.entry[i].d;
        if ( !send_engine(m, &out) )
            return false;
        m->domains.entry[i].sent = true;
    }
    return true;
}

static bool send_requests(struct monitor *m)
{
    struct msg out = { .type = MSG_REQUEST };
    struct msg_request *r = &out.u.request;
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
    {
        if ( !p->used || p->sent || pending_final(p) )
            continue;
        r->number = p->number;
        r->source = FROM_XENSTORE;
        r->gen = p->gen;
        r->frozen_s = p->frozen_s;
        r->text_bytes = p->text_bytes;
        memcpy(r->text, p->text, sizeof(r->text));
        if ( !send_engine(m, &out) )
            return false;
        p->sent = true;
    }
    if ( !m->signalled )
        return true;
    *r = (struct msg_request){ .source = FROM_SIGNAL,
                               .number = m->number + 1,
                               .gen = m->signal_gen,
                               .frozen_s = m->signal_frozen_s };
    if ( !send_engine(m, &out) )
        return false;
    m->signal_number = ++m->number;
    m->signalled = false;
    return true;
}

static bool send_guests(struct monitor *m)
{
    struct msg out = { .type = MSG_REQUEST };
    struct msg_request *r = &out.u.request;
    struct guest *g;

    while ( (g = guests_unsent(&m->guests)) )
    {
        r->number = g->number;
        r->source = FROM_GUEST;
        r->domid = g->domid;
        r->gen = g->gen;
        r->frozen_s = g->frozen_s;
        memcpy(r->handle, g->handle, sizeof(r->handle));
        r->text_bytes = g->text_bytes;
        memcpy(r->text, g->text, sizeof(r->text));
        if ( !send_engine(m, &out) )
            return false;
        g->sent = true;
    }
    if ( m->guests.counters_sent )
        return true;
    out.type = MSG_GUESTS;
    out.u.guests = m->guests.counters;
    m->guests.counters_sent = send_engine(m, &out);
    return m->guests.counters_sent;
}

static bool send_ping(struct monitor *m)
{
    struct msg out = { .type = MSG_PING };

    if ( m->health.ping_owed )
        m->health.ping_owed = !send_engine(m, &out);
    return !m->health.ping_owed;
}

static bool send_hook(struct monitor *m)
{
    struct msg out = { .type = MSG_HOOK, .u.hook = m->hook.counters };

    if ( !m->hook.counters_sent )
        m->hook.counters_sent = send_engine(m, &out);
    return m->hook.counters_sent;
}

static bool send_wake(struct monitor *m)
{
    struct msg out = { .type = MSG_WAKE, .u.wake = m->wake };

    if ( m->woken && !m->name_waits )
        m->woken = !send_engine(m, &out);
    /* For a name it waits without holding up the rest. */
    return !m->woken || m->name_waits;
}

static bool send_reply(struct monitor *m)
{
    if ( m->reply_owed )
        m->reply_owed = !send_engine(m, &m->reply);
    return !m->reply_owed;
}

/* Last: it is to do all that it was told before. */
static bool send_end(struct monitor *m)
{
    struct msg out = { .type = MSG_END };

    if ( commands_unmap(&m->commands) && !m->end_sent )
        m->end_sent = send_engine(m, &out);
    return m->end_sent || !commands_unmap(&m->commands);
}

/* Who died before what died: the names go first.  True: nothing is owed. */
bool monitor_feed(struct monitor *m)
{
    m->name_waits = m->woken && monitor_name_wait_ms(m) >= 0;
    if ( !m->ready )
        return true;
    return send_reply(m) && send_ping(m) && send_conf(m) && send_domains(m) &&
           send_wake(m) && send_requests(m) && send_guests(m) &&
           send_hook(m) && send_end(m);
}
