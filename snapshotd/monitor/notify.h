/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify.h: tells the service manager how it goes, in the protocol of
 * sd_notify(3): one datagram, lines of NAME=value.
 */

#ifndef SNAPSHOTD_NOTIFY_H
#define SNAPSHOTD_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd;                /* -1: nobody wants to know */
    struct sockaddr_un to;
    socklen_t len;
    uint64_t watchdog_ms;  /* 0: no watchdog */
};

/*
 * Takes NOTIFY_SOCKET and WATCHDOG_USEC out of the environment, so that nobody
 * whom we start has them.
 */
void notify_open(struct notify *n);
void notify_send(const struct notify *n, const char *lines);

#endif /* SNAPSHOTD_NOTIFY_H */
