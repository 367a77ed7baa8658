/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store.h: the state directory: names, whole files only, the budget.
 *
 * A file is written under its name with ".part" behind, synced, renamed, and
 * the directory synced: what has a final name is whole.  A name is built from
 * numbers; nothing that a guest wrote gets into one.
 */

#ifndef SNAPSHOTD_STORE_H
#define SNAPSHOTD_STORE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "snapshotd/common/count.h"
#include "snapshotd/common/name.h"

/* What an entry of the directory is by its name. */
enum store_kind { STORE_OTHER, STORE_FINAL, STORE_PART, STORE_PARTIAL };

enum store_kind store_kind(const char *name, struct store_id *id);
/* The reverse, for one of ours. */
void store_entry_name(const struct store_id *id, enum store_kind kind,
                      char name[STORE_NAME + 16]);
/* A stream of its own on the directory, from its start.  NULL: errno. */
DIR *store_stream(int dir);

/*
 * Opens the directory, makes it if it is not there: mode 0700, owned by `uid`.
 * *fd is the directory.  -EPERM: it belongs to somebody else or is open to
 * others, and is left alone.
 */
int store_open(const char *path, uid_t uid, gid_t gid, int *fd);

/* Was the directory that is open removed? */
bool store_gone(int dir);

/* New temporary file.  Sets id->again. */
int store_begin(int dir, struct store_id *id, int *fd);
/* Makes it durable, then visible.  Does not close fd. */
int store_commit(int dir, const struct store_id *id, int fd);
void store_abort(int dir, const struct store_id *id);

/* What the directory may hold.  0: no such limit. */
struct store_budget {
    uint32_t max_files;
    uint64_t max_bytes;
    uint64_t min_free;     /* bytes that stay free on its disk */
    uint64_t max_age_s;    /* by the time in the name */
};

/*
 * Makes room for one more file, piece by piece as it is written, so that the
 * budget is not exceeded at any instant, what is unfinished included.
 *
 * Of what is there this is removed first, and no more than is needed:
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
    struct store_usage *usage;
    uint64_t written;      /* of it */
    uint64_t granted;      /* bytes it may have before others must go */
};

/*
 * To be called before `bytes` more are written.  -EDQUOT: what must stay uses
 * the budget up; -ENOSPC: so little would stay free.
 */
int store_room(struct store_room *r, uint64_t bytes);

/*
 * Removes what is too old at `now_s`; tells in how many seconds there will be
 * something, or 0 if never.  Pinned files stay.
 */
int store_expire(int dir, const struct store_budget *budget, uint64_t now_s,
                 struct store_usage *usage, uint64_t *next_s);

/*
 * What a former run left: files that were written to their end get their final
 * name; others are removed, or with `keep_partial` renamed to NAME.partial.
 * `finished`, by cause, grows by the former.
 */
void store_recover(int dir, bool keep_partial,
                   uint64_t finished[STORE_CAUSES]);

/*
 * Is there a finished file of this generation?  Its time of the trigger may
 * have been read a second off, and is then put into *id.
 */
bool store_has(int dir, struct store_id *id);

#endif /* SNAPSHOTD_STORE_H */
