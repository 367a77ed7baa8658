/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-tbuf.c: any content of Xen's own trace buffer and of t_info: the walk,
 * the consumer's moves, and the packets made of it.
 *
 * The input: the position of the producer, then its steps between two moves of
 * the consumer; the rest is the buffer's content, repeated.
 */

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "lib/format/packet.h"
#include "lib/xen/tbuf-packets.h"

#define MOVES 4

static uint32_t index_words[2];
static uint8_t *ring;          /* exact size */
static uint32_t ring_bytes = TBUF_FRAME - TBUF_INDEX_BYTES;

static void expect(int good)
{
    if ( !good )
        abort();
}

/* The output must be valid packets with that number of records. */
static void check_pages(const struct tbuf_pages *p,
                        const struct tbuf_converted *res)
{
    uint64_t sum = 0, last;
    uint32_t i, n;
    struct packet pkt;
    int rc;

    for ( i = 0; i < p->slots; i++ )
    {
        rc = packet_parse((uint8_t *)p->cpu + TBUF_FRAME +
                              (size_t)i * p->slot_bytes,
                          p->slot_bytes, &pkt);
        if ( rc )
            continue;
        expect(!packet_count(&pkt, &n, &last));
        sum += n;
    }
    expect(sum == res->records - res->left_out);
}

static void convert(const struct tbuf *t, uint32_t cons, uint32_t fill)
{
    static struct tbuf_pages pages;
    static struct tbuf_ids *ids;
    struct tbuf_window w = { .t = *t, .cons = cons, .bytes = fill, .gen = 1 };
    struct tbuf_converted res;

    if ( !ids )
        expect(!tbuf_ids_new(&ids) &&
               !tbuf_pages_new(0, 0, ring_bytes, 4, &pages));
    tbuf_pages_fill(&pages, ids, &w, &res);
    expect(res.unread <= fill);
    check_pages(&pages, &res);
}

static void consume(const struct tbuf *t, const uint8_t *move, size_t moves)
{
    struct tbuf_consumer c;
    uint32_t cons, fill;
    size_t i;

    if ( tbuf_consumer_init(&c, *t) )
        return;
    for ( i = 0; i < moves; i++ )
    {
        /* Xen continues to write while there is room. */
        expect(!tbuf_look(t, &cons, &fill));
        fill = 4U * move[i] * 4 > ring_bytes - fill ? ring_bytes - fill
                                                    : 4U * move[i] * 4;
        index_words[1] = (index_words[1] + fill) % (2 * ring_bytes);
        expect(!tbuf_consumer_advance(&c, UINT64_MAX));
        expect(!tbuf_look(t, &cons, &fill));
        expect(fill < ring_bytes / 2);
    }
}

static void info(const uint8_t *data, size_t len)
{
    uint8_t *tight = malloc(len);
    static uint32_t mfn[65536];
    uint32_t pages;
    unsigned int cpu;

    memcpy(tight, data, len);
    tbuf_info_check(tight, len, &pages);
    for ( cpu = 0; cpu < 600; cpu++ )
        tbuf_info_cpu(tight, len, cpu, mfn);
    free(tight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tbuf t = { .index = index_words, .bytes = ring_bytes };
    struct tbuf_record r;
    struct tbuf_iter it;
    uint32_t cons, fill, i;

    if ( len < 8 + MOVES + 1 )
        return 0;
    info(data, len);
    if ( !ring )
        ring = malloc(ring_bytes);
    memcpy(index_words, data, 8);
    /* Mostly with records between them. */
    if ( data[8] % 8 )
    {
        index_words[0] = index_words[0] / 4 * 4 % (2 * ring_bytes);
        index_words[1] = index_words[1] / 4 * 4 % (2 * ring_bytes);
    }
    for ( i = 0; i < ring_bytes; i++ )
        ring[i] = data[8 + MOVES + i % (len - 8 - MOVES)];
    t.data = ring;
    if ( tbuf_look(&t, &cons, &fill) )
        return 0;
    tbuf_iter_init(&it, &t, cons, fill);
    while ( tbuf_next(&it, &r) > 0 )
        expect(it.left < fill);
    tbuf_count_lost(&t, cons, fill);
    convert(&t, cons, fill);
    consume(&t, data + 8, MOVES);
    return 0;
}
