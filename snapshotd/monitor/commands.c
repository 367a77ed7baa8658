/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commands.c: the socket for commands; part of the monitor. */

#include "snapshotd/monitor/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "snapshotd/common/log.h"

/* A client that sends nothing for so long is dropped. */
#define CLIENT_MS 1000
/* The engine has so long to write held generations before it is killed. */
#define ENGINE_MS 60000

int commands_init(struct commands *c)
{
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = COMMANDS_SILENT };
    unsigned int i;

    for ( i = 0; i < COMMANDS_SILENT; i++ )
        c->silent[i].fd = -1;
    c->events = epoll_create1(EPOLL_CLOEXEC);
    return c->events < 0 || epoll_ctl(c->events, EPOLL_CTL_ADD, c->listen, &e)
               ? -errno
               : 0;
}

int commands_fd(const struct commands *c)
{
    return c->ready ? -1 : c->events;
}

static void drop_client(struct commands *c)
{
    if ( c->client >= 0 )
        close(c->client);
    c->client = -1;
}

static void answer(struct commands *c, const char *error)
{
    json_t *o = error ? json_pack("{sb ss}", "ok", 0, "error", error)
                      : json_pack("{sb}", "ok", 1);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    if ( text && send(c->client, text, strlen(text),
                      MSG_NOSIGNAL | MSG_DONTWAIT) < 0 )
        log_warning("command: sending the answer failed: %s",
                    strerror(errno));
    free(text);
    json_decref(o);
    drop_client(c);
}

/* A descriptor that is closed leaves the epoll set. */
static void drop_silent(struct commands *c, unsigned int i)
{
    if ( c->silent[i].fd >= 0 )
        close(c->silent[i].fd);
    c->silent[i].fd = -1;
}

static void take_command(struct commands *c, unsigned int i, uint64_t now_ms)
{
    ssize_t n = recv(c->silent[i].fd, &c->command, sizeof(c->command),
                     MSG_DONTWAIT | MSG_TRUNC);

    if ( n < 0 && errno == EAGAIN )
        return;
    if ( n != sizeof(c->command) || c->command.magic != COMMAND_MAGIC )
    {
        drop_silent(c, i);
        return;
    }
    epoll_ctl(c->events, EPOLL_CTL_DEL, c->silent[i].fd, NULL);
    c->client = c->silent[i].fd;
    c->silent[i].fd = -1;
    c->ready = true;
    c->until_ms = now_ms + ENGINE_MS;
}

static void accept_one(struct commands *c, uint64_t now_ms)
{
    int fd = accept4(c->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    unsigned int i, best = 0;
    struct epoll_event e = { .events = EPOLLIN };

    if ( fd < 0 )
        return;
    for ( i = 0; i < COMMANDS_SILENT && c->silent[i].fd >= 0; i++ )
        if ( c->silent[i].until_ms < c->silent[best].until_ms )
            best = i;
    if ( i == COMMANDS_SILENT )
    {
        i = best;
        drop_silent(c, i);
    }
    c->silent[i].fd = fd;
    c->silent[i].until_ms = now_ms + CLIENT_MS;
    e.data.u32 = i;
    if ( epoll_ctl(c->events, EPOLL_CTL_ADD, fd, &e) )
        drop_silent(c, i);
}

/* Commands first: a new connection may push one out. */
void commands_event(struct commands *c, uint64_t now_ms)
{
    struct epoll_event e[COMMANDS_SILENT + 1];
    int i, nr = c->ready ? 0 : epoll_wait(c->events, e, COMMANDS_SILENT + 1, 0);
    bool is_new = false;

    for ( i = 0; i < nr && !c->ready; i++ )
        if ( e[i].data.u32 < COMMANDS_SILENT )
            take_command(c, e[i].data.u32, now_ms);
        else
            is_new = true;
    if ( is_new && !c->ready )
        accept_one(c, now_ms);
    for ( i = 0; i < COMMANDS_SILENT && !c->ready; i++ )
        if ( c->silent[i].fd >= 0 && c->silent[i].until_ms <= now_ms )
            drop_silent(c, i);
}

bool commands_unmap(const struct commands *c)
{
    return c->ready && c->command.verb == COMMAND_DESTROY;
}

int commands_timeout(const struct commands *c, uint64_t now_ms)
{
    uint64_t until = c->ready ? c->until_ms : UINT64_MAX;
    unsigned int i;

    for ( i = 0; i < COMMANDS_SILENT && !c->ready; i++ )
        if ( c->silent[i].fd >= 0 && c->silent[i].until_ms < until )
            until = c->silent[i].until_ms;
    if ( until == UINT64_MAX )
        return -1;
    return until > now_ms ? (int)(until - now_ms) : 0;
}

void commands_run(struct commands *c, hyp_op_fn *op, void *arg)
{
    static const char *const verbs[] = {
        [COMMAND_START] = "start",     [COMMAND_STOP] = "stop",
        [COMMAND_CREATE] = "create",   [COMMAND_DESTROY] = "destroy",
        [COMMAND_MASK] = "mask",
    };
    const uint32_t v = c->command.verb;
    int rc = command_run(op, arg, &c->command, c->why);

    if ( !rc )
        c->why[0] = '\0';

    log_info("recorder: %s: %s",
             v >= COMMAND_START && v <= COMMAND_MASK ? verbs[v] : "?",
             rc ? c->why : "done");
}

void commands_answer(struct commands *c)
{
    answer(c, c->why[0] ? c->why : NULL);
    c->ready = false;
}
