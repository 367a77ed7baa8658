/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.c: open a snapshot file and find its frames.
 *
 * A valid index (snapshot-index.c) gives the position of each frame; hash and
 * lengths of a frame are checked when it is read (snapshot-frame.c).  Without
 * an index, frames are measured and decompressed one by one from the start.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "lib/format/snapshot-impl.h"

static int add_frame(struct snapshot *s, const struct snapshot_frame *f)
{
    if ( s->nr_frames == s->max_frames )
    {
        uint32_t max = s->max_frames ? s->max_frames * 2 : 64;
        struct snapshot_frame *frames;

        if ( max > SNAPSHOT_MAX_FRAMES )
            return -EFBIG;
        frames = realloc(s->frames, max * sizeof(*frames));
        if ( !frames )
            return -ENOMEM;
        s->frames = frames;
        s->max_frames = max;
    }

    s->frames[s->nr_frames++] = *f;
    return 0;
}

/*
 * The file header.
 */

static int load_header(struct snapshot *s, struct snapshot_fault *fault)
{
    struct snapshot_header *h = &s->header;
    int rc;

    rc = snapshot_read_at(s->fd, 0, h, sizeof(*h));
    if ( rc == -ENODATA )
        return snapshot_set_fault(fault, 0, "the file ends inside its header");
    if ( rc )
        return rc;

    if ( h->skip_magic != SNAPSHOT_SKIP_HEADER ||
         memcmp(h->magic, SNAPSHOT_HEADER_MAGIC, sizeof(h->magic)) )
        return snapshot_set_fault(fault, 0, "not a snapshot file");

    if ( h->xxh64 != XXH64(h, offsetof(struct snapshot_header, xxh64), 0) ||
         h->skip_bytes != sizeof(*h) - 8 )
        return snapshot_set_fault(fault, 0, "the file header is damaged");

    if ( (h->major != SNAPSHOT_MAJOR && h->major != SNAPSHOT_MAJOR_PLAIN) ||
         h->abi_version != XEN_FLIGHTREC_VERSION )
    {
        snapshot_set_fault(fault, 0, "written by a newer version of xenflight");
        return -ENOTSUP;
    }

    return 0;
}

int snapshot_json(struct snapshot *s, enum snapshot_kind kind, char **text,
                  size_t *len)
{
    for ( uint32_t i = 0; i < s->nr_frames; i++ )
    {
        void *buf = NULL;
        size_t size = 0;
        int rc;

        if ( s->frames[i].kind != kind )
            continue;

        rc = snapshot_read(s, i, &buf, &size, len);
        if ( rc )
            free(buf);
        else
            *text = buf;
        return rc;
    }

    return -ENOENT;
}

/*
 * Opening without an index.
 */

/* Return why there is no whole frame where `magic` was read. */
static const char *scan_reason(uint32_t magic, int rc)
{
    if ( magic == SNAPSHOT_SKIP_INDEX )
        return "the index is truncated or damaged, or data follows it";
    if ( rc == -ENODATA )
        return "the file ends inside a frame";
    if ( magic != SNAPSHOT_LZ4_FRAME )
        return "no frame follows";
    return "a frame is damaged";
}

/* Only the first damage is reported. */
static void note_fault(struct snapshot *s, uint64_t offset, const char *why)
{
    if ( !s->fault.what[0] )
        snapshot_set_fault(&s->fault, offset, why);
}

/*
 * Add the frame at *next and advance to its end.  Return 1 to go on, 0 if the
 * next frame cannot be found.  A file without its meta document is given up,
 * since nothing else explains the records.
 */
static int scan_one(struct snapshot *s, uint64_t *next, void **buf,
                    size_t *size)
{
    struct snapshot_frame f = { .offset = *next };
    uint32_t magic = 0;
    int rc;

    rc = snapshot_read_at(s->fd, *next, &magic, sizeof(magic));
    if ( !rc )
        rc = magic == SNAPSHOT_LZ4_FRAME
                 ? snapshot_scan_frame(s, &f, buf, size)
                 : -EBADMSG;
    if ( !rc )
        rc = add_frame(s, &f);
    if ( rc == -EBADMSG || rc == -ENODATA )
    {
        note_fault(s, *next, scan_reason(magic, rc));
        rc = 0;
        if ( !f.bytes || !s->nr_frames )
            return 0;
    }
    *next += f.bytes;
    return rc ? rc : 1;
}

/*
 * Walk the frames as far as possible; s->fault gets the first damage.  The end
 * of a damaged frame is known if its content still has the stated length.
 * Otherwise the walk stops.  It must not search for the next frame: records
 * contain bytes that guests wrote, and those can form a frame.
 */
static int scan(struct snapshot *s)
{
    uint64_t next = sizeof(struct snapshot_header);
    void *buf = NULL;
    size_t size = 0;
    int rc = 1;

    free(s->frames);
    s->frames = NULL;
    s->nr_frames = s->max_frames = 0;

    while ( rc > 0 && next < s->file_bytes )
        rc = scan_one(s, &next, &buf, &size);
    note_fault(s, next, "the file ends before its index");

    free(buf);
    return rc < 0 ? rc : 0;
}

/*
 * Opening and closing.
 */

static int new_snapshot(int fd, struct snapshot **out,
                        struct snapshot_fault *fault)
{
    struct snapshot *s;
    struct stat st;
    int rc;

    if ( fstat(fd, &st) )
        return -errno;
    if ( !S_ISREG(st.st_mode) )
        return snapshot_set_fault(fault, 0, "not a regular file");

    s = calloc(1, sizeof(*s));
    if ( !s )
        return -ENOMEM;

    s->fd = fd;
    s->file_bytes = st.st_size;
    rc = LZ4F_isError(LZ4F_createDecompressionContext(&s->dctx, LZ4F_VERSION))
         ? -ENOMEM : load_header(s, fault);
    if ( rc )
        snapshot_close(s);
    else
        *out = s;
    return rc;
}

int snapshot_open_fd(int fd, struct snapshot **out,
                     struct snapshot_fault *fault)
{
    struct snapshot *s = NULL;
    int rc;

    rc = new_snapshot(fd, &s, fault);
    if ( rc )
        return rc;

    rc = snapshot_load_index(s);
    s->indexed = !rc;
    if ( rc == -EBADMSG )
        rc = scan(s);

    if ( rc )
        snapshot_close(s);
    else
        *out = s;
    return rc;
}

/* O_NONBLOCK: opening a FIFO would block otherwise. */
int snapshot_open(const char *path, struct snapshot **out,
                  struct snapshot_fault *fault)
{
    int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if ( fd < 0 )
    {
        rc = -errno;
        snapshot_set_fault(fault, 0, "cannot be opened");
        return rc;
    }

    rc = snapshot_open_fd(fd, out, fault);
    if ( rc )
        close(fd);
    else
        (*out)->own_fd = true;
    return rc;
}

void snapshot_close(struct snapshot *s)
{
    if ( !s )
        return;

    if ( s->own_fd )
        close(s->fd);
    LZ4F_freeDecompressionContext(s->dctx);
    free(s->frames);
    free(s->in);
    free(s->content);
    free(s);
}

const struct snapshot_header *snapshot_header(const struct snapshot *s)
{
    return &s->header;
}

uint64_t snapshot_file_bytes(const struct snapshot *s)
{
    return s->file_bytes;
}

const struct snapshot_fault *snapshot_truncated(const struct snapshot *s)
{
    return s->indexed ? NULL : &s->fault;
}

uint32_t snapshot_frames(const struct snapshot *s)
{
    return s->nr_frames;
}

const struct snapshot_frame *snapshot_frame(const struct snapshot *s,
                                            uint32_t i)
{
    return i < s->nr_frames ? &s->frames[i] : NULL;
}

uint64_t snapshot_damaged(const struct snapshot *s)
{
    return s->nr_damaged;
}

void snapshot_add_damaged(struct snapshot *s, uint64_t nr)
{
    s->nr_damaged += nr;
}
