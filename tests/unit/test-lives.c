/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-lives.c: the domains that had one number, by time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/read/lives.h"
#include "lib/xenflight.h"
#include "tests/lib/gen.h"

#define KHZ      1000000       /* a tick is a ns */
#define TRIGGER  1000000
#define A        "aaaaaaaa-0000-0000-0000-000000000001"
#define B        "bbbbbbbb-0000-0000-0000-000000000002"
#define C        "cccccccc-0000-0000-0000-000000000003"
#define BUSY     XEN_FLIGHTREC_CH_BUSY
#define RARE     XEN_FLIGHTREC_CH_RARE

/* One record about a domain. */
struct event {
    uint64_t tsc;
    const char *name;
    uint32_t domid;
};

#define ADD(t, d)  { t, "DOM0_DOM_ADD", d }, { (t) + 10, "SCHED_DOM_ADD", d }
#define REM(t, d)  { t, "DOM0_DOM_REM", d }, { (t) + 10, "SCHED_DOM_REM", d }

static struct snapshot *snap;
static struct doc doc;
static struct lives *lives;
static struct xf_file *file;
static struct gen g;

static uint32_t id_of(const char *name)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            return XEN_FLIGHTREC_ID_FIRST + i;

    fail_msg("no event %s", name);
    return 0;
}

/* The document; @trigger and @domains are JSON. */
static char *make_meta(const char *trigger, const char *domains)
{
    struct event_dict *dict;
    json_t *events, *enums, *o;
    char *text;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict), 0);
    assert_int_equal(event_dict_to_json(dict, &events, &enums), 0);
    event_dict_free(dict);
    o = json_pack("{s:i, s:o, s:{s:i}, s:o, s:{s:o, s:o}}", "format", 1,
                  "trigger", json_loads(trigger, 0, NULL), "clock", "tsc_khz",
                  KHZ, "domains", json_loads(domains, 0, NULL), "dictionary",
                  "events", events, "enums", enums);
    assert_non_null(o);
    text = json_dumps(o, 0);
    json_decref(o);
    return text;
}

static void put_packet(struct snapshot_writer *w, uint16_t cpu, uint8_t channel,
                       const struct event *e, size_t nr)
{
    memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.channel = channel;
    gen_begin(&g, (struct gen_at){ .tsc = e[0].tsc });
    for ( size_t i = 0; i < nr; i++ )
        assert_true(gen_add(&g, &(struct gen_record){
            .tsc = e[i].tsc, .id = id_of(e[i].name), .words = 1,
            .data = { e[i].domid } }));
    gen_end(&g);
    assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
}

/*
 * Load the lives of a file with these records in the busy channel of pCPU 0.
 * The rare channel of pCPU 1, if any, has @rare.
 */
static void load_rare(const char *trigger, const char *domains,
                      const struct event *e, size_t nr,
                      const struct event *rare, size_t nr_rare)
{
    char *text = make_meta(trigger, domains), err[256];
    int fd = memfd_create("test", MFD_CLOEXEC);
    struct snapshot_writer *w;
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert_int_equal(snapshot_create(fd, 0, &w), 0);
    assert_int_equal(snapshot_put_meta(w, text, strlen(text)), 0);
    if ( nr )
        put_packet(w, 0, BUSY, e, nr);
    if ( nr_rare )
    {
        put_packet(w, 1, RARE, rare, nr_rare);
        put_packet(w, 1, BUSY, &(struct event){ 5, "DOM0_DOM_ADD", 5 }, 1);
    }
    assert_int_equal(snapshot_finish(w, NULL), 0);
    assert_int_equal(snapshot_open_fd(fd, &snap, NULL), 0);
    assert_int_equal(doc_load(snap, true, &doc, err, sizeof(err)), 0);
    assert_int_equal(lives_load(snap, &doc, &lives), 0);
    assert_int_equal(xf_open(path, &file, err, sizeof(err)), 0);
    close(fd);
    free(text);
}

#define REQUEST "{\"cause\":\"request\",\"tsc\":1000000}"
#define LOAD(trigger, domains, ...) do { \
    const struct event e_[] = { __VA_ARGS__ }; \
    load_rare(trigger, domains, e_, sizeof(e_) / sizeof(e_[0]), NULL, 0); \
} while ( 0 )

static int end(void **state)
{
    lives_free(lives);
    xf_close(file);
    doc_free(&doc);
    snapshot_close(snap);
    lives = NULL;
    return 0;
}

static void expect(uint64_t tsc, const char *name, const char *uuid)
{
    const struct life *l = lives_at(lives, 5, tsc);

    assert_non_null(l);
    assert_int_equal(l->domid, 5);
    assert_true(l->from <= tsc && tsc < l->to);
    assert_string_equal(l->name, name);
    assert_string_equal(l->uuid, uuid);
    assert_string_equal(lives_name(lives, 5, tsc), name);
}

#define ALICE "{\"domid\":5,\"name\":\"alice\",\"uuid\":\"" A "\"}"
#define GONE  "{\"domid\":5,\"name\":\"alice\",\"uuid\":\"" A \
              "\",\"gone\":true}"
#define BOB   "{\"domid\":5,\"name\":\"bob\",\"uuid\":\"" B "\"}"

static void test_a_number_used_twice(void **state)
{
    LOAD(REQUEST, "[{\"domid\":0,\"name\":\"Domain-0\"}," GONE "," BOB "]",
         { 10, "SCHED_WAKE", 5 }, ADD(100, 5), REM(500, 5), ADD(700, 5));
    assert_int_equal(lives_nr(lives), 3);
    expect(0, "alice", A);   /* before its creation: clocks differ a little */
    expect(100, "alice", A);
    expect(699, "alice", A); /* its removal is about it */
    expect(700, "bob", B);
    expect(709, "bob", B);   /* the two records of a creation are one */
    expect(TRIGGER, "bob", B);
    assert_true(lives_at(lives, 5, 0)->gone);
    assert_false(lives_at(lives, 5, TRIGGER)->gone);
    assert_string_equal(lives_name(lives, 0, 600), "Domain-0");
    assert_null(lives_at(lives, 4, 600));
    assert_null(lives_at(lives, 6, 600));
    assert_string_equal(lives_name(lives, 6, 600), "");
}

static void test_the_order_of_gone_entries(void **state)
{
    /* The living one is the last, wherever it stands. */
    LOAD(REQUEST, "[" BOB "," GONE "]", REM(500, 5), ADD(700, 5));
    expect(600, "alice", A);
    expect(700, "bob", B);
}

static void test_an_unlisted_life_has_no_name(void **state)
{
    LOAD(REQUEST, "[" BOB "]", REM(500, 5), ADD(700, 5));
    expect(499, "", "");
    expect(700, "bob", B);
    end(state);

    LOAD(REQUEST, "[" BOB "]", ADD(100, 5), ADD(700, 5));
    expect(699, "", "");
    expect(700, "bob", B);
}

static void test_one_life(void **state)
{
    LOAD(REQUEST, "[" BOB "]", ADD(100, 5));
    expect(0, "bob", B);
    assert_int_equal(lives_nr(lives), 1);
    end(state);

    LOAD(REQUEST, "[" BOB "]", { 10, "SCHED_WAKE", 5 });
    expect(0, "bob", B);
    end(state);

    /* One that began before the recording, and is gone. */
    LOAD(REQUEST, "[" GONE "]", REM(500, 5));
    expect(0, "alice", A);
    expect(TRIGGER, "alice", A);
}

static void test_more_entries_than_lives(void **state)
{
    /* The first of three is older than the recording. */
    LOAD(REQUEST, "[{\"domid\":5,\"name\":\"old\",\"gone\":true}," GONE "," BOB
         "]", REM(500, 5), ADD(700, 5));
    expect(0, "alice", A);
    expect(700, "bob", B);
    end(state);

    /* No creation was recorded, but a removal. */
    LOAD(REQUEST, "[" GONE "," BOB "]", REM(500, 5));
    expect(500, "alice", A);
    expect(511, "bob", B);
    end(state);

    /* Nothing was recorded. */
    LOAD(REQUEST, "[" GONE "," BOB "]", { 10, "SCHED_WAKE", 5 });
    expect(10, "bob", B);
}

static void test_the_trigger_names_its_life(void **state)
{
    /* The successor was created after the end of the recording. */
    LOAD("{\"cause\":\"crash\",\"tsc\":1000000,\"domid\":5,\"uuid\":\"" A
         "\"}", "[" GONE "," BOB "]", ADD(100, 5));
    expect(100, "alice", A);
    expect(TRIGGER, "alice", A);
    end(state);

    /* Only the successor is listed. */
    LOAD("{\"cause\":\"crash\",\"tsc\":1000000,\"domid\":5,\"name\":\"alice\","
         "\"uuid\":\"" A "\"}", "[" BOB "]", ADD(100, 5));
    expect(TRIGGER, "alice", A);
    assert_null(lives_at(lives, 5, TRIGGER)->entry);
    end(state);

    /* The trigger was during the first of two lives. */
    LOAD("{\"cause\":\"crash\",\"tsc\":600,\"domid\":5,\"uuid\":\"" A "\"}",
         "[" BOB "," GONE "]", ADD(100, 5), REM(650, 5), ADD(700, 5));
    expect(600, "alice", A);
    expect(700, "bob", B);
    end(state);

    /* By number, it is the trigger's. */
    LOAD("{\"cause\":\"crash\",\"tsc\":600,\"domid\":5,\"uuid\":\"" A "\"}",
         "[" GONE "," BOB "]", ADD(100, 5), REM(650, 5), ADD(700, 5));
    assert_string_equal(lives_find(lives, "5")->name, "alice");
    end(state);

    /* The trigger's number is not listed. */
    LOAD("{\"cause\":\"crash\",\"tsc\":1000000,\"domid\":5,\"name\":\"x\"}",
         "[{\"domid\":4},{\"domid\":6,\"name\":\"six\"}]",
         { 10, "SCHED_WAKE", 7 });
    expect(TRIGGER, "x", "");
    assert_string_equal(lives_name(lives, 6, 0), "six");
    assert_int_equal(lives_nr(lives), 3);
}

static void test_the_rare_channel_is_enough(void **state)
{
    const struct event rare[] = { REM(500, 5), ADD(700, 5) };

    load_rare(REQUEST, "[" GONE "," BOB "]", NULL, 0, rare, 4);
    expect(499, "alice", A);
    expect(700, "bob", B);
    assert_int_equal(lives_nr(lives), 2);
}

static void test_keys(void **state)
{
    const struct life *alice, *bob;

    LOAD(REQUEST, "[" GONE "," BOB ",{\"domid\":9,\"name\":\"5\"}]",
         REM(500, 5), ADD(700, 5));
    alice = lives_at(lives, 5, 0);
    bob = lives_at(lives, 5, 700);
    assert_ptr_equal(alice, lives_nth(lives, 0));
    assert_true(lives_match(alice, "alice") && lives_match(alice, "5"));
    assert_true(lives_match(bob, "BBBBBBBB-0000-0000-0000-000000000002"));
    assert_false(lives_match(bob, "alice") || lives_match(bob, ""));
    assert_true(lives_is(lives, "alice", 5, 0));
    assert_false(lives_is(lives, "alice", 5, 700));
    assert_true(lives_is(lives, "5", 5, 700));
    assert_true(lives_is(lives, "77", 77, 0));
    assert_false(lives_is(lives, "5", 9, 0)); /* a number before a name */
    assert_ptr_equal(lives_find(lives, "5"), bob);
    assert_ptr_equal(lives_find(lives, "alice"), alice);
    assert_null(lives_find(lives, "carol"));
    assert_false(lives_same(alice, bob));
    assert_true(lives_same(alice, alice));
}

static void test_the_same_domain_again(void **state)
{
    LOAD(REQUEST, "[" GONE "," ALICE "]", REM(500, 5), ADD(700, 5));
    assert_true(lives_same(lives_at(lives, 5, 0), lives_at(lives, 5, 700)));
}

static void test_many_lives(void **state)
{
    static struct event e[400];
    char name[16];
    char *domains = malloc(100 * 60), *p = domains;

    for ( unsigned int i = 0; i < 100; i++ )
    {
        const struct event one[] = { ADD(100 * i + 100, 5),
                                     REM(100 * i + 150, 5) };

        memcpy(&e[4 * i], one, sizeof(one));
        p += sprintf(p, "%c{\"domid\":5,\"name\":\"n%u\",\"gone\":true}",
                     i ? ',' : '[', i);
    }
    strcpy(p, "]");
    load_rare(REQUEST, domains, e, 400, NULL, 0);
    free(domains);
    assert_int_equal(lives_nr(lives), 100);
    assert_null(lives_before(lives, 5, 100));
    assert_null(lives_before(lives, 4, 0));
    assert_int_equal(lives_later(lives, 4, 100), 0);
    for ( unsigned int i = 0; i < 100; i++ )
    {
        sprintf(name, "n%u", i);
        assert_string_equal(lives_name(lives, 5, 100 * i + 100), name);
        assert_string_equal(lives_name(lives, 5, 100 * i + 199), name);
        assert_int_equal(lives_later(lives, 5, 100 * i + 100), 99 - i);
        assert_string_equal(lives_before(lives, 5, 99 - i)->name, name);
    }
}

static const char *xf_name(uint32_t domid)
{
    static char buf[32];

    return xf_domain_name(file, domid, buf, sizeof(buf));
}

/* The public library names a domain as of the record read last. */
static void test_the_public_name(void **state)
{
    const struct xf_record *r;

    LOAD(REQUEST, "[" GONE "," BOB "]", REM(500, 5), ADD(700, 5));
    assert_string_equal(xf_name(5), "bob"); /* at the trigger */
    while ( xf_next(file, &r) > 0 )
        assert_string_equal(xf_name(5), r->tsc < 700 ? "alice" : "bob");
    assert_string_equal(xf_name(5), "bob");
    assert_string_equal(xf_name(4), "");
    assert_int_equal(xf_start(file, INT64_MIN), 0);
    assert_int_equal(xf_next(file, &r), 1);
    assert_string_equal(xf_name(5), "alice");
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_number_used_twice),
        TEST(test_the_order_of_gone_entries),
        TEST(test_an_unlisted_life_has_no_name),
        TEST(test_one_life),
        TEST(test_more_entries_than_lives),
        TEST(test_the_trigger_names_its_life),
        TEST(test_the_rare_channel_is_enough),
        TEST(test_keys),
        TEST(test_the_same_domain_again),
        TEST(test_many_lives),
        TEST(test_the_public_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
