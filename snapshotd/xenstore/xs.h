/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xs.h: the monitor's side of xenstore.  Every path is built in here from our
 * own constants, a number, or the name of a node that xenstore told us; values
 * are handed on as bytes.
 *
 * Events are hints that coalesce: they set a flag, and the nodes are read.
 *
 * All of it runs in the monitor's second thread (xenstore/xenstore.c), since
 * xenstored may take its time, or for ever.  Who calls a function holds `lock`;
 * it is given up for as long as xenstored is waited for, and only then.
 */

#ifndef SNAPSHOTD_XS_H
#define SNAPSHOTD_XS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshotd/engine/store.h"
#include "xs-hooks/xs-trigger.h"

/* The token of a watch on a guest's node, with the guest's serial number. */
#define XS_GUEST_TOKEN "guest-%u"

struct xs_handle;

struct xs {
    pthread_mutex_t lock;  /* of all that the monitor's two threads share */
    uint64_t answered_ms;  /* when a call returned last, monotonic */
    struct xs_handle *h;   /* NULL: not connected */
    int fd;                /* readable when an event waits, or -1 */
    /* What the events hinted at. */
    bool introduced, released, requested, reviewed;
    /* A domain's name may be another one now. */
    void (*renamed)(void *arg, unsigned int domid);
    /* A guest may have asked. */
    void (*asked)(void *arg, unsigned int serial);
    void *arg;
};

/* Around each call of the library; errno stays as it is. */
void xs_wait_begin(struct xs *x);
void xs_wait_end(struct xs *x);
#define XS_CALL(x, call)                                                     \
    __extension__({                                                          \
        xs_wait_begin(x);                                                    \
        __auto_type ret_ = (call);                                           \
        xs_wait_end(x);                                                      \
        ret_;                                                                \
    })

/* Connects and watches.  -ECONNREFUSED, -ENOENT: no xenstored there. */
int xs_connect(struct xs *x);
void xs_disconnect(struct xs *x);
/* Takes all events that wait.  -EIO: xenstored is gone. */
int xs_drain(struct xs *x);
/* Poll does not tell that xenstored died: ask it something. */
int xs_alive(struct xs *x);

/* Watch a domain's name from now on, or no more. */
void xs_watch_name(struct xs *x, unsigned int domid, bool on);
/* /local/domain/<domid>/name.  0 bytes if there is none. */
size_t xs_domain_name(struct xs *x, unsigned int domid, char *buf,
                      size_t room);

/* Names of all requests.  free() the list.  *nr 0 if there are none. */
char **xs_requests(struct xs *x, unsigned int *nr);
/* False: gone.  Else its text in buf. */
bool xs_request_text(struct xs *x, const char *name, char *buf, size_t room,
                     size_t *bytes);
void xs_request_remove(struct xs *x, const char *name);

/* result/<name> = state, and below it file or error if not NULL. */
void xs_answer(struct xs *x, const char *name, const char *state,
               const char *file, const char *error);
void xs_answer_remove(struct xs *x, const char *name);
/* status/<name> = value.  False: it could not be written. */
bool xs_status(struct xs *x, const char *name, const char *value);
void xs_status_remove(struct xs *x);
/* What a former run answered. */
void xs_answers_remove_all(struct xs *x);

#endif /* SNAPSHOTD_XS_H */
