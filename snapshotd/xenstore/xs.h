/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xs.h: xenstore's nodes, as the daemon uses them.  Every path is built in here
 * from constants, a number, or the name of a node that xenstore listed; values
 * are handed on as bytes.
 *
 * Calls block until xenstored answers, which may be for ever: the process has
 * nothing else to do, and the monitor replaces it (see monitor/xenstore.c).
 * Events are hints that coalesce: they set a flag, and the nodes are read.
 */

#ifndef SNAPSHOTD_XS_H
#define SNAPSHOTD_XS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xs-hooks/xs-trigger.h"

/* The token of a watch on a guest's node, with the guest's serial number. */
#define XS_GUEST_TOKEN "guest-%u"

struct xs_handle;

struct xs {
    struct xs_handle *h;
    int fd;                /* readable when an event waits */
    bool failed;           /* something was not written: is xenstored alive? */
    /* Hints of events, until the caller clears them. */
    bool introduced, released, requested, reviewed;
    /* A domain's name may have changed. */
    void (*renamed)(void *arg, unsigned int domid);
    /* A guest may have written its node. */
    void (*asked)(void *arg, unsigned int serial);
    void *arg;
};

/* Connects, which needs root.  -ECONNREFUSED, -ENOENT: no xenstored there. */
int xs_connect(struct xs *x);
/*
 * Watches for requests, guests and domains.  The first watch makes the library
 * start a thread that reads: the caller must have given up root before.
 */
int xs_watch_all(struct xs *x);
/* Takes in all events that wait.  Return -EIO if xenstored is gone. */
int xs_drain(struct xs *x);
/* Ask it something, since poll() does not report that xenstored died. */
int xs_alive(struct xs *x);

/* Watch a domain's name from now on, or stop. */
void xs_watch_name(struct xs *x, unsigned int domid, bool on);
/*
 * Read /local/domain/<domid>/name.  Return its bytes, 0 if there is none or if
 * /local/domain/<domid>/vm says that it is of a domain with another uuid, which
 * had the number before.  Then `vm' is watched like the name, until
 * xs_watch_name() ends that.
 */
size_t xs_domain_name(struct xs *x, unsigned int domid,
                      const uint8_t handle[16], char *buf, size_t room);

/* The names of all requests; the caller frees the list.  *nr is their count. */
char **xs_requests(struct xs *x, unsigned int *nr);
/* Read a request's text.  Return false if it is gone. */
bool xs_request_text(struct xs *x, const char *name, char *buf, size_t room,
                     size_t *bytes);
void xs_request_remove(struct xs *x, const char *name);

/* The names of all answers; as xs_requests(). */
char **xs_answers(struct xs *x, unsigned int *nr);
/* Whether result/<name> has this value. */
bool xs_answer_is(struct xs *x, const char *name, const char *state);
/* result/<name> = state, not a final one. */
void xs_answer_first(struct xs *x, const char *name, const char *state);
/*
 * The final answer: result/<name> = state with file or error below it if not
 * NULL, and the request removed, all in one transaction.
 */
void xs_answer(struct xs *x, const char *name, const char *state,
               const char *file, const char *error);
void xs_answer_remove(struct xs *x, const char *name);
/* Removes the answers of a former daemon. */
void xs_answers_remove_all(struct xs *x);

/* status/<name> = value.  Return false if it cannot be written. */
bool xs_status(struct xs *x, const char *name, const char *value);
void xs_status_remove(struct xs *x);

#endif /* SNAPSHOTD_XS_H */
