/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sandbox.c: give up all rights; part of the two processes without any. */

#include "snapshotd/common/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "snapshotd/common/log.h"

/* Both: memory, time, open sockets and files, the end. */
static const int common[] = {
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(getpid),
    SCMP_SYS(gettid), SCMP_SYS(getrandom),
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close),
    SCMP_SYS(fstat), SCMP_SYS(newfstatat), /* fstat() of another glibc */
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
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
    SCMP_SYS(fstatfs), SCMP_SYS(statx), SCMP_SYS(fcntl),
    SCMP_SYS(openat), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(getdents64), SCMP_SYS(unlinkat), SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(ftruncate), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(fadvise64), SCMP_SYS(accept4),
};

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
    /* Memory is never executable. */
    if ( !rc )
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if ( !rc )
        rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                              SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
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
    const struct rlimit none = { 0, 0 }, files = { 64, 64 };
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
