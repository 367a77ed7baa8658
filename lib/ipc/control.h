/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.h: how a tool asks the daemon.
 *
 * The socket RUN/control is SOCK_SEQPACKET, for root only.  A request is one
 * struct control_request; the answer is one packet, a JSON object: "ok": bool,
 * "error": text, and what the operation adds.  The engine answers; what changes
 * the recorder has a socket of its own, see command.h.  Who holds RUN/lock
 * (flock) may command the recorder: the daemon while it runs, else a tool for a
 * moment.
 */

#ifndef XENFLIGHT_CONTROL_H
#define XENFLIGHT_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define CONTROL_RUN      "/run/xenflight"
#define CONTROL_SOCKET   "control"
#define CONTROL_LOCK     "lock"
#define CONTROL_MAGIC    0x43465258U
#define CONTROL_TEXT     256
#define CONTROL_MAX      (1024 * 1024) /* bytes of an answer */

enum control_op {
    CONTROL_STATUS = 1,    /* adds "recorder", "daemon" */
    CONTROL_SNAPSHOT,      /* adds "state", "file" when it is done */
};

#define CONTROL_WAIT 1     /* SNAPSHOT: answer when it is done */

struct control_request {
    uint32_t magic;
    uint16_t op;
    uint16_t flags;
    uint32_t text_bytes;
    char text[CONTROL_TEXT];
};

/*
 * Connects to RUN/NAME.  Returns the socket or -errno: -ENOENT
 * or -ECONNREFUSED when no daemon runs.
 */
int control_connect(const char *run, const char *name);
/* One request, one answer.  timeout_ms < 0: for ever. */
int control_ask(int fd, const void *req, size_t bytes, int timeout_ms,
                json_t **answer);

/*
 * Makes RUN (0700) if need be, takes the lock.  Its fd; -EBUSY: held; -EPERM:
 * RUN is somebody else's, or others may write in it.
 */
int control_lock(const char *run);
/*
 * The same, but waits while a tool has it, at most wait_ms.  -EALREADY: a
 * daemon has it.
 */
int control_lock_wait(const char *run, int wait_ms);

#endif /* XENFLIGHT_CONTROL_H */
