/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor.c: the privileged half.  It keeps Xen's handles and xenstore, carries
 * out the few operations that the engine may ask for, and starts the engine
 * anew when that died or when the buffers are others.  It decides nothing by
 * what a guest wrote: such bytes are passed on.
 */

#include "snapshotd/monitor/monitor-impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/ipc/control.h"
#include "snapshotd/common/log.h"

uint64_t monitor_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t monitor_ms(void)
{
    return monitor_ns(CLOCK_MONOTONIC) / 1000000;
}

int monitor_op(void *arg, struct xen_flightrec_op *op)
{
    return hyp_op(arg, op);
}

/*
 * Events.
 */

static void on_virq(struct monitor *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_clock };
    int rc = hyp_virq_ack(m->hyp, HYP_VIRQ_TRIGGER);

    if ( rc < 0 )
        log_error("virq: %s", strerror(-rc));
    if ( rc > 0 )
        return;
    m->wake = (struct msg_wake){ .source = WAKE_VIRQ };
    if ( !hyp_op(m->hyp, &o) )
    {
        m->wake.tsc = o.u.clock.tsc;
        m->wake.ns = o.u.clock.ns;
    }
    m->woken = true;
    /* Xenstored's word of a domain's begin may be on its way yet. */
    monitor_domains(m);
}

/* What an administrator wants, once nothing of ours is in the way of it. */
static void on_command(struct monitor *m)
{
    struct commands *c = &m->commands;

    commands_event(c, monitor_ms());
    if ( commands_unmap(c) && m->pid && monitor_ms() >= c->until_ms )
        monitor_replace_engine(m, "it does not give up its mapping");
    if ( !c->ready || (m->pid && commands_unmap(c)) )
        return;
    if ( c->command.verb == COMMAND_START && !c->command.create.bytes_per_cpu )
        c->command.create.bytes_per_cpu = m->conf.bytes_per_cpu;
    commands_run(c, monitor_op, m->hyp);
    if ( !m->pid )
        m->restart_ms = 0;
    monitor_check_engine(m);
}

static void on_heartbeat(struct monitor *m)
{
    uint64_t ticks;

    if ( read(m->heartbeat, &ticks, sizeof(ticks)) != sizeof(ticks) )
        return;
    health_watchdog(m);
    if ( monitor_ms() < m->check_ms )
        return;
    /* The timer's own ticks are not to be missed by a hair. */
    m->check_ms = monitor_ms() + m->conf.heartbeat_s * 1000ULL * 9 / 10;
    m->xenstore.check = true;
    monitor_ask_xenstore(m);
    if ( !monitor_xenstore_up(m) )
        monitor_domains(m);
    monitor_check_engine(m);
    health_work(m, true);
}

/*
 * The configuration anew; one that is wrong in anything changes nothing.  The
 * engine goes on with what it is doing, and lives by the new one after that.
 */
static void reload(struct monitor *m)
{
    struct conf c;
    char why[1024];
    uid_t uid;
    gid_t gid;
    int rc = conf_load(&c, m->opt->conf_path, why, sizeof(why));

    if ( rc )
        log_error("%s", why);
    if ( rc || monitor_find_user(c.user, &uid, &gid) ||
         hook_user(&m->hook, &c, uid, gid) )
    {
        log_error("configuration: the new one is wrong: the old one stays");
        return;
    }
    if ( strcmp(c.run, m->conf.run) )
        log_warning("configuration: run: is changed at the next start only");
    strcpy(c.run, m->conf.run);
    m->conf = c;
    m->uid = uid;
    m->gid = gid;
    m->conf_owed = true;
    m->guests.rule = c.guests;
    m->guests.rate = c.guest;
    m->xenstore.review = true;
    monitor_ask_xenstore(m);
    rc = monitor_set_heartbeat(m);
    if ( rc )
        log_error("heartbeat: %s", strerror(-rc));
    log_info("configuration: read anew");
    health_changed(m);
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
        /* It wants this moment, not what an earlier one asked for. */
        m->signal_gen = 0;
        break;
    case SIGHUP:
        reload(m);
        break;
    case SIGCHLD:
        monitor_reap(m);
        break;
    default:
        m->stop = true;
    }
}

/* The earlier of two times to wait; -1: for ever. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* -1: for ever. */
static int next_timeout(const struct monitor *m)
{
    uint64_t now = monitor_ms();
    int64_t wait = earlier(monitor_xenstore_wait_ms(m),
                           hook_wait_ms(&m->hook, now));

    /* Over by now: the next turn is due. */
    if ( m->name_waits )
        wait = earlier(wait, monitor_name_wait_ms(m) < 0
                                 ? 0
                                 : monitor_name_wait_ms(m));
    wait = earlier(wait, health_wait_ms(m));
    wait = earlier(wait, commands_timeout(&m->commands, now));
    if ( m->pid )
        return wait;
    return earlier(wait, m->restart_ms > now ? m->restart_ms - now : 0);
}

static void turn(struct monitor *m)
{
    bool owed = !monitor_feed(m);
    struct pollfd p[] = {
        { .fd = m->signals, .events = POLLIN },
        { .fd = m->virq, .events = POLLIN },
        { .fd = m->xenstore.wake, .events = POLLIN },
        { .fd = m->heartbeat, .events = POLLIN },
        { .fd = m->engine, .events = owed ? POLLIN | POLLOUT : POLLIN },
        { .fd = commands_fd(&m->commands), .events = POLLIN },
    };
    int timeout, nr;

    /* One operation at a time: the next when the reply is on its way. */
    if ( m->reply_owed )
        p[4].events = POLLOUT;
    timeout = next_timeout(m);
    pthread_mutex_unlock(&m->xs.lock);
    nr = poll(p, 6, timeout);
    pthread_mutex_lock(&m->xs.lock);
    if ( nr < 0 )
        return;
    if ( p[1].revents )
        on_virq(m);
    if ( p[4].revents & (POLLIN | POLLHUP | POLLERR) )
        monitor_receive(m);
    monitor_check_xenstore(m);
    if ( p[3].revents )
        on_heartbeat(m);
    if ( p[0].revents )
        on_signal(m);
    hook_work(&m->hook, &m->conf, monitor_ms());
    health_work(m, false);
    if ( p[5].revents || m->commands.client >= 0 )
        on_command(m);
    if ( !m->pid && monitor_ms() >= m->restart_ms )
        monitor_start_engine(m);
}

int monitor_run(const struct monitor_options *opt)
{
    static struct monitor mon = { .lock = -1, .control = -1, .virq = -1,
                                  .signals = -1, .heartbeat = -1,
                                  .engine = -1, .xs.fd = -1,
                                  .xs.lock = PTHREAD_MUTEX_INITIALIZER,
                                  .commands = { .listen = -1,
                                                .client = -1 } };
    struct monitor *m = &mon;
    int code;

    m->opt = opt;
    m->conf = opt->conf;
    notify_open(&m->health.notify);
    m->guests.xs = &m->xs;
    m->guests.rule = m->conf.guests;
    m->guests.rate = m->conf.guest;
    m->guests.there = monitor_has_domain;
    m->guests.arg = m;
    pthread_mutex_lock(&m->xs.lock);
    code = monitor_open(m);
    if ( !code )
    {
        monitor_create_buffers(m);
        monitor_domains(m);
        log_info("watching; snapshots go to %s", m->conf.state);
        while ( !m->stop )
            turn(m);
        log_info("ends; Xen goes on recording");
        monitor_end_engine(m);
        hook_end(&m->hook);
        health_end(m);
        monitor_remove_sockets(m);
    }
    /* A thread that hangs may use all of it until the process ends. */
    if ( !monitor_end_xenstore(m) )
        return code;
    hyp_close(m->hyp);
    domains_free(&m->domains);
    guests_free(&m->guests);
    return code;
}
