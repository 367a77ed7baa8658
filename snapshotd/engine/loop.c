/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop.c: the engine's loop.  It sleeps until a message or a client comes.
 *
 *        wake, request                     held > 0
 *   idle -------------> look at the status ---------> take the oldest held
 *    ^                     |       ^                    take, quiesce,
 *    |  nothing to do      |       |                    write, release, sync
 *    +---------------------+       +-- freeze, if a request waits -----+
 *
 * A generation that Xen holds stays held if this process dies: the next one
 * takes it.
 */

#include "snapshotd/engine/engine-impl.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/xen/hyp.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"

/* The longest time between two looks for files that are too old. */
#define EXPIRE_LOOK_S 600

static bool waiting(struct engine *e)
{
    return queue_next(&e->queue, NULL, REQUEST_WAITING, 0) != NULL;
}

static void freeze(struct engine *e)
{
    const bool guest =
        queue_owner(&e->queue, REQUEST_WAITING, 0)->source == FROM_GUEST;
    const uint8_t cause = guest ? STORE_CAUSE_GUEST
                                : XEN_FLIGHTREC_CAUSE_REQUEST;
    struct msg m = { .type = MSG_FREEZE, .u.freeze.guest = guest };
    const struct msg_freeze *f = &m.u.freeze;
    int rc;

    queue_numbers(&e->queue, m.u.freeze.number);
    rc = engine_ask(e, &m);
    if ( rc )
    {
        log_error("freeze: %s", hyp_why(rc));
        engine_answer_all(e, REQUEST_WAITING, 0, ANSWER_FAILED,
                          rc == -EBUSY ? ANSWER_BUSY : ANSWER_XEN, NULL);
        return;
    }
    if ( f->outcome == OUTCOME_WRITTEN )
    {
        queue_freeze(&e->queue, f->gen);
        return;
    }
    e->counters.of[f->outcome][cause] = f->count;
    engine_suppressed(e, &(struct store_id){ .cause = cause }, -1, f->outcome);
    engine_answer_all(e, REQUEST_WAITING, 0,
                      guest ? ANSWER_LIMITED : ANSWER_FAILED, ANSWER_RATE,
                      NULL);
    engine_send_counters(e);
}

/* Whether Xen has other buffers than those mapped at the start. */
static bool other_buffers(const struct engine *e,
                          const struct xen_flightrec_op_status *st)
{
    if ( !e->mapped )
        return st->state & XEN_FLIGHTREC_ST_CREATED;
    return st->incarnation != e->rings.info.incarnation;
}

/*
 * Answer requests whose generation a former engine gave back before it died.  If
 * it had written the file, that is the answer.
 */
static void answer_overtaken(struct engine *e, uint32_t released)
{
    struct store_moment when;
    struct store_id id;
    struct request *q;

    while ( (q = queue_overtaken(&e->queue, released)) )
    {
        when = (struct store_moment){ .tsc = q->tsc, .ns = q->ns };
        if ( store_find(e->dir, q->gen, &when, &id) )
            engine_answer(e, q, ANSWER_DONE, ANSWER_OK, &id);
        else
            engine_answer(e, q, ANSWER_FAILED, ANSWER_IO, NULL);
    }
}

/* It is our root directory: only an engine that is still root can create it. */
static void end_without_directory(const struct engine *e)
{
    if ( !store_gone(e->dir) )
        return;
    log_error("%s: was removed: a new engine is needed to create it",
              e->conf.conf.state);
    exit(0);
}

/* Crashes first, then requests.  Return true if there may be more to do. */
static bool step(struct engine *e)
{
    struct xen_flightrec_op_status st;
    int rc = hyp_status(engine_op, e, &st);

    if ( rc )
    {
        log_error("status: %s", hyp_why(rc));
        engine_answer_all(e, REQUEST_WAITING, 0, ANSWER_FAILED, ANSWER_XEN,
                          NULL);
        return false;
    }
    if ( other_buffers(e, &st) )
    {
        log_info("the recorder's buffers have changed: a new engine is needed");
        exit(0);
    }
    if ( !e->looked )
        e->old_gen = st.gen;
    e->looked = true;
    answer_overtaken(e, st.released);
    if ( e->mapped && st.gen != st.released )
    {
        if ( st.released + 1 == e->failed_gen )
            return false;
        end_without_directory(e);
        engine_take(e, st.released + 1);
        return true;
    }
    queue_due(&e->queue, now_ns(CLOCK_MONOTONIC));
    if ( !waiting(e) )
        return false;
    if ( e->mapped && (st.state & XEN_FLIGHTREC_ST_RUNNING) )
        freeze(e);
    else
        engine_answer_all(e, REQUEST_WAITING, 0, ANSWER_FAILED,
                          ANSWER_NO_RECORDER, NULL);
    return true;
}

/*
 * The loop.
 */

/* -1: for ever. */
static int next_timeout(struct engine *e)
{
    const uint64_t now = now_ns(CLOCK_MONOTONIC);
    uint64_t next = queue_due(&e->queue, now);

    uint64_t silent = engine_client_expire(e, now);

    if ( e->expire_ns < next )
        next = e->expire_ns;
    if ( silent < next )
        next = silent;
    if ( waiting(e) || next <= now )
        return 0;
    if ( next == UINT64_MAX )
        return -1;
    next = (next - now + 999999) / 1000000;
    return next < INT_MAX ? next : INT_MAX;
}

static void client_moves(struct engine *e, struct client *c)
{
    if ( c->out )
        engine_client_flush(c);
    else
        engine_client_ready(e, c);
}

static void wait_and_receive(struct engine *e)
{
    struct pollfd p[3 + CLIENTS] = {
        { .fd = e->fd, .events = POLLIN },
        { .fd = e->text, .events = POLLIN },
        { .fd = e->listen, .events = POLLIN },
    };
    int i, rc, timeout;

    timeout = next_timeout(e);
    for ( i = 0; i < CLIENTS; i++ )
        p[3 + i] = (struct pollfd){ .fd = e->client[i].fd,
                                      .events = e->client[i].out ? POLLOUT
                                                                 : POLLIN };
    rc = poll(p, 3 + CLIENTS, timeout);
    e->work |= !rc;
    if ( rc <= 0 )
        return;
    if ( p[0].revents || p[1].revents )
        engine_receive(e);
    for ( i = 0; i < CLIENTS; i++ )
        if ( p[3 + i].revents && e->client[i].fd == p[3 + i].fd )
            client_moves(e, &e->client[i]);
    if ( p[2].revents )
        engine_client_accept(e);
}

/* Remove files that are too old, and note the time of the next look. */
static void expire(struct engine *e)
{
    const struct store_budget budget = engine_budget(e);
    uint64_t next_s, now = now_ns(CLOCK_MONOTONIC);
    struct timespec wall;
    int rc;

    if ( e->expire_ns > now )
        return;
    clock_gettime(CLOCK_REALTIME, &wall);
    rc = store_expire(e->dir, &budget, wall.tv_sec, &e->ages,
                      &e->counters.store, &next_s);
    if ( rc )
        log_error("store: the directory cannot be read: %s", strerror(-rc));
    /* The wall clock may be set: it is looked at again before long. */
    if ( next_s > EXPIRE_LOOK_S )
        next_s = EXPIRE_LOOK_S;
    e->expire_ns = next_s ? now + next_s * 1000000000ULL : UINT64_MAX;
}

/* The generations that Xen holds first, then old files. */
static void work(struct engine *e)
{
    while ( e->work )
    {
        e->work = false;
        /* A name that came before the wake-up is in the file. */
        engine_receive(e);
        /* Messages during a step set e->work, too. */
        if ( step(e) )
            e->work = true;
    }
    if ( e->end )
    {
        log_info("mapping given up");
        exit(0);
    }
    expire(e);
    if ( e->restart && !queue_any(&e->queue) )
    {
        log_info("another directory, user or threads: a new engine is needed");
        exit(0);
    }
}

void engine_loop(struct engine *e)
{
    for ( ;; )
    {
        work(e);
        wait_and_receive(e);
    }
}
