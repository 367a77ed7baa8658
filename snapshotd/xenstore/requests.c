/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xenstore/requests.c: requests in xenstore, and their answers. */

#include "snapshotd/monitor/monitor-impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshotd/common/log.h"

/* Only so many answers stay: nobody else removes them. */
static void result_note(struct monitor *m, const char *name)
{
    char *slot = m->result[m->next_result];
    unsigned int i;

    for ( i = 0; i < XS_TRIGGER_RESULTS; i++ )
        if ( !strcmp(m->result[i], name) )
            return;
    if ( *slot )
        xs_answer_remove(&m->xs, slot);
    snprintf(slot, sizeof(m->result[0]), "%s", name);
    m->next_result = (m->next_result + 1) % XS_TRIGGER_RESULTS;
}

static void request_answer(struct monitor *m, const char *name, uint16_t state,
                           uint16_t error, const struct store_id *file)
{
    char leaf[STORE_NAME], path[CONF_PATH + STORE_NAME + 1];

    result_note(m, name);
    if ( file )
    {
        store_name(file, leaf);
        snprintf(path, sizeof(path), "%s/%s", m->state, leaf);
    }
    /* First: who sees a final answer finds the request gone. */
    if ( state != ANSWER_ACCEPTED )
        xs_request_remove(&m->xs, name);
    xs_answer(&m->xs, name, proto_state_name(state), file ? path : NULL,
              error ? proto_error_text(error) : NULL);
}

bool pending_final(const struct pending *p)
{
    return p->answered && p->answer.state != ANSWER_ACCEPTED;
}

static struct pending *pending_by_name(struct monitor *m, const char *name)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
        if ( p->used && !strcmp(p->name, name) )
            return p;
    return NULL;
}

static struct pending *pending_by_number(struct monitor *m, uint32_t number)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
        if ( p->used && p->number == number )
            return p;
    return NULL;
}

static void request_new(struct monitor *m, const char *name)
{
    struct pending *p;

    for ( p = m->pending; p < m->pending + XS_TRIGGER_MAX; p++ )
        if ( !p->used )
            break;
    /* It stays in xenstore, and is looked at again after an answer. */
    if ( p == m->pending + XS_TRIGGER_MAX )
        return;
    memset(p, 0, sizeof(*p));
    if ( !xs_request_text(&m->xs, name, p->text, sizeof(p->text),
                          &p->text_bytes) )
        return;
    strcpy(p->name, name);
    p->answered = false;
    p->number = ++m->number;
    p->used = true;
}

/* `stale`: what is there was asked of nobody: we were not running. */
void monitor_requests(struct monitor *m, bool stale)
{
    unsigned int nr, i;
    char **names = xs_requests(&m->xs, &nr);

    for ( i = 0; i < nr; i++ )
    {
        if ( strlen(names[i]) > XS_TRIGGER_NAME_MAX )
        {
            log_warning("request: its name is longer than %d bytes: removed",
                        XS_TRIGGER_NAME_MAX);
            xs_request_remove(&m->xs, names[i]);
        }
        else if ( stale )
        {
            log_warning("request: a stale one from before the daemon's start "
                        "is not carried out");
            request_answer(m, names[i], ANSWER_STALE, ANSWER_OK, NULL);
        }
        else if ( !pending_by_name(m, names[i]) )
            request_new(m, names[i]);
    }
    free(names);
}

static void pass_answer(struct monitor *m, struct pending *p)
{
    const struct msg_answer a = p->answer;
    char name[XS_TRIGGER_NAME_MAX + 1];

    strcpy(name, p->name);
    p->answered = false;
    p->used = a.state == ANSWER_ACCEPTED;
    /* There is room for another. */
    m->xenstore.requests |= !p->used;
    request_answer(m, name, a.state, a.error,
                   a.state == ANSWER_DONE ? &a.file : NULL);
}

void monitor_pass_answers(struct monitor *m)
{
    struct pending *p;

    for ( p = m->pending; m->xs.h && p < m->pending + XS_TRIGGER_MAX; p++ )
        while ( p->used && p->answered )
            pass_answer(m, p);
}

void monitor_answered(struct monitor *m, const struct msg_answer *a)
{
    struct pending *p = pending_by_number(m, a->number);

    if ( (a->number & GUEST_NUMBER) && a->state <= ANSWER_LIMITED )
        guests_answer(&m->guests, a->number, a->state);
    if ( a->number == m->signal_number )
        m->signal_number = m->signal_gen = 0;
    if ( p && a->state <= ANSWER_STALE && !pending_final(p) )
    {
        p->answered = true;
        p->answer = *a;
    }
    monitor_ask_xenstore(m);
}
