/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-redact.c: what a slice of one domain tells, and what not.  Random scenes
 * of all events in the list; whatever belongs to others is marked: each word of
 * such a record, each text and number about others in the documents.  No mark
 * may be anywhere in what is written, and no moment at which only others did
 * something.
 */

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/packet.h"
#include "tests/lib/gen.h"
#include "tools/redact.h"

#define ROUNDS   30
#define RECORDS  4000
#define CPUS     2
#define OWN      5         /* the domain of the slice */
#define TICK     16
#define END_TSC  (1000000 + (RECORDS * CPUS + 10) * 64 * TICK)

/* Marks: words of records; members of documents. */
#define SECRET      0x5ec00000U
#define SECRET_MASK 0xfff00000U
#define PLAIN       0x0dd00000U
#define SECRET_TEXT "SECRET"
#define SECRET_NUMBER 777770001

static const uint16_t domids[] = { OWN, 0, 3, 32767 };

struct scene {
    uint64_t seed;
    struct event_dict *dict;
    int fd;
    bool is_trigger;
    uint32_t mark;
    uint64_t must, switches;   /* records that have to be in the slice */
    uint8_t *allowed;          /* by tsc / TICK: a moment of the domain's own */
};

static unsigned int dice(struct scene *s, unsigned int sides)
{
    return (gen_random(&s->seed) >> 20) % sides;
}

static const struct event_desc *find(const struct scene *s, const char *name)
{
    for ( unsigned int i = 0; i < event_dict_events(s->dict); i++ )
        if ( !strcmp(event_dict_event(s->dict, i)->name, name) )
            return event_dict_event(s->dict, i);

    fail_msg("no event %s", name);
    return NULL;
}

/*
 * Whose record is it?  Told by what it is about, not by the rules of redact.c.
 */
struct about {
    bool own, other, detail, address;
};

static struct about about(const struct event_desc *d, const uint32_t *data)
{
    struct about a = { 0 };
    struct event_who who;

    for ( unsigned int k = 0; k < d->nr_domains; k++ )
        if ( event_domain(d, k, data, d->words, &who) )
        {
            a.own |= who.domid == OWN;
            a.other |= who.domid != OWN;
        }
    for ( unsigned int i = 0; i < d->nr_fields; i++ )
    {
        int kind = d->field[i].kind;

        a.detail |= kind != EVENT_DOMAIN && kind != EVENT_VCPU;
        a.address |= kind == EVENT_HEX || kind == EVENT_BITS ||
                     kind == EVENT_ARG;
    }
    return a;
}

static bool is_secret(const struct event_desc *d, struct about a, bool runs)
{
    if ( a.other )
        return !a.own || a.detail;
    if ( a.own )
        return !runs && a.address && strcmp(d->name, "FR_DOMAIN_CRASH");
    return !runs;
}

static void set(uint32_t *data, const struct event_field *f, uint32_t value)
{
    uint32_t mask = (0xffffffffU >> (32 - f->bits)) << f->shift;

    data[f->word] = (data[f->word] & ~mask) | (value << f->shift & mask);
}

static void fill_who(struct scene *s, const struct event_desc *d,
                     uint32_t *data)
{
    for ( unsigned int k = 0; k < d->nr_domains; k++ )
    {
        set(data, &d->field[d->dom[k]], domids[dice(s, 4)]);
        if ( d->vcpu[k] >= 0 )
            set(data, &d->field[d->vcpu[k]], dice(s, 2));
    }
}

static void fill_marks(struct scene *s, uint32_t *data, unsigned int words,
                       uint32_t mark)
{
    for ( unsigned int i = 0; i < words; i++ )
        data[i] = mark | (s->mark++ & 0xfffff);
}

/* One record of any event, written while `runs` was on the pCPU. */
static struct gen_record any_record(struct scene *s, uint64_t tsc,
                                    uint16_t runs)
{
    const struct event_desc *d;
    struct gen_record r = { .tsc = tsc };
    uint32_t who[XEN_FLIGHTREC_MAX_WORDS] = { 0 };
    bool secret, odd;
    struct about a;

    do {
        d = event_dict_event(s->dict, dice(s, event_dict_events(s->dict)));
    } while ( d->runs >= 0 || d->args );

    r.id = d->id;
    r.words = d->words;
    fill_who(s, d, who);
    a = about(d, who);
    odd = d->words < XEN_FLIGHTREC_MAX_WORDS && !dice(s, 20);
    secret = is_secret(d, a, runs == OWN) || odd;
    fill_marks(s, r.data, r.words, secret ? SECRET : PLAIN);
    for ( unsigned int k = 0; k < d->nr_domains; k++ )
    {
        uint64_t v;

        event_get(d, d->dom[k], who, d->words, &v);
        set(r.data, &d->field[d->dom[k]], v);
        if ( d->vcpu[k] < 0 )
            continue;
        event_get(d, d->vcpu[k], who, d->words, &v);
        set(r.data, &d->field[d->vcpu[k]], v);
    }

    /* More words than its description has: nobody knows whose they are. */
    if ( odd )
        r.data[r.words++] = SECRET | (s->mark++ & 0xfffff);
    else if ( runs == OWN && !a.own && !a.other )
        s->must += (d->event & 0x08680000) != 0; /* HVM, PV, shadow, guest */
    else if ( runs == OWN && a.own )
        s->must += !a.other || !a.detail;
    if ( !secret && (a.own || runs == OWN) )
        s->allowed[tsc / TICK] = 1;
    return r;
}

/* An event that the dictionary does not have. */
static struct gen_record unknown_record(struct scene *s, uint64_t tsc)
{
    struct gen_record r = { .tsc = tsc, .id = XEN_FLIGHTREC_ID_ESCAPE,
                            .event = 0x0028f0f0, .words = 2 };

    fill_marks(s, r.data, 2, SECRET);
    return r;
}

struct runs {
    uint16_t domid, vcpu;
};

static struct gen_record switch_record(struct scene *s, uint64_t tsc,
                                       struct runs *now)
{
    struct gen_record r = { .tsc = tsc, .id = find(s, "SCHED_SWITCH")->id,
                            .words = 4 };
    struct runs next = { domids[dice(s, 4)], dice(s, 2) };

    r.data[0] = now->domid;
    r.data[1] = now->vcpu;
    r.data[2] = next.domid;
    r.data[3] = next.vcpu;
    if ( now->domid == OWN || next.domid == OWN )
    {
        s->switches++;
        s->allowed[tsc / TICK] = 1;
    }
    *now = next;
    return r;
}

static void put_cpu(struct scene *s, struct snapshot_writer *w,
                    unsigned int cpu)
{
    static struct gen g;
    struct runs now = { 0, 0 };
    uint64_t tsc = 1000000 + cpu * TICK;

    memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.shift = 4;
    for ( unsigned int i = 0; i < RECORDS; )
    {
        gen_begin(&g, (struct gen_at){ tsc, now.domid, now.vcpu });
        for ( unsigned int n = 0; n < 500; n++, i++ )
        {
            struct gen_record r;

            tsc += CPUS * TICK * (1 + dice(s, 60));
            r = !dice(s, 8) ? switch_record(s, tsc, &now)
                : !dice(s, 30) ? unknown_record(s, tsc)
                               : any_record(s, tsc, now.domid);
            if ( !gen_add(&g, &r) )
                break;
        }
        gen_end(&g);
        assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
    }
}

/* All that a document may have, and some that none has yet. */
static json_t *make_meta(const struct scene *s, json_t *events, json_t *enums)
{
    json_t *o = json_pack(
        "{s:i, s:{s:s,s:I,s:s,s:s}, s:s, s:[s], s:s, s:{s:s,s:s}, "
        "s:{s:s,s:s,s:s}, s:{s:i,s:i}, s:[{s:i,s:s,s:s},{s:i,s:s,s:s,s:s}], "
        "s:{s:O,s:O}, s:[{s:i,s:s,s:i}], s:[{s:i,s:s,s:i}], s:[{s:i,s:i}]}",
        "format", 1,
        "trigger", "cause", s->is_trigger ? "crash" : SECRET_TEXT "-cause",
        "tsc", (json_int_t)END_TSC,
        "later", SECRET_TEXT, "reason_text",
        s->is_trigger ? "mine" : SECRET_TEXT "-why",
        "history", "partial", "history_why", SECRET_TEXT "-history",
        "later", SECRET_TEXT "-later",
        "host", "name", SECRET_TEXT "-host", "kernel", SECRET_TEXT "-kernel",
        "xen", "version", "4.17", "cmdline", SECRET_TEXT "-line", "build_id",
        SECRET_TEXT "-id",
        "clock", "tsc_khz", 2000000, "tsc_shift", 4,
        "domains", "domid", 3, "name", SECRET_TEXT "-name", "uuid",
        SECRET_TEXT "-uuid", "domid", OWN, "name", "mine", "uuid", "my-uuid",
        "later", SECRET_TEXT "-dom",
        "dictionary", "events", events, "enums", enums,
        "streams", "cpu", 0, "channel", "busy", "emitted", SECRET_NUMBER,
        "gaps", "cpu", 0, "channel", "busy", "records", SECRET_NUMBER,
        "cpus", "cpu", 0, "node", SECRET_NUMBER);
    json_t *t = json_object_get(o, "trigger");

    assert_non_null(o);
    json_object_set_new(t, "gen", json_integer(SECRET_NUMBER));
    json_object_set_new(t, "domid", json_integer(s->is_trigger ? OWN : 3));
    if ( !s->is_trigger )
        json_object_set_new(t, "name", json_string(SECRET_TEXT));
    json_object_set_new(o, "window", json_pack(
                            "{s:{s:i, s:I}}", "busy", "from_tsc", 1000000,
                            "to_tsc", (json_int_t)END_TSC - 1));
    return o;
}

/* The list, and events of a later Xen that name two domains. */
static void make_dictionary(struct scene *s, json_t **events, json_t **enums)
{
    static const char *const fields[] = {
        "dom:d32 vcpu:v32 to:d16 to_vcpu:v16 gfn:x32",
        "dom:d16 to:d16 count:u32 size:u64", "from:d16 dom:d16 vcpu:v32",
    };
    struct event_dict *list;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &list), 0);
    assert_int_equal(event_dict_to_json(list, events, enums), 0);
    event_dict_free(list);
    for ( unsigned int i = 0; i < 24; i++ )
    {
        char name[] = "TWO_A";

        name[4] += i;
        json_array_append_new(*events, json_pack(
            "{s:i, s:i, s:s, s:s, s:s}", "id", 450 + i, "event",
            0x0002ee00 + i, "name", name, "fields", fields[i % 3], "format",
            ""));
    }
    assert_int_equal(event_dict_from_json(*events, *enums, &s->dict, NULL, 0),
                     0);
}

static void write_scene(struct scene *s)
{
    struct snapshot_writer *w;
    json_t *events, *enums, *meta;
    char *text;

    make_dictionary(s, &events, &enums);
    meta = make_meta(s, events, enums);
    text = json_dumps(meta, 0);
    s->fd = memfd_create("scene", MFD_CLOEXEC);
    s->allowed = calloc(END_TSC / TICK + 1, 1);
    assert_non_null(s->allowed);
    assert_int_equal(snapshot_create(s->fd, SECRET_NUMBER, &w), 0);
    assert_int_equal(snapshot_put_meta(w, text, strlen(text)), 0);
    for ( unsigned int cpu = 0; cpu < CPUS; cpu++ )
        put_cpu(s, w, cpu);
    assert_int_equal(snapshot_put_note(w, "{\"latency_ns\":{\"wake\":777770001"
                                          "}}", 34), 0);
    assert_int_equal(snapshot_finish(w, NULL), 0);
    free(text);
    json_decref(meta);
    json_decref(events);
    json_decref(enums);
}

static void free_scene(struct scene *s)
{
    event_dict_free(s->dict);
    free(s->allowed);
    close(s->fd);
}

static void open_source(int fd, struct source *src)
{
    char err[256];

    memset(src, 0, sizeof(*src));
    assert_int_equal(snapshot_open_fd(fd, &src->snap, NULL), 0);
    if ( doc_load(src->snap, true, &src->doc, err, sizeof(err)) )
        fail_msg("%s", err);
}

/*
 * What is in the slice.
 */

static bool has(const uint8_t *at, size_t len, const char *what)
{
    return memmem(at, len, what, strlen(what)) != NULL;
}

static void check_packets(const struct scene *s, const uint8_t *at, size_t len)
{
    struct packet_record rec;
    struct packet_iter it;
    struct packet p;

    for ( ; len; at += p.hdr.used_bytes, len -= p.hdr.used_bytes )
    {
        assert_int_equal(packet_parse(at, len, &p), 0);
        assert_true(s->allowed[p.hdr.begin_tsc / TICK]);
        assert_true(p.hdr.domid == OWN || p.hdr.domid == REDACT_OTHER);
        assert_int_equal(p.hdr.overwritten, 0);
        packet_iter_init(&it, &p);
        while ( packet_next(&it, &rec) > 0 )
        {
            if ( !s->allowed[rec.tsc / TICK] )
                fail_msg("event %u at a moment of others", rec.id);
            for ( unsigned int i = 0; i < rec.words; i++ )
                if ( (rec.data[i] & SECRET_MASK) == SECRET )
                    fail_msg("event %u: word %u is secret", rec.id, i);
        }
    }
}

static void check_bytes(const struct scene *s, struct snapshot *snap)
{
    uint8_t *buf = NULL;
    size_t size = 0, len;

    assert_int_not_equal(snapshot_header(snap)->created_ns, SECRET_NUMBER);
    for ( uint32_t i = 0; i < snapshot_frames(snap); i++ )
    {
        assert_int_equal(snapshot_read(snap, i, (void **)&buf, &size, &len), 0);
        assert_false(has(buf, len, SECRET_TEXT));
        assert_false(has(buf, len, "77777"));
        if ( snapshot_frame(snap, i)->kind == SNAPSHOT_DATA )
            check_packets(s, buf, len);
    }
    free(buf);
}

/* Who ran is either the domain or nobody that can be told; all are there. */
static void check_records(const struct scene *s, const struct source *src)
{
    struct merge_record rec;
    struct event_who who;
    uint64_t own = 0, switches = 0;
    struct merge *m;

    assert_int_equal(merge_open(src->snap, src->doc.dict, &src->doc.clock, &m),
                     0);
    while ( merge_next(m, &rec) > 0 )
    {
        assert_int_equal(rec.kind, MERGE_EVENT);
        assert_true(rec.domid == OWN || rec.domid == REDACT_OTHER);
        for ( unsigned int k = 0; k < rec.desc->nr_domains; k++ )
            if ( event_domain(rec.desc, k, rec.data, rec.words, &who) )
                assert_true(who.domid == OWN ||
                            (who.domid == REDACT_OTHER &&
                             (!who.vcpu || who.vcpu == EVENT_NO_VCPU)));
        if ( rec.desc->runs >= 0 )
            switches++;
        else
            own += rec.domid == OWN;
    }
    assert_int_equal(merge_damaged(m), 0);
    assert_int_equal(switches, s->switches);
    assert_int_equal(own, s->must);
    merge_close(m);
}

static void check_times(const struct scene *s, const struct source *src)
{
    const json_t *w = json_object_get(json_object_get(src->doc.root, "window"),
                                      "busy");

    if ( !s->is_trigger )
        assert_true(s->allowed[src->doc.tsc / TICK]);
    assert_true(s->allowed[doc_number(w, "from_tsc", 0) / TICK]);
    assert_true(s->allowed[doc_number(w, "to_tsc", 0) / TICK]);
}

static void test_no_secret_gets_out(void **state)
{
    for ( unsigned int round = 0; round < ROUNDS; round++ )
    {
        struct scene s = { .seed = 0x5eed + round * 7919,
                           .is_trigger = round % 2 };
        struct source src, slice;
        struct redact_totals t;
        int fd = memfd_create("slice", MFD_CLOEXEC);

        write_scene(&s);
        open_source(s.fd, &src);
        assert_int_equal(redact(&src, OWN, fd, &t), 0);
        assert_int_equal(t.kept + t.left_out, CPUS * RECORDS);
        assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
        open_source(fd, &slice);
        check_bytes(&s, slice.snap);
        check_records(&s, &slice);
        check_times(&s, &slice);
        doc_free(&slice.doc);
        snapshot_close(slice.snap);
        doc_free(&src.doc);
        snapshot_close(src.snap);
        free_scene(&s);
        close(fd);
    }
}

/* The marks are found where nothing is redacted: the test can fail. */
static void test_marks_are_there_before(void **state)
{
    struct scene s = { .seed = 1 };
    uint8_t *buf = NULL;
    size_t size = 0, len;
    struct source src;
    unsigned int texts = 0;

    write_scene(&s);
    open_source(s.fd, &src);
    for ( uint32_t i = 0; i < snapshot_frames(src.snap); i++ )
    {
        assert_int_equal(snapshot_read(src.snap, i, (void **)&buf, &size,
                                       &len), 0);
        texts += has(buf, len, SECRET_TEXT) + has(buf, len, "77777");
    }
    assert_int_equal(texts, 3);
    assert_true(s.must > 100 && s.switches > 100);
    free(buf);
    doc_free(&src.doc);
    snapshot_close(src.snap);
    free_scene(&s);
}

static void test_domain_without_records(void **state)
{
    struct scene s = { .seed = 2 };
    int fd = memfd_create("slice", MFD_CLOEXEC);
    struct redact_totals t;
    struct source src;

    write_scene(&s);
    open_source(s.fd, &src);
    assert_int_equal(redact(&src, 77, fd, &t), -ENODATA);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    doc_free(&src.doc);
    snapshot_close(src.snap);
    free_scene(&s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks_are_there_before),
        cmocka_unit_test(test_no_secret_gets_out),
        cmocka_unit_test(test_domain_without_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
