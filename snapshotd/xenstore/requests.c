/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * requests.c: Dom0's requests in xenstore, and their answers; part of the
 * xenstore process.
 */

#include "snapshotd/xenstore/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshotd/common/log.h"

_Static_assert(REQUEST_NODE == XS_TRIGGER_NAME_MAX + 1, "a node's name");

/*
 * Answers.
 */

/* Notes an answer; the oldest beyond XS_TRIGGER_RESULTS is removed. */
static void note_result(struct requests *t, const char *name)
{
    char *slot = t->result[t->next_result];
    unsigned int i;

    for ( i = 0; i < XS_TRIGGER_RESULTS; i++ )
        if ( !strcmp(t->result[i], name) )
            return;
    if ( *slot )
        xs_answer_remove(t->xs, slot);
    snprintf(slot, sizeof(t->result[0]), "%s", name);
    t->next_result = (t->next_result + 1) % XS_TRIGGER_RESULTS;
}

/* Those that a former process of this daemon wrote, in xenstore's order. */
static void note_results(struct requests *t)
{
    unsigned int nr, i;
    char **names = xs_answers(t->xs, &nr);

    for ( i = 0; i < nr; i++ )
        if ( strlen(names[i]) <= XS_TRIGGER_NAME_MAX )
            note_result(t, names[i]);
    free(names);
}

static void write_answer(struct requests *t, const char *name,
                         const struct answer *a)
{
    char leaf[STORE_NAME], path[CONF_PATH + STORE_NAME + 1];
    const bool file = a->state == ANSWER_DONE;

    note_result(t, name);
    if ( file )
    {
        store_name(&a->file, leaf);
        snprintf(path, sizeof(path), "%s/%s", t->link->state, leaf);
    }
    xs_answer(t->xs, name, request_state_name(a->state), file ? path : NULL,
              a->error ? request_error_text(a->error) : NULL);
}

/*
 * Requests.
 */

static struct request *by_node(struct requests *t, const char *name)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + XS_TRIGGER_MAX; q++ )
        if ( q->state != REQUEST_FREE && !strcmp(q->node, name) )
            return q;
    return NULL;
}

/* One that was accepted already was so by a former process. */
static void take_in(struct requests *t, const char *name)
{
    const char *accepted = request_state_name(ANSWER_ACCEPTED);
    struct request *q = t->slot;
    size_t bytes;

    while ( q < t->slot + XS_TRIGGER_MAX && q->state != REQUEST_FREE )
        q++;
    /* No room: it stays in xenstore until the look after an answer. */
    if ( q == t->slot + XS_TRIGGER_MAX ||
         !xs_request_text(t->xs, name, q->text, sizeof(q->text), &bytes) )
        return;
    q->source = FROM_XENSTORE;
    q->text_bytes = bytes;
    strcpy(q->node, name);
    q->again = xs_answer_is(t->xs, name, accepted);
    link_may_ask(t->link, q);
    note_result(t, name);
    if ( !q->again )
        xs_answer_first(t->xs, name, accepted);
    request_step(q, REQUEST_ASK);
}

static void look(struct requests *t, bool stale)
{
    const struct answer old = { .state = ANSWER_STALE };
    unsigned int nr, i;
    char **names = xs_requests(t->xs, &nr);

    for ( i = 0; i < nr; i++ )
    {
        link_progress(t->link);
        if ( strlen(names[i]) > XS_TRIGGER_NAME_MAX )
        {
            log_warning("request: name longer than %d bytes: removed",
                        XS_TRIGGER_NAME_MAX);
            xs_request_remove(t->xs, names[i]);
        }
        else if ( stale )
        {
            log_warning("request: from before the daemon's start: ignored as "
                        "stale");
            write_answer(t, names[i], &old);
        }
        else if ( !by_node(t, names[i]) )
            take_in(t, names[i]);
    }
    free(names);
}

void requests_start(struct requests *t, bool first)
{
    if ( first )
        xs_answers_remove_all(t->xs);
    else
        note_results(t);
    if ( first )
        look(t, true);
    t->look = !first;
}

void requests_look(struct requests *t)
{
    if ( !t->look )
        return;
    t->look = false;
    look(t, false);
}

bool requests_send(struct requests *t)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + XS_TRIGGER_MAX; q++ )
    {
        if ( q->state != REQUEST_OPEN )
            continue;
        if ( !link_send_request(t->link, q) )
            return false;
        request_step(q, REQUEST_SEND);
    }
    return true;
}

bool requests_resuming(const struct requests *t)
{
    const struct request *q;

    for ( q = t->slot; q < t->slot + XS_TRIGGER_MAX; q++ )
        if ( q->state == REQUEST_OPEN && q->again )
            return true;
    return false;
}

void requests_lost(struct requests *t)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + XS_TRIGGER_MAX; q++ )
        request_step(q, REQUEST_LOST);
}

static struct request *by_number(struct requests *t, uint64_t number)
{
    struct request *q;

    for ( q = t->slot; q < t->slot + XS_TRIGGER_MAX; q++ )
        if ( q->state == REQUEST_SENT && q->number == number )
            return q;
    return NULL;
}

/* The engine's answer is hostile: a state that is none of these is a failure. */
void requests_answer(struct requests *t, uint64_t number,
                     const struct answer *a)
{
    struct request *q = by_number(t, number);
    struct answer checked = *a;

    if ( !q )
        return;
    if ( checked.state != ANSWER_DONE )
        checked.state = ANSWER_FAILED;
    write_answer(t, q->node, &checked);
    request_step(q, REQUEST_WRITE);
    t->look = true;
}
