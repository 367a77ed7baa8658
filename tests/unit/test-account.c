/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-account.c: tests percentiles of times, kinds of events, the table of
 * vCPUs, entries into Xen.  The sums of the accounts are tested with scenes,
 * see tests/peers.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tools/stats/entries.h"

static void test_times_of_none(void **state)
{
    static struct times t;

    assert_int_equal(times_part(&t, 500), 0);
    assert_int_equal(times_part(&t, 1000), 0);
}

/* A single time is read back at most 1/16 too low, and never too high. */
static void test_times_are_close(void **state)
{
    for ( uint64_t n = 0; n < UINT64_MAX / 3; n += n / 8 + 1 )
    {
        struct times *t = calloc(1, sizeof(*t));
        uint64_t half;

        times_add(t, n);
        half = times_part(t, 500);
        assert_true(half <= n);
        assert_true(n - half <= n / 16);
        assert_true(times_part(t, 1000) == n);
        free(t);
    }
}

static void test_times_largest(void **state)
{
    static struct times t;

    times_add(&t, UINT64_MAX);
    assert_true(times_part(&t, 1000) == UINT64_MAX);
    assert_true(times_part(&t, 1) >= UINT64_MAX - UINT64_MAX / 16);
}

static void test_times_parts(void **state)
{
    static struct times a, b;

    for ( unsigned int i = 1; i <= 15; i++ )
        times_add(i % 2 ? &a : &b, i);
    times_merge(&a, &b);
    times_merge(&a, NULL);
    assert_int_equal(a.nr, 15);
    assert_int_equal(times_part(&a, 500), 8);
    assert_int_equal(times_part(&a, 900), 14);
    assert_int_equal(times_part(&a, 1), 1);
    assert_int_equal(times_part(&a, 1000), 15);
}

static void test_vcpus_keep_their_data(void **state)
{
    struct vcpus *t = vcpus_new(sizeof(uint32_t));

    for ( uint32_t i = 0; i < 5000; i++ )
        *(uint32_t *)vcpus_get(t, 4999 - i, i % 7)->data = i;
    assert_int_equal(vcpus_nr(t), 5000);
    for ( int sorted = 0; sorted < 2; sorted++ )
    {
        for ( uint32_t i = 0; i < 5000; i++ )
            assert_int_equal(*(uint32_t *)vcpus_get(t, 4999 - i, i % 7)->data,
                             i);
        assert_int_equal(vcpus_nr(t), 5000);
        vcpus_sort(t);
    }
    for ( uint32_t i = 0; i < 5000; i++ )
        assert_int_equal(vcpus_nth(t, i)->domid, i);
    vcpus_free(t);
}

/* A file can name more vCPUs than there is room for. */
static void test_vcpus_have_a_limit(void **state)
{
    struct vcpus *t = vcpus_new(0);

    for ( uint32_t i = 0; i < VCPUS_MAX; i++ )
        assert_non_null(vcpus_get(t, i / 4, i % 4));
    assert_null(vcpus_get(t, 60000, 0));
    assert_non_null(vcpus_get(t, 0, 3));
    assert_null(vcpus_get(t, 0x10000, 0));
    assert_null(vcpus_get(t, 0, EVENT_NO_VCPU));
    vcpus_free(t);
}

/* Xen 4.17 has one name for exits, 4.19 and later one for each vendor. */
static void test_kind_of_exits(void **state)
{
    static const char *const names[] = {
        "HVM_VMEXIT", "HVM_VMEXIT64", "HVM_SVM_EXIT", "HVM_SVM_EXIT64",
    };

    for ( size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++ )
    {
        struct event_desc desc = { 0 };
        struct merge_record rec = { .kind = MERGE_EVENT, .desc = &desc,
                                    .id = XEN_FLIGHTREC_ID_FIRST };
        struct kinds kinds = { 0 };

        strcpy(desc.name, names[i]);
        assert_int_equal(kind_of(&kinds, &rec), KIND_EXIT);
    }
}

/*
 * Accounts, of records of pCPU 0 unless another one is given.
 */

static struct accounts *accounts_new(uint64_t to)
{
    struct accounts *a = calloc(1, sizeof(*a));

    assert_non_null(a);
    a->to = to;
    a->vcpus = vcpus_new(sizeof(struct account));
    assert_non_null(a->vcpus);
    return a;
}

/* Finish the accounts.  Return that of vCPU 0 of a domain. */
static const struct account *account_of(struct accounts *a, uint32_t domid)
{
    return vcpus_get(a->vcpus, domid, 0)->data;
}

static void accounts_done(struct accounts *a)
{
    accounts_free(a);
    free(a);
}

static void account_change(struct accounts *a, const struct event_dict *dict,
                           uint64_t tsc, uint32_t domid, const char *change)
{
    char name[64];

    snprintf(name, sizeof(name), "SCHED_RUNSTATE_CHANGE__%s", change);
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
        {
            struct merge_record rec = {
                .kind = MERGE_EVENT, .tsc = tsc, .words = 1,
                .id = XEN_FLIGHTREC_ID_FIRST + i,
                .desc = event_by_id(dict, XEN_FLIGHTREC_ID_FIRST + i),
                .domid = MERGE_NO_DOMAIN, .data = { domid << 16 },
            };

            assert_int_equal(accounts_add(a, &rec), 0);
            return;
        }

    fail_msg("no event %s", name);
}

static void account_gap(struct accounts *a, uint64_t tsc)
{
    const struct merge_record rec = { .kind = MERGE_GAP, .tsc = tsc };

    assert_int_equal(accounts_add(a, &rec), 0);
}

/* A hypercall of vCPU 0 of a domain that runs on a pCPU. */
static void account_call(struct accounts *a, const struct event_dict *dict,
                         uint64_t tsc, uint32_t domid, uint16_t cpu)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, "PV_HYPERCALL_V2") )
        {
            struct merge_record rec = {
                .kind = MERGE_EVENT, .tsc = tsc, .cpu = cpu, .words = 1,
                .id = XEN_FLIGHTREC_ID_FIRST + i,
                .desc = event_by_id(dict, XEN_FLIGHTREC_ID_FIRST + i),
                .domid = domid, .data = { 17 },
            };

            assert_int_equal(accounts_add(a, &rec), 0);
        }
}

/*
 * A vCPU that never changes its runstate ran all the time, unless another one
 * ran on its pCPU: then the changes were not recorded.
 */
static void test_vcpus_without_a_change(void **state)
{
    struct accounts *a = accounts_new(1000);
    struct event_dict *dict;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict), 0);
    account_call(a, dict, 100, 1, 0);
    account_call(a, dict, 200, 2, 1);
    account_call(a, dict, 300, 3, 1);
    accounts_end(a);
    assert_int_equal(account_of(a, 1)->ticks[RUNNING], 1000);
    assert_int_equal(account_of(a, 1)->unknown, 0);
    assert_int_equal(account_of(a, 2)->ticks[RUNNING], 0);
    assert_int_equal(account_of(a, 2)->unknown, 1000);
    assert_int_equal(account_of(a, 3)->unknown, 1000);
    accounts_done(a);
    event_dict_free(dict);
}

static void account_hvm(struct accounts *a, const struct event_dict *dict,
                        uint64_t tsc, const char *name, uint32_t reason,
                        uint32_t rip)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
        {
            struct merge_record rec = {
                .kind = MERGE_EVENT, .tsc = tsc, .words = 3, .domid = 1,
                .id = XEN_FLIGHTREC_ID_FIRST + i,
                .desc = event_by_id(dict, XEN_FLIGHTREC_ID_FIRST + i),
                .data = { reason, rip },
            };

            assert_int_equal(accounts_add(a, &rec), 0);
        }
}

/* Time in Xen: up to the VM entry or a change, but not over a gap. */
static void test_time_in_xen(void **state)
{
    struct accounts *a = accounts_new(1000);
    const struct account *v;
    struct event_dict *dict;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict), 0);
    account_hvm(a, dict, 100, "HVM_VMEXIT64", 114, 0x1000);
    account_hvm(a, dict, 130, "HVM_VMENTRY", 0, 0);
    account_hvm(a, dict, 200, "HVM_VMEXIT64", 120, 0x2000);
    account_change(a, dict, 205, 1, "RUNNING_BLOCKED");
    account_change(a, dict, 400, 1, "BLOCKED_RUNNING");
    account_hvm(a, dict, 410, "HVM_VMENTRY", 0, 0);
    account_hvm(a, dict, 500, "HVM_VMEXIT64", 114, 0x1000);
    account_gap(a, 550);
    account_hvm(a, dict, 600, "HVM_VMENTRY", 0, 0);
    account_hvm(a, dict, 700, "HVM_VMEXIT64", 114, 0x1000);
    v = account_of(a, 1);
    assert_int_equal(v->in_xen, 35);
    assert_int_equal(v->exits, 4);
    assert_true(v->in_exit);
    assert_int_equal(v->reason.value, 114);
    assert_int_equal(v->reason.votes, 2);
    assert_int_equal(v->rip.value, 0x1000);
    accounts_done(a);
    event_dict_free(dict);
}

/* A wake-up, @gap unless it is 0, and the change to running at 300. */
static void expect_wait(const struct event_dict *dict, uint64_t gap,
                        uint64_t waits, uint64_t longest, uint64_t unknown)
{
    struct accounts *a = accounts_new(400);
    const struct account *v;

    account_change(a, dict, 100, 1, "BLOCKED_RUNNABLE");
    if ( gap )
        account_gap(a, gap);
    account_change(a, dict, 300, 1, "RUNNABLE_RUNNING");
    accounts_end(a);
    v = account_of(a, 1);
    assert_int_equal(v->runs, 1);
    assert_int_equal(v->waits ? v->waits->nr : 0, waits);
    assert_int_equal(v->waits ? v->waits->max : 0, waits ? 200 : 0);
    assert_int_equal(v->longest, longest);
    assert_int_equal(v->unknown, unknown);
    assert_int_equal(v->ticks[RUNNABLE], 200 - unknown);
    accounts_done(a);
}

/* A gap may hide that the vCPU ran before, so its wait is not known. */
static void test_waits_over_a_gap(void **state)
{
    struct event_dict *dict;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict), 0);
    expect_wait(dict, 0, 1, 200, 0);
    expect_wait(dict, 99, 1, 200, 0);
    expect_wait(dict, 101, 0, 0, 200);
    expect_wait(dict, 200, 0, 0, 200);
    expect_wait(dict, 300, 0, 0, 200);
    event_dict_free(dict);
}

/* The time since the last entry into Xen is not known over a gap either. */
static void test_quiet_over_a_gap(void **state)
{
    struct accounts *a = accounts_new(1000);
    struct event_dict *dict;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict), 0);
    account_change(a, dict, 100, 1, "RUNNABLE_RUNNING");
    account_change(a, dict, 400, 1, "RUNNING_BLOCKED");
    account_gap(a, 450);
    account_change(a, dict, 500, 1, "BLOCKED_RUNNABLE");
    account_change(a, dict, 500, 1, "RUNNABLE_RUNNING");
    accounts_end(a);
    assert_int_equal(account_of(a, 1)->quiet, 500);
    assert_int_equal(account_of(a, 1)->unknown, 100);
    accounts_done(a);
    event_dict_free(dict);
}

/*
 * The states of each vCPU add up to the stretch, even if the stamp of the pCPU to
 * which it moves is behind that of the pCPU which it leaves.
 */
static void test_states_add_up(void **state)
{
    struct accounts *a = accounts_new(10000);
    struct event_dict *dict;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict), 0);
    vcpus_get(a->vcpus, 1, 7); /* without any record */
    account_change(a, dict, 3000, 2, "BLOCKED_RUNNING");
    account_change(a, dict, 6000, 2, "RUNNING_RUNNABLE");
    account_change(a, dict, 5000, 2, "RUNNABLE_RUNNING");
    account_change(a, dict, 8000, 2, "RUNNING_OFFLINE");
    accounts_end(a);

    assert_int_equal(vcpus_nr(a->vcpus), 2);
    for ( unsigned int i = 0; i < vcpus_nr(a->vcpus); i++ )
    {
        const struct account *v = vcpus_nth(a->vcpus, i)->data;
        uint64_t sum = v->unknown;

        for ( unsigned int k = 0; k < RUNSTATES; k++ )
            sum += v->ticks[k];
        assert_int_equal(sum, 10000);
    }

    accounts_done(a);
    event_dict_free(dict);
}

/*
 * Entries.
 */

struct machine {
    struct doc doc;
    struct kinds kinds;
    struct entries e;
    uint64_t tsc;
};

static void begin_machine(struct machine *m)
{
    memset(m, 0, sizeof(*m));
    m->doc.tsc_khz = m->doc.clock.tsc_khz = 1000000; /* a tick is a ns */
    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &m->doc.dict),
                     0);
    assert_int_equal(entries_init(&m->e, &m->doc, NULL), 0);
}

/* A record of domain 1, 100 ns after the last one. */
static void record(struct machine *m, const char *name, uint32_t vcpu,
                   uint32_t word, bool count)
{
    struct merge_record rec = { .kind = MERGE_EVENT, .domid = 1, .vcpu = vcpu,
                                .tsc = m->tsc += 100, .words = 3,
                                .data = { word } };

    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            rec.id = XEN_FLIGHTREC_ID_FIRST + i;
    rec.desc = event_by_id(m->doc.dict, rec.id);
    assert_non_null(rec.desc);
    entries_take(&m->e, &rec, kind_of(&m->kinds, &rec), count);
}

/* The number of entries, of known durations, and the longest of these. */
static void expect(const struct machine *m, unsigned int n,
                   enum entry_kind kind, uint64_t nr, uint64_t timed,
                   uint64_t max)
{
    assert_true(n < m->e.nr);
    assert_int_equal(m->e.entry[n]->kind, kind);
    assert_int_equal(m->e.entry[n]->nr, nr);
    assert_int_equal(m->e.entry[n]->times.nr, timed);
    assert_int_equal(m->e.entry[n]->times.max, max);
}

static void end(struct machine *m)
{
    entries_free(&m->e);
    event_dict_free(m->doc.dict);
}

/* vCPUs are independent; an exit's hypercall takes as long as the exit. */
static void test_entries_are_paired(void **state)
{
    struct machine m;

    begin_machine(&m);
    record(&m, "HVM_VMEXIT64", 0, 129, true);
    record(&m, "HVM_VMEXIT64", 1, 123, true);
    record(&m, "HVM_VMMCALL", 0, 17, true);
    record(&m, "HVM_VMENTRY", 1, 0, true);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    record(&m, "PV_HYPERCALL_V2", 2, 29, true);
    assert_int_equal(m.e.nr, 4);
    expect(&m, 0, ENTRY_EXIT, 1, 1, 200);
    expect(&m, 1, ENTRY_EXIT, 1, 1, 400);
    expect(&m, 2, ENTRY_HYPERCALL, 1, 1, 400);
    expect(&m, 3, ENTRY_HYPERCALL, 1, 0, 0);
    end(&m);
}

/* Time spent waiting for a pCPU, or with missing records, is not Xen's. */
static void test_entries_that_are_cut(void **state)
{
    const struct merge_record gap = { .kind = MERGE_GAP };
    struct machine m;

    begin_machine(&m);
    record(&m, "HVM_VMEXIT64", 0, 120, true);
    record(&m, "SCHED_RUNSTATE_CHANGE__RUNNING_BLOCKED", 0, 1 << 16, true);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    record(&m, "HVM_VMEXIT64", 0, 120, true);
    /* A change of another vCPU has no effect. */
    record(&m, "SCHED_RUNSTATE_CHANGE__RUNNING_BLOCKED", 0, 1 << 16 | 1, true);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    record(&m, "HVM_VMEXIT64", 0, 120, true);
    entries_take(&m.e, &gap, KIND_OTHER, true);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    expect(&m, 0, ENTRY_EXIT, 3, 1, 200);
    end(&m);
}

/* An entry that is not counted still ends one that is. */
static void test_entries_that_do_not_count(void **state)
{
    struct machine m;

    begin_machine(&m);
    record(&m, "HVM_VMEXIT64", 0, 120, true);
    record(&m, "HVM_VMEXIT64", 0, 123, false);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    assert_int_equal(m.e.nr, 1);
    expect(&m, 0, ENTRY_EXIT, 1, 0, 0);
    end(&m);
}

/* A gap concerns all vCPUs, but does not walk them. */
static void test_gaps_take_little_time(void **state)
{
    const struct merge_record gap = { .kind = MERGE_GAP };
    clock_t begin = clock();
    struct machine m;

    begin_machine(&m);
    for ( unsigned int i = 0; i < VCPUS_MAX / 2; i++ )
        record(&m, "HVM_VMEXIT64", i, 120, true);
    for ( unsigned int i = 0; i < 200000; i++ )
        entries_take(&m.e, &gap, KIND_OTHER, true);
    record(&m, "HVM_VMENTRY", 7, 0, true);
    expect(&m, 0, ENTRY_EXIT, VCPUS_MAX / 2, 0, 0);
    assert_true((clock() - begin) / CLOCKS_PER_SEC < 5);
    end(&m);
}

static void test_entries_have_a_limit(void **state)
{
    struct machine m;

    begin_machine(&m);
    for ( unsigned int i = 0; i < ENTRIES_MAX + 5; i++ )
        record(&m, "HVM_VMEXIT64", 0, ENTRIES_MAX + 5 - i, true);
    record(&m, "HVM_VMENTRY", 0, 0, true);
    assert_int_equal(m.e.nr, ENTRIES_MAX);
    assert_int_equal(m.e.left_out[ENTRY_EXIT], 5);
    for ( unsigned int i = 1; i < m.e.nr; i++ )
        assert_true(m.e.entry[i]->code > m.e.entry[i - 1]->code);
    end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_of_none),
        cmocka_unit_test(test_times_are_close),
        cmocka_unit_test(test_times_largest),
        cmocka_unit_test(test_times_parts),
        cmocka_unit_test(test_kind_of_exits),
        cmocka_unit_test(test_vcpus_keep_their_data),
        cmocka_unit_test(test_vcpus_have_a_limit),
        cmocka_unit_test(test_states_add_up),
        cmocka_unit_test(test_vcpus_without_a_change),
        cmocka_unit_test(test_time_in_xen),
        cmocka_unit_test(test_waits_over_a_gap),
        cmocka_unit_test(test_quiet_over_a_gap),
        cmocka_unit_test(test_entries_are_paired),
        cmocka_unit_test(test_entries_that_are_cut),
        cmocka_unit_test(test_entries_that_do_not_count),
        cmocka_unit_test(test_gaps_take_little_time),
        cmocka_unit_test(test_entries_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
