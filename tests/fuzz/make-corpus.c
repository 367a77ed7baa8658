/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * make-corpus.c DIRECTORY: write seeds for all targets to folders of their
 * names.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/format/columns.h"
#include "lib/format/event.h"
#include "lib/format/snapshot.h"
#include "tests/lib/gen.h"

static const char meta[] =
    "{\"format\":1,\"trigger\":{\"cause\":\"crash\",\"gen\":1,\"tsc\":9000000,"
    "\"domid\":1,\"vcpu\":0,\"cpu\":0},\"history\":\"complete\",\"clock\":{"
    "\"tsc_khz\":2000000,\"tsc_shift\":3,\"pairs\":[{\"tsc\":9000000,\"ns\":1,"
    "\"wall_ns\":1700000000000000000}]},\"domains\":[{\"domid\":1,\"name\":"
    "\"a\"}],\"dictionary\":{\"events\":[{\"id\":2,\"event\":69900,\"name\":"
    "\"ONE\",\"fields\":\"vcpu:v16 dom:d16 x:x64?\",\"format\":\"\"},{\"id\":3,"
    "\"event\":69901,\"name\":\"SCHED_SWITCH\",\"fields\":\"prev_dom:d32 "
    "prev_vcpu:v32 next_dom:d32 next_vcpu:v32\",\"format\":\"{next_dom}\"}],"
    "\"enums\":{\"domid\":[[32767,\"idle\"]]}}}";

static struct gen g;

static void make_packet(unsigned int cpu, unsigned int channel)
{
    uint64_t tsc = 1000000 * (g.seq + 1);

    g.cpu = cpu;
    g.channel = channel;
    g.shift = 3;
    gen_begin(&g, (struct gen_at){ tsc, 1, 0 });
    for ( unsigned int i = 0; i < 12; i++ )
    {
        struct gen_record r = {
            .tsc = tsc + i * (i == 7 ? 10000000 : 1000),
            .id = i % 4 == 3 ? XEN_FLIGHTREC_ID_ESCAPE : 2 + i % 3,
            .event = i % 4 == 3 ? 69901 : 0,
            .words = i % 5,
            .data = { 1, 2, 3, 4 },
        };

        gen_add(&g, &r);
    }
    gen_end(&g);
}

static FILE *create(const char *dir, const char *name)
{
    char path[4096];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "we");
    if ( !f )
    {
        perror(path);
        exit(1);
    }
    return f;
}

static void put_content(FILE *f, const void *data, size_t len)
{
    fputc(len, f);
    fputc(len >> 8, f);
    fputc(len >> 16, f);
    fwrite(data, 1, len, f);
}

/* Pack two packets to columns.  Return the length. */
static size_t make_columns(uint8_t *out, size_t room)
{
    static uint8_t plain[2 * GEN_SLOT_BYTES];
    struct columns_work *work = columns_work_new(sizeof(plain));
    size_t bytes = 0, len;

    memset(&g, 0, sizeof(g));
    for ( unsigned int i = 0; i < 2; i++ )
    {
        make_packet(0, 0);
        memcpy(plain + bytes, g.slot, g.bytes);
        bytes += g.bytes;
    }
    if ( !work || bytes > room || columns_pack(work, plain, bytes, out, &len) )
        exit(1);
    columns_work_free(work);
    return len;
}

/* Both forms of fuzz-columns. */
static void make_columns_seeds(const char *dir)
{
    static uint8_t out[2 * GEN_SLOT_BYTES];
    size_t len = make_columns(out, sizeof(out));
    FILE *f = create(dir, "columns");

    fputc(0, f);
    fwrite(out, 1, len, f);
    fclose(f);

    memset(&g, 0, sizeof(g));
    make_packet(0, 0);
    f = create(dir, "packets");
    fputc(1, f);
    fwrite(g.slot, 1, g.bytes, f);
    make_packet(0, 0);
    fwrite(g.slot, 1, g.bytes, f);
    fclose(f);
}

/* The form of mode 1 of fuzz-snapshot, with columns. */
static void make_columns_content(const char *dir, const char *name)
{
    static uint8_t out[2 * GEN_SLOT_BYTES];
    size_t len = make_columns(out, sizeof(out));
    FILE *f = create(dir, name);

    fputc(1, f);
    put_content(f, meta, sizeof(meta) - 1);
    put_content(f, out, len);
    fclose(f);
}

/* The form of modes 1 and 2 of fuzz-snapshot. */
static void make_content(const char *dir, const char *name, int mode)
{
    FILE *f = create(dir, name);
    struct snapshot_frame none = { 0 };

    memset(&g, 0, sizeof(g));
    fputc(mode, f);
    put_content(f, meta, sizeof(meta) - 1);
    make_packet(0, 1);
    put_content(f, g.slot, g.bytes);
    make_packet(0, 0);
    put_content(f, g.slot, g.bytes);
    make_packet(1, 0);
    put_content(f, g.slot, g.bytes);
    if ( mode == 2 )
        fwrite(&none, 1, sizeof(none), f);
    fclose(f);
}

static void make_file(const char *dir, const char *name)
{
    FILE *f = create(dir, name);
    struct snapshot_writer *w;

    memset(&g, 0, sizeof(g));
    fputc(0, f);
    fflush(f);
    if ( snapshot_create(fileno(f), 1, &w) ||
         snapshot_put_meta(w, meta, sizeof(meta) - 1) )
        exit(1);
    make_packet(0, 0);
    if ( snapshot_put_packet(w, g.slot, g.bytes) || snapshot_finish(w, NULL) )
        exit(1);
    fclose(f);
}

static void make_conf(void)
{
    FILE *f = create("conf", "all");

    fputs("; all forms\n[daemon]\nuser = x\nheartbeat = 10\n[store]\n"
          "max_bytes = 64M\nmax_age = 30d\n[limit]\ndomain = 8/5m\ntotal = off\n"
          "[trigger]\ncauses = crash watchdog\nrequests = none\ndelay = 500ms\n"
          "[hook]\nprogram = /bin/true a\n[tbuf]\nevents = 0x0782f000\n"
          "[guests]\nmay_ask = named\n[recorder]\ncreate = no\n", f);
    fclose(f);
}

static uint32_t id_of(const char *name)
{
    for ( unsigned int i = 0; i < event_list_rows; i++ )
        if ( !strcmp(event_list[i].name, name) )
            return XEN_FLIGHTREC_ID_FIRST + i;
    exit(1);
}

/* Records of events in the dictionary of fuzz-commands. */
static void make_own_packet(unsigned int cpu)
{
    uint64_t tsc = 1000000 * (g.seq + 1);
    const struct gen_record rec[] = {
        { 0, id_of("SCHED_SWITCH"), 0, 4, { 0, 0, 1, 0 } },
        { 0, id_of("SCHED_RUNSTATE_CHANGE"), 0, 2, { 1 << 16, 0x10 } },
        { 0, id_of("SCHED_WAKE"), 0, 2, { 1, 1 } },
        { 0, id_of("HVM_VMEXIT64"), 0, 3, { 12, 0x1000, 0 } },
        { 0, id_of("HVM_VMENTRY"), 0, 0, { 0 } },
        { 0, id_of("PV_HYPERCALL_V2"), 0, 3, { 29 | 1 << 20, 2, 5 } },
        { 0, id_of("FR_DOMAIN_CRASH"), 0, 3, { 1 << 16, 2, 3 } },
    };

    g.cpu = cpu;
    g.shift = 3;
    gen_begin(&g, (struct gen_at){ tsc, 1, 0 });
    for ( unsigned int i = 0; i < 21; i++ )
    {
        struct gen_record r = rec[i % 7];

        r.tsc = tsc + i * 1000;
        gen_add(&g, &r);
    }
    gen_end(&g);
}

/* A command of fuzz-commands with a document in the input. */
static void make_raw_command(unsigned int command)
{
    char name[16];
    FILE *f;

    snprintf(name, sizeof(name), "raw%02u", command);
    f = create("commands", name);
    memset(&g, 0, sizeof(g));
    fputc(command, f);
    fputc(1, f);
    put_content(f, meta, sizeof(meta) - 1);
    make_packet(0, 0);
    put_content(f, g.slot, g.bytes);
    make_packet(0, 0);
    put_content(f, g.slot, g.bytes);
    fclose(f);
}

/* The forms of fuzz-commands, each for one command. */
static void make_commands(void)
{
    for ( unsigned int i = 0; i < 25; i++ )
    {
        char name[16];
        FILE *f;

        snprintf(name, sizeof(name), "own%02u", i);
        f = create("commands", name);
        memset(&g, 0, sizeof(g));
        fputc(i, f);
        fputc(0, f);
        fputc(1, f);
        fwrite("\x05\0\x0e", 1, 3, f);
        make_own_packet(0);
        put_content(f, g.slot, g.bytes);
        make_own_packet(0);
        put_content(f, g.slot, g.bytes);
        memset(&g, 0, sizeof(g));
        make_own_packet(1);
        put_content(f, g.slot, g.bytes);
        fclose(f);
    }
}

/*
 * A script of fuzz-control: create, start, then `bytes` random bytes; every
 * fourth step is `often`.
 */
static void make_script(const char *name, unsigned int bytes, uint8_t often)
{
    static const uint8_t begin[] = { 5, 1, 0, 0, 0, 6, 9, 0, 8, 0x40 };
    FILE *f = create("control", name);
    uint64_t seed = 0x5eed + often;

    fwrite(begin, 1, sizeof(begin), f);
    while ( bytes-- )
        fputc(bytes % 4 ? gen_random(&seed) >> 24 : often, f);
    fclose(f);
}

/* A buffer with all kinds of records, `bytes` of them held. */
static void make_tbuf(const char *name, uint32_t cons, uint32_t bytes)
{
    static const uint32_t words[] = {
        0x00021011 | 2U << 28 | 1U << 31, 5000, 0, 1, 2, /* with a stamp */
        0x00081001 | 3U << 28, 1, 2, 3,                  /* without */
        0x08000007 | 1U << 28, 9,                        /* a guest's own */
        0x0001f001 | 4U << 28 | 1U << 31, 90000000, 0, 17, 1, 4, 0, /* lost */
        0x00028007 | 3U << 28 | 1U << 31, 91000000, 0, 1, 0, 3,
    };
    const uint32_t index[2] = { cons, cons + bytes };
    const uint8_t moves[4] = { 201, 100, 255, 3 };
    FILE *f = create("tbuf", name);

    fwrite(index, 1, sizeof(index), f);
    fwrite(moves, 1, sizeof(moves), f);
    fwrite(words, 1, sizeof(words), f);
    fclose(f);
}

int main(int argc, char **argv)
{
    FILE *f;

    if ( argc != 2 || chdir(argv[1]) )
        return 2;

    make_packet(0, 0);
    f = create("packet", "records");
    fwrite(g.slot, 1, g.bytes, f);
    fclose(f);

    make_tbuf("half", 0, 96 * 20);
    make_tbuf("full", 96 * 10, 4088);
    make_tbuf("some", 4088, 96 * 3);
    make_columns_seeds("columns");
    make_columns_content("snapshot", "content-columns");
    make_file("snapshot", "file-columns");
    make_content("snapshot", "content", 1);
    make_content("snapshot", "content-index", 2);
    make_commands();
    for ( unsigned int i = 0; i < 24; i += 4 )
        make_raw_command(i);
    make_conf();
    make_script("operations", 1200, 1);
    make_script("records", 1200, 8);
    make_script("hotplug", 1200, 16);
    make_script("scribble", 1200, 13);
    return 0;
}
