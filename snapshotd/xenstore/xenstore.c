/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore.c: the loop of the xenstore process, which alone talks to xenstored
 * and so to guests.
 *
 * It connects while it is root, gives everything else away (common/sandbox.h),
 * and then does one thing at a time with plain blocking calls.  A xenstored that
 * hangs holds up this process and nothing else; the monitor replaces it.  When
 * xenstored is gone it ends, since only a new process, root at first, can
 * connect again.
 *
 * It keeps nothing that the next one could not find in xenstore or ask the
 * monitor for, but the names of domains that are gone from xenstore.
 */

#include "snapshotd/xenstore/xenstore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "snapshotd/common/domains.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"
#include "snapshotd/common/sandbox.h"
#include "snapshotd/xenstore/guests.h"
#include "snapshotd/xenstore/link.h"
#include "snapshotd/xenstore/requests.h"
#include "snapshotd/xenstore/status.h"
#include "snapshotd/xenstore/xs.h"

/* Messages of the engine between two looks at anything else. */
#define ENGINE_TURN 64

struct process {
    struct msg_conf conf;
    struct xs xs;
    struct link link;
    struct domains domains;
    struct guests guests;
    struct requests requests;
    struct status status;
    /* Noted by note(), done in the loop. */
    struct msg_health health;
    bool health_owed;
    bool domains_changed;
    bool review;           /* the rule for guests changed */
    bool end;
    bool settled;          /* the guests of all first domains are known */
    uint64_t ping;         /* PONG is owed with this serial; 0 if none */
};

/*
 * Domains.
 */

/*
 * A name is noted when it is seen, and kept when it vanishes.  The name read is
 * this domain's if Xen has it afterwards: its number may be used again.
 */
static void read_name(struct process *p, uint16_t domid,
                      const uint8_t handle[16])
{
    char name[PROTO_TEXT];
    size_t bytes = xs_domain_name(&p->xs, domid, handle, name, sizeof(name));
    struct domain *d;

    if ( !bytes || !link_has_domain(&p->link, domid, handle) )
        return;
    d = domains_find(&p->domains, domid, handle);
    if ( d && !d->d.gone && domains_set_name(d, name, bytes) )
        d->owed |= OWED_ENGINE;
}

/* For struct xs.  A migrated domain first comes with a temporary name. */
static void renamed(void *arg, unsigned int domid)
{
    struct process *p = arg;
    const struct domain *d = domains_find(&p->domains, domid, NULL);
    struct msg_domain now;

    if ( !d || d->d.gone )
        return;
    now = d->d;
    read_name(p, now.domid, now.handle);
}

static bool still_there(void *arg, uint16_t domid, const uint8_t handle[16])
{
    struct process *p = arg;
    const struct domain *d = domains_find(&p->domains, domid, handle);

    return d && !d->d.gone;
}

/* Ended ones first: a new one may have the number of one of them. */
static void watch_names(struct process *p, bool gone)
{
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < p->domains.nr; i++ )
    {
        d = &p->domains.entry[i];
        if ( d->d.gone != gone || d->watched == !gone )
            continue;
        d->watched = !gone;
        xs_watch_name(&p->xs, d->d.domid, !gone);
        link_progress(&p->link);
    }
}

/*
 * Names first, since a crash waits for them; then the nodes of guests.  The
 * table may grow during a question to the monitor: then all is done again.
 */
static void work_domains(struct process *p)
{
    struct msg_domain d;
    unsigned int i;

    watch_names(p, true);
    guests_keep(&p->guests, still_there, p);
    watch_names(p, false);
    for ( i = 0; i < p->domains.nr; i++ )
    {
        d = p->domains.entry[i].d;
        if ( !d.gone && !p->domains.entry[i].name_bytes )
            read_name(p, d.domid, d.handle);
    }
}

static void work_guests(struct process *p)
{
    struct msg_domain d;
    unsigned int i;

    for ( i = 0; i < p->domains.nr; i++ )
    {
        d = p->domains.entry[i].d;
        if ( !d.gone )
            guests_add(&p->guests, d.domid, d.handle);
    }
}

/*
 * Messages.
 */

static void got_conf(struct process *p, const struct msg_conf *in)
{
    p->conf = *in;
    p->guests.rule = in->conf.guests;
    p->review = true;
}

/* For struct link: notes only, since a question may be under way. */
static void note(void *arg, const struct msg *m)
{
    struct process *p = arg;

    switch ( m->type )
    {
    case MSG_CONF:
        got_conf(p, &m->u.conf);
        return;

    case MSG_DOMAIN:
        if ( domains_copy(&p->domains, &m->u.domain) )
            log_error("domain %u: no memory to note it", m->u.domain.domid);
        p->domains_changed = true;
        return;

    case MSG_HEALTH:
        p->health = m->u.health;
        p->health_owed = true;
        return;

    case MSG_PING:
        p->ping = m->u.ping.serial;
        return;

    case MSG_END:
        p->end = true;
        return;

    default:
        log_error("monitor: malformed message: ending");
        exit(1);
    }
}

/* For struct link. */
static void engine_lost(void *arg)
{
    struct process *p = arg;

    requests_lost(&p->requests);
    guests_lost(&p->guests);
    domains_owe(&p->domains, OWED_ENGINE);
}

/* For struct xs. */
static void guest_asked(void *arg, unsigned int serial)
{
    struct process *p = arg;

    guests_event(&p->guests, serial);
}

static void receive_engine(struct process *p)
{
    struct text_msg m;
    unsigned int i;

    for ( i = 0; i < ENGINE_TURN && !link_receive_engine(&p->link, &m); i++ )
    {
        requests_answer(&p->requests, m.number, &m.answer);
        guests_answer(&p->guests, m.number, m.answer.state);
        /* Even of an unknown request: the engine frees it then. */
        link_confirm(&p->link, m.number);
        link_progress(&p->link);
    }
}

/* Return false if something must wait. */
static bool send_names(struct process *p)
{
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < p->domains.nr; i++ )
    {
        d = &p->domains.entry[i];
        if ( !(d->owed & OWED_ENGINE) )
            continue;
        if ( d->name_bytes &&
             !link_send_name(&p->link, &d->d, d->name, d->name_bytes) )
            return false;
        d->owed &= ~OWED_ENGINE;
    }
    return true;
}

/* Everything that a former process accepted was sent: forget the rest. */
static bool send_sync(struct process *p)
{
    struct text_msg m = { .type = TEXT_SYNC };

    if ( !p->link.sync_owed || !p->settled || requests_resuming(&p->requests) ||
         guests_resuming(&p->guests) )
        return true;
    p->link.sync_owed = !link_send_engine(&p->link, &m);
    return !p->link.sync_owed;
}

/* Return true if nothing is owed to the engine. */
static bool feed_engine(struct process *p)
{
    return p->link.engine < 0 ||
           (send_names(p) && link_send_owed(&p->link) &&
            requests_send(&p->requests) && guests_send(&p->guests) &&
            send_sync(p));
}

/* The engine has all names that were to be had before this PING. */
static void pong_named(struct process *p, uint64_t ping)
{
    struct msg m = { .type = MSG_PONG, .u.ping.named = ping };

    if ( ping )
        link_send(&p->link, &m);
}

/* Everything before this PING is done. */
static void pong(struct process *p, uint64_t ping)
{
    struct msg m = { .type = MSG_PONG, .u.ping.serial = ping };

    if ( !ping )
        return;
    if ( p->ping == ping )
        p->ping = 0;
    p->link.progress_ms = now_ms();
    link_send(&p->link, &m);
}

/*
 * The loop.
 */

static void __attribute__((__noreturn__)) gone(void)
{
    exit(XENSTORE_GONE);
}

static void work_events(struct process *p)
{
    struct msg m = { .type = MSG_HINT };

    if ( xs_drain(&p->xs) )
        gone();
    m.u.hint.introduced = p->xs.introduced;
    m.u.hint.released = p->xs.released;
    if ( p->xs.introduced || p->xs.released )
        link_send(&p->link, &m);
    /* Its nodes may have come later than Xen's domain. */
    p->domains_changed |= p->xs.introduced || p->xs.released;
    p->requests.look |= p->xs.requested;
    p->review |= p->xs.reviewed;
    p->xs.introduced = p->xs.released = false;
    p->xs.requested = p->xs.reviewed = false;
}

static void work_health(struct process *p)
{
    if ( !p->health_owed )
        return;
    p->health_owed = false;
    status_write(&p->status, &p->xs, &p->health);
}

/* All work that is due; events during it are for the next turn. */
static void work(struct process *p)
{
    const uint64_t ping = p->ping;
    bool domains = p->domains_changed, review = p->review;

    p->domains_changed = p->review = false;
    if ( ping && xs_alive(&p->xs) )
        gone();
    work_events(p);
    domains |= p->domains_changed;
    p->domains_changed = false;
    if ( domains )
        work_domains(p);
    feed_engine(p);
    pong_named(p, ping);
    receive_engine(p);
    requests_look(&p->requests);
    feed_engine(p);
    if ( domains )
        work_guests(p);
    p->settled |= domains && p->domains.nr;
    if ( review )
        guests_review(&p->guests);
    guests_work(&p->guests, now_ms());
    work_health(p);
    if ( p->xs.failed && xs_alive(&p->xs) )
        gone();
    p->xs.failed = false;
    feed_engine(p);
    pong(p, ping);
}

/* Messages of the monitor that were noted during the work. */
static bool noted(const struct process *p)
{
    return p->ping || p->domains_changed || p->review || p->health_owed ||
           p->requests.look || p->end;
}

static void wait_for_work(struct process *p)
{
    const bool owed = !feed_engine(p);
    struct pollfd f[] = {
        { .fd = p->xs.fd, .events = POLLIN },
        { .fd = p->link.monitor, .events = POLLIN },
        { .fd = p->link.engine, .events = owed ? POLLIN | POLLOUT : POLLIN },
    };
    int64_t timeout = guests_wait_ms(&p->guests, now_ms());

    if ( noted(p) )
        timeout = 0;
    if ( poll(f, 3, timeout) > 0 && f[1].revents )
        link_receive(&p->link, false);
}

/*
 * The start.
 */

/* A root directory that is empty, and in which nothing can be made. */
static int open_root(const char *run, int *fd)
{
    char path[CONF_PATH + 16];

    snprintf(path, sizeof(path), "%s/.empty", run);
    if ( mkdir(path, 0700) && errno != EEXIST )
        return -errno;
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if ( *fd < 0 )
        return -errno;
    rmdir(path);
    return 0;
}

/* Without rights: the library's thread must have none either. */
static int watch(void *arg)
{
    struct process *p = arg;

    if ( !xs_watch_all(&p->xs) )
        return 0;
    log_error("watch: %s", strerror(errno));
    return -ECONNRESET;
}

static int connect_to_xenstored(struct process *p)
{
    int rc = xs_connect(&p->xs);

    if ( rc && p->conf.first )
        log_error("no xenstored answers (%s): start it first", strerror(-rc));
    return rc ? XENSTORE_NOT_THERE : 0;
}

static int prepare(struct process *p)
{
    struct msg m;
    int fd, root = -1, status, rc;

    p->link.monitor = XENSTORE_FD_MONITOR;
    if ( proto_receive_fd(p->link.monitor, &m, 0, &fd) || m.type != MSG_CONF )
        return 1;
    got_conf(p, &m.u.conf);
    prctl(PR_SET_NAME, "snapshotd-xs");
    status = connect_to_xenstored(p);
    if ( status )
        return status;
    rc = open_root(p->conf.conf.run, &root);
    /* Reads a file at its first use, which is out of reach later. */
    tzset();
    if ( !rc )
        rc = sandbox_enter(SANDBOX_XENSTORE, root, p->conf.uid, p->conf.gid,
                           watch, p);
    if ( rc == -ECONNRESET )
        return XENSTORE_GONE;
    if ( rc )
        log_error("sandbox: %s: ending", strerror(-rc));
    return rc ? 1 : 0;
}

int xenstore_run(void)
{
    static struct process p = {
        .link = { .engine = -1, .note = note, .lost = engine_lost, .arg = &p },
        .xs = { .renamed = renamed, .asked = guest_asked, .arg = &p },
        .guests = { .xs = &p.xs, .link = &p.link },
        .requests = { .xs = &p.xs, .link = &p.link },
    };
    struct msg ready = { .type = MSG_READY };
    int status = prepare(&p);

    if ( status )
        return status;
    /* Watches first, then the nodes: nothing between them is missed. */
    p.guests.first = p.conf.first;
    requests_start(&p.requests, p.conf.first);
    link_send(&p.link, &ready);
    while ( !p.end )
    {
        wait_for_work(&p);
        work(&p);
    }
    xs_status_remove(&p.xs);
    return 0;
}
