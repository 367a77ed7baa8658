/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-lives.c OUT ALICE BOB [NAME]: write a snapshot in which two domains had
 * the number 5 one after the other.
 *
 * Alice runs from the begin to 1.2 s, Bob from 2 s to 15.45 s of 16 s; each makes
 * 100 hypercalls a second, Alice with number 24, Bob with number 29.  ALICE and
 * BOB are the reasons of their shutdowns (0: poweroff, 3: crash), or "killed":
 * destroyed by Dom0 without a shutdown.  The trigger is a request at 16 s.  NAME
 * is another name for Alice.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/snapshot.h"
#include "lib/format/event.h"
#include "tests/lib/gen.h"

#define KHZ    1000000         /* a tick is a ns */
#define START  1000000000000ULL
#define S      1000000000ULL
#define MS     1000000ULL
#define IDLE   0x7fffU
#define DOMID  5

enum state { RUNNING, RUNNABLE, BLOCKED };

struct pcpu {
    struct gen_record rec[20000];
    unsigned int nr;
    struct gen_at at[20000];   /* running when it was written */
    struct gen_at now;
} pcpu[2];

static unsigned int id_of(uint32_t event)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( event_list[i].event == event )
            return XEN_FLIGHTREC_ID_FIRST + i;
    abort();
}

static uint32_t event_of(const char *name)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            return event_list[i].event;
    abort();
}

static void add(struct pcpu *p, uint64_t t, uint32_t event, unsigned int words,
                const uint32_t *data)
{
    struct gen_record *r = &p->rec[p->nr];

    *r = (struct gen_record){ .tsc = START + t, .id = id_of(event),
                              .words = words };
    memcpy(r->data, data, words * sizeof(*data));
    p->now.tsc = START + t;
    p->at[p->nr++] = p->now;
}

#define ADD(p, t, name, ...) \
    add(p, t, event_of(name), sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
        (uint32_t[]){ __VA_ARGS__ })

static void change(struct pcpu *p, uint64_t t, uint32_t domid, uint32_t vcpu,
                   enum state from, enum state to)
{
    add(p, t, 0x21001 | from << 8 | to << 4, 1,
        &(uint32_t){ domid << 16 | vcpu });
}

static void switch_to(struct pcpu *p, uint64_t t, uint32_t domid, uint32_t vcpu)
{
    struct gen_at old = p->now;

    change(p, t, old.domid, old.vcpu, RUNNING,
           old.domid == IDLE ? RUNNABLE : BLOCKED);
    change(p, t + 10, domid, vcpu, domid == IDLE ? RUNNABLE : BLOCKED, RUNNING);
    ADD(p, t + 20, "SCHED_SWITCH", old.domid, old.vcpu, domid, vcpu);
    p->now.domid = domid;
    p->now.vcpu = vcpu;
}

static void calls(struct pcpu *p, uint64_t from, uint64_t to, uint32_t op)
{
    for ( uint64_t t = from; t < to; t += 10 * MS )
        ADD(p, t, "PV_HYPERCALL_V2", op);
}

static void end_life(uint64_t t, const char *how)
{
    uint32_t reason = atoi(how);

    if ( !strcmp(how, "killed") )
    {
        ADD(&pcpu[0], t, "PV_HYPERCALL_V2", 36);
        ADD(&pcpu[0], t + 100, "SCHED_SLEEP", DOMID, 0);
    }
    else
        ADD(&pcpu[1], t, "SCHED_SHUTDOWN", DOMID, 0, reason);
    if ( reason == 3 )
        ADD(&pcpu[1], t + 100, "FR_DOMAIN_CRASH", DOMID << 16, 2, reason);
    switch_to(&pcpu[1], t + 500, IDLE, 1);
    ADD(&pcpu[0], t + 20 * MS, "DOM0_DOM_REM", DOMID);
    ADD(&pcpu[0], t + 21 * MS, "SCHED_DOM_REM", DOMID);
}

static void make_records(const char *alice, const char *bob)
{
    struct pcpu *p0 = &pcpu[0], *p1 = &pcpu[1];

    p0->now = (struct gen_at){ .domid = IDLE };
    p1->now = (struct gen_at){ .domid = IDLE, .vcpu = 1 };
    switch_to(p0, 100, 0, 0);
    switch_to(p1, 200, DOMID, 0);
    calls(p0, MS, 1200 * MS, 29);
    calls(p1, MS, 1200 * MS, 24);
    end_life(1200 * MS, alice);
    calls(p0, 1300 * MS, 2000 * MS, 29);
    ADD(p0, 2000 * MS, "DOM0_DOM_ADD", DOMID);
    ADD(p0, 2000 * MS + 100, "SCHED_DOM_ADD", DOMID);
    switch_to(p1, 2100 * MS, DOMID, 0);
    calls(p0, 2200 * MS, 15450 * MS, 29);
    calls(p1, 2200 * MS, 15450 * MS, 29);
    end_life(15450 * MS, bob);
    calls(p0, 15500 * MS, 16 * S, 29);
}

static char *make_meta(const char *first)
{
    struct event_dict *dict;
    json_t *events, *enums, *o;
    char *text;

    if ( event_dict_build(NULL, 0, EVENT_VENDOR_AMD, &dict) ||
         event_dict_to_json(dict, &events, &enums) )
        abort();
    event_dict_free(dict);
    o = json_pack("{s:i, s:{s:s, s:I, s:i, s:s}, s:s, s:{s:i, s:i, s:[]},"
                  " s:[{s:i, s:s, s:i}, {s:i, s:s, s:s, s:i, s:b},"
                  " {s:i, s:s, s:s, s:i, s:b}], s:{s:o, s:o}}",
                  "format", 1, "trigger", "cause", "request", "tsc",
                  (json_int_t)(START + 16 * S), "gen", 1, "source", "socket",
                  "history", "complete", "clock", "tsc_khz", KHZ, "tsc_shift",
                  0, "pairs", "domains", "domid", 0, "name", "Domain-0",
                  "vcpus", 1, "domid", DOMID, "name", first, "uuid",
                  "aaaaaaaa-0000-4000-8000-000000000001", "vcpus", 1, "gone", 1,
                  "domid", DOMID, "name", "bob", "uuid",
                  "bbbbbbbb-0000-4000-8000-000000000002", "vcpus", 1, "gone", 1,
                  "dictionary", "events", events, "enums", enums);
    text = o ? json_dumps(o, 0) : NULL;
    json_decref(o);
    return text;
}

static int put_pcpu(struct snapshot_writer *w, unsigned int cpu)
{
    static struct gen g;
    struct pcpu *p = &pcpu[cpu];
    int rc = 0;

    memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    for ( unsigned int i = 0; !rc && i < p->nr; )
    {
        p->at[i].tsc = p->rec[i].tsc;
        gen_begin(&g, p->at[i]);
        for ( unsigned int n = 0; n < 400 && i < p->nr; n++, i++ )
            if ( !gen_add(&g, &p->rec[i]) )
                abort();
        gen_end(&g);
        rc = snapshot_put_packet(w, g.slot, sizeof(g.slot));
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct snapshot_writer *w;
    char *meta = make_meta(argc == 5 ? argv[4] : "alice");
    int fd, rc;

    if ( argc != 4 && argc != 5 )
        return 2;
    make_records(argv[2], argv[3]);
    fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    rc = fd < 0 || !meta ? -1 : snapshot_create(fd, 0, &w);
    if ( !rc )
        rc = snapshot_put_meta(w, meta, strlen(meta));
    for ( unsigned int cpu = 0; !rc && cpu < 2; cpu++ )
        rc = put_pcpu(w, cpu);
    if ( !rc )
        rc = snapshot_finish(w, NULL);
    free(meta);
    return rc ? 1 : 0;
}
