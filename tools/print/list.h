/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.h: the table of `xenflight list', one row per snapshot.
 */

#ifndef XENFLIGHT_LIST_H
#define XENFLIGHT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define LIST_COLUMNS "time,cause,domain,uuid,size,seconds,complete,pinned,file"

struct list_row {
    int64_t wall_ns;    /* of the trigger, or else of the file */
    const char *path;
    json_t *json;       /* the object that --json prints */
};

/* Set the columns, like "time,domain,file".  Return 0 or -EINVAL. */
int list_columns_set(const char *list);

/* Columns are as wide as their widest cell: no cell is cut. */
void list_print(const struct list_row *row, size_t nr);

#endif /* XENFLIGHT_LIST_H */
