/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-window.c: from when to when a snapshot is complete, and when records were
 * lost, as the daemon computes it from the held rings.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "snapshotd/engine/meta.h"

#define KHZ     1000000 /* a tick is a ns */
#define S       1000000000LL
#define TRIGGER (1000 * S)
#define CPUS    3
#define PACKETS 8

static struct xen_flightrec_packet packet[CPUS][PACKETS];
static struct stream stream[CPUS];
static struct rings rings;
static struct trigger trigger;
static struct meta m;
static struct clock_fit fit;

/*
 * Packets of pCPU `cpu` from `from` ns before the trigger on, each `each` long;
 * before them `gone` records were overwritten.
 */
static void put(unsigned int cpu, int64_t from, int64_t each, uint64_t gone)
{
    struct stream *s = &stream[cpu];

    for ( unsigned int i = 0; i < PACKETS; i++ )
    {
        uint64_t tsc = TRIGGER - from + i * each;

        packet[cpu][i] = (struct xen_flightrec_packet){
            .cpu = cpu, .channel = XEN_FLIGHTREC_CH_BUSY,
            .flags = XEN_FLIGHTREC_PKT_SYNC, .seq = gone / 10 + i + 1,
            .begin_tsc = tsc, .sync_tsc = tsc, .sync_ns = tsc - 900 * S,
            .records = 10,
        };
        s->slot[i] = &packet[cpu][i];
    }
    s->cpu = cpu;
    s->channel = XEN_FLIGHTREC_CH_BUSY;
    s->found = s->balanced = true;
    s->nr = PACKETS;
    s->records = s->audit.held = 10 * PACKETS;
    s->audit.overwritten = gone;
    s->audit.tsc = TRIGGER + 1000 * (cpu + 1);
}

static int begin(void **state)
{
    memset(stream, 0, sizeof(stream));
    memset(&rings, 0, sizeof(rings));
    memset(&trigger, 0, sizeof(trigger));
    rings.info.tsc_khz = KHZ;
    trigger.t.tsc = TRIGGER;
    trigger.t.ns = TRIGGER - 900 * S;
    m = (struct meta){ .trigger = &trigger, .rings = &rings, .streams = stream,
                       .nr_streams = CPUS };
    put(0, 8 * S, S, 0);
    put(1, 6 * S, S / 2, 0);
    put(2, 9 * S, S, 0);
    return 0;
}

static int end(void **state)
{
    clock_free(&fit);
    return 0;
}

/* ns before the trigger; -1: nothing is known. */
static int64_t complete_from(void)
{
    struct meta_window w;

    clock_free(&fit);
    assert_int_equal(meta_fit(&m, &fit), 0);
    meta_window(&m, &fit, XEN_FLIGHTREC_CH_BUSY, &w);
    if ( !w.known )
        return -1;
    /* The first pCPU that took part: later records of another are extra. */
    assert_int_equal(w.to_tsc, TRIGGER + 1000);
    return TRIGGER - w.from_tsc;
}

static void test_nothing_overwritten_is_all_there_was(void **state)
{
    assert_int_equal(complete_from(), 9 * S);
}

static void test_the_youngest_begin_of_those_that_wrapped(void **state)
{
    put(0, 8 * S, S, 5000);
    assert_int_equal(complete_from(), 8 * S);
    put(2, 7 * S, S / 2, 70);
    assert_int_equal(complete_from(), 7 * S);
    /* Held by an earlier generation, or given up: as good as overwritten. */
    stream[1].audit.held_earlier = 1;
    assert_int_equal(complete_from(), 6 * S);
    stream[1].audit.held_earlier = 0;
    stream[1].audit.sacrificed = 1;
    assert_int_equal(complete_from(), 6 * S);
}

/* It recorded nothing since; but all that it recorded before is there. */
static void test_an_offline_pcpu_does_not_bound_the_end(void **state)
{
    put(1, 100 * S, S, 300);
    assert_int_equal(complete_from(), 100 * S);
    put(0, 8 * S, S, 10);
    assert_int_equal(complete_from(), 8 * S);
}

static void test_a_hole_begins_it_anew(void **state)
{
    for ( unsigned int i = 4; i < PACKETS; i++ )
        packet[0][i].seq++;
    assert_int_equal(complete_from(), 4 * S);
}

static void test_a_ring_with_nothing_left(void **state)
{
    stream[0].nr = 0;
    stream[0].records = stream[0].audit.held = 0;
    stream[0].audit.sacrificed = 7;
    assert_int_equal(complete_from(), -1000);
    /* Never wrote anything: nothing is missing. */
    stream[0].audit.sacrificed = 0;
    assert_int_equal(complete_from(), 9 * S);
}

static void test_no_claim_without_all_pcpus(void **state)
{
    m.pending = 1;
    assert_int_equal(complete_from(), -1);
    m.pending = 0;
    stream[1].found = false;
    assert_int_equal(complete_from(), -1);
    stream[1].found = true;
    stream[1].records--;
    assert_int_equal(complete_from(), -1);
}

/* After a step of its TSC, and with TSCs apart, it is still the same moment. */
static void test_on_the_triggers_clock(void **state)
{
    put(1, 6 * S, S / 2, 1000);
    for ( unsigned int i = 0; i < PACKETS; i++ )
    {
        packet[1][i].begin_tsc += 500 * S;
        packet[1][i].sync_tsc += 500 * S;
    }
    stream[1].audit.tsc += 500 * S;
    assert_int_equal(complete_from(), 6 * S);
    assert_int_equal(fit.nr_spans, CPUS);
}

static void test_a_loss_has_its_time(void **state)
{
    json_t *gaps;

    packet[0][0].lost[XEN_FLIGHTREC_LOST_BUSY] = 3; /* before all of it */
    for ( unsigned int i = 1; i < PACKETS; i++ )
        packet[0][i].lost[XEN_FLIGHTREC_LOST_BUSY] = i < 3 ? 3 : 8;
    stream[0].audit.lost[XEN_FLIGHTREC_LOST_BUSY] = 8;
    stream[1].audit.lost[XEN_FLIGHTREC_LOST_NESTED] = 1; /* in the last one */
    assert_int_equal(meta_fit(&m, &fit), 0);
    gaps = meta_gaps(&m, &fit);
    assert_int_equal(json_array_size(gaps), 2);
    for ( unsigned int i = 0; i < 2; i++ )
    {
        const json_t *g = json_array_get(gaps, i);
        int64_t from = json_integer_value(json_object_get(g, "from_tsc"));
        int64_t to = json_integer_value(json_object_get(g, "to_tsc"));

        assert_int_equal(json_integer_value(json_object_get(g, "records")),
                         i ? 1 : 5);
        assert_string_equal(json_string_value(json_object_get(g, "cause")),
                            i ? "nested" : "busy");
        assert_int_equal(TRIGGER - from, i ? 6 * S - 7 * S / 2 : 6 * S);
        assert_int_equal(TRIGGER - to, i ? -2000 : 5 * S);
    }
    json_decref(gaps);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_overwritten_is_all_there_was),
        TEST(test_the_youngest_begin_of_those_that_wrapped),
        TEST(test_an_offline_pcpu_does_not_bound_the_end),
        TEST(test_a_hole_begins_it_anew),
        TEST(test_a_ring_with_nothing_left),
        TEST(test_no_claim_without_all_pcpus),
        TEST(test_on_the_triggers_clock),
        TEST(test_a_loss_has_its_time),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
