/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor.c: the privileged half.  It keeps Xen's handles and xenstore, carries
 * out the few operations that the engine may ask for, and starts the engine
 * anew when that died or when the buffers are others.  It decides nothing by
 * what a guest wrote: such bytes are passed on.
 *
 * What the engine is to know (domains, requests, a wake-up) is kept here and
 * marked as sent; a fresh engine is told all of it again.  It is sent without
 * blocking: an engine that does not listen holds up nobody.
 */

#include "monitor.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "domains.h"
#include "engine.h"
#include "lib/control.h"
#include "lib/hyp.h"
#include "lib/recorder.h"
#include "log.h"
#include "proto.h"
#include "xs.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS   30000
/* An engine that lived this long makes the back-off start again. */
#define BACKOFF_GOOD_MS  10000
/* So many engines may die of one generation before it is given back unread. */
#define GENERATION_TRIES 3

/* A request in xenstore. */
struct pending {
    bool used, sent;
    uint32_t number;
    size_t text_bytes;
    char name[XS_TRIGGER_NAME_MAX + 1];
    char text[PROTO_TEXT];
};

struct monitor {
    const struct monitor_options *opt;
    struct hyp *hyp;
    struct xs xs;
    int lock, control, virq, signals, heartbeat;
    bool stop;
    uid_t uid;             /* the engine's */
    gid_t gid;

    /* The engine. */
    pid_t pid;             /* 0: none */
    int engine;            /* socket, -1: none */
    bool ready;            /* it has mapped and dropped */
    uint32_t starts;
    uint64_t started_ms, restart_ms, backoff_ms;
    struct msg reply;      /* to its operation */
    bool reply_owed;
    struct counters counters; /* as it last told */

    /* What it is to know. */
    struct domains domains;
    struct pending pending[XS_TRIGGER_MAX];
    uint32_t number;       /* of the last request */
    bool signalled;        /* SIGUSR1 not yet passed on */
    uint32_t signal_number;/* of the last passed on; 0: it is answered */
    bool woken;
    struct msg_wake wake;

    uint64_t geometry;     /* of the buffers that the engine maps */
    uint32_t reading;      /* generation it acknowledged; 0: none */
    unsigned int deaths;   /* of engines over it */

    /* Names in result/, oldest first from `next_result` on. */
    char result[XS_TRIGGER_RESULTS][XS_TRIGGER_NAME_MAX + 1];
    unsigned int next_result;
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t now_ms(void)
{
    return now_ns(CLOCK_MONOTONIC) / 1000000;
}

static int op_arg(void *arg, struct xen_flightrec_op *op)
{
    return hyp_op(arg, op);
}

/*
 * Domains.
 */

/* A name is noted when it is seen, and not given up when it vanishes. */
static void note_name(struct monitor *m, struct msg_domain *d)
{
    char name[PROTO_TEXT];
    size_t bytes = xs_domain_name(&m->xs, d->domid, name, sizeof(name));

    if ( !bytes )
        return;
    memset(d->name, 0, sizeof(d->name));
    memcpy(d->name, name, bytes);
    d->name_bytes = bytes;
}

static void note_domain(struct monitor *m, const struct hyp_domain *in)
{
    struct domain *d = domains_get(&m->domains, in->domid, in->handle);
    struct msg_domain old;

    if ( !d )
        return;
    old = d->d;
    if ( !d->changed )
        xs_watch_name(&m->xs, in->domid, true);
    d->d.gone = false;
    d->d.vcpus = in->vcpus;
    d->d.shutdown = in->shutdown;
    d->d.reason = in->reason;
    if ( !d->d.name_bytes )
        note_name(m, &d->d);
    if ( !d->changed || memcmp(&old, &d->d, sizeof(old)) )
        domains_changed(&m->domains, d);
}

/* A migrated domain comes with another name than it gets in the end. */
static void domain_renamed(void *arg, unsigned int domid)
{
    struct monitor *m = arg;
    struct domain *d = domains_find(&m->domains, domid, NULL);
    struct msg_domain old;

    if ( !d || d->d.gone )
        return;
    old = d->d;
    note_name(m, &d->d);
    if ( memcmp(&old, &d->d, sizeof(old)) )
        domains_changed(&m->domains, d);
}

static void mark_gone(struct monitor *m, const struct hyp_domain *list,
                      unsigned int nr)
{
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < m->domains.nr; i++ )
        m->domains.entry[i].seen = false;
    for ( i = 0; i < nr; i++ )
    {
        d = domains_find(&m->domains, list[i].domid, list[i].handle);
        if ( d )
            d->seen = true;
    }
    for ( i = 0; i < m->domains.nr; i++ )
    {
        d = &m->domains.entry[i];
        if ( d->seen || d->d.gone )
            continue;
        d->d.gone = true;
        xs_watch_name(&m->xs, d->d.domid, false);
        domains_changed(&m->domains, d);
    }
}

/* The gone ones first: a new one may have the number of one of them. */
static void refresh_domains(struct monitor *m)
{
    struct hyp_domain *list;
    unsigned int nr, i;
    int rc = hyp_domains(m->hyp, &list, &nr);

    if ( rc )
    {
        log_error("domains: Xen does not list them: %s", hyp_why(rc));
        return;
    }
    mark_gone(m, list, nr);
    for ( i = 0; i < nr; i++ )
        note_domain(m, &list[i]);
    free(list);
}

/*
 * Requests in xenstore.
 */

/* Only so many answers stay: nobody else removes them. */
static void result_note(struct monitor *m, const char *name)
{
    char *slot = m->result[m->next_result];
    unsigned int i;

    for ( i = 0; i < XS_TRIGGER_RESULTS; i++ )
        if ( !strcmp(m->result[i], name) )
            return;
    if ( *slot )
        xs_answer_remove(&m->xs, slot);
    snprintf(slot, sizeof(m->result[0]), "%s", name);
    m->next_result = (m->next_result + 1) % XS_TRIGGER_RESULTS;
}

static void request_answer(struct monitor *m, const char *name, uint16_t state,
                           uint16_t error, const struct store_id *file)
{
    char leaf[STORE_NAME], path[CONF_PATH + STORE_NAME + 1];

    result_note(m, name);
    if ( file )
    {
        store_name(file, leaf);
        snprintf(path, sizeof(path), "%s/%s", m->opt->conf.state, leaf);
    }
    /* First: who sees a final answer finds the request gone. */
    if ( state != ANSWER_ACCEPTED )
        xs_request_remove(&m->xs, name);
    xs_answer(&m->xs, name, proto_state_name(state), file ? path : NULL,
              error ? proto_error_text(error) : NULL);
}

static struct pending *pending_by_name(struct monitor *m, const char *name)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
        if ( p->used && !strcmp(p->name, name) )
            return p;
    return NULL;
}

static struct pending *pending_by_number(struct monitor *m, uint32_t number)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
        if ( p->used && p->number == number )
            return p;
    return NULL;
}

static void request_new(struct monitor *m, const char *name)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
        if ( !p->used )
            break;
    /* It stays in xenstore, and is looked at again after an answer. */
    if ( p == m->pending + XS_TRIGGER_MAX )
        return;
    memset(p, 0, sizeof(*p));
    if ( !xs_request_text(&m->xs, name, p->text, sizeof(p->text),
                          &p->text_bytes) )
        return;
    strcpy(p->name, name);
    p->number = ++m->number;
    p->used = true;
}

/* `stale`: what is there was asked of nobody: we were not running. */
static void scan_requests(struct monitor *m, bool stale)
{
    unsigned int nr, i;
    char **names = xs_requests(&m->xs, &nr);

    for ( i = 0; i < nr; i++ )
    {
        if ( strlen(names[i]) > XS_TRIGGER_NAME_MAX )
        {
            log_warning("request: its name is longer than %d bytes: removed",
                        XS_TRIGGER_NAME_MAX);
            xs_request_remove(&m->xs, names[i]);
        }
        else if ( stale )
        {
            log_warning("request: a stale one from before the daemon's start "
                        "is not carried out");
            request_answer(m, names[i], ANSWER_STALE, ANSWER_OK, NULL);
        }
        else if ( !pending_by_name(m, names[i]) )
            request_new(m, names[i]);
    }
    free(names);
}

/*
 * Xenstore.
 */

static void xenstore_lost(struct monitor *m)
{
    log_error("xenstore: xenstored is gone: requests and names of new domains "
              "are not seen until it is back; recording and crash snapshots "
              "go on");
    xs_disconnect(&m->xs);
}

static void xenstore_events(struct monitor *m)
{
    if ( m->xs.h && xs_drain(&m->xs) )
        xenstore_lost(m);
    if ( m->xs.introduced || m->xs.released )
        refresh_domains(m);
    /* A watch fires once when it is set; an engine that starts looks anyway. */
    if ( m->xs.released && m->ready && !m->woken )
    {
        m->woken = true;
        m->wake = (struct msg_wake){ .source = WAKE_RELEASE };
    }
    if ( m->xs.requested )
        scan_requests(m, false);
    m->xs.introduced = m->xs.released = m->xs.requested = false;
}

static void xenstore_check(struct monitor *m)
{
    unsigned int i;

    if ( m->xs.h )
    {
        if ( xs_alive(&m->xs) )
            xenstore_lost(m);
        return;
    }
    if ( xs_connect(&m->xs) )
        return;
    log_info("xenstore: connected again");
    refresh_domains(m);
    for ( i = 0; i < m->domains.nr; i++ )
        if ( !m->domains.entry[i].d.gone )
            xs_watch_name(&m->xs, m->domains.entry[i].d.domid, true);
    scan_requests(m, false);
}

/*
 * The engine's operations.
 */

/* A fresh structure with the input that this operation has, nothing else. */
static int op_filter(const struct monitor *m, const struct xen_flightrec_op *in,
                     struct xen_flightrec_op *out)
{
    *out = (struct xen_flightrec_op){ .cmd = in->cmd };
    switch ( in->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
    case XEN_FLIGHTREC_OP_clock:
    case XEN_FLIGHTREC_OP_start:
    case XEN_FLIGHTREC_OP_stop:
    case XEN_FLIGHTREC_OP_freeze:
        return 0;

    case XEN_FLIGHTREC_OP_create:
        out->u.create.bytes_per_cpu = m->opt->conf.bytes_per_cpu;
        return 0;

    case XEN_FLIGHTREC_OP_quiesce:
        out->u.quiesce.gen = in->u.quiesce.gen;
        return 0;

    case XEN_FLIGHTREC_OP_ack:
    case XEN_FLIGHTREC_OP_release:
        out->u.gen.gen = in->u.gen.gen;
        return 0;

    case XEN_FLIGHTREC_OP_trigger:
        out->u.trigger.gen = in->u.trigger.gen;
        return 0;

    case XEN_FLIGHTREC_OP_cpu:
        out->u.cpu.cpu = in->u.cpu.cpu;
        out->u.cpu.channel = in->u.cpu.channel;
        return 0;

    default:
        return -EPERM;
    }
}

static void op_note(struct monitor *m, uint32_t cmd, uint32_t gen)
{
    if ( cmd == XEN_FLIGHTREC_OP_ack && gen != m->reading )
    {
        m->reading = gen;
        m->deaths = 0;
    }
    else if ( cmd == XEN_FLIGHTREC_OP_release )
        m->reading = 0;
}

static void engine_operation(struct monitor *m, const struct msg *in)
{
    struct msg *r = &m->reply;
    struct msg_op *o = &r->u.op;

    memset(r, 0, sizeof(*r));
    r->type = MSG_REPLY;
    r->seq = in->seq;
    r->rc = op_filter(m, &in->u.op.op, &o->op);
    o->wall_ns[0] = now_ns(CLOCK_REALTIME);
    o->mono_ns[0] = now_ns(CLOCK_MONOTONIC);
    if ( !r->rc )
        r->rc = hyp_op(m->hyp, &o->op);
    o->mono_ns[1] = now_ns(CLOCK_MONOTONIC);
    o->wall_ns[1] = now_ns(CLOCK_REALTIME);
    if ( !r->rc )
        op_note(m, in->u.op.op.cmd, in->u.op.op.u.gen.gen);
    m->reply_owed = true;
}

static void engine_answered(struct monitor *m, const struct msg_answer *a)
{
    struct pending *p = pending_by_number(m, a->number);
    char name[XS_TRIGGER_NAME_MAX + 1];

    if ( a->number == m->signal_number )
        m->signal_number = 0;
    if ( !p || a->state > ANSWER_STALE )
        return;
    strcpy(name, p->name);
    if ( a->state != ANSWER_ACCEPTED )
        p->used = false;
    request_answer(m, name, a->state, a->error,
                   a->state == ANSWER_DONE ? &a->file : NULL);
    if ( a->state != ANSWER_ACCEPTED )
        scan_requests(m, false);
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
    m->ready = m->reply_owed = false;
    m->signalled |= m->signal_number != 0;
    m->signal_number = 0;
    for ( i = 0; i < m->domains.nr; i++ )
        m->domains.entry[i].sent = false;
    for ( i = 0; i < XS_TRIGGER_MAX; i++ )
        m->pending[i].sent = false;
}

/* Something about this generation kills engines: better lose it. */
static void engine_died_reading(struct monitor *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_release,
                                  .u.gen.gen = m->reading };

    if ( !m->reading || ++m->deaths < GENERATION_TRIES )
        return;
    log_error("generation %u: %d engines died of it: given back unread",
              m->reading, GENERATION_TRIES);
    m->counters.failed++;
    hyp_op(m->hyp, &o);
    m->reading = 0;
}

static void engine_ended(struct monitor *m, int status)
{
    bool good = now_ms() - m->started_ms > BACKOFF_GOOD_MS;

    engine_close(m);
    m->pid = 0;
    /* 0: it asked for a fresh one, and was reading nothing. */
    good |= WIFEXITED(status) && !WEXITSTATUS(status);
    m->backoff_ms = good || !m->backoff_ms ? BACKOFF_FIRST_MS
                                           : 2 * m->backoff_ms;
    if ( m->backoff_ms > BACKOFF_MAX_MS )
        m->backoff_ms = BACKOFF_MAX_MS;
    m->restart_ms = now_ms() + m->backoff_ms;
    engine_died_reading(m);
    if ( WIFSIGNALED(status) )
        log_error("engine: ended by signal %d; a new one in %" PRIu64 " ms",
                  WTERMSIG(status), m->backoff_ms);
    else if ( WEXITSTATUS(status) )
        log_error("engine: ended with status %d; a new one in %" PRIu64 " ms",
                  WEXITSTATUS(status), m->backoff_ms);
}

static void reap(struct monitor *m)
{
    int status;
    pid_t pid;

    while ( (pid = waitpid(-1, &status, WNOHANG)) > 0 )
        if ( pid == m->pid )
            engine_ended(m, status);
}

/* Ends an engine that is to be replaced at once. */
static void engine_replace(struct monitor *m, const char *why)
{
    if ( !m->pid )
        return;
    log_info("engine: %s: a new one is started", why);
    kill(m->pid, SIGKILL);
    waitpid(m->pid, NULL, 0);
    engine_close(m);
    m->pid = 0;
    m->reading = 0;
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
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    _exit(1);
}

static void engine_send_conf(struct monitor *m)
{
    struct msg c = { .type = MSG_CONF };

    c.u.conf.conf = m->opt->conf;
    c.u.conf.counters = m->counters;
    c.u.conf.starts = ++m->starts;
    c.u.conf.uid = m->uid;
    c.u.conf.gid = m->gid;
    proto_send(m->engine, &c, MSG_DONTWAIT);
}

static uint64_t geometry(struct monitor *m);

static void engine_start(struct monitor *m)
{
    int fd[2], size = 1 << 20;

    m->started_ms = now_ms();
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
    engine_send_conf(m);
}

static void engine_ready(struct monitor *m)
{
    m->ready = true;
    if ( !m->woken )
        m->wake = (struct msg_wake){ .source = WAKE_START };
    m->woken = true;
}

/* A message from the engine.  Anything odd ends it. */
static void engine_message(struct monitor *m)
{
    struct msg in;
    int rc = proto_receive(m->engine, &in, MSG_DONTWAIT);

    if ( rc == -EAGAIN )
        return;
    if ( !rc && in.type == MSG_READY && !m->ready )
        engine_ready(m);
    else if ( !rc && in.type == MSG_OP && m->ready )
        engine_operation(m, &in);
    else if ( !rc && in.type == MSG_ANSWER && m->ready )
        engine_answered(m, &in.u.answer);
    else if ( !rc && in.type == MSG_COUNT && m->ready )
        m->counters = in.u.counters;
    else
    {
        if ( rc != -EPIPE )
            log_error("engine: sends what is no message: it is ended");
        /* SIGCHLD brings the rest. */
        kill(m->pid, SIGKILL);
        engine_close(m);
    }
}

/*
 * What the engine is owed.  Each returns false if it must wait.
 */

static bool send_engine(struct monitor *m, struct msg *out)
{
    return !proto_send(m->engine, out, MSG_DONTWAIT);
}

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
        if ( !p->used || p->sent )
            continue;
        r->number = p->number;
        r->source = FROM_XENSTORE;
        r->text_bytes = p->text_bytes;
        memcpy(r->text, p->text, sizeof(r->text));
        if ( !send_engine(m, &out) )
            return false;
        p->sent = true;
    }
    if ( !m->signalled )
        return true;
    *r = (struct msg_request){ .source = FROM_SIGNAL,
                               .number = m->number + 1 };
    if ( !send_engine(m, &out) )
        return false;
    m->signal_number = ++m->number;
    m->signalled = false;
    return true;
}

static bool send_wake(struct monitor *m)
{
    struct msg out = { .type = MSG_WAKE, .u.wake = m->wake };

    if ( m->woken )
        m->woken = !send_engine(m, &out);
    return !m->woken;
}

static bool send_reply(struct monitor *m)
{
    if ( m->reply_owed )
        m->reply_owed = !send_engine(m, &m->reply);
    return !m->reply_owed;
}

/* Who died before what died: the names go first.  True: nothing is owed. */
static bool feed_engine(struct monitor *m)
{
    if ( !m->ready )
        return true;
    return send_reply(m) && send_domains(m) && send_wake(m) &&
           send_requests(m);
}

/*
 * Events.
 */

static void on_virq(struct monitor *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_clock };
    int rc = hyp_virq_ack(m->hyp);

    if ( rc )
        log_error("virq: %s", strerror(-rc));
    m->wake = (struct msg_wake){ .source = WAKE_VIRQ };
    if ( !hyp_op(m->hyp, &o) )
    {
        m->wake.tsc = o.u.clock.tsc;
        m->wake.ns = o.u.clock.ns;
    }
    m->woken = true;
}

/* Changes when the engine's mapping is not all there is any more. */
static uint64_t geometry(struct monitor *m)
{
    struct xen_flightrec_op_status st;
    struct xen_flightrec_op o;
    uint64_t g = 14695981039346656037ULL;
    uint32_t cpu;

    if ( recorder_status(op_arg, m->hyp, &st) ||
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

static void check_geometry(struct monitor *m)
{
    if ( m->ready && geometry(m) != m->geometry )
        engine_replace(m, "the recorder's buffers have changed");
}

static void on_heartbeat(struct monitor *m)
{
    uint64_t ticks;

    if ( read(m->heartbeat, &ticks, sizeof(ticks)) != sizeof(ticks) )
        return;
    xenstore_check(m);
    check_geometry(m);
}

static void on_signal(struct monitor *m)
{
    struct signalfd_siginfo si;

    if ( read(m->signals, &si, sizeof(si)) != sizeof(si) )
        return;
    switch ( si.ssi_signo )
    {
    case SIGUSR1:
        m->signalled = true;
        break;
    case SIGCHLD:
        reap(m);
        break;
    default:
        m->stop = true;
    }
}

/* -1: for ever. */
static int next_timeout(const struct monitor *m)
{
    uint64_t now = now_ms();

    if ( m->pid )
        return -1;
    return m->restart_ms > now ? (int)(m->restart_ms - now) : 0;
}

static void turn(struct monitor *m)
{
    bool owed = !feed_engine(m);
    struct pollfd p[] = {
        { .fd = m->signals, .events = POLLIN },
        { .fd = m->virq, .events = POLLIN },
        { .fd = m->xs.fd, .events = POLLIN },
        { .fd = m->heartbeat, .events = POLLIN },
        { .fd = m->engine, .events = owed ? POLLIN | POLLOUT : POLLIN },
    };

    /* One operation at a time: the next when the reply is on its way. */
    if ( m->reply_owed )
        p[4].events = POLLOUT;
    if ( poll(p, 5, next_timeout(m)) < 0 )
        return;
    if ( p[1].revents )
        on_virq(m);
    if ( p[4].revents & (POLLIN | POLLHUP | POLLERR) )
        engine_message(m);
    if ( p[2].revents )
        xenstore_events(m);
    if ( p[3].revents )
        on_heartbeat(m);
    if ( p[0].revents )
        on_signal(m);
    if ( !m->pid && now_ms() >= m->restart_ms )
        engine_start(m);
}

/*
 * Start and end.
 */

static int code_of(int rc)
{
    switch ( -rc )
    {
    case EACCES:
        return EXIT_CODE_ROOT;
    case ENOENT:
        return EXIT_CODE_DOM0;
    case ENOSYS:
    case EPERM:
        return EXIT_CODE_XEN;
    case EPROTO:
        return EXIT_CODE_VERSION;
    case EEXIST:
        return EXIT_CODE_VIRQ;
    default:
        return EXIT_CODE_OTHER;
    }
}

static int open_xen(struct monitor *m)
{
    struct xen_flightrec_op_status st;
    int rc = hyp_open(m->opt->backend, &m->hyp);

    if ( !rc )
        rc = recorder_status(op_arg, m->hyp, &st);
    if ( rc )
        log_error("%s", hyp_why(rc));
    return code_of(rc) * !!rc;
}

/* Buffers that are there but stopped are an administrator's wish. */
static int create_buffers(struct monitor *m)
{
    struct xen_flightrec_op_status st;
    int rc = recorder_status(op_arg, m->hyp, &st);

    if ( rc || (st.state & XEN_FLIGHTREC_ST_CREATED) || !m->opt->conf.create )
        return rc;
    rc = recorder_start(op_arg, m->hyp, m->opt->conf.bytes_per_cpu);
    if ( rc )
        log_error("recorder: no buffers of %u bytes a pCPU: %s",
                  m->opt->conf.bytes_per_cpu, hyp_why(rc));
    else
        log_info("recorder: started with %u bytes a pCPU",
                 m->opt->conf.bytes_per_cpu);
    return rc;
}

static int find_user(struct monitor *m)
{
    const struct passwd *pw = getpwnam(m->opt->conf.user);

    if ( !pw )
    {
        log_error("user \"%s\" does not exist: create it (adduser --system "
                  "--group %s), or set user in [daemon]",
                  m->opt->conf.user, m->opt->conf.user);
        return EXIT_CODE_USER;
    }
    if ( !pw->pw_uid )
    {
        log_error("user \"%s\" is root: the engine needs one without rights",
                  m->opt->conf.user);
        return EXIT_CODE_USER;
    }
    m->uid = pw->pw_uid;
    m->gid = pw->pw_gid;
    return 0;
}

static int open_lock(struct monitor *m)
{
    m->lock = control_lock(m->opt->conf.run);
    if ( m->lock >= 0 )
        return 0;
    if ( m->lock == -EBUSY )
    {
        log_error("%s/" CONTROL_LOCK ": held: another snapshotd is running",
                  m->opt->conf.run);
        return EXIT_CODE_RUNNING;
    }
    log_error("%s/" CONTROL_LOCK ": %s", m->opt->conf.run,
              m->lock == -EPERM ? "the directory must be root's, and writable "
                                  "for nobody else"
                                : strerror(-m->lock));
    return EXIT_CODE_OTHER;
}

static int open_control(struct monitor *m)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    mode_t mask;
    int rc;

    if ( snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/" CONTROL_SOCKET,
                  m->opt->conf.run) >= (int)sizeof(sun.sun_path) )
    {
        log_error("%s: too long for a socket's path", m->opt->conf.run);
        return EXIT_CODE_CONF;
    }
    m->control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
                        0);
    /* We hold the lock: whoever made it is not there any more. */
    unlink(sun.sun_path);
    mask = umask(0177);
    rc = m->control < 0 ||
         bind(m->control, (struct sockaddr *)&sun, sizeof(sun)) ||
         listen(m->control, 8);
    umask(mask);
    if ( !rc )
        return 0;
    log_error("%s: %s", sun.sun_path, strerror(errno));
    return EXIT_CODE_OTHER;
}

static int open_virq(struct monitor *m)
{
    int rc = hyp_virq_bind(m->hyp, &m->virq);

    if ( !rc )
        return 0;
    log_error("virq: %s", hyp_why(rc));
    return code_of(rc);
}

/* Watches first, then what is there: nothing between them is missed. */
static int open_xenstore(struct monitor *m)
{
    int rc = xs_connect(&m->xs);

    if ( rc )
    {
        log_error("xenstore: no xenstored answers (%s): start it first",
                  strerror(-rc));
        return EXIT_CODE_XENSTORE;
    }
    xs_answers_remove_all(&m->xs);
    scan_requests(m, true);
    return 0;
}

static int open_events(struct monitor *m)
{
    struct itimerspec every = { .it_interval.tv_sec = m->opt->conf.heartbeat_s,
                                .it_value.tv_sec = m->opt->conf.heartbeat_s };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Before any thread exists. */
    if ( sigprocmask(SIG_BLOCK, &set, NULL) )
        goto fail;
    m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    m->heartbeat = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if ( m->signals < 0 || m->heartbeat < 0 ||
         timerfd_settime(m->heartbeat, 0, &every, NULL) )
        goto fail;
    return 0;

 fail:
    log_error("signals: %s", strerror(errno));
    return EXIT_CODE_OTHER;
}

static int open_all(struct monitor *m)
{
    int (*const steps[])(struct monitor *m) = {
        find_user, open_events,   open_lock,
        open_virq, open_xenstore, open_control,
    };
    unsigned int i;
    int code = open_xen(m);

    for ( i = 0; !code && i < sizeof(steps) / sizeof(steps[0]); i++ )
        code = steps[i](m);
    return code;
}

static void end_engine(struct monitor *m)
{
    if ( !m->pid )
        return;
    kill(m->pid, SIGTERM);
    waitpid(m->pid, NULL, 0);
    engine_close(m);
    m->pid = 0;
}

int monitor_run(const struct monitor_options *opt)
{
    static struct monitor mon = { .lock = -1, .control = -1, .virq = -1,
                                  .signals = -1, .heartbeat = -1,
                                  .engine = -1, .xs.fd = -1 };
    struct monitor *m = &mon;
    char path[CONF_PATH + sizeof(CONTROL_SOCKET) + 1];
    int code;

    m->opt = opt;
    m->xs.renamed = domain_renamed;
    m->xs.arg = m;
    code = open_all(m);
    if ( !code )
    {
        create_buffers(m);
        refresh_domains(m);
        log_info("watching; snapshots go to %s", opt->conf.state);
        while ( !m->stop )
            turn(m);
        log_info("ends; Xen goes on recording");
        end_engine(m);
        snprintf(path, sizeof(path), "%s/" CONTROL_SOCKET, opt->conf.run);
        unlink(path);
    }
    xs_disconnect(&m->xs);
    hyp_close(m->hyp);
    domains_free(&m->domains);
    return code;
}
