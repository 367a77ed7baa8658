/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * trace.c: describes a snapshot file as babeltrace2's trace: the streams, and
 * the classes of streams, events and fields of lib/read/ctf.h.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/babeltrace/plugin.h"

/*
 * Field classes.  The caller owns the reference that is returned.  NULL means
 * no memory.
 */

static bt_field_class *make_integer(struct trace *t, unsigned int bits,
                                    bool is_signed, bool hex)
{
    bt_field_class *fc =
        is_signed ? bt_field_class_integer_signed_create(t->bt_class)
                  : bt_field_class_integer_unsigned_create(t->bt_class);

    if ( !fc )
        return NULL;

    bt_field_class_integer_set_field_value_range(fc, bits);
    if ( hex )
        bt_field_class_integer_set_preferred_display_base(
            fc, BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL);
    return fc;
}

struct named {
    const char *name;
    uint64_t value;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : x->value < y->value ? -1 : x->value > y->value;
}

/* Add all values of one name: babeltrace2 accepts each name only once. */
static int add_name(bt_field_class *fc, const struct named *list, size_t nr)
{
    bt_integer_range_set_unsigned *set = bt_integer_range_set_unsigned_create();
    int rc = set ? 0 : -ENOMEM;

    for ( size_t i = 0; i < nr && !rc; i++ )
        rc = bt_integer_range_set_unsigned_add_range(set, list[i].value,
                                                     list[i].value);
    if ( !rc )
        rc = bt_field_class_enumeration_unsigned_add_mapping(fc, list->name,
                                                             set);
    bt_integer_range_set_unsigned_put_ref(set);
    return rc;
}

static int add_names(bt_field_class *fc, struct named *list, size_t nr)
{
    size_t same;
    int rc = 0;

    qsort(list, nr, sizeof(*list), by_name);
    for ( size_t i = 0; i < nr && !rc; i += same )
    {
        for ( same = 1; i + same < nr; same++ )
            if ( strcmp(list[i].name, list[i + same].name) )
                break;
        rc = add_name(fc, &list[i], same);
    }

    return rc;
}

static bt_field_class *make_enum(struct trace *t, const struct ctf_member *m)
{
    bt_field_class *fc =
        bt_field_class_enumeration_unsigned_create(t->bt_class);
    struct named *list = calloc(EVENT_MAX_VALUES, sizeof(*list));
    unsigned int i = 0;
    size_t nr = 0;

    if ( fc )
        bt_field_class_integer_set_field_value_range(fc, m->bits);
    while ( list && nr < EVENT_MAX_VALUES &&
            (list[nr].name = ctf_value_name(m, &i, &list[nr].value)) )
        nr++;
    if ( !list || (fc && add_names(fc, list, nr)) )
    {
        bt_field_class_put_ref(fc);
        fc = NULL;
    }

    free(list);
    return fc;
}

/* Add a member to a structure.  The reference to @fc is consumed. */
static int add_member(bt_field_class *to, const char *name, bt_field_class *fc)
{
    int rc = fc ? bt_field_class_structure_append_member(to, name, fc)
                : -ENOMEM;

    bt_field_class_put_ref(fc);
    return rc;
}

static int add_member_of(struct trace *t, bt_field_class *to,
                         const struct ctf_member *m)
{
    bt_field_class *length = NULL, *array;
    bt_field_class *one = m->names ? make_enum(t, m)
                                   : make_integer(t, m->bits, m->is_signed,
                                                  m->hex);
    int rc = one ? 0 : -ENOMEM;

    if ( rc || (!m->elements && !m->length[0]) )
        return add_member(to, m->name, one);

    if ( m->length[0] )
    {
        length = make_integer(t, 8, false, false);
        bt_field_class_get_ref(length);
        rc = add_member(to, m->length, length);
        array = rc ? NULL : bt_field_class_array_dynamic_create(t->bt_class,
                                                                one, length);
    }
    else
        array = bt_field_class_array_static_create(t->bt_class, one,
                                                   m->elements);

    bt_field_class_put_ref(one);
    bt_field_class_put_ref(length);
    return add_member(to, m->name, array);
}

static bt_field_class *make_struct(struct trace *t, const struct ctf_member *m,
                                   unsigned int nr)
{
    bt_field_class *fc = bt_field_class_structure_create(t->bt_class);

    for ( unsigned int i = 0; fc && i < nr; i++ )
        if ( add_member_of(t, fc, &m[i]) )
        {
            bt_field_class_put_ref(fc);
            fc = NULL;
        }

    return fc;
}

static bt_field_class *make_channel(struct trace *t)
{
    struct named list[] = { { "busy", XEN_FLIGHTREC_CH_BUSY },
                            { "rare", XEN_FLIGHTREC_CH_RARE } };
    bt_field_class *fc =
        bt_field_class_enumeration_unsigned_create(t->bt_class);

    if ( fc )
        bt_field_class_integer_set_field_value_range(fc, 8);
    if ( fc && add_names(fc, list, sizeof(list) / sizeof(list[0])) )
    {
        bt_field_class_put_ref(fc);
        fc = NULL;
    }

    return fc;
}

static bt_field_class *make_packet_context(struct trace *t)
{
    bt_field_class *fc = bt_field_class_structure_create(t->bt_class);

    if ( fc && (add_member(fc, "cpu_id", make_integer(t, 32, false, false)) ||
                add_member(fc, "channel", make_channel(t))) )
    {
        bt_field_class_put_ref(fc);
        fc = NULL;
    }

    return fc;
}

/*
 * The trace.
 */

static bt_clock_class *make_clock(struct trace *t)
{
    bt_clock_class *clock = bt_clock_class_create(t->self);
    int64_t offset, secs;

    if ( !clock )
        return NULL;
    if ( bt_clock_class_set_name(clock, CTF_CLOCK_NAME) ||
         bt_clock_class_set_description(clock, CTF_CLOCK_DESCRIPTION) )
    {
        bt_clock_class_put_ref(clock);
        return NULL;
    }

    bt_clock_class_set_frequency(clock, CTF_CLOCK_HZ);
    bt_clock_class_set_precision(clock, ctf_precision(&t->doc));
    bt_clock_class_set_origin_is_unix_epoch(clock, BT_FALSE);
    if ( doc_tsc_wall(&t->doc, &offset) )
    {
        secs = offset / CTF_CLOCK_HZ - (offset % CTF_CLOCK_HZ < 0);
        bt_clock_class_set_offset(clock, secs, offset - secs * CTF_CLOCK_HZ);
        bt_clock_class_set_origin_is_unix_epoch(clock, BT_TRUE);
    }

    return clock;
}

static int make_stream_class(struct trace *t)
{
    bt_stream_class *sc = bt_stream_class_create_with_id(t->bt_class, 0);
    bt_clock_class *clock = make_clock(t);
    bt_field_class *packet = make_packet_context(t);
    bt_field_class *event = make_struct(t, ctf_context, CTF_CONTEXTS);
    int rc = -ENOMEM;

    t->stream_class = sc;
    if ( !sc || !clock || !packet || !event ||
         bt_stream_class_set_default_clock_class(sc, clock) ||
         bt_stream_class_set_event_common_context_field_class(sc, event) )
        goto out;

    bt_stream_class_set_assigns_automatic_event_class_id(sc, BT_FALSE);
    bt_stream_class_set_assigns_automatic_stream_id(sc, BT_FALSE);
    bt_stream_class_set_supports_packets(sc, BT_TRUE, BT_TRUE, BT_TRUE);
    bt_stream_class_set_supports_discarded_events(sc, BT_TRUE, BT_TRUE);
    bt_stream_class_set_supports_discarded_packets(sc, BT_TRUE, BT_TRUE);
    rc = bt_stream_class_set_packet_context_field_class(sc, packet);

 out:
    bt_field_class_put_ref(event);
    bt_field_class_put_ref(packet);
    bt_clock_class_put_ref(clock);
    return rc;
}

static int describe(struct trace *t)
{
    uint8_t uuid[16];
    unsigned int i = 0;
    struct ctf_env env;
    int rc = 0;

    ctf_uuid(t->snap, 0, uuid);
    bt_trace_set_uuid(t->bt, uuid);
    while ( !rc && ctf_env(&t->doc, &i, &env) )
    {
        rc = env.is_text ? (int)bt_trace_set_environment_entry_string(
                               t->bt, env.name, env.text)
                         : (int)bt_trace_set_environment_entry_integer(
                               t->bt, env.name, env.number);
        if ( !rc && !strcmp(env.name, "hostname") )
            rc = bt_trace_set_name(t->bt, env.text);
    }

    return rc;
}

static int make_trace(struct trace *t)
{
    int rc;

    t->bt_class = bt_trace_class_create(t->self);
    if ( !t->bt_class )
        return -ENOMEM;

    bt_trace_class_set_assigns_automatic_stream_class_id(t->bt_class, BT_FALSE);
    rc = make_stream_class(t);
    if ( rc )
        return rc;

    t->bt = bt_trace_create(t->bt_class);
    return t->bt ? describe(t) : -ENOMEM;
}

static int load(struct trace *t, const char *path)
{
    struct snapshot_fault fault = { .what = "" };
    char err[256] = "";
    int rc = snapshot_open(path, &t->snap, &fault);

    if ( !rc )
        rc = doc_load(t->snap, true, &t->doc, err, sizeof(err));
    else if ( rc == -EBADMSG || rc == -ENOTSUP )
        snprintf(err, sizeof(err), "%s", fault.what);
    if ( rc )
        BT_CURRENT_THREAD_ERROR_APPEND_CAUSE_FROM_COMPONENT(
            t->self, "%s: %s", t->path, err[0] ? err : strerror(-rc));
    return rc;
}

int trace_open(bt_self_component *self, const char *path, struct trace **out)
{
    struct trace *t = calloc(1, sizeof(*t));
    int rc;

    if ( !t )
        return -ENOMEM;

    t->self = self;
    text_escape(t->path, sizeof(t->path), path);
    rc = load(t, path);
    if ( !rc && make_trace(t) )
        rc = -ENOMEM;
    if ( rc )
        trace_close(t);
    else
        *out = t;
    return rc;
}

void trace_close(struct trace *t)
{
    if ( !t )
        return;

    for ( uint32_t i = 0; i < CTF_STREAMS; i++ )
        bt_stream_put_ref(t->stream[i]);
    for ( unsigned int i = 0; i < CTF_IDS; i++ )
    {
        if ( t->event[i] )
            bt_event_class_put_ref(t->event[i]->bt);
        free(t->event[i]);
    }
    bt_trace_put_ref(t->bt);
    bt_stream_class_put_ref(t->stream_class);
    bt_trace_class_put_ref(t->bt_class);
    if ( t->snap )
    {
        doc_free(&t->doc);
        snapshot_close(t->snap);
    }
    free(t);
}

void trace_warn(const struct trace *t, const char *text)
{
    if ( bt_component_get_logging_level(bt_self_component_as_component(
             t->self)) <= BT_LOGGING_LEVEL_WARNING )
        fprintf(stderr, "WARNING: xenflight: %s: %s\n", t->path, text);
}

/*
 * Classes and streams that are made for the first record that needs them.
 */

const struct trace_class *trace_event_class(struct trace *t, unsigned int id)
{
    struct trace_class *c = t->event[id];
    bt_field_class *fields;

    if ( c )
        return c;

    c = calloc(1, sizeof(*c));
    if ( !c )
        return NULL;

    t->event[id] = c;
    ctf_class(t->doc.dict, id, &c->ctf);
    fields = make_struct(t, c->ctf.member, c->ctf.nr);
    c->bt = bt_event_class_create_with_id(t->stream_class, id);
    if ( !fields || !c->bt ||
         bt_event_class_set_name(c->bt, ctf_class_name(t->doc.dict, id)) ||
         bt_event_class_set_payload_field_class(c->bt, fields) )
    {
        bt_event_class_put_ref(c->bt);
        free(c);
        t->event[id] = c = NULL;
    }

    bt_field_class_put_ref(fields);
    return c;
}

const bt_stream *trace_stream(struct trace *t, const struct merge_record *rec)
{
    uint32_t n = ctf_stream(rec);
    char name[CTF_STREAM_BYTES];

    if ( t->stream[n] )
        return t->stream[n];

    t->stream[n] = bt_stream_create_with_id(t->stream_class, t->bt, n);
    if ( t->stream[n] &&
         bt_stream_set_name(t->stream[n], ctf_stream_name(n, name)) )
    {
        bt_stream_put_ref(t->stream[n]);
        t->stream[n] = NULL;
    }

    return t->stream[n];
}
