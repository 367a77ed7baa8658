/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* link.h: the xenstore process' lines to the monitor and to the engine. */

#ifndef SNAPSHOTD_XENSTORE_LINK_H
#define SNAPSHOTD_XENSTORE_LINK_H

#include <stdbool.h>

#include "snapshotd/common/proto.h"

/* Confirmations that can wait: the engine has no more requests than this. */
#define LINK_CONFIRMS 64

struct link {
    int monitor;
    int engine;            /* -1 while there is none */
    uint32_t seq;          /* of the last question */
    uint64_t progress_ms;  /* of the last PONG */
    char state[CONF_PATH]; /* the directory of the engine on the line */
    bool sync_owed;        /* to this engine */
    uint64_t confirm[LINK_CONFIRMS]; /* owed to the engine */
    unsigned int confirms;
    /* Called for all other messages of the monitor, also during a question. */
    void (*note)(void *arg, const struct msg *m);
    /* The engine is gone: the next one must be sent everything again. */
    void (*lost)(void *arg);
    void *arg;
};

/* All that talk to the monitor do not return if it is gone. */
void link_send(struct link *l, struct msg *m);
/* Take in all messages of the monitor; with `block` wait for one. */
void link_receive(struct link *l, bool block);
/* At most once in 100 ms: work goes on, xenstored answers. */
void link_progress(struct link *l);

/* Questions to the monitor. */
bool link_has_domain(struct link *l, uint16_t domid, const uint8_t handle[16]);
/*
 * May q be asked now?  Sets q->number: that which it had before if q->again.  A
 * guest's budget pays for it, but not again.
 */
bool link_may_ask(struct link *l, struct request *q);
void link_tally(struct link *l, enum tally event);

/* To the engine.  Return false if it must be sent later. */
bool link_send_engine(struct link *l, struct text_msg *m);
bool link_send_name(struct link *l, const struct msg_domain *d,
                    const char *name, size_t bytes);
bool link_send_request(struct link *l, const struct request *q);
/* Sent now or by link_send_owed(); the engine forgets the request then. */
void link_confirm(struct link *l, uint64_t number);
bool link_send_owed(struct link *l);
/*
 * One message.  Return -EAGAIN without one.  A malformed one ends the process.
 */
int link_receive_engine(struct link *l, struct text_msg *m);

#endif /* SNAPSHOTD_XENSTORE_LINK_H */
