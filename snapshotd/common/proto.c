/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/common/proto.h"

#include <errno.h>
#include <sys/socket.h>

int proto_send(int fd, struct msg *m, int flags)
{
    ssize_t n;

    m->magic = PROTO_MAGIC;
    do {
        n = send(fd, m, sizeof(*m), flags | MSG_NOSIGNAL);
    } while ( n < 0 && errno == EINTR );
    if ( n < 0 )
        return errno == ECONNRESET ? -EPIPE : -errno;
    return n == sizeof(*m) ? 0 : -EPROTO;
}

int proto_receive(int fd, struct msg *m, int flags)
{
    ssize_t n;

    do {
        n = recv(fd, m, sizeof(*m), flags | MSG_TRUNC);
    } while ( n < 0 && errno == EINTR );
    if ( n < 0 )
        return errno == ECONNRESET ? -EPIPE : -errno;
    if ( !n )
        return -EPIPE;
    if ( n != sizeof(*m) || m->magic != PROTO_MAGIC ||
         m->type < MSG_CONF || m->type > MSG_LAST )
        return -EPROTO;
    return 0;
}

const char *proto_error_text(uint16_t error)
{
    switch ( error )
    {
    case ANSWER_OK:
        return "none";
    case ANSWER_NO_RECORDER:
        return "Xen does not record: run xenflight start";
    case ANSWER_BUSY:
        return "all that Xen has is held for snapshots being written: "
               "ask again";
    case ANSWER_GONE:
        return "what was held gave way to newer crashes before it was written";
    case ANSWER_BUDGET:
        return "the budget of the state directory is used up by snapshots that "
               "must stay: move some away, or raise max_files or max_bytes";
    case ANSWER_SPACE:
        return "no space left on the state directory's disk, or no quota, or "
               "less than min_free would stay free";
    case ANSWER_IO:
        return "the file could not be written: the daemon's log says why";
    case ANSWER_XEN:
        return "Xen refused an operation: the daemon's log says which";
    case ANSWER_LIMIT:
        return "too many requests at a time: ask again";
    case ANSWER_RATE:
        return "too many requests one after the other: ask again later, or "
               "raise requests in [limit]";
    case ANSWER_OFF:
        return "such requests are not wanted: see requests in [trigger] of "
               "snapshotd.conf(5)";
    default:
        return "unknown";
    }
}

const char *proto_state_name(uint16_t state)
{
    static const char *const names[] = {
        [ANSWER_ACCEPTED] = "accepted",
        [ANSWER_DONE] = "done",
        [ANSWER_FAILED] = "failed",
        [ANSWER_STALE] = "stale",
        [ANSWER_LIMITED] = "rate-limited",
        [ANSWER_DENIED] = "denied",
    };

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
