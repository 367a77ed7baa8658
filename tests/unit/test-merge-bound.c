/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-merge-bound.c: the bound on the memory of a merge, with a small one in
 * place of MERGE_MAX_BYTES.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/read/merge.h"

static uint64_t max_bytes;

#undef MERGE_MAX_BYTES
#define MERGE_MAX_BYTES max_bytes

#include "lib/read/merge.c"

#include "tests/lib/gen.h"

#define CPUS    9
#define PACKETS 60

static const struct clock_fit line = { .tsc_khz = 1000000 };
static struct gen g;

/* A file with equal packets of each pCPU, a frame each. */
static struct snapshot *make_file(int fd)
{
    struct gen_record r = { .id = XEN_FLIGHTREC_IDS - 1, .words = 1 };
    struct snapshot_writer *w;
    struct snapshot *s;

    assert_int_equal(snapshot_create(fd, 0, &w), 0);
    assert_int_equal(snapshot_put_meta(w, "{}", 2), 0);
    for ( unsigned int cpu = 0; cpu < CPUS; cpu++ )
    {
        memset(&g, 0, sizeof(g));
        g.cpu = cpu;
        for ( unsigned int i = 0; i < PACKETS; i++ )
        {
            gen_begin(&g, (struct gen_at){ .tsc = 1000 * (i + 1) });
            for ( r.tsc = 1000 * (i + 1); gen_add(&g, &r); r.tsc++ )
                continue;
            gen_end(&g);
            assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
        }
    }
    assert_int_equal(snapshot_finish(w, NULL), 0);
    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    return s;
}

/* Read it all with this bound.  Return 0 or the error; the most it had. */
static int read_all(struct snapshot *s, uint64_t bound, uint64_t *most)
{
    struct event_dict *dict;
    struct merge_record rec;
    struct merge *m;
    int rc;

    max_bytes = bound;
    assert_int_equal(event_dict_build(NULL, XEN_FLIGHTREC_IDS,
                                      EVENT_VENDOR_UNKNOWN, &dict), 0);
    rc = merge_open(s, dict, &line, &m);
    if ( !rc )
    {
        while ( (rc = merge_next(m, &rec)) > 0 )
            continue;
        *most = m->content_bytes;
        merge_close(m);
    }
    event_dict_free(dict);
    return rc;
}

static void test_merge_has_a_bound(void **state)
{
    const int fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot *s = make_file(fd);
    uint64_t most = 0, more;

    assert_int_equal(read_all(s, UINT64_MAX, &most), 0);
    /* One frame's content for each stream, not one for each frame. */
    assert_true(most >= CPUS * (sizeof(g.slot) / 2));
    assert_true(most <= CPUS * (uint64_t)SNAPSHOT_MAX_DATA_BYTES);
    assert_int_equal(read_all(s, most, &more), 0);
    assert_int_equal(more, most);
    assert_int_equal(read_all(s, most - 1, &more), -EFBIG);
    assert_int_equal(read_all(s, most / 2, &more), -EFBIG);
    snapshot_close(s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
