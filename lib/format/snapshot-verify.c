/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-verify.c: check every byte of a snapshot file against its index.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/pack.h"
#include "lib/format/snapshot-impl.h"

/* Compare two entries, ignoring fields and flags of later versions. */
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

/* Check one frame, content included, against its index entry. */
static int verify_frame(struct snapshot *s, uint32_t i, void **buf,
                        size_t *size, size_t *len, struct snapshot_fault *fault)
{
    const struct snapshot_frame *f = &s->frames[i];
    struct snapshot_frame seen = {
        .offset = f->offset,
        .bytes = f->bytes,
        .content_bytes = f->content_bytes,
        /* snapshot_read() has unpacked them. */
        .flags = f->kind == SNAPSHOT_DATA ? f->flags & SNAPSHOT_FRAME_COLUMNS
                                          : 0,
        .xxh64 = f->xxh64,
    };
    int rc;

    rc = snapshot_read(s, i, buf, size, len);
    if ( !rc && !snapshot_hash_fits(s, f) )
        rc = -EBADMSG;
    if ( rc == -EBADMSG )
        return snapshot_set_fault(fault, f->offset, "a frame is damaged");
    if ( rc || !snapshot_is_known(f) )
        return rc;

    rc = snapshot_find_kind(*buf, *len, &seen);
    if ( !rc && seen.kind == SNAPSHOT_DATA )
        rc = pack_describe(*buf, *len, &seen);
    if ( rc )
        return snapshot_set_fault(fault, f->offset,
                                  "a frame has no valid packets");
    if ( !same_entry(&seen, f) )
        return snapshot_set_fault(fault, f->offset,
                         "a frame does not match its index entry");

    return 0;
}

/* Order by stream, then by sequence. */
static int compare_seq(const void *x, const void *y)
{
    const struct snapshot_frame *a = x, *b = y;

    if ( a->cpu != b->cpu )
        return a->cpu < b->cpu ? -1 : 1;
    if ( a->channel != b->channel )
        return a->channel < b->channel ? -1 : 1;
    return a->first_seq < b->first_seq ? -1 : a->first_seq > b->first_seq;
}

/* Check that no two frames have a packet in common, by their entries. */
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
            rc = snapshot_set_fault(fault, f[i].offset,
                           "two frames have the same packets");
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
        rc = snapshot_set_fault(fault, s->fault.offset, s->fault.what);
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
