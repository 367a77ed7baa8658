/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * files.h: the snapshot files named on a command line.
 */

#ifndef XENFLIGHT_FILES_H
#define XENFLIGHT_FILES_H

#include <stddef.h>

/* Where snapshotd stores snapshots by default. */
#define FILES_DIR "/var/lib/xen/snapshotd"

/* Zeroed before the first files_add().  The caller owns it: files_free(). */
struct files {
    char **path;
    size_t nr;
};

/*
 * Append @arg, or "-" for standard input; if it is a directory, append the
 * snapshots in it, sorted by name.  A file may have any name, and need not be a
 * snapshot.
 *
 * Return 0 or -errno; @f is then unchanged.
 */
int files_add(struct files *f, const char *arg);
void files_free(struct files *f);

#endif /* XENFLIGHT_FILES_H */
