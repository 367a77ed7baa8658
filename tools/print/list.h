/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.h: the table that `xenflight list' prints: a row each snapshot.
 */

#ifndef XENFLIGHT_LIST_H
#define XENFLIGHT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define LIST_COLUMNS "time,cause,domain,uuid,size,seconds,complete,pinned,file"

struct list_row {
    int64_t wall_ns;    /* when it was triggered, or written */
    const char *path;
    json_t *json;       /* as --json prints it */
};

/* "time,domain,file".  -EINVAL: it is no list of columns, or of too many. */
int list_columns_set(const char *list);

/* Columns are as wide as the widest that is in them, so nothing is cut. */
void list_print(const struct list_row *row, size_t nr);

#endif /* XENFLIGHT_LIST_H */
