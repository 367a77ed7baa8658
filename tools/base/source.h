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

/* A snapshot file, opened for reading. */
struct source {
    struct snapshot *snap;
    struct doc doc;
    enum doc_clock clock; /* to tell times in; DOC_CLOCK_REL: not asked for */
};

#define SOURCE_ERR_BYTES 256

/*
 * On error there is nothing to close; what is wrong is said on stderr, or in
 * `err`.
 */
int source_try(const char *path, bool want_dict, struct source *src,
               char err[SOURCE_ERR_BYTES]);
int source_open(const char *path, bool want_dict, struct source *src);
void source_close(struct source *src);
/*
 * The end of a command: waits for the pager, says what rc (-errno), damage that
 * was met and a cut file mean, closes.  EXIT_OK only if nothing was wrong.
 */
int source_end(struct source *src, const char *path, int rc);
/* The same for one of several files, behind term_end(). */
int source_done(struct source *src, const char *path, int rc);

/* --clock.  -ENOENT, said on stderr: the file does not know it. */
int source_clock(struct source *src, enum doc_clock clock);

/* Begin and end of a frame on the trigger's clock. */
uint64_t source_first(const struct source *src, const struct snapshot_frame *f);
uint64_t source_last(const struct source *src, const struct snapshot_frame *f);

/*
 * The TSC from which on the file has the busy channel of every pCPU: rings go
 * back differently far.  A ring that was never overwritten has all there ever
 * was.  0: no records.
 */
uint64_t source_common_start(const struct source *src);

/*
 * The TSC up to which a recording has the busy channel of every pCPU that is in
 * it at all.  0: no records.
 */
uint64_t source_common_end(const struct source *src);

#endif /* XENFLIGHT_SOURCE_H */
