/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-filter.c: filter expressions, times, and the records that filters select.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/select/filter.h"

/*
 * A file with domains 0 and 5; 5 is "web1" and had number 4 before.  2 GHz, trigger
 * on 2023-11-14.
 */
static struct doc doc;

static const char root[] =
    "{\"domains\":[{\"domid\":0,\"name\":\"Domain-0\"},{\"domid\":5,"
    "\"name\":\"web1\",\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\"},"
    /* The same domain before its reboot. */
    "{\"domid\":4,\"name\":\"web1\",\"gone\":true,"
    "\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\"}]}";

static int make_doc(void **state)
{
    memset(&doc, 0, sizeof(doc));
    doc.root = json_loads(root, 0, NULL);
    doc.name = doc.uuid = "";
    doc.domid = DOC_UNKNOWN;
    doc.tsc = 20000000000;
    doc.tsc_khz = 2000000;
    doc.clock = (struct clock_fit){ .tsc_khz = 2000000, .tsc = doc.tsc };
    doc.has_wall = true;
    doc.wall_ns = 1700000000000000000; /* 22:13:20 */
    return event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &doc.dict);
}

static int free_doc(void **state)
{
    doc_free(&doc);
    return 0;
}

static struct merge_record make(uint32_t event, unsigned int words,
                                const uint32_t *data)
{
    struct merge_record r = {
        .kind = MERGE_EVENT, .tsc = doc.tsc, .cpu = 3, .domid = 5, .vcpu = 1,
        .event = event, .desc = event_by_event(doc.dict, event),
        .words = words,
    };

    assert_non_null(r.desc);
    r.id = r.desc->id;
    memcpy(r.data, data, words * 4);
    return r;
}

#define MAKE(event, ...) \
    make(event, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
         (uint32_t[]){ __VA_ARGS__ })

/* FR_DOMAIN_CRASH of d5v0: cause crash (2), reason crash (3), rip. */
static struct merge_record crash(void)
{
    return MAKE(0x0001f108, 5 << 16, 2, 3, 0x81a442b5, 0xffffffff);
}

static bool holds(const char *text, const struct merge_record *rec)
{
    char err[EXPR_ERR_BYTES];
    struct expr *e;
    bool result;

    if ( expr_parse(text, &e, err, sizeof(err)) )
        fail_msg("%s: %s", text, err);
    if ( expr_resolve(e, &doc, NULL, err, sizeof(err)) )
        fail_msg("%s: %s", text, err);
    result = expr_match(e, rec);
    expr_free(e);
    return result;
}

static void test_expr_of_a_record(void **state)
{
    static const struct {
        const char *text;
        bool want;
    } row[] = {
        { "reason==crash && dom==5", true },
        { "reason==crash&&dom==6", false },
        { "reason == 3", true },
        { "reason==CRASH", true },
        { "reason==cr*", true },
        { "reason!=crash", false },
        { "reason!=poweroff", true },
        { "reason", true },
        { "waited_ns", false },
        { "waited_ns != 1", false },   /* no such field */
        { "!(waited_ns == 1)", true },
        { "dom==web1", true },
        { "dom==\"01234567-89AB-cdef-0123-456789abcdef\"", true },
        { "dom==Domain-0", false },
        { "dom!=Domain-0", true },
        { "rip==0xffffffff81a442b5", true },
        { "rip>=0xffffffff81a442b5", true },
        { "rip>0xffffffff81a442b5", false },
        { "rip<-1", false },
        { "rip&0x4", true },
        { "rip & 0x8", false },
        { "event==fr_domain_crash", true },
        { "event==FR_*", true },
        { "event==SCHED_*", false },
        { "class==gen", true },
        { "class==sched || pcpu==3", true },
        { "channel==busy", true },
        { "channel==rare", false },
        { "ran==5 && ran_vcpu==1", true },
        { "ran==web1", true },
        { "ran==idle", false },
        { "dom==5 && reason==poweroff || pcpu<4", true },
        { "dom==5 && (reason==poweroff || pcpu>4)", false },
        { "!!(dom==5)", true },
        { "vcpu==0", true },
    };
    struct merge_record rec = crash();

    for ( size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++ )
        if ( holds(row[i].text, &rec) != row[i].want )
            fail_msg("\"%s\" is %d", row[i].text, !row[i].want);
}

static void test_expr_elapsed_times(void **state)
{
    struct merge_record rec = MAKE(0x0002800f, 5, 1, -295, 0);

    assert_false(holds("waited_ns>10ms", &rec));
    assert_true(holds("waited_ns<0", &rec) && holds("waited_ns==-295", &rec));
}

/* A value that is composed of a code and flags is found by its code. */
static void test_expr_composed_values(void **state)
{
    struct merge_record rec = MAKE(0x00081002, 123 | 1 << 26, 0);
    struct merge_record plain = MAKE(0x00081002, 123, 0);
    struct merge_record call = MAKE(0x0020100d, 20 | 1 << 20, 0x3001);

    assert_true(holds("exit==IOIO", &rec) && holds("exit==IOIO", &plain));
    assert_false(holds("exit!=IOIO", &rec) || holds("exit!=IOIO", &plain));
    assert_true(holds("exit==\"*|BUS_LOCK\"", &rec));
    assert_false(holds("exit==\"*|BUS_LOCK\"", &plain));
    assert_true(holds("exit==123", &rec) && holds("exit==0x0400007b", &rec));
    assert_false(holds("exit!=123", &rec) || holds("exit==124", &rec));
    assert_true(holds("exit&0x4000000", &rec));
    assert_false(holds("exit&0x4000000", &plain));
    assert_false(holds("exit==0", &rec) || holds("eip!=0", &rec));
    assert_true(holds("a0==unmap_grant_ref", &call));
    assert_false(holds("a0==map_grant_ref", &call));
}

static void test_expr_times_and_signs(void **state)
{
    /* SCHED_SWITCH_INFNEXT: dom, vcpu, waited_ns, slice_ns */
    const struct event_desc *d = NULL;
    struct merge_record rec;
    uint32_t data[7] = { 5, 1, 15000000, 1 };

    for ( unsigned int i = 0; i < event_dict_events(doc.dict); i++ )
        if ( !strcmp(event_dict_event(doc.dict, i)->name,
                     "SCHED_SWITCH_INFNEXT") )
            d = event_dict_event(doc.dict, i);
    assert_non_null(d);
    rec = make(d->event, d->words, data);
    assert_true(holds("waited_ns > 10ms", &rec));
    assert_true(holds("waited_ns <= 15ms", &rec));
    assert_true(holds("waited_ns > -1", &rec));
    assert_false(holds("waited_ns > 1s", &rec));
}

static void wrong(const char *text, const char *part)
{
    char err[EXPR_ERR_BYTES];
    struct expr *e;

    if ( !expr_parse(text, &e, err, sizeof(err)) )
        fail_msg("\"%s\" was taken", text);
    if ( !strstr(err, part) )
        fail_msg("\"%s\": %s", text, err);
}

static void test_expr_wrong_reports_position(void **state)
{
    char deep[200];

    wrong("", "at its end: the name");
    wrong("dom==", "at its end: a value");
    wrong("dom==5 dom==6", "at character 8, before \"dom==6\": && or ||");
    wrong("(dom==5", "\")\" is expected");
    wrong("dom==5)", "at character 7");
    wrong("reason<crash", "at character 8, before \"crash\": this operator");
    wrong("dom==\"web", "closing quote");
    wrong("5==dom", "the name of a field");
    wrong("dom==5 && \x1b[31m", "\\x1b[31m");
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    wrong(deep, "nested too deeply");
    memset(deep, '!', sizeof(deep) - 1);
    wrong(deep, "nested too deeply");
}

static void test_expr_too_many_tests(void **state)
{
    char text[EXPR_MAX_BYTES + 1] = "a";

    for ( unsigned int i = 0; i < EXPR_MAX_TESTS; i++ )
        strcat(text, "&&a");
    wrong(text, "too long");
    memset(text, ' ', EXPR_MAX_BYTES);
    wrong(text, "longer than");
}

static void unknown(const char *text, const char *part)
{
    char err[EXPR_ERR_BYTES];
    struct expr *e;

    assert_int_equal(expr_parse(text, &e, err, sizeof(err)), 0);
    assert_int_equal(expr_resolve(e, &doc, NULL, err, sizeof(err)), -ENOENT);
    expr_free(e);
    if ( !strstr(err, part) )
        fail_msg("\"%s\": %s", text, err);
}

static void test_expr_names_that_the_file_lacks(void **state)
{
    unknown("dom==5 && colour==red", "no event in this file has a field");
    unknown("reason==crahs", "this field never has the value \"crahs\"");
    unknown("dom==web2", "never has the value \"web2\"");
    unknown("ran==web2", "no domain \"web2\"");
}

static uint64_t tsc_of(const char *text)
{
    struct when w;
    uint64_t tsc;

    assert_int_equal(when_parse(text, &w), 0);
    assert_int_equal(when_tsc(&w, &doc, &tsc), 0);
    return tsc;
}

static void test_when(void **state)
{
    static const char *const bad[] = {
        "", "now", "100ms", "-", "-5", "-5.", "-.5", "0.5", "-1.5x",
        "-1234567890.0", "@", "@x", "2023-11", "22", "22:",
        "22:13:20.", "22:13:20x", "22:13.5", "2023-11-14 22", "2023-11-14.5",
        "1969-12-31 23:59:59", "-1e30s",
    };
    struct when w;
    uint64_t tsc;

    assert_int_equal(tsc_of("0"), doc.tsc);
    assert_int_equal(tsc_of("-100ms"), doc.tsc - 200000000);
    assert_int_equal(tsc_of("+5us"), doc.tsc + 10000);
    assert_int_equal(tsc_of("-0.000005000"), tsc_of("-5us"));
    assert_int_equal(tsc_of("+1.000000001"), doc.tsc + 2000000002);
    assert_int_equal(tsc_of("-12.5"), tsc_of("-12500ms"));
    assert_int_equal(tsc_of("-2000s"), 0);
    assert_int_equal(tsc_of("@12345"), 12345);
    assert_int_equal(tsc_of("22:13:20"), doc.tsc);
    assert_int_equal(tsc_of("22:13:19.5"), doc.tsc - 1000000000);
    assert_int_equal(tsc_of("2023-11-14 22:13:19.999999999"), doc.tsc - 2);
    assert_int_equal(tsc_of("2023-11-14T22:13:21"), doc.tsc + 2000000000);
    assert_int_equal(tsc_of("2023-11-14 22:14"), tsc_of("2023-11-14 22:14:00"));
    assert_int_equal(tsc_of("22:14"), tsc_of("22:14:00"));
    assert_int_equal(tsc_of("2023-11-15"), tsc_of("2023-11-15 00:00:00"));
    for ( size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++ )
        if ( when_parse(bad[i], &w) != -EINVAL )
            fail_msg("\"%s\" was taken", bad[i]);

    assert_int_equal(when_parse("22:13:20", &w), 0);
    doc.has_wall = false;
    assert_int_equal(when_tsc(&w, &doc, &tsc), -ENOENT);
    doc.has_wall = true;
}

static int64_t wall_of(const char *text, int64_t now)
{
    struct when w;
    int64_t ns;

    assert_int_equal(when_parse(text, &w), 0);
    assert_int_equal(when_wall(&w, now, &ns), 0);
    return ns;
}

static void test_when_without_a_trigger(void **state)
{
    const int64_t s = 1000000000, day = 86400 * s, now = 19675 * day + 5 * s;
    struct when w;
    int64_t ns;

    assert_int_equal(wall_of("0", now), now);
    assert_int_equal(wall_of("-2h", now), now - 7200 * s);
    assert_int_equal(wall_of("-7d", now), now - 7 * day);
    assert_int_equal(wall_of("+1m", INT64_MAX - 1), INT64_MAX);
    assert_int_equal(wall_of("00:01", now), now + 55 * s);
    assert_int_equal(wall_of("2023-11-14", now), now - 5 * s);
    assert_int_equal(when_parse("@1", &w), 0);
    assert_int_equal(when_wall(&w, now, &ns), -EINVAL);
}

static bool wants(int argc, char **argv, const struct merge_record *rec)
{
    static struct filter f;
    bool yes;

    memset(&f, 0, sizeof(f));
    assert_int_equal(argp_parse(&filter_argp, argc, argv, ARGP_NO_EXIT, NULL,
                                &f), 0);
    assert_int_equal(filter_resolve(&f, &doc, NULL), 0);
    yes = filter_wants(&f, rec);
    filter_free(&f);
    return yes;
}

#define WANTS(rec, ...) \
    wants(sizeof((char *[]){ "x", __VA_ARGS__ }) / sizeof(char *), \
          (char *[]){ "x", __VA_ARGS__, NULL }, rec)

/* FR_DOMAIN_CRASH of @domid, written while another domain ran. */
static struct merge_record crash_of(uint32_t domid)
{
    struct merge_record rec = MAKE(0x0001f108, domid << 16, 2, 3, 0, 0);

    rec.domid = 0;
    return rec;
}

static void test_a_name_of_several_domains(void **state)
{
    static char uuid[] = "--domain=01234567-89ab-cdef-0123-456789abcdef";
    const struct merge_record now = crash_of(5), before = crash_of(4),
                              other = crash_of(3);

    assert_true(WANTS(&now, "--domain=web1"));
    assert_true(WANTS(&before, "--domain=web1"));
    assert_false(WANTS(&other, "--domain=web1"));
    assert_true(WANTS(&before, uuid));
    assert_true(WANTS(&before, uuid, "--vcpu=0"));
    assert_false(WANTS(&before, uuid, "--vcpu=1"));
    assert_false(WANTS(&before, "--domain=5"));
    assert_true(holds("dom==web1", &now) && holds("dom==web1", &before));
    assert_true(!holds("dom==web1", &other) && holds("dom!=web1", &other));
}

static void test_filter_of_options(void **state)
{
    struct merge_record rec = crash(), gap = { .kind = MERGE_GAP,
                                               .tsc = doc.tsc, .cpu = 3 };

    assert_true(WANTS(&rec, "--vcpu=1"));           /* ran there */
    assert_true(WANTS(&rec, "--vcpu=0"));           /* is named */
    assert_false(WANTS(&rec, "--vcpu=2-4"));
    assert_true(WANTS(&rec, "--vcpu=0", "--domain=web1"));
    assert_false(WANTS(&rec, "--vcpu=0", "--domain=0"));
    assert_true(WANTS(&rec, "--class=g*"));
    assert_false(WANTS(&rec, "--class=sched", "--class=hvm"));
    assert_true(WANTS(&rec, "--filter=dom==5", "--filter=reason==crash"));
    assert_false(WANTS(&rec, "--filter=dom==5", "--filter=reason==reboot"));
    assert_true(WANTS(&rec, "--from=-1us", "--to=+1us"));
    assert_false(WANTS(&rec, "--to=-1us"));
    assert_false(WANTS(&rec, "--from=+1us"));
    /* Only time and pCPU can exclude a gap. */
    assert_true(WANTS(&gap, "--filter=dom==5", "--vcpu=9", "--class=hvm"));
    assert_false(WANTS(&gap, "--cpu=1"));
    assert_false(WANTS(&gap, "--from=+1us"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expr_of_a_record),
        cmocka_unit_test(test_expr_elapsed_times),
        cmocka_unit_test(test_expr_composed_values),
        cmocka_unit_test(test_expr_times_and_signs),
        cmocka_unit_test(test_expr_wrong_reports_position),
        cmocka_unit_test(test_expr_too_many_tests),
        cmocka_unit_test(test_expr_names_that_the_file_lacks),
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_when_without_a_trigger),
        cmocka_unit_test(test_filter_of_options),
        cmocka_unit_test(test_a_name_of_several_domains),
    };

    return cmocka_run_group_tests(tests, make_doc, free_doc);
}
