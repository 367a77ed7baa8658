/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.c: prints a comparison as JSON, one object per line.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "lib/base/text.h"
#include "tools/diff/diff.h"

static const char *const key[DIFF_SIDES] = { "a", "b" };

/* Print and free @o.  Return -ENOMEM if it is NULL. */
static int print(json_t *o)
{
    if ( !o )
        return -ENOMEM;

    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII |
                          JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(o);
    return 0;
}

static json_t *gaps(const struct diff_side *s)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; i < MERGE_GAPS; i++ )
        if ( s->gaps[i] )
            json_array_append_new(list, json_pack("{s:s, s:I, s:I}",
                "why", merge_gap_text(i), "places", (json_int_t)s->gaps[i],
                "missing", (json_int_t)s->missing[i]));
    return list;
}

static json_t *side(const struct diff *d, unsigned int n)
{
    const struct diff_side *s = &d->side[n];
    const struct doc *doc = &s->src->doc;
    const json_t *host = json_object_get(doc->root, "host");
    const json_t *xen = json_object_get(doc->root, "xen");
    char path[TEXT_ROOM(256)];
    bool cut = snapshot_truncated(s->src->snap);
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:i, s:o, "
                          "s:I, s:b}", "type", "side", "side", key[n], "file",
                          text_escape(path, sizeof(path), s->path), "cause",
                          doc->cause, "xen", doc_text(xen, "version", ""),
                          "from_ns", (json_int_t)doc_ns(doc, s->acc.from),
                          "to_ns", (json_int_t)doc_ns(doc, s->acc.to),
                          "records", (json_int_t)s->acc.records, "pcpus",
                          (int)s->cpus,
                          "gaps", gaps(s), "damaged",
                          (json_int_t)snapshot_damaged(s->src->snap), "cut",
                          (int)cut);

    if ( o )
        json_object_set_new(o, "host",
                            json_string(doc_text(host, "name", "")));
    return o;
}

/* {"a":1,"b":7,"name":"web1"}: the domain's number on each side that has it. */
static json_t *domain_id(const struct diff_domain *dom)
{
    json_t *o = json_object();

    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
        if ( dom->known[s] && dom->domid[s] < DIFF_DOMIDS - 1 )
            json_object_set_new(o, key[s], json_integer(dom->domid[s]));
    if ( dom->name[0] )
        json_object_set_new(o, "name", json_string(dom->name));
    return o;
}

static json_t *domain(const struct diff_domain *dom)
{
    static const char *const match[] = {
        [DIFF_SAME] = "uuid", [DIFF_BY_NAME] = "name",
        [DIFF_BY_NUMBER] = "number",
    };
    bool both = dom->in[DIFF_A] && dom->in[DIFF_B];
    json_t *o = json_pack("{s:s, s:o, s:s}", "type", "domain", "domain",
                          domain_id(dom), "in",
                          both ? "both" : key[!dom->in[DIFF_A]]);

    if ( o && both )
        json_object_set_new(o, "matched", json_string(match[dom->match]));
    for ( unsigned int s = 0; o && s < DIFF_SIDES; s++ )
        if ( dom->vcpus[s] )
            json_object_set_new(o, key[s], json_pack(
                "{s:i, s:f, s:f, s:f, s:f, s:f}",
                "vcpus", (int)dom->vcpus[s],
                "running_percent", dom->percent[s][RUNNING],
                "runnable_percent", dom->percent[s][RUNNABLE],
                "blocked_percent", dom->percent[s][BLOCKED],
                "offline_percent", dom->percent[s][OFFLINE],
                "unknown_percent", dom->unknown[s]));
    return o;
}

/* A hostile file can hold any time: bound it to the range of JSON integers. */
static json_t *part_ns(struct score_times t, unsigned int part)
{
    return json_integer(fmin(times_part(t.times, part) * t.ns, 0x1p62));
}

static json_t *counted(const struct diff *d, const struct diff_row *row,
                       unsigned int s)
{
    struct score_times t = diff_times_of(d, row, s);
    json_t *o = json_pack("{s:I, s:f}", "count", (json_int_t)row->n[s],
                          "per_second", diff_rate(d, row, s));

    if ( !o || !t.times )
        return o;

    json_object_set_new(o, "times", json_integer(t.times->nr));
    json_object_set_new(o, "p50_ns", part_ns(t, 500));
    json_object_set_new(o, "p90_ns", part_ns(t, 900));
    json_object_set_new(o, "p99_ns", part_ns(t, 990));
    json_object_set_new(o, "max_ns", part_ns(t, 1000));
    return o;
}

static json_t *item(const struct diff *d, enum diff_section section,
                    const struct diff_item *item)
{
    static const char *const type[DIFF_SECTIONS] = {
        [DIFF_CAME] = "new", [DIFF_WENT] = "gone", [DIFF_TIME] = "time",
        [DIFF_LATENCY] = "latency", [DIFF_ENTRIES] = "entry",
        [DIFF_EVENTS] = "event",
    };
    static const char *const kind[DIFF_KINDS] = {
        [DIFF_EVENT] = "event", [DIFF_EXIT] = "exit",
        [DIFF_HYPERCALL] = "hypercall", [DIFF_WAKE] = "wake",
    };
    const struct diff_row *row = item->row;
    json_t *o = json_pack("{s:s, s:b}", "type", type[section], "remarkable",
                          (int)item->remarkable);

    if ( o && item->domain )
        json_object_set_new(o, "domain", domain_id(item->domain));
    if ( o && row )
    {
        json_object_set_new(o, "what", json_string(kind[row->kind]));
        json_object_set_new(o, "name", json_string(row->name));
        json_object_set_new(o, "least_factor",
                            json_real(exp2(item->change)));
        for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
            json_object_set_new(o, key[s], counted(d, row, s));
    }
    else if ( o )
    {
        json_object_set_new(o, "state",
                            json_string(runstate_text[item->state]));
        json_object_set_new(o, "points", json_real(item->change));
        for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
            json_object_set_new(o, key[s], json_real(
                item->domain->percent[s][item->state]));
    }
    return o;
}

int diff_print_json(const struct diff *d)
{
    unsigned int remarkable = 0;
    int rc = 0;

    for ( unsigned int s = 0; !rc && s < DIFF_SIDES; s++ )
        rc = print(side(d, s));
    for ( unsigned int i = 0; !rc && i < d->domains; i++ )
        if ( (d->domain[i].in[DIFF_A] || d->domain[i].in[DIFF_B]) &&
             (!d->only || d->only == &d->domain[i]) )
            rc = print(domain(&d->domain[i]));
    for ( unsigned int k = 0; k < DIFF_SECTIONS; k++ )
    {
        remarkable += d->list[k].remarkable;
        for ( unsigned int i = 0; !rc && i < d->list[k].nr; i++ )
            rc = print(item(d, k, &d->list[k].item[i]));
    }
    if ( !rc )
        rc = print(json_pack("{s:s, s:i, s:b, s:I}", "type", "end",
                             "remarkable", (int)remarkable, "differs",
                             (int)diff_differs(d), "left_out",
                             (json_int_t)d->left_out));
    return rc;
}
