/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify.h: reports to the service manager in the protocol of sd_notify(3): a
 * datagram of NAME=value lines.
 */

#ifndef SNAPSHOTD_NOTIFY_H
#define SNAPSHOTD_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    int fd;                /* -1 without a service manager */
    struct sockaddr_un to;
    socklen_t len;
    uint64_t watchdog_ms;  /* 0 without a watchdog */
};

/*
 * Take NOTIFY_SOCKET and WATCHDOG_USEC out of the environment, so that child
 * processes do not inherit them.
 */
void notify_open(struct notify *n);
void notify_send(const struct notify *n, const char *lines);

#endif /* SNAPSHOTD_NOTIFY_H */
