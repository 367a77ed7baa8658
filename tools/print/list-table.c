/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list-table.c: print the table of `xenflight list'.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/format/doc.h"
#include "tools/base/term.h"
#include "tools/print/list.h"

#define MAX_COLUMNS 32
#define CELL_BYTES  TEXT_ROOM(PATH_MAX)

enum column { COL_TIME, COL_CAUSE, COL_DOMAIN, COL_DOMID, COL_UUID, COL_REASON,
              COL_HOST, COL_XEN, COL_SIZE, COL_BYTES, COL_SECONDS,
              COL_COMPLETE, COL_PINNED, COL_FILE, NR_COLUMNS };

static const struct {
    const char *name, *title;
    const char *key;          /* in the row's JSON object, if the cell is that text */
    bool number;              /* right-aligned */
    bool painted;
    enum term_paint paint;    /* ... unless it is "-" or plain */
    const char *plain;
} known[NR_COLUMNS] = {
    [COL_TIME] = { "time", "TIME (UTC)" },
    [COL_CAUSE] = { "cause", "CAUSE", "cause" },
    [COL_DOMAIN] = { "domain", "DOMAIN", .painted = true, .paint = TERM_NAME },
    [COL_DOMID] = { "domid", "DOMID", .number = true },
    [COL_UUID] = { "uuid", "UUID", "uuid" },
    [COL_REASON] = { "reason", "REASON", "reason" },
    [COL_HOST] = { "host", "HOST", "host" },
    [COL_XEN] = { "xen", "XEN", "xen" },
    [COL_SIZE] = { "size", "SIZE", .number = true },
    [COL_BYTES] = { "bytes", "BYTES", .number = true },
    [COL_SECONDS] = { "seconds", "SECONDS", .number = true },
    [COL_COMPLETE] = { "complete", "COMPLETE", "complete", .painted = true,
                       .paint = TERM_BAD, .plain = "yes" },
    [COL_PINNED] = { "pinned", "PINNED" },
    [COL_FILE] = { "file", "FILE" },
};

static enum column chosen[MAX_COLUMNS];
static unsigned int nr_chosen;

int list_columns_set(const char *list)
{
    for ( nr_chosen = 0; *list; nr_chosen++ )
    {
        size_t len = strcspn(list, ",");
        enum column c = 0;

        while ( c < NR_COLUMNS && (strlen(known[c].name) != len ||
                                   memcmp(known[c].name, list, len)) )
            c++;
        if ( c == NR_COLUMNS || nr_chosen == MAX_COLUMNS )
            return -EINVAL;
        chosen[nr_chosen] = c;
        list += len + (list[len] == ',');
    }
    return nr_chosen ? 0 : -EINVAL;
}

static const char *domain(const json_t *row)
{
    const char *name = doc_text(row, "name", "");

    if ( *name )
        return name;
    return doc_number(row, "domid", -1) < 0 ? "-" : "?";
}

static const char *number(char *buf, int64_t n)
{
    if ( n < 0 )
        return "-";
    snprintf(buf, 24, "%" PRId64, n);
    return buf;
}

static const char *seconds(char *buf, const json_t *row)
{
    const json_t *n = json_object_get(row, "seconds");

    if ( !n )
        return "-";
    snprintf(buf, 32, "%.3f", json_real_value(n));
    return buf;
}

/* Format a cell into @buf, of CELL_BYTES. */
static const char *cell(const struct list_row *row, enum column c, char *buf)
{
    char small[48];
    const char *text;

    switch ( c )
    {
    case COL_TIME:
        snprintf(buf, CELL_BYTES, "%.19s", doc_text(row->json, "time", ""));
        return buf;
    case COL_DOMAIN:
        text = domain(row->json);
        break;
    case COL_DOMID:
        text = number(small, doc_number(row->json, "domid", -1));
        break;
    case COL_SIZE:
        text = text_bytes(small, sizeof(small), doc_number(row->json, "bytes", 0));
        break;
    case COL_BYTES:
        text = number(small, doc_number(row->json, "bytes", 0));
        break;
    case COL_SECONDS:
        text = seconds(small, row->json);
        break;
    case COL_PINNED:
        text = json_is_true(json_object_get(row->json, "pinned")) ? "yes" : "-";
        break;
    case COL_FILE:
        text = row->path;
        break;
    default:
        text = doc_text(row->json, known[c].key, "");
    }
    return text_escape(buf, CELL_BYTES, *text ? text : "-");
}

/* The last column has no trailing blanks. */
static void put(const char *text, unsigned int i, int width)
{
    if ( known[chosen[i]].number )
        printf("%*s", width, text);
    else
        printf("%-*s", i + 1 < nr_chosen ? width : 0, text);
}

static void put_cell(const struct list_row *row, unsigned int i, int width)
{
    static char buf[CELL_BYTES];
    enum column c = chosen[i];
    const char *text = cell(row, c, buf), *plain = known[c].plain;
    bool paint = known[c].painted && strcmp(text, "-") &&
                 (!plain || strcmp(text, plain));

    printf("%s", paint ? term_on(known[c].paint) : "");
    put(text, i, width);
    printf("%s%s", paint ? term_off() : "", i + 1 < nr_chosen ? "  " : "\n");
}

static void put_titles(const int *width)
{
    printf("%s", term_on(TERM_HEAD));
    for ( unsigned int i = 0; i < nr_chosen; i++ )
    {
        put(known[chosen[i]].title, i, width[i]);
        printf("%s", i + 1 < nr_chosen ? "  " : "");
    }
    printf("%s\n", term_off());
}

static int width_of(const struct list_row *row, size_t nr, enum column c)
{
    static char buf[CELL_BYTES];
    size_t width = strlen(known[c].title);

    for ( size_t n = 0; n < nr; n++ )
    {
        size_t len = strlen(cell(&row[n], c, buf));

        width = len > width ? len : width;
    }
    return width;
}

void list_print(const struct list_row *row, size_t nr)
{
    int width[MAX_COLUMNS];

    if ( !nr )
        return;

    for ( unsigned int i = 0; i < nr_chosen; i++ )
        width[i] = width_of(row, nr, chosen[i]);
    put_titles(width);
    for ( size_t n = 0; n < nr && !term_quit(); n++ )
        for ( unsigned int i = 0; i < nr_chosen; i++ )
            put_cell(&row[n], i, width[i]);
}
