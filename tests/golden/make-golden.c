/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-golden.c [--plain] FILE: writes the snapshot for the expected texts in
 * this folder, in the newest format or in format 1.  A PV guest with two vCPUs
 * crashes on pCPU 1.  There is one of each: a record of both channels, one
 * that only the rare channel still has, an escaped event, one that is not in
 * the dictionary, a gap of each kind, a name with an escape sequence.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/format/event.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

#define KHZ     2000000ULL             /* 2 ticks a ns */
#define TRIGGER 10000000000ULL         /* TSC of the crash */
#define NS(n)   (TRIGGER - 2 * (uint64_t)(n)) /* TSC `n` ns before it */
#define SHIFT   4

#define MORE    60                     /* records, enough for columns */

static struct gen g;
static struct snapshot_writer *w;
static unsigned int more;              /* MORE, or 0 for format 1 */

static void die(const char *what, int rc)
{
    fprintf(stderr, "make-golden: %s: %s\n", what, strerror(-rc));
    exit(1);
}

static uint32_t id_of(const char *name)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            return XEN_FLIGHTREC_ID_FIRST + i;

    die(name, -ENOENT);
    return 0;
}

/* One record with @words words of @data. */
static void put(uint64_t tsc, const char *name, unsigned int words,
                const uint32_t *data)
{
    struct gen_record r = { .tsc = tsc, .id = id_of(name), .words = words };

    for ( unsigned int i = 0; i < words; i++ )
        r.data[i] = data[i];
    if ( !gen_add(&g, &r) )
        die(name, -ENOSPC);
}

#define PUT(tsc, name, ...) \
    put(tsc, name, sizeof((uint32_t[]){ __VA_ARGS__ }) / 4, \
        (uint32_t[]){ __VA_ARGS__ })

static void begin(uint16_t cpu, uint8_t channel, struct gen_at at)
{
    if ( g.cpu != cpu || g.channel != channel )
        memset(&g, 0, sizeof(g));
    g.cpu = cpu;
    g.channel = channel;
    g.shift = SHIFT;
    gen_begin(&g, at);
}

static void end(void)
{
    gen_end(&g);
    int rc = snapshot_put_packet(w, g.slot, sizeof(g.slot));

    if ( rc )
        die("packet", rc);
}

/* pCPU 1, where the guest dies.  Its rare channel goes back further. */
static void crashing_cpu(void)
{
    struct xen_flightrec_packet *hdr = (void *)g.slot;

    begin(1, XEN_FLIGHTREC_CH_RARE, (struct gen_at){ NS(3000000000), 0, 1 });
    PUT(NS(2999999000), "DOM0_DOM_ADD", 5);
    PUT(NS(1500), "SCHED_SHUTDOWN_CODE", 5, 0, 3);
    end();

    begin(1, XEN_FLIGHTREC_CH_BUSY, (struct gen_at){ NS(90000), 5, 0 });
    PUT(NS(89000), "PV_PAGE_FAULT", 0x8badf00d, 6);
    PUT(NS(60000), "SCHED_BLOCK", 5, 0);
    PUT(NS(59500), "SCHED_SWITCH", 5, 0, 32767, 1);
    end();
    g.seq++; /* a missing slot */
    begin(1, XEN_FLIGHTREC_CH_BUSY, (struct gen_at){ NS(30000), 32767, 1 });
    hdr->lost[XEN_FLIGHTREC_LOST_NESTED] = 2;
    hdr->emitted += 2 + 7;
    PUT(NS(29000), "SCHED_WAKE", 5, 0);
    PUT(NS(28000), "SCHED_SWITCH", 32767, 1, 5, 0);
    PUT(NS(2000), "PV_HYPERCALL_V2", 29 | 1 << 20 | 1 << 22, 2, 0xc0de);
    PUT(NS(1510), "SCHED_SHUTDOWN_CODE", 5, 0, 3);
    PUT(NS(1000), "FR_DOMAIN_CRASH", 5 << 16, 2, 3);
    PUT(NS(10), "SCHED_RUNSTATE_CHANGE__RUNNING_OFFLINE", 5 << 16);
    end();
}

/* pCPU 0: a known escaped event, an unknown one, an unknown id. */
static void other_cpu(void)
{
    struct gen_record known = { NS(50000), XEN_FLIGHTREC_ID_ESCAPE, 0x00028003,
                                2, { 5, 1 } };
    struct gen_record alien = { NS(40000), XEN_FLIGHTREC_ID_ESCAPE, 0x0ff1234,
                                1, { 77 } };
    struct gen_record no_id = { NS(35000), 511, 0, 1, { 78 } };

    begin(0, XEN_FLIGHTREC_CH_BUSY, (struct gen_at){ NS(70000), 5, 1 });
    for ( unsigned int i = 0; i < more; i++ )
        PUT(NS(69900 - 300 * i), "PV_PAGE_FAULT", 0xf000 + i / 4 * 0x1000, 6);
    gen_add(&g, &known);
    gen_add(&g, &alien);
    gen_add(&g, &no_id);
    PUT(NS(20000), "SCHED_SWITCH", 5, 1, 0, 0);
    PUT(NS(-3000), "SCHED_WAKE", 0, 1);
    end();
}

static json_t *stream(unsigned int cpu, const char *channel, int held)
{
    return json_pack("{s:i, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i,"
                     " s:{s:i, s:i, s:i, s:i}, s:b, s:b}",
                     "cpu", cpu, "channel", channel, "gen", 1, "emitted",
                     held + 2, "late", 0, "held", held, "held_earlier", 0,
                     "sacrificed", 0, "overwritten", 0, "lost", "nested", 2,
                     "busy", 0, "stopped", 0, "retry", 0, "quiescent", 1,
                     "balanced", 1);
}

static json_t *dictionary(void)
{
    struct event_dict *dict;
    json_t *events, *enums;
    int rc;

    rc = event_dict_build(NULL, XEN_FLIGHTREC_IDS, EVENT_VENDOR_AMD, &dict);
    if ( !rc )
        rc = event_dict_to_json(dict, &events, &enums);
    if ( rc )
        die("dictionary", rc);
    event_dict_free(dict);
    return json_pack("{s:o, s:o}", "events", events, "enums", enums);
}

static char *make_meta(void)
{
    json_t *o = json_pack(
        "{s:i, s:{s:s, s:i, s:I, s:i, s:i, s:i, s:i, s:I, s:s, s:s, s:s}, s:s,"
        " s:[], s:{s:s, s:s}, s:{s:s, s:s, s:s},"
        " s:{s:I, s:i, s:[{s:I, s:I, s:I}]}, s:[{s:i, s:i}, {s:i, s:i}],"
        " s:[{s:i, s:s, s:s, s:i}, {s:i, s:s, s:s, s:i}], s:o, s:[o, o, o],"
        " s:[{s:i, s:s, s:s, s:i}]}",
        "format", 1,
        "trigger", "cause", "crash", "gen", 1, "tsc", (json_int_t)TRIGGER,
        "cpu", 1, "domid", 5, "vcpu", 0, "reason", 3, "rip",
        (json_int_t)0xffffffff81a442b5, "uuid",
        "01234567-89ab-cdef-0123-456789abcdef", "name", "web\x1b[31m1",
        "source", "virq",
        "history", "complete", "history_why",
        "host", "name", "host.example", "kernel", "6.1",
        "xen", "version", "4.17.5", "build_id", "00", "cmdline", "flightrec=1M",
        "clock", "tsc_khz", (json_int_t)KHZ, "tsc_shift", SHIFT, "pairs",
        "tsc", (json_int_t)TRIGGER + 2000000, "ns", (json_int_t)5001000000,
        "wall_ns", (json_int_t)1700000000001000000,
        "cpus", "cpu", 0, "node", 0, "cpu", 1, "node", 0,
        "domains", "domid", 0, "uuid", "00000000-0000-0000-0000-000000000000",
        "name", "Domain-0", "vcpus", 2, "domid", 5, "uuid",
        "01234567-89ab-cdef-0123-456789abcdef", "name", "web\x1b[31m1", "vcpus",
        2,
        "dictionary", dictionary(),
        "streams", stream(0, "busy", 5 + more), stream(1, "rare", 2),
        stream(1, "busy", 9),
        "gaps", "cpu", 1, "channel", "busy", "cause", "nested", "records", 2);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    if ( !text )
        die("meta", -EINVAL);
    return text;
}

int main(int argc, char **argv)
{
    static const char note[] = "{\"latency_ns\":{\"wake\":40000}}";
    const struct snapshot_how how = {
        .plain = argc == 3 && !strcmp(argv[1], "--plain"),
    };
    int rc, fd = argc == 2 + how.plain
                     ? open(argv[argc - 1], O_WRONLY | O_CREAT | O_TRUNC, 0644)
                     : -1;
    char *meta;

    if ( fd < 0 )
        die("file", -EINVAL);

    more = how.plain ? 0 : MORE;
    meta = make_meta();
    rc = snapshot_create_as(fd, 1700000000002000000, &how, &w);
    if ( !rc )
        rc = snapshot_put_meta(w, meta, strlen(meta));
    if ( rc )
        die("meta", rc);

    g.cpu = XEN_FLIGHTREC_NO_CPU;
    crashing_cpu();
    other_cpu();
    rc = snapshot_put_note(w, note, strlen(note));
    if ( !rc )
        rc = snapshot_finish(w, NULL);
    if ( rc )
        die("file", rc);

    free(meta);
    return close(fd) ? 1 : 0;
}
