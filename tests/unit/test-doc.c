/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-doc.c: load valid and hostile documents of a snapshot, and print their
 * texts.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/format/doc.h"
#include "lib/base/text.h"

#define TRIGGER "\"trigger\":{\"cause\":\"crash\",\"tsc\":5000000," \
                "\"domid\":4,\"name\":\"late\",\"uuid\":\"ABCD\"}"
#define CLOCK   "\"clock\":{\"tsc_khz\":2000000,\"pairs\":[" \
                "{\"tsc\":1,\"wall_ns\":1}," \
                "{\"tsc\":6000000,\"wall_ns\":1000000000000}," \
                "{\"tsc\":900000000,\"wall_ns\":7}]}"
#define DOMAINS "\"domains\":[{\"domid\":0,\"name\":\"Domain-0\"}," \
                "{\"domid\":3,\"name\":\"7\",\"uuid\":\"ffee\"},{}, 5]"
#define GOOD    "{\"format\":1," TRIGGER "," CLOCK "," DOMAINS "}"

/*
 * Load a file with that meta document.  The caller frees `d` if 0 is returned.
 */
static int load(const char *meta, bool dict, struct doc *d)
{
    int rc, fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot_writer *w;
    struct snapshot *s;
    char err[256];

    assert_true(fd >= 0);
    assert_int_equal(snapshot_create(fd, 0, &w), 0);
    assert_int_equal(snapshot_put_meta(w, meta, strlen(meta)), 0);
    assert_int_equal(snapshot_finish(w, NULL), 0);
    assert_int_equal(snapshot_open_fd(fd, &s, NULL), 0);
    rc = doc_load(s, dict, d, err, sizeof(err));
    if ( rc )
        assert_true(err[0]);
    snapshot_close(s);
    close(fd);
    return rc;
}

/* Only the dictionary at the top may be left out, whatever surrounds it. */
static void test_load_without_dictionary(void **state)
{
#define NESTED "\"a\":{\"dictionary\":{\"b\":1}},\"s\":\"dictionary\"," \
               "\"t\":\"\\\"dictionary\\\":{\\\\\""
    static const struct {
        const char *meta;
        bool blank;
    } row[] = {
        { "{\"dictionary\":{\"events\":[],\"enums\":{}},"
          "\"format\":1," TRIGGER "," CLOCK "}", true },
        { "{\"format\":1," TRIGGER "," CLOCK "," NESTED
          ", \"dictionary\" :\n {\"events\":[],\"enums\":{\"}\\\"]\":[]}} ,"
          DOMAINS "}", true },
        { "{\"format\":1," TRIGGER "," CLOCK "," NESTED "}", false },
        { "{\"format\":1," TRIGGER "," CLOCK ",\"dictionary\":[1,2,3]}",
          false },
    };

    for ( size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++ )
    {
        json_t *want = json_loads(row[i].meta, 0, NULL);
        struct doc d;

        assert_non_null(want);
        if ( row[i].blank )
            json_object_set_new(want, "dictionary", json_null());
        assert_int_equal(load(row[i].meta, false, &d), 0);
        assert_true(json_equal(d.root, want));
        doc_free(&d);
        json_decref(want);
    }

    /* Cut inside of it, or closed too early: no document. */
    assert_int_equal(load("{\"format\":1," TRIGGER "," CLOCK
                          ",\"dictionary\":{\"events\":[}", false,
                          &(struct doc){ 0 }), -EBADMSG);
    assert_int_equal(load("{\"dictionary\":{\"events\":[]}}}", false,
                          &(struct doc){ 0 }), -EBADMSG);
}

static void refuse(const char *meta)
{
    struct doc d;

    assert_int_equal(load(meta, false, &d), -EBADMSG);
}

static void test_load_reads_trigger_and_clock(void **state)
{
    struct doc d;

    assert_int_equal(load(GOOD, false, &d), 0);
    assert_string_equal(d.cause, "crash");
    assert_int_equal(d.domid, 4);
    assert_int_equal(d.vcpu, DOC_UNKNOWN);
    assert_false(d.has_rip);
    assert_string_equal(d.history, "");
    assert_null(d.note);
    /* From the nearest pair: 1000000 ticks are 500000 ns. */
    assert_true(d.has_wall);
    assert_int_equal(d.wall_ns, 1000000000000 - 500000);
    doc_free(&d);
}

#define PAIRED(fit) "{\"format\":1,\"trigger\":{\"cause\":\"crash\"," \
    "\"tsc\":5000000,\"ns\":7000000}," \
    "\"clock\":{\"tsc_khz\":1000000,\"pairs\":[{\"tsc\":6000000," \
    "\"ns\":8000000,\"wall_ns\":1000000000,\"mono_ns\":500000000," \
    "\"width_ns\":300}]" fit "}}"

static void test_clocks(void **state)
{
    struct doc d;

    assert_int_equal(load(PAIRED(""), false, &d), 0);
    assert_false(d.has_fit);
    assert_int_equal(doc_clock_at(&d, DOC_CLOCK_REL, 5001000), 1000);
    assert_int_equal(doc_clock_at(&d, DOC_CLOCK_TSC, 5001000), 5001000);
    assert_int_equal(doc_clock_at(&d, DOC_CLOCK_XEN, 5001000), 7001000);
    assert_int_equal(doc_clock_at(&d, DOC_CLOCK_REALTIME, 5001000),
                     1000000000 - 1000000 + 1000);
    assert_int_equal(doc_clock_at(&d, DOC_CLOCK_MONOTONIC, 5001000),
                     500000000 - 1000000 + 1000);
    doc_free(&d);

    /*
     * System time is 100 ppm faster than the TSC, and 5 ns off at the trigger.
     */
    assert_int_equal(load(PAIRED(",\"fit\":{\"drift_ppb\":100000,"
                                 "\"ns\":7000005,\"error_ns\":40}"),
                          false, &d), 0);
    assert_true(d.has_fit);
    assert_int_equal(doc_ns(&d, 5010000), 10001);
    assert_int_equal(doc_clock_at(&d, DOC_CLOCK_XEN, 5010000), 7010006);
    assert_int_equal(doc_clock_error(&d, DOC_CLOCK_XEN, 5010000), 40);
    /* 300 wide, 500 ppm of the ms to the pair, the fit's; 500 ppm of 2 ms. */
    assert_int_equal(doc_clock_error(&d, DOC_CLOCK_REALTIME, d.tsc),
                     300 + 500 + 1 + 40);
    assert_int_equal(doc_clock_error(&d, DOC_CLOCK_REALTIME, d.tsc - 2000000),
                     300 + 500 + 1 + 40 + 1000);
    doc_free(&d);

    refuse(PAIRED(",\"fit\":{\"drift_ppb\":0,\"ns\":-1,\"error_ns\":1}"));
    refuse(PAIRED(",\"fit\":[]"));
}

static void test_clock_names(void **state)
{
    for ( enum doc_clock i = 0; i < DOC_CLOCKS; i++ )
        assert_int_equal(doc_clock_find(doc_clock_name(i)), i);
    assert_int_equal(doc_clock_find("boottime"), DOC_CLOCKS);
}

static void test_load_needs_a_dictionary_if_asked(void **state)
{
    struct doc d;

    assert_int_equal(load(GOOD, true, &d), -EBADMSG);
    assert_int_equal(load("{\"format\":1," TRIGGER "," CLOCK ",\"dictionary\":"
                          "{\"events\":[],\"enums\":{}}}", true, &d), 0);
    assert_non_null(d.dict);
    doc_free(&d);
}

static void test_load_refuses_hostile_documents(void **state)
{
    refuse("{");
    refuse("{}");
    refuse("{} x");
    refuse("{\"format\":2," TRIGGER "," CLOCK "}");
    refuse("{\"format\":1,\"format\":1," TRIGGER "," CLOCK "}");
    refuse("{\"format\":1," CLOCK "}");
    refuse("{\"format\":1,\"trigger\":[]," CLOCK "}");
    refuse("{\"format\":1,\"trigger\":{\"cause\":7,\"tsc\":1}," CLOCK "}");
    refuse("{\"format\":1,\"trigger\":{\"cause\":\"crash\"}," CLOCK "}");
    refuse("{\"format\":1," TRIGGER "}");
    refuse("{\"format\":1," TRIGGER ",\"clock\":{\"tsc_khz\":0}}");
    refuse("{\"format\":1," TRIGGER ",\"clock\":{\"tsc_khz\":-5}}");
    refuse("{\"format\":1," TRIGGER ",\"clock\":{\"tsc_khz\":1e3}}");
    refuse("{\"format\":1," TRIGGER ",\"clock\":{\"tsc_khz\":99999999999}}");
}

/*
 * Each value takes two bytes of text and a hundred or more of memory, in a
 * file that lz4 makes tiny.  It must be refused before it is parsed.
 */
static void test_load_bounds_the_memory_of_a_document(void **state)
{
    const size_t bytes = SNAPSHOT_MAX_JSON_BYTES - 4096;
    struct rusage use;
    char *text = malloc(bytes);
    pid_t pid;
    int status;

    assert_non_null(text);
    memset(text, ' ', bytes);
    memcpy(text, "{\"a\":[", 6);
    for ( size_t i = 6; i < bytes - 3; i++ )
        text[i] = "[],"[i % 3];
    memcpy(text + bytes - 6, "[]]}", 5);
    pid = fork();
    if ( !pid )
    {
        refuse(text);
        _exit(0);
    }
    assert_int_equal(wait4(pid, &status, 0, &use), pid);
    assert_int_equal(status, 0);
    printf("# measured: %zu MiB of text, %ld MiB resident\n", bytes >> 20,
           use.ru_maxrss >> 10);
    assert_in_range(use.ru_maxrss >> 10, 1, 300);
    free(text);
}

static void test_ns_with_sign_and_limits(void **state)
{
    struct doc d = { .tsc = 1ULL << 40 };

    d.clock = (struct clock_fit){ .tsc_khz = 2000000, .tsc = d.tsc };
    assert_int_equal(doc_ns(&d, d.tsc), 0);
    assert_int_equal(doc_ns(&d, d.tsc - 3), -1);
    assert_int_equal(doc_ns(&d, d.tsc + 2000000000), 1000000000);
    assert_int_equal(doc_tsc_before(&d, 1000), d.tsc - 2000);
    assert_int_equal(doc_tsc_before(&d, UINT64_MAX), 0);

    d.clock.tsc_khz = 1000; /* 1 MHz: the sum does not fit */
    assert_int_equal(doc_ns(&d, d.tsc + (1ULL << 62)), INT64_MAX);
    assert_int_equal(doc_ns(&d, d.tsc - (1ULL << 62)), INT64_MIN);
}

#define REBOOTED "\"domains\":[{\"domid\":3,\"name\":\"a\",\"uuid\":\"ff\"}," \
                 "{\"domid\":4,\"name\":\"b\",\"uuid\":\"ff\"}," \
                 "{\"domid\":5,\"name\":\"b\",\"uuid\":\"ff\"," \
                 "\"gone\":true}]"

static void test_find_several_domains(void **state)
{
    struct doc_domids set;
    struct doc d;
    uint32_t id;

    assert_int_equal(load("{\"format\":1," TRIGGER "," CLOCK "," REBOOTED "}",
                          false, &d), 0);
    assert_int_equal(doc_find_domains(&d, "nobody", &set), 0);
    assert_int_equal(doc_find_domains(&d, "4", &set), 1);
    assert_true(doc_has_domid(&set, 4) && !doc_has_domid(&set, 5));
    assert_int_equal(doc_find_domains(&d, "b", &set), 2);
    assert_true(doc_has_domid(&set, 4) && doc_has_domid(&set, 5));
    assert_int_equal(doc_find_domains(&d, "FF", &set), 3);
    assert_false(doc_has_domid(&set, 2) || doc_has_domid(&set, UINT32_MAX));
    assert_true(doc_find_domain(&d, "b", &id)); /* not the one that is gone */
    assert_int_equal(id, 4);
    d.name = "b";
    d.domid = 5;
    assert_true(doc_find_domain(&d, "ff", &id)); /* the trigger's */
    assert_int_equal(id, 5);
    doc_free(&d);
}

static void test_find_domain(void **state)
{
    struct doc d;
    uint32_t id = 99;

    assert_int_equal(load(GOOD, false, &d), 0);
    assert_true(doc_find_domain(&d, "12", &id)); /* numbers need no entry */
    assert_int_equal(id, 12);
    assert_true(doc_find_domain(&d, "Domain-0", &id));
    assert_int_equal(id, 0);
    assert_true(doc_find_domain(&d, "FFEE", &id));
    assert_int_equal(id, 3);
    assert_true(doc_find_domain(&d, "7", &id)); /* a number before a name */
    assert_int_equal(id, 7);
    assert_true(doc_find_domain(&d, "late", &id)); /* the trigger's */
    assert_int_equal(id, 4);
    assert_false(doc_find_domain(&d, "nobody", &id));
    assert_false(doc_find_domain(&d, "", &id));
    assert_false(doc_find_domain(&d, "99999", &id));
    assert_string_equal(doc_text(doc_domain(&d, 3), "name", ""), "7");
    assert_null(doc_domain(&d, 4));
    doc_free(&d);
}

static void test_escape(void **state)
{
    char buf[64], small[12];

    assert_string_equal(text_escape(buf, sizeof(buf), "plain ~"), "plain ~");
    assert_string_equal(text_escape(buf, sizeof(buf), "\x1b[0m\n\\\xff"),
                        "\\x1b[0m\\x0a\\x5c\\xff");
    assert_string_equal(text_escape(small, sizeof(small), "12345"), "12345");
    assert_string_equal(text_escape(small, sizeof(small), "1234567890"),
                        "12345...");
    assert_string_equal(text_escape(small, sizeof(small), "\n\n\n\n"),
                        "\\x0a\\x0a...");
}

static void test_duration(void **state)
{
    static const char *const bad[] = { "", "1", "ms", "-1s", "1w", "1 s",
                                       ".s", "1e30s", "nan", "infs",
                                       "20261121T101010Z.xfr.lz4" };
    uint64_t ns = 0;

    assert_int_equal(text_duration("100ms", &ns), 0);
    assert_int_equal(ns, 100000000);
    assert_int_equal(text_duration("1.5s", &ns), 0);
    assert_int_equal(ns, 1500000000);
    assert_int_equal(text_duration("0ns", &ns), 0);
    assert_int_equal(ns, 0);
    assert_int_equal(text_duration("2m", &ns), 0);
    assert_int_equal(ns, 120000000000);
    assert_int_equal(text_duration("2h", &ns), 0);
    assert_int_equal(ns, 7200000000000);
    assert_int_equal(text_duration("7d", &ns), 0);
    assert_int_equal(ns, 7 * 86400000000000);
    for ( size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++ )
        assert_int_equal(text_duration(bad[i], &ns), -EINVAL);
}

static void test_time_and_size(void **state)
{
    char buf[48];

    assert_string_equal(text_time(buf, sizeof(buf), 1700000000000000005),
                        "2023-11-14 22:13:20.000000005 UTC");
    assert_string_equal(text_time(buf, sizeof(buf), INT64_MIN), "?");
    assert_string_equal(text_bytes(buf, sizeof(buf), 1023), "1023 B");
    assert_string_equal(text_bytes(buf, sizeof(buf), 1536), "1.5 KiB");
    assert_string_equal(text_bytes(buf, sizeof(buf), UINT64_MAX),
                        "16777216.0 TiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_reads_trigger_and_clock),
        cmocka_unit_test(test_load_without_dictionary),
        cmocka_unit_test(test_load_needs_a_dictionary_if_asked),
        cmocka_unit_test(test_load_refuses_hostile_documents),
        cmocka_unit_test(test_load_bounds_the_memory_of_a_document),
        cmocka_unit_test(test_ns_with_sign_and_limits),
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_clock_names),
        cmocka_unit_test(test_find_domain),
        cmocka_unit_test(test_find_several_domains),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_time_and_size),
    };

    return cmocka_run_group_tests_name("doc", tests, NULL, NULL);
}
