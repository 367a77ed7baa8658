/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c: writes one record per line: as JSON, like `show --json', or as CSV.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "tools/export/export.h"
#include "tools/print/out.h"

static int write_error(void)
{
    return ferror(stdout) ? -EIO : 0;
}

static void no_state(struct export *x)
{
}

static int json_open(struct export *x)
{
    out_json.head(x->src);
    return 0;
}

static int json_record(struct export *x, const struct merge_record *rec)
{
    out_json.record(x->src, rec);
    return write_error();
}

static int json_finish(struct export *x)
{
    return 0;
}

const struct export_format export_json = {
    .name = "json",
    .open = json_open,
    .record = json_record,
    .finish = json_finish,
    .close = no_state,
};

static int csv_open(struct export *x)
{
    enum doc_clock clock = x->src->clock;

    /* The column "tsc" is always there. */
    if ( clock != DOC_CLOCK_REL && clock != DOC_CLOCK_TSC )
        printf("%s_", doc_clock_name(clock));
    printf("ns,tsc,cpu,channel,domid,vcpu,event,fields\n");
    return 0;
}

/* Fields are always quoted, so blanks and commas need no check. */
static void put_quoted(const char *text)
{
    putchar('"');
    for ( ; *text; text++ )
    {
        if ( *text == '"' )
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void csv_vcpu(const struct merge_record *rec)
{
    if ( rec->domid != MERGE_NO_DOMAIN )
        printf("%" PRIu32, rec->domid);
    putchar(',');
    if ( rec->domid != MERGE_NO_DOMAIN && rec->vcpu != EVENT_NO_VCPU )
        printf("%" PRIu32, rec->vcpu);
    putchar(',');
}

static void csv_event(const struct export *x, const struct merge_record *rec)
{
    char name[EVENT_NAME_BYTES], fields[EVENT_TEXT_BYTES];

    if ( rec->event )
        printf("%s,", event_name(rec->desc, rec->event, name));
    else
        printf("id_%u,", rec->id);
    event_pairs(x->src->doc.dict, rec->desc, rec->data, rec->words, fields,
                sizeof(fields));
    put_quoted(fields);
}

static int64_t nanoseconds(const struct source *src, uint64_t tsc)
{
    if ( src->clock == DOC_CLOCK_TSC )
        return doc_ns(&src->doc, tsc);
    return doc_clock_at(&src->doc, src->clock, tsc);
}

static int csv_record(struct export *x, const struct merge_record *rec)
{
    printf("%" PRId64 ",%" PRIu64 ",%u,%s,", nanoseconds(x->src, rec->tsc),
           rec->tsc, rec->cpu,
           rec->channel == XEN_FLIGHTREC_CH_RARE ? "rare" : "busy");
    csv_vcpu(rec);
    if ( rec->kind == MERGE_EVENT )
        csv_event(x, rec);
    else
        printf("GAP,\"records=%" PRIu64 " why=%s\"", rec->missing,
               merge_gap_text(rec->gap));
    putchar('\n');
    return write_error();
}

const struct export_format export_csv = {
    .name = "csv",
    .open = csv_open,
    .record = csv_record,
    .finish = json_finish,
    .close = no_state,
};
