/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.c: the reading half of the snapshot file.
 *
 * An index that is there and right is believed about where frames lie, and each
 * frame's hash and lengths are checked when it is read.  Without one, frames
 * are measured and decompressed one after another from the start.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lz4frame.h>
#include <xxhash.h>

#include "lib/packet.h"
#include "lib/snapshot.h"

/*
 * The one form of lz4 frame header in a snapshot, 15 bytes: magic, flags,
 * block size, content size (8), header checksum.
 */
#define LZ4_HEADER_BYTES  15
#define LZ4_FLAGS         0x6c /* v1, independent, content size and checksum */
#define LZ4_BLOCK_RAW     0x80000000U
#define LZ4_TAIL_BYTES    8    /* end mark, content checksum */

struct snapshot {
    int fd;
    bool own_fd;
    uint64_t file_bytes;
    struct snapshot_header header;
    struct snapshot_frame *frames;
    uint32_t nr_frames, max_frames;
    bool indexed;
    struct snapshot_fault fault;  /* !indexed: where and why it ends */
    LZ4F_dctx *dctx;
    uint8_t *in;                  /* one frame as stored */
    size_t in_bytes;
};

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

/* -ENODATA: the file ends before `len` bytes are read. */
static int read_at(int fd, uint64_t offset, void *data, size_t len)
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

static uint64_t max_content(unsigned int kind)
{
    return kind == SNAPSHOT_DATA ? SNAPSHOT_MAX_DATA_BYTES
                                 : SNAPSHOT_MAX_JSON_BYTES;
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

    rc = read_at(s->fd, 0, h, sizeof(*h));
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

    if ( h->major != SNAPSHOT_MAJOR ||
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

/* Decompresses `bytes` stored bytes into exactly `content_bytes`. */
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
        if ( LZ4F_isError(hint) || (hint && !in_now && !out_now) )
            return -EBADMSG;
        in_done += in_now;
        out_done += out_now;
    }

    return hint || in_done != bytes || out_done != content_bytes ? -EBADMSG
                                                                 : 0;
}

/* Fills in what the packets of a data frame say. */
static int describe_data(const uint8_t *data, size_t len,
                         struct snapshot_frame *f)
{
    size_t off = 0;

    while ( off < len )
    {
        struct packet p;
        uint32_t records;

        if ( packet_parse(data + off, len - off, &p) )
            return -EBADMSG;

        if ( !f->packets )
        {
            f->cpu = p.hdr.cpu;
            f->channel = p.hdr.channel;
            f->first_seq = p.hdr.seq;
            f->first_tsc = p.hdr.begin_tsc;
        }
        else if ( p.hdr.cpu != f->cpu || p.hdr.channel != f->channel ||
                  p.hdr.seq <= f->last_seq )
            return -EBADMSG;

        if ( packet_count(&p, &records, &f->last_tsc) )
            f->flags |= SNAPSHOT_FRAME_DAMAGED;
        f->last_seq = p.hdr.seq;
        f->packets++;
        f->records += records;
        off += p.hdr.used_bytes;
    }

    return 0;
}

/* Makes an index entry's content part from a frame's content. */
static int describe(const uint8_t *data, size_t len, struct snapshot_frame *f)
{
    uint32_t first = 0;

    if ( len >= sizeof(first) )
        memcpy(&first, data, sizeof(first));

    if ( first == XEN_FLIGHTREC_PACKET_MAGIC )
    {
        f->kind = SNAPSHOT_DATA;
        return describe_data(data, len, f);
    }

    if ( !len || data[0] != '{' )
        return -EBADMSG;

    f->kind = f->offset == sizeof(struct snapshot_header) ? SNAPSHOT_META
                                                          : SNAPSHOT_NOTE;
    return 0;
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
        rc = make_room(buf, size, f->content_bytes + 1);
    if ( !rc )
        rc = read_at(s->fd, f->offset, s->in, f->bytes);
    if ( rc )
        return rc == -ENODATA ? -EBADMSG : rc;

    if ( f->xxh64 != XXH64(s->in, f->bytes, 0) )
        return -EBADMSG;

    rc = inflate_frame(s, f->bytes, *buf, f->content_bytes);
    if ( rc )
        return rc;

    /* So that a document is a string; the room was made above. */
    ((char *)*buf)[f->content_bytes] = '\0';
    *len = f->content_bytes;
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
 * With an index.
 */

/* Entries lie end to end between header and index and are within limits. */
static bool entries_fit(const struct snapshot *s, uint64_t index_offset)
{
    uint64_t next = sizeof(struct snapshot_header);

    for ( uint32_t i = 0; i < s->nr_frames; i++ )
    {
        const struct snapshot_frame *f = &s->frames[i];
        unsigned int kind = !i ? SNAPSHOT_META : SNAPSHOT_DATA;

        if ( i && i == s->nr_frames - 1 && f->kind == SNAPSHOT_NOTE )
            kind = SNAPSHOT_NOTE;

        if ( f->kind != kind || f->offset != next || !f->content_bytes ||
             f->content_bytes > max_content(kind) ||
             f->channel >= XEN_FLIGHTREC_CHANNELS ||
             f->bytes < LZ4_HEADER_BYTES + LZ4_TAIL_BYTES ||
             f->bytes > LZ4F_compressFrameBound(f->content_bytes, NULL) )
            return false;
        next += f->bytes;
    }

    return next == index_offset && s->nr_frames;
}

/* The index from its first byte to the file's last; checks its hash. */
static int check_index(struct snapshot *s, const uint8_t *index, size_t bytes)
{
    struct snapshot_index head;
    struct snapshot_trailer end;
    uint64_t hashed = bytes - sizeof(end) +
                      offsetof(struct snapshot_trailer, xxh64);
    size_t entries = bytes - sizeof(head) - sizeof(end);

    memcpy(&head, index, sizeof(head));
    memcpy(&end, index + bytes - sizeof(end), sizeof(end));

    if ( head.skip_magic != SNAPSHOT_SKIP_INDEX ||
         head.skip_bytes != bytes - 8 ||
         memcmp(head.magic, SNAPSHOT_INDEX_MAGIC, sizeof(head.magic)) ||
         head.frame_bytes != sizeof(*s->frames) ||
         head.frames != entries / sizeof(*s->frames) ||
         end.xxh64 != XXH64(index, hashed, 0) )
        return -EBADMSG;

    s->frames = malloc(entries);
    if ( !s->frames )
        return -ENOMEM;

    memcpy(s->frames, index + sizeof(head), entries);
    s->nr_frames = s->max_frames = head.frames;
    return entries_fit(s, end.index_offset) ? 0 : -EBADMSG;
}

/* -EBADMSG: there is none, or it is not right. */
static int load_index(struct snapshot *s)
{
    const size_t fixed = sizeof(struct snapshot_index) +
                         sizeof(struct snapshot_trailer);
    struct snapshot_trailer end;
    uint8_t *index;
    uint64_t bytes;
    int rc;

    if ( s->file_bytes < sizeof(struct snapshot_header) + fixed )
        return -EBADMSG;

    rc = read_at(s->fd, s->file_bytes - sizeof(end), &end, sizeof(end));
    if ( rc )
        return rc;

    if ( memcmp(end.magic, SNAPSHOT_END_MAGIC, sizeof(end.magic)) ||
         end.file_bytes != s->file_bytes ||
         end.index_offset < sizeof(struct snapshot_header) ||
         end.index_offset > s->file_bytes - fixed )
        return -EBADMSG;

    bytes = s->file_bytes - end.index_offset;
    if ( !(bytes - fixed) || (bytes - fixed) % sizeof(*s->frames) ||
         (bytes - fixed) / sizeof(*s->frames) > SNAPSHOT_MAX_FRAMES )
        return -EBADMSG;

    index = malloc(bytes);
    if ( !index )
        return -ENOMEM;

    rc = read_at(s->fd, end.index_offset, index, bytes);
    if ( !rc )
        rc = check_index(s, index, bytes);
    free(index);
    return rc;
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

    rc = read_at(s->fd, f->offset, head, sizeof(head));
    if ( rc )
        return rc;

    memcpy(&content, head + 6, sizeof(content));
    if ( head[4] != LZ4_FLAGS || !content || content > SNAPSHOT_MAX_JSON_BYTES )
        return -EBADMSG;

    limit = f->offset + LZ4F_compressFrameBound(content, NULL);
    for ( ;; )
    {
        uint32_t block;

        rc = read_at(s->fd, at, &block, sizeof(block));
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

/* Reads and describes the frame at f->offset.  -ENODATA: it is cut. */
static int scan_frame(struct snapshot *s, struct snapshot_frame *f, void **buf,
                      size_t *size)
{
    int rc = measure_frame(s, f);

    if ( rc )
        return rc;

    rc = make_room((void **)&s->in, &s->in_bytes, f->bytes);
    if ( !rc )
        rc = make_room(buf, size, f->content_bytes);
    if ( !rc )
        rc = read_at(s->fd, f->offset, s->in, f->bytes);
    if ( !rc )
        rc = inflate_frame(s, f->bytes, *buf, f->content_bytes);
    if ( !rc )
        rc = describe(*buf, f->content_bytes, f);
    if ( rc )
        return rc;

    f->xxh64 = XXH64(s->in, f->bytes, 0);
    return f->content_bytes > max_content(f->kind) ? -EBADMSG : 0;
}

/* Why the frame that begins with `magic` is not one more whole frame. */
static const char *scan_reason(uint32_t magic, int rc)
{
    if ( magic == SNAPSHOT_SKIP_INDEX )
        return "the index at the end is cut or damaged";
    if ( rc == -ENODATA )
        return "the file ends inside a frame";
    if ( magic != SNAPSHOT_LZ4_FRAME )
        return "what follows is no frame";
    return "a frame is damaged";
}

/* Walks frames until one is not whole; s->fault says where and why. */
static int scan(struct snapshot *s)
{
    uint64_t next = sizeof(struct snapshot_header);
    void *buf = NULL;
    size_t size = 0;
    int rc;

    free(s->frames);
    s->frames = NULL;
    s->nr_frames = s->max_frames = 0;

    for ( ;; )
    {
        struct snapshot_frame f = { .offset = next };
        uint32_t magic = 0;

        rc = next == s->file_bytes ? -ENODATA
                                   : read_at(s->fd, next, &magic, 4);
        if ( next == s->file_bytes )
        {
            set_fault(&s->fault, next, "the file ends before its index");
            rc = 0;
            break;
        }
        if ( !rc )
            rc = magic == SNAPSHOT_LZ4_FRAME ? scan_frame(s, &f, &buf, &size)
                                             : -EBADMSG;
        if ( !rc )
            rc = add_frame(s, &f);
        if ( rc == -EBADMSG || rc == -ENODATA )
        {
            set_fault(&s->fault, next, scan_reason(magic, rc));
            rc = 0;
            break;
        }
        if ( rc )
            break;
        next += f.bytes;
    }

    free(buf);
    return rc;
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

    rc = load_index(s);
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

/*
 * Verify.
 */

/* Is the frame what its index entry says, content included? */
static int verify_frame(struct snapshot *s, uint32_t i, void **buf,
                        size_t *size, struct snapshot_fault *fault)
{
    const struct snapshot_frame *f = &s->frames[i];
    struct snapshot_frame seen = {
        .offset = f->offset,
        .bytes = f->bytes,
        .content_bytes = f->content_bytes,
        .xxh64 = f->xxh64,
    };
    size_t len;
    int rc;

    rc = snapshot_read(s, i, buf, size, &len);
    if ( rc == -EBADMSG )
        return set_fault(fault, f->offset, "a frame is damaged");
    if ( rc )
        return rc;

    if ( describe(*buf, len, &seen) )
        return set_fault(fault, f->offset, "a frame holds no valid packets");
    if ( memcmp(&seen, f, sizeof(seen)) )
        return set_fault(fault, f->offset,
                         "a frame and its index entry do not agree");

    return 0;
}

static void add_totals(struct snapshot_totals *t,
                       const struct snapshot_frame *f)
{
    if ( f->kind != SNAPSHOT_DATA )
        return;

    t->frames++;
    t->content_bytes += f->content_bytes;
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
    size_t size = 0;
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
        rc = verify_frame(s, i, &buf, &size, fault);
        if ( rc )
            goto out;
        add_totals(&sum, &s->frames[i]);
    }

    sum.file_bytes = s->file_bytes;
    if ( totals )
        *totals = sum;

 out:
    free(buf);
    snapshot_close(s);
    return rc;
}
