/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * age.h: the ages of snapshot files, by clocks that do not step.
 *
 * A file's name has the wall clock's time, which may have been wrong then or may
 * be wrong now, and a file that is removed is lost.  So each document has the
 * boot of Dom0 and the seconds since then (CLOCK_BOOTTIME) at which it was
 * written: between files of this boot these decide, and any other file is older.
 * Only for files of other boots is the wall clock asked, and only while there is
 * no sign that it is wrong.
 */

#ifndef SNAPSHOTD_AGE_H
#define SNAPSHOTD_AGE_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshotd/common/name.h"

#define AGE_BOOT 37        /* bytes of a boot's id */

struct age_entry {
    struct store_id id;
    bool here;             /* written in this boot, at boot_s */
    uint64_t boot_s;
};

struct ages {
    char boot[AGE_BOOT];   /* of this boot; "" if it is not known */
    struct age_entry *entry; /* of files whose documents were read */
    unsigned int nr, room;
    int64_t offset_s;      /* the wall clock before this boot's */
    uint64_t steady_s;     /* since then it has not stepped; boot time */
    bool looked, stepped;
};

/* Reads the boot's id: before the sandbox. */
void age_init(struct ages *a);
/* Seconds since this boot. */
uint64_t age_boot_s(void);
/*
 * Whether the file was written in this boot, and then when.  Reads its document
 * the first time.
 */
bool age_of(struct ages *a, int dir, const struct store_id *id,
            uint64_t *boot_s);
/* It was written now; it was removed. */
void age_written(struct ages *a, const struct store_id *id);
void age_removed(struct ages *a, const struct store_id *id);
/* Whether the wall clock may decide on files of other boots. */
bool age_wall_is_good(struct ages *a, int dir, uint64_t wall_s);

#endif /* SNAPSHOTD_AGE_H */
