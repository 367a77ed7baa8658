/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-control.c: a hostile Dom0.  The input is a script: operations with any
 * bytes, records of every pCPU, NMIs, pCPUs that go offline and return,
 * domains that die, mappings.  Two recorders run it; in one of them Dom0 also
 * writes to every page it can access.  Invariants:
 *
 *   - nothing faults, and no rule of Xen's is broken (seam.h);
 *   - both give the same answers: nothing is read back from shared pages;
 *   - no uninitialised byte reaches an answer or a shared page;
 *   - afterwards it can always record again, and the account of a generation
 *     balances;
 *   - mapped pages stay, and at the end all memory is freed.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/flightrec-events.h>

#include "lib/format/packet.h"
#include "tests/fuzz/fuzz.h"
#include "tests/xenworld/world.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define INITIALISED(p, bytes) __msan_check_mem_is_initialized(p, bytes)
#endif
#endif
#ifndef INITIALISED
#define INITIALISED(p, bytes) (void)0
#endif

#define MAX_STEPS 400
#define PAGE      4096
#define FRAMES    80

static const struct xen_world *const world[2] = { &xen_world_a, &xen_world_b };

static struct input {
    uint8_t data[1 << 16];
    size_t len, at;
} in;

/* Pages that Dom0 has mapped, the same in both. */
static int mapped[64];
static unsigned int nr_mapped;
static uint32_t newest;    /* generation */

static void __attribute__((__noreturn__)) violated(const char *what)
{
    fprintf(stderr, "violated: %s\n", what);
    abort();
}

static uint8_t byte(void)
{
    return in.at < in.len ? in.data[in.at++] : 0;
}

static uint32_t word(void)
{
    uint32_t w = byte();

    w |= byte() << 8;
    w |= byte() << 16;
    return w | (uint32_t)byte() << 24;
}

/* A small number, one near the newest generation, or any. */
static uint32_t number(void)
{
    uint8_t how = byte();

    if ( how < 0x60 )
        return how & 0x1f;
    if ( how < 0xc0 )
        return newest + (how & 7) - 4;
    if ( how < 0xe0 )
        return 1U << (how & 0x1f);
    return word();
}

/* Three adjacent bytes that mark uninitialised memory. */
static bool has_pattern(const uint8_t *p, size_t bytes)
{
    static const uint8_t heap[3] = { WORLD_HEAP_BYTE, WORLD_HEAP_BYTE,
                                     WORLD_HEAP_BYTE };
    static const uint8_t stack[3] = { WORLD_STACK_BYTE, WORLD_STACK_BYTE,
                                      WORLD_STACK_BYTE };

    return memmem(p, bytes, heap, sizeof(heap)) ||
           memmem(p, bytes, stack, sizeof(stack));
}

static void map_stale(void)
{
    unsigned int page = word() % WORLD_PAGES;
    bool got = world[0]->map_page(page);

    if ( got != world[1]->map_page(page) )
        violated("a page's references differ");
    if ( got && nr_mapped < sizeof(mapped) / sizeof(mapped[0]) )
        mapped[nr_mapped++] = page;
    else if ( got )
        for ( int w = 0; w < 2; w++ )
            world[w]->unmap(page);
}

/* Run one operation in both, and repeat it while it asks to be continued. */
static int both(unsigned int cpu, struct xen_flightrec_op *op)
{
    struct xen_flightrec_op o[2];
    int rc[2];
    unsigned int tries = 0;

    for ( ; ; )
    {
        for ( int w = 0; w < 2; w++ )
        {
            o[w] = *op;
            rc[w] = world[w]->control(cpu, &o[w]);
        }
        if ( rc[0] != rc[1] || memcmp(&o[0], &o[1], sizeof(o[0])) )
            violated("a write of Dom0 to a shared page changes an answer");
        if ( rc[0] != -ERESTART || ++tries == 300 )
            break;
        /* Other pCPUs run in between. */
        for ( int w = 0; w < 2; w++ )
            for ( unsigned int i = 0; i < WORLD_CPUS; i++ )
                world[w]->softirqs(i);
        if ( byte() & 1 )
            map_stale();
    }
    if ( rc[0] > 0 )
        violated("an operation returns more than 0");
    INITIALISED(&o[0], sizeof(o[0]));
    if ( has_pattern((const void *)&o[0], sizeof(o[0])) )
        violated("an answer has uninitialised bytes");
    *op = o[0];
    return rc[0];
}

static int simple(uint32_t cmd, uint32_t first)
{
    struct xen_flightrec_op op = { .cmd = cmd };

    memcpy(&op.u, &first, sizeof(first));
    return both(0, &op);
}

static void any_op(void)
{
    struct xen_flightrec_op op;
    unsigned int bytes = byte() % (sizeof(op) + 1);

    memset(&op, 0, sizeof(op));
    for ( unsigned int i = 0; i < bytes; i++ )
        ((uint8_t *)&op)[i] = byte();
    if ( byte() & 1 )
        op.cmd = XEN_FLIGHTREC_OP_BASE + op.cmd % 32;
    both(byte(), &op);
}

static void one_op(void)
{
    unsigned int which = byte() % 20;
    struct xen_flightrec_op op = {
        .cmd = which == 19 ? XEN_FLIGHTREC_OP_bench
                           : XEN_FLIGHTREC_OP_BASE + which,
    };
    unsigned int words = byte() % 5;
    uint32_t w;

    for ( unsigned int i = 0; i < words; i++ )
    {
        w = number();
        memcpy(&op.u.pad[4 * i], &w, 4);
    }
    if ( !both(byte(), &op) && op.cmd == XEN_FLIGHTREC_OP_freeze )
        newest = op.u.freeze.gen;
}

/* Choose a geometry that mostly fits. */
static void create_op(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_create };

    op.u.create.bytes_per_cpu = (128 + 32 * (byte() % 8)) << 10;
    op.u.create.slot_bytes = byte() & 1 ? 4096 << byte() % 3 : 0;
    op.u.create.spares = byte() & 1 ? byte() % 16 : 0;
    both(byte(), &op);
}

static uint32_t an_event(void)
{
    static const uint32_t events[] = {
#define ROW(name, ev, ch, fields, format) ev,
        FR_EVENT_LIST(ROW)
#undef ROW
    };
    uint8_t b = byte();

    if ( b == 0xff )
        return word() & 0x0fffffff;
    return events[b % (sizeof(events) / sizeof(events[0]))];
}

static void records(unsigned int n)
{
    unsigned int cpu = byte(), bytes = byte() % 36;
    uint32_t event = an_event();
    uint8_t *data = malloc(bytes ? bytes : 1);

    if ( !data )
        abort();
    for ( unsigned int i = 0; i < bytes; i++ )
        data[i] = byte();
    while ( n-- )
        for ( int w = 0; w < 2; w++ )
            world[w]->trace(cpu, event, data, bytes);
    free(data);
}

static void map_one(void)
{
    uint32_t id = byte() & 1 ? XEN_FLIGHTREC_RES_INFO : number();
    uint32_t frame = byte() & 1 ? byte() % FRAMES : number();
    int page[2];

    for ( int w = 0; w < 2; w++ )
        page[w] = world[w]->map(id, frame);
    if ( page[0] != page[1] )
        violated("a frame differs");
    if ( page[0] < 0 )
        return;
    if ( nr_mapped == sizeof(mapped) / sizeof(mapped[0]) )
        for ( int w = 0; w < 2; w++ )
            world[w]->unmap(page[0]);
    else
        mapped[nr_mapped++] = page[0];
}

static void unmap_some(unsigned int n)
{
    while ( n-- && nr_mapped )
    {
        nr_mapped--;
        for ( int w = 0; w < 2; w++ )
        {
            if ( !world[w]->lent(mapped[nr_mapped]) )
                violated("a page that was mapped is gone");
            world[w]->unmap(mapped[nr_mapped]);
        }
    }
}

/* In the second world only; mostly at the start, where the headers are. */
static void scribble(void)
{
    unsigned int first = byte(), n = 1 + byte(), len = byte();
    unsigned int off = byte() & 1 ? byte() & 0x7f : word();
    uint8_t with = byte();

    for ( ; n--; first++ )
    {
        uint8_t *page = world[1]->lent(first);

        for ( unsigned int i = 0; page && i <= len; i++ )
            page[(off + i) % PAGE] = with + i;
    }
}

static void set_luck(void)
{
    uint8_t which = byte(), n = byte() % 16;

    for ( int w = 0; w < 2; w++ )
        world[w]->luck(which & 1 ? n : ~0U, which & 2 ? n : ~0U,
                       which & 4 ? n : ~0U);
}

static void step(void)
{
    uint8_t what = byte();
    uint32_t a, b;

    switch ( what % 19 )
    {
    case 0:
        any_op();
        return;
    case 1 ... 4:
        one_op();
        return;
    case 5:
        create_op();
        return;
    case 6:
        simple(XEN_FLIGHTREC_OP_start, 0);
        return;
    case 7:
        records(1);
        return;
    case 8:
        records(100);
        return;
    case 9:
        records(1000);
        return;
    case 10:
        map_one();
        return;
    case 11:
        map_stale();
        return;
    case 12:
        unmap_some(byte());
        return;
    case 13:
        scribble();
        return;
    case 14:
        set_luck();
        return;
    }

    a = byte();
    b = what % 19 == 17 ? an_event() : number();
    for ( int w = 0; w < 2; w++ )
        switch ( what % 19 )
        {
        case 15:
            world[w]->domain(a, a >> 2, (a >> 4) % 3, b);
            break;
        case 16:
            world[w]->plug(a, b & 1);
            break;
        case 17:
            world[w]->nmi(a, b);
            break;
        case 18:
            if ( b & 1 )
                world[w]->softirqs(a % WORLD_CPUS);
            else if ( b & 4 )
                world[w]->tsc((int64_t)(int8_t)a * (1 << 30));
            else
                world[w]->time(1ULL << a % 42);
            break;
        }
}

static void settle(void)
{
    for ( int w = 0; w < 2; w++ )
    {
        world[w]->nmi(0, 0);
        world[w]->luck(~0U, ~0U, ~0U);
        for ( unsigned int cpu = 1; cpu < WORLD_CPUS; cpu++ )
            world[w]->plug(cpu, true);
        for ( unsigned int cpu = 0; cpu < WORLD_CPUS; cpu++ )
            world[w]->softirqs(cpu);
    }
}

/* Check for uninitialised bytes in every page that Dom0 can access. */
static void look_at_pages(void)
{
    for ( unsigned int page = 0; page < WORLD_PAGES; page++ )
    {
        const uint8_t *p = world[0]->lent(page);

        if ( !p )
            continue;
        INITIALISED(p, PAGE);
        if ( has_pattern(p, PAGE) )
            violated("a shared page has uninitialised bytes");
    }
}

static void get_counters(uint32_t cpu, uint32_t channel,
                         struct xen_flightrec_op *op)
{
    *op = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_cpu,
                                     .u.cpu = { .cpu = cpu,
                                                .channel = channel } };
    if ( both(0, op) )
        violated("no counters of a pCPU that is online");
}

static uint64_t counted(const struct xen_flightrec_op_cpu *c)
{
    return c->lost[0] + c->lost[1] + c->lost[2] + c->lost[3];
}

/* Each pCPU must accept records and lose none. */
static void must_record(void)
{
    static const uint32_t words[2] = { 1, 2 };

    for ( uint32_t cpu = 0; cpu < WORLD_CPUS; cpu++ )
    {
        struct xen_flightrec_op before, after;

        get_counters(cpu, XEN_FLIGHTREC_CH_BUSY, &before);
        for ( int i = 0; i < 500; i++ )
            for ( int w = 0; w < 2; w++ )
                world[w]->trace(cpu, XEN_FLIGHTREC_EV_CPU_UP, words,
                                sizeof(words));
        get_counters(cpu, XEN_FLIGHTREC_CH_BUSY, &after);
        if ( after.u.cpu.emitted < before.u.cpu.emitted + 500 ||
             counted(&after.u.cpu) != counted(&before.u.cpu) )
            violated("it does not record any more");
    }
}

static void check_packet(const uint8_t *slot, uint32_t gen, uint64_t *records)
{
    struct xen_flightrec_packet hdr;
    struct packet p;
    uint32_t n;
    uint64_t last;

    memcpy(&hdr, slot, sizeof(hdr));
    if ( hdr.hold_gen != gen )
        return;
    if ( packet_parse(slot, PAGE, &p) || packet_count(&p, &n, &last) )
        violated("a held packet cannot be read");
    *records += n;
}

/* These buffers have slots of one page. */
static void must_balance(uint32_t gen, uint32_t cpu)
{
    int first = world[0]->map(cpu, 0);
    const struct xen_flightrec_cpu *info;

    if ( first < 0 )
        violated("a pCPU's information page cannot be mapped");
    info = (const void *)world[0]->lent(first);
    for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        const struct xen_flightrec_audit *a =
            &info->audit[gen % XEN_FLIGHTREC_MAX_HELD][ch];
        uint64_t sum = a->held + a->held_earlier + a->sacrificed +
                       a->overwritten, found = 0;

        for ( unsigned int i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
            sum += a->lost[i];
        if ( a->gen != gen || a->emitted - a->late != sum )
            violated("the account does not balance");
        for ( uint32_t i = 0; i < info->ch[ch].slots; i++ )
        {
            int page = world[0]->map(cpu, info->ch[ch].first_frame + i);

            if ( page < 0 )
                violated("a slot cannot be mapped");
            check_packet(world[0]->lent(page), gen, &found);
            world[0]->unmap(page);
        }
        if ( found != a->held )
            violated("held packets and account disagree");
    }
    world[0]->unmap(first);
}

static void release_all(void)
{
    struct xen_flightrec_op st = { .cmd = XEN_FLIGHTREC_OP_status };

    if ( both(0, &st) )
        violated("no status");
    newest = st.u.status.gen;
    for ( uint32_t g = st.u.status.released + 1; g != newest + 1; g++ )
        if ( simple(XEN_FLIGHTREC_OP_release, g) )
            violated("held generations cannot be released in order");
}

/* Twice, since a release may start a pending trigger. */
static void new_buffers(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_create };

    release_all();
    release_all();
    simple(XEN_FLIGHTREC_OP_destroy, 0);
    settle();
    for ( int w = 0; w < 2; w++ )
        if ( world[w]->pages_used() )
            violated("memory is missing after destroy");
    op.u.create.bytes_per_cpu = 128 << 10;
    op.u.create.slot_bytes = PAGE;
    if ( both(0, &op) )
        violated("it cannot be created any more");
}

/* It must work after any script. */
static void prove_sound(void)
{
    struct xen_flightrec_op op = { .cmd = XEN_FLIGHTREC_OP_quiesce };
    uint32_t mask[2] = { XEN_FLIGHTREC_CH_BUSY, 0x0ffff000 };

    settle();
    look_at_pages();
    unmap_some(~0U);
    new_buffers();
    op.cmd = XEN_FLIGHTREC_OP_mask;
    memcpy(&op.u, mask, sizeof(mask));
    if ( both(0, &op) || simple(XEN_FLIGHTREC_OP_start, 0) )
        violated("it cannot be started any more");
    must_record();
    memset(&op, 0, sizeof(op));
    op.cmd = XEN_FLIGHTREC_OP_freeze;
    if ( both(0, &op) )
        violated("nothing can be held any more");
    newest = op.u.freeze.gen;
    memset(&op, 0, sizeof(op));
    op.cmd = XEN_FLIGHTREC_OP_quiesce;
    op.u.quiesce.gen = newest;
    if ( both(0, &op) || op.u.quiesce.pending )
        violated("it does not come to rest");
    must_record();
    for ( uint32_t cpu = 0; cpu < WORLD_CPUS; cpu++ )
        must_balance(newest, cpu);
    look_at_pages();
    release_all();
    must_record();
    if ( simple(XEN_FLIGHTREC_OP_destroy, 0) )
        violated("it cannot be destroyed");
    settle();
    for ( int w = 0; w < 2; w++ )
        if ( world[w]->pages_used() )
            violated("memory is missing in the end");
}

/* Input must not contain the mark of uninitialised memory. */
static void take_input(const uint8_t *data, size_t len)
{
    in.at = 0;
    in.len = len < sizeof(in.data) ? len : sizeof(in.data);
    for ( size_t i = 0; i < in.len; i++ )
        in.data[i] = data[i] == WORLD_HEAP_BYTE || data[i] == WORLD_STACK_BYTE
                         ? data[i] ^ 1
                         : data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool booted;

    for ( int w = 0; !booted && w < 2; w++ )
        world[w]->boot(NULL);
    booted = true;
    take_input(data, len);
    for ( unsigned int i = 0; i < MAX_STEPS && in.at < in.len; i++ )
    {
        step();
        if ( world[0]->state() != world[1]->state() )
            violated("the two recorders differ inside");
    }
    prove_sound();
    return 0;
}
