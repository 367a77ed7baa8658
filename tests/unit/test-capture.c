/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-capture.c: from the real ring core through the file to the merged order:
 * each record is read back once, and the account agrees.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/read/merge.h"
#include "tests/lib/rig.h"

#define KHZ 2600000 /* the rig's own figures */

static const struct rig_form form = {
    .slots = 16, .slot_bytes = 8192, .spares = 3
};

static struct rig rig;
static const struct clock_fit line = { .tsc_khz = KHZ };
static struct event_dict *dict;

static struct xen_flightrec_packet *slot(unsigned int ch, unsigned int i)
{
    return (void *)((char *)rig.mem[ch] + i * rig.geo[ch].slot_bytes);
}

/* Puts the slots of a channel that `gen` holds into the file, oldest first. */
static unsigned int put_held(struct snapshot_writer *w, unsigned int ch,
                             uint32_t gen)
{
    unsigned int n = 0;
    uint64_t last = 0;

    for ( ;; )
    {
        struct xen_flightrec_packet *next = NULL;

        for ( unsigned int i = 0; i < rig.geo[ch].slots; i++ )
        {
            struct xen_flightrec_packet *p = slot(ch, i);

            if ( p->hold_gen == gen && p->seq > last &&
                 (!next || p->seq < next->seq) )
                next = p;
        }
        if ( !next )
            return n;
        assert_int_equal(snapshot_put_packet(w, next, rig.geo[ch].slot_bytes),
                         0);
        last = next->seq;
        n++;
    }
}

/* Everything that `gen` holds, as a file. */
static struct snapshot *capture(int fd, uint32_t gen)
{
    struct snapshot_writer *w;
    struct snapshot_totals t;
    struct snapshot *s;
    uint64_t held = 0;

    assert_int_equal(snapshot_create(fd, 0, &w), 0);
    assert_int_equal(snapshot_put_meta(w, "{}", 2), 0);
    for ( int ch = FR_CHANNELS - 1; ch >= 0; ch-- )
    {
        const struct xen_flightrec_audit *a = rig_audit(&rig, ch, gen);

        assert_non_null(a);
        assert_int_equal(rig_imbalance(a), 0);
        assert_int_equal(put_held(w, ch, gen), a->slots);
        held += a->held;
    }

    assert_int_equal(snapshot_finish(w, &t), 0);
    assert_int_equal(t.records, held);
    assert_int_equal(t.damaged, 0);
    assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    assert_null(snapshot_truncated(s));
    return s;
}

static uint32_t freeze(void)
{
    uint32_t gen = rig_freeze();

    assert_int_not_equal(gen, 0);
    assert_true(fr_adopt(rig.cpu));
    assert_true(fr_quiescent(rig.cpu, gen));
    return gen;
}

/* Every 100th goes into both channels, one in 50 is in no list. */
static void write_serials(uint32_t first, uint32_t n)
{
    for ( uint32_t i = first; i < first + n; i++ )
    {
        uint32_t data[3] = { i, ~i, n };
        uint32_t event = i % 100 == 0  ? RIG_EV_BOTH
                         : i % 50 == 0 ? RIG_EV_OTHER
                                       : RIG_EV_BUSY;

        rig_tsc += i % 1000 ? 500 : 50000000; /* now and then an anchor */
        fr_trace(event, data, sizeof(data));
    }
}

/*
 * Serials go up one by one to `last` from where the busy channel begins; before
 * that only those of the rare channel are there.
 */
static void check_order(struct snapshot *s, uint32_t last)
{
    struct merge_record rec;
    uint32_t serial = 0;
    bool busy = false;
    struct merge *m;
    int rc;

    assert_int_equal(merge_open(s, dict, &line, &m), 0);
    while ( (rc = merge_next(m, &rec)) > 0 )
    {
        assert_int_equal(rec.kind, MERGE_EVENT);
        assert_int_equal(rec.data[1], ~rec.data[0]);
        assert_true(rec.data[0] > serial);
        if ( busy )
            assert_int_equal(rec.data[0], serial + 1);
        else if ( rec.channel == XEN_FLIGHTREC_CH_RARE )
            assert_int_equal(rec.data[0] % 100, 0);
        if ( rec.channel == XEN_FLIGHTREC_CH_BUSY )
            busy = true;
        else
            assert_false(busy); /* only records that busy has lost */
        serial = rec.data[0];
    }

    assert_int_equal(rc, 0);
    assert_int_equal(serial, last);
    assert_true(merge_copies(m) > 0);
    merge_close(m);
}

static void test_capture_what_was_recorded(void **state)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot *s;
    uint32_t gen;

    rig_open(&rig, &form);
    write_serials(1, 30000);
    gen = freeze();
    s = capture(fd, gen);
    check_order(s, 30000);
    snapshot_close(s);
    close(fd);
    rig_close(&rig);
}

/* The second one ends where the second freeze was, not where writing was. */
static void test_capture_two_generations(void **state)
{
    int fd[2] = { memfd_create("a", MFD_CLOEXEC),
                  memfd_create("b", MFD_CLOEXEC) };
    uint32_t gen[2];
    struct snapshot *s;

    rig_open(&rig, &form);
    write_serials(1, 10000);
    gen[0] = freeze();
    write_serials(10001, 3000);
    gen[1] = freeze();
    write_serials(13001, 500); /* while both are held */

    s = capture(fd[0], gen[0]);
    check_order(s, 10000);
    snapshot_close(s);
    s = capture(fd[1], gen[1]);
    check_order(s, 13000);
    snapshot_close(s);
    close(fd[0]);
    close(fd[1]);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capture_what_was_recorded),
        cmocka_unit_test(test_capture_two_generations),
    };
    uint32_t map[XEN_FLIGHTREC_IDS] = { 0 };
    int rc;

    if ( fr_init(KHZ) )
        return 1;
    rc = event_dict_build(map, fr_events(map), EVENT_VENDOR_UNKNOWN, &dict);
    if ( !rc )
        rc = cmocka_run_group_tests_name("capture", tests, NULL, NULL);
    event_dict_free(dict);
    return rc;
}
