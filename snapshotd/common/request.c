/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* request.c: the states of a request; part of each process. */

#include "snapshotd/common/request.h"

#include <errno.h>

/* One more than the next state; 0 where the event is impossible. */
#define TO(state) (REQUEST_##state + 1)

static const uint8_t table[REQUEST_STATES][REQUEST_EVENTS] = {
    [REQUEST_FREE] = {
        [REQUEST_ASK] = TO(OPEN),
        [REQUEST_TAKE] = TO(DELAYED),
        [REQUEST_DROP] = TO(FREE),
        [REQUEST_LOST] = TO(FREE),
    },
    [REQUEST_OPEN] = {
        [REQUEST_ASK] = TO(OPEN),
        [REQUEST_SEND] = TO(SENT),
        [REQUEST_DROP] = TO(FREE),
        [REQUEST_LOST] = TO(OPEN),
    },
    [REQUEST_SENT] = {
        [REQUEST_ASK] = TO(OPEN),
        [REQUEST_WRITE] = TO(FREE),
        [REQUEST_DROP] = TO(FREE),
        [REQUEST_LOST] = TO(OPEN),
    },
    [REQUEST_DELAYED] = {
        [REQUEST_RESUME] = TO(FROZEN),
        [REQUEST_DUE] = TO(WAITING),
        [REQUEST_ANSWER] = TO(ANSWERED),
        [REQUEST_ADOPT] = TO(DELAYED),
        [REQUEST_LOST] = TO(DELAYED),
    },
    [REQUEST_WAITING] = {
        [REQUEST_FREEZE] = TO(FROZEN),
        [REQUEST_ANSWER] = TO(ANSWERED),
        [REQUEST_ADOPT] = TO(WAITING),
        [REQUEST_LOST] = TO(WAITING),
    },
    [REQUEST_FROZEN] = {
        [REQUEST_ANSWER] = TO(ANSWERED),
        [REQUEST_ADOPT] = TO(FROZEN),
        [REQUEST_LOST] = TO(FROZEN),
    },
    [REQUEST_ANSWERED] = {
        [REQUEST_PASS] = TO(PASSED),
        /* A signal's and a socket's: the other side confirms nothing. */
        [REQUEST_CONFIRM] = TO(FREE),
        [REQUEST_ADOPT] = TO(ANSWERED),
        [REQUEST_DROP] = TO(FREE),
        [REQUEST_LOST] = TO(ANSWERED),
    },
    [REQUEST_PASSED] = {
        [REQUEST_CONFIRM] = TO(FREE),
        [REQUEST_ADOPT] = TO(ANSWERED),
        [REQUEST_DROP] = TO(FREE),
        [REQUEST_LOST] = TO(PASSED),
    },
};

int request_next_state(enum request_state state, enum request_event event)
{
    if ( state >= REQUEST_STATES || event >= REQUEST_EVENTS ||
         !table[state][event] )
        return -EPROTO;
    return table[state][event] - 1;
}

int request_step(struct request *q, enum request_event event)
{
    int next = request_next_state(q->state, event);

    if ( next < 0 )
        return next;
    q->state = next;
    return 0;
}

const char *request_error_text(uint16_t error)
{
    switch ( error )
    {
    case ANSWER_OK:
        return "none";
    case ANSWER_NO_RECORDER:
        return "Xen does not record: run xenflight start";
    case ANSWER_BUSY:
        return "all slots are held for snapshots being written: "
               "ask again";
    case ANSWER_GONE:
        return "the hold gave way to newer crashes before it was written";
    case ANSWER_BUDGET:
        return "the budget of the state directory is used up by snapshots that "
               "must stay: move some away, or raise max_files or max_bytes";
    case ANSWER_SPACE:
        return "no space left on the state directory's disk, or no quota, or "
               "less than min_free would stay free";
    case ANSWER_IO:
        return "the file could not be written: see the daemon's log";
    case ANSWER_XEN:
        return "Xen refused an operation: see the daemon's log";
    case ANSWER_LIMIT:
        return "too many requests at a time: ask again";
    case ANSWER_RATE:
        return "too many requests in a row: ask again later, or "
               "raise requests in [limit]";
    case ANSWER_OFF:
        return "such requests are off: see requests in [trigger] of "
               "snapshotd.conf(5)";
    default:
        return "unknown";
    }
}

const char *request_state_name(uint16_t state)
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
