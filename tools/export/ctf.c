/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ctf.c: writes a trace in the Common Trace Format 1.8: a directory with the
 * file "metadata" and one file for each pCPU and channel.
 *
 * A stream's file is a sequence of packets.  A gap ends a packet and has one
 * of its own, from the last record before the gap to its end.  The packet's
 * count of discarded events grows by the number of missing records; if that is
 * not known, a packet number is skipped before it.  The gap's packet holds one
 * event with the reason, because Trace Compass takes an empty packet for the
 * end of the stream.  Integers are little endian and aligned to bytes.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/export/ctf.h"

#define MAGIC        0xc1fc1fc1U
#define PACKET_BYTES 32768
/* Maximum of an event with its header and context. */
#define EVENT_BYTES  1024

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
    struct ctf_header hdr;  /* of the current packet */
    uint64_t tsc;           /* of the newest record */
    bool first_written;
    uint32_t bytes;         /* used in buf, 0 if no packet has begun */
    uint8_t buf[PACKET_BYTES];
};

struct ctf {
    uint8_t uuid[16];
    struct ctf_class *class[CTF_IDS]; /* of events that occur */
    struct stream *stream[CTF_STREAMS];
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
 * Append the packet to its file.  The file is opened for each packet, as there
 * may be more streams than file descriptors.
 */
static int end_packet(struct export *x, struct stream *st)
{
    struct ctf_header *h = &st->hdr;
    char name[CTF_STREAM_BYTES];
    int fd, rc;

    if ( !st->bytes )
        return 0;

    h->content_bits = h->packet_bits = st->bytes * 8ULL;
    memcpy(st->buf, h, sizeof(*h));
    fd = openat(x->dir, ctf_stream_name(h->instance, name), O_WRONLY | O_CREAT |
                O_APPEND | O_CLOEXEC |
                (st->first_written ? 0 : O_EXCL), x->mode);
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

static struct stream *find_stream(struct ctf *c, const struct merge_record *rec)
{
    uint32_t n = ctf_stream(rec);
    struct stream *st = c->stream[n];

    if ( st )
        return st;

    st = c->stream[n] = calloc(1, sizeof(*st));
    if ( !st )
        return NULL;

    st->hdr.magic = MAGIC;
    memcpy(st->hdr.uuid, c->uuid, sizeof(c->uuid));
    st->hdr.instance = n;
    st->hdr.cpu_id = rec->cpu;
    st->hdr.channel = rec->channel;
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

static int need_class(const struct export *x, unsigned int id)
{
    struct ctf *c = x->state;

    if ( c->class[id] )
        return 0;

    c->class[id] = malloc(sizeof(*c->class[id]));
    if ( !c->class[id] )
        return -ENOMEM;

    ctf_class(x->src->doc.dict, id, c->class[id]);
    return 0;
}

static int put_event(const struct export *x, struct stream *st,
                     const struct merge_record *rec,
                     struct ctf_event_head *head)
{
    const struct ctf *c = x->state;
    int rc;

    head->id = ctf_id(rec);
    head->domid = rec->domid;
    head->vcpu = rec->vcpu;
    rc = need_class(x, head->id);
    if ( rc )
        return rc;

    memcpy(st->buf + st->bytes, head, sizeof(*head));
    st->bytes += sizeof(*head);
    for ( unsigned int i = 0; i < c->class[head->id]->nr; i++ )
    {
        const struct ctf_member *m = &c->class[head->id]->member[i];
        uint64_t value[CTF_MAX_ELEMENTS];
        unsigned int n = ctf_get(rec, head->id, i, value);

        if ( m->length[0] )
            put(st, n, 8);
        for ( unsigned int k = 0; k < n; k++ )
            put(st, value[k], m->bits);
    }

    return 0;
}

/*
 * End the current packet and begin that of a gap.  If it is the first of the
 * stream, an empty packet is written before it, with which readers compare its
 * counts.
 */
static int begin_gap(struct export *x, struct stream *st, uint64_t missing,
                     uint64_t ns)
{
    uint64_t from;
    int rc;

    if ( !st->first_written )
        begin_packet(st, ns);
    rc = end_packet(x, st);
    if ( rc )
        return rc;

    from = st->hdr.timestamp_end;
    if ( missing )
        st->hdr.discarded += missing;
    else
        st->hdr.seq++;
    begin_packet(st, missing ? from : ns);
    return 0;
}

static int ctf_record(struct export *x, const struct merge_record *rec)
{
    struct stream *st = find_stream(x->state, rec);
    struct ctf_event_head head;
    int rc = 0;

    if ( !st )
        return -ENOMEM;

    head.behind = ctf_rise(&st->tsc, rec->tsc);
    head.timestamp = doc_tsc_ns(&x->src->doc, st->tsc);
    if ( rec->kind == MERGE_GAP )
        rc = begin_gap(x, st, rec->missing, head.timestamp);
    else if ( st->bytes + EVENT_BYTES > PACKET_BYTES )
        rc = end_packet(x, st);
    if ( rc )
        return rc;

    begin_packet(st, head.timestamp);
    st->hdr.timestamp_end = head.timestamp;
    rc = put_event(x, st, rec, &head);
    return rc || rec->kind != MERGE_GAP ? rc : end_packet(x, st);
}

/*
 * The trace.
 */

static int ctf_open(struct export *x)
{
    struct ctf *c = calloc(1, sizeof(*c));

    if ( !c )
        return -ENOMEM;

    ctf_uuid(x->src->snap, x->part, c->uuid);
    x->state = c;
    return 0;
}

/* Written last, so that an unfinished directory is no trace. */
static int write_meta(struct export *x)
{
    const struct ctf *c = x->state;
    struct ctf_meta meta = { .x = x, .class = c->class };
    int fd = openat(x->dir, "metadata",
                    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, x->mode);
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

    for ( uint32_t i = 0; i < CTF_STREAMS; i++ )
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

    for ( uint32_t i = 0; c && i < CTF_STREAMS; i++ )
        free(c->stream[i]);
    for ( unsigned int i = 0; c && i < CTF_IDS; i++ )
        free(c->class[i]);
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
