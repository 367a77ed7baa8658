/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-columns.c: unpack any bytes as columns, and pack any bytes as packets.
 * First byte of the input, modulo 2:
 *   0  the rest is columns; the packets must survive packing and unpacking
 *   1  the rest is packets
 */

#include <stdlib.h>
#include <string.h>

#include "lib/format/columns.h"
#include "lib/format/snapshot.h"
#include "tests/fuzz/fuzz.h"

/* Allocate exactly that length, so that sanitizers detect an overrun. */
static void *tight(const void *data, size_t len)
{
    void *copy = malloc(len ? len : 1);

    if ( !copy )
        abort();
    if ( data )
        memcpy(copy, data, len);
    return copy;
}

static void *unpack(const void *in, size_t len, size_t *plain_bytes)
{
    void *plain;

    if ( columns_plain_bytes(in, len, plain_bytes) )
        return NULL;
    plain = tight(NULL, *plain_bytes);
    if ( !columns_unpack(in, len, plain) )
        return plain;
    free(plain);
    return NULL;
}

static void round_trip(const void *plain, size_t len)
{
    struct columns_work *work = columns_work_new(len);
    uint8_t *packed = tight(NULL, len), *again, *in;
    size_t packed_bytes, bytes;

    if ( !work )
        abort();
    if ( !columns_pack(work, plain, len, packed, &packed_bytes) )
    {
        in = tight(packed, packed_bytes);
        again = unpack(in, packed_bytes, &bytes);
        if ( !again || bytes != len || memcmp(again, plain, len) )
            abort();
        free(again);
        free(in);
    }
    free(packed);
    columns_work_free(work);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t bytes;
    void *in, *plain;

    if ( !len || len > SNAPSHOT_MAX_DATA_BYTES )
        return 0;

    in = tight(data + 1, len - 1);
    if ( data[0] % 2 )
        round_trip(in, len - 1);
    else
    {
        plain = unpack(in, len - 1, &bytes);
        if ( plain )
            round_trip(plain, bytes);
        free(plain);
    }
    free(in);
    return 0;
}
