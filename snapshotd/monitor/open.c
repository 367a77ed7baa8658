/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* open.c: open devices, sockets and signals; part of the monitor. */

#include "snapshotd/monitor/open.h"

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
#include "snapshotd/monitor/exit-code.h"

/* A tool may hold the lock for a moment. */
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

static int op(void *hyp, struct xen_flightrec_op *o)
{
    return hyp_op(hyp, o);
}

int open_xen(const char *backend, struct hyp **hyp)
{
    struct xen_flightrec_op_status st;
    int rc = hyp_open(backend, hyp);

    if ( !rc )
        rc = hyp_status(op, *hyp, &st);
    if ( rc )
        log_error("%s", hyp_why(rc));
    return code_of(rc) * !!rc;
}

/* Buffers that are there but stopped are so by an administrator's wish. */
void open_buffers(struct hyp *hyp, const struct conf *c)
{
    struct xen_flightrec_op_status st;
    int rc;

    if ( hyp_status(op, hyp, &st) ||
         (st.state & XEN_FLIGHTREC_ST_CREATED) || !c->create )
        return;
    rc = recorder_start(op, hyp, c->bytes_per_cpu);
    if ( rc )
        log_error("recorder: no buffers of %u bytes a pCPU: %s",
                  c->bytes_per_cpu, hyp_why(rc));
    else
        log_info("recorder: started with %u bytes a pCPU", c->bytes_per_cpu);
}

int open_user(const char *name, struct user *user)
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
    *user = (struct user){ .uid = pw->pw_uid, .gid = pw->pw_gid };
    return 0;
}

int open_lock(const char *run, int *fd)
{
    *fd = control_lock_wait(run, LOCK_WAIT_MS);
    if ( *fd >= 0 )
        return 0;
    if ( *fd == -EBUSY || *fd == -EALREADY )
    {
        log_error("%s/" CONTROL_LOCK ": held: another snapshotd is running",
                  run);
        return EXIT_CODE_RUNNING;
    }
    log_error("%s/" CONTROL_LOCK ": %s", run,
              *fd == -EPERM ? "the directory must be root's, and writable "
                              "by no other user"
                            : strerror(-*fd));
    return EXIT_CODE_OTHER;
}

int open_socket(const char *run, const char *name, int *fd)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    mode_t mask;
    int rc;

    if ( snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", run, name) >=
         (int)sizeof(sun.sun_path) )
    {
        log_error("%s: too long for a socket's path", run);
        return EXIT_CODE_CONF;
    }
    *fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* We hold the lock: the process that bound it is gone. */
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

/* For a Xen without flight recorder: its own trace buffers. */
static void configure_tbuf(struct hyp *hyp, const struct conf *c)
{
    static char state[CONF_PATH + sizeof("/tbuf")];
    const struct hyp_tbuf_conf tbuf = {
        .mask = c->tbuf_events,
        .all_cpus = c->tbuf_cpus == CONF_TBUF_ALL_CPUS,
        .at_exit = c->tbuf_at_exit,
        .state = state,
        .say = say_warning,
    };

    snprintf(state, sizeof(state), "%s/tbuf", c->run);
    hyp_tbuf_configure(hyp, &tbuf);
    if ( hyp_is_tbuf(hyp) )
        log_info("no flight recorder, or not to be used: using Xen's own "
                 "trace buffers");
}

int open_virq(struct hyp *hyp, const struct conf *c, int *fd)
{
    int rc;

    configure_tbuf(hyp, c);
    rc = hyp_virq_bind(hyp, HYP_VIRQ_TRIGGER, fd);
    if ( !rc )
        return 0;
    log_error("virq: %s", hyp_why(rc));
    return code_of(rc);
}

int open_heartbeat(int heartbeat, const struct conf *c, uint64_t watchdog_ms)
{
    uint64_t ms = c->heartbeat_s * 1000ULL;
    struct itimerspec every = { 0 };
    struct timespec at;

    /* A third of the watchdog's time: a late tick does no harm. */
    if ( watchdog_ms && watchdog_ms / 3 < ms )
        ms = watchdog_ms / 3 + 1;
    at = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
    every.it_value = every.it_interval = at;
    return timerfd_settime(heartbeat, 0, &every, NULL) ? -errno : 0;
}

int open_events(int *signals, int *heartbeat)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    /* The reader of our messages may go away. */
    signal(SIGPIPE, SIG_IGN);
    *heartbeat = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if ( *heartbeat >= 0 && !sigprocmask(SIG_BLOCK, &set, NULL) )
        *signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if ( *heartbeat >= 0 && *signals >= 0 )
        return 0;
    log_error("signals: %s", strerror(errno));
    return EXIT_CODE_OTHER;
}
