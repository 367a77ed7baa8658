/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event-json.c: convert a dictionary to JSON and back.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/format/event-impl.h"

static json_t *one_event(const struct event_desc *desc)
{
    return json_pack("{s:i, s:I, s:s, s:s, s:s}", "id", (int)desc->id, "event",
                     (json_int_t)desc->event, "name", desc->name, "fields",
                     desc->fields, "format", desc->format);
}

static json_t *all_events(const struct event_dict *dict)
{
    json_t *array = json_array();

    for ( unsigned int id = 0; array && id < XEN_FLIGHTREC_IDS; id++ )
        if ( dict->by_id[id] &&
             json_array_append_new(array, one_event(dict->by_id[id])) )
        {
            json_decref(array);
            return NULL;
        }

    return array;
}

static json_t *one_enum(const struct event_enum *e)
{
    json_t *array = json_array();

    for ( unsigned int i = 0; array && i < e->nr; i++ )
        if ( json_array_append_new(array,
                                   json_pack("[I, s]",
                                             (json_int_t)e->values[i].value,
                                             e->values[i].name)) )
        {
            json_decref(array);
            return NULL;
        }

    return array;
}

static json_t *all_enums(const struct event_dict *dict)
{
    json_t *object = json_object();

    for ( unsigned int i = 0; object && i < dict->nr_enums; i++ )
        if ( json_object_set_new(object, dict->enums[i].name,
                                 one_enum(&dict->enums[i])) )
        {
            json_decref(object);
            return NULL;
        }

    return object;
}

int event_dict_to_json(const struct event_dict *dict, json_t **events,
                       json_t **enums)
{
    *events = all_events(dict);
    *enums = all_enums(dict);
    if ( *events && *enums )
        return 0;

    json_decref(*events);
    json_decref(*enums);
    *events = *enums = NULL;
    return -ENOMEM;
}

static json_t *one_composed(const struct event_enum *e)
{
    const struct event_composed *c = e->composed;
    json_t *masks = json_array(), *flags = json_object();

    for ( unsigned int i = 0; i < 2 && c->mask[i]; i++ )
        json_array_append_new(masks, json_integer(c->mask[i]));
    for ( unsigned int bit = 0; bit < 64; bit++ )
    {
        char key[12];

        snprintf(key, sizeof(key), "%u", bit);
        if ( event_flag_name(e, bit) )
            json_object_set_new(flags, key,
                                json_string(event_flag_name(e, bit)));
    }
    return json_pack("{s:o, s:I, s:o}", "masks", masks, "marked",
                     (json_int_t)c->marked, "flags", flags);
}

json_t *event_composed_to_json(const struct event_dict *dict)
{
    json_t *object = json_object();

    for ( unsigned int i = 0; object && i < dict->nr_enums; i++ )
        if ( dict->enums[i].composed &&
             json_object_set_new(object, dict->enums[i].name,
                                 one_composed(&dict->enums[i])) )
        {
            json_decref(object);
            return NULL;
        }

    return object;
}

/* Return a string without embedded NULs, or NULL. */
static const char *get_string(const json_t *value)
{
    const char *s = json_string_value(value);

    return s && strlen(s) == json_string_length(value) ? s : NULL;
}

/* Get an integer of 0..max; false if `value` is not one. */
static bool get_number(const json_t *value, json_int_t max, json_int_t *n)
{
    *n = json_integer_value(value);
    return json_is_integer(value) && *n >= 0 && *n <= max;
}

static int parse_values(struct event_dict *dict, const char *table,
                        const json_t *values, const struct event_err *err)
{
    size_t i;
    json_t *pair;

    if ( !json_is_array(values) )
        return event_bad(err, "enums: table %u is not an array",
                         dict->nr_enums);

    json_array_foreach ( values, i, pair )
    {
        const char *name = get_string(json_array_get(pair, 1));
        json_int_t value;
        int rc;

        if ( json_array_size(pair) != 2 || !name ||
             !get_number(json_array_get(pair, 0), INT64_MAX, &value) )
            return event_bad(err, "enums: table %u: entry %zu is not "
                             "[value, name]", dict->nr_enums, i);

        rc = event_dict_add_value(dict, table, value, name, err);
        if ( rc )
            return rc;
    }

    return 0;
}

static int parse_enums(struct event_dict *dict, const json_t *enums,
                       const struct event_err *err)
{
    const char *table;
    json_t *values;
    int rc = 0;

    if ( !json_is_object(enums) )
        return event_bad(err, "enums: not an object");

    json_object_foreach ( (json_t *)enums, table, values )
    {
        rc = parse_values(dict, table, values, err);
        if ( rc )
            break;
    }

    return rc;
}

static int parse_events(struct event_dict *dict, const json_t *events,
                        const struct event_err *err)
{
    size_t i;
    json_t *entry;

    json_array_foreach ( events, i, entry )
    {
        struct event_source src = {
            .name = get_string(json_object_get(entry, "name")),
            .fields = get_string(json_object_get(entry, "fields")),
            .format = get_string(json_object_get(entry, "format")),
        };
        json_int_t id, event;
        int rc;

        if ( !src.name || !src.fields || !src.format ||
             !get_number(json_object_get(entry, "id"), UINT32_MAX, &id) ||
             !get_number(json_object_get(entry, "event"), UINT32_MAX, &event) )
            return event_bad(err, "events: entry %zu lacks id, event, name, "
                             "fields or format", i);

        src.id = id;
        src.event = event;
        rc = event_dict_add_event(dict, &src, err);
        if ( rc )
            return rc;
    }

    return 0;
}

int event_dict_from_json(const json_t *events, const json_t *enums,
                         struct event_dict **out, char *err, size_t err_bytes)
{
    const struct event_err e = { err, err ? err_bytes : 0 };
    struct event_dict *dict;
    int rc;

    *out = NULL;
    if ( !json_is_array(events) || json_array_size(events) > XEN_FLIGHTREC_IDS )
        return event_bad(&e, "events: not an array of at most %u",
                         XEN_FLIGHTREC_IDS);

    dict = event_dict_new(json_array_size(events));
    if ( !dict )
        return -ENOMEM;

    rc = parse_enums(dict, enums, &e);
    if ( !rc )
        rc = parse_events(dict, events, &e);
    if ( !rc )
        rc = event_dict_finish(dict, &e);
    if ( rc )
    {
        event_dict_free(dict);
        return rc;
    }

    *out = dict;
    return 0;
}
