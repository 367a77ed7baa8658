/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clients.c: the control socket, for tools in Dom0; part of the engine. */

#include "snapshotd/engine/engine-impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/ipc/control.h"
#include "lib/xen/recorder.h"

static json_t *guests_json(const struct guest_counters *g)
{
    return json_pack("{sI sI sI sI sI}", "asked", (json_int_t)g->asked,
                     "rate_limited", (json_int_t)g->limited,
                     "stale", (json_int_t)g->of[TALLY_STALE],
                     "opted_out", (json_int_t)g->of[TALLY_OPTED_OUT],
                     "shut_out", (json_int_t)g->of[TALLY_SHUT_OUT]);
}

static json_t *hook_json(const struct hook_counters *h)
{
    return json_pack("{sI sI sI sI}", "done", (json_int_t)h->run, "failed",
                     (json_int_t)h->failed, "timed_out",
                     (json_int_t)h->timed_out, "dropped",
                     (json_int_t)h->dropped);
}

static json_t *times_json(const struct counters *c)
{
    return json_pack("{sI sI sI sI sI}",
                     "held_ns", (json_int_t)c->held_ns,
                     "held_max_ns", (json_int_t)c->held_max_ns,
                     "durable", (json_int_t)c->durable,
                     "durable_ns", (json_int_t)c->durable_ns,
                     "durable_max_ns", (json_int_t)c->durable_max_ns);
}

/* {"crash": {"written": 3, "limit_domain": 1}, ...}, without zeros. */
static json_t *causes_json(const struct counters *c)
{
    json_t *causes = json_object(), *of;
    unsigned int cause, i;

    for ( cause = 0; cause < STORE_CAUSES; cause++ )
    {
        of = json_object();
        for ( i = 0; i < OUTCOMES; i++ )
            if ( c->of[i][cause] )
                json_object_set_new(of, count_name(i),
                                    json_integer(c->of[i][cause]));
        if ( json_object_size(of) )
            json_object_set(causes, store_cause(cause), of);
        json_decref(of);
    }
    return causes;
}

static json_t *store_json(const struct engine *e)
{
    const struct store_usage *u = &e->counters.store;
    const struct conf *c = &e->conf.conf;

    return json_pack("{sI sI sI sI sI sI sI sI sI}",
                     "files", (json_int_t)u->files,
                     "max_files", (json_int_t)c->max_files,
                     "bytes", (json_int_t)u->bytes,
                     "max_bytes", (json_int_t)c->max_bytes,
                     "min_free", (json_int_t)c->min_free,
                     "max_age_s", (json_int_t)c->max_age_s,
                     "pinned", (json_int_t)u->pinned,
                     "evicted", (json_int_t)u->evicted,
                     "expired", (json_int_t)u->expired);
}

static json_t *daemon_json(const struct engine *e)
{
    const struct counters *c = &e->counters;
    json_t *last = NULL;

    if ( e->last_file[0] )
        last = json_pack("{ss s{sI sI sI sI sI}}", "file", e->last_file,
                         "latency_ns", "wake", (json_int_t)e->last.wake,
                         "quiescent", (json_int_t)e->last.quiescent,
                         "first", (json_int_t)e->last.first,
                         "written", (json_int_t)e->last.written,
                         "durable", (json_int_t)e->last.durable);
    return json_pack("{sI sI ss sI sI sI sI sI sI sI sI sI so so so so so so*}",
                     "engine_pid", (json_int_t)getpid(),
                     "engine_starts", (json_int_t)e->conf.starts,
                     "state_dir", e->conf.conf.state,
                     "written", (json_int_t)count_sum(c, OUTCOME_WRITTEN),
                     "bytes_written", (json_int_t)c->bytes_written,
                     "failed", (json_int_t)count_sum(c, OUTCOME_FAILED),
                     "suppressed_budget",
                     (json_int_t)count_sum(c, OUTCOME_BUDGET),
                     "suppressed_limit",
                     (json_int_t)(count_sum(c, OUTCOME_DOMAIN) +
                                  count_sum(c, OUTCOME_TOTAL) +
                                  count_sum(c, OUTCOME_REQUESTS)),
                     "suppressed_off",
                     (json_int_t)(count_sum(c, OUTCOME_OFF) +
                                  count_sum(c, OUTCOME_REFUSED)),
                     "gone", (json_int_t)count_sum(c, OUTCOME_GONE),
                     "evicted", (json_int_t)c->store.evicted,
                     "requests", (json_int_t)c->requests,
                     "guests", guests_json(&e->guests),
                     "times", times_json(c),
                     "hook", hook_json(&e->hook),
                     "causes", causes_json(c),
                     "store", store_json(e),
                     "last", last);
}

static void client_error(struct engine *e, int fd, const char *text)
{
    engine_send_client(e, fd, json_pack("{sb ss}", "ok", 0, "error", text));
}

static void client_status(struct engine *e, int fd)
{
    json_t *recorder;
    int rc = recorder_json(engine_op, e, e->mapped ? &e->rings : NULL,
                           &recorder);

    if ( rc )
        client_error(e, fd, hyp_why(rc));
    else
        engine_send_client(e, fd, json_pack("{sb so so}", "ok", 1, "recorder",
                                         recorder, "daemon", daemon_json(e)));
}

static void client_snapshot(struct engine *e, int fd,
                            const struct control_request *in)
{
    const bool wait = in->flags & CONTROL_WAIT;
    struct request r = { .source = FROM_SOCKET, .client = wait ? fd : -1,
                         .text_bytes = in->text_bytes < sizeof(r.text)
                                           ? in->text_bytes
                                           : sizeof(r.text) };
    uint16_t error;

    memcpy(r.text, in->text, r.text_bytes);
    if ( !engine_request(e, &r, &error) )
    {
        client_error(e, fd, request_error_text(error));
        return;
    }
    /* Else the connection is the request's. */
    if ( !wait )
        engine_send_client(e, fd, json_pack("{sb ss}", "ok", 1, "state",
                                         "accepted"));
}

/* One request for each connection, which is then closed, or the request's. */
void engine_client_ready(struct engine *e, struct client *c)
{
    struct control_request in;
    const int fd = c->fd;
    ssize_t n = recv(fd, &in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC);

    if ( n != sizeof(in) || in.magic != CONTROL_MAGIC )
    {
        engine_client_close(c);
        return;
    }
    c->fd = -1;
    if ( in.op == CONTROL_STATUS )
        client_status(e, fd);
    else if ( in.op == CONTROL_SNAPSHOT )
        client_snapshot(e, fd, &in);
    else
        client_error(e, fd, "the daemon does not know the request");
}

void engine_client_accept(struct engine *e)
{
    int fd = accept4(e->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if ( fd >= 0 )
        engine_client_slot(e, fd);
}
