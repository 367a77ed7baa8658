/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenstore/xenstore.c: the monitor's second thread, which alone talks to
 * xenstored.  A xenstored that hangs holds up this thread and nothing else:
 * what Xen holds is acknowledged, read and released, commands are answered, and
 * the watchdog is fed.
 *
 * The two threads share struct monitor under the lock of struct xs.  The main
 * one gives it up where it waits for events, this one where it waits for
 * xenstored (XS_CALL).  So whatever this one has looked at may be otherwise
 * after a call, but for what only it adds or removes: requests and guests.
 *
 * There is no queue between them that could be full.  What xenstore is to be
 * told lies where it belongs, the newest in place of the one before: an answer
 * in its request, a figure in its node's place, the domains in their table.
 */

#include "snapshotd/monitor/monitor-impl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "snapshotd/common/log.h"

/* So long one answer may take before xenstored is said to hang. */
#define PATIENCE_MS     1000
/* The start and the end of the daemon wait for it, but not longer. */
#define START_MS        2000
#define END_MS          1000
/* A domain that has just come: its name goes to the engine before its crash. */
#define NAME_MS         100
#define THREAD_STACK    (256 * 1024)

static void kick(int fd)
{
    const uint64_t one = 1;

    /* Full: it has not been read since, so it is readable. */
    if ( write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN )
        log_error("xenstore: eventfd: %s", strerror(errno));
}

static void take(int fd)
{
    uint64_t times;

    if ( read(fd, &times, sizeof(times)) < 0 && errno != EAGAIN )
        log_error("xenstore: eventfd: %s", strerror(errno));
}

/*
 * In the thread.
 */

static void lost(struct monitor *m)
{
    log_error("xenstore: xenstored is gone: requests and names of new domains "
              "are not seen until it is back; recording and crash snapshots "
              "go on");
    xs_disconnect(&m->xs);
    m->xenstore.up = false;
    health_changed(m);
}

static bool still_there(void *arg, uint16_t domid, const uint8_t handle[16])
{
    struct monitor *m = arg;
    const struct domain *d = domains_find(&m->domains, domid, handle);

    return d && !d->d.gone;
}

/* The gone ones first: a new one may have the number of one of them. */
static void watch_names(struct monitor *m, bool gone)
{
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < m->domains.nr; i++ )
    {
        d = &m->domains.entry[i];
        if ( d->d.gone != gone || d->watched == !gone )
            continue;
        d->watched = !gone;
        xs_watch_name(&m->xs, d->d.domid, !gone);
    }
}

/*
 * Names, and what guests need.  Should the table change meanwhile, it is gone
 * through again.
 */
static void domains(struct monitor *m)
{
    struct msg_domain d;
    unsigned int i;

    m->xenstore.domains = false;
    watch_names(m, true);
    guests_keep(&m->guests, still_there, m);
    watch_names(m, false);
    for ( i = 0; i < m->domains.nr; i++ )
    {
        d = m->domains.entry[i].d;
        if ( !d.gone && !d.name_bytes )
            monitor_name(m, d.domid, d.handle);
    }
    m->xenstore.named_ms = 0;
    for ( i = 0; i < m->domains.nr; i++ )
    {
        d = m->domains.entry[i].d;
        if ( !d.gone )
            guests_add(&m->guests, d.domid, d.handle);
    }
}

static void events(struct monitor *m)
{
    if ( m->xs.h && xs_drain(&m->xs) )
        lost(m);
    if ( m->xs.introduced || m->xs.released )
    {
        monitor_domains(m);
        /* Or what it has in xenstore has come. */
        m->xenstore.domains = true;
    }
    /* A watch fires once when it is set; an engine that starts looks anyway. */
    if ( m->xs.released && m->ready && !m->woken )
    {
        m->woken = true;
        m->wake = (struct msg_wake){ .source = WAKE_RELEASE };
    }
    m->xenstore.requests |= m->xs.requested;
    m->xenstore.review |= m->xs.reviewed;
    m->xs.introduced = m->xs.released = false;
    m->xs.requested = m->xs.reviewed = false;
}

static void guest_asked(void *arg, unsigned int serial)
{
    struct monitor *m = arg;

    guests_event(&m->guests, serial);
}

static void check_it(struct monitor *m)
{
    unsigned int i;

    m->xenstore.check = false;
    if ( m->xs.h )
    {
        if ( xs_alive(&m->xs) )
            lost(m);
        return;
    }
    if ( xs_connect(&m->xs) )
        return;
    log_info("xenstore: connected again");
    m->xenstore.up = true;
    health_xenstore_anew(m);
    for ( i = 0; i < m->domains.nr; i++ )
        m->domains.entry[i].watched = false;
    monitor_domains(m);
    m->xenstore.domains = true;
    guests_reconnected(&m->guests);
    m->xenstore.requests = true;
}

/* All that there is to do; what comes meanwhile is for the next turn. */
static void work(struct monitor *m)
{
    if ( m->xenstore.check )
        check_it(m);
    if ( m->xs.h )
        events(m);
    if ( m->xenstore.domains )
        domains(m);
    monitor_pass_answers(m);
    if ( m->xenstore.requests )
    {
        m->xenstore.requests = false;
        monitor_requests(m, false);
    }
    if ( m->xenstore.review )
    {
        m->xenstore.review = false;
        guests_review(&m->guests);
    }
    guests_work(&m->guests, monitor_ms());
    if ( m->xenstore.health )
    {
        m->xenstore.health = false;
        health_to_xenstore(m);
    }
}

/* Watches first, then what is there: nothing between them is missed. */
static void start(struct monitor *m)
{
    m->xenstore.rc = xs_connect(&m->xs);
    if ( m->xenstore.rc )
        return;
    m->xenstore.up = true;
    xs_answers_remove_all(&m->xs);
    monitor_requests(m, true);
}

static void wait_for_work(struct monitor *m)
{
    struct pollfd p[] = {
        { .fd = m->xs.fd, .events = POLLIN },
        { .fd = m->xenstore.kick, .events = POLLIN },
    };
    int timeout = guests_wait_ms(&m->guests, monitor_ms());

    /* Asked meanwhile: the next turn begins at once, and is waited for. */
    if ( !m->xenstore.kicked )
        m->xenstore.asked_ms = 0;
    pthread_mutex_unlock(&m->xs.lock);
    if ( poll(p, 2, timeout) > 0 && p[1].revents )
        take(m->xenstore.kick);
    pthread_mutex_lock(&m->xs.lock);
    m->xenstore.kicked = false;
}

static void *thread(void *arg)
{
    struct monitor *m = arg;

    pthread_mutex_lock(&m->xs.lock);
    start(m);
    m->xenstore.started = true;
    kick(m->xenstore.wake);
    while ( !m->xenstore.end )
    {
        wait_for_work(m);
        work(m);
        kick(m->xenstore.wake);
    }
    xs_status_remove(&m->xs);
    xs_disconnect(&m->xs);
    m->xenstore.ended = true;
    kick(m->xenstore.wake);
    pthread_mutex_unlock(&m->xs.lock);
    return NULL;
}

/*
 * In the main thread.
 */

void monitor_ask_xenstore(struct monitor *m)
{
    if ( !m->xenstore.asked_ms )
        m->xenstore.asked_ms = monitor_ms();
    m->xenstore.kicked = true;
    kick(m->xenstore.kick);
}

/* Waits, without the lock, until *flag or for so long. */
static bool wait_flag(struct monitor *m, const bool *flag, uint64_t ms)
{
    const uint64_t end = monitor_ms() + ms;
    struct pollfd p = { .fd = m->xenstore.wake, .events = POLLIN };
    uint64_t now;
    bool done;

    while ( !(done = *flag) && (now = monitor_ms()) < end )
    {
        pthread_mutex_unlock(&m->xs.lock);
        if ( poll(&p, 1, end - now) > 0 )
            take(p.fd);
        pthread_mutex_lock(&m->xs.lock);
    }
    return done;
}

int monitor_start_xenstore(struct monitor *m)
{
    pthread_attr_t attr;
    int rc;

    m->xs.renamed = monitor_renamed;
    m->xs.asked = guest_asked;
    m->xs.arg = m;
    m->xenstore.kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    m->xenstore.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if ( m->xenstore.kick < 0 || m->xenstore.wake < 0 )
        return -errno;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    rc = -pthread_create(&m->xenstore.thread, &attr, thread, m);
    pthread_attr_destroy(&attr);
    if ( rc )
        return rc;
    m->xenstore.running = true;
    m->xenstore.asked_ms = monitor_ms();
    if ( wait_flag(m, &m->xenstore.started, START_MS) )
        return m->xenstore.rc;
    monitor_check_xenstore(m);
    return 0;
}

bool monitor_end_xenstore(struct monitor *m)
{
    if ( !m->xenstore.running )
        return true;
    m->xenstore.end = true;
    kick(m->xenstore.kick);
    if ( !wait_flag(m, &m->xenstore.ended, END_MS) )
    {
        log_warning("xenstore: xenstored does not answer: the status nodes "
                    "stay");
        return false;
    }
    pthread_mutex_unlock(&m->xs.lock);
    pthread_join(m->xenstore.thread, NULL);
    pthread_mutex_lock(&m->xs.lock);
    return true;
}

bool monitor_xenstore_up(const struct monitor *m)
{
    return m->xenstore.up && !m->xenstore.hangs;
}

/* When an answer that is waited for is late; 0: nothing is waited for. */
static uint64_t late_ms(const struct monitor *m)
{
    uint64_t since = m->xenstore.asked_ms;

    if ( !since )
        return 0;
    if ( m->xs.answered_ms > since )
        since = m->xs.answered_ms;
    return since + PATIENCE_MS;
}

void monitor_check_xenstore(struct monitor *m)
{
    const uint64_t late = late_ms(m);

    take(m->xenstore.wake);
    if ( late && monitor_ms() >= late && !m->xenstore.hangs )
    {
        m->xenstore.hangs = true;
        m->xenstore.hung++;
        log_error("xenstore: xenstored does not answer: requests, answers and "
                  "names of new domains wait for it; recording and crash "
                  "snapshots go on");
        health_changed(m);
    }
    if ( late || !m->xenstore.hangs )
        return;
    m->xenstore.hangs = false;
    if ( m->xenstore.up )
        log_info("xenstore: xenstored answers again");
    health_changed(m);
}

int64_t monitor_xenstore_wait_ms(const struct monitor *m)
{
    const uint64_t late = late_ms(m), now = monitor_ms();

    if ( !late || m->xenstore.hangs )
        return -1;
    return late > now ? late - now : 0;
}

int64_t monitor_name_wait_ms(const struct monitor *m)
{
    const uint64_t end = m->xenstore.named_ms + NAME_MS, now = monitor_ms();

    if ( !m->xenstore.named_ms || !monitor_xenstore_up(m) || end <= now )
        return -1;
    return end - now;
}
