/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe: issue one operation of the recorder, for the cases that run in Dom0.
 * Prints the result as lines "name=value".  On error it prints errno's name to
 * stderr and exits with 1.
 */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <xenctrl.h>
#include <xen/hvm/params.h>
#include <xenforeignmemory.h>

#include <public/flightrec-events.h>

#include "lib/base/uuid.h"
#include "lib/format/packet.h"
#include "lib/xen/hyp.h"
#include "lib/xen/stream.h"

static struct hyp *hyp;

static int fail(const char *name, int rc)
{
    fprintf(stderr, "%s: %s\n", name, strerrorname_np(-rc) ?: "?");
    return 1;
}

static int op(struct xen_flightrec_op *o, const char *name)
{
    int rc = hyp_op(hyp, o);

    return rc ? fail(name, rc) : 0;
}

static uint32_t number(char **arg, int i)
{
    return arg[i] ? strtoul(arg[i], NULL, 0) : 0;
}

static int do_status(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_status };
    const struct xen_flightrec_op_status *s = &o.u.status;

    if ( op(&o, "status") )
        return 1;
    printf("version=%u\nstate=%u\nincarnation=%" PRIu64 "\ngen=%u\n"
           "released=%u\nnr_cpus=%u\ntsc_khz=%u\ntsc_shift=%u\n"
           "mask_busy=%#x\nmask_rare=%#x\ncauses=%#x\ndeferred=%u\n"
           "given_up=%u\nexpired=%u\nsuppressed=%u\nbytes_per_cpu=%u\n"
           "wake_every=%u\nwakes=%u\n",
           s->version, s->state, s->incarnation, s->gen, s->released,
           s->nr_cpus, s->tsc_khz, s->tsc_shift, s->mask[0], s->mask[1],
           s->causes, s->deferred, s->given_up, s->expired, s->suppressed,
           s->bytes_per_cpu, s->wake_every, s->wakes);
    return 0;
}

static int do_create(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_create };

    o.u.create.bytes_per_cpu = number(arg, 0);
    o.u.create.slot_bytes = arg[0] ? number(arg, 1) : 0;
    o.u.create.spares = arg[0] && arg[1] ? number(arg, 2) : 0;
    return op(&o, "create");
}

static int simple(uint32_t cmd, const char *name)
{
    struct xen_flightrec_op o = { .cmd = cmd };

    return op(&o, name);
}

static int do_destroy(char **arg)
{
    return simple(XEN_FLIGHTREC_OP_destroy, "destroy");
}

static int do_start(char **arg)
{
    return simple(XEN_FLIGHTREC_OP_start, "start");
}

static int do_stop(char **arg)
{
    return simple(XEN_FLIGHTREC_OP_stop, "stop");
}

static int do_freeze(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_freeze };

    o.u.freeze.reason = number(arg, 0);
    if ( op(&o, "freeze") )
        return 1;
    printf("gen=%u\n", o.u.freeze.gen);
    return 0;
}

/*
 * Repeat the operation until all pCPUs are quiescent.  Return the last answer in
 * @out, with waited_ns summed over all answers.
 */
static int quiesce(uint32_t gen, struct xen_flightrec_op_quiesce *out,
                   unsigned int *tries)
{
    struct xen_flightrec_op o;
    uint64_t waited = 0;

    for ( *tries = 1; *tries <= 5000; ++*tries )
    {
        memset(&o, 0, sizeof(o));
        o.cmd = XEN_FLIGHTREC_OP_quiesce;
        o.u.quiesce.gen = gen;
        if ( op(&o, "quiesce") )
            return 1;
        waited += o.u.quiesce.waited_ns;
        if ( !o.u.quiesce.pending )
            break;
    }
    *out = o.u.quiesce;
    out->waited_ns = waited;
    return 0;
}

static int do_quiesce(char **arg)
{
    struct xen_flightrec_op_quiesce q;
    unsigned int tries;

    if ( quiesce(number(arg, 0), &q, &tries) )
        return 1;
    printf("pending=%u\nfirst=%u\ntries=%u\nwaited_ns=%" PRIu64 "\n",
           q.pending, q.first, tries, (uint64_t)q.waited_ns);
    return !!q.pending;
}

static int with_gen(uint32_t cmd, const char *name, char **arg)
{
    struct xen_flightrec_op o = { .cmd = cmd };

    o.u.gen.gen = number(arg, 0);
    return op(&o, name);
}

static int do_ack(char **arg)
{
    return with_gen(XEN_FLIGHTREC_OP_ack, "ack", arg);
}

static int do_release(char **arg)
{
    return with_gen(XEN_FLIGHTREC_OP_release, "release", arg);
}

static int do_trigger(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_trigger };
    const struct xen_flightrec_trigger *t = &o.u.trigger;
    char uuid[UUID_TEXT_BYTES];

    o.u.trigger.gen = number(arg, 0);
    if ( op(&o, "trigger") )
        return 1;
    printf("gen=%u\ncause=%u\nflags=%u\ncpu=%u\ndomid=%u\nvcpu=%u\nreason=%u\n"
           "tsc=%" PRIu64 "\nns=%" PRIu64 "\nrip=%#" PRIx64 "\nhandle=%s\n",
           t->gen, t->cause, t->flags, t->cpu, t->domid, t->vcpu, t->reason,
           t->tsc, t->ns, t->rip, uuid_to_text(t->handle, uuid));
    return 0;
}

static int do_mask(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_mask };

    o.u.mask.channel = number(arg, 0);
    o.u.mask.mask = number(arg, 1);
    return op(&o, "mask");
}

static int do_causes(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_causes };

    o.u.causes.causes = number(arg, 0);
    return op(&o, "causes");
}

static int do_clock(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_clock };

    if ( op(&o, "clock") )
        return 1;
    printf("tsc=%" PRIu64 "\nns=%" PRIu64 "\nwall=%" PRIu64 ".%09u\n",
           o.u.clock.tsc, o.u.clock.ns, o.u.clock.wall_sec,
           o.u.clock.wall_nsec);
    return 0;
}

static int get_cpu(uint32_t cpu, uint32_t channel,
                   struct xen_flightrec_op_cpu *out)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_cpu };
    int rc;

    o.u.cpu.cpu = cpu;
    o.u.cpu.channel = channel;
    rc = hyp_op(hyp, &o);
    *out = o.u.cpu;
    return rc;
}

static int do_cpu(char **arg)
{
    struct xen_flightrec_op_cpu c;
    int rc = get_cpu(number(arg, 0), number(arg, 1), &c);

    if ( rc )
        return fail("cpu", rc);
    printf("flags=%u\nframes=%u\nemitted=%" PRIu64 "\noverwritten=%" PRIu64
           "\nlost=%" PRIu64 "+%" PRIu64 "+%" PRIu64 "+%" PRIu64
           "\nnewest_seq=%" PRIu64 "\ndone_seq=%" PRIu64
           "\nwritable=%u\nheld=%u\nmsecs=%" PRIu64 "\n",
           c.flags, c.frames, c.emitted, c.overwritten, c.lost[0], c.lost[1],
           c.lost[2], c.lost[3], c.newest_seq, c.done_seq, c.writable, c.held,
           (c.tsc - c.oldest_tsc) / 1000000);
    return 0;
}

/* raw COMMAND WORD...: issue an operation with these arguments. */
static int do_raw(char **arg)
{
    struct xen_flightrec_op o = { .cmd = number(arg, 0) };
    uint32_t word;
    unsigned int i;

    for ( i = 0; i < 30 && arg[1] && arg[1 + i]; i++ )
    {
        word = number(arg, 1 + i);
        memcpy(&o.u.pad[i * 4], &word, 4);
    }
    return op(&o, "raw");
}

/* map-rw CPU: try to map a page writable, which Xen must refuse. */
static int do_map_rw(char **arg)
{
    xenforeignmemory_handle *f = xenforeignmemory_open(NULL, 0);
    void *addr = NULL;

    if ( !f )
        return fail("open", -errno);
    if ( !xenforeignmemory_map_resource(f, DOMID_XEN,
                                        XENMEM_resource_flightrec,
                                        number(arg, 0), 0, 1, &addr,
                                        PROT_READ | PROT_WRITE, 0) )
        return fail("map", -errno);
    printf("mapped=rw\n");
    return 0;
}

/* map RESOURCE FIRST FRAMES [SECONDS]: no check against the resource's size. */
static int do_map(char **arg)
{
    xenforeignmemory_handle *f = xenforeignmemory_open(NULL, 0);
    void *addr = NULL;

    if ( !f )
        return fail("open", -errno);
    if ( !xenforeignmemory_map_resource(f, DOMID_XEN,
                                        XENMEM_resource_flightrec,
                                        number(arg, 0), number(arg, 1),
                                        number(arg, 2), &addr, PROT_READ, 0) )
        return fail("map", -errno);
    printf("mapped=ro\n");
    fflush(stdout);
    if ( arg[2] && arg[3] )
        sleep(number(arg, 3));
    return 0;
}

/* Index of an event in the list: its compact id minus XEN_FLIGHTREC_ID_FIRST. */
#define PLACE(name, event, channels, fields, format) PLACE_##name,
enum {
    FR_EVENT_LIST(PLACE)
};

struct sums {
    uint64_t packets, records, bytes, bad, after, first_seq, last_seq, last_tsc;
    uint64_t marks[16];      /* count of our own events, by PLACE_* */
};

/* Add one slot to @s if generation @gen holds it; 0: if it is closed. */
static void sum_slot(const void *slot, uint32_t slot_bytes, uint32_t gen,
                     uint64_t freeze_tsc, struct sums *s)
{
    struct xen_flightrec_packet hdr;
    struct packet_record rec;
    struct packet_iter it;
    struct packet p;
    uint32_t n, id;
    uint64_t last;
    int rc;

    memcpy(&hdr, slot, sizeof(hdr));
    if ( !hdr.seq || (gen && hdr.hold_gen != gen) )
        return;
    rc = packet_parse(slot, slot_bytes, &p);
    if ( rc == -ENODATA && !gen )
        return;
    if ( rc || packet_count(&p, &n, &last) )
    {
        printf("# slot %u: seq %" PRIu64 " used %u records %u hold %u: %d\n",
               hdr.slot, hdr.seq, hdr.used_bytes, hdr.records, hdr.hold_gen,
               rc);
        s->bad++;
        return;
    }
    s->packets++;
    if ( !s->first_seq || hdr.seq < s->first_seq )
        s->first_seq = hdr.seq;
    if ( hdr.seq > s->last_seq )
        s->last_seq = hdr.seq;
    s->records += n;
    s->bytes += p.bytes;
    packet_iter_init(&it, &p);
    while ( packet_next(&it, &rec) > 0 )
    {
        id = rec.id - XEN_FLIGHTREC_ID_FIRST;
        if ( !rec.escaped && id < 16 )
            s->marks[id]++;
        if ( freeze_tsc && rec.tsc > freeze_tsc )
            s->after++;
        if ( rec.tsc > s->last_tsc )
            s->last_tsc = rec.tsc;
    }
}

static int map_cpu(uint32_t cpu, const struct xen_flightrec_cpu **out)
{
    struct xen_flightrec_op_cpu c;
    const void *p;
    int rc = get_cpu(cpu, 0, &c);

    if ( !rc )
        rc = hyp_map(hyp, cpu, c.frames, &p);
    if ( !rc )
        *out = p;
    return rc;
}

static void sum_channel(const struct xen_flightrec_cpu *cpu, unsigned int ch,
                        uint32_t gen, uint64_t freeze_tsc, struct sums *s)
{
    const struct xen_flightrec_channel *c = &cpu->ch[ch];
    const char *first = (const char *)cpu + c->first_frame * 4096UL;
    uint32_t i;

    memset(s, 0, sizeof(*s));
    for ( i = 0; i < c->slots; i++ )
        sum_slot(first + (size_t)i * c->slot_bytes, c->slot_bytes, gen,
                 freeze_tsc, s);
}

/* rings CPU: print the content of closed slots, for each channel. */
static int do_rings(char **arg)
{
    const struct xen_flightrec_cpu *cpu;
    struct sums s;
    uint32_t n = number(arg, 0), ch;
    int rc = map_cpu(n, &cpu);

    if ( rc )
        return fail("map", rc);
    if ( cpu->magic != XEN_FLIGHTREC_CPU_MAGIC || cpu->cpu != n )
        return fail("magic", -EBADMSG);
    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        sum_channel(cpu, ch, 0, 0, &s);
        printf("cpu=%u channel=%u slots=%u slot_bytes=%u spares=%u packets=%"
               PRIu64 " records=%" PRIu64 " bytes=%" PRIu64 " start_marks=%"
               PRIu64 "\n", n, ch, cpu->ch[ch].slots, cpu->ch[ch].slot_bytes,
               cpu->ch[ch].spares, s.packets, s.records, s.bytes, s.marks[PLACE_FR_START]);
    }
    return 0;
}

/* Print the account of one ring.  Return nonzero if its packets disagree. */
static int audit_ring(const struct xen_flightrec_cpu *cpu, unsigned int ch,
                      uint32_t gen, uint64_t freeze_tsc)
{
    struct xen_flightrec_audit a = cpu->audit[gen % XEN_FLIGHTREC_MAX_HELD][ch];
    uint64_t lost = a.lost[0] + a.lost[1] + a.lost[2] + a.lost[3];
    uint64_t sum = a.held + a.held_earlier + a.sacrificed + a.overwritten + lost;
    struct sums s;
    int wrong;

    sum_channel(cpu, ch, gen, freeze_tsc, &s);
    wrong = a.gen != gen || a.emitted - a.late != sum ||
            s.records != a.held || s.packets != a.slots || s.bad;
    printf("%s cpu=%u channel=%u emitted=%" PRIu64 " late=%" PRId64 " held=%"
           PRIu64 " held_earlier=%" PRIu64 " sacrificed=%" PRIu64
           " overwritten=%" PRIu64 " lost=%" PRIu64 " packets=%" PRIu64
           " records=%" PRIu64 " bytes=%" PRIu64 " after_freeze=%" PRIu64
           " crash_marks=%" PRIu64 " gaps=%" PRIu64 "\n", wrong ? "WRONG" : "right",
           cpu->cpu, ch, a.emitted, (int64_t)a.late, a.held, a.held_earlier,
           a.sacrificed, a.overwritten, lost, s.packets, s.records, s.bytes,
           s.after, s.marks[PLACE_FR_DOMAIN_CRASH],
           s.packets ? s.last_seq - s.first_seq + 1 - s.packets : 0);
    return wrong;
}

/* audit GEN: check all rings.  The generation must be quiescent. */
static int do_audit(char **arg)
{
    struct xen_flightrec_op st = { .cmd = XEN_FLIGHTREC_OP_status };
    struct xen_flightrec_op t = { .cmd = XEN_FLIGHTREC_OP_trigger };
    const struct xen_flightrec_cpu *cpu;
    uint32_t gen = number(arg, 0), n, ch;
    int wrong = 0, rc;

    t.u.trigger.gen = gen;
    if ( op(&st, "status") || op(&t, "trigger") )
        return 1;
    for ( n = 0; n < st.u.status.nr_cpus; n++ )
    {
        rc = map_cpu(n, &cpu);
        if ( rc == -ENODEV )
            continue;
        if ( rc )
            return fail("map", rc);
        for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
            wrong |= audit_ring(cpu, ch, gen,
                                n == t.u.trigger.cpu ? t.u.trigger.tsc : 0);
    }
    return wrong;
}

/* Search of `find`, and the number of records found. */
struct wanted {
    const struct xen_flightrec_info *info;
    uint32_t gen, channel, event;
    bool by_word;
    uint32_t word;           /* first word of the payload */
    uint64_t count;
};

static bool is_wanted(const struct wanted *w, const struct packet_record *rec)
{
    uint32_t event = rec->escaped ? rec->event : w->info->event[rec->id];

    return event == w->event &&
           (!w->by_word || (rec->words && rec->data[0] == w->word));
}

static void find_in_slot(const void *slot, uint32_t slot_bytes,
                         struct wanted *w)
{
    struct packet_record rec;
    struct packet_iter it;
    struct packet p;

    if ( packet_parse(slot, slot_bytes, &p) || p.hdr.hold_gen != w->gen )
        return;
    packet_iter_init(&it, &p);
    while ( packet_next(&it, &rec) > 0 )
        w->count += is_wanted(w, &rec);
}

/* find GEN CHANNEL EVENT [WORD]: count records that GEN holds, on all pCPUs. */
static int do_find(char **arg)
{
    struct xen_flightrec_op st = { .cmd = XEN_FLIGHTREC_OP_status };
    struct wanted w = { .gen = number(arg, 0) };
    const struct xen_flightrec_cpu *cpu;
    const void *info;
    int rc;

    w.channel = w.gen ? number(arg, 1) : XEN_FLIGHTREC_CHANNELS;
    if ( w.channel >= XEN_FLIGHTREC_CHANNELS || !arg[2] )
        return fail("find", -EINVAL);
    w.event = number(arg, 2);
    w.by_word = arg[3];
    w.word = number(arg, 3);
    rc = hyp_map(hyp, XEN_FLIGHTREC_RES_INFO, 1, &info);
    if ( rc || op(&st, "status") )
        return fail("find", rc);
    w.info = info;
    for ( uint32_t n = 0; n < st.u.status.nr_cpus; n++ )
    {
        rc = map_cpu(n, &cpu);
        if ( rc == -ENODEV )
            continue;
        if ( rc )
            return fail("map", rc);
        for ( uint32_t i = 0; i < cpu->ch[w.channel].slots; i++ )
            find_in_slot((const char *)cpu +
                         cpu->ch[w.channel].first_frame * 4096UL +
                         (size_t)i * cpu->ch[w.channel].slot_bytes,
                         cpu->ch[w.channel].slot_bytes, &w);
    }
    printf("count=%" PRIu64 "\n", w.count);
    return 0;
}

static int wait_virq(enum hyp_virq which, char **arg)
{
    struct pollfd p = { .events = POLLIN };
    FILE *ready;
    int rc = hyp_virq_bind(hyp, which, &p.fd);

    if ( rc )
        return fail("virq", rc);
    ready = fopen(arg[1], "w");
    if ( !ready )
        return fail("ready file", -errno);
    fclose(ready);
    if ( poll(&p, 1, number(arg, 0) * 1000) != 1 )
        return fail("virq", -ETIMEDOUT);
    rc = hyp_virq_ack(hyp, which);
    return rc ? fail("virq ack", rc) : 0;
}

/* virq SECONDS FILE: bind the trigger's VIRQ, make FILE, wait. */
static int do_virq(char **arg)
{
    return wait_virq(HYP_VIRQ_TRIGGER, arg);
}

/* wake SECONDS FILE: the same for the VIRQ of a stream reader. */
static int do_wake(char **arg)
{
    return wait_virq(HYP_VIRQ_WAKE, arg);
}

/* arm EVERY: issue a wake operation, and do not read. */
static int do_arm(char **arg)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_wake };

    o.u.wake.every = number(arg, 0);
    return op(&o, "wake");
}

/* Arm, read all available packets, and wait for the next VIRQ. */
static int follow_once(struct stream_reader *s, unsigned int *packets,
                       uint64_t *records, unsigned int *wrong)
{
    struct pollfd fd = { .fd = stream_fd(s), .events = POLLIN };
    struct stream_packet sp;
    struct packet p;
    uint64_t last;
    uint32_t n;
    int rc = stream_arm(s);

    while ( !rc && stream_next(s, &sp) )
    {
        ++*packets;
        if ( packet_parse(sp.data, sp.bytes, &p) ||
             packet_count(&p, &n, &last) )
            ++*wrong;
        else
            *records += n;
    }
    if ( rc )
        return rc;
    if ( poll(&fd, 1, 600000) != 1 )
        return -ETIMEDOUT;
    return stream_woken(s);
}

/* follow WAKES EVERY: read the rings as they fill, until woken WAKES times. */
static int do_follow(char **arg)
{
    struct stream_reader *s;
    struct rings_error why;
    unsigned int packets = 0, wrong = 0;
    uint32_t wakes = number(arg, 0), i;
    uint64_t records = 0;
    int rc = stream_open(hyp, number(arg, 1), STREAM_NEWEST, &s, &why);

    if ( rc )
        return fail("follow", rc);
    for ( i = 0; !rc && i < wakes; i++ )
        rc = follow_once(s, &packets, &records, &wrong);
    printf("packets=%u\nrecords=%" PRIu64 "\nwrong=%u\nmissed=%" PRIu64 "\n",
           packets, records, wrong, stream_missed(s));
    stream_close(s);
    return rc ? fail("follow", rc) : !!wrong;
}

static uint64_t emitted_by(uint32_t cpu)
{
    struct xen_flightrec_op_cpu c;

    return get_cpu(cpu, 0, &c) ? 0 : c.emitted;
}

/*
 * Wait until a pCPU records.  Return 0, -ENODATA if its count is below @before
 * (its history was lost), or -ETIMEDOUT.
 */
static int records_again(uint32_t cpu, uint64_t before)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    unsigned int tries;

    if ( emitted_by(cpu) < before )
        return -ENODATA;
    for ( tries = 0; tries < 20000; tries++ )
    {
        if ( emitted_by(cpu) > before )
            return 0;
        nanosleep(&pause, NULL);
    }
    return -ETIMEDOUT;
}

/* Retry while Xen reports EBUSY: another hotplug operation is in progress. */
static int plug(xc_interface *xc, uint32_t cpu,
                int (*fn)(xc_interface *xch, int cpu))
{
    const struct timespec pause = { .tv_nsec = 20000000 };
    unsigned int tries;

    for ( tries = 0; fn(xc, cpu); tries++ )
    {
        if ( errno != EBUSY || tries == 5000 )
            return -errno;
        nanosleep(&pause, NULL);
    }
    return 0;
}

/* plug CPU N: take it offline and online, N times. */
static int do_plug(char **arg)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    uint32_t cpu = number(arg, 0), n = number(arg, 1), i;
    struct xen_flightrec_op_cpu c;
    int rc = xc ? 0 : -errno;

    for ( i = 0; !rc && i < n; i++ )
    {
        rc = plug(xc, cpu, xc_cpu_offline);
        if ( !rc )
            rc = get_cpu(cpu, 0, &c);
        if ( !rc && (c.flags & XEN_FLIGHTREC_CPU_ONLINE) )
            rc = -EISCONN;
        if ( !rc )
            rc = plug(xc, cpu, xc_cpu_online);
        if ( !rc )
            rc = records_again(cpu, c.emitted);
    }
    printf("cycles=%u\n", i - !!rc);
    return rc ? fail("plug", rc) : 0;
}

/* once CMD FIRST: an operation by one hypercall, which must complete. */
static int do_once(char **arg)
{
    struct xen_flightrec_op o = { .cmd = number(arg, 0) };
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    struct xen_sysctl sysctl;
    uint32_t first = number(arg, 1);

    memcpy(&o.u, &first, sizeof(first));
    memset(&sysctl, 0, sizeof(sysctl));
    sysctl.cmd = XEN_SYSCTL_tbuf_op;
    memcpy(&sysctl.u, &o, sizeof(o));
    if ( !xc || xc_sysctl(xc, &sysctl) )
        return fail("once", -errno);
    return 0;
}

/* Give a paused HVM or PVH guest the Viridian crash MSRs. */
static int do_viridian(char **arg)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);

    if ( !xc || xc_hvm_param_set(xc, number(arg, 0), HVM_PARAM_VIRIDIAN,
                                 HVMPV_base_freq | HVMPV_crash_ctl) )
        return fail("viridian", -errno);
    return 0;
}

/* unpause DOMID: without the toolstack, so that xenstored is not needed. */
static int do_unpause(char **arg)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);

    if ( !xc || xc_domain_unpause(xc, number(arg, 0)) )
        return fail("unpause", -errno);
    return 0;
}

/* domain HANDLE: print a domain's state.  HANDLE: 32 hex digits, '-' is ignored. */
static int do_domain(char **arg)
{
    struct hyp_domain *list;
    char text[33] = "", want[33] = "";
    unsigned int nr, i, n = 0;
    const char *c;
    int rc = hyp_domains(hyp, &list, &nr);

    if ( rc )
        return fail("domains", rc);
    for ( c = arg[0]; c && *c && n < 32; c++ )
        if ( *c != '-' )
            want[n++] = *c;
    while ( nr-- )
    {
        for ( i = 0; i < 16; i++ )
            sprintf(text + 2 * i, "%02x", list[nr].handle[i]);
        if ( strcmp(text, want) )
            continue;
        printf("domid=%u\nshutdown=%u\nreason=%u\n", list[nr].domid,
               list[nr].shutdown, list[nr].reason);
        return 0;
    }
    return fail("domain", -ENOENT);
}

#define ROUNDS 15            /* odd, so there is a median */

/* Measurements in ascending order. */
struct times {
    double v[ROUNDS];
    unsigned int n;
};

static void add_time(struct times *t, double v)
{
    unsigned int i;

    for ( i = t->n++; i && t->v[i - 1] > v; i-- )
        t->v[i] = t->v[i - 1];
    t->v[i] = v;
}

static void print_times(const char *name, const struct times *t)
{
    printf("%s=%.1f min=%.1f max=%.1f\n", name, t->v[t->n / 2], t->v[0],
           t->v[t->n - 1]);
}

/* bench WORDS: print TSC ticks per record, and the number of active sinks. */
static int do_bench(char **arg)
{
    struct times cost = { .n = 0 }, floor = { .n = 0 };
    const double records = 1024;
    struct xen_flightrec_op o;
    unsigned int i;

    for ( i = 0; i < ROUNDS; i++ )
    {
        memset(&o, 0, sizeof(o));
        o.cmd = XEN_FLIGHTREC_OP_bench;
        o.u.bench.records = records;
        o.u.bench.words = number(arg, 0);
        if ( op(&o, "bench") )
            return 1;
        add_time(&cost, o.u.bench.cycles / records);
        add_time(&floor, o.u.bench.floor / records);
    }
    printf("sinks=%u\nrecorded=%" PRIu64 "\n", o.u.bench.sinks,
           (uint64_t)o.u.bench.recorded);
    print_times("ticks", &cost);
    print_times("floor", &floor);
    return 0;
}

#define FREEZE_CPUS 4

/*
 * A pCPU's times relative to the trigger, in ns: when it adopted the generation,
 * and its last record in it.
 */
struct freeze_times {
    const struct xen_flightrec_cpu *cpu;
    struct times adopted, last;
};

static int time_cpu(struct freeze_times *f, double tick_ns,
                    const struct xen_flightrec_trigger *t)
{
    const struct xen_flightrec_audit *a =
        &f->cpu->audit[t->gen % XEN_FLIGHTREC_MAX_HELD][XEN_FLIGHTREC_CH_BUSY];
    struct sums s;

    sum_channel(f->cpu, XEN_FLIGHTREC_CH_BUSY, t->gen, 0, &s);
    if ( a->gen != t->gen || !s.records || s.bad )
        return fail("held records", -ENODATA);
    add_time(&f->adopted, (int64_t)(a->tsc - t->tsc) * tick_ns);
    add_time(&f->last, (int64_t)(s.last_tsc - t->tsc) * tick_ns);
    return 0;
}

static int time_freeze(struct freeze_times *f, unsigned int nr, double tick_ns,
                       struct times *took)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_freeze };
    struct xen_flightrec_op t = { .cmd = XEN_FLIGHTREC_OP_trigger };
    struct xen_flightrec_op r = { .cmd = XEN_FLIGHTREC_OP_release };
    struct xen_flightrec_op_quiesce q;
    uint64_t start = __rdtsc();
    unsigned int i, tries;

    if ( op(&o, "freeze") )
        return 1;
    add_time(took, (__rdtsc() - start) * tick_ns);
    t.u.trigger.gen = r.u.gen.gen = o.u.freeze.gen;
    if ( op(&t, "trigger") || quiesce(o.u.freeze.gen, &q, &tries) )
        return 1;
    if ( q.pending )
        return fail("quiesce", -ETIMEDOUT);
    for ( i = 0; i < nr; i++ )
        if ( time_cpu(&f[i], tick_ns, &t.u.trigger) )
            return 1;
    return op(&r, "release");
}

/* freezes: time ROUNDS freezes, in ns; each is released before the next. */
static int do_freezes(char **arg)
{
    struct xen_flightrec_op st = { .cmd = XEN_FLIGHTREC_OP_status };
    struct freeze_times f[FREEZE_CPUS] = { { NULL } };
    const struct timespec pause = { .tv_nsec = 20000000 };
    struct times took = { .n = 0 };
    unsigned int nr, i;
    int rc = 0;

    if ( op(&st, "status") )
        return 1;
    nr = st.u.status.nr_cpus < FREEZE_CPUS ? st.u.status.nr_cpus : FREEZE_CPUS;
    for ( i = 0; !rc && i < nr; i++ )
        rc = map_cpu(i, &f[i].cpu);
    if ( rc )
        return fail("map", rc);
    for ( i = 0; i < ROUNDS; i++ )
    {
        if ( time_freeze(f, nr, 1e6 / st.u.status.tsc_khz, &took) )
            return 1;
        nanosleep(&pause, NULL); /* let the pCPUs record */
    }
    print_times("operation", &took);
    for ( i = 0; i < nr; i++ )
    {
        printf("cpu=%u\n", i);
        print_times("adopted", &f[i].adopted);
        print_times("last", &f[i].last);
    }
    return 0;
}

/* tbuf on MASK | off: switch Xen's own trace buffers; there is no reader. */
static int do_tbuf(char **arg)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    unsigned long mfn, bytes;

    if ( !xc || !arg[0] )
        return fail("tbuf", -EINVAL);
    if ( !strcmp(arg[0], "off") )
        return xc_tbuf_disable(xc) ? fail("tbuf off", -errno) : 0;
    if ( xc_tbuf_enable(xc, 256, &mfn, &bytes) ||
         xc_tbuf_set_evt_mask(xc, number(arg, 1)) )
        return fail("tbuf on", -errno);
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(char **arg);
} command[] = {
    { "status", do_status }, { "create", do_create },
    { "destroy", do_destroy }, { "start", do_start }, { "stop", do_stop },
    { "freeze", do_freeze }, { "quiesce", do_quiesce }, { "ack", do_ack },
    { "release", do_release }, { "trigger", do_trigger }, { "mask", do_mask },
    { "causes", do_causes }, { "clock", do_clock }, { "cpu", do_cpu },
    { "raw", do_raw }, { "map", do_map }, { "map-rw", do_map_rw },
    { "rings", do_rings }, { "audit", do_audit }, { "virq", do_virq },
    { "wake", do_wake }, { "arm", do_arm },
    { "bench", do_bench }, { "tbuf", do_tbuf }, { "freezes", do_freezes },
    { "follow", do_follow },
    { "unpause", do_unpause }, { "domain", do_domain }, { "find", do_find },
    { "plug", do_plug }, { "viridian", do_viridian },
    { "once", do_once },
};

int main(int argc, char **argv)
{
    unsigned int i;
    int rc;

    for ( i = 0; argc > 1 && i < sizeof(command) / sizeof(command[0]); i++ )
    {
        if ( strcmp(argv[1], command[i].name) )
            continue;
        rc = hyp_open(NULL, &hyp);
        return rc ? fail("open", rc) : command[i].run(argv + 2);
    }

    fprintf(stderr, "usage: probe OPERATION [ARGUMENT]...\n");
    return 2;
}
