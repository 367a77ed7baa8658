/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* answers.c: answer requests, wherever they came from; part of the engine. */

#include "snapshotd/engine/engine-impl.h"

#include <stdio.h>

#include "snapshotd/common/log.h"

static void answer_client(struct engine *e, struct request *q)
{
    char name[STORE_NAME], path[CONF_PATH + STORE_NAME + 1];
    const struct answer *a = &q->answer;
    json_t *o;

    o = json_pack("{sb ss}", "ok", a->state != ANSWER_FAILED, "state",
                  request_state_name(a->state));
    if ( a->state == ANSWER_DONE )
    {
        store_name(&a->file, name);
        snprintf(path, sizeof(path), "%s/%s", e->conf.conf.state, name);
        json_object_set_new(o, "file", json_string(path));
    }
    if ( a->error )
        json_object_set_new(o, "error",
                            json_string(request_error_text(a->error)));
    engine_send_client(e, q->client, o);
}

void engine_answer(struct engine *e, struct request *q, uint16_t state,
                   uint16_t error, const struct store_id *id)
{
    if ( request_step(q, REQUEST_ANSWER) )
        return;
    q->answer = (struct answer){ .state = state, .error = error };
    if ( id )
        q->answer.file = *id;
    if ( state == ANSWER_FAILED )
        log_error("request: failed: %s", request_error_text(error));
    if ( q->source != FROM_SOCKET )
    {
        engine_deliver(e, q);
        return;
    }
    if ( q->client >= 0 )
        answer_client(e, q);
    request_step(q, REQUEST_CONFIRM);
}

void engine_answer_all(struct engine *e, enum request_state in, uint32_t gen,
                       uint16_t state, uint16_t error,
                       const struct store_id *id)
{
    struct request *q = NULL;

    while ( (q = queue_next(&e->queue, q, in, gen)) )
        engine_answer(e, q, state, error, id);
}
