/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event.c: build dictionaries from the compiled-in event list or from parts of
 * a file, and look events up in them.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include <public/flightrec-events.h>

#include "lib/format/event-impl.h"

#define CHANNEL_BUSY false
#define CHANNEL_BOTH true
#define ROW(name, event, channels, fields, format) \
    { #name, event, CHANNEL_##channels, fields, format },

const struct event_row event_list[] = {
    FR_EVENT_LIST(ROW)
};

const unsigned int event_list_rows = sizeof(event_list) / sizeof(event_list[0]);

_Static_assert(sizeof(event_list) / sizeof(event_list[0]) <=
               XEN_FLIGHTREC_IDS - XEN_FLIGHTREC_ID_FIRST,
               "more events than compact ids");

#define VALUE(table, value, name) { #table, value, name },

static const struct {
    const char *table;
    uint64_t value;
    const char *name;
} value_list[] = {
    FR_ENUM_LIST(VALUE)
};

#define NR_VALUES (sizeof(value_list) / sizeof(value_list[0]))

struct event_dict *event_dict_new(unsigned int max_events)
{
    struct event_dict *dict;

    return calloc(1, sizeof(*dict) + max_events * sizeof(dict->events[0]));
}

void event_dict_free(struct event_dict *dict)
{
    free(dict);
}

/*
 * Return the table that takes the next value: the last table if it has that
 * name, else a new one.  NULL if that is not possible.
 */
static struct event_enum *open_table(struct event_dict *dict, const char *name,
                                     const struct event_err *err)
{
    struct event_enum *table = &dict->enums[dict->nr_enums];

    if ( dict->nr_enums && !strcmp(table[-1].name, name) )
        return table - 1;

    if ( event_enum_find(dict, name) )
    {
        event_bad(err, "enums: duplicate table %s", name);
        return NULL;
    }
    if ( dict->nr_enums == EVENT_MAX_ENUMS )
    {
        event_bad(err, "enums: more than %u tables", EVENT_MAX_ENUMS);
        return NULL;
    }

    strcpy(table->name, name);
    table->composed = event_composed_find(name);
    table->values = &dict->values[dict->nr_values];
    dict->nr_enums++;
    return table;
}

int event_dict_add_value(struct event_dict *dict, const char *table,
                         uint64_t value, const char *name,
                         const struct event_err *err)
{
    struct event_value *v = &dict->values[dict->nr_values];
    struct event_enum *e;

    if ( !event_is_word(table, EVENT_WORD_BYTES) )
        return event_bad(err, "enums: invalid name of table %u",
                         dict->nr_enums);
    if ( !event_is_word(name, EVENT_WORD_BYTES) )
        return event_bad(err, "enums: %s: invalid name of %llu", table,
                         (unsigned long long)value);
    if ( dict->nr_values == EVENT_MAX_VALUES )
        return event_bad(err, "enums: more than %u values", EVENT_MAX_VALUES);

    e = open_table(dict, table, err);
    if ( !e )
        return -EBADMSG;
    if ( e->nr && e->values[e->nr - 1].value >= value )
        return event_bad(err, "enums: %s: %llu is not in ascending order",
                         table, (unsigned long long)value);

    v->value = value;
    strcpy(v->name, name);
    dict->nr_values++;
    e->nr++;
    return 0;
}

const struct event_class event_classes[EVENT_CLASSES] = {
    { "gen", 0x00010000 },    { "sched", 0x00020000 }, { "dom0op", 0x00040000 },
    { "hvm", 0x00080000 },    { "mem", 0x00100000 },   { "pv", 0x00200000 },
    { "shadow", 0x00400000 }, { "hw", 0x00800000 },    { "guest", 0x08000000 },
};

const char *event_class(uint32_t event)
{
    for ( unsigned int i = 0; i < EVENT_CLASSES; i++ )
        if ( event & event_classes[i].bit )
            return event_classes[i].name;

    return "other";
}

static int copy_text(char *to, size_t bytes, const char *from)
{
    size_t len = strlen(from);

    if ( len >= bytes )
        return -EBADMSG;

    memcpy(to, from, len + 1);
    return 0;
}

int event_dict_add_event(struct event_dict *dict,
                         const struct event_source *src,
                         const struct event_err *err)
{
    struct event_desc *desc = &dict->events[dict->nr_events];

    if ( src->id < XEN_FLIGHTREC_ID_FIRST || src->id >= XEN_FLIGHTREC_IDS )
        return event_bad(err, "events: invalid id %u", src->id);
    if ( dict->by_id[src->id] )
        return event_bad(err, "events: duplicate id %u", src->id);
    if ( !src->event || src->event > EVENT_MAX_WORD )
        return event_bad(err, "events: id %u: invalid event %#x", src->id,
                         src->event);
    if ( !event_is_word(src->name, EVENT_NAME_BYTES) )
        return event_bad(err, "events: id %u: invalid name", src->id);
    if ( copy_text(desc->fields, sizeof(desc->fields), src->fields) ||
         copy_text(desc->format, sizeof(desc->format), src->format) )
        return event_bad(err, "events: id %u: fields or format too long",
                         src->id);

    strcpy(desc->name, src->name);
    desc->id = src->id;
    desc->event = src->event;
    if ( event_parse(dict, desc, err) )
        return -EBADMSG;

    dict->by_id[desc->id] = desc;
    dict->by_event[dict->nr_events++] = desc;
    return 0;
}

static int by_event_word(const void *a, const void *b)
{
    uint32_t x = (*(const struct event_desc *const *)a)->event;
    uint32_t y = (*(const struct event_desc *const *)b)->event;

    return x < y ? -1 : x > y;
}

/* Find the tables that name the arguments of a hypercall: "sched_op_a0". */
static void find_args(struct event_dict *dict)
{
    const struct event_enum *calls = event_enum_find(dict, "hypercall");

    for ( unsigned int op = 0; op < EVENT_HYPERCALLS; op++ )
    {
        const char *call = event_value_name(calls, op);

        for ( unsigned int k = 0; call && k < EVENT_ARGS; k++ )
        {
            char name[EVENT_WORD_BYTES + 4];

            snprintf(name, sizeof(name), "%s_a%u", call, k);
            dict->args[op][k] = event_enum_find(dict, name);
        }
    }
}

int event_dict_finish(struct event_dict *dict, const struct event_err *err)
{
    qsort(dict->by_event, dict->nr_events, sizeof(dict->by_event[0]),
          by_event_word);
    for ( unsigned int i = 1; i < dict->nr_events; i++ )
        if ( dict->by_event[i]->event == dict->by_event[i - 1]->event )
            return event_bad(err, "events: %#x has two ids, %u and %u",
                             dict->by_event[i]->event, dict->by_event[i]->id,
                             dict->by_event[i - 1]->id);

    dict->domids = event_enum_find(dict, "domid");
    find_args(dict);
    return 0;
}

/* Add the compiled-in tables, and that of the vendor again as hvm_exit. */
static int add_values(struct event_dict *dict, enum event_vendor vendor,
                      const struct event_err *err)
{
    const char *exits = vendor == EVENT_VENDOR_INTEL ? "vmx_exit"
                        : vendor == EVENT_VENDOR_AMD ? "svm_exit" : "";
    int rc = 0;

    for ( size_t i = 0; i < NR_VALUES && !rc; i++ )
        rc = event_dict_add_value(dict, value_list[i].table,
                                  value_list[i].value, value_list[i].name, err);
    for ( size_t i = 0; i < NR_VALUES && !rc; i++ )
        if ( !strcmp(value_list[i].table, exits) )
            rc = event_dict_add_value(dict, "hvm_exit", value_list[i].value,
                                      value_list[i].name, err);

    return rc;
}

static const struct event_row *find_row(uint32_t event)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( event_list[i].event == event )
            return &event_list[i];

    return NULL;
}

/* A row's name up to a double underscore, which separates variants. */
static void shown_name(char name[EVENT_NAME_BYTES], const struct event_row *row)
{
    const char *cut = strstr(row->name, "__");

    snprintf(name, EVENT_NAME_BYTES, "%.*s",
             cut ? (int)(cut - row->name) : EVENT_NAME_BYTES, row->name);
}

static int add_id(struct event_dict *dict, unsigned int id, uint32_t event,
                  const struct event_err *err)
{
    const struct event_row *row = find_row(event);
    char name[EVENT_NAME_BYTES];
    struct event_source src = {
        .id = id,
        .event = event,
        .name = name,
        .fields = row ? row->fields : "",
        .format = row ? row->format : "",
    };

    if ( row )
        shown_name(name, row);
    else
        event_name(NULL, event, name);

    return event_dict_add_event(dict, &src, err);
}

int event_dict_build(const uint32_t *map, unsigned int nr,
                     enum event_vendor vendor, struct event_dict **out)
{
    const struct event_err err = { NULL, 0 };
    struct event_dict *dict = event_dict_new(XEN_FLIGHTREC_IDS);
    int rc;

    *out = NULL;
    if ( !dict )
        return -ENOMEM;

    if ( !map )
        nr = event_list_rows + XEN_FLIGHTREC_ID_FIRST;
    if ( nr > XEN_FLIGHTREC_IDS )
        nr = XEN_FLIGHTREC_IDS;

    rc = add_values(dict, vendor, &err);
    for ( unsigned int id = XEN_FLIGHTREC_ID_FIRST; id < nr && !rc; id++ )
    {
        /* Read once: Xen may write the page. */
        uint32_t event = map ? *(const volatile uint32_t *)&map[id]
                             : event_list[id - XEN_FLIGHTREC_ID_FIRST].event;

        if ( event )
            rc = add_id(dict, id, event, &err);
    }
    if ( !rc )
        rc = event_dict_finish(dict, &err);
    if ( rc )
    {
        event_dict_free(dict);
        return -EINVAL;
    }

    *out = dict;
    return 0;
}

unsigned int event_dict_events(const struct event_dict *dict)
{
    return dict->nr_events;
}

const struct event_desc *event_dict_event(const struct event_dict *dict,
                                          unsigned int n)
{
    return n < dict->nr_events ? dict->by_event[n] : NULL;
}

const struct event_desc *event_by_id(const struct event_dict *dict,
                                     unsigned int id)
{
    return id < XEN_FLIGHTREC_IDS ? dict->by_id[id] : NULL;
}

const struct event_desc *event_by_event(const struct event_dict *dict,
                                        uint32_t event)
{
    unsigned int lo = 0, hi = dict->nr_events;

    while ( lo < hi )
    {
        unsigned int mid = lo + (hi - lo) / 2;

        if ( dict->by_event[mid]->event == event )
            return dict->by_event[mid];
        if ( dict->by_event[mid]->event < event )
            lo = mid + 1;
        else
            hi = mid;
    }

    return NULL;
}

const struct event_desc *event_lookup(const struct event_dict *dict,
                                      unsigned int id, uint32_t event)
{
    return id == XEN_FLIGHTREC_ID_ESCAPE ? event_by_event(dict, event)
                                         : event_by_id(dict, id);
}

const char *event_name(const struct event_desc *desc, uint32_t event,
                       char buf[EVENT_NAME_BYTES])
{
    if ( desc )
        return desc->name;

    snprintf(buf, EVENT_NAME_BYTES, "EVENT_%08x", event);
    return buf;
}

enum event_vendor event_host_vendor(void)
{
#if defined(__x86_64__) || defined(__i386__)
    unsigned int eax, ebx, ecx, edx;
    char vendor[12];

    if ( !__get_cpuid(0, &eax, &ebx, &ecx, &edx) )
        return EVENT_VENDOR_UNKNOWN;

    memcpy(vendor, &ebx, 4);
    memcpy(vendor + 4, &edx, 4);
    memcpy(vendor + 8, &ecx, 4);
    if ( !memcmp(vendor, "GenuineIntel", 12) ||
         !memcmp(vendor, "CentaurHauls", 12) ||
         !memcmp(vendor, "  Shanghai  ", 12) )
        return EVENT_VENDOR_INTEL;
    if ( !memcmp(vendor, "AuthenticAMD", 12) ||
         !memcmp(vendor, "HygonGenuine", 12) )
        return EVENT_VENDOR_AMD;
#endif
    return EVENT_VENDOR_UNKNOWN;
}
