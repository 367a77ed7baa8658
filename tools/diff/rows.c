/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rows.c: keeps the tables of names and rows that both sides of a comparison
 * share.
 */

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "tools/diff/diff.h"
#include "tools/stats/hash.h"

#define NAME_SLOTS (2 * DIFF_NAMES) /* powers of two */
#define ROW_SLOTS  (2 * DIFF_ROWS)


const char *diff_name(struct diff *d, const char *text)
{
    static const char other[] = "(other)";
    uint64_t at = hash_seed();

    for ( const char *p = text; *p; p++ )
        at = hash_mix(at, (unsigned char)*p);
    for ( at %= NAME_SLOTS; d->name_slot[at]; at = (at + 1) % NAME_SLOTS )
        if ( !strcmp(d->name[d->name_slot[at] - 1], text) )
            return d->name[d->name_slot[at] - 1];

    if ( d->names == DIFF_NAMES || !(d->name[d->names] = strdup(text)) )
        return other;

    d->name_slot[at] = ++d->names;
    return d->name[d->names - 1];
}

struct diff_row *diff_row(struct diff *d, enum diff_kind kind,
                          const struct diff_domain *dom, const char *name)
{
    uint64_t at = hash_mix(hash_mix(kind, (uintptr_t)dom), (uintptr_t)name) %
                  ROW_SLOTS;
    struct diff_row *row;

    for ( ; d->row_slot[at]; at = (at + 1) % ROW_SLOTS )
    {
        row = d->row[d->row_slot[at] - 1];
        if ( row->kind == kind && row->domain == dom && row->name == name )
            return row;
    }

    row = d->rows < DIFF_ROWS ? calloc(1, sizeof(*row)) : NULL;
    if ( !row )
        return NULL;

    row->kind = kind;
    row->domain = dom;
    row->name = name;
    d->row[d->rows] = row;
    d->row_slot[at] = ++d->rows;
    return row;
}

int diff_add_times(struct diff_row *row, unsigned int side,
                   const struct times *times)
{
    if ( !times || !times->nr )
        return 0;
    if ( !row->times[side] )
        row->times[side] = calloc(1, sizeof(*row->times[side]));
    if ( !row->times[side] )
        return -ENOMEM;

    times_merge(row->times[side], times);
    return 0;
}

/* The keys are members of struct diff. */
static void keep_key(void *key)
{
}

void diff_free(struct diff *d)
{
    for ( unsigned int i = 0; i < d->rows; i++ )
    {
        free(d->row[i]->times[DIFF_A]);
        free(d->row[i]->times[DIFF_B]);
        free(d->row[i]);
    }
    for ( unsigned int i = 0; i < d->names; i++ )
        free(d->name[i]);
    for ( unsigned int s = 0; s < DIFF_SIDES; s++ )
    {
        accounts_free(&d->side[s].acc);
        if ( d->side[s].entries.vcpus )
            entries_free(&d->side[s].entries);
    }
    for ( unsigned int i = 0; i < DIFF_SECTIONS; i++ )
        free(d->list[i].item);
    tdestroy(d->by_uuid, keep_key);
    tdestroy(d->by_name, keep_key);
    free(d);
}
