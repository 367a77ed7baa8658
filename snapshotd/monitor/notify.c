/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* notify.c: talk to the service manager; part of the monitor. */

#include "snapshotd/monitor/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void open_socket(struct notify *n, const char *path)
{
    size_t len = strlen(path);

    /* A path, or with an @ an abstract name. */
    if ( (path[0] != '/' && path[0] != '@') ||
         len >= sizeof(n->to.sun_path) )
        return;
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path, len);
    if ( path[0] == '@' )
        n->to.sun_path[0] = '\0';
    n->len = offsetof(struct sockaddr_un, sun_path) + len;
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

void notify_open(struct notify *n)
{
    const char *path = getenv("NOTIFY_SOCKET");
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");

    *n = (struct notify){ .fd = -1 };
    if ( path )
        open_socket(n, path);
    if ( n->fd >= 0 && usec && (!pid || atol(pid) == getpid()) )
        n->watchdog_ms = strtoull(usec, NULL, 10) / 1000;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

void notify_send(const struct notify *n, const char *lines)
{
    if ( n->fd >= 0 )
        sendto(n->fd, lines, strlen(lines), MSG_NOSIGNAL | MSG_DONTWAIT,
               (const struct sockaddr *)&n->to, n->len);
}
