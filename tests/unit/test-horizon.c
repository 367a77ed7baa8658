/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-horizon.c: how far back the rings reach, from headers made by hand. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/xen/horizon.h"

#define KHZ        2000000
#define SLOTS      8
#define SLOT_BYTES 4096
#define CPUS       2
#define NOW_NS     100000000000ULL
#define MS         1000000ULL

static struct page {
    struct xen_flightrec_cpu cpu;
    uint8_t rest[4096 - sizeof(struct xen_flightrec_cpu)];
    uint8_t slot[XEN_FLIGHTREC_CHANNELS][SLOTS][SLOT_BYTES];
} page[CPUS];

static struct ring_map map[CPUS];
static struct rings rings;
static struct xen_flightrec_op_status status;
static struct xen_flightrec_op_cpu counters[CPUS][XEN_FLIGHTREC_CHANNELS];
static int denied;

static int answer(void *arg, struct xen_flightrec_op *o)
{
    switch ( o->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        o->u.status = status;
        return denied;
    case XEN_FLIGHTREC_OP_clock:
        o->u.clock.tsc = NOW_NS * 2;
        o->u.clock.ns = NOW_NS;
        return 0;
    case XEN_FLIGHTREC_OP_cpu:
        if ( o->u.cpu.cpu >= CPUS )
            return -ENODEV;
        o->u.cpu = counters[o->u.cpu.cpu][o->u.cpu.channel];
        return 0;
    default:
        return -EINVAL;
    }
}

/* All pCPUs: eight empty slots of each channel, two spares. */
static int begin(void **state)
{
    memset(page, 0, sizeof(page));
    memset(counters, 0, sizeof(counters));
    denied = 0;
    status = (struct xen_flightrec_op_status){
        .version = XEN_FLIGHTREC_VERSION,
        .state = XEN_FLIGHTREC_ST_CREATED | XEN_FLIGHTREC_ST_RUNNING,
        .incarnation = 1, .nr_cpus = CPUS + 1, .tsc_khz = KHZ,
    };
    rings = (struct rings){ .map = map, .nr = CPUS, .info.incarnation = 1 };
    for ( unsigned int i = 0; i < CPUS; i++ )
    {
        map[i] = (struct ring_map){ .cpu = i, .page = &page[i].cpu };
        for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        {
            map[i].ch[ch] = (struct xen_flightrec_channel){
                .first_frame = 1 + ch * SLOTS, .slot_bytes = SLOT_BYTES,
                .slots = SLOTS, .spares = 2,
            };
            counters[i][ch].flags = XEN_FLIGHTREC_CPU_ONLINE;
        }
    }
    return 0;
}

/* Packet `seq`, begun `ms` ago; 100 records of 10 bytes, or still open. */
static struct xen_flightrec_packet *put(unsigned int cpu, unsigned int ch,
                                        uint64_t seq, uint64_t ms, bool open)
{
    struct xen_flightrec_packet *p = (void *)page[cpu].slot[ch][seq % SLOTS];

    *p = (struct xen_flightrec_packet){
        .magic = XEN_FLIGHTREC_PACKET_MAGIC, .seq = seq,
        .flags = XEN_FLIGHTREC_PKT_SYNC,
        /* The TSC was written since: its stamps must not be used. */
        .begin_tsc = 1ULL << 50, .sync_tsc = 1ULL << 50,
        .sync_ns = NOW_NS - ms * MS,
        .emitted = (seq - 1) * 100,
        .overwritten = seq > SLOTS ? (seq - SLOTS) * 100 : 0,
        .used_bytes = open ? 0 : 1000, .records = open ? 0 : 100,
    };
    counters[cpu][ch].emitted = seq * 100;
    counters[cpu][ch].overwritten = p->overwritten;
    return p;
}

/* Packets 1..last, one each 10 ms, the last one open. */
static void fill(unsigned int cpu, unsigned int ch, uint64_t last)
{
    for ( uint64_t seq = 1; seq <= last; seq++ )
        put(cpu, ch, seq, (last - seq + 1) * 10, seq == last);
}

static struct horizon_channel busy(unsigned int cpu)
{
    struct horizon_channel c;
    struct horizon h;

    assert_int_equal(horizon_read(answer, NULL, &rings, &h), 0);
    assert_int_equal(h.nr, CPUS);
    c = h.cpu[cpu].ch[XEN_FLIGHTREC_CH_BUSY];
    horizon_free(&h);
    return c;
}

static void test_a_new_ring_has_its_whole_history(void **state)
{
    struct horizon_channel c;

    fill(0, 0, 3);
    c = busy(0);
    assert_true(c.measured);
    assert_true(c.whole);
    assert_int_equal(c.reach_ns, 30 * MS);
    assert_int_equal((int)(c.events_per_s + .5), 10000);
    assert_int_equal((int)(c.bytes_per_event * 10 + .5), 100);

    /* Never written: no age, and nothing is missing. */
    c = busy(1);
    assert_true(c.measured);
    assert_int_equal(c.reach_ns, 0);
    assert_true(c.events_per_s == 0 && c.bytes_per_event == 0);
}

static void test_a_snapshot_loses_the_spares(void **state)
{
    struct horizon_channel c;

    fill(0, 0, 20); /* 13..20 are there, 13 and 14 would be overwritten */
    c = busy(0);
    assert_false(c.whole);
    assert_int_equal(c.reach_ns, 60 * MS);
    assert_int_equal((int)(c.events_per_s + .5), 10000);

    /* Seven used: the slot never used is one of the two. */
    begin(state);
    fill(0, 0, 7);
    assert_int_equal(busy(0).reach_ns, 60 * MS);
    assert_false(busy(0).whole);
}

static void test_held_slots_do_not_count(void **state)
{
    fill(0, 0, 20);
    status.gen = 1;
    map[0].ch[0].spares = 5; /* 5 at first, 4 with one held already */
    for ( uint64_t seq = 13; seq <= 15; seq++ )
        ((struct xen_flightrec_packet *)page[0].slot[0][seq % SLOTS])
            ->hold_gen = 1;
    assert_int_equal(busy(0).reach_ns, 10 * MS);
    status.gen = 9; /* nine more than released: as for four */
    assert_int_equal(busy(0).reach_ns, 30 * MS);
    status.released = 9;
    assert_int_equal(busy(0).reach_ns, 0);
}

static void test_without_a_pair_the_tsc_is_used(void **state)
{
    struct xen_flightrec_packet *p;

    fill(0, 0, 3);
    p = put(0, 0, 1, 30, false);
    p->flags = 0;
    p->begin_tsc = NOW_NS * 2 - 50 * MS * 2;
    assert_int_equal(busy(0).reach_ns, 50 * MS);
    p->begin_tsc = UINT64_MAX; /* in the future: no age */
    assert_int_equal(busy(0).reach_ns, 0);
}

static void test_without_the_mapping_counters_are_used(void **state)
{
    struct horizon h;

    fill(0, 0, 20);
    counters[0][0].tsc = 1000 * MS;
    counters[0][0].oldest_tsc = 800 * MS;
    counters[0][0].lost[XEN_FLIGHTREC_LOST_BUSY] = 7;
    rings.info.incarnation = 2; /* of destroyed buffers */
    assert_int_equal(horizon_read(answer, NULL, &rings, &h), 0);
    assert_false(h.cpu[0].ch[0].measured);
    assert_int_equal(h.cpu[0].ch[0].reach_ns, 100 * MS);
    assert_int_equal(h.cpu[0].ch[0].lost[XEN_FLIGHTREC_LOST_BUSY], 7);
    assert_int_equal(h.complete_ns[0], 100 * MS);
    horizon_free(&h);
}

static void test_complete_begins_at_the_shortest(void **state)
{
    struct horizon h;

    fill(0, 0, 20);         /* 60 ms */
    fill(1, 0, 3);          /* 30 ms, the whole history */
    fill(0, 1, 2);
    fill(1, 1, 3);
    assert_int_equal(horizon_read(answer, NULL, &rings, &h), 0);
    assert_int_equal(h.complete_ns[XEN_FLIGHTREC_CH_BUSY], 60 * MS);
    assert_int_equal(h.complete_ns[XEN_FLIGHTREC_CH_RARE], 30 * MS);
    horizon_free(&h);
}

static void test_no_buffers_and_errors(void **state)
{
    struct horizon h;

    status.state = 0;
    assert_int_equal(horizon_read(answer, NULL, NULL, &h), 0);
    assert_int_equal(h.nr, 0);
    horizon_free(&h);
    status.state = XEN_FLIGHTREC_ST_CREATED;
    status.tsc_khz = 0;
    assert_int_equal(horizon_read(answer, NULL, NULL, &h), -EPROTO);
    horizon_free(&h);
    denied = -EPERM;
    assert_int_equal(horizon_read(answer, NULL, NULL, &h), -EPERM);
    horizon_free(&h);
}

static void test_json_leaves_out_unknown_rates(void **state)
{
    const json_t *c;
    struct horizon h;
    json_t *list;

    fill(0, 0, 20);
    assert_int_equal(horizon_read(answer, NULL, &rings, &h), 0);
    list = horizon_cpus_json(&h);
    horizon_free(&h);
    c = json_object_get(json_object_get(json_array_get(list, 0), "channels"),
                        "busy");
    assert_int_equal(json_integer_value(json_object_get(c, "emitted")), 2000);
    assert_true(json_real_value(json_object_get(c, "horizon_s")) == .06);
    assert_non_null(json_object_get(c, "events_per_s"));
    json_decref(list);

    assert_int_equal(horizon_read(answer, NULL, NULL, &h), 0);
    list = horizon_cpus_json(&h);
    horizon_free(&h);
    c = json_object_get(json_object_get(json_array_get(list, 0), "channels"),
                        "busy");
    assert_null(json_object_get(c, "events_per_s"));
    json_decref(list);
}

#define TEST(f) cmocka_unit_test_setup(f, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_new_ring_has_its_whole_history),
        TEST(test_a_snapshot_loses_the_spares),
        TEST(test_held_slots_do_not_count),
        TEST(test_without_a_pair_the_tsc_is_used),
        TEST(test_without_the_mapping_counters_are_used),
        TEST(test_complete_begins_at_the_shortest),
        TEST(test_no_buffers_and_errors),
        TEST(test_json_leaves_out_unknown_rates),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
