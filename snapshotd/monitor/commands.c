/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commands.c: the socket for commands; part of the monitor. */

#include "snapshotd/monitor/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "snapshotd/common/log.h"

/* A client that sends nothing for so long is dropped. */
#define CLIENT_MS 1000
/* The engine has so long to write held generations before it is killed. */
#define ENGINE_MS 60000

int commands_fd(const struct commands *c)
{
    if ( c->client < 0 )
        return c->listen;
    return c->ready ? -1 : c->client;
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

static void take_command(struct commands *c, uint64_t now_ms)
{
    ssize_t n = recv(c->client, &c->command, sizeof(c->command),
                     MSG_DONTWAIT | MSG_TRUNC);

    if ( n < 0 && errno == EAGAIN )
        return;
    if ( n != sizeof(c->command) || c->command.magic != COMMAND_MAGIC )
    {
        drop_client(c);
        return;
    }
    c->ready = true;
    c->until_ms = now_ms + ENGINE_MS;
}

void commands_event(struct commands *c, uint64_t now_ms)
{
    if ( c->client < 0 )
    {
        c->client = accept4(c->listen, NULL, NULL,
                            SOCK_CLOEXEC | SOCK_NONBLOCK);
        c->until_ms = now_ms + CLIENT_MS;
    }
    if ( c->client >= 0 && !c->ready )
        take_command(c, now_ms);
    if ( c->client >= 0 && !c->ready && now_ms >= c->until_ms )
        drop_client(c);
}

bool commands_unmap(const struct commands *c)
{
    return c->ready && c->command.verb == COMMAND_DESTROY;
}

int commands_timeout(const struct commands *c, uint64_t now_ms)
{
    if ( c->client < 0 )
        return -1;
    return c->until_ms > now_ms ? (int)(c->until_ms - now_ms) : 0;
}

void commands_run(struct commands *c, hyp_op_fn *op, void *arg)
{
    static const char *const verbs[] = {
        [COMMAND_START] = "start",     [COMMAND_STOP] = "stop",
        [COMMAND_CREATE] = "create",   [COMMAND_DESTROY] = "destroy",
        [COMMAND_MASK] = "mask",
    };
    const uint32_t v = c->command.verb;
    char why[COMMAND_WHY];
    int rc = command_run(op, arg, &c->command, why);

    log_info("recorder: %s: %s",
             v >= COMMAND_START && v <= COMMAND_MASK ? verbs[v] : "?",
             rc ? why : "done");
    answer(c, rc ? why : NULL);
    c->ready = false;
}
