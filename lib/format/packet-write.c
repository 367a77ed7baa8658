/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * packet-write.c: build packets from records.
 */

#include "lib/format/packet-write.h"

/* Words beyond the payload: an anchor, a head, an escape's event. */
#define MOST_WORDS (3 + 1 + 1)

static void put(struct packet_write *w, uint32_t word)
{
    memcpy(w->buf + w->bytes, &word, sizeof(word));
    w->bytes += sizeof(word);
}

static void put_head(struct packet_write *w, uint32_t id, unsigned int words)
{
    put(w, id | words << XEN_FLIGHTREC_WORDS_SHIFT |
               (uint32_t)w->newest << XEN_FLIGHTREC_TIME_SHIFT);
}

void packet_begin(struct packet_write *w, void *buf, size_t room,
                  const struct xen_flightrec_packet *hdr)
{
    struct xen_flightrec_packet h = *hdr;

    h.magic = XEN_FLIGHTREC_PACKET_MAGIC;
    h.version = XEN_FLIGHTREC_VERSION;
    h.header_bytes = sizeof(h);
    h.used_bytes = h.records = 0;
    memcpy(buf, &h, sizeof(h));
    *w = (struct packet_write){ .buf = buf, .room = room, .bytes = sizeof(h),
                                .shift = h.tsc_shift };
    w->anchor = w->newest = h.begin_tsc >> w->shift;
}

bool packet_add(struct packet_write *w, const struct packet_record *rec)
{
    uint64_t now = rec->tsc >> w->shift;

    if ( w->bytes + (MOST_WORDS + rec->words) * 4 > w->room )
        return false;

    if ( now > w->newest )
        w->newest = now;
    if ( w->newest - w->anchor > XEN_FLIGHTREC_TIME_MASK )
    {
        uint64_t tsc = w->newest << w->shift;

        put_head(w, XEN_FLIGHTREC_ID_ANCHOR, 2);
        put(w, tsc);
        put(w, tsc >> 32);
        w->anchor = w->newest;
    }

    put_head(w, rec->id, rec->words);
    if ( rec->id == XEN_FLIGHTREC_ID_ESCAPE )
        put(w, rec->event);
    for ( unsigned int i = 0; i < rec->words; i++ )
        put(w, rec->data[i]);
    w->records++;
    return true;
}

size_t packet_end(struct packet_write *w)
{
    struct xen_flightrec_packet h;

    memcpy(&h, w->buf, sizeof(h));
    h.used_bytes = w->bytes;
    h.records = w->records;
    memcpy(w->buf, &h, sizeof(h));
    return w->bytes;
}
