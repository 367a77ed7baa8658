/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * frhost.c: play Xen for the hosted tier.  The recorder's real core writes to
 * files that the daemon maps; a thread plays each pCPU.  Operations are served
 * on DIR/ops, see lib/xen/hyp-hosted.h.
 *
 *   frhost DIR CPUS [BYTES_PER_CPU]
 *
 * Commands come on stdin, one in a line; each is answered on stdout with "ok
 * NUMBER" or "error NUMBER":
 *
 *   domain DOMID HANDLE VCPUS  start a domain (HANDLE: 32 hex digits)
 *   crash DOMID CPU [REASON]   crash it on that pCPU; Xen triggers
 *   gone DOMID                 remove it
 *   trigger DOMID CPU          as crash, but without the VIRQ and without a
 *                              change of the domain's state
 *   fill CPU N                 write N records at once
 *   hang CPU / run CPU         stop the pCPU (it does not even adopt) / go on
 *   pause / resume             stop / start the records each pCPU writes itself
 *   recreate                   make new buffers
 *   mapped FRAMES              frames in use, which prevent a destroy
 *   deny ERRNO                 fail all operations with it; 0: stop failing
 *   quiesce MS                 time that a quiesce operation waits
 *   held                       return the number of held generations
 *   asked                      return the operations since the last time, a bit
 *                              for each
 *   kill before / kill after   kill the next client that releases, before or
 *                              after the release
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xen/flightrec-platform.h>

#include "lib/xen/hyp-hosted.h"
#include "ring.h"

#define MAX_CPUS         1024
#define CLIENTS          16
#define QUIESCE_MS       2
/* Of a pCPU if there are few: the threads of many must not take all time. */
#define WRITE_EVERY_NS   500000
#define MANY_CPUS        16
#define DOMID_INVALID    0x7ff4
#define SHUTDOWN_CRASH   3
#define OTHER_OP         62      /* the bit of unknown operations */

/* Events as Xen's trace points emit them. */
#define EV_RUNSTATE      0x00021001U /* SCHED_RUNSTATE_CHANGE */
#define EV_TO_RUNNING    0x00021101U /* ..., runnable to running */
#define EV_TO_BLOCKED    0x00021021U /* ..., running to blocked */
#define EV_HYPERCALL     0x0020100dU /* PV_HYPERCALL_V2 */
#define EV_SHUTDOWN_CODE 0x00028010U /* SCHED_SHUTDOWN_CODE */
#define EV_FR_CRASH      0x0001f108U /* FR_DOMAIN_CRASH */

struct crash {
    uint16_t domid;
    uint8_t cause, reason;
    bool quiet;            /* no VIRQ */
};

struct cpu {
    struct fr_cpu *fr;
    pthread_t thread;
    unsigned int nr;
    /* Under `lock`. */
    bool adopt, hang, stop;
    unsigned int fill;
    const struct crash *crash;
    uint32_t gen;          /* begun by its crash */
};

static struct host {
    int dir, ops, virq, reader, evt;
    unsigned int nr_cpus, bytes;
    uint64_t incarnation;
    struct xen_flightrec_op_create how;
    bool created, running, paused;
    unsigned int mapped;
    int deny;
    char kill;             /* client, 'b'efore or 'a'fter its release */
    unsigned int quiesce_ms;
    struct fr_geometry geo[XEN_FLIGHTREC_CHANNELS];
    struct cpu cpu[MAX_CPUS];
    struct hosted_domain *doms;
    uint32_t given_up, deferred, causes, wakes;
    unsigned long asked;   /* a bit for each requested operation */
    pthread_mutex_t lock;
    pthread_cond_t wake;   /* work for a pCPU */
    pthread_cond_t done;   /* a pCPU finished */
} host = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .wake = PTHREAD_COND_INITIALIZER,
           .done = PTHREAD_COND_INITIALIZER,
           .running = true, .causes = ~0U, .quiesce_ms = QUIESCE_MS };

static uint32_t tsc_khz;

static void __attribute__((__noreturn__)) die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* For pthread_cond_timedwait(). */
static struct timespec in_ns(uint64_t ns)
{
    uint64_t t = now_ns(CLOCK_REALTIME) + ns;

    return (struct timespec){ .tv_sec = t / 1000000000,
                              .tv_nsec = t % 1000000000 };
}

static void *map_new(const char *name, size_t bytes)
{
    void *p;
    int fd;

    unlinkat(host.dir, name, 0);
    fd = openat(host.dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if ( fd < 0 || ftruncate(fd, bytes) )
        die(name);
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if ( p == MAP_FAILED )
        die(name);
    close(fd);
    return p;
}

/*
 * The threads of the pCPUs.
 */

static void write_runstate(uint32_t event, unsigned int i)
{
    const uint32_t data[2] = { fr_hosted_domid << 16 | fr_hosted_vcpu, i };

    fr_trace(event, data, sizeof(data));
}

static void raise_virq(void)
{
    if ( write(host.virq, "!", 1) != 1 && errno != EAGAIN )
        die("virq");
}

/* Wake the reader of the rings if a slot it asked for was opened. */
static void wake_reader(void)
{
    if ( !fr_wake_take() )
        return;
    __atomic_add_fetch(&host.wakes, 1, __ATOMIC_RELAXED);
    if ( write(host.reader, "!", 1) != 1 && errno != EAGAIN )
        die("wake");
}

/* Callers must hold the lock: freezes are serialised, as in Xen. */
static uint32_t freeze(struct xen_flightrec_trigger *t)
{
    bool gave_up;

    t->ns = now_ns(CLOCK_MONOTONIC);
    if ( fr_freeze(t, &gave_up) )
    {
        host.deferred++;
        return 0;
    }
    host.given_up += gave_up;
    return t->gen;
}

/* The records of a PV guest's panic: hypercall, code, Xen's mark. */
static void do_crash(struct cpu *c)
{
    const struct crash *k = c->crash;
    const uint32_t call[3] = { 29 | 1U << 20, 2, k->reason };
    const uint32_t code[3] = { k->domid, 0, k->reason };
    const uint32_t mark[5] = { k->domid << 16, k->cause, k->reason };
    struct xen_flightrec_trigger t = {
        .cause = k->cause, .cpu = c->nr, .domid = k->domid,
        .reason = k->reason,
    };

    fr_hosted_domid = k->domid;
    memcpy(t.handle, host.doms[k->domid].handle, sizeof(t.handle));
    write_runstate(EV_TO_RUNNING, 0);
    fr_trace(EV_HYPERCALL, call, sizeof(call));
    fr_trace(EV_SHUTDOWN_CODE, code, sizeof(code));
    fr_trace(EV_FR_CRASH, mark, sizeof(mark));
    c->gen = freeze(&t);
    if ( c->gen && !k->quiet )
        raise_virq();
    write_runstate(EV_TO_BLOCKED, 0);
    fr_hosted_domid = 0;
}

/* One turn.  Callers must hold the lock; it is dropped while waiting. */
static void cpu_turn(struct cpu *c, unsigned int turn)
{
    struct timespec until;

    if ( c->hang )
    {
        pthread_cond_wait(&host.wake, &host.lock);
        return;
    }
    if ( c->crash )
    {
        do_crash(c);
        c->crash = NULL;
    }
    for ( ; c->fill; c->fill-- )
        write_runstate(EV_RUNSTATE, c->fill);
    if ( c->adopt )
        c->adopt = !fr_adopt(c->fr);
    if ( host.running && !host.paused )
        write_runstate(EV_RUNSTATE, turn);
    pthread_cond_broadcast(&host.done);
    if ( host.paused )
    {
        pthread_cond_wait(&host.wake, &host.lock);
        return;
    }
    until = in_ns(WRITE_EVERY_NS *
                  (host.nr_cpus > MANY_CPUS ? host.nr_cpus : 1));
    pthread_cond_timedwait(&host.wake, &host.lock, &until);
}

static void *cpu_main(void *arg)
{
    struct cpu *c = arg;
    unsigned int turn = 0;

    pthread_mutex_lock(&host.lock);
    fr_hosted_cpu = c->fr;
    while ( !c->stop )
        cpu_turn(c, turn++);
    pthread_mutex_unlock(&host.lock);
    return NULL;
}

/*
 * Buffers.
 */

struct slot_arg {
    char *base;
};

static uint32_t *slot_memory(void *arg, unsigned int channel,
                             unsigned int index)
{
    struct slot_arg *a = arg;
    const struct fr_geometry *g = &host.geo[channel];

    return (uint32_t *)(a->base + (size_t)g->first_frame * HOSTED_FRAME +
                        (size_t)g->slot_bytes * index);
}

static uint32_t geometry(void)
{
    uint32_t frames = 1, ch;

    if ( fr_geometry(host.bytes, host.how.slot_bytes, host.how.spares,
                     host.geo) )
        die("geometry");
    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        host.geo[ch].first_frame = frames;
        frames += host.geo[ch].slots * host.geo[ch].slot_bytes / HOSTED_FRAME;
    }
    return frames;
}

static void make_info(void)
{
    struct xen_flightrec_info *info = map_new("info", HOSTED_FRAME);

    info->magic = XEN_FLIGHTREC_INFO_MAGIC;
    info->version = XEN_FLIGHTREC_VERSION;
    info->bytes = sizeof(*info);
    info->incarnation = host.incarnation;
    info->tsc_khz = tsc_khz;
    info->tsc_shift = fr_tsc_shift();
    info->nr_cpus = host.nr_cpus;
    info->nr_ids = fr_events(info->event);
}

static void make_cpus(void)
{
    uint32_t frames = geometry();
    struct slot_arg a;
    char name[32];
    unsigned int i;
    struct cpu *c;

    host.incarnation++;
    host.created = true;
    make_info();
    for ( i = 0; i < host.nr_cpus; i++ )
    {
        c = &host.cpu[i];
        *c = (struct cpu){ .nr = i };
        c->fr = aligned_alloc(FR_CACHELINE, sizeof(*c->fr));
        if ( !c->fr )
            die("memory");
        snprintf(name, sizeof(name), "cpu.%u", i);
        a.base = map_new(name, (size_t)frames * HOSTED_FRAME);
        fr_cpu_init(c->fr, i, host.incarnation, host.geo, (void *)a.base,
                    slot_memory, &a);
        if ( pthread_create(&c->thread, NULL, cpu_main, c) )
            die("thread");
    }
}

/* Callers must hold the lock.  Clients keep their mappings of old files. */
static void end_cpus(void)
{
    unsigned int i;
    uint32_t gen, released;

    for ( i = 0; i < host.nr_cpus; i++ )
        host.cpu[i].stop = true;
    pthread_cond_broadcast(&host.wake);
    pthread_mutex_unlock(&host.lock);
    for ( i = 0; i < host.nr_cpus; i++ )
        pthread_join(host.cpu[i].thread, NULL);
    pthread_mutex_lock(&host.lock);
    fr_generations(&gen, &released);
    while ( released != gen )
        fr_release(++released);
    host.created = false;
}

static void recreate(void)
{
    if ( host.created )
        end_cpus();
    make_cpus();
    wake_reader();
}

/* Measure the TSC against the clock for 20 ms. */
static uint32_t measure_tsc_khz(void)
{
    const struct timespec wait = { 0, 20000000 };
    uint64_t t0 = fr_clock(), n0 = now_ns(CLOCK_MONOTONIC);

    nanosleep(&wait, NULL);
    return (fr_clock() - t0) * 1000000 / (now_ns(CLOCK_MONOTONIC) - n0);
}

/*
 * Operations.  Callers must hold the lock.
 */

static void op_status(struct xen_flightrec_op_status *s)
{
    memset(s, 0, sizeof(*s));
    s->version = XEN_FLIGHTREC_VERSION;
    s->state = (host.created ? XEN_FLIGHTREC_ST_CREATED : 0) |
               (host.running ? XEN_FLIGHTREC_ST_RUNNING : 0);
    s->incarnation = host.incarnation;
    fr_generations(&s->gen, &s->released);
    s->nr_cpus = host.nr_cpus;
    s->tsc_khz = tsc_khz;
    s->tsc_shift = fr_tsc_shift();
    s->mask[0] = fr_get_mask(0);
    s->mask[1] = fr_get_mask(1);
    s->causes = host.causes;
    s->given_up = host.given_up;
    s->deferred = host.deferred;
    s->bytes_per_cpu = host.created ? host.bytes : 0;
    s->slot_bytes = host.geo[XEN_FLIGHTREC_CH_BUSY].slot_bytes;
    s->spares = host.geo[XEN_FLIGHTREC_CH_BUSY].spares;
    s->wake_every = fr_read(fr_wake_every);
    s->wakes = host.wakes;
}

static int op_freeze(struct xen_flightrec_op_freeze *f)
{
    struct xen_flightrec_trigger t = {
        .cause = XEN_FLIGHTREC_CAUSE_REQUEST, .cpu = XEN_FLIGHTREC_NO_CPU,
        .domid = DOMID_INVALID, .vcpu = 0xffff, .reason = f->reason,
    };

    if ( !host.created )
        return -ENODEV;
    f->gen = freeze(&t);
    if ( f->gen )
        raise_virq();
    return f->gen ? 0 : -EBUSY;
}

static unsigned int count_pending(uint32_t gen, uint32_t *first)
{
    unsigned int i, n = 0;

    for ( i = host.nr_cpus; i--; )
        if ( !fr_quiescent(host.cpu[i].fr, gen) )
        {
            n++;
            *first = i;
        }
    return n;
}

static int op_quiesce(struct xen_flightrec_op_quiesce *q)
{
    uint64_t start = now_ns(CLOCK_MONOTONIC);
    struct xen_flightrec_trigger t;
    struct timespec until;
    unsigned int i;

    if ( fr_trigger_read(q->gen, &t) )
        return -ENOENT;
    for ( i = 0; i < host.nr_cpus; i++ )
        host.cpu[i].adopt = true;
    pthread_cond_broadcast(&host.wake);
    until = in_ns(host.quiesce_ms * 1000000ULL);
    while ( (q->pending = count_pending(q->gen, &q->first)) )
        if ( pthread_cond_timedwait(&host.done, &host.lock, &until) )
            break;
    q->waited_ns = now_ns(CLOCK_MONOTONIC) - start;
    return 0;
}

static int op_clock(struct xen_flightrec_op_clock *c)
{
    uint64_t wall = now_ns(CLOCK_REALTIME);

    memset(c, 0, sizeof(*c));
    c->wall_sec = wall / 1000000000;
    c->wall_nsec = wall % 1000000000;
    return fr_clock_pair(&c->tsc, &c->ns) ? 0 : -EAGAIN;
}

static int op_cpu(struct xen_flightrec_op_cpu *c)
{
    const struct fr_geometry *g = &host.geo[1];

    if ( !host.created || c->cpu >= host.nr_cpus ||
         c->channel >= XEN_FLIGHTREC_CHANNELS )
        return -ENODEV;
    fr_cpu_counters(host.cpu[c->cpu].fr, c->channel, c);
    c->flags = XEN_FLIGHTREC_CPU_ONLINE;
    c->frames = g->first_frame + g->slots * g->slot_bytes / HOSTED_FRAME;
    c->tsc = fr_clock();
    c->done_seq = fr_done_seq(host.cpu[c->cpu].fr, c->channel);
    return 0;
}

static int op_create(const struct xen_flightrec_op_create *how)
{
    struct fr_geometry geo[XEN_FLIGHTREC_CHANNELS];
    unsigned int bytes = how->bytes_per_cpu ? how->bytes_per_cpu : 1U << 20;

    if ( host.created )
        return memcmp(how, &host.how, sizeof(*how)) ? -EEXIST : 0;
    if ( fr_geometry(bytes, how->slot_bytes, how->spares, geo) )
        return -EINVAL;
    host.how = *how;
    host.bytes = bytes;
    make_cpus();
    return 0;
}

static int op_destroy(void)
{
    if ( host.created && host.mapped )
        return -EBUSY;
    if ( host.created )
    {
        end_cpus();
        wake_reader();
    }
    host.running = false;
    return 0;
}

static int op_start(bool start)
{
    if ( start && !host.created )
        return -ENODEV;
    host.running = start;
    return 0;
}

static int op_mask(struct xen_flightrec_op_mask *m)
{
    switch ( m->how )
    {
    case XEN_FLIGHTREC_MASK_SET:
        return fr_set_mask(m->channel, m->mask);
    case XEN_FLIGHTREC_MASK_NEXT:
        m->event = fr_refused_after(m->channel, m->event);
        return 0;
    default:
        return fr_refuse(m->channel, m->event,
                         m->how == XEN_FLIGHTREC_MASK_REFUSE);
    }
}

/* All mapped frames are of pCPU 1. */
static int op_mapped(struct xen_flightrec_op_mapped *m)
{
    if ( !host.created ||
         (m->id >= host.nr_cpus && m->id != XEN_FLIGHTREC_RES_INFO) )
        return -ENODEV;
    m->frames = m->id == 1 ? host.mapped : 0;
    m->first = m->frames ? 3 : 0;
    return 0;
}

static int serve(struct xen_flightrec_op *o)
{
    const uint32_t nr = o->cmd - XEN_FLIGHTREC_OP_BASE;

    host.asked |= 1UL << (nr < OTHER_OP ? nr : OTHER_OP);
    switch ( o->cmd )
    {
    case XEN_FLIGHTREC_OP_status:
        op_status(&o->u.status);
        return 0;
    case XEN_FLIGHTREC_OP_create:
        return op_create(&o->u.create);
    case XEN_FLIGHTREC_OP_destroy:
        return op_destroy();
    case XEN_FLIGHTREC_OP_start:
    case XEN_FLIGHTREC_OP_stop:
        return op_start(o->cmd == XEN_FLIGHTREC_OP_start);
    case XEN_FLIGHTREC_OP_mask:
        return op_mask(&o->u.mask);
    case XEN_FLIGHTREC_OP_mapped:
        return op_mapped(&o->u.mapped);
    case XEN_FLIGHTREC_OP_freeze:
        return op_freeze(&o->u.freeze);
    case XEN_FLIGHTREC_OP_quiesce:
        return op_quiesce(&o->u.quiesce);
    case XEN_FLIGHTREC_OP_ack:
        return fr_ack(o->u.gen.gen);
    case XEN_FLIGHTREC_OP_release:
        return fr_release(o->u.gen.gen);
    case XEN_FLIGHTREC_OP_trigger:
        return fr_trigger_read(o->u.trigger.gen, &o->u.trigger);
    case XEN_FLIGHTREC_OP_clock:
        return op_clock(&o->u.clock);
    case XEN_FLIGHTREC_OP_cpu:
        return op_cpu(&o->u.cpu);
    case XEN_FLIGHTREC_OP_wake:
        fr_write(fr_wake_every, (uint64_t)o->u.wake.every);
        return 0;
    default:
        return -EINVAL;
    }
}

static void kill_client(int fd)
{
    struct ucred who;
    socklen_t bytes = sizeof(who);

    if ( getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &bytes) )
        die("peer");
    kill(who.pid, SIGKILL);
}

/* Return false if the client has closed its socket. */
static bool serve_client(int fd)
{
    struct hosted_answer a = { 0 };
    char end = 0;

    if ( recv(fd, &a.op, sizeof(a.op), 0) != sizeof(a.op) )
        return false;
    pthread_mutex_lock(&host.lock);
    if ( a.op.cmd == XEN_FLIGHTREC_OP_release )
    {
        end = host.kill;
        host.kill = 0;
    }
    if ( end != 'b' )
        a.rc = host.deny ? -host.deny : serve(&a.op);
    pthread_mutex_unlock(&host.lock);
    if ( end )
    {
        kill_client(fd);
        return false;
    }
    return send(fd, &a, sizeof(a), MSG_NOSIGNAL) == sizeof(a);
}

/*
 * Commands.
 */

static void dom_exc(void)
{
    const uint32_t port = 1;

    if ( host.evt >= 0 && write(host.evt, &port, sizeof(port)) < 0 &&
         errno != EAGAIN )
        die("evt");
}

static int run_domain(unsigned int domid, const char *handle,
                      unsigned int vcpus)
{
    struct hosted_domain d = { .present = 1, .vcpus = vcpus };
    unsigned int i, byte;

    for ( i = 0; i < 16; i++ )
    {
        if ( sscanf(handle + 2 * i, "%2x", &byte) != 1 )
            return -EINVAL;
        d.handle[i] = byte;
    }
    host.doms[domid] = d;
    return 0;
}

static uint32_t run_crash(unsigned int domid, unsigned int cpu,
                          unsigned int reason, bool quiet)
{
    const struct crash k = {
        .domid = domid,
        .cause = XEN_FLIGHTREC_CAUSE_CRASH,
        .reason = reason,
        .quiet = quiet,
    };
    struct cpu *c = &host.cpu[cpu];

    c->crash = &k;
    pthread_cond_broadcast(&host.wake);
    while ( c->crash )
        pthread_cond_wait(&host.done, &host.lock);
    if ( quiet )
        return c->gen;
    host.doms[domid].reason = reason;
    host.doms[domid].shutdown = 1;
    dom_exc();
    return c->gen;
}

static void run_fill(unsigned int cpu, unsigned int n)
{
    host.cpu[cpu].fill = n;
    pthread_cond_broadcast(&host.wake);
    while ( host.cpu[cpu].fill )
        pthread_cond_wait(&host.done, &host.lock);
}

static void run_gone(unsigned int domid)
{
    host.doms[domid].dying = 1;
    dom_exc();
    host.doms[domid].present = 0;
    dom_exc();
}

static void set_hang(unsigned int cpu, bool hang)
{
    host.cpu[cpu].hang = hang;
    pthread_cond_broadcast(&host.wake);
}

static long count_held(void)
{
    uint32_t gen, released;

    fr_generations(&gen, &released);
    return gen - released;
}

static long take_asked(void)
{
    const unsigned long asked = host.asked;

    host.asked = 0;
    return asked;
}

static bool is_crash(unsigned int domid, unsigned int cpu)
{
    return host.created && domid < HOSTED_DOMAINS && cpu < host.nr_cpus;
}

static void command(const char *line)
{
    unsigned int a = 0, b = 0, c = SHUTDOWN_CRASH;
    char word[16] = "", handle[40] = "";
    long result = 0;

    if ( !strcmp(line, "kill before") || !strcmp(line, "kill after") )
        host.kill = line[5];
    else if ( sscanf(line, "domain %u %39s %u", &a, handle, &b) == 3 &&
         a < HOSTED_DOMAINS && strlen(handle) == 32 )
        result = run_domain(a, handle, b);
    else if ( sscanf(line, "%15s %u %u %u", word, &a, &b, &c) < 1 )
        result = -EINVAL;
    else if ( !strcmp(word, "crash") && is_crash(a, b) )
        result = run_crash(a, b, c, false);
    else if ( !strcmp(word, "trigger") && is_crash(a, b) )
        result = run_crash(a, b, c, true);
    else if ( !strcmp(word, "gone") && a < HOSTED_DOMAINS )
        run_gone(a);
    else if ( !strcmp(word, "fill") && host.created && a < host.nr_cpus )
        run_fill(a, b);
    else if ( (!strcmp(word, "hang") || !strcmp(word, "run")) &&
              a < host.nr_cpus )
        set_hang(a, word[0] == 'h');
    else if ( !strcmp(word, "pause") || !strcmp(word, "resume") )
    {
        host.paused = word[0] == 'p';
        pthread_cond_broadcast(&host.wake);
    }
    else if ( !strcmp(word, "held") )
        result = count_held();
    else if ( !strcmp(word, "asked") )
        result = take_asked();
    else if ( !strcmp(word, "mapped") )
        host.mapped = a;
    else if ( !strcmp(word, "recreate") )
        recreate();
    else if ( !strcmp(word, "deny") )
        host.deny = a;
    else if ( !strcmp(word, "quiesce") )
        host.quiesce_ms = a;
    else
        result = -EINVAL;
    if ( result < 0 )
        printf("error %ld\n", result);
    else
        printf("ok %ld\n", result);
    fflush(stdout);
}

/* Carry out the complete lines read so far.  Return false at end of file. */
static bool read_commands(void)
{
    static char buf[4096];
    static size_t have;
    ssize_t n = read(STDIN_FILENO, buf + have, sizeof(buf) - 1 - have);
    char *end;

    if ( n <= 0 )
        return false;
    have += n;
    buf[have] = '\0';
    while ( (end = strchr(buf, '\n')) )
    {
        *end = '\0';
        pthread_mutex_lock(&host.lock);
        command(buf);
        pthread_mutex_unlock(&host.lock);
        have -= end + 1 - buf;
        memmove(buf, end + 1, have + 1);
    }
    return true;
}

static void open_dir(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    char name[512];

    host.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ( host.dir < 0 )
        die(path);
    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/ops",
             host.dir);
    unlinkat(host.dir, "ops", 0);
    host.ops = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if ( host.ops < 0 ||
         bind(host.ops, (struct sockaddr *)&sun, sizeof(sun)) ||
         listen(host.ops, CLIENTS) )
        die("ops");
    snprintf(name, sizeof(name), "%s/virq", path);
    if ( mkfifo(name, 0600) && errno != EEXIST )
        die("virq");
    host.virq = openat(host.dir, "virq", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(name, sizeof(name), "%s/wake", path);
    if ( mkfifo(name, 0600) && errno != EEXIST )
        die("wake");
    host.reader = openat(host.dir, "wake", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    snprintf(name, sizeof(name), "%s/evt", path);
    if ( mkfifo(name, 0600) && errno != EEXIST )
        die("evt");
    host.evt = openat(host.dir, "evt", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if ( host.virq < 0 || host.reader < 0 || host.evt < 0 )
        die("fifo");
    host.doms = map_new("doms", HOSTED_FRAME);
    host.doms[0].present = 1;
    host.doms[0].vcpus = host.nr_cpus;
}

static void accept_client(int client[CLIENTS])
{
    int fd = accept4(host.ops, NULL, NULL, SOCK_CLOEXEC), i;

    for ( i = 0; fd >= 0 && i < CLIENTS; i++ )
        if ( client[i] < 0 )
        {
            client[i] = fd;
            return;
        }
    if ( fd >= 0 )
        close(fd);
}

static void loop(void)
{
    struct pollfd p[2 + CLIENTS] = {
        { .fd = host.ops, .events = POLLIN },
        { .fd = STDIN_FILENO, .events = POLLIN },
    };
    int client[CLIENTS], i;

    memset(client, -1, sizeof(client));
    for ( ;; )
    {
        for ( i = 0; i < CLIENTS; i++ )
            p[2 + i] = (struct pollfd){ .fd = client[i], .events = POLLIN };
        if ( poll(p, 2 + CLIENTS, -1) < 0 )
            continue;
        for ( i = 0; i < CLIENTS; i++ )
            if ( p[2 + i].revents && !serve_client(client[i]) )
            {
                close(client[i]);
                client[i] = -1;
            }
        if ( p[0].revents )
            accept_client(client);
        if ( p[1].revents && !read_commands() )
            return;
    }
}

int main(int argc, char **argv)
{
    if ( argc < 3 )
    {
        fprintf(stderr, "usage: frhost DIR CPUS [BYTES_PER_CPU]\n");
        return 2;
    }
    host.nr_cpus = atoi(argv[2]);
    host.bytes = argc > 3 ? strtoul(argv[3], NULL, 0) : 256 * 1024;
    host.how.bytes_per_cpu = host.bytes;
    if ( host.nr_cpus < 1 || host.nr_cpus > MAX_CPUS )
        return 2;
    tsc_khz = measure_tsc_khz();
    if ( fr_init(tsc_khz) )
        die("fr_init");
    fr_set_mask(XEN_FLIGHTREC_CH_BUSY, ~0U);
    fr_set_mask(XEN_FLIGHTREC_CH_RARE, ~0U);
    open_dir(argv[1]);
    fr_hosted_wake = wake_reader;
    pthread_mutex_lock(&host.lock);
    make_cpus();
    pthread_mutex_unlock(&host.lock);
    printf("ok 0\n");
    fflush(stdout);
    loop();
    return 0;
}
