/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inject.c: inject a fault at the Nth system call of a running process, with
 * ptrace().
 *
 *   inject PID kill N          SIGKILL before the Nth of all system calls
 *   inject PID fail N ERRNO    fail the Nth disk call
 *   inject PID slow MS         delay each disk call
 *
 * The calls of all existing threads are counted together.  Disk calls are
 * writes to descriptors from FIRST_FILE on, fsync(), and the calls that
 * create, rename, resize or remove a file.  "ready" on stdout means that
 * counting began.  It ends with the process or on SIGTERM, and prints "hit
 * COUNT" if the Nth call was reached, otherwise "end COUNT"; or "error ..." if
 * it cannot trace.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FIRST_FILE 5       /* below: the log and the engine's two sockets */
#define TASKS      64

static pid_t pid, tasks[TASKS], failing; /* the thread whose call fails */
static unsigned int nr_tasks, calls;
static unsigned int when;  /* N, or milliseconds */
static int error;
static char action;
static bool hit;

static void __attribute__((__noreturn__)) finish(int code)
{
    printf("%s %u\n", hit ? "hit" : "end", calls);
    exit(code);
}

static void __attribute__((__noreturn__)) give_up(const char *what)
{
    printf("error %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool to_disk(const struct ptrace_syscall_info *i)
{
    switch ( i->entry.nr )
    {
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_ftruncate:
        return (int)i->entry.args[0] >= FIRST_FILE;
    case SYS_openat:
        return i->entry.args[2] & O_CREAT;
    case SYS_renameat2:
    case SYS_renameat:
        return true;
    default:
        return false;
    }
}

/* Turn the call into one that does nothing; leaves() sets its result. */
static void fail(pid_t tid)
{
    failing = tid;
    if ( ptrace(PTRACE_POKEUSER, tid,
                (void *)offsetof(struct user, regs.orig_rax),
                (void *)(long)SYS_getpid) )
        give_up("the call");
}

static void slow(void)
{
    const struct timespec t = { when / 1000, when % 1000 * 1000000L };

    nanosleep(&t, NULL);
}

static void enters(pid_t tid, const struct ptrace_syscall_info *i)
{
    if ( action != 'k' && !to_disk(i) )
        return;
    calls++;
    if ( action == 's' )
        slow();
    else if ( calls == when )
    {
        hit = true;
        if ( action == 'k' )
            kill(pid, SIGKILL);
        else
            fail(tid);
    }
}

static void leaves(pid_t tid)
{
    if ( tid != failing )
        return;
    failing = 0;
    if ( ptrace(PTRACE_POKEUSER, tid,
                (void *)offsetof(struct user, regs.rax),
                (void *)(long)-error) )
        give_up("the result");
}

static void stopped(pid_t tid, int status)
{
    struct ptrace_syscall_info i = { 0 };
    int sig = WSTOPSIG(status);

    if ( sig == (SIGTRAP | 0x80) )
    {
        sig = 0;
        if ( ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(i), &i) > 0 )
        {
            if ( i.op == PTRACE_SYSCALL_INFO_ENTRY )
                enters(tid, &i);
            else if ( i.op == PTRACE_SYSCALL_INFO_EXIT )
                leaves(tid);
        }
    }
    else if ( status >> 16 )
        sig = 0;
    /* It may have been killed since. */
    ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)sig);
}

static void attach(pid_t tid)
{
    int status;

    if ( nr_tasks == TASKS || ptrace(PTRACE_SEIZE, tid, NULL,
                                     (void *)PTRACE_O_TRACESYSGOOD) ||
         ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
         waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status) ||
         ptrace(PTRACE_SYSCALL, tid, NULL, NULL) )
        give_up("attach");
    tasks[nr_tasks++] = tid;
}

static void attach_all(void)
{
    char path[64];
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    d = opendir(path);
    if ( !d )
        give_up(path);
    while ( (e = readdir(d)) )
        if ( atoi(e->d_name) > 0 )
            attach(atoi(e->d_name));
    closedir(d);
}

static void gone(pid_t tid)
{
    unsigned int i;

    for ( i = 0; i < nr_tasks && tasks[i] != tid; i++ )
        continue;
    if ( i < nr_tasks )
        tasks[i] = tasks[--nr_tasks];
    if ( !nr_tasks )
        finish(0);
}

/* Handle all events since the last call. */
static void look(void)
{
    int status;
    pid_t tid;

    while ( (tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0 )
        if ( WIFSTOPPED(status) )
            stopped(tid, status);
        else
            gone(tid);
    if ( tid < 0 && errno == ECHILD )
        finish(0);
}

int main(int argc, char **argv)
{
    sigset_t set;
    int sig;

    if ( argc < 4 )
    {
        fprintf(stderr, "usage: inject PID kill|fail|slow N [ERRNO]\n");
        return 2;
    }
    pid = atoi(argv[1]);
    action = argv[2][0];
    when = atoi(argv[3]);
    error = argc > 4 ? atoi(argv[4]) : 0;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    attach_all();
    printf("ready\n");
    for ( ;; )
    {
        look();
        if ( !sigwait(&set, &sig) && sig == SIGTERM )
            finish(0);
    }
}
