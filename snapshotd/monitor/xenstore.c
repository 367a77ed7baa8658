/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore.c: the life of the process that talks to xenstored, and the messages
 * to it; part of the monitor.
 *
 * Xenstored may hang or be gone for any time; so the monitor waits for this
 * process at the daemon's start and end only, and there not for long.
 */

#include "snapshotd/monitor/xenstore.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"
#include "snapshotd/monitor/domains.h"

/* Silence after a PING that counts as a hang. */
#define HANG_MS         1000
/* A process that hangs while it connects is replaced after so long. */
#define CONNECT_MS      30000
/* The daemon's start and end wait so long for xenstored. */
#define START_MS        2000
#define END_MS          1000
/* A wake-up waits so long for the name of a domain that has just come. */
#define NAME_MS         100

/*
 * Life.
 */

static void closed(struct xenstore_child *x)
{
    child_close(&x->child);
    x->reply_owed = false;
    x->asked_ms = x->new_serial = 0;
    domains_owe(x->domains, OWED_XENSTORE);
    x->changed = true;
}

static void lost(struct xenstore_child *x)
{
    if ( !x->gone )
        log_error("xenstore: xenstored is gone: requests and names of new "
                  "domains wait for it; recording and crash snapshots go on");
    x->gone = true;
    x->hangs = false;
}

void monitor_xenstore_ended(struct xenstore_child *x, int status)
{
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

    x->child.pid = 0;
    closed(x);
    /* Not later than the heartbeat, at which its absence is noticed. */
    child_back_off(&x->child, false, x->conf->heartbeat_s * 1000ULL);
    if ( code == XENSTORE_GONE || code == XENSTORE_NOT_THERE )
        lost(x);
    else if ( WIFSIGNALED(status) )
        log_error("xenstore: ended by signal %d; starting a new one in %"
                  PRIu64 " ms", WTERMSIG(status), x->child.backoff_ms);
    else
        log_error("xenstore: ended with status %d; starting a new one in %"
                  PRIu64 " ms", code, x->child.backoff_ms);
}

void monitor_xenstore_replace(struct xenstore_child *x, const char *why)
{
    if ( !x->child.pid )
        return;
    child_kill(&x->child, SIGKILL);
    closed(x);
    child_back_off(&x->child, false, x->conf->heartbeat_s * 1000ULL);
    log_error("xenstore: %s: starting a new one in %" PRIu64 " ms", why,
              x->child.backoff_ms);
}

void monitor_xenstore_start(struct xenstore_child *x)
{
    struct msg c = { .type = MSG_CONF };

    if ( child_start(&x->child, &x->exec) )
        return;
    c.u.conf.conf = *x->conf;
    c.u.conf.starts = x->child.starts;
    c.u.conf.uid = x->user->uid;
    c.u.conf.gid = x->user->gid;
    c.u.conf.first = !x->was_up;
    child_send(&x->child, &c);
    x->conf_owed = false;
    x->health_owed = x->health.type == MSG_HEALTH;
    x->progress_ms = now_ms();
    x->asked_ms = x->progress_ms;
}

/* Receives until `done`, the end of the process, or for so long. */
static void serve(struct xenstore_child *x, const bool *done, uint64_t ms)
{
    const uint64_t end = now_ms() + ms;
    uint64_t now;

    while ( !*done && x->child.fd >= 0 && (now = now_ms()) < end )
    {
        struct pollfd p = { .fd = x->child.fd, .events = POLLIN };

        if ( poll(&p, 1, end - now) > 0 )
            monitor_xenstore_receive(x);
        monitor_xenstore_feed(x);
    }
}

bool monitor_xenstore_first(struct xenstore_child *x)
{
    int status;

    monitor_xenstore_start(x);
    serve(x, &x->child.ready, START_MS);
    if ( x->child.ready )
        return true;
    /* It closed its end: wait for the reason. */
    if ( x->child.fd < 0 && x->child.pid )
    {
        waitpid(x->child.pid, &status, 0);
        x->child.pid = 0;
        if ( WIFEXITED(status) && WEXITSTATUS(status) == XENSTORE_NOT_THERE )
            return false;
        monitor_xenstore_ended(x, status);
    }
    else
        monitor_xenstore_check(x);
    return true;
}

void monitor_xenstore_end(struct xenstore_child *x)
{
    struct msg out = { .type = MSG_END };
    const bool never = false;

    if ( !x->child.pid )
        return;
    if ( x->child.ready && child_send(&x->child, &out) )
        serve(x, &never, END_MS);
    if ( x->child.fd >= 0 )
        log_warning("xenstore: xenstored does not answer: the status nodes "
                    "stay");
    child_kill(&x->child, SIGKILL);
}

/*
 * Hangs.
 */

/* The time at which an answer that is waited for is late; 0 without one. */
static uint64_t late_ms(const struct xenstore_child *x)
{
    const uint64_t since = x->asked_ms > x->progress_ms ? x->asked_ms
                                                        : x->progress_ms;

    if ( !x->asked_ms )
        return 0;
    /* After a hang a new process waits for xenstored to go on. */
    return since + (x->hangs ? CONNECT_MS : HANG_MS);
}

void monitor_xenstore_check(struct xenstore_child *x)
{
    const uint64_t late = late_ms(x);

    if ( !late || now_ms() < late )
        return;
    if ( !x->hangs )
    {
        x->hangs = true;
        x->hung++;
        log_error("xenstore: xenstored does not answer: requests, answers and "
                  "names of new domains wait for it; recording and crash "
                  "snapshots go on");
    }
    child_kill(&x->child, SIGKILL);
    closed(x);
    x->child.restart_ms = 0;
}

int64_t monitor_xenstore_wait_ms(const struct xenstore_child *x)
{
    const uint64_t late = late_ms(x), now = now_ms();

    if ( !late )
        return -1;
    return late > now ? late - now : 0;
}

bool monitor_xenstore_up(const struct xenstore_child *x)
{
    return x->child.ready && !x->hangs;
}

int64_t monitor_xenstore_name_wait_ms(const struct xenstore_child *x,
                                      bool linked)
{
    const uint64_t end = x->new_ms + NAME_MS, now = now_ms();

    if ( !monitor_xenstore_up(x) || !x->new_serial || end <= now ||
         (linked && x->named >= x->new_serial) )
        return -1;
    return end - now;
}

/*
 * Messages from the process.
 */

static void got_ready(struct xenstore_child *x)
{
    x->child.ready = true;
    if ( x->gone )
        log_info("xenstore: connected again");
    else if ( x->hangs )
        log_info("xenstore: xenstored answers again");
    x->was_up = true;
    x->hangs = x->gone = false;
    x->changed = true;
    /* Domains may have come while it started. */
    x->introduced = true;
    monitor_xenstore_ping(x);
}

static void got_pong(struct xenstore_child *x, const struct msg_ping *p)
{
    if ( p->named && p->named <= x->serial )
        x->named = p->named;
    if ( p->serial == x->serial && !x->ping_owed )
        x->asked_ms = 0;
}

static bool may_ask(struct xenstore_child *x, const struct msg_guest *in)
{
    bool may;

    if ( in->source != FROM_GUEST || in->again )
        return true;
    may = limit_take(&x->limit, in->handle, &x->conf->guest,
                     now_ns(CLOCK_MONOTONIC));
    x->counters.asked++;
    x->counters.limited += !may;
    return may;
}

/* The number of a request, for a new process the one that it had. */
static uint64_t number_of(struct xenstore_child *x, const struct msg_guest *in)
{
    unsigned int i;

    for ( i = 0; in->again && i < XENSTORE_GIVEN; i++ )
        if ( x->given[i].key == in->key && x->given[i].number )
            return x->given[i].number;
    /* The newest only: the same node may be used many times. */
    for ( i = 0; i < XENSTORE_GIVEN && x->given[i].key != in->key; i++ )
        continue;
    if ( i == XENSTORE_GIVEN )
        i = x->next_given++ % XENSTORE_GIVEN;
    x->given[i].key = in->key;
    x->given[i].number = ++*x->number;
    return x->given[i].number;
}

static void got_question(struct xenstore_child *x, const struct msg *in)
{
    struct msg *r = &x->reply;
    const struct msg_guest *g = &in->u.guest;

    memset(r, 0, sizeof(*r));
    r->type = MSG_REPLY;
    r->seq = in->seq;
    if ( in->type == MSG_HAS_DOMAIN )
        r->u.guest.yes = monitor_domains_has(x->hyp, g->domid, g->handle);
    else
    {
        r->u.guest.yes = may_ask(x, g);
        r->u.guest.number = number_of(x, g);
    }
    x->reply_owed = true;
}

static bool got_message(struct xenstore_child *x, const struct msg *in)
{
    if ( !x->child.ready && in->type == MSG_READY )
    {
        got_ready(x);
        return true;
    }
    switch ( in->type )
    {
    case MSG_PONG:
        got_pong(x, &in->u.ping);
        return true;

    case MSG_HAS_DOMAIN:
    case MSG_MAY_ASK:
        got_question(x, in);
        return true;

    case MSG_HINT:
        x->introduced |= in->u.hint.introduced;
        x->released |= in->u.hint.released;
        return x->child.ready;

    case MSG_TALLY:
        if ( in->u.tally.event >= TALLIES )
            return false;
        x->counters.of[in->u.tally.event]++;
        return true;

    default:
        return false;
    }
}

void monitor_xenstore_receive(struct xenstore_child *x)
{
    struct msg in;
    int rc = proto_receive(x->child.fd, &in, MSG_DONTWAIT);

    if ( rc == -EAGAIN )
        return;
    x->progress_ms = now_ms();
    if ( !rc && got_message(x, &in) )
        return;
    if ( rc == -EPIPE )
    {
        /* SIGCHLD brings the rest. */
        closed(x);
        return;
    }
    log_error("xenstore: malformed message: killing it");
    kill(x->child.pid, SIGKILL);
    closed(x);
}

/*
 * Messages to the process.  Each function returns false if it must wait.
 */

static bool send_one(struct xenstore_child *x, bool *owed, struct msg *out)
{
    if ( *owed )
        *owed = !child_send(&x->child, out);
    return !*owed;
}

static bool send_conf(struct xenstore_child *x)
{
    struct msg c = { .type = MSG_CONF };

    if ( !x->conf_owed )
        return true;
    c.u.conf.conf = *x->conf;
    c.u.conf.starts = x->child.starts;
    return send_one(x, &x->conf_owed, &c);
}

static bool send_domains(struct xenstore_child *x)
{
    struct msg out = { .type = MSG_DOMAIN };
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < x->domains->nr; i++ )
    {
        d = &x->domains->entry[i];
        if ( !(d->owed & OWED_XENSTORE) )
            continue;
        out.u.domain = d->d;
        if ( !child_send(&x->child, &out) )
            return false;
        d->owed &= ~OWED_XENSTORE;
    }
    return true;
}

/* Last, so that its PONG covers all of it. */
static bool send_ping(struct xenstore_child *x)
{
    struct msg out = { .type = MSG_PING, .u.ping.serial = x->serial };

    return send_one(x, &x->ping_owed, &out);
}

bool monitor_xenstore_feed(struct xenstore_child *x)
{
    /* It asks before it is ready, too. */
    if ( x->child.fd < 0 || !send_one(x, &x->reply_owed, &x->reply) )
        return x->child.fd < 0;
    if ( !x->child.ready )
        return true;
    return send_conf(x) && send_domains(x) &&
           send_one(x, &x->health_owed, &x->health) && send_ping(x);
}

void monitor_xenstore_ping(struct xenstore_child *x)
{
    if ( !x->child.ready )
        return;
    if ( !x->ping_owed )
        x->serial++;
    x->ping_owed = true;
    if ( !x->asked_ms )
        x->asked_ms = now_ms();
}

void monitor_xenstore_new_domain(struct xenstore_child *x)
{
    if ( x->named >= x->new_serial )
        x->new_ms = now_ms();
    monitor_xenstore_ping(x);
    x->new_serial = x->serial;
}

void monitor_xenstore_await_names(struct xenstore_child *x)
{
    x->new_ms = now_ms();
    monitor_xenstore_ping(x);
    x->new_serial = x->serial;
}

void monitor_xenstore_health(struct xenstore_child *x,
                             const struct msg_health *h)
{
    x->health = (struct msg){ .type = MSG_HEALTH, .u.health = *h };
    x->health_owed = true;
    monitor_xenstore_ping(x);
}

void monitor_xenstore_reload(struct xenstore_child *x)
{
    x->conf_owed = true;
    monitor_xenstore_ping(x);
}
