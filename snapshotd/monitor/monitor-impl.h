/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * monitor-impl.h: what the files of the monitor share.  monitor.c has the loop
 * and its events, open.c what is opened at the start, domains.c
 * who is who, xenstore/requests.c requests in xenstore, engine.c the
 * other process: its life, its operations, what it is told; xenstore/xenstore.c
 * the thread that waits for xenstored; commands.c has the socket for what
 * changes the recorder.
 */

#ifndef SNAPSHOTD_MONITOR_IMPL_H
#define SNAPSHOTD_MONITOR_IMPL_H

#include <sys/types.h>
#include <time.h>

#include "snapshotd/monitor/commands.h"
#include "snapshotd/common/domains.h"
#include "snapshotd/xenstore/guests.h"
#include "lib/xen/hyp.h"
#include "snapshotd/monitor/health.h"
#include "snapshotd/monitor/hook.h"
#include "snapshotd/monitor/monitor.h"
#include "snapshotd/monitor/policy.h"
#include "snapshotd/common/proto.h"
#include "snapshotd/xenstore/xs.h"

/* A request in xenstore. */
struct pending {
    bool used, sent;
    bool answered;         /* by `answer`, which xenstore does not have yet */
    struct msg_answer answer;
    uint32_t number;
    uint32_t gen;          /* that was frozen for it; 0: none */
    uint64_t frozen_s;     /* when, since 1970 */
    size_t text_bytes;
    char name[XS_TRIGGER_NAME_MAX + 1];
    char text[PROTO_TEXT];
};

/* All that was asked for is done, but xenstore does not know. */
bool pending_final(const struct pending *p);

/* The thread for xenstore: xenstore/xenstore.c. */
struct xenstore {
    pthread_t thread;
    bool running, started, end, ended;
    int rc;                /* of its start */
    int kick, wake;        /* eventfds: it is to look, the main thread is */
    bool kicked;           /* and it has not looked yet */
    /* What it is to do. */
    bool check, domains, requests, review, health;
    bool up;               /* connected */
    uint64_t asked_ms;     /* to do something; 0: it has done all */
    uint64_t named_ms;     /* a domain came then whose name is not read; or 0 */
    bool hangs;            /* and it was said */
    uint64_t hung;         /* times */
};

struct monitor {
    const struct monitor_options *opt;
    struct conf conf;
    struct hyp *hyp;
    struct xs xs;          /* with the lock of all this */
    struct xenstore xenstore;
    struct commands commands;
    int lock, control, virq, signals, heartbeat;
    bool stop;
    uid_t uid;             /* the engine's */
    gid_t gid;

    /* The engine. */
    pid_t pid;             /* 0: none */
    int engine;            /* socket, -1: none */
    bool ready;            /* it has mapped and dropped */
    uint32_t starts;
    char state[CONF_PATH]; /* the directory it writes to */
    uint64_t started_ms, restart_ms, backoff_ms;
    struct msg reply;      /* to its operation */
    bool reply_owed;
    struct counters counters; /* as it last told */
    bool conf_owed;        /* it does not have the newest */
    struct policy policy;
    struct hook hook;
    struct health health;
    uint64_t check_ms;     /* of the next heartbeat */
    uint32_t released;     /* generation given back last; 0: it was told of */

    /* What it is to know. */
    struct domains domains;
    struct guests guests;
    struct pending pending[XS_TRIGGER_MAX];
    uint32_t number;       /* of the last request */
    bool signalled;        /* SIGUSR1 not yet passed on */
    uint32_t signal_gen;   /* as in struct pending */
    uint64_t signal_frozen_s;
    uint32_t signal_number;/* of the last passed on; 0: it is answered */
    bool woken;
    struct msg_wake wake;
    bool name_waits;       /* ... and in this turn it waits for a name */
    bool end_sent;         /* it was told to end */

    uint32_t incarnation;  /* of the buffers that generations are of */
    uint64_t geometry;     /* of the buffers that the engine maps */
    uint32_t reading;      /* generation it acknowledged; 0: none */
    unsigned int deaths;   /* of engines over it */

    /* Names in result/, oldest first from `next_result` on. */
    char result[XS_TRIGGER_RESULTS][XS_TRIGGER_NAME_MAX + 1];
    unsigned int next_result;
};

uint64_t monitor_ns(clockid_t clock);
uint64_t monitor_ms(void); /* monotonic */
/* hyp_op() in the form that lib/xen/recorder.h takes; `hyp` is the handle. */
int monitor_op(void *hyp, struct xen_flightrec_op *op);

/* 0 or an exit code, what is wrong was said. */
int monitor_find_user(const char *name, uid_t *uid, gid_t *gid);
/* Arms the timer as the configuration wants it. */
int monitor_set_heartbeat(struct monitor *m);

/* An exit code: what could not be opened was said. */
int monitor_open(struct monitor *m);
void monitor_remove_sockets(const struct monitor *m);
/* Makes and starts buffers if Xen has none and the configuration wants them. */
int monitor_create_buffers(struct monitor *m);

/* Who is who by now. */
void monitor_domains(struct monitor *m);
/* In the thread for xenstore: reads the name of one. */
void monitor_name(struct monitor *m, uint16_t domid, const uint8_t handle[16]);
/* For struct xs: a domain may have another name. */
void monitor_renamed(void *monitor, unsigned int domid);
/* For struct guests. */
bool monitor_has_domain(void *monitor, uint16_t domid,
                        const uint8_t handle[16]);

/*
 * The thread for xenstore, and what the main one does about it.  An error:
 * there is no xenstored, which is not said; one that hangs is no error.
 */
int monitor_start_xenstore(struct monitor *m);
/* False: it hangs, and goes on using *m until the process ends. */
bool monitor_end_xenstore(struct monitor *m);
/* It is to look at what it is to do. */
void monitor_ask_xenstore(struct monitor *m);
/* Says when xenstored hangs, and when that is over. */
void monitor_check_xenstore(struct monitor *m);
/* When that is to be called if nothing happens; -1: never. */
int64_t monitor_xenstore_wait_ms(const struct monitor *m);
/* Connected, and it answers. */
bool monitor_xenstore_up(const struct monitor *m);
/* How long a wake-up waits for a new domain's name; -1: not at all. */
int64_t monitor_name_wait_ms(const struct monitor *m);

/*
 * In the thread for xenstore: looks at all requests.  `stale`: they were there
 * before us.
 */
void monitor_requests(struct monitor *m, bool stale);
/* In the thread for xenstore: writes the answers that there are. */
void monitor_pass_answers(struct monitor *m);
/* The engine's answer to one. */
void monitor_answered(struct monitor *m, const struct msg_answer *a);

void monitor_start_engine(struct monitor *m);
void monitor_end_engine(struct monitor *m);
/* A child of ours ended. */
void monitor_reap(struct monitor *m);
/* A message from the engine.  Anything odd ends it. */
void monitor_receive(struct monitor *m);
/* Sends what the engine is owed.  True: nothing is owed any more. */
bool monitor_feed(struct monitor *m);
/* Replaces it if its mapping is not all there is. */
void monitor_check_engine(struct monitor *m);
/* Replaces it at once. */
void monitor_replace_engine(struct monitor *m, const char *why);

#endif /* SNAPSHOTD_MONITOR_IMPL_H */
