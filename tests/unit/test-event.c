/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-event.c: the event list, hostile dictionaries, and printing of records.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <public/flightrec-events.h>

#include "lib/format/event.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static struct event_dict *dict; /* of the compiled-in list, Intel */

static int make_dict(void **state)
{
    return event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &dict);
}

static int free_dict(void **state)
{
    event_dict_free(dict);
    return 0;
}

/* Print a record as text. */
static const char *text_of(const struct event_dict *d, uint32_t event,
                           const uint32_t *data, unsigned int words)
{
    static char buf[EVENT_TEXT_BYTES];

    event_text(d, event_by_event(d, event), data, words, buf, sizeof(buf));
    return buf;
}

#define assert_text(event, expected, ...) do { \
        const uint32_t w_[] = { 0, ##__VA_ARGS__ }; \
        assert_string_equal(text_of(dict, event, w_ + 1, NR(w_) - 1), \
                            expected); \
    } while ( 0 )

#define assert_json(event, expected, ...) do { \
        const uint32_t w_[] = { 0, ##__VA_ARGS__ }; \
        char j_[EVENT_TEXT_BYTES]; \
        event_json(dict, event_by_event(dict, event), w_ + 1, NR(w_) - 1, \
                   j_, sizeof(j_)); \
        assert_string_equal(j_, expected); \
    } while ( 0 )

static void test_list_all_rows_parse(void **state)
{
    assert_int_equal(event_dict_events(dict), event_list_rows);
    for ( unsigned int i = 0; i < event_list_rows; i++ )
    {
        const struct event_row *row = &event_list[i];
        unsigned int id = XEN_FLIGHTREC_ID_FIRST + i;
        const struct event_desc *desc = event_by_id(dict, id);

        assert_non_null(desc);
        assert_ptr_equal(desc, event_by_event(dict, row->event));
        assert_int_equal(desc->id, id);
        assert_string_equal(desc->fields, row->fields);
        assert_null(strstr(desc->name, "__"));
        assert_memory_equal(desc->name, row->name, strlen(desc->name));
    }
}

static void test_list_names_and_events_are_unique(void **state)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        for ( unsigned int k = 0; k < i; k++ )
        {
            assert_int_not_equal(event_list[i].event, event_list[k].event);
            assert_string_not_equal(event_list[i].name, event_list[k].name);
        }
}

/* A change of the classes that guests write must be a deliberate decision. */
static void test_list_rare_holds_what_it_should(void **state)
{
    static const char *const rare[] = {
        "SCHED_DOM_ADD", "SCHED_DOM_REM", "SCHED_SHUTDOWN",
        "DOM0_DOM_ADD", "DOM0_DOM_REM", "PM_FREQ_CHANGE",
    };
    unsigned int found = 0;

    for ( unsigned int i = 0; i < event_list_rows; i++ )
    {
        const struct event_row *row = &event_list[i];
        bool known = !strncmp(row->name, "FR_", 3);

        assert_int_not_equal(row->event >> 16, 0x0800f000 >> 16);
        for ( size_t k = 0; k < NR(rare); k++ )
            known |= !strcmp(row->name, rare[k]);
        assert_int_equal(row->rare, known);
        found += row->rare && strncmp(row->name, "FR_", 3);
    }
    assert_int_equal(found, NR(rare));
}

/* Each table that a row names must exist. */
static void test_list_tables_exist(void **state)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
    {
        const char *at = event_list[i].fields;

        while ( (at = strchr(at, '/')) )
        {
            char name[EVENT_WORD_BYTES];
            size_t len = strcspn(++at, " ");

            assert_true(len < sizeof(name));
            memcpy(name, at, len);
            name[len] = '\0';
            if ( !event_enum_find(dict, name) )
                fail_msg("%s: no table %s", event_list[i].name, name);
        }
    }
}

static void test_text_runstate_comes_from_the_event_word(void **state)
{
    assert_text(0x00021021, "vcpu=0 dom=1 old=running new=blocked", 0x10000);
    assert_text(0x00021201, "vcpu=3 dom=idle old=blocked new=running",
                0x7fff0003);
}

static void test_text_hypercall_arguments(void **state)
{
    /* sched_op, A0 = 32 bits */
    assert_text(0x0020100d, "op=sched_op a0=shutdown", 29 | 1 << 20, 2);
    assert_text(0x0020100d, "op=sched_op a0=99", 29 | 1 << 20, 99);
    /* grant_table_op, A0 and A2 */
    assert_text(0x0020200e, "op=grant_table_op a0=copy a2=7",
                20 | 1 << 20 | 1 << 24, 5, 7);
    /* A1 = 64 bits, A5 = 32 bits */
    assert_text(0x0020100d, "op=iret a1=4294967298 a5=9",
                23 | 2 << 22 | 1U << 30, 2, 1, 9);
    /* an announced argument is missing; a reserved length */
    assert_text(0x0020100d, "op=sched_op (too short)", 29 | 1 << 20);
    assert_text(0x0020100d, "op=iret (too short) rest=0x5", 23 | 3 << 20, 5);
    assert_text(0x0020100d, "op=iret (too short) rest=0x5,0x6,0x7",
                23 | 3 << 20, 5, 6, 7);
    assert_text(0x0020100d, "op=iret rest=0x5", 23, 5);
    assert_text(0x0020100d, "(too short)");
}

static void test_text_flag_variants(void **state)
{
    assert_text(0x00201103, "rip=0xffffffff81000123 vector=GP has_error=1 "
                "error=0x18", 0x81000123, 0xffffffff, 0x0018800d);
    assert_text(0x00201104, "rip=0x400000 va=0x10 error={write,user}",
                0x400000, 0, 0x10, 0, 6);
    assert_text(0x00081502, "exit=HLT rip=0x123456789a nested=1", 12,
                0x3456789a, 0x12);
    assert_text(0x00081102, "exit=999 rip=0x1", 999, 1, 0);
    assert_text(0x0040f208, "gl1e=0x1 write=0x2 va=0x3 path={set_a,promote}",
                1, 0, 2, 0, 3, 0, 0x80000202);
}

static void test_text_optional_short_and_rest(void **state)
{
    assert_text(0x00082016, "port=0x71", 0x71);
    assert_text(0x00082016, "port=0x71 data=0x26", 0x71, 0x26);
    assert_text(0x00082116, "port=0x100000000", 0, 1);
    /* half of an optional 64-bit field is shown as rest */
    assert_text(0x00082116, "port=0x100000000 rest=0x7", 0, 1, 7);
    assert_text(0x00028003, "dom=4 (too short)", 4);
    assert_text(0x00028003, "(too short)");
    assert_text(0x00028003, "dom=4 vcpu=1 rest=0x9,0xa", 4, 1, 9, 10);
    assert_text(0x00081001, "");
    assert_text(0x00081001, "rest=0x1", 1);
}

static void test_text_odd_widths(void **state)
{
    /* RTDS_SCHEDULE: 16, 8, 4, 4 bits */
    assert_text(0x00022806, "cpu=2 tasklet=1 tickled=3 idle=1", 0x13010002);
    /* credit2: signed numbers; SNULL: no vCPU */
    assert_text(0x00022203, "unit=1 dom=2 credit=-5 budget=-2147483648 "
                "delta=10", 0x20001, -5, 0x80000000, 10);
    assert_text(0x00022a05, "tasklet=0 cpu=1 unit=none dom=none", 0x10000,
                0xffffffff);
    assert_text(0x00022213, "b_avgload=5 unit=1 dom=2 runq=-1 cpu=3", 5, 0,
                0x20001, 0x3ffff);
    /* structure padding is not shown */
    assert_text(0x0010f012, "gfn=0x1 dom=2", 1, 0, 2, 0xdead);
    /* a CPU mask of 192 bits */
    assert_text(0x00802003, "irq=4 vector=0x30 cpus={0,33,191}", 0x300004, 1,
                2, 0, 0, 0, 0x80000000);
    assert_text(0x00802003, "irq=4 vector=0x30 cpus={}", 0x300004, 0, 0, 0, 0,
                0, 0);
}

static void test_text_format(void **state)
{
    assert_text(0x00801001, "1200 MHz -> 2400 MHz", 1200, 2400);
    assert_text(0x00801001, "old_mhz=1200 (too short)", 1200);
}

static void test_pairs_ignore_the_format(void **state)
{
    const uint32_t w[] = { 800, 1200, 7 };
    const struct event_desc *d = event_by_event(dict, 0x00801001);
    char buf[EVENT_TEXT_BYTES], small[8];

    event_pairs(dict, d, w, 2, buf, sizeof(buf));
    assert_string_equal(buf, "old_mhz=800 new_mhz=1200");
    event_pairs(dict, d, w, 3, buf, sizeof(buf));
    assert_string_equal(buf, "old_mhz=800 new_mhz=1200 rest=0x7");
    assert_int_equal(event_pairs(dict, d, w, 2, small, sizeof(small)), 7);
    assert_string_equal(small, "old_mhz");
    assert_int_equal(event_pairs(dict, d, w, 2, small, 0), 0);
}

static void test_fits_exactly_what_is_described(void **state)
{
    const uint32_t w[7] = { 29 | 1 << 20 | 2 << 22 };
    const struct event_desc *wake = event_by_event(dict, 0x00028004);
    const struct event_desc *intr = event_by_event(dict, 0x0008200f);
    const struct event_desc *call = event_by_event(dict, 0x0020100d);

    assert_false(event_fits(wake, w, 1));
    assert_true(event_fits(wake, w, 2));
    assert_false(event_fits(wake, w, 3));
    /* One field, which may be absent. */
    assert_true(event_fits(intr, w, 0));
    assert_true(event_fits(intr, w, 1));
    assert_false(event_fits(intr, w, 2));
    /* Arguments of one and of two words, as the first word announces. */
    assert_false(event_fits(call, w, 0));
    assert_false(event_fits(call, w, 3));
    assert_true(event_fits(call, w, 4));
    assert_false(event_fits(call, w, 5));
}

static void test_text_own_events(void **state)
{
    assert_text(XEN_FLIGHTREC_EV_DOMAIN_CRASH,
                "vcpu=0 dom=3 cause=crash reason=crash rip=0x1234",
                3 << 16, 2, 3, 0x1234, 0);
    assert_text(XEN_FLIGHTREC_EV_DOMAIN_CRASH,
                "vcpu=none dom=3 cause=triple_fault reason=reboot",
                3 << 16 | 0xffff, 5, 1);
    assert_text(XEN_FLIGHTREC_EV_FREEZE, "gen=7 cause=request", 7, 1);
    assert_text(0x0008201a, "tsc=4294967297", 1, 1);
}

/* A difference of two pCPUs' clocks may be just below 0. */
static void test_elapsed_times(void **state)
{
    const struct event_desc *desc = event_by_event(dict, 0x0002800f);
    const struct event_field *f = &desc->field[event_field_index(desc,
                                                                 "waited_ns")];

    assert_text(0x0002800f, "dom=1 vcpu=0 waited_ns=-295 slice_ns=-1",
                1, 0, -295, -1);
    assert_json(0x0002800f, "\"dom\":1,\"vcpu\":0,\"waited_ns\":-295,"
                "\"slice_ns\":-1", 1, 0, -295, -1);
    assert_text(0x0002800e, "dom=1 vcpu=0 ran_ns=-1", 1, 0, -1);
    /* A wait of 4 s is one. */
    assert_text(0x0002800e, "dom=1 vcpu=0 ran_ns=4000000000",
                1, 0, 4000000000U);
    assert_true(event_is_signed(f));
    assert_int_equal(event_signed(f, 0xff000000U), -(1 << 24));
    assert_int_equal(event_signed(f, 0xfeffffffU), 0xfeffffffU);
}

/* Flags above a code must not hide its name, nor be lost. */
static void test_composed_values(void **state)
{
    const struct event_enum *exits = event_enum_find(dict, "hvm_exit");
    const struct event_enum *grant = event_enum_find(dict, "grant_table_op_a0");

    assert_text(0x00081002, "exit=IO_INSTRUCTION eip=0x5", 30, 5);
    assert_text(0x00081002, "exit=IO_INSTRUCTION|BUS_LOCK eip=0x5",
                30 | 1 << 26, 5);
    assert_text(0x00081002, "exit=CPUID|BUS_LOCK|ENCLAVE|0x40000000 eip=0x5",
                10 | 3 << 26 | 1 << 30, 5);
    assert_text(0x00081002, "exit=BUS_LOCK eip=0x5", 74 | 1 << 26, 5);
    /* A whole value that has a name, and a code that has none. */
    assert_text(0x00081002, "exit=ENTRY_FAILED_MCE eip=0x5", 0x80000029, 5);
    assert_text(0x00081002,
                "exit=INVALID_GUEST_STATE|BUS_LOCK|ENTRY_FAILED eip=0x5",
                0x84000021, 5);
    assert_text(0x00081002, "exit=67108964 eip=0x5", 100 | 1 << 26, 5);
    assert_json(0x00081002,
                "\"exit\":\"IO_INSTRUCTION\",\"exit_flags\":[\"BUS_LOCK\","
                "\"0x40000000\"],\"eip\":\"0x5\"",
                30 | 1 << 26 | 1 << 30, 5);
    assert_json(0x00081002, "\"exit\":\"BUS_LOCK\","
                "\"exit_flags\":[\"BUS_LOCK\"],\"eip\":\"0x5\"",
                74 | 1 << 26, 5);

    /* 64 bits of a guest's register, and a continuation's progress. */
    assert_text(0x0020100d, "op=sched_op a0=shutdown|0x500000000",
                29 | 2 << 20, 2, 5);
    assert_text(0x0020100d, "op=grant_table_op a0=unmap_grant_ref|0x3000",
                20 | 1 << 20, 0x3001);
    /* Other bits of a Viridian guest's register are any. */
    assert_text(0x00082012, "eax=viridian|0x1234", 0x80001234);
    assert_text(0x00082012, "eax=4660", 0x1234);

    assert_int_equal(event_value_code(exits, 30 | 1 << 26), 30);
    assert_int_equal(event_value_code(exits, 0x80000029), 0x80000029);
    assert_int_equal(event_value_code(grant, 0x3001), 1);
    assert_int_equal(event_value_code(NULL, 0x3001), 0x3001);
    assert_true(event_value_code(event_enum_find(dict, "svm_exit"),
                                 UINT64_MAX) == UINT32_MAX);
}

static void test_text_unknown_event(void **state)
{
    const uint32_t words[] = { 1, 0xabc };
    char buf[EVENT_TEXT_BYTES], name[EVENT_NAME_BYTES];

    assert_null(event_by_event(dict, 0x0800f123));
    event_text(dict, NULL, words, 2, buf, sizeof(buf));
    assert_string_equal(buf, "rest=0x1,0xabc");
    assert_string_equal(event_name(NULL, 0x0800f123, name), "EVENT_0800f123");
}

static void test_text_cut_at_any_size(void **state)
{
    const uint32_t words[] = { 0x81000123, 0xffffffff, 0x0018800d, 1 };
    const struct event_desc *desc = event_by_event(dict, 0x00201103);
    char whole[EVENT_TEXT_BYTES], part[EVENT_TEXT_BYTES];
    size_t len = event_text(dict, desc, words, 4, whole, sizeof(whole));

    assert_int_equal(len, strlen(whole));
    for ( size_t bytes = 0; bytes <= len + 1; bytes++ )
    {
        size_t n;

        memset(part, '#', sizeof(part));
        n = event_text(dict, desc, words, 4, part, bytes);
        assert_int_equal(n, bytes ? bytes - 1 : 0);
        assert_memory_equal(part, whole, n);
        assert_int_equal(part[n], bytes ? '\0' : '#');
        assert_int_equal(part[bytes], '#');
    }
}

static void test_json_members(void **state)
{
    assert_json(0x00021021, "\"vcpu\":0,\"dom\":1,\"old\":\"running\","
                "\"new\":\"blocked\"", 0x10000);
    assert_json(0x00022a05, "\"tasklet\":0,\"cpu\":1,\"unit\":null,"
                "\"dom\":65535", 0x10000, 0xffffffff);
    assert_json(0x00201104, "\"rip\":\"0x400000\",\"va\":\"0x10\","
                "\"error\":[\"write\",\"user\",9]", 0x400000, 0, 0x10, 0,
                0x206);
    assert_json(0x00801001, "\"old_mhz\":1200,\"short\":true", 1200);
    assert_json(0x00081001, "\"rest\":[\"0x1\",\"0x2\"]", 1, 2);
    assert_json(0x0008201a, "\"tsc\":9223372036854775807",
                0xffffffff, 0x7fffffff);
    assert_json(0x0008201a, "\"tsc\":\"9223372036854775808\"",
                0, 0x80000000);
    assert_json(0x00081001, "");
}

static void test_json_all_or_nothing(void **state)
{
    const uint32_t words[] = { 0x10000 };
    const struct event_desc *desc = event_by_event(dict, 0x00021021);
    char buf[EVENT_TEXT_BYTES];
    size_t len = event_json(dict, desc, words, 1, buf, sizeof(buf));

    for ( size_t bytes = 0; bytes <= len; bytes++ )
    {
        buf[0] = '#';
        assert_int_equal(event_json(dict, desc, words, 1, buf, bytes), 0);
        assert_int_equal(buf[0], bytes ? '\0' : '#');
    }
    assert_int_equal(event_json(dict, desc, words, 1, buf, len + 1), len);
}

static void test_get_by_name(void **state)
{
    const uint32_t words[] = { 0x2, 0x71, 0x1 };
    const struct event_desc *desc = event_by_event(dict, 0x0008200c);
    uint64_t value;

    assert_int_equal(event_field_index(desc, "value"), 1);
    assert_true(event_get(desc, 1, words, 3, &value));
    assert_int_equal(value, 0x100000071ULL);
    assert_false(event_get(desc, 1, words, 2, &value));
    assert_false(event_get(desc, 2, words, 3, &value));
    assert_int_equal(event_field_index(desc, "none"), -1);
}

static void assert_who(const struct event_who *who, uint32_t domid,
                       uint32_t vcpu)
{
    assert_int_equal(who->domid, domid);
    assert_int_equal(who->vcpu, vcpu);
}

static void test_domain_pairs(void **state)
{
    const uint32_t sw[] = { 1, 2, 3, 4 }, mark[] = { 0x5ffff, 2, 3 };
    const struct event_desc *desc = event_by_event(dict, 0x0002800a);
    struct event_who who;

    assert_true(event_domain(desc, 0, sw, 4, &who));
    assert_who(&who, 1, 2);
    assert_true(event_domain(desc, 1, sw, 4, &who));
    assert_who(&who, 3, 4);
    assert_false(event_domain(desc, 2, sw, 4, &who));
    assert_true(event_domain(desc, 1, sw, 3, &who));
    assert_who(&who, 3, EVENT_NO_VCPU);
    assert_false(event_domain(desc, 1, sw, 2, &who));

    desc = event_by_event(dict, XEN_FLIGHTREC_EV_DOMAIN_CRASH);
    assert_true(event_domain(desc, 0, mark, 3, &who));
    assert_who(&who, 5, EVENT_NO_VCPU);

    assert_true(event_domain(event_by_event(dict, 0x00041001), 0, sw, 4, &who));
    assert_who(&who, 1, EVENT_NO_VCPU);
    desc = event_by_event(dict, 0x00081001);
    assert_false(event_domain(desc, 0, sw, 4, &who));
    assert_false(event_domain(NULL, 0, sw, 4, &who));
}

static void test_runs_tells_who_is_next(void **state)
{
    const uint32_t sw[] = { 1, 2, 3, 4 }, packed[] = { 0x60007 };
    struct event_who who;

    assert_true(event_runs(event_by_event(dict, 0x0002800a), sw, 4, &who));
    assert_who(&who, 3, 4);
    assert_true(event_runs(event_by_event(dict, 0x0002800f), sw, 4, &who));
    assert_who(&who, 1, 2);
    assert_true(event_runs(event_by_event(dict, 0x00021101), packed, 1, &who));
    assert_who(&who, 6, 7);
    /* running -> blocked, and the vCPU switched away from */
    assert_false(event_runs(event_by_event(dict, 0x00021021), packed, 1, &who));
    assert_false(event_runs(event_by_event(dict, 0x0002800e), sw, 3, &who));
    assert_false(event_runs(NULL, sw, 4, &who));
}

static void test_build_from_a_map(void **state)
{
    const uint32_t map[] = { 0, 0, 0x0002800a, 0, 0x00abc123, 0x00081002 };
    uint32_t bad[] = { 0, 0, 0x00021001, 0x00021001 };
    const uint32_t words[] = { 0x78, 1 };
    char buf[EVENT_TEXT_BYTES];
    struct event_dict *d;

    assert_int_equal(event_dict_build(map, NR(map), EVENT_VENDOR_AMD, &d), 0);
    assert_int_equal(event_dict_events(d), 3);
    assert_string_equal(event_by_id(d, 2)->name, "SCHED_SWITCH");
    assert_null(event_by_id(d, 3));
    assert_string_equal(event_by_id(d, 4)->name, "EVENT_00abc123");
    assert_null(event_by_id(d, 6));
    assert_null(event_by_id(d, XEN_FLIGHTREC_IDS));
    assert_ptr_equal(event_lookup(d, XEN_FLIGHTREC_ID_ESCAPE, 0x00abc123),
                     event_by_id(d, 4));
    assert_ptr_equal(event_lookup(d, 5, 0), event_by_event(d, 0x00081002));
    event_text(d, event_by_id(d, 5), words, 2, buf, sizeof(buf));
    assert_string_equal(buf, "exit=HLT eip=0x1");
    event_dict_free(d);

    assert_int_equal(event_dict_build(bad, NR(bad), 0, &d), -EINVAL);
    assert_null(d);
    bad[3] = 0x10000000;
    assert_int_equal(event_dict_build(bad, NR(bad), 0, &d), -EINVAL);
}

/*
 * Build a dictionary from JSON text; NULL with the reason in `err` if refused.
 */
static struct event_dict *from_text(const char *events, const char *enums,
                                    char err[128])
{
    json_t *ev = json_loads(events, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_t *en = json_loads(enums, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct event_dict *d;
    int rc;

    assert_non_null(ev);
    assert_non_null(en);
    strcpy(err, "");
    rc = event_dict_from_json(ev, en, &d, err, 128);
    assert_true(rc ? rc == -EBADMSG && !d && *err : d && !*err);
    json_decref(ev);
    json_decref(en);
    return d;
}

static void test_json_round_trip(void **state)
{
    char *ev_text, *en_text, err[128];
    json_t *ev, *en;
    struct event_dict *d;

    assert_int_equal(event_dict_to_json(dict, &ev, &en), 0);
    ev_text = json_dumps(ev, 0);
    en_text = json_dumps(en, 0);
    d = from_text(ev_text, en_text, err);
    assert_non_null(d);
    assert_int_equal(event_dict_events(d), event_dict_events(dict));

    for ( unsigned int i = 0; i < event_dict_events(dict); i++ )
    {
        const struct event_desc *a = event_dict_event(dict, i);
        const struct event_desc *b = event_dict_event(d, i);
        uint32_t words[XEN_FLIGHTREC_MAX_WORDS];
        char one[EVENT_TEXT_BYTES], two[EVENT_TEXT_BYTES];

        assert_int_equal(a->id, b->id);
        assert_int_equal(a->event, b->event);
        assert_string_equal(a->name, b->name);
        for ( unsigned int k = 0; k < NR(words); k++ )
            words[k] = k + i;
        event_text(dict, a, words, a->words, one, sizeof(one));
        event_text(d, b, words, b->words, two, sizeof(two));
        assert_string_equal(one, two);
    }

    event_dict_free(d);
    free(ev_text);
    free(en_text);
    json_decref(ev);
    json_decref(en);
}

/* Build a dictionary of one event with these fields and this format. */
static struct event_dict *with_fields(const char *fields, const char *format,
                                      char err[128])
{
    char events[1024];

    snprintf(events, sizeof(events),
             "[{\"id\":2,\"event\":135169,\"name\":\"X\",\"fields\":\"%s\","
             "\"format\":\"%s\"}]", fields, format);
    return from_text(events, "{\"t\":[[0,\"zero\"],[1,\"one\"]]}", err);
}

static void test_grammar_accepts(void **state)
{
    static const char *const good[] = {
        "", "a:u1", "a:u32 b:u32", "a:u64 b:x64 c:i64 d:u32", "-:32 a:u32",
        "a:u31 b:u1", "a:b224", "a:u32?", "a:u16? b:u16? c:u64?", "a:d16 b:v16",
        "a:e0.28", "a:u32? b:e0.1", "a:u8/t", "a:u8/nosuch", "a:i2",
        "a:u20 -:12 b:arg0? c:arg5?", "a:b32?/t",
    };
    char err[128];

    for ( size_t i = 0; i < NR(good); i++ )
    {
        struct event_dict *d = with_fields(good[i], "", err);

        if ( !d )
            fail_msg("\"%s\": %s", good[i], err);
        event_dict_free(d);
    }
}

/*
 * A type of a later version: the fields before it are kept, the rest is words.
 */
static void test_fields_of_unknown_type(void **state)
{
    static const uint32_t data[] = { 7, 8, 9 };
    char err[128], buf[EVENT_TEXT_BYTES];
    struct event_dict *d = with_fields("dom:d32 hue:q8 x:x32", "{hue} of {dom}",
                                       err);
    const struct event_desc *e;

    assert_non_null(d);
    e = event_dict_event(d, 0);
    assert_int_equal(e->nr_fields, 1);
    assert_int_equal(e->nr_domains, 1);
    event_text(d, e, data, 3, buf, sizeof(buf));
    assert_string_equal(buf, "dom=7 rest=0x8,0x9");
    assert_false(event_fits(e, data, 3));
    event_dict_free(d);

    d = with_fields("hue:q8", "", err);
    assert_non_null(d);
    e = event_dict_event(d, 0);
    assert_int_equal(e->nr_fields, 0);
    event_text(d, e, data, 1, buf, sizeof(buf));
    assert_string_equal(buf, "rest=0x7");
    event_dict_free(d);
}

static void test_grammar_refuses(void **state)
{
    static const struct {
        const char *fields, *why;
    } bad[] = {
        { " ", "no name" }, { "a:u8 ", "no name" }, { " a:u8", "no name" },
        { "a:u8  b:u8", "no name" }, { "a", "no name" }, { ":u8", "no name" },
        { "A:u8", "invalid name" }, { "1a:u8", "invalid name" },
        { "a-b:u8", "invalid name" },
        { "a\\u001b:u8", "invalid name" }, { "--:8", "invalid name" },
        { "abcdefghijklmnopqrstuvwxyz_12345:u8", "no name" },
        { "a:u8 a:u8", "duplicate name" }, { "rest:u8", "duplicate name" },
        { "short:u8", "duplicate name" },
        { "a:", "unknown type" }, { "a:Q8", "unknown type" },
        { "a:8", "unknown type" },
        { "a:u", "unknown width" }, { "a:u0", "unknown width" },
        { "a:u33", "unknown width" }, { "a:u63", "unknown width" },
        { "a:u65", "unknown width" }, { "a:u08", "unknown width" },
        { "a:u4294967304", "unknown width" }, { "a:u-8", "unknown width" },
        { "a:d8", "unknown width" }, { "a:v64", "unknown width" },
        { "a:b33", "unknown width" }, { "a:b256", "unknown width" },
        { "a:i1", "unknown width" }, { "-:u8", "unknown width" },
        { "-:64", "unknown width" },
        { "a:u16 b:u32", "crosses" }, { "a:u32 b:u8 c:u64", "crosses" },
        { "a:b224 b:u1", "beyond the last" },
        { "a:u64 b:u64 c:u64 d:u64", "beyond the last" },
        { "a:u32? b:u32", "must be optional" }, { "a:u8!", "trailing" },
        { "a:u8/", "trailing" }, { "a:u8/t?", "trailing" },
        { "-:8/t", "trailing" }, { "a:u8/t/t", "trailing" },
        { "a:e1", "28 bits" }, { "a:e0.29", "28 bits" },
        { "a:e28.1", "28 bits" },
        { "a:e0.0", "28 bits" }, { "a:e0.1?", "cannot be optional" },
        { "a:arg0?", "after one word" }, { "a:u64 b:arg0?", "after one word" },
        { "a:u32 b:arg6?", "after one word" }, { "a:u32 b:arg0", "must be optional" },
        { "a:u32 b:arg0? c:u32?", "after an argument" },
        { "a:d16 b:d16 c:d16 d:d16 e:d16", "too many domains" },
        { "a:v16 b:v16 c:v16 d:v16 e:v16", "too many vCPUs" },
        { "a:u1 b:u1 c:u1 d:u1 e:u1 f:u1 g:u1 h:u1 i:u1 j:u1 k:u1 l:u1 m:u1 "
          "n:u1 o:u1 p:u1 q:u1", "too many" },
    };
    char err[128];

    for ( size_t i = 0; i < NR(bad); i++ )
    {
        struct event_dict *d = with_fields(bad[i].fields, "", err);

        if ( d || !strstr(err, bad[i].why) )
            fail_msg("\"%s\": %s, not: %s", bad[i].fields,
                     d ? "accepted" : err, bad[i].why);
        for ( const char *c = err; *c; c++ )
            assert_in_range(*c, ' ', '~');
    }
}

static void test_format_grammar(void **state)
{
    static const struct {
        const char *format, *why;
    } bad[] = {
        { "{", "without" }, { "{a", "without" }, { "{b}", "without a field" },
        { "{}", "without a field" }, { "}", "unprintable" },
        { "\\u001b[31m", "unprintable" }, { "\\u00e4", "unprintable" },
        { "{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}", "too many" },
        { "{abcdefghijklmnopqrstuvwxyz_1234567890}", "without" },
    };
    const uint32_t words[] = { 1 };
    struct event_dict *d;
    char err[128];

    for ( size_t i = 0; i < NR(bad); i++ )
    {
        d = with_fields("a:u8", bad[i].format, err);
        if ( d || !strstr(err, bad[i].why) )
            fail_msg("\"%s\": %s, not: %s", bad[i].format, d ? "accepted" : err,
                     bad[i].why);
    }

    d = with_fields("a:u8/t b:x8", "{a}{b}, %s {a}.", err);
    assert_non_null(d);
    assert_string_equal(text_of(d, 135169, words, 1), "one0x0, %s one.");
    event_dict_free(d);
}

static void test_hostile_documents(void **state)
{
#define EV(id, ev, name) "{\"id\":" id ",\"event\":" ev ",\"name\":" name \
                         ",\"fields\":\"\",\"format\":\"\"}"
    static const struct {
        const char *events, *enums, *why;
    } bad[] = {
        { "{}", "{}", "not an array" }, { "1", "{}", "not an array" },
        { "[1]", "{}", "entry 0 lacks" }, { "[{}]", "{}", "entry 0 lacks" },
        { "[null]", "{}", "entry 0 lacks" },
        { "[" EV("\"2\"", "5", "\"X\"") "]", "{}", "lacks" },
        { "[" EV("2.0", "5", "\"X\"") "]", "{}", "lacks" },
        { "[" EV("-1", "5", "\"X\"") "]", "{}", "lacks" },
        { "[" EV("4294967298", "5", "\"X\"") "]", "{}", "lacks" },
        { "[" EV("2", "4294967301", "\"X\"") "]", "{}", "lacks" },
        { "[" EV("2", "5", "\"X\\u0000Y\"") "]", "{}", "lacks" },
        { "[" EV("1", "5", "\"X\"") "]", "{}", "invalid id 1" },
        { "[" EV("512", "5", "\"X\"") "]", "{}", "invalid id 512" },
        { "[" EV("2", "0", "\"X\"") "]", "{}", "invalid event" },
        { "[" EV("2", "268435456", "\"X\"") "]", "{}", "invalid event" },
        { "[" EV("2", "5", "\"\"") "]", "{}", "invalid name" },
        { "[" EV("2", "5", "\"a b\"") "]", "{}", "invalid name" },
        { "[" EV("2", "5", "\"\\u001b[2J\"") "]", "{}", "invalid name" },
        { "[" EV("2", "5", "\"0123456789012345678901234567890123456789"
                 "012345678901234567890123\"") "]", "{}", "invalid name" },
        { "[" EV("2", "5", "\"X\"") "," EV("2", "6", "\"Y\"") "]", "{}",
          "duplicate id 2" },
        { "[" EV("2", "5", "\"X\"") "," EV("3", "5", "\"Y\"") "]", "{}",
          "has two ids" },
        { "[]", "[]", "not an object" }, { "[]", "{\"a\":{}}", "not an array" },
        { "[]", "{\"a\":[1]}", "entry 0" },
        { "[]", "{\"a\":[[1]]}", "entry 0" },
        { "[]", "{\"a\":[[1,2]]}", "entry 0" },
        { "[]", "{\"a\":[[-1,\"x\"]]}", "entry 0" },
        { "[]", "{\"a\":[[1,\"x\",2]]}", "entry 0" },
        { "[]", "{\"a\":[[1,\"x y\"]]}", "invalid name of 1" },
        { "[]", "{\"a\":[[1,\"\"]]}", "invalid name of 1" },
        { "[]", "{\"a;\":[[1,\"x\"]]}", "invalid name of table" },
        { "[]", "{\"\":[[1,\"x\"]]}", "invalid name of table" },
        { "[]", "{\"a\":[[1,\"x\"],[1,\"y\"]]}", "ascending" },
        { "[]", "{\"a\":[[2,\"x\"],[1,\"y\"]]}", "ascending" },
    };
#undef EV
    struct event_dict *none;
    char err[128];

    for ( size_t i = 0; i < NR(bad); i++ )
    {
        struct event_dict *d = from_text(bad[i].events, bad[i].enums, err);

        if ( d || !strstr(err, bad[i].why) )
            fail_msg("%s %s: %s, not: %s", bad[i].events, bad[i].enums,
                     d ? "accepted" : err, bad[i].why);
        for ( const char *c = err; *c; c++ )
            assert_in_range(*c, ' ', '~');
    }
    assert_int_equal(event_dict_from_json(NULL, NULL, &none, NULL, 0),
                     -EBADMSG);
    assert_null(none);
}

static void test_hostile_too_many(void **state)
{
    json_t *events = json_array(), *enums = json_object();
    json_t *values = json_array();
    struct event_dict *d;
    char err[128], name[16];

    for ( int i = 0; i <= EVENT_MAX_VALUES; i++ )
        json_array_append_new(values, json_pack("[i, s]", i, "x"));
    json_object_set_new(enums, "a", values);
    assert_int_equal(event_dict_from_json(events, enums, &d, err, sizeof(err)),
                     -EBADMSG);
    assert_non_null(strstr(err, "more than 4096 values"));

    json_object_clear(enums);
    for ( int i = 0; i <= EVENT_MAX_ENUMS; i++ )
    {
        snprintf(name, sizeof(name), "t%d", i);
        json_object_set_new(enums, name, json_pack("[[i, s]]", 1, "x"));
    }
    assert_int_equal(event_dict_from_json(events, enums, &d, err, sizeof(err)),
                     -EBADMSG);
    assert_non_null(strstr(err, "more than 64 tables"));

    json_object_clear(enums);
    for ( unsigned int i = 0; i <= XEN_FLIGHTREC_IDS; i++ )
        json_array_append_new(events, json_null());
    assert_int_equal(event_dict_from_json(events, enums, &d, err, sizeof(err)),
                     -EBADMSG);
    assert_non_null(strstr(err, "at most 512"));
    json_decref(events);
    json_decref(enums);
}

/* xorshift, repeatable: the seed is printed. */
static uint64_t seed;

static uint32_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed >> 16;
}

static void start_random(void)
{
    const char *given = getenv("SEED");

    seed = given ? strtoull(given, NULL, 0) : 0x9e3779b97f4a7c15ULL;
    printf("# SEED=%#llx\n", (unsigned long long)seed);
}

/* Any payload gives printable text and valid JSON, with every word in it. */
static void show_random(const struct event_dict *d,
                        const struct event_desc *desc, bool must_fit)
{
    char buf[EVENT_TEXT_BYTES + 2];
    unsigned int nr = next_random() % (XEN_FLIGHTREC_MAX_WORDS + 1);
    uint32_t *words = calloc(nr, sizeof(*words)); /* exact size, for ASan */
    struct event_who who;
    json_t *json;
    size_t len;

    for ( unsigned int i = 0; i < nr; i++ )
        words[i] = next_random() % 4 ? next_random() : -(next_random() & 1);

    len = event_text(d, desc, words, nr, buf, EVENT_TEXT_BYTES);
    assert_int_equal(len, strlen(buf));
    for ( size_t i = 0; i < len; i++ )
        assert_in_range(buf[i], ' ', '~');

    buf[0] = '{';
    len = event_json(d, desc, words, nr, buf + 1, EVENT_TEXT_BYTES);
    assert_true(!must_fit || len || !nr);
    strcpy(buf + 1 + len, "}");
    json = json_loads(buf, JSON_REJECT_DUPLICATES, NULL);
    if ( !json )
        fail_msg("no JSON: %s", buf);
    json_decref(json);

    for ( unsigned int k = 0; event_domain(desc, k, words, nr, &who); k++ )
        assert_true(k < EVENT_MAX_DOMAINS);
    free(words);
}

static void test_show_random_payload(void **state)
{
    start_random();
    for ( unsigned int i = 0; i < event_dict_events(dict); i++ )
        for ( unsigned int k = 0; k < 200; k++ )
            show_random(dict, event_dict_event(dict, i), true);
}

/*
 * Change a few bytes of a real file's dictionary, mostly in strings.  It must
 * be refused with a reason, or give printable output.
 */
static void test_hostile_mutations(void **state)
{
    unsigned int refused = 0, accepted = 0;
    json_t *ev, *en;
    char *text;
    size_t len;

    start_random();
    assert_int_equal(event_dict_to_json(dict, &ev, &en), 0);
    text = json_dumps(ev, JSON_COMPACT);
    len = strlen(text);
    for ( unsigned int round = 0; round < 3000; round++ )
    {
        static const char likely[] = "uixbdve/?:.-{} 0123456789argt";
        char *copy = strdup(text);
        struct event_dict *d = NULL;
        char err[128] = "";
        json_t *changed;

        for ( unsigned int n = next_random() % 3 + 1; n; n-- )
            copy[next_random() % len] = likely[next_random() %
                                               (sizeof(likely) - 1)];
        changed = json_loads(copy, 0, NULL);
        if ( changed && event_dict_from_json(changed, en, &d, err,
                                             sizeof(err)) )
        {
            assert_int_not_equal(err[0], '\0');
            refused++;
        }
        for ( unsigned int i = 0; d && i < event_dict_events(d); i++ )
            show_random(d, event_dict_event(d, i), false);
        accepted += !!d;
        event_dict_free(d);
        json_decref(changed);
        free(copy);
    }
    printf("# %u refused, %u accepted\n", refused, accepted);
    assert_true(refused > 100 && accepted > 100);
    free(text);
    json_decref(ev);
    json_decref(en);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_all_rows_parse),
        cmocka_unit_test(test_list_names_and_events_are_unique),
        cmocka_unit_test(test_list_rare_holds_what_it_should),
        cmocka_unit_test(test_list_tables_exist),
        cmocka_unit_test(test_text_runstate_comes_from_the_event_word),
        cmocka_unit_test(test_text_hypercall_arguments),
        cmocka_unit_test(test_text_flag_variants),
        cmocka_unit_test(test_text_optional_short_and_rest),
        cmocka_unit_test(test_text_odd_widths),
        cmocka_unit_test(test_text_format),
        cmocka_unit_test(test_pairs_ignore_the_format),
        cmocka_unit_test(test_fits_exactly_what_is_described),
        cmocka_unit_test(test_text_own_events),
        cmocka_unit_test(test_elapsed_times),
        cmocka_unit_test(test_composed_values),
        cmocka_unit_test(test_text_unknown_event),
        cmocka_unit_test(test_text_cut_at_any_size),
        cmocka_unit_test(test_json_members),
        cmocka_unit_test(test_json_all_or_nothing),
        cmocka_unit_test(test_get_by_name),
        cmocka_unit_test(test_domain_pairs),
        cmocka_unit_test(test_runs_tells_who_is_next),
        cmocka_unit_test(test_build_from_a_map),
        cmocka_unit_test(test_json_round_trip),
        cmocka_unit_test(test_grammar_accepts),
        cmocka_unit_test(test_grammar_refuses),
        cmocka_unit_test(test_fields_of_unknown_type),
        cmocka_unit_test(test_format_grammar),
        cmocka_unit_test(test_hostile_documents),
        cmocka_unit_test(test_hostile_too_many),
        cmocka_unit_test(test_show_random_payload),
        cmocka_unit_test(test_hostile_mutations),
    };

    return cmocka_run_group_tests(tests, make_dict, free_dict);
}
