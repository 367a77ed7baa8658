/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * captured-xs.c: a hostile xenstore process.  The production daemon is linked
 * with it; a request whose text is "captured PID HOW NAME" makes it misbehave:
 *
 *   call NAME      one system call that it must not survive
 *   monitor NAME   a malformed message to the monitor
 *   engine NAME    a malformed message to the engine
 *   numbers        valid messages to both, full of random numbers
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "snapshotd/common/log.h"
#include "snapshotd/xenstore/link.h"

bool __real_link_send_request(struct link *l, const struct request *q);
bool __wrap_link_send_request(struct link *l, const struct request *q);

#define ROUNDS 5000

/* Often small, and so often almost right. */
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

struct call {
    const char *name;
    long number, arg[5];
};

static void call(const char *name, pid_t monitor)
{
    static char path[] = "/etc/passwd", buf[256];
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
        { "ioctl", SYS_ioctl, { 3, 0x305000 } },
        { "openat", SYS_openat, { AT_FDCWD, (long)path } },
        { "memfd_create", SYS_memfd_create, { (long)"m" } },
        { "io_uring_setup", SYS_io_uring_setup, { 1, (long)buf } },
    };
    const struct call *c;

    for ( c = calls; c < calls + sizeof(calls) / sizeof(calls[0]); c++ )
        if ( !strcmp(c->name, name) )
            syscall(c->number, c->arg[0], c->arg[1], c->arg[2], c->arg[3],
                    c->arg[4], 0);
    poll(NULL, 0, 10000);
}

struct type {
    const char *name;
    int type;
};

static int type_of(const struct type *t, const char *name, int other)
{
    for ( ; t->name; t++ )
        if ( !strcmp(t->name, name) )
            return t->type;
    return other;
}

static size_t size_of(const char *name, size_t bytes)
{
    return !strcmp(name, "short") ? 4 : !strcmp(name, "long") ? bytes + 1
                                                              : bytes;
}

static void to_monitor(struct link *l, const char *name)
{
    static const struct type types[] = {
        { "zero", 0 }, { "ready", MSG_READY }, { "conf", MSG_CONF },
        { "reply", MSG_REPLY }, { "op", MSG_OP }, { "take", MSG_TAKE },
        { "freeze", MSG_FREEZE }, { "count", MSG_COUNT },
        { "snapshot", MSG_SNAPSHOT }, { "end", MSG_END },
        { "last", MSG_LAST + 1 }, { "far", 65535 }, { "tally", MSG_TALLY },
        { NULL, 0 },
    };
    struct { struct msg m; char more; } s = { .m.type = MSG_PONG };

    s.m.type = type_of(types, name, MSG_PONG);
    s.m.magic = PROTO_MAGIC ^ !strcmp(name, "magic");
    s.m.u.tally.event = TALLIES;
    send(l->monitor, &s, size_of(name, sizeof(s.m)), MSG_NOSIGNAL);
    poll(NULL, 0, 10000);
}

static void to_engine(struct link *l, const char *name)
{
    static const struct type types[] = {
        { "zero", 0 }, { "answer", TEXT_ANSWER }, { "far", 65535 },
        { NULL, 0 },
    };
    struct { struct text_msg m; char more; } s = { .m.type = TEXT_REQUEST };

    s.m.type = type_of(types, name, TEXT_REQUEST);
    s.m.magic = PROTO_TEXT_MAGIC ^ !strcmp(name, "magic");
    s.m.source = !strcmp(name, "socket")   ? FROM_SOCKET
                 : !strcmp(name, "signal") ? FROM_SIGNAL
                                           : FROM_XENSTORE;
    s.m.bytes = !strcmp(name, "bytes") ? sizeof(s.m.text) + 1 : 0;
    send(l->engine, &s, size_of(name, sizeof(s.m)), MSG_NOSIGNAL);
    poll(NULL, 0, 10000);
}

static void numbers(struct link *l)
{
    static const uint16_t types[] = { MSG_PONG, MSG_HAS_DOMAIN, MSG_MAY_ASK,
                                      MSG_HINT };
    static const uint16_t texts[] = { TEXT_NAME, TEXT_NAME, TEXT_NAME,
                                      TEXT_CONFIRM, TEXT_SYNC, TEXT_REQUEST };
    struct request q = { .number = 0 };
    unsigned int i;

    for ( i = 0; i < ROUNDS; i++ )
    {
        struct msg m = { .type = types[i % 4] };
        struct text_msg t;

        any_bytes(&m.u, sizeof(m.u));
        if ( m.type == MSG_HAS_DOMAIN )
            link_has_domain(l, m.u.guest.domid, m.u.guest.handle);
        else if ( m.type == MSG_MAY_ASK )
        {
            q.source = any();
            q.again = random() % 2;
            q.domid = any();
            link_may_ask(l, &q);
        }
        else
            link_send(l, &m);
        any_bytes(&t, sizeof(t));
        /* Each request is a line in the log. */
        t.type = texts[i % 6 < 5 || i % 96 == 5 ? i % 6 : 0];
        t.source = random() % 2 ? FROM_XENSTORE : FROM_GUEST;
        t.bytes = any() % (sizeof(t.text) + 1);
        t.number = any();
        while ( !link_send_engine(l, &t) && l->engine >= 0 )
            poll(NULL, 0, 1);
    }
    log_info("captured: done");
}

bool __wrap_link_send_request(struct link *l, const struct request *q)
{
    char text[REQUEST_TEXT + 1], how[16], name[32] = "";
    int monitor;

    memcpy(text, q->text, q->text_bytes);
    text[q->text_bytes] = '\0';
    if ( sscanf(text, "captured %d %15s %31s", &monitor, how, name) < 2 )
        return __real_link_send_request(l, q);
    if ( l->engine < 0 )
        return false;
    if ( !strcmp(how, "call") )
        call(name, monitor);
    else if ( !strcmp(how, "monitor") )
        to_monitor(l, name);
    else if ( !strcmp(how, "engine") )
        to_engine(l, name);
    else if ( !strcmp(how, "numbers") )
        numbers(l);
    return true;
}
