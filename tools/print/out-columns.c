/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * out-columns.c: print records as a table of chosen columns: a line of titles,
 * then a line per record and nothing else.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/base/term.h"
#include "tools/print/out.h"

#define MAX_COLUMNS 32

enum column { COL_TIME, COL_TSC, COL_PCPU, COL_CHANNEL, COL_RAN, COL_DOMID,
              COL_VCPU, COL_EVENT, COL_CLASS, COL_FIELDS, COL_FIELD };

static const struct {
    const char *name;
    int width;
} known[] = {
    [COL_TIME] = { "time", 15 },      [COL_TSC] = { "tsc", 16 },
    [COL_PCPU] = { "pcpu", 4 },       [COL_CHANNEL] = { "channel", 7 },
    [COL_RAN] = { "ran", 8 },         [COL_DOMID] = { "ran_domid", 9 },
    [COL_VCPU] = { "ran_vcpu", 8 },   [COL_EVENT] = { "event", 24 },
    [COL_CLASS] = { "class", 6 },     [COL_FIELDS] = { "fields", 1 },
};

static struct {
    enum column column;
    int width;
    char name[EVENT_WORD_BYTES];
} chosen[MAX_COLUMNS];
static unsigned int nr_chosen;

int out_columns_set(const char *list)
{
    nr_chosen = 0;
    while ( *list )
    {
        size_t len = strcspn(list, ",");
        enum column c;

        if ( !len || len >= EVENT_WORD_BYTES || nr_chosen == MAX_COLUMNS )
            return -EINVAL;
        memcpy(chosen[nr_chosen].name, list, len);
        chosen[nr_chosen].name[len] = '\0';
        for ( c = COL_TIME; c < COL_FIELD; c++ )
            if ( !strcmp(chosen[nr_chosen].name, known[c].name) )
                break;
        chosen[nr_chosen].column = c;
        chosen[nr_chosen++].width = c < COL_FIELD ? known[c].width
                                    : len > 12    ? (int)len
                                                  : 12;
        list += len + (list[len] == ',');
    }
    return nr_chosen ? 0 : -EINVAL;
}

const char *out_columns_unknown(const struct doc *doc)
{
    for ( unsigned int i = 0; i < nr_chosen; i++ )
    {
        bool found = chosen[i].column != COL_FIELD;

        for ( unsigned int n = 0; !found && n < event_dict_events(doc->dict);
              n++ )
            found = event_field_index(event_dict_event(doc->dict, n),
                                      chosen[i].name) >= 0;
        if ( !found )
            return chosen[i].name;
    }
    return NULL;
}

static void put(unsigned int i, const char *text)
{
    if ( i + 1 < nr_chosen )
        printf("%-*s ", chosen[i].width, text);
    else
        printf("%s\n", text);
}

static void columns_head(const struct source *src)
{
    for ( unsigned int i = 0; i < nr_chosen; i++ )
    {
        printf("%s", term_on(TERM_HEAD));
        put(i, chosen[i].name);
        printf("%s", term_off());
    }
}

static void columns_section(const char *title)
{
}

static void gap_text(const struct merge_record *rec, char *buf, size_t size)
{
    if ( rec->missing )
        snprintf(buf, size, "%" PRIu64 " records: %s", rec->missing,
                 merge_gap_text(rec->gap));
    else
        snprintf(buf, size, "%s", merge_gap_text(rec->gap));
}

static void event_column(const struct source *src,
                         const struct merge_record *rec, enum column c,
                         char *buf, size_t size)
{
    char name[EVENT_NAME_BYTES];

    if ( c == COL_FIELDS )
        event_text(src->doc.dict, rec->desc, rec->data, rec->words, buf, size);
    else if ( !rec->event )
        snprintf(buf, size, "id_%u", rec->id);
    else
        snprintf(buf, size, "%s", c == COL_CLASS
                                      ? event_class(rec->event)
                                      : event_name(rec->desc, rec->event, name));
}

static void one_field(const struct source *src, const struct merge_record *rec,
                      const char *name, char *buf, size_t size)
{
    int n = rec->desc ? event_field_index(rec->desc, name) : -1;

    if ( n < 0 || !event_field_text(src->doc.dict, rec->desc, n, rec->data,
                                    rec->words, buf, size) )
        snprintf(buf, size, "-");
}

/* Print "-" for an unknown number. */
static void number_or_none(uint32_t n, char *buf, size_t size)
{
    if ( n == MERGE_NO_DOMAIN )
        snprintf(buf, size, "-");
    else
        snprintf(buf, size, "%" PRIu32, n);
}

static void value_of(const struct source *src, const struct merge_record *rec,
                     unsigned int i, char *buf, size_t size)
{
    enum column c = chosen[i].column;

    switch ( c )
    {
    case COL_TIME:
        out_moment(src, rec->tsc, buf, size);
        break;
    case COL_TSC:
        snprintf(buf, size, "%" PRIu64, rec->tsc);
        break;
    case COL_PCPU:
        snprintf(buf, size, "%u", rec->cpu);
        break;
    case COL_CHANNEL:
        snprintf(buf, size, "%s",
                 rec->channel == XEN_FLIGHTREC_CH_RARE ? "rare" : "busy");
        break;
    case COL_RAN:
        out_running(&src->doc, rec, buf, size);
        break;
    case COL_DOMID:
        number_or_none(rec->domid, buf, size);
        break;
    case COL_VCPU:
        number_or_none(rec->domid == MERGE_NO_DOMAIN ? MERGE_NO_DOMAIN
                                                     : rec->vcpu, buf, size);
        break;
    default:
        if ( rec->kind == MERGE_GAP && c == COL_FIELDS )
            gap_text(rec, buf, size);
        else if ( rec->kind == MERGE_GAP )
            snprintf(buf, size, "%s", c == COL_EVENT ? "GAP" : "-");
        else if ( c == COL_FIELD )
            one_field(src, rec, chosen[i].name, buf, size);
        else
            event_column(src, rec, c, buf, size);
    }
}

static void columns_record(const struct source *src,
                           const struct merge_record *rec)
{
    char buf[EVENT_TEXT_BYTES];

    for ( unsigned int i = 0; i < nr_chosen; i++ )
    {
        value_of(src, rec, i, buf, sizeof(buf));
        put(i, buf);
    }
}

static void columns_tail(const struct source *src,
                         const struct out_totals *totals)
{
}

const struct out out_columns = {
    .head = columns_head,
    .section = columns_section,
    .record = columns_record,
    .tail = columns_tail,
};
