/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.h: the state directory: names, whole files only, the budget.
 *
 * A file is written under its name followed by ".part", synced, renamed, and the
 * directory synced: a file with a final name is complete.
 */

#ifndef SNAPSHOTD_STORE_H
#define SNAPSHOTD_STORE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshotd/common/count.h"
#include "snapshotd/common/name.h"
#include "snapshotd/engine/age.h"

/* The kind of a directory entry, by its name. */
enum store_kind { STORE_OTHER, STORE_FINAL, STORE_PART, STORE_PARTIAL };

enum store_kind store_kind(const char *name, struct store_id *id);
/* The reverse. */
void store_entry_name(const struct store_id *id, enum store_kind kind,
                      char name[STORE_NAME + 16]);
/* Open a new stream on the directory.  Return NULL with errno on failure. */
DIR *store_stream(int dir);

/*
 * Open the directory, creating it with mode 0700 and owner `uid` if there is
 * none.  Return 0 with *fd set, -EPERM if it has another owner or is open to
 * others, or another -errno.
 */
int store_open(const char *path, uid_t uid, gid_t gid, int *fd);

/* Whether the open directory was removed. */
bool store_gone(int dir);

/* Create a temporary file.  Sets id->again. */
int store_begin(int dir, struct store_id *id, int *fd);
/*
 * Make it durable, then visible.  Sets id->again if the name is in use by now.
 * The caller closes fd.
 */
int store_commit(int dir, struct store_id *id, int fd);
void store_abort(int dir, const struct store_id *id);

/* Limits of the directory; 0 is no limit. */
struct store_budget {
    uint32_t max_files;
    uint64_t max_bytes;
    uint64_t min_free;     /* bytes that stay free on its disk */
    uint64_t max_age_s;    /* by the time in the name */
};

/*
 * Make room for one more file, piece by piece as it is written, so that the
 * budget is not exceeded at any instant, with unfinished files included.
 *
 * Files are removed in this order, and no more than needed:
 *   1. unfinished files that were kept (NAME.partial), oldest first;
 *   2. repeats: automatic snapshots of a domain and cause of which an older
 *      one is there; of the domain with most files, oldest first;
 *   3. the first of its domain and cause, oldest first.
 * Pinned files (not writable for their owner) and an operator's own stay.  The
 * latter may take up half of the budget, so that they keep no crash out.
 */
struct store_room {
    int dir;
    const struct store_budget *budget;
    const struct store_id *id; /* of the file being written */
    struct ages *ages;     /* NULL: order by the wall clock only */
    struct store_usage *usage;
    uint64_t written;      /* of it */
    uint64_t granted;      /* bytes it may have before others must go */
};

/*
 * Must be called before `bytes` more are written.  Return 0, -EDQUOT if files
 * that must stay use up the budget, or -ENOSPC if less than min_free would stay
 * free.
 */
int store_room(struct store_room *r, uint64_t bytes);

/*
 * Remove files that are too old at `now_s` by the wall clock and by `ages` (NULL:
 * by the wall clock only); pinned ones stay.  *next_s is the number of seconds
 * until the next one may be too old, or 0 if none will be.
 */
int store_expire(int dir, const struct store_budget *budget, uint64_t now_s,
                 struct ages *ages, struct store_usage *usage,
                 uint64_t *next_s);

/*
 * Clean up after a former run: complete files get their final name; others are
 * removed, or with `keep_partial` renamed to NAME.partial.  Adds the former to
 * `finished`, by cause.
 */
void store_recover(int dir, bool keep_partial,
                   uint64_t finished[STORE_CAUSES]);

/*
 * The moment of a trigger on Xen's clocks.  With the generation it identifies a
 * trigger; a name does not, since generations start again with Xen, wall clocks
 * step, and a directory may hold files of several hosts.
 */
struct store_moment {
    uint64_t tsc, ns;      /* ns 0: not known, no file is of it */
};

/*
 * Whether there is a finished file of this trigger, by the content of the files
 * of this generation.  *id is its name.
 */
bool store_find(int dir, uint32_t gen, const struct store_moment *when,
                struct store_id *id);

#endif /* SNAPSHOTD_STORE_H */
