/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out-json.c: print a snapshot as JSON, one object per line.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/print/out.h"

json_t *out_meta(const struct doc *d)
{
    json_t *meta = json_copy(d->root), *trigger;
    char text[24];

    if ( !meta || !d->has_rip )
        return meta;

    trigger = json_copy(json_object_get(meta, "trigger"));
    snprintf(text, sizeof(text), "%#" PRIx64, d->rip);
    json_object_set_new(trigger, "rip", json_string(text));
    json_object_set_new(meta, "trigger", trigger);
    return meta;
}

/* The documents without the dictionary, which was applied to the records. */
static void json_head(const struct source *src)
{
    const struct snapshot_fault *cut = snapshot_truncated(src->snap);
    json_t *o = out_meta(&src->doc);

    json_object_set_new(o, "type", json_string("snapshot"));
    json_object_del(o, "dictionary");
    if ( src->doc.note )
        json_object_set(o, "note", src->doc.note);
    if ( src->doc.has_wall )
        json_object_set_new(o, "wall_ns", json_integer(src->doc.wall_ns));
    if ( cut )
        json_object_set_new(o, "cut_at", json_integer(cut->offset));
    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(o);
}

static void json_section(const char *title)
{
    printf("{\"type\":\"section\",\"title\":\"%s\"}\n", title);
}

/* Names in the dictionary are words: no escaping is needed. */
static void print_event(const struct source *src,
                        const struct merge_record *rec)
{
    char name[EVENT_NAME_BYTES], fields[EVENT_TEXT_BYTES];

    if ( rec->event )
        printf(",\"event\":\"%s\"", event_name(rec->desc, rec->event, name));
    else
        printf(",\"id\":%u", rec->id);

    if ( event_json(src->doc.dict, rec->desc, rec->data, rec->words, fields,
                    sizeof(fields)) )
        printf(",\"fields\":{%s}", fields);
}

static void print_gap(const struct merge_record *rec)
{
    printf(",\"why\":\"%s\"", merge_gap_text(rec->gap));
    if ( rec->missing )
        printf(",\"records\":%" PRIu64, rec->missing);
}

static void json_record(const struct source *src,
                        const struct merge_record *rec)
{
    printf("{\"type\":\"%s\",\"ns\":%" PRId64 ",\"tsc\":%" PRIu64
           ",\"cpu\":%u,\"channel\":\"%s\"",
           rec->kind == MERGE_GAP ? "gap" : "event",
           doc_ns(&src->doc, rec->tsc), rec->tsc, rec->cpu,
           rec->channel == XEN_FLIGHTREC_CH_RARE ? "rare" : "busy");
    if ( rec->stamp != rec->tsc )
        printf(",\"stamp\":%" PRIu64, rec->stamp);
    if ( rec->error_ns )
        printf(",\"error_ns\":%" PRIu64, rec->error_ns);
    if ( src->clock != DOC_CLOCK_REL && src->clock != DOC_CLOCK_TSC )
        printf(",\"%s_ns\":%" PRId64, doc_clock_name(src->clock),
               doc_clock_at(&src->doc, src->clock, rec->tsc));
    if ( rec->domid != MERGE_NO_DOMAIN )
        printf(",\"domid\":%" PRIu32, rec->domid);
    if ( rec->domid != MERGE_NO_DOMAIN && rec->vcpu != EVENT_NO_VCPU )
        printf(",\"vcpu\":%" PRIu32, rec->vcpu);

    if ( rec->kind == MERGE_GAP )
        print_gap(rec);
    else
        print_event(src, rec);
    printf("}\n");
}

static void json_tail(const struct source *src,
                      const struct out_totals *totals)
{
    printf("{\"type\":\"end\",\"shown\":%" PRIu64 ",\"records\":%" PRIu64
           ",\"copies\":%" PRIu64 ",\"damaged\":%" PRIu64 "}\n",
           totals->shown, totals->records, totals->copies, totals->damaged);
}

const struct out out_json = {
    .head = json_head,
    .section = json_section,
    .record = json_record,
    .tail = json_tail,
};
