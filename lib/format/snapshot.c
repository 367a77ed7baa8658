/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.c: the reading half of the snapshot file.
 *
 * An index that is there and right (snapshot-index.c) is believed about where
 * frames lie, and each frame's hash and lengths are checked when it is read.
 * Without one, frames are measured and decompressed one after another from the
 * start.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "lib/format/columns.h"
#include "lib/format/pack.h"
#include "lib/format/snapshot-impl.h"

static int set_fault(struct snapshot_fault *f, uint64_t offset,
                     const char *what)
{
    if ( f )
    {
        f->offset = offset;
        snprintf(f->what, sizeof(f->what), "%s", what);
    }

    return -EBADMSG;
}

int snapshot_read_at(int fd, uint64_t offset, void *data, size_t len)
{
    char *at = data;

    while ( len )
    {
        ssize_t n = pread(fd, at, len, offset);

        if ( n < 0 && errno == EINTR )
            continue;
        if ( n <= 0 )
            return n ? -errno : -ENODATA;
        at += n;
        len -= n;
        offset += n;
    }

    return 0;
}

/* Makes *buf at least `bytes` long; the content is lost. */
static int make_room(void **buf, size_t *size, size_t bytes)
{
    void *fresh;

    if ( bytes <= *size )
        return 0;

    fresh = malloc(bytes);
    if ( !fresh )
        return -ENOMEM;

    free(*buf);
    *buf = fresh;
    *size = bytes;
    return 0;
}

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
        return set_fault(fault, 0, "the file ends inside its header");
    if ( rc )
        return rc;

    if ( h->skip_magic != SNAPSHOT_SKIP_HEADER ||
         memcmp(h->magic, SNAPSHOT_HEADER_MAGIC, sizeof(h->magic)) )
        return set_fault(fault, 0, "no snapshot file: magic is missing");

    if ( h->xxh64 != XXH64(h, offsetof(struct snapshot_header, xxh64), 0) ||
         h->skip_bytes != sizeof(*h) - 8 )
        return set_fault(fault, 0, "the file header is damaged");

    if ( (h->major != SNAPSHOT_MAJOR && h->major != SNAPSHOT_MAJOR_PLAIN) ||
         h->abi_version != XEN_FLIGHTREC_VERSION )
    {
        set_fault(fault, 0, "written by a newer version of xenflight");
        return -ENOTSUP;
    }

    return 0;
}

/*
 * Frames.
 */

/*
 * Decompresses the `bytes` bytes in s->in into exactly `content_bytes`.  -EILSEQ:
 * as many as that, but not what was written.
 */
static int inflate_frame(struct snapshot *s, size_t bytes, void *out,
                         size_t content_bytes)
{
    size_t in_done = 0, out_done = 0, hint = 1;

    LZ4F_resetDecompressionContext(s->dctx);
    while ( hint && in_done < bytes )
    {
        size_t in_now = bytes - in_done, out_now = content_bytes - out_done;

        hint = LZ4F_decompress(s->dctx, (char *)out + out_done, &out_now,
                               s->in + in_done, &in_now, NULL);
        if ( !strcmp(LZ4F_getErrorName(hint), "ERROR_contentChecksum_invalid") )
            return -EILSEQ;
        if ( !strcmp(LZ4F_getErrorName(hint), "ERROR_allocation_failed") )
            return -ENOMEM;
        if ( LZ4F_isError(hint) || (hint && !in_now && !out_now) )
            return -EBADMSG;
        in_done += in_now;
        out_done += out_now;
    }

    return hint || in_done != bytes || out_done != content_bytes ? -EBADMSG
                                                                 : 0;
}

static uint32_t first_word(const void *data, size_t len)
{
    uint32_t first = 0;

    if ( len >= sizeof(first) )
        memcpy(&first, data, sizeof(first));
    return first;
}

/* What begins like nothing that is known is of a later version. */
int snapshot_tell_kind(const uint8_t *data, size_t len,
                       struct snapshot_frame *f)
{
    bool first = f->offset == sizeof(struct snapshot_header);
    uint32_t word = first_word(data, len);

    if ( word == XEN_FLIGHTREC_PACKET_MAGIC || word == COLUMNS_MAGIC )
        f->kind = SNAPSHOT_DATA;
    else if ( len && data[0] == '{' )
        f->kind = first ? SNAPSHOT_META : SNAPSHOT_NOTE;
    else
        f->kind = SNAPSHOT_OTHER;
    if ( word == COLUMNS_MAGIC )
        f->flags |= SNAPSHOT_FRAME_COLUMNS;

    return first && f->kind != SNAPSHOT_META ? -EBADMSG : 0;
}

/* The frame's columns, in s->content, to packets in *buf. */
static int unpack_columns(struct snapshot *s, const struct snapshot_frame *f,
                          void **buf, size_t *size, size_t *len)
{
    int rc = columns_plain_bytes(s->content, f->content_bytes, len);

    if ( !rc )
        rc = make_room(buf, size, *len + 1);
    if ( !rc )
        rc = columns_unpack(s->content, f->content_bytes, *buf);
    return rc;
}

/* Content of the frame whose `f->bytes` stored bytes are in s->in. */
static int read_columns(struct snapshot *s, const struct snapshot_frame *f,
                        void **buf, size_t *size, size_t *len)
{
    int rc = make_room((void **)&s->content, &s->content_bytes,
                       f->content_bytes);

    if ( !rc )
        rc = inflate_frame(s, f->bytes, s->content, f->content_bytes);
    return rc ? rc : unpack_columns(s, f, buf, size, len);
}

static int read_plain(struct snapshot *s, const struct snapshot_frame *f,
                      void **buf, size_t *size, size_t *len)
{
    int rc = make_room(buf, size, f->content_bytes + 1);

    *len = f->content_bytes;
    return rc ? rc : inflate_frame(s, f->bytes, *buf, f->content_bytes);
}

static bool hash_fits(const struct snapshot *s, const struct snapshot_frame *f)
{
    return f->xxh64 == XXH64(s->in, f->bytes, 0);
}

int snapshot_read(struct snapshot *s, uint32_t i, void **buf, size_t *size,
                  size_t *len)
{
    const struct snapshot_frame *f;
    int rc;

    if ( i >= s->nr_frames )
        return -ENOENT;

    f = &s->frames[i];
    rc = make_room((void **)&s->in, &s->in_bytes, f->bytes);
    if ( !rc )
        rc = snapshot_read_at(s->fd, f->offset, s->in, f->bytes);
    if ( rc )
        return rc == -ENODATA ? -EBADMSG : rc;

    /* If that is what the index has wrong, the frame's own checksum tells. */
    if ( !hash_fits(s, f) && s->in[LZ4_FLAGS_AT] != LZ4_FLAGS )
        return -EBADMSG;

    if ( f->kind == SNAPSHOT_DATA && (f->flags & SNAPSHOT_FRAME_COLUMNS) )
        rc = read_columns(s, f, buf, size, len);
    else
        rc = read_plain(s, f, buf, size, len);
    if ( rc )
        return rc == -EILSEQ ? -EBADMSG : rc;

    /* So that a document is a string; there is room for it. */
    ((char *)*buf)[*len] = '\0';
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
 * Without an index.
 */

/* Length of the lz4 frame at f->offset; fills in .bytes and .content_bytes. */
static int measure_frame(struct snapshot *s, struct snapshot_frame *f)
{
    uint8_t head[LZ4_HEADER_BYTES];
    uint64_t content, limit, at = f->offset + sizeof(head);
    int rc;

    rc = snapshot_read_at(s->fd, f->offset, head, sizeof(head));
    if ( rc )
        return rc;

    memcpy(&content, head + LZ4_CONTENT_AT, sizeof(content));
    if ( head[LZ4_FLAGS_AT] != LZ4_FLAGS || !content || content > SNAPSHOT_MAX_JSON_BYTES )
        return -EBADMSG;

    limit = f->offset + LZ4F_compressFrameBound(content, NULL);
    for ( ;; )
    {
        uint32_t block;

        rc = snapshot_read_at(s->fd, at, &block, sizeof(block));
        if ( rc )
            return rc;
        if ( !block )
            break;
        at += sizeof(block) + (block & ~LZ4_BLOCK_RAW);
        if ( at > limit )
            return -EBADMSG;
    }

    at += LZ4_TAIL_BYTES;
    if ( at > s->file_bytes )
        return -ENODATA;

    f->bytes = at - f->offset;
    f->content_bytes = content;
    return 0;
}

/* A packet that is none leaves the ones before it. */
static int describe(const void *packets, size_t bytes, struct snapshot_frame *f)
{
    int rc = pack_describe(packets, bytes, f);

    if ( rc != -EBADMSG || !f->packets )
        return rc;
    f->flags |= SNAPSHOT_FRAME_DAMAGED;
    return 0;
}

int snapshot_scan_frame(struct snapshot *s, struct snapshot_frame *f,
                        void **buf, size_t *size)
{
    size_t len;
    int rc = measure_frame(s, f);

    if ( rc )
        return rc;

    rc = make_room((void **)&s->in, &s->in_bytes, f->bytes);
    if ( !rc )
        rc = make_room((void **)&s->content, &s->content_bytes,
                       f->content_bytes);
    if ( !rc )
        rc = snapshot_read_at(s->fd, f->offset, s->in, f->bytes);
    if ( !rc )
        rc = inflate_frame(s, f->bytes, s->content, f->content_bytes);
    if ( rc == -EILSEQ )
        return -EBADMSG;
    if ( rc )
    {
        f->bytes = 0;
        return rc;
    }
    rc = snapshot_tell_kind(s->content, f->content_bytes, f);
    if ( rc )
        return rc;

    f->xxh64 = XXH64(s->in, f->bytes, 0);
    if ( f->content_bytes > snapshot_max_content(f->kind) )
        return -EBADMSG;
    if ( !(f->flags & SNAPSHOT_FRAME_COLUMNS) )
        return f->kind == SNAPSHOT_DATA
                   ? describe(s->content, f->content_bytes, f)
                   : 0;

    rc = unpack_columns(s, f, buf, size, &len);
    return rc ? rc : describe(*buf, len, f);
}

/* Why what begins with `magic` is not one more whole frame. */
static const char *scan_reason(uint32_t magic, int rc)
{
    if ( magic == SNAPSHOT_SKIP_INDEX )
        return "the index is cut or damaged, or something follows it";
    if ( rc == -ENODATA )
        return "the file ends inside a frame";
    if ( magic != SNAPSHOT_LZ4_FRAME )
        return "what follows is no frame";
    return "a frame is damaged";
}

/* The first damage is the one that is told. */
static void note_fault(struct snapshot *s, uint64_t offset, const char *what)
{
    if ( !s->fault.what[0] )
        set_fault(&s->fault, offset, what);
}

/*
 * The frame at *next; on to its end.  1: there is one more to try; 0: nothing
 * behind it can be found.  Only the meta document tells what the rest is.
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
 * Walks frames as far as it can; s->fault says what is wrong first.  Where a
 * damaged frame ends is known if it still has as much content as it says.  Else
 * the next one is not searched for: records hold what guests wrote, and that can
 * be a frame.
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
 * Open, close, look.
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
        return set_fault(fault, 0, "not a regular file");

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

/* O_NONBLOCK: a FIFO of that name must not make us wait. */
int snapshot_open(const char *path, struct snapshot **out,
                  struct snapshot_fault *fault)
{
    int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if ( fd < 0 )
    {
        rc = -errno;
        set_fault(fault, 0, "cannot be opened");
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

/*
 * Verify.
 */

/* But for what a later version may have put there. */
static bool same_entry(const struct snapshot_frame *a,
                       const struct snapshot_frame *b)
{
    struct snapshot_frame x = *a, y = *b;

    x._rsvd0 = y._rsvd0 = 0;
    memset(x._rsvd, 0, sizeof(x._rsvd));
    memset(y._rsvd, 0, sizeof(y._rsvd));
    x.flags &= SNAPSHOT_FRAME_FLAGS;
    y.flags &= SNAPSHOT_FRAME_FLAGS;
    return !memcmp(&x, &y, sizeof(x));
}

/* Is the frame what its index entry says, content included? */
static int verify_frame(struct snapshot *s, uint32_t i, void **buf,
                        size_t *size, size_t *len, struct snapshot_fault *fault)
{
    const struct snapshot_frame *f = &s->frames[i];
    struct snapshot_frame seen = {
        .offset = f->offset,
        .bytes = f->bytes,
        .content_bytes = f->content_bytes,
        .flags = f->flags & SNAPSHOT_FRAME_COLUMNS,
        .xxh64 = f->xxh64,
    };
    int rc;

    rc = snapshot_read(s, i, buf, size, len);
    if ( !rc && !hash_fits(s, f) )
        rc = -EBADMSG;
    if ( rc == -EBADMSG )
        return set_fault(fault, f->offset, "a frame is damaged");
    if ( rc || !snapshot_is_known(f) )
        return rc;

    rc = snapshot_tell_kind(*buf, *len, &seen);
    if ( !rc && seen.kind == SNAPSHOT_DATA )
        rc = pack_describe(*buf, *len, &seen);
    if ( rc )
        return set_fault(fault, f->offset, "a frame holds no valid packets");
    if ( !same_entry(&seen, f) )
        return set_fault(fault, f->offset,
                         "a frame and its index entry do not agree");

    return 0;
}

/* By stream and sequence. */
static int compare_seq(const void *x, const void *y)
{
    const struct snapshot_frame *a = x, *b = y;

    if ( a->cpu != b->cpu )
        return a->cpu < b->cpu ? -1 : 1;
    if ( a->channel != b->channel )
        return a->channel < b->channel ? -1 : 1;
    return a->first_seq < b->first_seq ? -1 : a->first_seq > b->first_seq;
}

/* Is no packet in two frames?  They agree with the index by now. */
static int verify_once(const struct snapshot *s, struct snapshot_fault *fault)
{
    struct snapshot_frame *f = calloc(s->nr_frames, sizeof(*f));
    uint32_t nr = 0;
    int rc = 0;

    if ( !f )
        return -ENOMEM;
    for ( uint32_t i = 0; i < s->nr_frames; i++ )
        if ( s->frames[i].kind == SNAPSHOT_DATA )
            f[nr++] = s->frames[i];
    qsort(f, nr, sizeof(*f), compare_seq);
    for ( uint32_t i = 1; !rc && i < nr; i++ )
        if ( f[i].cpu == f[i - 1].cpu && f[i].channel == f[i - 1].channel &&
             f[i].first_seq <= f[i - 1].last_seq )
            rc = set_fault(fault, f[i].offset,
                           "a frame has packets that another one has too");
    free(f);
    return rc;
}

static void add_totals(struct snapshot_totals *t,
                       const struct snapshot_frame *f, size_t len)
{
    if ( f->kind != SNAPSHOT_DATA )
        return;

    t->frames++;
    t->content_bytes += f->content_bytes;
    t->packet_bytes += len;
    t->packets += f->packets;
    t->records += f->records;
    t->damaged += !!(f->flags & SNAPSHOT_FRAME_DAMAGED);
}

int snapshot_verify(int fd, struct snapshot_fault *fault,
                    struct snapshot_totals *totals)
{
    struct snapshot_totals sum = { 0 };
    struct snapshot *s = NULL;
    void *buf = NULL;
    size_t size = 0, len;
    int rc;

    rc = snapshot_open_fd(fd, &s, fault);
    if ( rc )
        return rc;

    if ( !s->indexed )
    {
        rc = set_fault(fault, s->fault.offset, s->fault.what);
        goto out;
    }

    for ( uint32_t i = 0; i < s->nr_frames; i++ )
    {
        rc = verify_frame(s, i, &buf, &size, &len, fault);
        if ( rc )
            goto out;
        add_totals(&sum, &s->frames[i], len);
    }

    rc = verify_once(s, fault);
    if ( rc )
        goto out;

    sum.file_bytes = s->file_bytes;
    if ( totals )
        *totals = sum;

 out:
    free(buf);
    snapshot_close(s);
    return rc;
}
