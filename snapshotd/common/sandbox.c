/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.c: give up all rights; part of the two processes without any. */

#include "snapshotd/common/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "snapshotd/common/log.h"

/* Both: memory, time, open sockets and files, the end. */
static const int common[] = {
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
    SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(getrandom),
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(fstat), SCMP_SYS(newfstatat), /* fstat() of another glibc */
    SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
#if defined(__SANITIZE_ADDRESS__)
    /* Calls of the sanitizer itself. */
    SCMP_SYS(sigaltstack), SCMP_SYS(getrlimit), SCMP_SYS(prlimit64),
    SCMP_SYS(sched_yield), SCMP_SYS(readlink), SCMP_SYS(open), SCMP_SYS(dup),
    SCMP_SYS(ioctl), SCMP_SYS(openat), SCMP_SYS(lseek),
#endif
};

/* The engine: the files of the state directory, the control socket. */
static const int engine[] = {
    SCMP_SYS(sysinfo), /* qsort() asks how much memory there is */
    SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(pwrite64), SCMP_SYS(lseek),
    SCMP_SYS(fstatfs), SCMP_SYS(statx),
    SCMP_SYS(openat), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(getdents64), SCMP_SYS(renameat),
    SCMP_SYS(ftruncate), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(fadvise64), SCMP_SYS(accept4),
};

/*
 * Calls that mean different things by one of their arguments: only the values
 * that are needed.  Arguments of type int: the upper half is not looked at.
 */
struct command {
    int call;
    unsigned int at;       /* the argument */
    uint64_t mask, value;
    bool engine;           /* only the engine needs it */
};

#define INT        0xffffffffULL
#define FUTEX_MASK (INT & ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))

static const struct command commands[] = {
    { SCMP_SYS(futex), 1, FUTEX_MASK, FUTEX_WAIT, false },
    { SCMP_SYS(futex), 1, FUTEX_MASK, FUTEX_WAKE, false },
    { SCMP_SYS(futex), 1, FUTEX_MASK, FUTEX_WAIT_BITSET, false },
    { SCMP_SYS(madvise), 2, INT, MADV_DONTNEED, false },
    { SCMP_SYS(madvise), 2, INT, MADV_FREE, false },
    /* Memory is never executable. */
    { SCMP_SYS(mmap), 2, PROT_EXEC, 0, false },
    { SCMP_SYS(mprotect), 2, PROT_EXEC, 0, false },
    /* To the other end only: a datagram socket could name any. */
    { SCMP_SYS(sendto), 4, UINT64_MAX, 0, false },
    /* For fdopendir(); F_SETOWN would send signals. */
    { SCMP_SYS(fcntl), 1, INT, F_GETFL, true },
    { SCMP_SYS(fcntl), 1, INT, F_GETFD, true },
    { SCMP_SYS(fcntl), 1, INT, F_SETFD, true },
    { SCMP_SYS(renameat2), 4, INT, RENAME_NOREPLACE, true },
    { SCMP_SYS(unlinkat), 2, INT, 0, true },
};

static int allow_commands(scmp_filter_ctx ctx, enum sandbox_kind kind)
{
    const size_t nr = sizeof(commands) / sizeof(commands[0]);
    const struct command *c;
    int rc = 0;

    for ( c = commands; !rc && c < commands + nr; c++ )
        if ( !c->engine || kind == SANDBOX_ENGINE )
            rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->call, 1,
                                  SCMP_CMP(c->at, SCMP_CMP_MASKED_EQ, c->mask,
                                           c->value));
    return rc;
}

static int allow_list(scmp_filter_ctx ctx, const int *list, size_t nr)
{
    size_t i;
    int rc = 0;

    for ( i = 0; !rc && i < nr; i++ )
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, list[i], 0);
    return rc;
}

static int allow(scmp_filter_ctx ctx, enum sandbox_kind kind)
{
    int rc = allow_list(ctx, common, sizeof(common) / sizeof(common[0]));

    if ( !rc && kind == SANDBOX_ENGINE )
        rc = allow_list(ctx, engine, sizeof(engine) / sizeof(engine[0]));
    if ( !rc )
        rc = allow_commands(ctx, kind);
    /* For abort(); never to another process, such as a hook of this user. */
    if ( !rc )
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                              SCMP_A0(SCMP_CMP_EQ, getpid()));
    if ( !rc && kind == SANDBOX_ENGINE )
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setpriority), 2,
                              SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS),
                              SCMP_A1(SCMP_CMP_EQ, 0));
    return rc;
}

static int enter_seccomp(enum sandbox_kind kind)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int rc;

    if ( !ctx )
        return -ENOMEM;
    rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    if ( !rc )
        rc = allow(ctx, kind);
    if ( !rc )
        rc = seccomp_load(ctx);
    seccomp_release(ctx);
    return rc;
}

static int drop_ids(uid_t uid, gid_t gid)
{
    int rc;

    capng_clear(CAPNG_SELECT_BOTH);
    /* Clears the bounding set and the groups on the way. */
    rc = capng_change_id(uid, gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
    if ( rc )
    {
        log_error("sandbox: uid %u, gid %u: changing to them failed (%d)", uid,
                  gid, rc);
        return -EPERM;
    }
    if ( !setuid(0) ||
         capng_have_capabilities(CAPNG_SELECT_BOTH) != CAPNG_NONE )
        return -EPERM;
    return 0;
}

int sandbox_enter(enum sandbox_kind kind, int dir, uid_t uid, gid_t gid,
                  int (*start)(void *), void *arg)
{
    const struct rlimit none = { 0, 0 }, files = { 128, 128 };
    /* It may become nicer and come back, no further. */
    const rlim_t usual = 20 - getpriority(PRIO_PROCESS, 0);
    const struct rlimit nice_back = { usual, usual };
    int rc;

    if ( fchdir(dir) || chroot(".") || setrlimit(RLIMIT_CORE, &none) ||
         setrlimit(RLIMIT_NOFILE, &files) )
        return -errno;
    /* In a container root may not; then it just does not become nicer. */
    if ( setrlimit(RLIMIT_NICE, &nice_back) && errno != EPERM )
        return -errno;
    rc = drop_ids(uid, gid);
    if ( rc )
        return rc;
    /* After the change of user, which clears it. */
    if ( prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_DUMPABLE, 0) ||
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) )
        return -errno;
    rc = start ? start(arg) : 0;
    if ( !rc && setrlimit(RLIMIT_NPROC, &none) )
        rc = -errno;
    return rc ? rc : enter_seccomp(kind);
}
