/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * prop-tbuf.c: test the consumer of stock Xen's trace buffer against a model of
 * its producer: random sizes, random bursts, VIRQs that are handled late, moves
 * in the middle of a write, holds.  After each step:
 *
 *   T1  a half full buffer has a VIRQ pending, else Xen would not send another
 *   T2  the consumer index is at the start of a record, and the bytes from it
 *       on are exactly those written last
 *   T3  after a move the fill is between a quarter and a half less the margin
 *   T4  no record is lost unless VIRQs were handled too late or held back
 *   T5  lost records are counted exactly
 *   T6  the packets contain the bytes of the buffer
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/format/packet.h"
#include "lib/xen/tbuf-packets.h"
#include "tests/fake/tbuf-model.h"
#include "tests/lib/gen.h"

#define MAX_PAGES 8
#define LOG       (1 << 14)

static struct {
    uint8_t map[MAX_PAGES * TBUF_FRAME] __attribute__((__aligned__(4096)));
    struct tbuf_model m;
    struct tbuf_consumer c;
    uint64_t random;
    bool virq, held, late;
    uint64_t tsc;
    /* The log of all bytes written, newest last. */
    struct tbuf_model_record log[LOG];
    uint64_t written;
} t;

static uint32_t below(uint32_t n)
{
    return n ? (gen_random(&t.random) >> 16) % n : 0;
}

static void random_record(struct tbuf_model_record *r)
{
    static const uint32_t event[] = { 0x00021011, 0x0002f003, 0x00081001,
                                      0x00081002, 0x08000007, 0x0010f001 };
    unsigned int i;

    *r = (struct tbuf_model_record){
        .event = event[below(6)],
        .has_tsc = below(4),
        .words = below(8),
    };
    t.tsc += 1 + below(below(100) ? 5000 : 100000000);
    r->tsc = t.tsc;
    for ( i = 0; i < r->words; i++ )
        r->data[i] = below(UINT32_MAX);
}

/* T2: compare with the log, backwards from its end. */
static void check_content(void)
{
    struct tbuf_record rec;
    struct tbuf_iter it;
    uint64_t n = 0, at;
    uint32_t fill = tbuf_model_fill(&t.m);

    tbuf_iter_init(&it, &t.c.t, t.m.index[0], fill);
    while ( tbuf_next(&it, &rec) > 0 )
        n += rec.event != TBUF_EV_LOST;
    assert_int_equal(it.left, 0);
    assert_true(n <= t.written);
    at = t.written - n;
    tbuf_iter_init(&it, &t.c.t, t.m.index[0], fill);
    while ( tbuf_next(&it, &rec) > 0 )
    {
        const struct tbuf_model_record *w = &t.log[at % LOG];

        if ( rec.event == TBUF_EV_LOST )
            continue;
        at++;
        assert_int_equal(rec.event, w->event);
        assert_int_equal(rec.words, w->words);
        assert_memory_equal(rec.data, w->data, 4 * w->words);
        assert_int_equal(rec.tsc, w->has_tsc ? w->tsc : 0);
    }
}

static void advance(void)
{
    uint64_t moves = t.c.moves;
    uint32_t fill;

    t.virq = false;
    assert_int_equal(tbuf_consumer_advance(&t.c, UINT64_MAX), 0);
    fill = tbuf_model_fill(&t.m);
    if ( t.c.moves == moves )
        return;
    assert_in_range(fill, t.m.bytes / 4, t.m.bytes / 2 - TBUF_MARGIN); /* T3 */
    check_content();
}

static void write_one(bool between)
{
    struct tbuf_model_record r;
    bool virq;

    random_record(&r);
    tbuf_model_begin(&t.m);
    if ( between )
        advance();
    if ( tbuf_model_end(&t.m, &r, &virq) )
        t.log[t.written++ % LOG] = r;
    t.virq |= virq;
}

/* T6 */
static void check_packets(struct tbuf_pages *p, const struct tbuf_ids *ids)
{
    struct tbuf_window w = { .t = t.c.t, .cons = t.m.index[0],
                             .bytes = tbuf_model_fill(&t.m), .gen = 3 };
    uint64_t n = 0, at, tsc = 0;
    struct tbuf_converted res;
    struct tbuf_iter it;
    struct tbuf_record rec;
    struct packet pkt;
    struct packet_iter pit;
    struct packet_record pr;
    uint32_t slot, records = 0;

    tbuf_pages_fill(p, ids, &w, &res);
    assert_int_equal(res.unread, 0);
    assert_int_equal(res.left_out, 0);
    tbuf_iter_init(&it, &t.c.t, w.cons, w.bytes);
    while ( tbuf_next(&it, &rec) > 0 )
    {
        n += rec.event != TBUF_EV_LOST;
        if ( rec.has_tsc && !tsc )
            tsc = rec.tsc;
    }
    at = t.written - n;
    assert_int_equal(res.records, n);
    for ( slot = 0; slot < p->slots; slot++ )
    {
        const uint8_t *s = (uint8_t *)p->cpu + TBUF_FRAME +
                           (size_t)slot * p->slot_bytes;

        if ( packet_parse(s, p->slot_bytes, &pkt) )
            continue;
        assert_int_equal(pkt.hdr.hold_gen, 3);
        packet_iter_init(&pit, &pkt);
        while ( packet_next(&pit, &pr) > 0 )
        {
            const struct tbuf_model_record *m = &t.log[at++ % LOG];
            uint32_t event = pr.escaped
                                 ? pr.event
                                 : event_list[pr.id - XEN_FLIGHTREC_ID_FIRST]
                                       .event;

            if ( m->has_tsc )
                tsc = m->tsc;
            assert_int_equal(event, m->event);
            assert_int_equal(pr.words, m->words);
            assert_memory_equal(pr.data, m->data, 4 * m->words);
            records++;
            /* A LOST_RECORDS record advances the time; it is not logged. */
            if ( !res.lost )
                assert_int_equal(pr.tsc >> p->tsc_shift, tsc >> p->tsc_shift);
        }
    }
    assert_int_equal(records, n);
}

static void one_run(uint64_t seed, unsigned int steps)
{
    struct tbuf_pages p;
    struct tbuf_ids *ids;
    unsigned int i, pages, wait = 0;

    memset(&t, 0, sizeof(t));
    t.random = 1 + (seed);
    pages = 1 + below(MAX_PAGES);
    t.late = !below(3);
    tbuf_model_init(&t.m, t.map, pages);
    t.m.index[0] = t.m.index[1] = 4 * below(t.m.bytes / 2);
    assert_int_equal(tbuf_consumer_init(&t.c, tbuf_of(t.map, pages)), 0);
    assert_int_equal(tbuf_ids_new(&ids), 0);
    assert_int_equal(tbuf_pages_new(0, 0, t.m.bytes, 4, &p), 0);
    for ( i = 0; i < steps; i++ )
    {
        /* While a VIRQ is pending, another pCPU may be inside a write. */
        write_one(t.virq && !t.held && !below(50));
        if ( t.late && !below(2000) )
            t.held = true;
        if ( t.held && !below(1000) )
        {
            t.held = false;
            advance();
        }
        if ( t.virq && !t.held &&
             (wait++ > t.m.bytes / 400 || !below(20)) )
        {
            wait = 0;
            advance();
        }
        if ( !t.virq && !t.held )
            assert_true(tbuf_model_fill(&t.m) < t.m.bytes / 2); /* T1 */
        if ( !below(3000) )
            check_packets(&p, ids);
    }
    if ( !t.late )
        assert_int_equal(t.m.dropped, 0); /* T4 */
    /* T5: Xen has reported the last losses, and two polls have read them. */
    advance();
    for ( i = 0; i < 2; i++ )
    {
        write_one(false);
        advance();
    }
    write_one(false);
    advance();
    assert_int_equal(t.c.lost + t.m.lost, t.m.dropped);
    assert_int_equal(t.m.lost, 0);
    assert_int_equal(t.c.resyncs, 0);
    tbuf_pages_free(&p);
    tbuf_ids_free(ids);
}

static uint64_t first_seed(void)
{
    const char *s = getenv("SEED");

    return s ? strtoull(s, NULL, 0) : 1;
}

static void test_random_runs(void **state)
{
    uint64_t seed = first_seed();
    unsigned int i;

    for ( i = 0; i < 40; i++ )
    {
        print_message("# SEED=%llu\n", (unsigned long long)seed + i);
        one_run(seed + i, 20000);
    }
}

/* Wake at a third of half a ring and no more often; walks are rare. */
static void test_wakes_are_few(void **state)
{
    uint64_t wakes = 0, bytes;
    unsigned int i;

    memset(&t, 0, sizeof(t));
    t.random = 1 + (7);
    tbuf_model_init(&t.m, t.map, MAX_PAGES);
    assert_int_equal(tbuf_consumer_init(&t.c, tbuf_of(t.map, MAX_PAGES)), 0);
    for ( i = 0; i < 200000; i++ )
    {
        write_one(false);
        if ( !t.virq )
            continue;
        wakes++;
        advance();
    }
    bytes = t.c.pos + tbuf_model_fill(&t.m);
    print_message("# %.2f wakes and %.2f walks a ring, %.3f of it walked\n",
                  (double)wakes * t.m.bytes / bytes,
                  (double)t.c.walks * t.m.bytes / bytes,
                  (double)t.c.walked_bytes / bytes);
    assert_int_equal(t.m.dropped, 0);
    assert_true(wakes * t.m.bytes < 7 * bytes);
    assert_true(t.c.walked_bytes * 10 < bytes);
}

/* With any content no access leaves the buffer, and tracing continues. */
static void test_garbage(void **state)
{
    unsigned int run, i;
    uint32_t cons, fill;

    for ( run = 0; run < 2000; run++ )
    {
        memset(&t, 0, sizeof(t));
        t.random = 1 + (1000 + run);
        for ( i = 0; i < 2 * TBUF_FRAME / 4; i++ )
            ((uint32_t *)t.map)[i] = below(UINT32_MAX);
        tbuf_model_init(&t.m, t.map, 2);
        t.m.index[0] = 4 * below(t.m.bytes / 2);
        t.m.index[1] = below(3) ? 4 * below(t.m.bytes / 2)
                                          : below(UINT32_MAX);
        if ( tbuf_consumer_init(&t.c, tbuf_of(t.map, 2)) )
        {
            assert_int_equal(tbuf_consumer_advance(&t.c, UINT64_MAX),
                             -EBADMSG);
            continue;
        }
        assert_int_equal(tbuf_consumer_advance(&t.c, UINT64_MAX), 0);
        assert_int_equal(tbuf_look(&t.c.t, &cons, &fill), 0);
        assert_true(fill < t.m.bytes / 2);
    }
}

/* A second consumer is detected, and the remaining records are used. */
static void test_another_consumer(void **state)
{
    unsigned int i;

    memset(&t, 0, sizeof(t));
    t.random = 1 + (9);
    tbuf_model_init(&t.m, t.map, MAX_PAGES);
    assert_int_equal(tbuf_consumer_init(&t.c, tbuf_of(t.map, MAX_PAGES)), 0);
    for ( i = 0; i < 300; i++ )
        write_one(false);
    t.m.index[0] = t.m.index[1];
    for ( i = 0; i < 2000; i++ )
    {
        write_one(false);
        if ( t.virq )
            advance();
    }
    assert_int_equal(t.c.resyncs, 1);
    assert_int_equal(t.m.dropped, 0);
}

/* t_info with Xen's layout, and with invalid ones. */
static void test_info(void **state)
{
    static uint16_t info[TBUF_FRAME / 2];
    uint32_t mfn[4], pages;

    memset(info, 0, sizeof(info));
    assert_int_equal(tbuf_info_check(info, sizeof(info), &pages), -EPROTO);
    assert_int_equal(tbuf_info_check(info, 100, &pages), -EPROTO);
    info[0] = 4;
    info[1] = 130;
    info[3] = 134;
    memcpy(&info[260], (uint32_t[]){ 11, 12, 13, 14, 21, 22, 23, 24 }, 32);
    assert_int_equal(tbuf_info_check(info, sizeof(info), &pages), 0);
    assert_int_equal(pages, 4);
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 0, mfn), 0);
    assert_int_equal(mfn[3], 14);
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 1, mfn), -ENODEV);
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 2, mfn), 0);
    assert_int_equal(mfn[0], 21);
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 5000, mfn), -ENODEV);
    info[2] = 1024;        /* the list ends beyond the table */
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 1, mfn), -EPROTO);
    info[2] = 1;           /* ... overlaps the offsets */
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 1, mfn), -EPROTO);
    info[2] = 200;         /* ... has invalid frames */
    assert_int_equal(tbuf_info_cpu(info, sizeof(info), 1, mfn), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_runs),
        cmocka_unit_test(test_wakes_are_few),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_another_consumer),
        cmocka_unit_test(test_info),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
