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

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <public/flightrec.h>

#define STORE_NAME 128

/* Beside XEN_FLIGHTREC_CAUSE_*: a request, but a guest's. */
#define STORE_CAUSE_GUEST  XEN_FLIGHTREC_CAUSES
#define STORE_CAUSES       (XEN_FLIGHTREC_CAUSES + 1)

/* What names a file. */
struct store_id {
    uint64_t wall_s;       /* of the trigger, since 1970 */
    uint8_t uuid[16];      /* all 0: no domain */
    uint32_t gen;
    uint8_t cause;         /* XEN_FLIGHTREC_CAUSE_*, STORE_CAUSE_GUEST */
    uint8_t again;         /* told apart from others of the same name */
    uint16_t _pad;
};

/* 20261121T214116Z-UUID-crash-g3[-AGAIN].xfr.lz4 */
void store_name(const struct store_id *id, char name[STORE_NAME]);
/* The reverse, with `suffix` behind the name.  False: not such a name. */
bool store_parse(const char *name, const char *suffix, struct store_id *id);

const char *store_cause(uint8_t cause);

/*
 * Opens the directory, makes it if it is not there: mode 0700, owned by `uid`.
 * *fd is the directory.  -EPERM: it belongs to somebody else or is open to
 * others, and is left alone.
 */
int store_open(const char *path, uid_t uid, gid_t gid, int *fd);

/* New temporary file.  Sets id->again. */
int store_begin(int dir, struct store_id *id, int *fd);
/* Makes it durable, then visible.  Does not close fd. */
int store_commit(int dir, const struct store_id *id, int fd);
void store_abort(int dir, const struct store_id *id);

struct store_budget {
    uint32_t max_files;
    uint64_t max_bytes;
};

/*
 * Removes the oldest automatic snapshots until one more file fits; `keep` (may
 * be NULL) stays.  Requested ones are never removed.  -EDQUOT: still too full.
 * *evicted grows by what was removed.
 */
int store_make_room(int dir, const struct store_budget *budget,
                    const struct store_id *keep, uint64_t *evicted);

/*
 * What a former run left: files that were written to their end get their final
 * name; others are removed, or with `keep_partial` renamed to NAME.partial.
 */
void store_recover(int dir, bool keep_partial);

/*
 * Is there a finished file of this generation?  Its time of the trigger may
 * have been read a second off, and is then put into *id.
 */
bool store_has(int dir, struct store_id *id);

#endif /* SNAPSHOTD_STORE_H */
