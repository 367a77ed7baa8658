/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stream FILE: print the size of a snapshot's records in the ring, including
 * headers and anchors, and the size of xentrace's records of the same events:
 * 4 bytes of header and 8 of TSC before the payload.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/packet.h"
#include "lib/format/snapshot.h"

struct cost {
    uint64_t records, bytes, payload;
};

/* Add the packets of one frame's content. */
static int add_frame(const uint8_t *at, size_t left, struct cost *c)
{
    while ( left )
    {
        struct packet p;
        struct packet_iter it;
        struct packet_record rec;
        int rc = packet_parse(at, left, &p);

        if ( rc )
            return rc;
        packet_iter_init(&it, &p);
        while ( (rc = packet_next(&it, &rec)) == 1 )
        {
            c->records++;
            c->payload += rec.words * 4;
        }
        if ( rc )
            return rc;
        c->bytes += p.hdr.used_bytes;
        at += p.hdr.used_bytes;
        left -= p.hdr.used_bytes;
    }

    return 0;
}

static int add_file(struct snapshot *s, struct cost *c)
{
    void *buf = NULL;
    size_t size = 0, len;
    int rc = 0;

    for ( uint32_t i = 0; !rc && i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);

        if ( f->kind != SNAPSHOT_DATA )
            continue;
        rc = snapshot_read(s, i, &buf, &size, &len);
        if ( !rc )
            rc = add_frame(buf, len, c);
    }

    free(buf);
    return rc;
}

int main(int argc, char **argv)
{
    struct snapshot_fault fault;
    struct snapshot *s;
    struct cost c = {};
    double n, xentrace;
    int rc;

    if ( argc != 2 )
    {
        fprintf(stderr, "usage: stream FILE\n");
        return 2;
    }
    rc = snapshot_open(argv[1], &s, &fault);
    if ( !rc )
    {
        rc = add_file(s, &c);
        snapshot_close(s);
    }
    if ( rc || !c.records )
    {
        fprintf(stderr, "stream: %s: %s\n", argv[1],
                rc ? strerror(-rc) : "no records");
        return 1;
    }

    n = c.records;
    xentrace = (12 * n + c.payload) / n;
    printf("real-Xen stream: %" PRIu64 " records, %.2f bytes each: %.2f of "
           "payload, %.2f beyond it\n"
           "                 xentrace's records of the same events: %.2f bytes "
           "each, %.2f times ours\n",
           c.records, c.bytes / n, c.payload / n, (c.bytes - c.payload) / n,
           xentrace, xentrace * n / c.bytes);
    return 0;
}
