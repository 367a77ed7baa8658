/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * source.c: open a snapshot file, map its time to clocks, and report at the end
 * how much of it was read.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/input.h"
#include "tools/base/message.h"
#include "tools/base/source.h"
#include "tools/base/term.h"

int source_try_fd(int fd, bool want_dict, struct source *src,
                  char err[SOURCE_ERR_BYTES])
{
    struct snapshot_fault fault = { .what = "" };
    int rc;

    *src = (struct source){ .fd = fd, .clock = DOC_CLOCK_REL };
    rc = snapshot_open_fd(fd, &src->snap, &fault);
    if ( rc )
    {
        snprintf(err, SOURCE_ERR_BYTES, "%s",
                 rc == -EBADMSG || rc == -ENOTSUP ? fault.what
                                                  : strerror(-rc));
        close(fd);
        return rc;
    }

    rc = doc_load(src->snap, want_dict, &src->doc, err, SOURCE_ERR_BYTES);
    if ( rc )
    {
        snapshot_close(src->snap);
        close(fd);
        return rc;
    }

    rc = want_dict ? lives_load(src->snap, &src->doc, &src->lives) : 0;
    if ( rc )
    {
        snprintf(err, SOURCE_ERR_BYTES, "%s", strerror(-rc));
        source_close(src);
    }
    return rc;
}

int source_try(const char *path, bool want_dict, struct source *src,
               char err[SOURCE_ERR_BYTES])
{
    int fd = input_open(path);

    if ( fd >= 0 )
        return source_try_fd(fd, want_dict, src, err);

    snprintf(err, SOURCE_ERR_BYTES, "%s", strerror(-fd));
    return fd;
}

bool source_is_stdout(const char *path)
{
    struct stat in, out;

    if ( fstat(STDOUT_FILENO, &out) || !S_ISREG(out.st_mode) ||
         stat(path, &in) || in.st_dev != out.st_dev || in.st_ino != out.st_ino )
        return false;

    complain(path, "standard output is the input file");
    return true;
}

int source_open(const char *path, bool want_dict, struct source *src)
{
    char err[SOURCE_ERR_BYTES];
    int rc;

    if ( source_is_stdout(path) )
        return -EINVAL;
    rc = source_try(path, want_dict, src, err);
    if ( rc )
        complain(path, err);
    return rc;
}

void source_close(struct source *src)
{
    lives_free(src->lives);
    doc_free(&src->doc);
    snapshot_close(src->snap);
    close(src->fd);
}

int source_clock(struct source *src, enum doc_clock clock)
{
    if ( !doc_clock_known(&src->doc, clock) )
    {
        complain(doc_clock_name(clock), "the file has no data for this clock");
        return -ENOENT;
    }

    src->clock = clock;
    return 0;
}

uint64_t source_first(const struct source *src, const struct snapshot_frame *f)
{
    return clock_guess(&src->doc.clock, f->cpu, f->first_tsc);
}

uint64_t source_last(const struct source *src, const struct snapshot_frame *f)
{
    return clock_guess(&src->doc.clock, f->cpu, f->last_tsc);
}

uint64_t source_common_start(const struct source *src)
{
    static uint64_t first[UINT16_MAX + 1], first_seq[UINT16_MAX + 1];
    uint64_t oldest = UINT64_MAX, start = 0;

    memset(first_seq, 0, sizeof(first_seq));
    for ( uint32_t i = 0; i < snapshot_frames(src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(src->snap, i);

        if ( f->kind != SNAPSHOT_DATA || f->channel != XEN_FLIGHTREC_CH_BUSY )
            continue;
        if ( first_seq[f->cpu] && first_seq[f->cpu] <= f->first_seq )
            continue;
        first_seq[f->cpu] = f->first_seq;
        first[f->cpu] = source_first(src, f);
    }

    for ( uint32_t cpu = 0; cpu <= UINT16_MAX; cpu++ )
    {
        if ( !first_seq[cpu] )
            continue;
        if ( first[cpu] < oldest )
            oldest = first[cpu];
        if ( first_seq[cpu] > 1 && first[cpu] > start )
            start = first[cpu];
    }

    if ( start )
        return start;
    return oldest == UINT64_MAX ? 0 : oldest;
}

uint64_t source_common_end(const struct source *src)
{
    static uint64_t last[UINT16_MAX + 1];
    uint64_t end = UINT64_MAX;

    memset(last, 0, sizeof(last));
    for ( uint32_t i = 0; i < snapshot_frames(src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(src->snap, i);

        if ( f->kind == SNAPSHOT_DATA && f->channel == XEN_FLIGHTREC_CH_BUSY &&
             source_last(src, f) > last[f->cpu] )
            last[f->cpu] = source_last(src, f);
    }

    for ( uint32_t cpu = 0; cpu <= UINT16_MAX; cpu++ )
        if ( last[cpu] && last[cpu] < end )
            end = last[cpu];
    return end == UINT64_MAX ? 0 : end;
}

int source_done(struct source *src, const char *path, int rc)
{
    const struct snapshot_fault *cut = snapshot_truncated(src->snap);
    uint64_t damaged = snapshot_damaged(src->snap);
    char why[80];

    if ( rc )
        complain(path, rc == -EFBIG ? "too many pCPUs to read at once"
                                    : strerror(-rc));
    if ( damaged )
    {
        snprintf(why, sizeof(why), "%" PRIu64 " damaged parts were left out",
                 damaged);
        complain(path, why);
    }
    if ( cut )
        complain(path, cut->what);
    source_close(src);
    return !rc && !damaged && !cut ? EXIT_OK : EXIT_FAIL;
}

int source_end(struct source *src, const char *path, int rc)
{
    bool written = term_end() == EXIT_OK;

    rc = source_done(src, path, rc);
    return written ? rc : EXIT_FAIL;
}
