/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* child.c: start, kill and restart the other processes; part of the monitor. */

#include "snapshotd/monitor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS   30000
/* A process that lived so long resets the back-off. */
#define BACKOFF_GOOD_MS  10000

#define FD_MONITOR 3
#define FD_PASSED  4

/* In the child: none of our memory and handles gets to the new program. */
static void __attribute__((__noreturn__))
run(const struct child *c, const struct child_exec *e, int fd)
{
    char *argv[8] = { "snapshotd", (char *)c->option };
    int n = 2, pass = e->pass;
    sigset_t none;

    if ( e->backend )
    {
        argv[n++] = "--backend";
        argv[n++] = (char *)e->backend;
    }
    if ( e->to_syslog )
        argv[n++] = "--syslog";
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Out of the way of the numbers they get. */
    fd = fcntl(fd, F_DUPFD, FD_PASSED + 1);
    if ( pass >= 0 )
        pass = fcntl(pass, F_DUPFD, FD_PASSED + 1);
    if ( dup2(fd, FD_MONITOR) < 0 || (pass >= 0 && dup2(pass, FD_PASSED) < 0) )
        _exit(1);
    close_range(pass >= 0 ? FD_PASSED + 1 : FD_MONITOR + 1, ~0U, 0);
    /* A signal to the daemon may be sent to all of it. */
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", argv);
    _exit(1);
}

int child_start(struct child *c, const struct child_exec *e)
{
    int fd[2], size = 1 << 20, rc;

    c->started_ms = now_ms();
    c->restart_ms = c->started_ms + BACKOFF_MAX_MS;
    if ( socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) )
    {
        rc = -errno;
        log_error("%s: socket: %s", c->name, strerror(-rc));
        return rc;
    }
    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    c->pid = fork();
    if ( !c->pid )
        run(c, e, fd[1]);
    rc = c->pid < 0 ? -errno : 0;
    close(fd[1]);
    c->fd = fd[0];
    if ( rc )
    {
        log_error("%s: fork: %s", c->name, strerror(-rc));
        child_close(c);
        c->pid = 0;
        return rc;
    }
    c->starts++;
    return 0;
}

void child_close(struct child *c)
{
    if ( c->fd >= 0 )
        close(c->fd);
    c->fd = -1;
    c->ready = false;
}

void child_kill(struct child *c, int sig)
{
    if ( c->pid )
    {
        kill(c->pid, sig);
        waitpid(c->pid, NULL, 0);
    }
    c->pid = 0;
    child_close(c);
}

void child_back_off(struct child *c, bool good, uint64_t max_ms)
{
    good |= now_ms() - c->started_ms > BACKOFF_GOOD_MS;
    c->backoff_ms = good || !c->backoff_ms ? BACKOFF_FIRST_MS
                                           : 2 * c->backoff_ms;
    if ( max_ms > BACKOFF_MAX_MS )
        max_ms = BACKOFF_MAX_MS;
    if ( c->backoff_ms > max_ms )
        c->backoff_ms = max_ms;
    c->restart_ms = now_ms() + c->backoff_ms;
}

bool child_due(const struct child *c, uint64_t now_ms)
{
    return !c->pid && now_ms >= c->restart_ms;
}

int64_t child_wait_ms(const struct child *c, uint64_t now_ms)
{
    if ( c->pid )
        return -1;
    return c->restart_ms > now_ms ? c->restart_ms - now_ms : 0;
}

bool child_send(struct child *c, struct msg *m)
{
    return c->fd >= 0 && !proto_send(c->fd, m, MSG_DONTWAIT);
}
