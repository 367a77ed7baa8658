/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * page.c: writes the page: the markup, style and script of page.html, page.css
 * and page.js, and the data as JSON and base64.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lz4.h>

#include "tools/print/out.h"
#include "tools/report/report.h"

/* The parts of the page, embedded in this program. */
#define PART(name, file)                                                    \
    __asm__(".pushsection .rodata\n"                                        \
            "report_" name ":\n.incbin \"tools/report/" file "\"\n"         \
            "report_" name "_end:\n.popsection")

PART("html", "page.html");
PART("css", "page.css");
PART("js", "page.js");

extern const char report_html[], report_html_end[];
extern const char report_css[], report_css_end[];
extern const char report_js[], report_js_end[];

/*
 * Data as JSON.
 */

static json_t *ns_of(const struct report *r, uint64_t ticks)
{
    return json_integer((__int128)ticks * 1000000 / r->src->doc.tsc_khz);
}

/* [[k, count], ...]: number of times from 2^k ns up to 2^(k + 1) ns. */
static json_t *histogram(const struct times *t, uint64_t khz)
{
    uint64_t octave[65] = { 0 };
    json_t *list = json_array();

    for ( unsigned int i = 0; i < TIMES_SLOTS; i++ )
    {
        uint64_t from = times_slot_begin(i);
        uint64_t ns = khz ? (__uint128_t)from * 1000000 / khz : from;

        if ( t->slot[i] )
            octave[ns ? 63 - __builtin_clzll(ns) : 0] += t->slot[i];
    }
    for ( unsigned int k = 0; k < 65; k++ )
        if ( octave[k] )
            json_array_append_new(list, json_pack("[i, I]", k,
                                                  (json_int_t)octave[k]));
    return list;
}

/* @khz is the frequency of the times' unit, or 0 if it is ns. */
static json_t *times_json(const struct times *t, uint64_t khz)
{
    json_t *o = json_object();
    static const struct {
        const char *name;
        unsigned int part;
    } parts[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 },
                  { "max", 1000 } };

    json_object_set_new(o, "nr", json_integer(t->nr));
    for ( size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++ )
    {
        uint64_t v = times_part(t, parts[i].part);

        json_object_set_new(o, parts[i].name,
                            json_integer(khz ? (__uint128_t)v * 1000000 / khz
                                             : v));
    }
    json_object_set_new(o, "octaves", histogram(t, khz));
    return o;
}

static json_t *domain_json(const struct report *r, uint64_t domain,
                           unsigned int vcpus, const struct account *sum,
                           const struct times *waits)
{
    json_t *o = json_object(), *ops = json_array();

    json_object_set_new(o, "domid", json_integer(domain));
    json_object_set_new(o, "vcpus", json_integer(vcpus));
    for ( unsigned int i = 0; i < RUNSTATES; i++ )
        json_object_set_new(o, runstate_text[i], ns_of(r, sum->ticks[i]));
    json_object_set_new(o, "unknown", ns_of(r, sum->unknown));
    json_object_set_new(o, "entries", json_integer(sum->entries));
    json_object_set_new(o, "exits", json_integer(sum->exits));
    json_object_set_new(o, "hypercalls", json_integer(sum->hypercalls));
    json_object_set_new(o, "io", json_integer(sum->io));
    json_object_set_new(o, "waits", times_json(waits, r->src->doc.tsc_khz));
    for ( unsigned int i = 0; i < ACCOUNT_OPS; i++ )
        if ( sum->ops[i] )
            json_array_append_new(ops, json_pack("[i, I]", i,
                                                 (json_int_t)sum->ops[i]));
    json_object_set_new(o, "ops", ops);
    return o;
}

static json_t *domains_json(const struct report *r)
{
    const struct vcpus *t = r->explain.acc.vcpus;
    json_t *list = json_array();
    struct account sum = { 0 };
    struct times waits = { 0 };
    unsigned int vcpus = 0;

    for ( unsigned int i = 0; i < vcpus_nr(t); i++ )
    {
        const struct vcpu *v = vcpus_nth(t, i);

        account_add(&sum, &waits, v->data);
        vcpus++;
        if ( i + 1 < vcpus_nr(t) &&
             vcpus_nth(t, i + 1)->domid == v->domid &&
             vcpus_nth(t, i + 1)->later == v->later )
            continue;
        json_array_append_new(list, domain_json(
            r, report_domain(v->domid, v->later), vcpus, &sum, &waits));
        memset(&sum, 0, sizeof(sum));
        memset(&waits, 0, sizeof(waits));
        vcpus = 0;
    }

    return list;
}

static json_t *exits_json(const struct report *r)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; i < r->entries.nr; i++ )
    {
        const struct entry_sum *e = r->entries.entry[i];

        if ( e->kind != ENTRY_EXIT )
            continue;
        json_array_append_new(list, json_pack("{s:i, s:I, s:s*, s:I, s:o}",
            "domid", (json_int_t)report_domain(e->domid, e->later),
            "reason", (json_int_t)e->code, "name",
            entry_name(e, &r->src->doc), "nr", (json_int_t)e->nr, "times",
            times_json(&e->times, 0)));
    }

    return list;
}

/* [name, kind, word, shift, bits, constant, table or null, optional] */
static json_t *field_json(const struct event_field *f)
{
    static const char kind[] = "uixbdveat";

    return json_pack("[s, s#, i, i, i, I, s?, b]", f->name, &kind[f->kind], 1,
                     f->word, f->shift, f->bits, (json_int_t)f->constant,
                     f->names ? event_enum_name(f->names) : NULL,
                     (int)f->optional);
}

static json_t *kinds_json(const struct report *r)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; i < r->kinds; i++ )
    {
        const struct event_desc *d = r->kind[i];
        json_t *fields = json_array();
        json_t *o = json_pack("{s:s?, s:I, s:i, s:o}", "name",
                              d ? d->name : NULL, "nr",
                              (json_int_t)r->count[i], "words",
                              d ? d->words : 0, "fields", fields);

        for ( unsigned int k = 0; d && k < d->nr_fields; k++ )
            json_array_append_new(fields, field_json(&d->field[k]));
        json_array_append_new(list, o);
    }

    return list;
}

static json_t *vcpus_json(const struct report *r)
{
    json_t *list = json_array();
    uint64_t domain;
    uint32_t vcpu;

    for ( unsigned int i = 0; report_vcpu_nth(r, i, &domain, &vcpu); i++ )
        json_array_append_new(list, json_pack("[I, i]", (json_int_t)domain,
                                              vcpu));
    return list;
}

/* The names of domains, by their keys. */
static json_t *names_json(const struct report *r)
{
    const struct lives *lives = r->src->lives;
    json_t *list = json_array();

    for ( unsigned int i = 0; i < lives_nr(lives); i++ )
    {
        const struct life *life = lives_nth(lives, i);

        if ( life->name[0] )
            json_array_append_new(list, json_pack(
                "[I, s]", (json_int_t)report_domain(life->domid, life->later),
                life->name));
    }
    return list;
}

static json_t *explain_json(const struct explain *s)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; i < s->lines; i++ )
        json_array_append_new(list, json_string(s->line[i]));
    return list;
}

static json_t *gap_names(void)
{
    json_t *list = json_array();

    for ( int i = MERGE_GAP_NESTED; i <= MERGE_GAP_DAMAGED; i++ )
        json_array_append_new(list, json_string(merge_gap_text(i)));
    return list;
}

static json_t *column_sizes(const struct report *r)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; i < COLUMNS; i++ )
        json_array_append_new(list, json_integer(r->col[i].bytes));
    return list;
}

static json_t *facts(const struct report *r)
{
    const struct doc *d = &r->src->doc;
    const struct explain *s = &r->explain;
    json_t *meta = out_meta(d), *events, *enums, *o;

    if ( !meta || event_dict_to_json(d->dict, &events, &enums) )
    {
        json_decref(meta);
        return NULL;
    }
    json_decref(events);
    json_object_del(meta, "dictionary");

    o = json_pack("{s:o, s:O*, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
                  "s:o, s:I, s:I, s:I, s:I, s:I, s:I}",
                  "meta", meta, "note", d->note, "enums", enums,
                  "composed", event_composed_to_json(d->dict),
                  "explain", explain_json(s), "kinds", kinds_json(r),
                  "vcpus", vcpus_json(r), "names", names_json(r),
                  "gaps", gap_names(),
                  "domains", domains_json(r), "exits", exits_json(r),
                  "columns", column_sizes(r),
                  "events", (json_int_t)r->events,
                  "intervals", (json_int_t)r->intervals,
                  "first_ns", (json_int_t)r->first_ns,
                  "from_ns", (json_int_t)doc_ns(d, s->acc.from),
                  "to_ns", (json_int_t)doc_ns(d, s->acc.to),
                  "exits_left_out",
                  (json_int_t)r->entries.left_out[ENTRY_EXIT]);
    if ( o && s->domid != MERGE_NO_DOMAIN )
        json_object_set_new(o, "subject",
                            json_integer(report_domain(s->domid, s->later)));
    return o;
}

/* The text is inside <script>: no "<" may be left in it. */
static int write_json(const struct report *r, FILE *out)
{
    json_t *o = facts(r);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;

    json_decref(o);
    if ( !text )
        return -ENOMEM;

    for ( const char *s = text; *s; s++ )
        if ( *s == '<' )
            fputs("\\u003c", out);
        else
            putc(*s, out);
    free(text);
    return 0;
}

/*
 * Columns.
 */

static void write_base64(const uint8_t *p, size_t bytes, FILE *out)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";

    for ( ; bytes >= 3; p += 3, bytes -= 3 )
    {
        uint32_t v = p[0] << 16 | p[1] << 8 | p[2];

        putc(digit[v >> 18], out);
        putc(digit[v >> 12 & 63], out);
        putc(digit[v >> 6 & 63], out);
        putc(digit[v & 63], out);
    }

    if ( bytes )
    {
        uint32_t v = p[0] << 16 | (bytes > 1 ? p[1] << 8 : 0);

        putc(digit[v >> 18], out);
        putc(digit[v >> 12 & 63], out);
        putc(bytes > 1 ? digit[v >> 6 & 63] : '=', out);
        putc('=', out);
    }
}

static int write_columns(const struct report *r, FILE *out)
{
    size_t bytes = 0, at = 0;
    char *all, *packed = NULL;
    int rc = -ENOMEM, len;

    for ( unsigned int i = 0; i < COLUMNS; i++ )
        bytes += r->col[i].bytes;
    if ( bytes > LZ4_MAX_INPUT_SIZE )
        return -EFBIG;

    all = malloc(bytes + 1);
    packed = malloc(LZ4_compressBound(bytes) + 1);
    if ( !all || !packed )
        goto out;

    for ( unsigned int i = 0; i < COLUMNS; i++ )
    {
        if ( r->col[i].bytes )
            memcpy(all + at, r->col[i].data, r->col[i].bytes);
        at += r->col[i].bytes;
    }
    len = LZ4_compress_default(all, packed, bytes, LZ4_compressBound(bytes));
    write_base64((const uint8_t *)packed, len, out);
    rc = 0;

 out:
    free(all);
    free(packed);
    return rc;
}

/*
 * The page.
 */

/* Write the markup before @mark.  Return a pointer to the rest after it. */
static const char *up_to(const char *html, const char *mark, FILE *out)
{
    const char *at = memmem(html, report_html_end - html, mark, strlen(mark));

    fwrite(html, 1, at - html, out);
    return at + strlen(mark);
}

int report_write(const struct report *r, FILE *out)
{
    const char *html = up_to(report_html, "@CSS@", out);
    int rc;

    fwrite(report_css, 1, report_css_end - report_css, out);
    html = up_to(html, "@FACTS@", out);
    rc = write_json(r, out);
    if ( rc )
        return rc;
    html = up_to(html, "@COLUMNS@", out);
    rc = write_columns(r, out);
    if ( rc )
        return rc;
    html = up_to(html, "@JS@", out);
    fwrite(report_js, 1, report_js_end - report_js, out);
    fwrite(html, 1, report_html_end - html, out);
    return ferror(out) ? -EIO : 0;
}
