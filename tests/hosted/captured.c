/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * captured.c: an engine under an attacker's control.  The production daemon is
 * linked with it; where the engine would take a generation it first runs the command in
 * the file "try" of its directory, and writes the results to "said":
 *
 *   call NAME      one system call that it must not survive
 *   send NAME      a message that is none
 *   files          paths that must be out of reach; "said": those that were not
 *   operations     each operation, with random numbers; "said": those that were not
 *                  refused and should have been
 *   numbers        messages of the right form, full of random numbers
 *   text NAME      a malformed message to the xenstore process
 *   answers        answers to it, full of random numbers
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/xen/hyp-tbuf.h"
#include "snapshotd/engine/engine-impl.h"

void __real_engine_take(struct engine *e, uint32_t gen);
void __wrap_engine_take(struct engine *e, uint32_t gen);

#define MONITOR_ROUNDS 3000
#define OPERATIONS     4096

static char said[4096];
static size_t said_bytes;

static void __attribute__((__format__(__printf__, 1, 2)))
say(const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(said + said_bytes, sizeof(said) - said_bytes, fmt, ap);
    va_end(ap);
    if ( n > 0 && said_bytes + n < sizeof(said) )
        said_bytes += n;
}

/* Numbers that are often small, and so often almost right. */
static uint64_t any(void)
{
    uint64_t n = (uint64_t)random() << 40 ^ (uint64_t)random() << 20 ^ random();

    return random() % 2 ? n : n % 16;
}

static void any_bytes(void *p, size_t bytes)
{
    uint8_t *to = p;
    const bool all = random() % 2;

    while ( bytes-- )
        *to++ = all || random() % 8 == 0 ? random() : 0;
}

/*
 * System calls.
 */

struct call {
    const char *name;
    long number, arg[5];
};

static void call(const char *name, pid_t monitor)
{
    static char path[] = "/etc/passwd";
    static struct iovec here = { path, 4 }, there = { (void *)4096, 4 };
    const struct call calls[] = {
        { "socket", SYS_socket, { AF_UNIX, SOCK_STREAM } },
        { "connect", SYS_connect, { 4, (long)path, 12 } },
        { "fork", SYS_clone, { SIGCHLD } },
        { "execve", SYS_execve, { (long)path } },
        { "ptrace", SYS_ptrace, { PTRACE_ATTACH, monitor } },
        { "kill", SYS_kill, { monitor, SIGKILL } },
        { "tgkill", SYS_tgkill, { monitor, monitor, SIGKILL } },
        { "process_vm_readv", SYS_process_vm_readv,
          { monitor, (long)&here, 1, (long)&there, 1 } },
        { "pidfd_open", SYS_pidfd_open, { monitor } },
        { "mount", SYS_mount, { (long)"none", (long)"/", (long)"tmpfs" } },
        { "chroot", SYS_chroot, { (long)"." } },
        { "symlinkat", SYS_symlinkat, { (long)path, AT_FDCWD, (long)"l" } },
        { "mknodat", SYS_mknodat, { AT_FDCWD, (long)"n", S_IFCHR } },
        { "ioctl", SYS_ioctl, { 3, 0x305000 } },
        { "memfd_create", SYS_memfd_create, { (long)"m" } },
        { "io_uring_setup", SYS_io_uring_setup, { 1, (long)said } },
    };
    const struct call *c;

    for ( c = calls; c < calls + sizeof(calls) / sizeof(calls[0]); c++ )
        if ( !strcmp(c->name, name) )
            syscall(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3],
                    c->arg[4], 0);
    say("alive\n");
}

static void files(struct engine *e)
{
    static const char *const outside[] = {
        "/etc/passwd", "../../../../etc/passwd", "/proc/self/mem",
        "/proc/1/root/etc/passwd", "/dev/xen/privcmd", "/dev/xen/evtchn",
        "/dev/mem", "/run/xenstored/socket", "/var/run/xenstored/socket",
        "../conf", "../run", "../ops", "../socket", "../doms",
    };
    size_t i;
    int fd;

    for ( i = 0; i < sizeof(outside) / sizeof(outside[0]); i++ )
        for ( fd = -1; fd < 64; fd++ )
        {
            int at = fd < 0 ? AT_FDCWD : fd, got;

            got = openat(at, outside[i], O_RDONLY | O_CLOEXEC);
            if ( got >= 0 )
                say("%s by %d\n", outside[i], fd);
            if ( got >= 0 )
                close(got);
        }
    /* The parent of the directory is the directory itself. */
    fd = openat(e->dir, "../planted", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if ( fd >= 0 )
        close(fd);
    if ( renameat(e->dir, "planted", e->dir, "../../planted") )
        say("planted: %s\n", strerror(errno));
    if ( unlinkat(e->dir, "planted", 0) )
        say("planted elsewhere: %s\n", strerror(errno));
}

/*
 * Messages.
 */

static void send_odd(struct engine *e, const char *name)
{
    struct { struct msg m; char more; } s = { .m.type = MSG_PONG };
    static const struct { const char *name; int type; } types[] = {
        { "zero", 0 }, { "ready", MSG_READY }, { "conf", MSG_CONF },
        { "reply", MSG_REPLY }, { "end", MSG_END }, { "last", MSG_LAST + 1 },
        { "far", 65535 },
    };
    size_t bytes = sizeof(s.m), i;

    s.m.magic = PROTO_MAGIC;
    for ( i = 0; i < sizeof(types) / sizeof(types[0]); i++ )
        if ( !strcmp(types[i].name, name) )
            s.m.type = types[i].type;
    if ( !strcmp(name, "magic") )
        s.m.magic ^= 1;
    else if ( !strcmp(name, "short") )
        bytes = 4;
    else if ( !strcmp(name, "long") )
        bytes = sizeof(s.m) + 1;
    else if ( !strcmp(name, "empty") )
        bytes = 0;
    if ( send(e->fd, &s, bytes, MSG_NOSIGNAL) != (ssize_t)bytes )
        say("%s: %s\n", name, strerror(errno));
    /* A process that survives was let through; its end comes first. */
    if ( recv(e->fd, &s, sizeof(s), 0) > 0 )
        say("%s: answered\n", name);
    poll(NULL, 0, 10000);
}

/* The answer to a question; all else that comes is dropped. */
static int ask_raw(struct engine *e, struct msg *m)
{
    const uint32_t seq = m->seq = ++e->seq;
    int rc;

    engine_send(e, m);
    do {
        int fd;

        rc = proto_receive_fd(e->fd, m, 0, &fd);
        if ( fd >= 0 )
            close(fd);
    } while ( !rc && (m->type != MSG_REPLY || m->seq != seq) );
    e->work = true;
    return rc ? rc : m->rc;
}

static bool is_allowed(uint32_t cmd)
{
    switch ( cmd )
    {
    case XEN_FLIGHTREC_OP_status:
    case XEN_FLIGHTREC_OP_clock:
    case XEN_FLIGHTREC_OP_quiesce:
    case XEN_FLIGHTREC_OP_release:
    case XEN_FLIGHTREC_OP_cpu:
        return true;
    default:
        return false;
    }
}

static void operations(struct engine *e)
{
    static const uint32_t far[] = {
        HYP_OP_TBUF_FETCHED, HYP_OP_TBUF_WINDOW, HYP_OP_TBUF_COUNTERS,
        UINT32_MAX, 1U << 31, 0, 1, XEN_FLIGHTREC_OP_BASE - 1,
    };
    const uint32_t nr_far = sizeof(far) / sizeof(far[0]);
    uint32_t i, cmd;
    int rc;

    for ( i = 0; i < OPERATIONS + nr_far; i++ )
    {
        struct msg m = { .type = MSG_OP };

        cmd = i < OPERATIONS ? XEN_FLIGHTREC_OP_BASE + i
                             : far[i - OPERATIONS];
        any_bytes(&m.u.op, sizeof(m.u.op));
        m.u.op.op.cmd = cmd;
        /* Operations it may use: not on the generation held now. */
        if ( is_allowed(cmd) )
            m.u.op.op.u.gen.gen = 0x40000000 + i;
        rc = ask_raw(e, &m);
        if ( !is_allowed(cmd) && rc != -EPERM )
            say("operation %u: %d\n", cmd, rc);
    }
}

static void numbers(struct engine *e)
{
    static const uint16_t types[] = { MSG_TAKE, MSG_ANSWER, MSG_COUNT,
                                      MSG_SNAPSHOT, MSG_PONG };
    uint32_t i;

    for ( i = 0; i < MONITOR_ROUNDS; i++ )
    {
        struct msg m = { 0 };

        any_bytes(&m.u, sizeof(m.u));
        m.type = types[i % 5];
        m.rc = any();
        if ( m.type == MSG_ANSWER )
            m.u.signal.number = any();
        if ( m.type == MSG_TAKE )
        {
            /* Of no generation; its text goes into an answer. */
            m.u.take.gen = 0x40000000 + i;
            m.u.take.outcome = random();
            ask_raw(e, &m);
            if ( m.u.take.count )
                say("revealed without a question: %llx\n",
                    (unsigned long long)m.u.take.count);
        }
        else
            engine_send(e, &m);
    }
}

/*
 * To the xenstore process.
 */

static void send_odd_text(struct engine *e, const char *name)
{
    struct { struct text_msg m; char more; } s = { .m.type = TEXT_ANSWER };
    static const struct { const char *name; int type; } types[] = {
        { "zero", 0 }, { "name", TEXT_NAME }, { "request", TEXT_REQUEST },
        { "far", 65535 },
    };
    size_t bytes = sizeof(s.m), i;

    s.m.magic = PROTO_TEXT_MAGIC ^ !strcmp(name, "magic");
    for ( i = 0; i < sizeof(types) / sizeof(types[0]); i++ )
        if ( !strcmp(types[i].name, name) )
            s.m.type = types[i].type;
    if ( !strcmp(name, "short") )
        bytes = 4;
    else if ( !strcmp(name, "long") )
        bytes = sizeof(s.m) + 1;
    if ( send(e->text, &s, bytes, MSG_NOSIGNAL) != (ssize_t)bytes )
        say("%s: %s\n", name, strerror(errno));
}

static void send_answers(struct engine *e)
{
    uint32_t i;

    for ( i = 0; i < MONITOR_ROUNDS; i++ )
    {
        struct text_msg m;

        any_bytes(&m, sizeof(m));
        m.type = TEXT_ANSWER;
        m.number = any();
        m.bytes = 0;
        if ( proto_text_send(e->text, &m, 0) )
            say("answer: %s\n", strerror(errno));
    }
}

/*
 * Commands.
 */

static void save_said(struct engine *e)
{
    int fd = openat(e->dir, "said", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                    0600);

    if ( fd < 0 || write(fd, said, said_bytes) != (ssize_t)said_bytes ||
         close(fd) )
        exit(1);
}

static void try(struct engine *e, const char *what, const char *name,
                pid_t monitor)
{
    if ( !strcmp(what, "call") )
        call(name, monitor);
    else if ( !strcmp(what, "send") )
        send_odd(e, name);
    else if ( !strcmp(what, "files") )
        files(e);
    else if ( !strcmp(what, "operations") )
        operations(e);
    else if ( !strcmp(what, "numbers") )
        numbers(e);
    else if ( !strcmp(what, "text") )
        send_odd_text(e, name);
    else if ( !strcmp(what, "answers") )
        send_answers(e);
    save_said(e);
}

void __wrap_engine_take(struct engine *e, uint32_t gen)
{
    char text[128] = "", what[32] = "", name[32] = "";
    int monitor = 0, fd = openat(e->dir, "try", O_RDONLY | O_CLOEXEC);

    if ( fd >= 0 )
    {
        /* Once: the next engine takes the generation. */
        if ( read(fd, text, sizeof(text) - 1) < 0 || close(fd) ||
             unlinkat(e->dir, "try", 0) ||
             sscanf(text, "%d %31s %31s", &monitor, what, name) < 2 )
            exit(1);
        srandom(gen);
        try(e, what, name, monitor);
    }
    __real_engine_take(e, gen);
}
