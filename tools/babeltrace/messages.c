/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * messages.c: turns the records of a snapshot into babeltrace2's messages, in
 * time order over all streams.
 *
 * A stream begins with its first record.  A packet lasts until a gap or the
 * end of the stream.  A gap becomes a message about discarded events, or about
 * a discarded packet if their number is not known, and an event with the
 * reason.  Each step makes one message, so a record may need several steps.
 *
 * babeltrace2 requires messages in the order of their times.  The time of a
 * gap's message is the begin of the gap, so it is sent right after the record
 * before the gap.  A stream ends with its last record.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/babeltrace/plugin.h"

typedef bt_message_iterator_class_next_method_status next_status;

#define NEXT_OK    BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_OK
#define NEXT_END   BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_END
#define NEXT_ERROR BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_ERROR
#define NEXT_NOMEM BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_MEMORY_ERROR

struct stream {
    const bt_stream *bt;      /* NULL until it begins */
    bt_packet *packet;        /* the open packet, or NULL */
    uint64_t tsc;             /* of the newest record */
    uint64_t ns;              /* of the newest message */
    bool sent;                /* an event or a gap */
    bool gap_sent;            /* the last one was the message of a gap */
};

struct messages {
    bt_self_message_iterator *self;
    struct trace *trace;
    struct merge *merge;
    bool ahead;               /* @rec is a gap that merge_next() has yet to
                               * return */
    bool has;                 /* @rec still needs messages */
    struct merge_record rec;
    uint64_t ns;              /* time of @rec's messages */
    uint32_t behind;          /* ns by which @rec itself is older */
    struct stream *ending;    /* all records are sent, but not its end */
    bool at_end;
    uint32_t streams;         /* 1 + the highest number of a stream */
    struct stream *stream[CTF_STREAMS];
};

/*
 * Fields.
 */

static void put_integer(bt_field *f, const struct ctf_member *m, uint64_t value)
{
    if ( m->is_signed )
        bt_field_integer_signed_set_value(f, value);
    else
        bt_field_integer_unsigned_set_value(f, value);
}

static bool put_array(bt_field *f, const struct ctf_member *m,
                      const uint64_t *value, unsigned int n)
{
    if ( m->length[0] && bt_field_array_dynamic_set_length(f, n) )
        return false;

    for ( unsigned int i = 0; i < n; i++ )
        put_integer(bt_field_array_borrow_element_field_by_index(f, i), m,
                    value[i]);
    return true;
}

static bool put_payload(bt_field *payload, const struct merge_record *rec,
                        unsigned int id, const struct ctf_class *class)
{
    unsigned int at = 0;

    for ( unsigned int i = 0; i < class->nr; i++ )
    {
        const struct ctf_member *m = &class->member[i];
        uint64_t value[CTF_MAX_ELEMENTS];
        unsigned int n = ctf_get(rec, id, i, value);
        bt_field *f;

        if ( m->length[0] )
            bt_field_integer_unsigned_set_value(
                bt_field_structure_borrow_member_field_by_index(payload, at++),
                n);
        f = bt_field_structure_borrow_member_field_by_index(payload, at++);
        if ( !m->elements )
            put_integer(f, m, *value);
        else if ( !put_array(f, m, value, n) )
            return false;
    }

    return true;
}

static void put_context(bt_field *context, const struct messages *it)
{
    const uint64_t value[CTF_CONTEXTS] = { (uint16_t)it->rec.domid,
                                           (uint16_t)it->rec.vcpu, it->behind };

    for ( unsigned int i = 0; i < CTF_CONTEXTS; i++ )
        put_integer(bt_field_structure_borrow_member_field_by_index(context, i),
                    &ctf_context[i], value[i]);
}

/*
 * Each of these makes one message, or returns NULL without memory.
 */

static const bt_message *begin_packet(struct messages *it, struct stream *st)
{
    bt_field *context;

    st->packet = bt_packet_create(st->bt);
    if ( !st->packet )
        return NULL;

    context = bt_packet_borrow_context_field(st->packet);
    bt_field_integer_unsigned_set_value(
        bt_field_structure_borrow_member_field_by_index(context, 0),
        it->rec.cpu);
    bt_field_integer_unsigned_set_value(
        bt_field_structure_borrow_member_field_by_index(context, 1),
        it->rec.channel);
    return bt_message_packet_beginning_create_with_default_clock_snapshot(
        it->self, st->packet, it->ns);
}

static const bt_message *end_packet(struct messages *it, struct stream *st)
{
    const bt_message *msg =
        bt_message_packet_end_create_with_default_clock_snapshot(
            it->self, st->packet, st->ns);

    bt_packet_put_ref(st->packet);
    st->packet = NULL;
    return msg;
}

static const bt_message *make_event(struct messages *it, struct stream *st)
{
    unsigned int id = ctf_id(&it->rec);
    const struct trace_class *class = trace_event_class(it->trace, id);
    bt_message *msg =
        !class ? NULL
               : bt_message_event_create_with_packet_and_default_clock_snapshot(
                     it->self, class->bt, st->packet, it->ns);
    bt_event *event;

    if ( !msg )
        return NULL;

    event = bt_message_event_borrow_event(msg);
    put_context(bt_event_borrow_common_context_field(event), it);
    if ( !put_payload(bt_event_borrow_payload_field(event), &it->rec, id,
                      &class->ctf) )
    {
        bt_message_put_ref(msg);
        return NULL;
    }

    return msg;
}

static const bt_message *make_gap(struct messages *it, const struct stream *st)
{
    uint64_t from = st->sent ? st->ns : it->ns;
    bt_message *msg;

    if ( !it->rec.missing )
    {
        msg = bt_message_discarded_packets_create_with_default_clock_snapshots(
            it->self, st->bt, from, it->ns);
        if ( msg )
            bt_message_discarded_packets_set_count(msg, 1);
        return msg;
    }

    msg = bt_message_discarded_events_create_with_default_clock_snapshots(
        it->self, st->bt, from, it->ns);
    if ( msg )
        bt_message_discarded_events_set_count(msg, it->rec.missing);
    return msg;
}

/*
 * Steps.
 */

static const bt_message *begin_stream(struct messages *it, struct stream *st)
{
    st->bt = trace_stream(it->trace, &it->rec);
    return st->bt ? bt_message_stream_beginning_create(it->self, st->bt) : NULL;
}

static struct stream *find_stream(struct messages *it)
{
    uint32_t n = ctf_stream(&it->rec);

    if ( !it->stream[n] )
        it->stream[n] = calloc(1, sizeof(*it->stream[n]));
    if ( n >= it->streams )
        it->streams = n + 1;
    return it->stream[n];
}

static void take(struct messages *it, struct stream *st, bool ahead)
{
    it->has = true;
    it->ahead = ahead;
    it->behind = ctf_rise(&st->tsc, it->rec.tsc);
    it->ns = doc_tsc_ns(&it->trace->doc, st->tsc);
}

/* After a record, send the gap or the end of the stream that follows it. */
static void look_ahead(struct messages *it, struct stream *st)
{
    const struct merge_record *next = merge_ahead(it->merge);

    if ( !next )
        it->ending = st;
    if ( !next || next->kind != MERGE_GAP )
        return;

    it->rec = *next;
    take(it, st, true);
}

/* Make the next message that the record needs. */
static const bt_message *step(struct messages *it)
{
    struct stream *st = it->stream[ctf_stream(&it->rec)];
    bool gap = it->rec.kind == MERGE_GAP && !st->gap_sent;
    const bt_message *msg;

    if ( !st->bt )
        return begin_stream(it, st);
    if ( gap && st->packet )
        return end_packet(it, st);
    if ( !gap && !st->packet )
        return begin_packet(it, st);

    msg = gap ? make_gap(it, st) : make_event(it, st);
    st->ns = it->ns;
    st->sent = true;
    st->gap_sent = gap;
    it->has = gap && !it->ahead;
    if ( !gap )
        look_ahead(it, st);
    return msg;
}

static void warn_of_damage(const struct messages *it)
{
    char text[64];

    if ( !merge_damaged(it->merge) )
        return;

    snprintf(text, sizeof(text), "%" PRIu64 " damaged parts were left out",
             merge_damaged(it->merge));
    trace_warn(it->trace, text);
}

/*
 * Get the next record if none needs messages.  Return 1 if there is a message
 * to make, 0 at the end, or -errno.
 */
static int fetch(struct messages *it)
{
    int rc;

    while ( !it->has && !it->ending && !it->at_end )
    {
        struct stream *st;

        rc = merge_next(it->merge, &it->rec);
        if ( rc < 0 )
            return rc;
        if ( !rc )
        {
            it->at_end = true;
            warn_of_damage(it);
            break;
        }

        st = find_stream(it);
        if ( !st )
            return -ENOMEM;
        take(it, st, false);
    }

    return it->has || it->ending;
}

/* Make the next message that the end of a stream needs. */
static const bt_message *end_step(struct messages *it)
{
    struct stream *st = it->ending;

    if ( st->packet )
        return end_packet(it, st);

    it->ending = NULL;
    return bt_message_stream_end_create(it->self, st->bt);
}

static next_status failed(const struct messages *it, int rc)
{
    if ( rc == -ENOMEM )
        return NEXT_NOMEM;

    BT_CURRENT_THREAD_ERROR_APPEND_CAUSE_FROM_MESSAGE_ITERATOR(
        it->self, "%s: %s", it->trace->path, strerror(-rc));
    return NEXT_ERROR;
}

next_status messages_next(bt_self_message_iterator *self,
                          bt_message_array_const out, uint64_t capacity,
                          uint64_t *count)
{
    struct messages *it = bt_self_message_iterator_get_data(self);
    uint64_t n = 0;
    int rc = 0;

    while ( n < capacity )
    {
        rc = fetch(it);
        if ( rc <= 0 )
            break;
        out[n] = it->ending ? end_step(it) : step(it);
        rc = out[n] ? 0 : -ENOMEM;
        if ( rc )
            break;
        n++;
    }

    /* babeltrace2 ignores the messages of a call that fails. */
    while ( rc && n )
        bt_message_put_ref(out[--n]);
    *count = n;
    return rc ? failed(it, rc) : n ? NEXT_OK : NEXT_END;
}

/*
 * Begin and end.
 */

static void forget(struct messages *it)
{
    if ( it->merge )
        merge_close(it->merge);
    for ( uint32_t i = 0; i < it->streams; i++ )
    {
        if ( it->stream[i] )
            bt_packet_put_ref(it->stream[i]->packet);
        free(it->stream[i]);
        it->stream[i] = NULL;
    }
    it->merge = NULL;
    it->has = it->at_end = false;
    it->ending = NULL;
    it->streams = 0;
}

static int begin(struct messages *it)
{
    struct trace *t = it->trace;

    forget(it);
    return merge_open(t->snap, t->doc.dict, &t->doc.clock, &it->merge);
}

bt_message_iterator_class_initialize_method_status
messages_begin(bt_self_message_iterator *self,
               bt_self_message_iterator_configuration *config,
               bt_self_component_port_output *port)
{
    struct messages *it = calloc(1, sizeof(*it));
    const struct snapshot_fault *cut;
    int rc;

    if ( !it )
        return BT_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD_STATUS_MEMORY_ERROR;

    it->self = self;
    it->trace = bt_self_component_port_get_data(
        bt_self_component_port_output_as_self_component_port(port));
    rc = begin(it);
    if ( rc )
    {
        failed(it, rc);
        free(it);
        return rc == -ENOMEM
               ? BT_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD_STATUS_MEMORY_ERROR
               : BT_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD_STATUS_ERROR;
    }

    cut = snapshot_truncated(it->trace->snap);
    if ( cut )
        trace_warn(it->trace, cut->what);
    bt_self_message_iterator_configuration_set_can_seek_forward(config,
                                                                BT_TRUE);
    bt_self_message_iterator_set_data(self, it);
    return BT_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

void messages_end(bt_self_message_iterator *self)
{
    struct messages *it = bt_self_message_iterator_get_data(self);

    forget(it);
    free(it);
}

bt_message_iterator_class_seek_beginning_method_status
messages_rewind(bt_self_message_iterator *self)
{
    struct messages *it = bt_self_message_iterator_get_data(self);
    int rc = begin(it);

    if ( !rc )
        return BT_MESSAGE_ITERATOR_CLASS_SEEK_BEGINNING_METHOD_STATUS_OK;

    return failed(it, rc) == NEXT_NOMEM
           ? BT_MESSAGE_ITERATOR_CLASS_SEEK_BEGINNING_METHOD_STATUS_MEMORY_ERROR
           : BT_MESSAGE_ITERATOR_CLASS_SEEK_BEGINNING_METHOD_STATUS_ERROR;
}
