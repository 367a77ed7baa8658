/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-packet.c: read any bytes as a packet.
 */

#include <stdlib.h>

#include "lib/format/packet.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    /* Allocate exactly that length, so that sanitizers detect an overrun. */
    uint8_t *tight = malloc(len ? len : 1);
    struct packet_record rec;
    struct packet_iter it;
    struct packet p;
    uint32_t records, walked = 0;
    uint64_t last;

    if ( !tight )
        return 0;

    memcpy(tight, data, len);
    if ( !packet_parse(tight, len, &p) )
    {
        if ( (size_t)p.bytes + sizeof(p.hdr) > len )
            abort();
        packet_iter_init(&it, &p);
        while ( packet_next(&it, &rec) > 0 )
            walked++;
        if ( it.next > it.end )
            abort();
        packet_count(&p, &records, &last);
        if ( records != walked )
            abort();
    }

    free(tight);
    return 0;
}
