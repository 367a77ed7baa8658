/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source.h: a snapshot file, as the reading commands use it.
 */

#ifndef XENFLIGHT_SOURCE_H
#define XENFLIGHT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/doc.h"
#include "lib/format/snapshot.h"
#include "lib/read/lives.h"

/* A snapshot file, opened for reading. */
struct source {
    int fd;
    struct snapshot *snap;
    struct doc doc;
    struct lives *lives;  /* NULL without the dictionary */
    enum doc_clock clock; /* times are printed in it; DOC_CLOCK_REL by default */
};

#define SOURCE_ERR_BYTES 256

/*
 * Open @path (see input_open()), with the event dictionary if @want_dict.  The
 * caller must source_close() it.
 *
 * Return 0, or -errno with nothing to close.  On failure the reason is printed to
 * stderr (source_open) or stored in @err (source_try).
 */
int source_try(const char *path, bool want_dict, struct source *src,
               char err[SOURCE_ERR_BYTES]);
/* The same for an fd of input_open(), which is closed with @src or on failure. */
int source_try_fd(int fd, bool want_dict, struct source *src,
                  char err[SOURCE_ERR_BYTES]);
int source_open(const char *path, bool want_dict, struct source *src);
/*
 * Return true, after a message on stderr, if stdout is the file @path: output
 * would be appended to the snapshot.  source_open() checks this too.
 */
bool source_is_stdout(const char *path);
void source_close(struct source *src);
/*
 * End a command that read @src: wait for the pager, close @src, and print to
 * stderr the error @rc (0 or -errno), damaged parts and a truncated file.
 *
 * Return EXIT_OK if @rc is 0 and all of the file was read, else EXIT_FAIL.
 */
int source_end(struct source *src, const char *path, int rc);
/* The same for one of several files.  The caller has called term_end(). */
int source_done(struct source *src, const char *path, int rc);

/*
 * Set src->clock.  Return 0, or -ENOENT with a message on stderr if the file has
 * no data for that clock.
 */
int source_clock(struct source *src, enum doc_clock clock);

/* First and last TSC of a frame, on the trigger's clock. */
uint64_t source_first(const struct source *src, const struct snapshot_frame *f);
uint64_t source_last(const struct source *src, const struct snapshot_frame *f);

/*
 * Return the TSC from which the file has the busy channel of every pCPU, or 0 if
 * it has no records.  Rings reach back differently far.  A ring that was never
 * overwritten is complete and does not count.
 */
uint64_t source_common_start(const struct source *src);

/*
 * Return the TSC up to which a recording has the busy channel of every pCPU that
 * it has records of, or 0 if it has none.
 */
uint64_t source_common_end(const struct source *src);

#endif /* XENFLIGHT_SOURCE_H */
