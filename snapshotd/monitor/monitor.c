/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor.c: the loop of the monitor, the privileged process.  It keeps Xen's
 * handles, carries out the few operations that the other processes may ask for,
 * and starts these again when they end.  It has one thread, blocks on none of
 * the others, and sees no byte that a guest wrote.
 *
 * Each part below it has a structure of its own, which only it writes; events
 * of one part that matter to another pass through here.
 */

#include "snapshotd/monitor/monitor.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/ipc/control.h"
#include "lib/xen/hyp.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"
#include "snapshotd/monitor/commands.h"
#include "snapshotd/monitor/domains.h"
#include "snapshotd/monitor/engine.h"
#include "snapshotd/monitor/health.h"
#include "snapshotd/monitor/hook.h"
#include "snapshotd/monitor/lines.h"
#include "snapshotd/monitor/open.h"
#include "snapshotd/monitor/xenstore.h"

struct monitor {
    const struct monitor_options *opt;
    struct conf conf;
    struct user user;
    struct hyp *hyp;
    int lock, control, virq, signals, heartbeat;
    bool stop;
    uint64_t check_ms;     /* the next heartbeat */
    uint64_t number;       /* the last number given to a request */
    struct domains domains;
    struct engine_child engine;
    struct xenstore_child xenstore;
    struct lines lines;
    struct commands commands;
    struct hook hook;
    struct health health;
};

/*
 * Events.
 */

static void update_domains(struct monitor *m)
{
    bool is_new;

    if ( !monitor_domains_update(&m->domains, m->hyp, &is_new) )
        return;
    if ( is_new )
        monitor_xenstore_new_domain(&m->xenstore);
    else
        monitor_xenstore_ping(&m->xenstore);
}

static void on_virq(struct monitor *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_clock };
    int rc = hyp_virq_ack(m->hyp, HYP_VIRQ_TRIGGER);

    if ( rc < 0 )
        log_error("virq: %s", strerror(-rc));
    if ( rc > 0 )
        return;
    if ( hyp_op(m->hyp, &o) )
        o.u.clock.tsc = o.u.clock.ns = 0;
    monitor_engine_wake(&m->engine, WAKE_VIRQ, o.u.clock.tsc, o.u.clock.ns);
    /* xenstored's event for a new domain may still be on its way. */
    update_domains(m);
}

/* Carried out once no mapping of ours is in its way. */
static void on_command(struct monitor *m)
{
    struct commands *c = &m->commands;
    const struct child *engine = &m->engine.child;

    commands_event(c, now_ms());
    if ( commands_unmap(c) && engine->pid && now_ms() >= c->until_ms )
        monitor_engine_replace(&m->engine, "it does not give up its mapping");
    if ( !c->ready || (engine->pid && commands_unmap(c)) )
        return;
    if ( c->command.verb == COMMAND_START && !c->command.create.bytes_per_cpu )
        c->command.create.bytes_per_cpu = m->conf.bytes_per_cpu;
    commands_run(c, monitor_op, m->hyp);
    monitor_engine_hurry(&m->engine);
    monitor_engine_check(&m->engine);
    /* Last: the next question of this client is for the engine that remains. */
    commands_answer(c);
}

static void work_health(struct monitor *m, bool heartbeat)
{
    const struct engine_child *e = &m->engine;
    const struct health_facts f = {
        .hyp = m->hyp,
        .conf = &m->conf,
        .counters = &e->q.counters,
        .guests = &m->xenstore.counters,
        .hook = &m->hook.counters,
        .engine_ready = e->child.ready,
        .engine_failing = e->child.backoff_ms != 0,
        .engine_starts = e->child.starts,
        .xenstore_up = monitor_xenstore_up(&m->xenstore),
        .xenstore_hung = m->xenstore.hung,
    };

    if ( health_work(&m->health, &f, heartbeat) )
        monitor_xenstore_health(&m->xenstore, &m->health.nodes);
}

static void on_heartbeat(struct monitor *m)
{
    uint64_t ticks;

    if ( read(m->heartbeat, &ticks, sizeof(ticks)) != sizeof(ticks) )
        return;
    if ( health_watchdog(&m->health, m->engine.child.pid) )
        monitor_engine_ping(&m->engine);
    if ( now_ms() < m->check_ms )
        return;
    /* The timer's own ticks must not be missed by a hair. */
    m->check_ms = now_ms() + m->conf.heartbeat_s * 1000ULL * 9 / 10;
    monitor_xenstore_ping(&m->xenstore);
    if ( !monitor_xenstore_up(&m->xenstore) )
        update_domains(m);
    monitor_engine_check(&m->engine);
    work_health(m, true);
}

static int set_heartbeat(struct monitor *m)
{
    return open_heartbeat(m->heartbeat, &m->conf, m->health.notify.watchdog_ms);
}

/*
 * Reads the configuration again; one with any error changes nothing.  The engine
 * finishes its work, and follows the new one after that.
 */
static void reload(struct monitor *m)
{
    struct user user;
    struct conf c;
    char why[1024];
    int rc = conf_load(&c, m->opt->conf_path, why, sizeof(why));

    if ( rc )
        log_error("%s", why);
    if ( rc || open_user(c.user, &user) ||
         hook_user(&m->hook, &c, user.uid, user.gid) )
    {
        log_error("configuration: reload failed, keeping the old one");
        return;
    }
    if ( strcmp(c.run, m->conf.run) )
        log_warning("configuration: run: takes effect at the next start");
    strcpy(c.run, m->conf.run);
    m->conf = c;
    m->user = user;
    monitor_engine_reload(&m->engine);
    monitor_xenstore_reload(&m->xenstore);
    rc = set_heartbeat(m);
    if ( rc )
        log_error("heartbeat: %s", strerror(-rc));
    log_info("configuration: reloaded");
    health_changed(&m->health);
}

static void reap(struct monitor *m)
{
    int status;
    pid_t pid;

    while ( (pid = waitpid(-1, &status, WNOHANG)) > 0 )
        if ( pid == m->engine.child.pid )
            monitor_engine_ended(&m->engine, status);
        else if ( pid == m->xenstore.child.pid )
            monitor_xenstore_ended(&m->xenstore, status);
        else
            hook_reaped(&m->hook, pid, status);
}

static void on_signal(struct monitor *m)
{
    struct signalfd_siginfo si;

    if ( read(m->signals, &si, sizeof(si)) != sizeof(si) )
        return;
    switch ( si.ssi_signo )
    {
    case SIGUSR1:
        monitor_engine_signal(&m->engine, ++m->number);
        break;
    case SIGHUP:
        reload(m);
        break;
    case SIGCHLD:
        reap(m);
        break;
    default:
        m->stop = true;
    }
}

/* Pass reports of the two processes on to the other parts. */
static void pass_on(struct monitor *m)
{
    struct engine_child *e = &m->engine;
    struct xenstore_child *x = &m->xenstore;

    if ( e->wrote )
    {
        health_snapshot(&m->health, e->state, &e->snapshot.file);
        hook_add(&m->hook, &m->conf, e->state, &e->snapshot);
    }
    if ( e->changed || x->changed )
        health_changed(&m->health);
    if ( e->alive )
        health_alive(&m->health);
    if ( e->came )
        monitor_xenstore_await_names(x);
    if ( e->unlink )
        monitor_xenstore_replace(x, "malformed message to the engine");
    if ( x->introduced || x->released )
        update_domains(m);
    /* A watch fires once when it is set; an engine that starts looks anyway. */
    if ( x->released && e->child.ready && !e->woken )
        monitor_engine_wake(e, WAKE_RELEASE, 0, 0);
    e->wrote = e->changed = e->alive = e->came = e->unlink = false;
    x->changed = x->introduced = x->released = false;
    monitor_engine_counters(e, &x->counters, &m->hook.counters);
}

/*
 * The loop.
 */

/* The earlier of two times to wait; -1: for ever. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* A wake-up is held back until the engine has the name of a new domain. */
static int64_t name_wait_ms(const struct monitor *m)
{
    if ( !m->engine.woken )
        return -1;
    return monitor_xenstore_name_wait_ms(
        &m->xenstore, lines_linked(&m->lines, &m->engine, &m->xenstore));
}

static int64_t next_timeout(const struct monitor *m)
{
    const uint64_t now = now_ms();
    int64_t wait = earlier(monitor_xenstore_wait_ms(&m->xenstore),
                           hook_wait_ms(&m->hook, now));

    wait = earlier(wait, health_wait_ms(&m->health));
    wait = earlier(wait, commands_timeout(&m->commands, now));
    wait = earlier(wait, child_wait_ms(&m->engine.child, now));
    wait = earlier(wait, child_wait_ms(&m->xenstore.child, now));
    /* If it is over by now the next turn is due. */
    if ( m->engine.wake_held )
        wait = earlier(wait, name_wait_ms(m) < 0 ? 0 : name_wait_ms(m));
    return wait;
}

/* Return the events to wait for on each of the two sockets. */
static void feed(struct monitor *m, short *engine, short *xenstore)
{
    bool owed, linked;

    monitor_engine_hold(&m->engine, name_wait_ms(m) >= 0);
    owed = !monitor_engine_feed(&m->engine);
    *engine = owed ? POLLIN | POLLOUT : POLLIN;
    linked = lines_make(&m->lines, &m->engine, &m->xenstore);
    owed = !monitor_xenstore_feed(&m->xenstore);
    *xenstore = owed ? POLLIN | POLLOUT : POLLIN;
    if ( !linked )
    {
        *engine |= POLLOUT;
        *xenstore |= POLLOUT;
    }
    /* One question at a time: the next when the reply is on its way. */
    if ( m->engine.q.reply_owed )
        *engine = POLLOUT;
    if ( m->xenstore.reply_owed )
        *xenstore = POLLOUT;
}

static void start_children(struct monitor *m)
{
    if ( child_due(&m->engine.child, now_ms()) )
        monitor_engine_start(&m->engine);
    if ( child_due(&m->xenstore.child, now_ms()) )
        monitor_xenstore_start(&m->xenstore);
}

static void turn(struct monitor *m)
{
    struct pollfd p[] = {
        { .fd = m->signals, .events = POLLIN },
        { .fd = m->virq, .events = POLLIN },
        { .fd = m->heartbeat, .events = POLLIN },
        { .fd = m->engine.child.fd },
        { .fd = m->xenstore.child.fd },
        { .fd = commands_fd(&m->commands), .events = POLLIN },
    };
    const short in = POLLIN | POLLHUP | POLLERR;

    feed(m, &p[3].events, &p[4].events);
    if ( poll(p, 6, next_timeout(m)) < 0 )
        return;
    if ( p[1].revents )
        on_virq(m);
    if ( p[3].revents & in )
        monitor_engine_receive(&m->engine);
    if ( p[4].revents & in )
        monitor_xenstore_receive(&m->xenstore);
    monitor_xenstore_check(&m->xenstore);
    if ( p[2].revents )
        on_heartbeat(m);
    if ( p[0].revents )
        on_signal(m);
    pass_on(m);
    hook_work(&m->hook, &m->conf, now_ms());
    work_health(m, false);
    if ( p[5].revents || !commands_timeout(&m->commands, now_ms()) ||
         m->commands.ready )
        on_command(m);
    monitor_engine_unmap(&m->engine, commands_unmap(&m->commands));
    start_children(m);
}

/*
 * The start and the end.
 */

static void init_children(struct monitor *m)
{
    struct engine_child *e = &m->engine;
    struct xenstore_child *x = &m->xenstore;

    e->child = (struct child){ .name = "engine", .option = "--engine",
                               .fd = -1 };
    e->exec = (struct child_exec){ .backend = m->opt->backend,
                                   .to_syslog = m->opt->to_syslog,
                                   .pass = -1 };
    e->q.hyp = e->hyp = m->hyp;
    e->q.conf = e->conf = &m->conf;
    e->q.number = &m->number;
    e->user = &m->user;
    e->domains = &m->domains;
    x->child = (struct child){ .name = "xenstore", .option = "--xenstore",
                               .fd = -1 };
    x->exec = (struct child_exec){ .to_syslog = m->opt->to_syslog,
                                   .pass = -1 };
    x->hyp = m->hyp;
    x->conf = &m->conf;
    x->user = &m->user;
    x->domains = &m->domains;
    x->number = &m->number;
}

static int open_users(struct monitor *m)
{
    int code = open_user(m->conf.user, &m->user);

    if ( !code && hook_user(&m->hook, &m->conf, m->user.uid, m->user.gid) )
        code = EXIT_CODE_USER;
    return code;
}

static int open_sockets(struct monitor *m)
{
    int code = open_socket(m->conf.run, CONTROL_SOCKET, &m->control);

    m->engine.exec.pass = m->control;
    if ( !code )
        code = open_socket(m->conf.run, COMMAND_SOCKET, &m->commands.listen);
    if ( !code && commands_init(&m->commands) )
        code = EXIT_CODE_OTHER;
    return code;
}

static int open_all(struct monitor *m)
{
    int code = open_xen(m->opt->backend, &m->hyp);

    init_children(m);
    if ( !code )
        code = open_users(m);
    if ( !code )
        code = open_events(&m->signals, &m->heartbeat);
    if ( !code && set_heartbeat(m) )
        code = EXIT_CODE_OTHER;
    if ( !code )
        code = open_lock(m->conf.run, &m->lock);
    if ( !code )
        code = open_virq(m->hyp, &m->conf, &m->virq);
    if ( !code && !monitor_xenstore_first(&m->xenstore) )
        code = EXIT_CODE_XENSTORE;
    return code ? code : open_sockets(m);
}

static void remove_sockets(const struct monitor *m)
{
    static const char *const names[] = { CONTROL_SOCKET, COMMAND_SOCKET };
    char path[CONF_PATH + 16];
    unsigned int i;

    for ( i = 0; i < sizeof(names) / sizeof(names[0]); i++ )
    {
        snprintf(path, sizeof(path), "%s/%s", m->conf.run, names[i]);
        unlink(path);
    }
}

static void run(struct monitor *m)
{
    open_buffers(m->hyp, &m->conf);
    update_domains(m);
    log_info("watching; snapshots go to %s", m->conf.state);
    while ( !m->stop )
        turn(m);
    log_info("stopping; Xen goes on recording");
    monitor_engine_end(&m->engine);
    hook_end(&m->hook);
    health_end(&m->health);
    remove_sockets(m);
}

int monitor_run(const struct monitor_options *opt)
{
    static struct monitor mon = { .lock = -1, .control = -1, .virq = -1,
                                  .signals = -1, .heartbeat = -1,
                                  .commands = { .listen = -1, .events = -1,
                                                .client = -1 } };
    struct monitor *m = &mon;
    int code;

    m->opt = opt;
    m->conf = opt->conf;
    notify_open(&m->health.notify);
    code = open_all(m);
    if ( !code )
        run(m);
    monitor_xenstore_end(&m->xenstore);
    hyp_close(m->hyp);
    domains_free(&m->domains);
    return code;
}
