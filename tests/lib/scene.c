/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scene.c: simulates a small machine and records its events.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/event.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"
#include "tests/lib/scene.h"

#define IDLE_DOMID     32767
#define WALL_NS        1700000000000000000LL
#define PACKET_RECORDS 1000

static const char *const state_name[SC_STATES] = {
    "RUNNING", "RUNNABLE", "BLOCKED", "OFFLINE",
};

struct cpu {
    unsigned int dom, vcpu;      /* running there */
    struct gen_record *rec;
    uint16_t *domid, *vcpuid;    /* running when each record was written */
    uint64_t nr, max;
};

struct scene {
    uint64_t random, tsc, start;
    struct cpu cpu[SCENE_CPUS];
    struct scene_vcpu vcpu[SCENE_DOMS][SCENE_VCPUS];
    struct scene_odds odds[SCENE_DOMS];
    int pinned[SCENE_DOMS];
    bool hvm[SCENE_DOMS], hangs[SCENE_CPUS];
    uint32_t op[SCENE_DOMS];     /* the only hypercall made, or 0 */
    unsigned int slow;           /* factor for the duration of exits */
    bool odd_names, other_ids;
    uint64_t hole_from, hole_to; /* packets of pCPU 0 left out of the file */
    int64_t wall_ns;             /* at the trigger */
};

uint32_t scene_domid(unsigned int dom)
{
    return dom == SCENE_IDLE ? IDLE_DOMID : dom;
}

/* Dom0 and domain 2 have two vCPUs, domain 1 has one; idle one a pCPU. */
static unsigned int vcpus_of(unsigned int dom)
{
    return dom == 1 ? 1 : SCENE_VCPUS;
}

static unsigned int dice(struct scene *s, unsigned int sides)
{
    return gen_random(&s->random) % sides;
}

void scene_wait(struct scene *s, uint64_t ns)
{
    s->tsc += (ns * 2 / SCENE_TICK + 1) * SCENE_TICK;
}

uint64_t scene_tsc(const struct scene *s)
{
    return s->tsc;
}

struct scene *scene_new(uint64_t seed)
{
    struct scene *s = calloc(1, sizeof(*s));

    if ( !s )
        abort();
    scene_dice(s, seed);
    s->slow = 1;
    s->tsc = 4000000000ULL;
    s->wall_ns = WALL_NS;
    for ( unsigned int d = 0; d < SCENE_DOMS; d++ )
    {
        s->pinned[d] = -1;
        s->odds[d] = (struct scene_odds){ 40, 20, 60, 100, 0, 20 };
        for ( unsigned int v = 0; v < SCENE_VCPUS; v++ )
            s->vcpu[d][v].state = d == SCENE_IDLE ? SC_RUNNING : SC_BLOCKED;
    }
    for ( unsigned int c = 0; c < SCENE_CPUS; c++ )
    {
        s->cpu[c].dom = SCENE_IDLE;
        s->cpu[c].vcpu = c;
    }

    return s;
}

void scene_free(struct scene *s)
{
    for ( unsigned int c = 0; c < SCENE_CPUS; c++ )
    {
        free(s->cpu[c].rec);
        free(s->cpu[c].domid);
        free(s->cpu[c].vcpuid);
    }
    free(s);
}

void scene_behave(struct scene *s, unsigned int dom, struct scene_odds odds,
                  int pinned)
{
    s->odds[dom] = odds;
    s->pinned[dom] = pinned;
}

void scene_hvm(struct scene *s, unsigned int dom)
{
    s->hvm[dom] = true;
}

void scene_op(struct scene *s, unsigned int dom, uint32_t op)
{
    s->op[dom] = op;
}

void scene_slow(struct scene *s, unsigned int times)
{
    s->slow = times;
}

void scene_dice(struct scene *s, uint64_t seed)
{
    s->random = seed * 2 + 1;
}

void scene_other_ids(struct scene *s)
{
    s->other_ids = true;
}

void scene_odd_names(struct scene *s)
{
    s->odd_names = true;
}

void scene_wall(struct scene *s, int64_t wall_ns)
{
    s->wall_ns = wall_ns;
}

void scene_hole(struct scene *s, uint64_t from, uint64_t to)
{
    s->hole_from = from;
    s->hole_to = to;
}

void scene_hang(struct scene *s, unsigned int cpu)
{
    s->hangs[cpu] = true;
}

static uint32_t id_of(const char *name)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            return XEN_FLIGHTREC_ID_FIRST + i;

    fprintf(stderr, "scene: no event %s\n", name);
    abort();
}

void scene_record(struct scene *s, unsigned int cpu, const char *event,
                  unsigned int words, const uint32_t *data)
{
    struct cpu *c = &s->cpu[cpu];
    struct gen_record *r;

    if ( c->nr == c->max )
    {
        c->max = c->max ? c->max * 2 : 4096;
        c->rec = realloc(c->rec, c->max * sizeof(*c->rec));
        c->domid = realloc(c->domid, c->max * sizeof(*c->domid));
        c->vcpuid = realloc(c->vcpuid, c->max * sizeof(*c->vcpuid));
        if ( !c->rec || !c->domid || !c->vcpuid )
            abort();
    }

    scene_wait(s, 100 + dice(s, 400));
    if ( !s->start )
        s->start = s->tsc - SCENE_TICK;
    c->domid[c->nr] = scene_domid(c->dom);
    c->vcpuid[c->nr] = c->vcpu;
    r = &c->rec[c->nr++];
    *r = (struct gen_record){ .tsc = s->tsc, .id = id_of(event),
                              .words = words };
    if ( words )
        memcpy(r->data, data, words * sizeof(*data));
}

uint64_t scene_count(const struct scene *s)
{
    uint64_t n = 0;

    for ( unsigned int c = 0; c < SCENE_CPUS; c++ )
        n += s->cpu[c].nr;
    return n;
}

uint64_t scene_event_count(const struct scene *s, unsigned int row)
{
    uint64_t n = 0;

    for ( unsigned int c = 0; c < SCENE_CPUS; c++ )
        for ( uint64_t i = 0; i < s->cpu[c].nr; i++ )
            n += s->cpu[c].rec[i].id == XEN_FLIGHTREC_ID_FIRST + row;
    return n;
}

const struct scene_vcpu *scene_vcpu(const struct scene *s, unsigned int dom,
                                    unsigned int vcpu)
{
    return &s->vcpu[dom][vcpu];
}

void scene_change(struct scene *s, unsigned int cpu, unsigned int dom,
                  unsigned int vcpu, enum scene_state to)
{
    struct scene_vcpu *v = &s->vcpu[dom][vcpu];
    char name[64];

    snprintf(name, sizeof(name), "SCHED_RUNSTATE_CHANGE__%s_%s",
             state_name[v->state], state_name[to]);
    SCENE_RECORD(s, cpu, name, scene_domid(dom) << 16 | vcpu);
    v->whole[v->state] += s->tsc - (v->recorded ? v->since : s->start);
    if ( v->recorded )
        v->total[v->state] += s->tsc - v->since;
    if ( to == SC_RUNNING && v->woken )
    {
        uint64_t wait = s->tsc - v->woken;

        v->waits++;
        v->waited += wait;
        v->longest = wait > v->longest ? wait : v->longest;
    }
    v->woken = v->state == SC_BLOCKED && to == SC_RUNNABLE ? s->tsc : 0;
    if ( v->ran )
    {
        v->after_run[v->state] += s->tsc - v->since;
        v->times[v->state]++;
    }
    v->ran |= to == SC_RUNNING;
    v->recorded = true;
    v->since = s->tsc;
    v->state = to;
}

/* Switch a pCPU to another vCPU. */
static void switch_to(struct scene *s, unsigned int cpu, unsigned int dom,
                      unsigned int vcpu, enum scene_state prev)
{
    struct cpu *c = &s->cpu[cpu];

    SCENE_RECORD(s, cpu, "SCHED_SWITCH", scene_domid(c->dom), c->vcpu,
                 scene_domid(dom), vcpu);
    scene_change(s, cpu, c->dom, c->vcpu,
                 c->dom == SCENE_IDLE ? SC_RUNNABLE : prev);
    c->dom = dom;
    c->vcpu = vcpu;
    scene_change(s, cpu, dom, vcpu, SC_RUNNING);
}

/* Choose a runnable vCPU that may run here, or idle. */
static void schedule(struct scene *s, unsigned int cpu, enum scene_state prev)
{
    unsigned int first = dice(s, SCENE_IDLE * SCENE_VCPUS);

    for ( unsigned int i = 0; i < SCENE_IDLE * SCENE_VCPUS; i++ )
    {
        unsigned int n = (first + i) % (SCENE_IDLE * SCENE_VCPUS);
        unsigned int d = n / SCENE_VCPUS, v = n % SCENE_VCPUS;

        if ( v >= vcpus_of(d) || s->vcpu[d][v].state != SC_RUNNABLE ||
             (s->pinned[d] >= 0 && s->pinned[d] != (int)cpu) )
            continue;
        switch_to(s, cpu, d, v, prev);
        return;
    }

    if ( prev != SC_RUNNABLE )
        switch_to(s, cpu, SCENE_IDLE, cpu, prev);
}

static void wake_someone(struct scene *s, unsigned int cpu)
{
    unsigned int d = dice(s, SCENE_IDLE), v = dice(s, vcpus_of(d));

    if ( s->vcpu[d][v].state != SC_BLOCKED )
        return;

    SCENE_RECORD(s, cpu, "SCHED_WAKE", d, v);
    scene_change(s, cpu, d, v, SC_RUNNABLE);
}

static void hypercall(struct scene *s, unsigned int cpu)
{
    static const uint32_t op[] = { 1, 12, 17, 20, 29, 32 };
    const struct cpu *c = &s->cpu[cpu];
    uint32_t n = s->op[c->dom] ? s->op[c->dom] : op[dice(s, 6)];

    if ( s->hvm[c->dom] )
        SCENE_RECORD(s, cpu, "HVM_VMMCALL", n);
    else
        SCENE_RECORD(s, cpu, "PV_HYPERCALL_V2", n);
    s->vcpu[c->dom][c->vcpu].hypercalls++;
}

static void hvm_exit(struct scene *s, unsigned int cpu)
{
    const struct cpu *c = &s->cpu[cpu];

    SCENE_RECORD(s, cpu, "HVM_VMEXIT64", 123, 0x1000, 0);
    scene_wait(s, s->slow * (500 + dice(s, 3000)));
    SCENE_RECORD(s, cpu, "HVM_IOPORT_WRITE", 0x3f8, 65);
    scene_record(s, cpu, "HVM_VMENTRY", 0, NULL);
    s->vcpu[c->dom][c->vcpu].exits++;
}


static void step(struct scene *s, unsigned int cpu)
{
    const struct scene_odds *o = &s->odds[s->cpu[cpu].dom];
    unsigned int n = dice(s, 1000);

    scene_wait(s, dice(s, 4000));
    if ( s->cpu[cpu].dom == SCENE_IDLE )
    {
        if ( n < 100 )
            wake_someone(s, cpu);
        if ( n < 500 )
            schedule(s, cpu, SC_RUNNABLE);
        return;
    }

    if ( n < o->block )
        schedule(s, cpu, SC_BLOCKED);
    else if ( (n -= o->block) < o->preempt )
        schedule(s, cpu, SC_RUNNABLE);
    else if ( (n -= o->preempt) < o->wake )
        wake_someone(s, cpu);
    else if ( (n -= o->wake) < o->hypercall )
        hypercall(s, cpu);
    else if ( (n -= o->hypercall) < o->exit )
        hvm_exit(s, cpu);
    else if ( (n -= o->exit) < o->fault && !s->hvm[s->cpu[cpu].dom] )
        SCENE_RECORD(s, cpu, "PV_PAGE_FAULT__64", 0x1000, 0, 0x2000, 0, 6);
}

void scene_play(struct scene *s, unsigned int steps)
{
    while ( steps-- )
    {
        unsigned int cpu = dice(s, SCENE_CPUS);

        if ( !s->hangs[cpu] )
            step(s, cpu);
    }
}

unsigned int scene_run(struct scene *s, unsigned int dom, unsigned int vcpu)
{
    for ( unsigned int c = 0; c < SCENE_CPUS; c++ )
        if ( s->cpu[c].dom == dom && s->cpu[c].vcpu == vcpu )
            return c;

    if ( s->vcpu[dom][vcpu].state == SC_BLOCKED )
    {
        SCENE_RECORD(s, 0, "SCHED_WAKE", dom, vcpu);
        scene_change(s, 0, dom, vcpu, SC_RUNNABLE);
    }
    switch_to(s, 1, dom, vcpu, SC_RUNNABLE);
    return 1;
}

void scene_leave(struct scene *s, unsigned int dom, unsigned int vcpu,
                 enum scene_state to)
{
    unsigned int cpu = scene_run(s, dom, vcpu);

    switch_to(s, cpu, SCENE_IDLE, cpu, to);
}

void scene_end(struct scene *s)
{
    for ( unsigned int d = 0; d < SCENE_DOMS; d++ )
        for ( unsigned int i = 0; i < vcpus_of(d); i++ )
        {
            struct scene_vcpu *v = &s->vcpu[d][i];

            if ( v->recorded )
                v->whole[v->state] += s->tsc - v->since;
        }

    for ( unsigned int i = 0; i < SCENE_CPUS; i++ )
    {
        const struct cpu *c = &s->cpu[i];
        struct scene_vcpu *v = &s->vcpu[c->dom][c->vcpu];
        uint64_t last = c->nr ? c->rec[c->nr - 1].tsc : 0;

        if ( !v->ran || last <= v->since )
            continue;
        v->after_run[SC_RUNNING] += last - v->since;
        v->times[SC_RUNNING]++;
    }
}

/*
 * The file.
 */

/* The compact id of an event in the file. */
static uint32_t written_id(const struct scene *s, uint32_t id)
{
    return s->other_ids ? 2 * XEN_FLIGHTREC_ID_FIRST + event_list_rows - 1 - id
                        : id;
}

static int put_packets(struct scene *s, struct snapshot_writer *w,
                       unsigned int cpu, unsigned int drop)
{
    static struct gen g;
    const struct cpu *c = &s->cpu[cpu];
    int rc = 0;

    memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.shift = 4;
    for ( uint64_t i = 0; i < c->nr && !rc; )
    {
        gen_begin(&g, (struct gen_at){ c->rec[i].tsc - SCENE_TICK, c->domid[i],
                                       c->vcpuid[i] });
        for ( unsigned int n = 0; n < PACKET_RECORDS && i < c->nr; n++, i++ )
        {
            struct gen_record rec = c->rec[i];

            rec.id = written_id(s, rec.id);
            if ( !gen_add(&g, &rec) )
                return -ENOSPC;
        }
        gen_end(&g);
        if ( g.seq > drop &&
             (cpu || g.seq < s->hole_from || g.seq > s->hole_to) )
            rc = snapshot_put_packet(w, g.slot, sizeof(g.slot));
    }

    return rc;
}

static void odd_fields(json_t *events, const char *event, const char *fields)
{
    json_t *e = json_array_get(events, id_of(event) - XEN_FLIGHTREC_ID_FIRST);

    json_object_set_new(e, "fields", json_string(fields));
}

/*
 * A foreign dictionary: keywords of TSDL, names shared by several values,
 * values that do not fit, many bits that may be absent.
 */
static void odd_names(json_t *events, json_t *enums)
{
    odd_fields(events, "SCHED_WAKE",
               "enum:u8 struct:u8 -:16 id:x32 event:i32? nr_event:u32?/cause");
    odd_fields(events, "SCHED_SLEEP", "x:u16/twice y:u16 z:i17? -:15?");
    odd_fields(events, "SCHED_BLOCK", "x:u32/twice words:b96?");
    odd_fields(events, "SCHED_YIELD", "bits:b128");
    json_object_set_new(enums, "twice",
                        json_pack("[[i,s], [i,s], [i,s], [i,s]]", 1, "same",
                                  2, "same", 3, "other", 70000, "far"));
}

static json_t *dictionary(const struct scene *s)
{
    struct event_dict *dict;
    json_t *events, *enums, *e;
    size_t i;

    if ( event_dict_build(NULL, XEN_FLIGHTREC_IDS, EVENT_VENDOR_AMD, &dict) ||
         event_dict_to_json(dict, &events, &enums) )
        abort();
    event_dict_free(dict);
    if ( s->odd_names )
        odd_names(events, enums);
    json_array_foreach(events, i, e)
        json_object_set_new(e, "id", json_integer(written_id(
            s, json_integer_value(json_object_get(e, "id")))));
    return json_pack("{s:o, s:o}", "events", events, "enums", enums);
}

static char *make_meta(const struct scene *s, json_t *trigger)
{
    json_t *o;
    char *text;

    json_object_set_new(trigger, "tsc", json_integer(s->tsc));
    json_object_set_new(trigger, "gen", json_integer(1));
    o = json_pack("{s:i, s:o, s:s, s:{s:s}, s:{s:s},"
                  " s:{s:I, s:i, s:[{s:I, s:I, s:I}]},"
                  " s:[{s:i, s:s, s:i}, {s:i, s:s, s:i}, {s:i, s:s, s:i}],"
                  " s:o}",
                  "format", 1, "trigger", trigger, "history", "complete",
                  "host", "name", "host.example", "xen", "version", "4.17.5",
                  "clock", "tsc_khz", (json_int_t)SCENE_KHZ, "tsc_shift", 4,
                  "pairs", "tsc", (json_int_t)s->tsc, "ns",
                  (json_int_t)(s->tsc / 2), "wall_ns", (json_int_t)s->wall_ns,
                  "domains", "domid", 0, "name", "Domain-0", "vcpus", 2,
                  "domid", 1, "name", s->odd_names ? SCENE_ODD_NAME : "victim",
                  "vcpus", 1,
                  "domid", 2, "name", "neighbour", "vcpus", 2,
                  "dictionary", dictionary(s));
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if ( !text )
        abort();
    return text;
}

int scene_begin(struct scene *s, const char *path, json_t *trigger,
                struct snapshot_writer **w)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), rc;
    char *meta;

    if ( fd < 0 )
        return -errno;

    meta = make_meta(s, trigger);
    rc = snapshot_create(fd, s->wall_ns, w);
    if ( !rc )
        rc = snapshot_put_meta(*w, meta, strlen(meta));
    free(meta);
    return rc;
}

/* The file is closed when the program ends. */
int scene_finish(struct snapshot_writer *w)
{
    return snapshot_finish(w, NULL);
}

int scene_write(struct scene *s, const char *path, json_t *trigger,
                const unsigned int drop[SCENE_CPUS])
{
    struct snapshot_writer *w;
    int rc = scene_begin(s, path, trigger, &w);

    for ( unsigned int c = 0; c < SCENE_CPUS && !rc; c++ )
        rc = put_packets(s, w, c, drop ? drop[c] : 0);
    return rc ? rc : scene_finish(w);
}
