/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* open.c: what the monitor opens at the start, each with its message. */

#include "snapshotd/monitor/monitor-impl.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ipc/control.h"
#include "lib/xen/hyp-tbuf.h"
#include "lib/xen/recorder.h"
#include "snapshotd/common/log.h"

/* Patience with a tool that has a moment with the recorder. */
#define LOCK_WAIT_MS 10000

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
    case EUSERS:
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
        rc = hyp_status(monitor_op, m->hyp, &st);
    if ( rc )
        log_error("%s", hyp_why(rc));
    return code_of(rc) * !!rc;
}

/* Buffers that are there but stopped are an administrator's wish. */
int monitor_create_buffers(struct monitor *m)
{
    struct xen_flightrec_op_status st;
    int rc = hyp_status(monitor_op, m->hyp, &st);

    if ( rc || (st.state & XEN_FLIGHTREC_ST_CREATED) || !m->conf.create )
        return rc;
    rc = recorder_start(monitor_op, m->hyp, m->conf.bytes_per_cpu);
    if ( rc )
        log_error("recorder: no buffers of %u bytes a pCPU: %s",
                  m->conf.bytes_per_cpu, hyp_why(rc));
    else
        log_info("recorder: started with %u bytes a pCPU",
                 m->conf.bytes_per_cpu);
    return rc;
}

int monitor_find_user(const char *name, uid_t *uid, gid_t *gid)
{
    const struct passwd *pw = getpwnam(name);

    if ( !pw )
    {
        log_error("user \"%s\" does not exist: create it (adduser --system "
                  "--group %s), or set user in [daemon]",
                  name, name);
        return EXIT_CODE_USER;
    }
    if ( !pw->pw_uid )
    {
        log_error("user \"%s\" is root: the engine needs one without rights",
                  name);
        return EXIT_CODE_USER;
    }
    *uid = pw->pw_uid;
    *gid = pw->pw_gid;
    return 0;
}

static int find_user(struct monitor *m)
{
    int code = monitor_find_user(m->conf.user, &m->uid, &m->gid);

    if ( !code && hook_user(&m->hook, &m->conf, m->uid, m->gid) )
        code = EXIT_CODE_USER;
    return code;
}

static int open_lock(struct monitor *m)
{
    m->lock = control_lock_wait(m->conf.run, LOCK_WAIT_MS);
    if ( m->lock >= 0 )
        return 0;
    if ( m->lock == -EBUSY || m->lock == -EALREADY )
    {
        log_error("%s/" CONTROL_LOCK ": held: another snapshotd is running",
                  m->conf.run);
        return EXIT_CODE_RUNNING;
    }
    log_error("%s/" CONTROL_LOCK ": %s", m->conf.run,
              m->lock == -EPERM ? "the directory must be root's, and writable "
                                  "for nobody else"
                                : strerror(-m->lock));
    return EXIT_CODE_OTHER;
}

static int open_socket(const struct monitor *m, const char *name, int *fd)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    mode_t mask;
    int rc;

    if ( snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s",
                  m->conf.run, name) >= (int)sizeof(sun.sun_path) )
    {
        log_error("%s: too long for a socket's path", m->conf.run);
        return EXIT_CODE_CONF;
    }
    *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* We hold the lock: whoever made it is not there any more. */
    unlink(sun.sun_path);
    mask = umask(0177);
    rc = *fd < 0 || bind(*fd, (struct sockaddr *)&sun, sizeof(sun)) ||
         listen(*fd, 8);
    umask(mask);
    if ( !rc )
        return 0;
    log_error("%s: %s", sun.sun_path, strerror(errno));
    return EXIT_CODE_OTHER;
}

static void say_warning(const char *text)
{
    log_warning("%s", text);
}

/* Xen's own trace buffers, if that is what there is. */
static void configure_tbuf(struct monitor *m)
{
    static char state[CONF_PATH + sizeof("/tbuf")];
    const struct conf *c = &m->conf;
    const struct hyp_tbuf_conf tbuf = {
        .mask = c->tbuf_events,
        .all_cpus = c->tbuf_cpus == CONF_TBUF_ALL_CPUS,
        .at_exit = c->tbuf_at_exit,
        .state = state,
        .say = say_warning,
    };

    snprintf(state, sizeof(state), "%s/tbuf", c->run);
    hyp_tbuf_configure(m->hyp, &tbuf);
    if ( hyp_is_tbuf(m->hyp) )
        log_info("this Xen has no flight recorder, or is to be used without: "
                 "its own trace buffers are kept overwriting");
}

static int open_sockets(struct monitor *m)
{
    int code = open_socket(m, CONTROL_SOCKET, &m->control);

    return code ? code
                : open_socket(m, COMMAND_SOCKET, &m->commands.listen);
}

void monitor_remove_sockets(const struct monitor *m)
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

static int open_virq(struct monitor *m)
{
    int rc;

    configure_tbuf(m);
    rc = hyp_virq_bind(m->hyp, HYP_VIRQ_TRIGGER, &m->virq);

    if ( !rc )
        return 0;
    log_error("virq: %s", hyp_why(rc));
    return code_of(rc);
}

static int open_xenstore(struct monitor *m)
{
    int rc = monitor_start_xenstore(m);

    if ( !rc )
        return 0;
    log_error("xenstore: no xenstored answers (%s): start it first",
              strerror(-rc));
    return EXIT_CODE_XENSTORE;
}

int monitor_set_heartbeat(struct monitor *m)
{
    uint64_t ms = m->conf.heartbeat_s * 1000ULL;
    struct itimerspec every = { 0 };
    struct timespec at;

    /* A third of the watchdog's time: one that comes late does no harm. */
    if ( m->health.notify.watchdog_ms && m->health.notify.watchdog_ms / 3 < ms )
        ms = m->health.notify.watchdog_ms / 3 + 1;
    at = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
    every.it_value = every.it_interval = at;
    return timerfd_settime(m->heartbeat, 0, &every, NULL) ? -errno : 0;
}

static int open_events(struct monitor *m)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* Whoever reads what we say may go away. */
    signal(SIGPIPE, SIG_IGN);
    /* Before any thread exists. */
    if ( sigprocmask(SIG_BLOCK, &set, NULL) )
        goto fail;
    m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    m->heartbeat = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if ( m->signals < 0 || m->heartbeat < 0 ||
         monitor_set_heartbeat(m) )
        goto fail;
    return 0;

 fail:
    log_error("signals: %s", strerror(errno));
    return EXIT_CODE_OTHER;
}

int monitor_open(struct monitor *m)
{
    int (*const steps[])(struct monitor *m) = {
        find_user, open_events,   open_lock,
        open_virq, open_xenstore, open_sockets,
    };
    unsigned int i;
    int code = open_xen(m);

    for ( i = 0; !code && i < sizeof(steps) / sizeof(steps[0]); i++ )
        code = steps[i](m);
    return code;
}
