/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet.c: check one untrusted sub-buffer.
 */

#include "lib/format/packet.h"

_Static_assert(sizeof(struct xen_flightrec_packet) == 128, "packet header");

int packet_check_header(const struct xen_flightrec_packet *hdr, size_t bytes)
{
    if ( bytes < sizeof(*hdr) || hdr->magic != XEN_FLIGHTREC_PACKET_MAGIC ||
         hdr->version != XEN_FLIGHTREC_VERSION )
        return -EBADMSG;

    /* A later minor version may extend the header, never shorten it. */
    if ( hdr->header_bytes < sizeof(*hdr) || hdr->header_bytes % 4 ||
         hdr->header_bytes > bytes )
        return -EBADMSG;

    if ( hdr->cpu == XEN_FLIGHTREC_NO_CPU || !hdr->seq ||
         hdr->channel >= XEN_FLIGHTREC_CHANNELS ||
         hdr->tsc_shift > PACKET_MAX_SHIFT )
        return -EBADMSG;

    if ( !hdr->used_bytes )
        return -ENODATA;

    if ( hdr->used_bytes < hdr->header_bytes || hdr->used_bytes % 4 ||
         hdr->used_bytes > bytes ||
         hdr->used_bytes > XEN_FLIGHTREC_MAX_SLOT_BYTES )
        return -EBADMSG;

    return 0;
}

int packet_parse(const void *data, size_t bytes, struct packet *p)
{
    int rc;

    if ( bytes < sizeof(p->hdr) )
        return -EBADMSG;

    memcpy(&p->hdr, data, sizeof(p->hdr));
    rc = packet_check_header(&p->hdr, bytes);
    if ( rc )
        return rc;

    p->records = (const uint8_t *)data + p->hdr.header_bytes;
    p->bytes = p->hdr.used_bytes - p->hdr.header_bytes;
    return 0;
}

int packet_count(const struct packet *p, uint32_t *records, uint64_t *last_tsc)
{
    struct packet_iter it, last;
    struct packet_raw raw = { .at = NULL };
    uint32_t n = 0;
    int rc;

    packet_iter_init(&it, p);
    last = it;
    while ( (rc = packet_step(&it, &raw)) > 0 )
    {
        n++;
        last.anchor = it.anchor;
    }

    *records = n;
    *last_tsc = n ? packet_extend(&last, raw.head) << it.shift
                  : p->hdr.begin_tsc;
    return !rc && n == p->hdr.records ? 0 : -EBADMSG;
}
