/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out-text.c: print a snapshot as text.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/term.h"
#include "tools/print/out.h"

#define NAME_BYTES 80 /* of a domain's name, escaped */

/* Seconds, always with a sign: "-0.000001234". */
static const char *seconds(char *buf, size_t size, int64_t ns)
{
    uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

    snprintf(buf, size, "%c%" PRIu64 ".%09" PRIu64, ns < 0 ? '-' : '+',
             n / 1000000000, n % 1000000000);
    return buf;
}

/* `domain 5 "web1"` */
static const char *crashed_domain(const struct doc *d, char *buf, size_t size)
{
    char name[NAME_BYTES];

    if ( d->domid < 0 )
        snprintf(buf, size, "a domain");
    else if ( !d->name[0] )
        snprintf(buf, size, "domain %" PRId64, d->domid);
    else
        snprintf(buf, size, "domain %" PRId64 " \"%s\"", d->domid,
                 text_escape(name, sizeof(name), d->name));
    return buf;
}

const char *out_trigger(const struct doc *d, char *buf, size_t size)
{
    static const struct {
        const char *cause, *before, *after;
    } text[] = {
        { "crash", "", " crashed" },
        { "xen-crash", "Xen crashed ", "" },
        { "watchdog", "the watchdog of ", " expired" },
        { "triple-fault", "", " had a triple fault" },
        { "viridian", "", " reported a crash (Viridian)" },
    };
    char name[NAME_BYTES + 32], cause[256], source[256], reason[256];

    for ( size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++ )
        if ( !strcmp(d->cause, text[i].cause) )
        {
            snprintf(buf, size, "%s%s%s", text[i].before,
                     crashed_domain(d, name, sizeof(name)), text[i].after);
            return buf;
        }

    snprintf(buf, size, "%s%s%s%s%s",
             text_escape(cause, sizeof(cause), d->cause),
             d->source[0] ? " by " : "",
             text_escape(source, sizeof(source), d->source),
             d->reason_text[0] ? ": " : "",
             text_escape(reason, sizeof(reason), d->reason_text));
    return buf;
}

static void headline(const struct doc *d)
{
    char text[OUT_TRIGGER_BYTES];

    printf("Trace snapshot: %s\n", out_trigger(d, text, sizeof(text)));
}

static void print_trigger(const struct doc *d)
{
    const char *reason;
    char buf[256];

    if ( d->domid < 0 )
        return;

    printf("  who      %s", crashed_domain(d, buf, sizeof(buf)));
    if ( d->uuid[0] )
        printf(", uuid %s", text_escape(buf, sizeof(buf), d->uuid));

    printf("\n  why      %s", text_escape(buf, sizeof(buf), d->cause));
    if ( d->reason >= 0 )
    {
        reason = event_value_name(event_enum_find(d->dict, "shutdown"),
                                  d->reason);
        printf(", reason %" PRId64, d->reason);
        if ( reason )
            printf(" (%s)", reason);
    }

    printf("\n  where   ");
    if ( d->vcpu >= 0 )
        printf(" vCPU %" PRId64, d->vcpu);
    if ( d->cpu >= 0 )
        printf(" on pCPU %" PRId64, d->cpu);
    if ( d->vcpu < 0 && d->cpu < 0 )
        printf(" not known");
    if ( d->has_rip )
        printf(", rip %#" PRIx64, d->rip);
    putchar('\n');
}

static void print_when(const struct doc *d)
{
    char buf[64];

    if ( d->has_wall )
        printf("  when     %s\n", text_time(buf, sizeof(buf), d->wall_ns));
    else
        printf("  when     TSC %" PRIu64 " (the file has no wall clock)\n",
               d->tsc);
}

static void print_host(const struct doc *d)
{
    const json_t *host = json_object_get(d->root, "host");
    const json_t *xen = json_object_get(d->root, "xen");
    char buf[128];

    printf("  host     %s", text_escape(buf, sizeof(buf),
                                        doc_text(host, "name", "?")));
    printf(", Xen %s\n", text_escape(buf, sizeof(buf),
                                     doc_text(xen, "version", "?")));
}

static void print_domains(const struct doc *d)
{
    const json_t *domains = json_object_get(d->root, "domains");
    const json_t *dom;
    char name[NAME_BYTES];
    unsigned int n = 0;
    size_t i;

    json_array_foreach(domains, i, dom)
    {
        if ( n == 16 )
        {
            printf(", ...");
            break;
        }
        printf("%s d%" PRId64, n ? "," : "  domains ",
               doc_number(dom, "domid", -1));
        if ( doc_text(dom, "name", NULL) )
            printf(" %s", text_escape(name, sizeof(name),
                                      doc_text(dom, "name", "")));
        n++;
    }

    if ( n )
        putchar('\n');
}

/* Records, pCPUs and the time they span, from the index. */
static void print_extent(const struct source *src)
{
    static bool seen[UINT16_MAX + 1];
    uint64_t records = 0, first = UINT64_MAX, last = 0;
    unsigned int cpus = 0;
    char from[32], to[32];

    for ( uint32_t i = 0; i < snapshot_frames(src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(src->snap, i);

        if ( f->kind != SNAPSHOT_DATA )
            continue;
        cpus += !seen[f->cpu];
        seen[f->cpu] = true;
        records += f->records;
        first = source_first(src, f) < first ? source_first(src, f) : first;
        last = source_last(src, f) > last ? source_last(src, f) : last;
    }

    if ( !cpus )
    {
        printf(": no records");
        return;
    }
    printf(": %" PRIu64 " records of %u pCPU%s from %s to %s s", records,
           cpus, cpus == 1 ? "" : "s",
           seconds(from, sizeof(from), doc_ns(&src->doc, first)),
           seconds(to, sizeof(to), doc_ns(&src->doc, last)));
}

static void print_history(const struct source *src)
{
    const struct doc *d = &src->doc;
    const json_t *why = json_object_get(d->root, "history_why");
    const struct snapshot_fault *cut = snapshot_truncated(src->snap);
    const json_t *text;
    char buf[256];
    size_t i;

    printf("  history  %s", cut ? "cut"
                            : strcmp(d->history, "complete") ? "partial"
                                                             : "complete");
    print_extent(src);
    putchar('\n');
    if ( cut )
        printf("           the file is readable up to byte %" PRIu64 ": %s\n",
               cut->offset, cut->what);
    json_array_foreach(why, i, text)
        if ( json_is_string(text) )
            printf("           %s\n", text_escape(buf, sizeof(buf),
                                                  json_string_value(text)));
}

/* The time in which no record of any pCPU is missing. */
static void print_window(const struct doc *d)
{
    int64_t from, to, rare, end;
    char a[32], b[32];

    if ( !doc_window(d, "busy", &from, &to) )
        return;
    printf("  window   complete on all pCPUs from %s to %s s",
           seconds(a, sizeof(a), from), seconds(b, sizeof(b), to));
    if ( doc_window(d, "rare", &rare, &end) )
        printf(", rare channel from %s s", seconds(a, sizeof(a), rare));
    putchar('\n');
}

/* The least difference that makes the order of two pCPUs' records certain. */
static void print_order(const struct doc *d)
{
    if ( !d->has_fit )
        return;
    printf("  order    of records of different pCPUs: certain beyond %.3f us",
           d->clock.error_ns * 2 / 1e3);
    if ( d->clock.nr_spans )
        printf(", '~': less certain");
    putchar('\n');
}

/* The source of the records, if it limits them. */
static void print_limits(const struct doc *d)
{
    const json_t *limits = json_object_get(d->root, "limits"), *text;
    char buf[256];
    size_t i;

    if ( !strcmp(doc_text(d->root, "backend", ""), "tbuf") )
        printf("  source   Xen's own trace buffers\n");
    json_array_foreach(limits, i, text)
        if ( json_is_string(text) )
            printf("           %s\n", text_escape(buf, sizeof(buf),
                                                  json_string_value(text)));
}

static void print_gaps(const struct doc *d)
{
    const json_t *gaps = json_object_get(d->root, "gaps");
    const json_t *gap;
    char cause[32], channel[16];
    size_t i;

    json_array_foreach(gaps, i, gap)
        printf("  lost     pCPU %" PRId64 ", %s: %" PRId64 " records (%s)\n",
               doc_number(gap, "cpu", -1),
               text_escape(channel, sizeof(channel),
                           doc_text(gap, "channel", "?")),
               doc_number(gap, "records", 0),
               text_escape(cause, sizeof(cause), doc_text(gap, "cause", "?")));
}

/* Times of the daemon's steps after the trigger. */
static void print_latency(const struct doc *d)
{
    static const char *const step[] = { "wake", "quiescent", "written" };
    const json_t *latency = json_object_get(d->note, "latency_ns");
    unsigned int n = 0;
    char buf[32];

    for ( size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++ )
    {
        int64_t ns = doc_number(latency, step[i], -1);

        if ( ns >= 0 )
            printf("%s %s %s s", n++ ? "," : "  latency ", step[i],
                   seconds(buf, sizeof(buf), ns));
    }

    if ( n )
        putchar('\n');
}

/* The clock of the records' times. */
static void print_clock(const struct source *src)
{
    static const char *const text[DOC_CLOCKS] = {
        [DOC_CLOCK_REL] = "seconds from the trigger",
        [DOC_CLOCK_TSC] = "ticks of the TSC of the trigger's pCPU",
        [DOC_CLOCK_XEN] = "seconds since Xen booted, its system time",
        [DOC_CLOCK_MONOTONIC] = "seconds of Dom0's CLOCK_MONOTONIC",
        [DOC_CLOCK_REALTIME] = "Dom0's wall clock",
    };
    const struct doc *d = &src->doc;

    printf("Times are %s", text[src->clock]);
    if ( src->clock != DOC_CLOCK_REL && src->clock != DOC_CLOCK_TSC &&
         d->has_fit )
        printf("; error at the trigger at most %.3f us",
               doc_clock_error(d, src->clock, d->tsc) / 1e3);
    printf(".\n");
}

static void text_head(const struct source *src)
{
    printf("%s", term_on(TERM_HEAD));
    headline(&src->doc);
    printf("%s", term_off());
    print_trigger(&src->doc);
    print_when(&src->doc);
    print_host(&src->doc);
    print_history(src);
    print_window(&src->doc);
    print_limits(&src->doc);
    print_gaps(&src->doc);
    print_order(&src->doc);
    print_latency(&src->doc);
    print_domains(&src->doc);
    print_clock(src);
}

static void text_section(const char *title)
{
    printf("\n%s%s%s\n", term_on(TERM_HEAD), title, term_off());
}

void out_running(const struct doc *d, const struct merge_record *rec, char *buf,
                 size_t size)
{
    const char *name = event_value_name(event_enum_find(d->dict, "domid"),
                                        rec->domid);

    if ( rec->domid == MERGE_NO_DOMAIN )
        snprintf(buf, size, "-");
    else if ( name )
        snprintf(buf, size, "%s", name);
    else if ( rec->vcpu == EVENT_NO_VCPU )
        snprintf(buf, size, "d%" PRIu32, rec->domid);
    else
        snprintf(buf, size, "d%" PRIu32 "v%" PRIu32, rec->domid, rec->vcpu);
}

static void print_gap(const struct merge_record *rec)
{
    if ( rec->missing )
        printf("%s** %" PRIu64 " records are missing: %s%s\n",
               term_on(TERM_BAD), rec->missing, merge_gap_text(rec->gap),
               term_off());
    else
        printf("%s** records are missing: %s%s\n", term_on(TERM_BAD),
               merge_gap_text(rec->gap), term_off());
}

void out_moment(const struct source *src, uint64_t tsc, char *buf, size_t size)
{
    int64_t t = doc_clock_at(&src->doc, src->clock, tsc);

    switch ( src->clock )
    {
    case DOC_CLOCK_TSC:
        snprintf(buf, size, "%" PRIu64, tsc);
        break;
    case DOC_CLOCK_REALTIME:
        text_time(buf, size, t);
        break;
    default:
        seconds(buf, size, t);
    }
}

static void text_record(const struct source *src,
                        const struct merge_record *rec)
{
    char when[48], who[40], buf[EVENT_NAME_BYTES], fields[EVENT_TEXT_BYTES];
    const char *name = buf;

    out_moment(src, rec->tsc, when, sizeof(when));
    out_running(&src->doc, rec, who, sizeof(who));
    printf("%15s%c cpu%-3u %s%-8s%s ", when, rec->error_ns ? '~' : ' ', rec->cpu,
           term_on(TERM_NAME), who, term_off());
    if ( rec->kind == MERGE_GAP )
    {
        print_gap(rec);
        return;
    }

    if ( rec->event )
        name = event_name(rec->desc, rec->event, buf);
    else
        snprintf(buf, sizeof(buf), "id_%u", rec->id);

    if ( event_text(src->doc.dict, rec->desc, rec->data, rec->words, fields,
                    sizeof(fields)) )
        printf("%s%-24s%s %s\n", term_on(TERM_EVENT), name, term_off(), fields);
    else
        printf("%s%s%s\n", term_on(TERM_EVENT), name, term_off());
}

static void text_tail(const struct source *src,
                      const struct out_totals *totals)
{
    if ( totals->damaged )
        printf("%s%" PRIu64 " damaged parts of the file were left out%s\n",
               term_on(TERM_BAD), totals->damaged, term_off());
}

const struct out out_text = {
    .head = text_head,
    .section = text_section,
    .record = text_record,
    .tail = text_tail,
};
