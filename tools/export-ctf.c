/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export-ctf.c: a trace in the Common Trace Format 1.8: a directory with the
 * file "metadata" and one file for each pCPU and channel.
 *
 * A stream's file is a sequence of packets.  A gap ends a packet, and the next
 * one's count of discarded events goes up by what is missing; if nobody knows
 * how much, a packet number is left out instead.  Integers are little endian
 * and aligned to bytes only.
 *
 * Readers take a stream's time for rising.  A record whose stamp went back is
 * written with the newest stamp before it, and `behind` says by how many TSC
 * ticks it was older.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "tools/export-ctf.h"

#define MAGIC        0xc1fc1fc1U
#define PACKET_BYTES 32768
/* Header, context, then events; of those none is longer. */
#define EVENT_BYTES  1024
#define MAX_STREAMS  ((UINT16_MAX + 1) * XEN_FLIGHTREC_CHANNELS)

struct ctf_header {
    uint32_t magic;
    uint8_t uuid[16];
    uint32_t stream_id;
    uint64_t instance;
    uint64_t timestamp_begin;
    uint64_t timestamp_end;
    uint64_t content_bits;
    uint64_t packet_bits;
    uint64_t seq;
    uint64_t discarded;
    uint32_t cpu_id;
    uint8_t channel;
} __attribute__((packed));

struct ctf_event_head {
    uint16_t id;
    uint64_t timestamp;
    uint16_t domid;
    uint16_t vcpu;
    uint32_t behind;
} __attribute__((packed));

struct stream {
    struct ctf_header hdr;  /* of the packet being made */
    uint64_t tsc;           /* newest so far */
    bool first_written;
    uint32_t bytes;         /* 0: no packet begun */
    uint8_t buf[PACKET_BYTES];
};

struct ctf {
    uint8_t uuid[16];
    bool used[CTF_IDS];
    struct stream *stream[MAX_STREAMS];
};

/*
 * Packets.
 */

static int write_all(int fd, const void *buf, size_t bytes)
{
    const uint8_t *at = buf;

    while ( bytes )
    {
        ssize_t n = write(fd, at, bytes);

        if ( n < 0 && errno == EINTR )
            continue;
        if ( n < 0 )
            return -errno;
        at += n;
        bytes -= n;
    }

    return 0;
}

/*
 * Appends the packet to its file, which is opened for it: there may be more
 * streams than a process can have files.
 */
static int end_packet(struct export *x, struct stream *st)
{
    struct ctf_header *h = &st->hdr;
    char name[32];
    int fd, rc;

    if ( !st->bytes )
        return 0;

    h->content_bits = h->packet_bits = st->bytes * 8ULL;
    memcpy(st->buf, h, sizeof(*h));
    snprintf(name, sizeof(name), "%s_%u", h->channel ? "rare" : "busy",
             h->cpu_id);
    fd = openat(x->dir, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
                (st->first_written ? 0 : O_EXCL), 0666);
    if ( fd < 0 )
        return -errno;

    rc = write_all(fd, st->buf, st->bytes);
    if ( close(fd) && !rc )
        rc = -errno;
    st->first_written = true;
    st->bytes = 0;
    h->seq++;
    return rc;
}

static void begin_packet(struct stream *st, uint64_t ns)
{
    if ( st->bytes )
        return;

    st->hdr.timestamp_begin = st->hdr.timestamp_end = ns;
    st->bytes = sizeof(st->hdr);
}

static struct stream *find_stream(struct ctf *c, uint16_t cpu, uint8_t channel)
{
    uint32_t n = cpu * XEN_FLIGHTREC_CHANNELS + channel;
    struct stream *st = c->stream[n];

    if ( st )
        return st;

    st = c->stream[n] = calloc(1, sizeof(*st));
    if ( !st )
        return NULL;

    st->hdr.magic = MAGIC;
    memcpy(st->hdr.uuid, c->uuid, sizeof(c->uuid));
    st->hdr.instance = n;
    st->hdr.cpu_id = cpu;
    st->hdr.channel = channel;
    return st;
}

/*
 * Events.
 */

static void put(struct stream *st, uint64_t value, unsigned int bits)
{
    memcpy(st->buf + st->bytes, &value, bits / 8);
    st->bytes += bits / 8;
}

static void put_words(struct stream *st, const uint32_t *word, unsigned int n)
{
    memcpy(st->buf + st->bytes, word, n * sizeof(*word));
    st->bytes += n * sizeof(*word);
}

static uint64_t sign_extend(uint64_t value, unsigned int bits)
{
    unsigned int up = 64 - bits;

    return (uint64_t)((int64_t)(value << up) >> up);
}

/* What may be absent is a sequence of none or one. */
static void put_field(struct stream *st, const struct merge_record *rec,
                      unsigned int n)
{
    const struct event_field *f = &rec->desc->field[n];
    uint64_t value = 0;
    bool has = event_get(rec->desc, n, rec->data, rec->words, &value);

    if ( f->optional || f->kind == EVENT_ARG )
        put(st, has, 8);
    if ( !has )
        return;

    if ( f->kind == EVENT_ARG )
        put(st, value, 64);
    else if ( f->bits > 64 )
        put_words(st, &rec->data[f->word], f->bits / 32);
    else if ( f->kind == EVENT_SIGNED )
        put(st, sign_extend(value, f->bits), ctf_width(f->bits));
    else
        put(st, value, ctf_width(f->bits));
}

static void put_event(struct ctf *c, struct stream *st,
                      const struct merge_record *rec, uint64_t ns)
{
    bool fits = rec->desc && event_fits(rec->desc, rec->data, rec->words);
    struct ctf_event_head head = {
        .id = !rec->desc ? CTF_UNKNOWN : rec->desc->id + (fits ? 0 : CTF_RAW),
        .timestamp = ns,
        .domid = rec->domid,
        .vcpu = rec->vcpu,
        .behind = st->tsc - rec->tsc > UINT32_MAX ? UINT32_MAX
                                                  : st->tsc - rec->tsc,
    };

    c->used[head.id] = true;
    memcpy(st->buf + st->bytes, &head, sizeof(head));
    st->bytes += sizeof(head);

    if ( fits )
    {
        for ( unsigned int i = 0; i < rec->desc->nr_fields; i++ )
            put_field(st, rec, i);
        return;
    }
    if ( !rec->desc )
    {
        put(st, rec->event, 32);
        put(st, rec->id, 16);
    }
    put(st, rec->words, 8);
    put_words(st, rec->data, rec->words);
}

/* The gap lies between the packet that ends here and the one that follows. */
static int ctf_gap(struct export *x, struct stream *st,
                   const struct merge_record *rec)
{
    int rc = end_packet(x, st);

    if ( rec->missing )
        st->hdr.discarded += rec->missing;
    else if ( st->first_written )
        st->hdr.seq++;
    return rc;
}

static int ctf_record(struct export *x, const struct merge_record *rec)
{
    struct ctf *c = x->state;
    struct stream *st = find_stream(c, rec->cpu, rec->channel);
    uint64_t ns;
    int rc;

    if ( !st )
        return -ENOMEM;
    if ( rec->kind == MERGE_GAP )
        return ctf_gap(x, st, rec);

    if ( rec->tsc > st->tsc )
        st->tsc = rec->tsc;
    ns = export_ns(x, st->tsc);
    if ( st->bytes + EVENT_BYTES > PACKET_BYTES )
    {
        rc = end_packet(x, st);
        if ( rc )
            return rc;
    }

    begin_packet(st, ns);
    put_event(c, st, rec, ns);
    st->hdr.timestamp_end = ns;
    return 0;
}

/*
 * The trace.
 */

/* The same file gives the same trace. */
static void make_uuid(const struct export *x, uint8_t uuid[16])
{
    const struct snapshot_header *h = snapshot_header(x->src->snap);
    uint64_t half[2] = { XXH64(h, sizeof(*h), 0), XXH64(h, sizeof(*h), 1) };

    memcpy(uuid, half, sizeof(half));
    uuid[6] = (uuid[6] & 0x0f) | 0x80; /* version 8: of one's own making */
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static int ctf_open(struct export *x)
{
    struct ctf *c = calloc(1, sizeof(*c));

    if ( !c )
        return -ENOMEM;

    make_uuid(x, c->uuid);
    x->state = c;
    return 0;
}

/* Last, so that what was not finished is no trace. */
static int write_meta(struct export *x)
{
    const struct ctf *c = x->state;
    struct ctf_meta meta = { .x = x, .used = c->used };
    int fd = openat(x->dir, "metadata",
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    bool failed;

    if ( !f )
        return -errno;

    memcpy(meta.uuid, c->uuid, sizeof(meta.uuid));
    ctf_write_meta(f, &meta);
    failed = ferror(f);
    return fclose(f) || failed ? -EIO : 0;
}

static int ctf_finish(struct export *x)
{
    struct ctf *c = x->state;
    int rc;

    for ( uint32_t i = 0; i < MAX_STREAMS; i++ )
    {
        rc = c->stream[i] ? end_packet(x, c->stream[i]) : 0;
        if ( rc )
            return rc;
    }

    return write_meta(x);
}

static void ctf_close(struct export *x)
{
    struct ctf *c = x->state;

    for ( uint32_t i = 0; c && i < MAX_STREAMS; i++ )
        free(c->stream[i]);
    free(c);
}

const struct export_format export_ctf = {
    .name = "ctf",
    .directory = true,
    .open = ctf_open,
    .record = ctf_record,
    .finish = ctf_finish,
    .close = ctf_close,
};
