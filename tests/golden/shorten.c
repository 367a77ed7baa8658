/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shorten.c IN OUT MS: copies a snapshot's last MS milliseconds before the
 * trigger, to keep a real snapshot for the tests: the documents, all rare
 * packets, and busy packets with a record in that time.  The streams' counts
 * in the document are not adapted, so verify fails for the copy.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/format/packet.h"
#include "tools/base/source.h"

static int put_packets(struct snapshot_writer *w, const uint8_t *at, size_t left,
                       uint64_t from)
{
    int rc = 0;

    while ( !rc && left )
    {
        uint64_t last = 0;
        uint32_t records;
        struct packet p;

        rc = packet_parse(at, left, &p);
        if ( rc )
            return rc;
        rc = packet_count(&p, &records, &last);
        if ( !rc && (p.hdr.channel != XEN_FLIGHTREC_CH_BUSY || last >= from) )
            rc = snapshot_put_packet(w, at, p.hdr.used_bytes);
        at += p.hdr.used_bytes;
        left -= p.hdr.used_bytes;
    }

    return rc;
}

static int put_frames(struct snapshot *s, struct snapshot_writer *w,
                      uint64_t from)
{
    size_t size = 0, len;
    void *buf = NULL;
    int rc = 0;

    for ( uint32_t i = 0; !rc && i < snapshot_frames(s); i++ )
    {
        rc = snapshot_read(s, i, &buf, &size, &len);
        if ( rc )
            break;
        switch ( snapshot_frame(s, i)->kind )
        {
        case SNAPSHOT_META:
            rc = snapshot_put_meta(w, buf, len);
            break;
        case SNAPSHOT_DATA:
            rc = put_packets(w, buf, len, from);
            break;
        case SNAPSHOT_NOTE:
            rc = snapshot_put_note(w, buf, len);
            break;
        }
    }

    free(buf);
    return rc;
}

static int shorten(const struct source *src, int fd, uint64_t from)
{
    const struct snapshot_how how = { .level = 12 };
    struct snapshot_writer *w;
    int rc;

    rc = snapshot_create_as(fd, snapshot_header(src->snap)->created_ns, &how,
                            &w);
    if ( rc )
        return rc;
    rc = put_frames(src->snap, w, from);
    if ( !rc )
        return snapshot_finish(w, NULL);
    snapshot_abort(w);
    return rc;
}

int main(int argc, char **argv)
{
    struct source src;
    int rc, fd;

    if ( argc != 4 )
    {
        fprintf(stderr, "usage: shorten IN OUT MS\n");
        return 2;
    }
    if ( source_open(argv[1], false, &src) )
        return 1;

    fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    rc = fd < 0 ? -errno
                : shorten(&src, fd, src.doc.tsc -
                                    src.doc.tsc_khz * strtoull(argv[3], NULL, 0));
    if ( fd >= 0 )
        close(fd);
    source_close(&src);
    if ( rc )
        fprintf(stderr, "shorten: %s: %s\n", argv[2], strerror(-rc));
    return rc ? 1 : 0;
}
