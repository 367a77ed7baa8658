/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.h: how a tool asks the daemon.
 *
 * The socket RUN/control is SOCK_SEQPACKET, root only.  A request is one struct
 * control_request.  The answer is a JSON object with "ok": bool, "error": text,
 * and the members that the operation adds; it comes in packets of at most
 * CONTROL_PIECE bytes, after which the socket is closed.  The engine answers;
 * commands that change the recorder have their own socket, see command.h.  Only
 * the holder of RUN/lock (flock) may command the recorder: the daemon while it
 * runs, otherwise a tool for the length of one command.
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
#define CONTROL_MAX      (16 << 20) /* bytes of an answer */
#define CONTROL_PIECE    (64 << 10) /* ... of one packet of it */

enum control_op {
    CONTROL_STATUS = 1,    /* adds "recorder", "daemon" */
    CONTROL_SNAPSHOT,      /* adds "state", and "file" when it is done */
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
 * Connect to RUN/NAME.  Return the socket, which the caller closes, or -errno:
 * -ENOENT or -ECONNREFUSED if no daemon runs.
 */
int control_connect(const char *run, const char *name);
/*
 * Send one request and receive its answer, which the caller must decref.
 * Return 0, -ETIMEDOUT, -EPIPE if the daemon closed the socket, -EBADMSG if the
 * answer is not a JSON object, -EFBIG beyond CONTROL_MAX, or -errno.  @timeout_ms < 0: no timeout.
 */
int control_ask(int fd, const void *req, size_t bytes, int timeout_ms,
                json_t **answer);

/*
 * Take the lock, and make RUN (0700) if it does not exist.  Return its fd,
 * which the caller closes to release it; -EBUSY if it is held, -EPERM if RUN
 * belongs to another user or others may write in it, or -errno.
 */
int control_lock(const char *run);
/*
 * As control_lock(), but wait up to @wait_ms while a tool holds the lock.
 * Return -EALREADY if a daemon holds it.
 */
int control_lock_wait(const char *run, int wait_ms);

#endif /* XENFLIGHT_CONTROL_H */
