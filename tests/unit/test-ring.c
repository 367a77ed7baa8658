/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-ring.c: test the recorder's core with one writer and no interruptions;
 * tests/step covers those.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/lib/rig.h"

#define MAX_RECORDS 65536
#define WINDOW      ((1ULL << XEN_FLIGHTREC_TIME_BITS) << fr_tsc_shift())

static const struct rig_form small = {
    .slots = 6, .slot_bytes = 256, .spares = 2
};
static const struct rig_form roomy = {
    .slots = 16, .slot_bytes = 4096, .spares = 5
};

static struct rig rig;
static struct rig_record got[MAX_RECORDS];
static uint32_t ids[XEN_FLIGHTREC_IDS];

static int read_busy(void)
{
    int n = rig_read(&rig, XEN_FLIGHTREC_CH_BUSY, got, MAX_RECORDS);

    assert_true(n >= 0);
    return n;
}

/* Write n records with three words each: serial, its complement, n. */
static void write_serials(uint32_t event, uint32_t first, uint32_t n)
{
    uint32_t i;

    for ( i = first; i < first + n; i++ )
    {
        uint32_t data[3] = { i, ~i, n };

        fr_trace(event, data, sizeof(data));
    }
}

static void assert_serial(const struct rig_record *r, uint32_t serial)
{
    assert_int_equal(r->rec.words, 3);
    assert_int_equal(r->rec.data[0], serial);
    assert_int_equal(r->rec.data[1], ~serial);
}

static struct xen_flightrec_op_cpu counters(unsigned int channel)
{
    struct xen_flightrec_op_cpu out = { 0 };

    fr_cpu_counters(rig.cpu, channel, &out);
    return out;
}

static int open_small(void **state)
{
    rig_open(&rig, &small);
    fr_events(ids);
    return 0;
}

static int open_roomy(void **state)
{
    rig_open(&rig, &roomy);
    fr_events(ids);
    return 0;
}

static int shut(void **state)
{
    rig_close(&rig);
    rig_tick = 40;
    return 0;
}

/* -------------------------------------------------------------- set up --- */

static void test_init_step(void **state)
{
    static const uint32_t khz[] = { 100000, 1000000, 2600000, 5000000 };
    unsigned int i;

    /* The largest power of two of at most 10 ns. */
    for ( i = 0; i < 4; i++ )
    {
        uint64_t step;

        assert_int_equal(fr_init(khz[i]), 0);
        step = (1ULL << fr_tsc_shift()) * 1000000 / khz[i];
        assert_true(step <= 10);
        assert_true((2ULL << fr_tsc_shift()) * 1000000 > khz[i] * 10ULL);
    }
}

static void check_geometry(uint32_t bytes)
{
    struct fr_geometry geo[FR_CHANNELS];
    uint64_t sum = 0;
    unsigned int ch;

    if ( fr_geometry(bytes, 0, 0, geo) )
        fail_msg("no geometry for %u bytes", bytes);

    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        sum += (uint64_t)geo[ch].slots * geo[ch].slot_bytes;
        assert_in_range(geo[ch].slots, XEN_FLIGHTREC_MIN_SLOTS,
                        XEN_FLIGHTREC_MAX_SLOTS);
        assert_int_equal(geo[ch].slot_bytes % 4096, 0);
        assert_in_range(geo[ch].spares, 2, geo[ch].slots - 1);
    }

    assert_true(sum <= bytes);
    assert_true(sum >= bytes - bytes / 4);
    /* Frame 0 is the information page, then the rings follow. */
    assert_int_equal(geo[XEN_FLIGHTREC_CH_RARE].first_frame, 1);
    assert_int_equal(geo[XEN_FLIGHTREC_CH_BUSY].first_frame,
                     1 + geo[XEN_FLIGHTREC_CH_RARE].slots *
                         geo[XEN_FLIGHTREC_CH_RARE].slot_bytes / 4096);
}

static void test_geometry_sizes(void **state)
{
    uint32_t bytes;

    for ( bytes = XEN_FLIGHTREC_MIN_CPU_BYTES;
          bytes <= XEN_FLIGHTREC_MAX_CPU_BYTES; bytes += 4 << 10 )
        check_geometry(bytes);
}

static void test_geometry_refused(void **state)
{
    struct fr_geometry geo[FR_CHANNELS];

    assert_int_equal(fr_geometry(0, 0, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(64 << 10, 0, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 4096, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 20000, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 2048, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 1 << 20, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(64 << 20, 1 << 20, 0, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 0, 1, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 65536, 14, geo), -EINVAL);
    assert_int_equal(fr_geometry(1 << 20, 65536, 13, geo), 0);
    assert_int_equal(geo[XEN_FLIGHTREC_CH_BUSY].spares, 13);
}

static void test_cpu_init_information(void **state)
{
    unsigned int ch;

    assert_int_equal(rig.info->magic, XEN_FLIGHTREC_CPU_MAGIC);
    assert_int_equal(rig.info->version, XEN_FLIGHTREC_VERSION);
    assert_int_equal(rig.info->bytes, sizeof(*rig.info));
    assert_int_equal(rig.info->cpu, rig.cpu->cpu);
    assert_int_equal(rig.info->incarnation, rig.cpu->incarnation);
    for ( ch = 0; ch < FR_CHANNELS; ch++ )
    {
        assert_int_equal(rig.info->ch[ch].slots, roomy.slots);
        assert_int_equal(rig.info->ch[ch].slot_bytes, roomy.slot_bytes);
        assert_int_equal(rig.info->ch[ch].spares, roomy.spares);
        assert_int_equal(rig.info->ch[ch].first_frame,
                         rig.geo[ch].first_frame);
    }
    assert_int_equal(read_busy(), 0);
}

/* -------------------------------------------------------------- records -- */

/* Every length at every alignment; the last word is padded with zeros. */
static void test_trace_lengths(void **state)
{
    uint8_t data[48], want[32];
    unsigned int bytes, align, i, n = 0;
    int found;

    for ( i = 0; i < sizeof(data); i++ )
        data[i] = 0x80 + i;
    for ( align = 0; align < 8; align++ )
        for ( bytes = 0; bytes <= 36; bytes++ )
            fr_trace(RIG_EV_BUSY, data + align, bytes);

    found = read_busy();
    assert_int_equal(found, 8 * 37);
    for ( align = 0; align < 8; align++ )
        for ( bytes = 0; bytes <= 36; bytes++ )
        {
            unsigned int kept = bytes > 28 ? 28 : bytes;
            struct packet_record *rec = &got[n++].rec;

            memset(want, 0, sizeof(want));
            memcpy(want, data + align, kept);
            assert_int_equal(rec->words, (kept + 3) / 4);
            assert_memory_equal(rec->data, want, rec->words * 4);
            assert_int_equal(ids[rec->id], RIG_EV_BUSY);
            assert_false(rec->escaped);
        }
}

/* Bytes behind the caller's data must not be read or recorded. */
static void test_trace_reads_no_further(void **state)
{
    unsigned int bytes;

    for ( bytes = 1; bytes <= 28; bytes++ )
    {
        uint8_t *data = malloc(bytes);

        assert_non_null(data);
        memset(data, 0xee, bytes);
        fr_trace(RIG_EV_BUSY, data, bytes);
        fr_trace(RIG_EV_BOTH, data, bytes);
        fr_trace(RIG_EV_OTHER, data, bytes);
        free(data);
    }
    assert_int_equal(read_busy(), 28 * 3);
}

static void test_trace_huge_length(void **state)
{
    static const unsigned int lengths[] = {
        0x40000000, 0x80000000, 0xc0000008, 0xfffffffc, 0xffffffff
    };
    uint32_t data[7] = { 1, 2, 3, 4, 5, 6, 7 };
    unsigned int i;

    for ( i = 0; i < 5; i++ )
        fr_trace(RIG_EV_BUSY, data, lengths[i]);
    assert_int_equal(read_busy(), 5);
    for ( i = 0; i < 5; i++ )
    {
        assert_int_equal(got[i].rec.words, 7);
        assert_memory_equal(got[i].rec.data, data, sizeof(data));
    }
}

static void test_trace_every_event(void **state)
{
    unsigned int nr = fr_events(ids), id, n = 0;
    uint32_t word;
    int found;

    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, 0x0ffff000), 0);
    for ( id = XEN_FLIGHTREC_ID_FIRST; id < nr; id++ )
    {
        word = ids[id];
        fr_trace(ids[id], &word, 4);
    }
    fr_set_mask(XEN_FLIGHTREC_CH_BUSY, fr_get_mask(XEN_FLIGHTREC_CH_RARE));

    found = read_busy();
    for ( id = XEN_FLIGHTREC_ID_FIRST; id < nr; id++ )
    {
        /* No mask can select an event word without class or subclass. */
        if ( !(ids[id] & 0x0fff0000) || !(ids[id] & 0xf000) )
            continue;
        assert_true(n < (unsigned int)found);
        assert_int_equal(got[n].rec.id, id);
        assert_int_equal(got[n].rec.data[0], ids[id]);
        n++;
    }
    assert_int_equal(found, n);
}

/* A word that differs by one bit from an event of the list is not it. */
static void test_trace_no_alias(void **state)
{
    uint32_t was = fr_get_mask(XEN_FLIGHTREC_CH_BUSY), event;
    unsigned int nr = fr_events(ids), id, bit, known;

    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, 0x0ffff000), 0);
    for ( id = XEN_FLIGHTREC_ID_FIRST; id < nr; id++ )
        for ( bit = 0; bit < 32; bit++ )
        {
            event = ids[id] ^ (1U << bit);
            known = XEN_FLIGHTREC_ID_FIRST;
            while ( known < nr && ids[known] != event )
                known++;
            if ( known < nr || !(event & 0x0fff0000) || !(event & 0xf000) ||
                 event >> 28 )
                continue;
            rig_close(&rig);
            rig_open(&rig, &small);
            fr_trace(event, NULL, 0);
            assert_int_equal(read_busy(), 1);
            assert_true(got[0].rec.escaped);
            assert_int_equal(got[0].rec.event, event);
        }
    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, was), 0);
}

static void test_trace_escape(void **state)
{
    static const uint32_t event[] = {
        RIG_EV_OTHER, 0x00021fff, 0x0002f001, 0x00061001, 0x0fffffff
    };
    uint32_t data[7] = { 9, 8, 7, 6, 5, 4, 3 };
    unsigned int i;

    for ( i = 0; i < 5; i++ )
        fr_trace(event[i], data, i * 7);

    assert_int_equal(read_busy(), 5);
    for ( i = 0; i < 5; i++ )
    {
        assert_true(got[i].rec.escaped);
        assert_int_equal(got[i].rec.event, event[i]);
        assert_int_equal(got[i].rec.words, (i * 7 + 3) / 4);
        assert_memory_equal(got[i].rec.data, data, i * 7);
    }
    assert_int_equal(rig_read(&rig, XEN_FLIGHTREC_CH_RARE, got, 9), 0);
}

static void test_trace_channels(void **state)
{
    write_serials(RIG_EV_BUSY, 0, 5);
    write_serials(RIG_EV_BOTH, 5, 3);
    write_serials(RIG_EV_BUSY, 8, 2);

    assert_int_equal(read_busy(), 10);
    assert_serial(&got[9], 9);
    assert_int_equal(rig_read(&rig, XEN_FLIGHTREC_CH_RARE, got, 99), 3);
    assert_serial(&got[0], 5);
    assert_serial(&got[2], 7);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted, 10);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_RARE).emitted, 3);
}

static void test_trace_no_cpu(void **state)
{
    fr_hosted_cpu = NULL;
    write_serials(RIG_EV_BUSY, 0, 3);
    write_serials(RIG_EV_BOTH, 0, 3);
    write_serials(RIG_EV_OTHER, 0, 3);
    fr_hosted_cpu = rig.cpu;
    assert_int_equal(read_busy(), 0);
}

/* ---------------------------------------------------------------- masks -- */

/* An event that a mask refuses does not count as emitted. */
static void test_mask_refuses(void **state)
{
    uint32_t was = fr_get_mask(XEN_FLIGHTREC_CH_BUSY);

    write_serials(RIG_EV_OFF, 0, 4);
    write_serials(RIG_EV_OFF | 0xfff, 0, 4);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted, 0);

    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, 0x0002f000), 0);
    assert_int_equal(fr_get_mask(XEN_FLIGHTREC_CH_BUSY), 0x0002f000);
    write_serials(RIG_EV_BUSY, 0, 1);
    write_serials(RIG_EV_OTHER, 1, 1);
    write_serials(RIG_EV_BOTH, 2, 1);   /* rare only */
    assert_int_equal(read_busy(), 2);
    assert_int_equal(rig_read(&rig, XEN_FLIGHTREC_CH_RARE, got, 9), 1);
    assert_serial(&got[0], 2);

    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, 0), 0);
    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_RARE, 0), 0);
    write_serials(RIG_EV_BUSY, 9, 1);
    write_serials(RIG_EV_OTHER, 9, 1);
    write_serials(RIG_EV_BOTH, 9, 1);
    assert_int_equal(read_busy(), 2);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted, 2);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_RARE).emitted, 1);

    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, was), 0);
    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_RARE, was), 0);
}

/* Select one subclass of a class, as xentrace's -e does. */
static void test_mask_subclass(void **state)
{
    uint32_t was = fr_get_mask(XEN_FLIGHTREC_CH_BUSY);

    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, 0x00022000), 0);
    write_serials(RIG_EV_BUSY, 0, 1);   /* subclass 1 */
    write_serials(RIG_EV_OTHER, 1, 1);  /* subclass 2 */
    assert_int_equal(read_busy(), 1);
    assert_serial(&got[0], 1);
    assert_int_equal(fr_set_mask(XEN_FLIGHTREC_CH_BUSY, was), 0);
}

/* Refuse single events in each channel, and list them. */
static void test_refuse_event(void **state)
{
    assert_int_equal(fr_refuse(XEN_FLIGHTREC_CH_BUSY, RIG_EV_BUSY, true), 0);
    assert_int_equal(fr_refuse(XEN_FLIGHTREC_CH_BUSY, RIG_EV_BOTH, true), 0);
    write_serials(RIG_EV_BUSY, 0, 1);
    write_serials(RIG_EV_OTHER, 1, 1);
    write_serials(RIG_EV_BOTH, 2, 1);
    assert_int_equal(read_busy(), 1);
    assert_serial(&got[0], 1);
    assert_int_equal(rig_read(&rig, XEN_FLIGHTREC_CH_RARE, got, 9), 1);
    assert_serial(&got[0], 2);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted, 1);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_RARE).emitted, 1);

    assert_int_equal(fr_refused_after(XEN_FLIGHTREC_CH_BUSY, 0),
                     RIG_EV_BUSY < RIG_EV_BOTH ? RIG_EV_BUSY : RIG_EV_BOTH);
    assert_int_equal(fr_refused_after(XEN_FLIGHTREC_CH_BUSY,
                                      RIG_EV_BUSY < RIG_EV_BOTH ? RIG_EV_BUSY
                                                                : RIG_EV_BOTH),
                     RIG_EV_BUSY < RIG_EV_BOTH ? RIG_EV_BOTH : RIG_EV_BUSY);
    assert_int_equal(fr_refused_after(XEN_FLIGHTREC_CH_RARE, 0), 0);
    assert_int_equal(fr_refused_after(FR_CHANNELS, 0), 0);

    assert_int_equal(fr_refuse(XEN_FLIGHTREC_CH_BUSY, RIG_EV_BUSY, false), 0);
    assert_int_equal(fr_refuse(XEN_FLIGHTREC_CH_BUSY, RIG_EV_BOTH, false), 0);
    assert_int_equal(fr_refused_after(XEN_FLIGHTREC_CH_BUSY, 0), 0);
    write_serials(RIG_EV_BUSY, 3, 1);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted, 2);
    assert_int_equal(fr_refuse(FR_CHANNELS, RIG_EV_BUSY, true), -EINVAL);
    assert_int_equal(fr_refuse(0, RIG_EV_BUSY | 0xffe, true), -ENOENT);
}

static void test_mask_invalid(void **state)
{
    uint32_t was = fr_get_mask(XEN_FLIGHTREC_CH_BUSY);

    assert_int_equal(fr_set_mask(FR_CHANNELS, 0), -EINVAL);
    assert_int_equal(fr_set_mask(0, 0x10000000), -EINVAL);
    assert_int_equal(fr_set_mask(0, 1), -EINVAL);
    assert_int_equal(fr_get_mask(0), was);
    assert_int_equal(fr_get_mask(FR_CHANNELS), 0);
}

/* --------------------------------------------------------------- switch -- */

/* The newest records are present, in order and without gaps. */
static void test_switch_overwrites_oldest(void **state)
{
    struct xen_flightrec_op_cpu c;
    uint64_t seq = 0;
    int i, n;

    write_serials(RIG_EV_BUSY, 0, 1000);

    n = read_busy();
    assert_true(n >= 5 * 8);
    for ( i = 0; i < n; i++ )
    {
        assert_serial(&got[i], 1000 - n + i);
        assert_true(got[i].seq == seq || !seq || got[i].seq == seq + 1);
        seq = got[i].seq;
    }

    c = counters(XEN_FLIGHTREC_CH_BUSY);
    assert_int_equal(c.emitted, 1000);
    assert_int_equal(c.overwritten, 1000 - n);
    assert_int_equal(c.newest_seq, seq);
    assert_int_equal(c.writable, small.slots);
    assert_int_equal(c.held, 0);
    assert_true(c.oldest_tsc <= got[0].rec.tsc + 16);
    assert_true(c.tsc > got[n - 1].rec.tsc);
}

static void test_switch_header(void **state)
{
    struct packet p;

    fr_hosted_domid = 7;
    fr_hosted_vcpu = 3;
    write_serials(RIG_EV_BUSY, 0, 8);   /* 8 * 4 words fill a slot */
    fr_hosted_domid = 8;
    fr_hosted_vcpu = 1;
    write_serials(RIG_EV_BUSY, 8, 1);

    assert_int_equal(rig_packet(&rig, XEN_FLIGHTREC_CH_BUSY, 0, &p), 0);
    assert_int_equal(p.hdr.used_bytes, 256);
    assert_int_equal(p.hdr.records, 8);
    assert_int_equal(p.hdr.seq, 1);
    assert_int_equal(p.hdr.cpu, rig.cpu->cpu);
    assert_int_equal(p.hdr.domid, 7);
    assert_int_equal(p.hdr.vcpu, 3);
    assert_int_equal(p.hdr.emitted, 1);
    assert_int_equal(p.hdr.flags, XEN_FLIGHTREC_PKT_SYNC);
    assert_int_not_equal(p.hdr.sync_tsc, 0);

    assert_int_equal(rig_packet(&rig, XEN_FLIGHTREC_CH_BUSY, 1, &p), 0);
    assert_int_equal(p.hdr.seq, 2);
    assert_int_equal(p.hdr.slot, 1);
    assert_int_equal(p.hdr.domid, 8);
    assert_int_equal(p.hdr.emitted, 9);
    assert_int_equal(p.hdr.channel, XEN_FLIGHTREC_CH_BUSY);
}

/* ---------------------------------------------------------------- times -- */

/* Each record's stamp is the clock's to a step, after any gap. */
static void test_time_gaps(void **state)
{
    static const uint64_t units[] = { 0, 1, 1000, (1 << 20) - 3, (1 << 20) - 2,
        (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20, 1ULL << 33,
        1ULL << 42 };
    unsigned int shift = fr_tsc_shift(), i, j, n = 0;
    uint64_t *want = calloc(2000, sizeof(*want));

    assert_non_null(want);
    rig_tick = 0;
    for ( i = 0; i < 11; i++ )
        for ( j = 0; j < 11 * 12; j++ )
        {
            rig_tsc += (units[i] << shift) + (units[j % 11] << shift) + j / 11;
            want[n++] = rig_tsc;
            write_serials(RIG_EV_BUSY, n - 1, 1);
        }

    assert_int_equal(read_busy(), n);
    for ( i = 0; i < n; i++ )
    {
        assert_serial(&got[i], i);
        assert_int_equal(got[i].rec.tsc >> shift, want[i] >> shift);
    }
    free(want);
}

/* Anchors of 12 bytes: one for each long gap, and no others. */
static void test_time_anchors_are_few(void **state)
{
    struct xen_flightrec_op_cpu before, after;
    uint64_t used;

    write_serials(RIG_EV_BUSY, 0, 1);
    before = counters(XEN_FLIGHTREC_CH_BUSY);
    used = rig.cpu->ring[XEN_FLIGHTREC_CH_BUSY].pos & FR_OFF_MASK;
    write_serials(RIG_EV_BUSY, 1, 10);
    used += 10 * 16;
    assert_int_equal(rig.cpu->ring[XEN_FLIGHTREC_CH_BUSY].pos & FR_OFF_MASK,
                     used);
    rig_tsc += WINDOW;
    write_serials(RIG_EV_BUSY, 11, 10);
    used += 10 * 16 + 12;
    assert_int_equal(rig.cpu->ring[XEN_FLIGHTREC_CH_BUSY].pos & FR_OFF_MASK,
                     used);
    after = counters(XEN_FLIGHTREC_CH_BUSY);
    assert_int_equal(after.newest_seq, before.newest_seq);
    assert_int_equal(after.emitted, 21);
}

static void test_time_jumps_back(void **state)
{
    unsigned int shift = fr_tsc_shift(), i;
    uint64_t want[60], now = 1ULL << 40;

    rig_tick = 0;
    for ( i = 0; i < 60; i++ )
    {
        now -= i % 3 ? 1ULL << (i / 2) : 0;
        rig_tsc = want[i] = now;
        write_serials(RIG_EV_BUSY, i, 1);
    }
    assert_int_equal(read_busy(), 60);
    for ( i = 0; i < 60; i++ )
        assert_int_equal(got[i].rec.tsc >> shift, want[i] >> shift);
}

static void test_resume_anchors(void **state)
{
    struct packet_iter it;
    struct packet p;
    uint64_t used;

    write_serials(RIG_EV_BUSY, 0, 2);
    used = rig.cpu->ring[XEN_FLIGHTREC_CH_BUSY].pos & FR_OFF_MASK;
    fr_cpu_resume(rig.cpu);
    write_serials(RIG_EV_BUSY, 2, 2);
    assert_int_equal(rig.cpu->ring[XEN_FLIGHTREC_CH_BUSY].pos & FR_OFF_MASK,
                     used + 2 * 16 + 12);
    assert_int_equal(rig_packet(&rig, XEN_FLIGHTREC_CH_BUSY, 0, &p), 0);
    packet_iter_init(&it, &p);
    assert_int_equal(packet_word(p.records + 8 * 4) & XEN_FLIGHTREC_ID_MASK,
                     XEN_FLIGHTREC_ID_ANCHOR);
    assert_int_equal(read_busy(), 4);
}

/* --------------------------------------------------------------- freeze -- */

static void assert_audit(uint32_t gen, unsigned int ch)
{
    const struct xen_flightrec_audit *a = rig_audit(&rig, ch, gen);

    assert_non_null(a);
    assert_int_equal(rig_imbalance(a), 0);
    assert_int_equal(counters(ch).emitted >= a->emitted, 1);
}

static void test_freeze_holds(void **state)
{
    const struct xen_flightrec_audit *a;
    uint32_t gen, first, last = 0;
    uint8_t *copy;
    int i, n, held = 0;

    write_serials(RIG_EV_BUSY, 0, 1000);
    gen = rig_freeze();
    assert_int_not_equal(gen, 0);
    assert_false(fr_quiescent(rig.cpu, gen));
    assert_true(fr_adopt(rig.cpu));
    assert_true(fr_quiescent(rig.cpu, gen));
    assert_false(fr_quiescent(rig.cpu, gen + 1));

    /* The newest are held, including the last, without a gap. */
    n = read_busy();
    for ( i = 0; i < n; i++ )
    {
        if ( got[i].hold_gen )
            held++;
        else
            assert_int_equal(held, 0);
    }
    first = 1000 - held;
    assert_true(held > 8);
    for ( i = 0; i < held; i++ )
        assert_serial(&got[n - held + i], first + i);

    a = rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen);
    assert_non_null(a);
    assert_int_equal(a->emitted, 1000);
    assert_int_equal(a->late, 0);
    assert_int_equal(a->held, held);
    assert_int_equal(a->slots, small.slots - small.spares);
    assert_int_equal(a->held_earlier, 0);
    assert_int_equal(a->sacrificed, n - held);
    assert_int_equal(a->overwritten, 1000 - n);
    assert_audit(gen, XEN_FLIGHTREC_CH_RARE);

    /* Recording continues, and the held slots do not change. */
    copy = malloc(small.slots * small.slot_bytes);
    assert_non_null(copy);
    memcpy(copy, rig.mem[XEN_FLIGHTREC_CH_BUSY],
           small.slots * small.slot_bytes);
    write_serials(RIG_EV_BUSY, 1000, 1000);
    n = read_busy();
    for ( i = 0; i < n; i++ )
    {
        uint32_t serial = got[i].rec.data[0];

        if ( got[i].hold_gen == gen )
            assert_memory_equal(copy + got[i].slot * small.slot_bytes,
                                (uint8_t *)rig.mem[XEN_FLIGHTREC_CH_BUSY] +
                                got[i].slot * small.slot_bytes,
                                small.slot_bytes);
        else
            assert_true(serial >= 1000);
        last = serial;
    }
    assert_int_equal(last, 1999);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).held, 4);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).writable, 2);
    free(copy);

    /* Released: the whole ring is used again, oldest first. */
    assert_int_equal(fr_release(gen), 0);
    write_serials(RIG_EV_BUSY, 2000, 1000);
    n = read_busy();
    assert_true(n >= 5 * 8);
    for ( i = 0; i < n; i++ )
        assert_serial(&got[i], 3000 - n + i);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).held, 0);
}

/* An interrupt inside a record adopts, then the record continues. */
static uint32_t interrupt_gen;
static bool interrupt_quiescent;

static uint64_t interrupting_clock(void)
{
    static bool inside;

    if ( !inside && !interrupt_gen )
    {
        inside = true;
        interrupt_gen = rig_freeze();
        assert_true(fr_adopt(rig.cpu));
        interrupt_quiescent = fr_quiescent(rig.cpu, interrupt_gen);
        inside = false;
    }
    return rig_tsc += rig_tick;
}

/* The interrupted record is emitted, but neither held nor late yet. */
static void test_quiescent_when_settled(void **state)
{
    uint64_t (*clock)(void) = fr_hosted_clock;

    write_serials(RIG_EV_BUSY, 0, 100);
    interrupt_gen = 0;
    fr_hosted_clock = interrupting_clock;
    write_serials(RIG_EV_BUSY, 100, 1);
    fr_hosted_clock = clock;
    assert_false(interrupt_quiescent);
    assert_true(fr_quiescent(rig.cpu, interrupt_gen));
    assert_int_equal(rig_imbalance(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY,
                                             interrupt_gen)), 0);
}

/* The next record adopts and is not held. */
static void test_freeze_adopted_by_record(void **state)
{
    const struct xen_flightrec_audit *a;
    uint32_t gen;
    int i, n;

    write_serials(RIG_EV_BUSY, 0, 100);
    gen = rig_freeze();
    write_serials(RIG_EV_BUSY, 100, 1);
    assert_true(fr_quiescent(rig.cpu, gen));

    n = read_busy();
    for ( i = 0; i < n; i++ )
        if ( got[i].rec.data[0] == 100 )
            assert_int_equal(got[i].hold_gen, 0);
    assert_serial(&got[n - 1], 100);

    /* Counted before the adoption, written after it. */
    a = rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen);
    assert_non_null(a);
    assert_int_equal(a->emitted, 101);
    assert_int_equal(a->late, 1);
    assert_audit(gen, XEN_FLIGHTREC_CH_BUSY);
    assert_audit(gen, XEN_FLIGHTREC_CH_RARE);
}

/* Slots that were never used are not held. */
static void test_freeze_nearly_empty(void **state)
{
    uint32_t gen;

    write_serials(RIG_EV_BUSY, 0, 3);
    gen = rig_freeze();
    assert_true(fr_adopt(rig.cpu));
    assert_int_equal(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen)->slots, 1);
    assert_int_equal(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen)->held, 3);
    assert_int_equal(rig_audit(&rig, XEN_FLIGHTREC_CH_RARE, gen)->slots, 0);
    assert_audit(gen, XEN_FLIGHTREC_CH_BUSY);
    assert_audit(gen, XEN_FLIGHTREC_CH_RARE);
    write_serials(RIG_EV_BUSY, 3, 1);
    assert_int_equal(read_busy(), 4);
}

/* Four held at once: each keeps its own last records, the spares shrink. */
static void test_freeze_four_generations(void **state)
{
    uint32_t gen[XEN_FLIGHTREC_MAX_HELD], serial = 0;
    unsigned int i, j;
    int n;

    write_serials(RIG_EV_BOTH, 0, 10000);
    serial = 10000;
    for ( i = 0; i < XEN_FLIGHTREC_MAX_HELD; i++ )
    {
        gen[i] = rig_freeze();
        assert_int_not_equal(gen[i], 0);
        assert_true(fr_adopt(rig.cpu));
        assert_audit(gen[i], XEN_FLIGHTREC_CH_BUSY);
        assert_audit(gen[i], XEN_FLIGHTREC_CH_RARE);

        /* Its newest record is the last one written before it. */
        n = read_busy();
        for ( j = n; j && got[j - 1].hold_gen != gen[i]; j-- )
            ;
        assert_true(j > 0);
        assert_serial(&got[j - 1], serial - 1);

        write_serials(RIG_EV_BOTH, serial, 2500);
        serial += 2500;
    }

    for ( i = 0; i < XEN_FLIGHTREC_MAX_HELD; i++ )
        assert_true(fr_quiescent(rig.cpu, gen[i]));
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).writable, 2);

    for ( i = 0; i < XEN_FLIGHTREC_MAX_HELD; i++ )
    {
        assert_int_equal(fr_release(gen[i]), 0);
        write_serials(RIG_EV_BOTH, serial++, 1);
    }
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).writable, roomy.slots);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_RARE).held, 0);
}

/* Two begin before the pCPU adopts: the newest holds all. */
static void test_freeze_twice_before_adoption(void **state)
{
    uint32_t a, b;

    write_serials(RIG_EV_BUSY, 0, 500);
    a = rig_freeze();
    b = rig_freeze();
    assert_int_equal(b, a + 1);
    assert_true(fr_adopt(rig.cpu));
    assert_true(fr_quiescent(rig.cpu, a));
    assert_true(fr_quiescent(rig.cpu, b));
    assert_null(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, a));
    assert_audit(b, XEN_FLIGHTREC_CH_BUSY);
    assert_true(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, b)->held > 0);
    assert_int_equal(fr_release(a), 0);
    assert_true(fr_adopt(rig.cpu));
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).held, 4);
}

/* Released before the pCPU adopted: it never holds. */
static void test_release_before_adoption(void **state)
{
    uint32_t gen;
    int n;

    write_serials(RIG_EV_BUSY, 0, 500);
    gen = rig_freeze();
    assert_int_equal(fr_release(gen), 0);
    write_serials(RIG_EV_BUSY, 500, 500);
    assert_null(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen));
    n = read_busy();
    assert_serial(&got[n - 1], 999);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).overwritten, 1000 - n);
}

static void test_release_order(void **state)
{
    uint32_t a = rig_freeze(), b = rig_freeze(), gen, released;

    assert_int_equal(fr_release(b), -EINVAL);
    assert_int_equal(fr_release(b + 1), -ENOENT);
    assert_int_equal(fr_release(a - 1), -ENOENT);
    fr_generations(&gen, &released);
    assert_int_equal(gen, b);
    assert_int_equal(released, a - 1);
    assert_int_equal(fr_release(a), 0);
    assert_int_equal(fr_release(a), -ENOENT);
    assert_int_equal(fr_release(b), 0);
    assert_int_equal(fr_ack(b), -ENOENT);
    fr_generations(&gen, &released);
    assert_int_equal(released, b);
}

/* The fifth replaces the first, unless that one is acknowledged. */
static void test_freeze_gives_way(void **state)
{
    struct xen_flightrec_trigger t = { .cause = XEN_FLIGHTREC_CAUSE_CRASH };
    uint32_t first = rig_freeze(), gen, released;
    unsigned int i;
    bool gave_up;

    for ( i = 1; i < XEN_FLIGHTREC_MAX_HELD; i++ )
    {
        assert_int_equal(fr_freeze(&t, &gave_up), 0);
        assert_false(gave_up);
    }
    write_serials(RIG_EV_BUSY, 0, 500);
    assert_int_equal(fr_freeze(&t, &gave_up), 0);
    assert_true(gave_up);
    fr_generations(&gen, &released);
    assert_int_equal(gen, t.gen);
    assert_int_equal(released, first);
    assert_int_equal(fr_trigger_read(first, &t), -ENOENT);
    write_serials(RIG_EV_BUSY, 500, 500);

    assert_int_equal(fr_ack(first + 1), 0);
    assert_int_equal(fr_freeze(&t, &gave_up), -EBUSY);
    fr_generations(&gen, &released);
    assert_int_equal(gen, first + XEN_FLIGHTREC_MAX_HELD);
    assert_int_equal(fr_trigger_read(first + 1, &t), 0);
    assert_true(t.flags & XEN_FLIGHTREC_TRG_ACKED);

    /* Released and begun again: the acknowledgement is gone. */
    assert_int_equal(fr_release(first + 1), 0);
    t.flags = 0;
    assert_int_equal(fr_freeze(&t, &gave_up), 0);
    assert_false(gave_up);
    assert_int_equal(fr_trigger_read(t.gen, &t), 0);
    assert_false(t.flags & XEN_FLIGHTREC_TRG_ACKED);
}

static void test_trigger_read(void **state)
{
    struct xen_flightrec_trigger t = {
        .cause = XEN_FLIGHTREC_CAUSE_WATCHDOG, .flags = XEN_FLIGHTREC_TRG_RIP,
        .cpu = 3, .domid = 17, .vcpu = 2, .reason = 4, .rip = 0x1234,
        .handle = { 1, 2, 3 },
    }, r = { 0 };
    uint64_t before = rig_tsc;
    bool gave_up;

    assert_int_equal(fr_trigger_read(0, &r), -ENOENT);
    assert_int_equal(fr_freeze(&t, &gave_up), 0);
    assert_true(t.tsc > before);
    assert_int_equal(fr_trigger_read(t.gen, &r), 0);
    assert_memory_equal(&r, &t, sizeof(t));
    assert_int_equal(fr_trigger_read(t.gen + 1, &r), -ENOENT);
    assert_int_equal(fr_release(t.gen), 0);
    assert_int_equal(fr_trigger_read(t.gen, &r), -ENOENT);
}

/* Hundreds of freezes at any point: each account is exact. */
static void test_audit_always_balances(void **state)
{
    uint32_t serial = 0, gen, i;

    for ( i = 0; i < 300; i++ )
    {
        write_serials(i % 5 ? RIG_EV_BUSY : RIG_EV_BOTH, serial, i * 7 % 41);
        serial += i * 7 % 41;
        gen = rig_freeze();
        if ( i & 1 )
            assert_true(fr_adopt(rig.cpu));
        else
            write_serials(RIG_EV_BOTH, serial++, 1);
        assert_audit(gen, XEN_FLIGHTREC_CH_BUSY);
        assert_audit(gen, XEN_FLIGHTREC_CH_RARE);
        assert_int_equal(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen)->emitted,
                         serial);
        if ( i & 2 )
            write_serials(RIG_EV_BUSY, serial++, 1);
        assert_int_equal(fr_release(gen), 0);
    }
}

/* More records than the count can hold beside its epoch. */
static void test_counters_fold(void **state)
{
    struct fr_ring *r = &rig.cpu->ring[XEN_FLIGHTREC_CH_BUSY];
    uint32_t gen;

    write_serials(RIG_EV_BUSY, 0, 4);
    r->emitted += (1ULL << 39) - 10;    /* simulate as many records */
    r->overwritten += (1ULL << 39) - 10;
    write_serials(RIG_EV_BUSY, 4, 100);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted,
                     (1ULL << 39) - 10 + 104);
    assert_true((r->emitted & FR_COUNT_MASK) < 1000);
    gen = rig_freeze();
    assert_true(fr_adopt(rig.cpu));
    assert_audit(gen, XEN_FLIGHTREC_CH_BUSY);
    assert_int_equal(rig_audit(&rig, XEN_FLIGHTREC_CH_BUSY, gen)->emitted,
                     (1ULL << 39) - 10 + 104);
}

/*
 * Destroy the buffers at the n-th read of the pCPU's pointer or of the clock:
 * another pCPU clears the pointer while this one is inside a record.
 */
static unsigned int destroy_at;
static uint64_t destroy_gap;

static void destroy_soon(void)
{
    if ( destroy_at && !--destroy_at )
    {
        fr_hosted_cpu = NULL;
        rig_tsc += destroy_gap;
    }
}

static uint64_t clock_of_destroy(void)
{
    rig_tsc += rig_tick;
    destroy_soon();
    return rig_tsc;
}

/* One record of each kind, with the buffers destroyed at each point of it. */
static void test_destroy_inside_a_record(void **state)
{
    static const uint32_t event[] = { RIG_EV_BUSY, RIG_EV_BOTH, RIG_EV_OTHER };
    static const unsigned int bytes[] = { 0, 8, 7, 28 };
    uint64_t (*clock)(void) = fr_hosted_clock;
    uint32_t words[7] = { 0 };
    unsigned int e, b, at, gap;

    fr_hosted_clock = clock_of_destroy;
    fr_hosted_this_cpu = destroy_soon;
    for ( e = 0; e < 3; e++ )
        for ( b = 0; b < 4; b++ )
            for ( at = 1; at < 6; at++ )
                for ( gap = 0; gap < 2; gap++ )
                {
                    destroy_gap = gap ? 1ULL << 40 : 0;
                    destroy_at = at;
                    fr_trace(event[e], words, bytes[b]);
                    destroy_at = 0;
                    fr_hosted_cpu = rig.cpu;
                }
    fr_hosted_this_cpu = NULL;
    fr_hosted_clock = clock;

    /* All that were counted are accounted for. */
    at = rig_freeze();
    assert_true(fr_adopt(rig.cpu));
    assert_audit(at, XEN_FLIGHTREC_CH_BUSY);
    assert_audit(at, XEN_FLIGHTREC_CH_RARE);
}

/* The full slot and a new generation send the fast path to the slow one. */
static void test_destroy_before_a_switch(void **state)
{
    uint64_t (*clock)(void) = fr_hosted_clock;
    uint32_t words[3] = { 0 };
    unsigned int i;

    fr_hosted_this_cpu = destroy_soon;
    fr_hosted_clock = clock_of_destroy;
    for ( i = 0; i < 100; i++ )
    {
        if ( i % 10 == 5 )
            fr_release(rig_freeze());
        /* The first read of the pointer is the last. */
        destroy_at = 2;
        destroy_gap = 0;
        fr_trace(RIG_EV_BUSY, words, 12);
        fr_hosted_cpu = rig.cpu;
    }
    destroy_at = 0;
    fr_hosted_this_cpu = NULL;
    fr_hosted_clock = clock;
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).emitted, 100);
    assert_int_equal(counters(XEN_FLIGHTREC_CH_BUSY).newest_seq > 5, 1);
}

/* Must be the last test: a stop cannot be undone. */
static void test_stop(void **state)
{
    struct xen_flightrec_trigger t = { 0 };
    uint32_t gen, released;
    uint8_t *copy = malloc(small.slots * small.slot_bytes);
    bool gave_up;

    assert_non_null(copy);
    write_serials(RIG_EV_BUSY, 0, 21);
    assert_false(fr_stopped());
    fr_stop();
    fr_stop();
    assert_true(fr_stopped());

    memcpy(copy, rig.mem[XEN_FLIGHTREC_CH_BUSY],
           small.slots * small.slot_bytes);
    write_serials(RIG_EV_BUSY, 21, 9);
    write_serials(RIG_EV_BOTH, 30, 2);
    assert_true(fr_adopt(rig.cpu));
    assert_memory_equal(copy, rig.mem[XEN_FLIGHTREC_CH_BUSY],
                        small.slots * small.slot_bytes);
    assert_int_equal(read_busy(), 21);
    assert_int_equal(counters(0).lost[XEN_FLIGHTREC_LOST_STOPPED], 11);
    assert_int_equal(counters(1).lost[XEN_FLIGHTREC_LOST_STOPPED], 2);
    assert_int_equal(counters(0).emitted, 32);

    assert_int_equal(fr_freeze(&t, &gave_up), -ENODEV);
    assert_int_equal(fr_ack(1), -ENOENT);
    assert_int_equal(fr_release(1), -ENOENT);
    assert_int_equal(fr_trigger_read(1, &t), -ENOENT);
    fr_generations(&gen, &released);
    assert_int_equal(gen, 0);
    free(copy);
}

#define SMALL(t) cmocka_unit_test_setup_teardown(t, open_small, shut)
#define ROOMY(t) cmocka_unit_test_setup_teardown(t, open_roomy, shut)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_step),
        cmocka_unit_test(test_geometry_sizes),
        cmocka_unit_test(test_geometry_refused),
        ROOMY(test_cpu_init_information),
        ROOMY(test_trace_lengths),
        ROOMY(test_trace_reads_no_further),
        ROOMY(test_trace_huge_length),
        ROOMY(test_trace_every_event),
        SMALL(test_trace_no_alias),
        ROOMY(test_trace_escape),
        ROOMY(test_trace_channels),
        ROOMY(test_trace_no_cpu),
        ROOMY(test_mask_refuses),
        ROOMY(test_mask_subclass),
        ROOMY(test_refuse_event), ROOMY(test_mask_invalid),
        SMALL(test_switch_overwrites_oldest),
        SMALL(test_switch_header),
        ROOMY(test_time_gaps),
        ROOMY(test_time_anchors_are_few),
        ROOMY(test_time_jumps_back),
        ROOMY(test_resume_anchors),
        SMALL(test_freeze_holds),
        SMALL(test_freeze_adopted_by_record),
        SMALL(test_quiescent_when_settled),
        SMALL(test_freeze_nearly_empty),
        ROOMY(test_freeze_four_generations),
        SMALL(test_freeze_twice_before_adoption),
        SMALL(test_release_before_adoption),
        SMALL(test_release_order),
        ROOMY(test_freeze_gives_way),
        SMALL(test_trigger_read),
        SMALL(test_audit_always_balances),
        SMALL(test_counters_fold),
        ROOMY(test_destroy_inside_a_record),
        SMALL(test_destroy_before_a_switch),
        SMALL(test_stop),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
