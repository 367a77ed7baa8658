/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doc.c: build the meta document of a redacted snapshot.  It is made of the
 * members that are allowed, not by removing those known to be secret.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/packet.h"
#include "tools/redact/doc.h"

void redact_get_window(const struct doc *d, struct redact_facts *f)
{
    const json_t *w = json_object_get(json_object_get(d->root, "window"),
                                      "busy");
    int64_t from = doc_number(w, "from_tsc", -1);
    int64_t to = doc_number(w, "to_tsc", -1);

    memset(f, 0, sizeof(*f));
    f->window_from = UINT64_MAX;
    if ( from >= 0 && to >= from )
    {
        f->window_from = from;
        f->window_to = to;
    }
}

uint8_t redact_shift(const struct doc *d)
{
    int64_t shift = doc_number(json_object_get(d->root, "clock"), "tsc_shift",
                               0);

    return shift >= 0 && shift <= PACKET_MAX_SHIFT ? shift : 0;
}

/* Copy the members of @from with these names. */
static json_t *pick(const json_t *from, const char *const *name, size_t nr)
{
    json_t *o = json_object();

    for ( size_t i = 0; o && i < nr; i++ )
        if ( json_object_get(from, name[i]) )
            json_object_set(o, name[i], json_object_get(from, name[i]));
    return o;
}

#define PICK(from, ...) \
    pick(from, (const char *const[]){ __VA_ARGS__ }, \
         sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

/*
 * The domain's own trigger, without its generation, which counts those of other
 * domains; or a request.
 */
static json_t *make_trigger(const struct doc *d, uint32_t domid,
                            const struct redact_facts *f)
{
    json_t *t = f->is_trigger
                    ? PICK(json_object_get(d->root, "trigger"), "cause", "cpu",
                           "domid", "vcpu", "reason", "reason_text", "rip",
                           "uuid", "name", "source")
                    : json_pack("{s:s, s:s}", "cause", "request",
                                "reason_text",
                                "redacted: not of this domain");

    json_object_set_new(t, "gen", json_integer(1));
    json_object_set_new(t, "tsc", json_integer(f->tsc));
    if ( d->has_ns )
        json_object_set_new(t, "ns", json_integer(
                                doc_clock_at(d, DOC_CLOCK_XEN, f->tsc)));
    return t;
}

/* The records were put on one clock: a line without spans. */
static json_t *make_clock(const struct doc *d, const struct redact_facts *f)
{
    struct clock_fit fit = d->clock;
    json_t *pair = json_pack("{s:I}", "tsc", (json_int_t)f->tsc);
    json_t *c = json_pack("{s:I, s:i}", "tsc_khz", (json_int_t)d->tsc_khz,
                          "tsc_shift", redact_shift(d));

    if ( d->has_ns )
        json_object_set_new(pair, "ns", json_integer(
                                doc_clock_at(d, DOC_CLOCK_XEN, f->tsc)));
    if ( d->has_wall )
        json_object_set_new(pair, "wall_ns", json_integer(
                                doc_clock_at(d, DOC_CLOCK_REALTIME, f->tsc)));
    if ( d->has_mono )
        json_object_set_new(pair, "mono_ns", json_integer(
                                doc_clock_at(d, DOC_CLOCK_MONOTONIC, f->tsc)));
    json_object_set_new(pair, "width_ns", json_integer(d->dom0_error_ns));
    json_object_set_new(c, "pairs", json_pack("[o]", pair));

    fit.span = NULL;
    fit.nr_spans = 0;
    fit.tsc = f->tsc;
    if ( d->has_ns )
        fit.ns = doc_clock_at(d, DOC_CLOCK_XEN, f->tsc);
    if ( d->has_fit )
        json_object_set_new(c, "fit", clock_json(&fit));
    return c;
}

static json_t *make_domain(uint32_t domid, const struct life *life)
{
    json_t *o;

    if ( life && life->entry )
        return PICK(life->entry, "domid", "uuid", "name", "vcpus");
    o = json_pack("{s:i}", "domid", (int)domid);
    if ( life && life->uuid[0] )
        json_object_set_new(o, "uuid", json_string(life->uuid));
    if ( life && life->name[0] )
        json_object_set_new(o, "name", json_string(life->name));
    return o;
}

/* An entry for each life of the domain, so that readers can distinguish them. */
static json_t *make_domains(const struct source *src, uint32_t domid,
                            const struct life *life)
{
    json_t *list = json_array();

    if ( !life )
        json_array_append_new(list, make_domain(
            domid, lives_at(src->lives, domid, src->doc.tsc)));
    for ( unsigned int i = 0; life && i < lives_nr(src->lives); i++ )
        if ( lives_same(lives_nth(src->lives, i), life) )
            json_array_append_new(list, make_domain(
                domid, lives_nth(src->lives, i)));
    return list;
}

/* REDACT_OTHER is named "other". */
static json_t *make_domids(const json_t *old)
{
    json_t *table = json_array(), *row;
    bool done = false;
    size_t i;

    json_array_foreach(old, i, row)
    {
        json_int_t value = json_integer_value(json_array_get(row, 0));

        if ( value >= REDACT_OTHER && !done )
        {
            json_array_append_new(table, json_pack("[i, s]", REDACT_OTHER,
                                                   "other"));
            done = true;
        }
        if ( value != REDACT_OTHER )
            json_array_append(table, row);
    }
    if ( !done )
        json_array_append_new(table, json_pack("[i, s]", REDACT_OTHER,
                                               "other"));
    return table;
}

static json_t *make_dictionary(const struct doc *d)
{
    json_t *events, *enums;

    if ( event_dict_to_json(d->dict, &events, &enums) )
        return NULL;
    json_object_set_new(enums, "domid",
                        make_domids(json_object_get(enums, "domid")));
    return json_pack("{s:o, s:o}", "events", events, "enums", enums);
}

int redact_meta(const struct source *src, uint32_t domid,
                const struct life *life, const struct redact_facts *f,
                char **text)
{
    const struct doc *d = &src->doc;
    json_t *o = json_pack(
        "{s:i, s:o, s:s, s:[s], s:o, s:o, s:o, s:o, s:{s:i}}", "format", 1,
        "trigger", make_trigger(d, domid, f), "history", "partial",
        "history_why", "redacted: records of one domain only",
        "xen", PICK(json_object_get(d->root, "xen"), "version"),
        "clock", make_clock(d, f), "domains", make_domains(src, domid, life),
        "dictionary", make_dictionary(d), "redacted", "domid", (int)domid);

    if ( !o )
        return -ENOMEM;
    if ( f->from_tsc && f->to_tsc >= f->from_tsc )
        json_object_set_new(o, "window", json_pack(
                                "{s:{s:I, s:I}}", "busy",
                                "from_tsc", (json_int_t)f->from_tsc,
                                "to_tsc", (json_int_t)f->to_tsc));
    *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return *text ? 0 : -ENOMEM;
}
