/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-redact.c: a redacted file reveals one domain only.  Random scenes contain
 * all events in the list.  All data of other domains is marked: each word of their
 * records, each text and number about them in the documents.  The output must
 * contain no mark, and no time at which only other domains acted.
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

#include "lib/format/packet.h"
#include "tests/lib/gen.h"
#include "tools/redact/redact.h"

#define ROUNDS   30
#define RECORDS  4000
#define CPUS     2
#define OWN      5         /* the domain to keep */
#define TICK     16
#define END_TSC  (1000000 + (RECORDS * CPUS + 10) * 64 * TICK)

/* Marks: words of records; members of documents. */
#define SECRET      0x5ec00000U
#define SECRET_MASK 0xfff00000U
#define PLAIN       0x0dd00000U
#define SECRET_TEXT "SECRET"
#define SECRET_NUMBER 777770001

/* An event to which another Xen added a field; the names of new events. */
#define CHANGED "SCHED_YIELD"
#define LATER   "TWO_"

static const uint16_t domids[] = { OWN, 0, 3, 32767 };

struct scene {
    uint64_t seed;
    struct event_dict *dict;
    int fd;
    bool is_trigger;
    uint32_t mark;
    uint64_t must, switches;   /* records that must be in the output */
    uint8_t *allowed;          /* by tsc / TICK: a time at which the domain acted */
    unsigned int turn;         /* the next event */
    /* By index in the dictionary: records that may be in the output, and not. */
    uint64_t kept[XEN_FLIGHTREC_IDS], left_out[XEN_FLIGHTREC_IDS];
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
 * Every event of the list, by the party that it is about.  Each event must be in a
 * table.
 */

/* Caused by the running guest. */
static const char doing[] =
    " HVM_VMENTRY HVM_VMEXIT HVM_SVM_EXIT HVM_VMEXIT64 HVM_SVM_EXIT64 "
    "HVM_PF_XEN HVM_PF_INJECT HVM_INJ_EXC HVM_INJ_VIRQ HVM_REINJ_VIRQ "
    "HVM_IO_READ HVM_IO_WRITE HVM_CR_READ HVM_CR_WRITE HVM_DR_READ "
    "HVM_DR_WRITE HVM_MSR_READ HVM_MSR_WRITE HVM_CPUID HVM_VMMCALL HVM_HLT "
    "HVM_INVLPG HVM_IOPORT_READ HVM_IOMEM_READ HVM_CLTS HVM_LMSW HVM_RDTSC "
    "HVM_INTR_WINDOW HVM_NPF HVM_REALMODE_EMULATE HVM_TRAP HVM_TRAP_DEBUG "
    "HVM_VLAPIC HVM_PF_XEN64 HVM_PF_INJECT64 HVM_CR_READ64 HVM_CR_WRITE64 "
    "HVM_INVLPG64 HVM_LMSW64 HVM_XCR_READ64 HVM_XCR_WRITE64 "
    "HVM_IOPORT_WRITE HVM_IOMEM_WRITE PV_HYPERCALL PV_TRAP PV_PAGE_FAULT "
    "PV_FORCED_INVALID_OP PV_EMULATE_PRIVOP PV_EMULATE_4GB "
    "PV_MATH_STATE_RESTORE PV_PAGING_FIXUP PV_GDT_LDT_MAPPING_FAULT "
    "PV_PTWR_EMULATION PV_PTWR_EMULATION_PAE PV_HYPERCALL_V2 "
    "PV_HYPERCALL_SUBCALL SHADOW_NOT_SHADOW SHADOW_FAST_PROPAGATE "
    "SHADOW_FAST_MMIO SHADOW_FALSE_FAST_PATH SHADOW_MMIO SHADOW_FIXUP "
    "SHADOW_DOMF_DYING SHADOW_EMULATE SHADOW_EMULATE_UNSHADOW_USER "
    "SHADOW_EMULATE_UNSHADOW_EVTINJ SHADOW_EMULATE_UNSHADOW_UNHANDLED "
    "SHADOW_WRMAP_BF SHADOW_PREALLOC_UNPIN SHADOW_RESYNC_FULL "
    "SHADOW_RESYNC_ONLY ";

/* About the domains that it names. */
static const char naming[] =
    " FR_DOMAIN_CRASH SCHED_RUNSTATE_CHANGE SCHED_CONTINUE_RUNNING "
    "CSCHED_ACCOUNT_START CSCHED_ACCOUNT_STOP CSCHED_STOLEN_UNIT "
    "CSCHED_PICKED_CPU CSCHED_BOOST_START CSCHED_BOOST_END "
    "CSCHED_RATELIMIT CSCHED2_CREDIT_BURN CSCHED2_RUNQ_ASSIGN "
    "CSCHED2_UPDATE_UNIT_LOAD CSCHED2_TICKLE_NEW CSCHED2_MIGRATE "
    "CSCHED2_RUNQ_CANDIDATE CSCHED2_RATELIMIT RTDS_RUNQ_PICK "
    "RTDS_BUDGET_BURN RTDS_BUDGET_REPLENISH SNULL_PICKED_CPU "
    "SNULL_UNIT_ASSIGN SNULL_UNIT_DEASSIGN SNULL_MIGRATE SNULL_SCHEDULE "
    "SCHED_DOM_ADD SCHED_DOM_REM SCHED_SLEEP SCHED_WAKE SCHED_YIELD "
    "SCHED_BLOCK SCHED_SHUTDOWN SCHED_ADJDOM SCHED_SWITCH "
    "SCHED_SWITCH_INFPREV SCHED_SWITCH_INFNEXT SCHED_SHUTDOWN_CODE "
    "SCHED_SWITCH_INFCONT DOM0_DOM_ADD DOM0_DOM_REM MEM_PAGE_GRANT_MAP "
    "MEM_PAGE_GRANT_UNMAP MEM_PAGE_GRANT_TRANSFER MEM_SET_P2M_ENTRY "
    "MEM_DECREASE_RESERVATION MEM_POD_POPULATE MEM_POD_ZERO_RECLAIM "
    "MEM_POD_SUPERPAGE_SPLINTER ";

/* About the host, all domains, or any domain with a due timer. */
static const char others[] =
    " LOST_RECORDS TRACE_WRAP_BUFFER TRACE_CPU_CHANGE FR_START FR_STOP "
    "FR_FREEZE FR_RELEASE FR_CPU_UP FR_CPU_DOWN CSCHED_SCHED_TASKLET "
    "CSCHED_TICKLE CSCHED_SCHEDULE CSCHED_STEAL_CHECK CSCHED2_TICK "
    "CSCHED2_RUNQ_POS CSCHED2_CREDIT_ADD CSCHED2_TICKLE_CHECK "
    "CSCHED2_TICKLE CSCHED2_CREDIT_RESET CSCHED2_SCHED_TASKLET "
    "CSCHED2_UPDATE_LOAD CSCHED2_UPDATE_RUNQ_LOAD CSCHED2_RUNQ_MAX_WEIGHT "
    "CSCHED2_LOAD_CHECK CSCHED2_LOAD_BALANCE CSCHED2_PICKED_CPU "
    "CSCHED2_SCHEDULE CSCHED2_RUNQ_CAND_CHECK RTDS_TICKLE "
    "RTDS_SCHED_TASKLET RTDS_SCHEDULE SNULL_TASKLET SCHED_CTL "
    "SCHED_S_TIMER_FN SCHED_T_TIMER_FN SCHED_DOM_TIMER_FN HVM_INTR HVM_NMI "
    "HVM_SMI HVM_MCE HVM_EMUL_HPET_START_TIMER HVM_EMUL_PIT_START_TIMER "
    "HVM_EMUL_RTC_START_TIMER HVM_EMUL_LAPIC_START_TIMER "
    "HVM_EMUL_HPET_STOP_TIMER HVM_EMUL_PIT_STOP_TIMER "
    "HVM_EMUL_RTC_STOP_TIMER HVM_EMUL_LAPIC_STOP_TIMER "
    "HVM_EMUL_PIT_TIMER_CB HVM_EMUL_LAPIC_TIMER_CB HVM_EMUL_PIC_INT_OUTPUT "
    "HVM_EMUL_PIC_KICK HVM_EMUL_PIC_INTACK HVM_EMUL_PIC_POSEDGE "
    "HVM_EMUL_PIC_NEGEDGE HVM_EMUL_PIC_PEND_IRQ_CALL "
    "HVM_EMUL_LAPIC_PIC_INTR PM_FREQ_CHANGE PM_IDLE_ENTRY PM_IDLE_EXIT "
    "HW_IRQ_MOVE_CLEANUP_DELAY HW_IRQ_MOVE_CLEANUP HW_IRQ_BIND_VECTOR "
    "HW_IRQ_CLEAR_VECTOR HW_IRQ_MOVE_FINISH HW_IRQ_ASSIGN_VECTOR "
    "HW_IRQ_UNMAPPED_VECTOR HW_IRQ_HANDLED ";

static bool is_in(const char *table, const char *name)
{
    char word[EVENT_NAME_BYTES + 2];

    snprintf(word, sizeof(word), " %s ", name);
    return strstr(table, word) != NULL;
}

/*
 * Ownership of a record, by its meaning, independent of the rules of redact.c.
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

/* Return true if it may be in the output.  @runs: written while the domain ran. */
static bool is_secret(const struct event_desc *d, struct about a, bool runs)
{
    if ( !strcmp(d->name, CHANGED) || !strncmp(d->name, LATER, strlen(LATER)) ||
         is_in(others, d->name) )
        return true;
    if ( is_in(doing, d->name) )
        return !runs;
    if ( a.other )
        return !a.own || a.detail;
    return !a.own ||
           (!runs && a.address && strcmp(d->name, "FR_DOMAIN_CRASH"));
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

/* Write the chosen domains and frame numbers into the record. */
static void put_who(struct scene *s, const struct event_desc *d,
                    const uint32_t *who, uint32_t *data)
{
    for ( unsigned int k = 0; k < d->nr_domains; k++ )
    {
        uint64_t v;

        event_get(d, d->dom[k], who, d->words, &v);
        set(data, &d->field[d->dom[k]], v);
        if ( d->vcpu[k] < 0 )
            continue;
        event_get(d, d->vcpu[k], who, d->words, &v);
        set(data, &d->field[d->vcpu[k]], v);
    }
    for ( unsigned int i = 0; i < d->nr_fields; i++ )
        if ( !strcmp(d->field[i].name, "mfn") )
            fill_marks(s, data + d->field[i].word, 2, SECRET);
}

/* A hypercall's first word: two arguments, of 32 and of 64 bits. */
#define HYPERCALL (29 | 1 << 20 | 2 << 22)

/* Note a record that may be in the output, and how to find it there. */
static void count_record(struct scene *s, const struct event_desc *d,
                         const struct gen_record *r, bool runs)
{
    struct event_who who;

    s->allowed[r->tsc / TICK] = 1;
    if ( event_runs(d, r->data, r->words, &who) )
        s->switches++;
    else
        s->must += runs;
}

struct runs {
    uint16_t domid, vcpu;
};

/* Write a record of the next event while @now runs on the pCPU. */
static struct gen_record any_record(struct scene *s, uint64_t tsc,
                                    struct runs *now)
{
    unsigned int n = s->turn++ % event_dict_events(s->dict);
    const struct event_desc *d = event_dict_event(s->dict, n);
    struct gen_record r = { .tsc = tsc, .id = d->id,
                            .words = d->args ? 4 : d->words };
    uint32_t who[XEN_FLIGHTREC_MAX_WORDS] = { 0 };
    bool secret, odd, runs = now->domid == OWN;
    struct event_who next;
    struct about a;

    fill_who(s, d, who);
    a = about(d, who);
    /* More words than the description has: of unknown origin. */
    odd = !d->args && d->words < XEN_FLIGHTREC_MAX_WORDS && !dice(s, 20);
    secret = is_secret(d, a, runs) || odd;
    fill_marks(s, r.data, r.words, secret ? SECRET : PLAIN);
    if ( d->args )
        r.data[0] = HYPERCALL;
    put_who(s, d, who, r.data);
    if ( odd )
        r.data[r.words++] = SECRET | (s->mark++ & 0xfffff);

    (secret ? s->left_out : s->kept)[n]++;
    if ( !secret )
        count_record(s, d, &r, runs);
    if ( event_runs(d, r.data, r.words, &next) )
        *now = (struct runs){ next.domid, next.vcpu };
    return r;
}

/* An event that is not in the dictionary. */
static struct gen_record unknown_record(struct scene *s, uint64_t tsc)
{
    struct gen_record r = { .tsc = tsc, .id = XEN_FLIGHTREC_ID_ESCAPE,
                            .event = 0x0028f0f0, .words = 2 };

    fill_marks(s, r.data, 2, SECRET);
    return r;
}

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
                               : any_record(s, tsc, &now);
            if ( !gen_add(&g, &r) )
                break;
        }
        gen_end(&g);
        assert_int_equal(snapshot_put_packet(w, g.slot, sizeof(g.slot)), 0);
    }
}

/* All members that a document may have, and some unknown ones. */
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

/* Add a field to an event of the list. */
static void change_event(json_t *events)
{
    json_t *e;
    size_t i;

    json_array_foreach(events, i, e)
        if ( !strcmp(doc_text(e, "name", ""), CHANGED) )
        {
            json_object_set_new(e, "fields", json_string("dom:d32 vcpu:v32 "
                                                         "load:u32"));
            json_object_set_new(e, "format", json_string(""));
            return;
        }
    fail_msg("no event " CHANGED);
}

/* The list plus events of a later Xen. */
static void make_dictionary(struct scene *s, json_t **events, json_t **enums)
{
    static const char *const fields[] = {
        "dom:d32 vcpu:v32 to:d16 to_vcpu:v16 gfn:x32",
        "dom:d16 to:d16 count:u32 size:u64", "from:d16 dom:d16 vcpu:v32",
        "dom:d32 vcpu:v32",
    };
    struct event_dict *list;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &list), 0);
    assert_int_equal(event_dict_to_json(list, events, enums), 0);
    event_dict_free(list);
    change_event(*events);
    for ( unsigned int i = 0; i < 24; i++ )
    {
        char name[] = LATER "A";

        name[4] += i;
        json_array_append_new(*events, json_pack(
            "{s:i, s:i, s:s, s:s, s:s}", "id", 450 + i, "event",
            0x0002ee00 + i, "name", name, "fields", fields[i % 4], "format",
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
 * Checks of the output.
 */

static bool has(const uint8_t *at, size_t len, const char *what)
{
    return memmem(at, len, what, strlen(what)) != NULL;
}

/* Bits outside all fields must be clear. */
static void check_padding(const struct scene *s,
                          const struct packet_record *rec)
{
    const struct event_desc *d = event_by_id(s->dict, rec->id);
    uint32_t shown[XEN_FLIGHTREC_MAX_WORDS + 8] = { 0 };

    assert_non_null(d);
    for ( unsigned int i = 0; i < d->nr_fields; i++ )
        for ( unsigned int b = 0; b < d->field[i].bits; b++ )
            shown[d->field[i].word + (d->field[i].shift + b) / 32] |=
                1U << (d->field[i].shift + b) % 32;
    for ( unsigned int i = 0; i < rec->words && !d->args; i++ )
        assert_int_equal(rec->data[i] & ~shown[i], 0);
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
            check_padding(s, &rec);
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

/* The running domain is OWN or REDACT_OTHER; no record is missing. */
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

/* Check that the scenes covered each event in each possible way. */
static void check_coverage(const struct scene *s, const uint64_t *kept,
                           const uint64_t *left_out)
{
    for ( unsigned int i = 0; i < event_dict_events(s->dict); i++ )
    {
        const struct event_desc *d = event_dict_event(s->dict, i);
        bool never = !strcmp(d->name, CHANGED) || is_in(others, d->name) ||
                     !strncmp(d->name, LATER, strlen(LATER));

        if ( !left_out[i] || !kept[i] != never )
            fail_msg("%s (%x): kept %" PRIu64 " times, left out %" PRIu64,
                     d->name, d->event, kept[i], left_out[i]);
    }
}

static void test_no_secret_gets_out(void **state)
{
    uint64_t kept[XEN_FLIGHTREC_IDS] = { 0 };
    uint64_t left_out[XEN_FLIGHTREC_IDS] = { 0 };

    for ( unsigned int round = 0; round < ROUNDS; round++ )
    {
        struct scene s = { .seed = 0x5eed + round * 7919,
                           .is_trigger = round % 2 };
        struct source src, slice;
        struct redact_totals t;
        int fd = memfd_create("slice", MFD_CLOEXEC);

        write_scene(&s);
        open_source(s.fd, &src);
        assert_int_equal(redact(&src, OWN, NULL, fd, &t), 0);
        assert_int_equal(t.kept + t.left_out, CPUS * RECORDS);
        assert_int_equal(snapshot_verify(fd, NULL, NULL), 0);
        open_source(fd, &slice);
        check_bytes(&s, slice.snap);
        check_records(&s, &slice);
        check_times(&s, &slice);
        for ( unsigned int i = 0; i < XEN_FLIGHTREC_IDS; i++ )
        {
            kept[i] += s.kept[i];
            left_out[i] += s.left_out[i];
        }
        if ( round == ROUNDS - 1 )
            check_coverage(&s, kept, left_out);
        doc_free(&slice.doc);
        snapshot_close(slice.snap);
        doc_free(&src.doc);
        snapshot_close(src.snap);
        free_scene(&s);
        close(fd);
    }
}

/* A new event must be added to one of the tables. */
static void test_every_event_is_judged(void **state)
{
    struct event_dict *list;

    assert_int_equal(event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &list), 0);
    for ( unsigned int i = 0; i < event_dict_events(list); i++ )
    {
        const char *name = event_dict_event(list, i)->name;

        if ( is_in(doing, name) + is_in(naming, name) + is_in(others, name) !=
             1 )
            fail_msg("%s tells of whom?  Say it in this file", name);
    }
    event_dict_free(list);
}

/* The marks are found in a file that is not redacted, so the test can fail. */
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
    assert_int_equal(redact(&src, 77, NULL, fd, &t), -ENODATA);
    assert_int_equal(lseek(fd, 0, SEEK_END), 0);
    doc_free(&src.doc);
    snapshot_close(src.snap);
    free_scene(&s);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_event_is_judged),
        cmocka_unit_test(test_marks_are_there_before),
        cmocka_unit_test(test_no_secret_gets_out),
        cmocka_unit_test(test_domain_without_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
