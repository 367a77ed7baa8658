/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* world.c: implement seam.h for the recorder, and world.h for the tests. */

#include "seam.h"

#include <stdarg.h>

#include <xen/flightrec.h>

#include "glue.h"
#include "world.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define uninitialised(p, bytes) __msan_poison(p, bytes)
#endif
#if __has_feature(address_sanitizer)
#define WORLD_ASAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WORLD_ASAN
#endif
#ifdef WORLD_ASAN
#include <sanitizer/asan_interface.h>
#define hide(p, bytes) __asan_poison_memory_region(p, bytes)
#define unhide(p, bytes) __asan_unpoison_memory_region(p, bytes)
#else
#define hide(p, bytes)   (void)0
#define unhide(p, bytes) (void)0
#endif
#ifndef uninitialised
#define uninitialised(p, bytes) (void)0
#endif

unsigned int nr_cpu_ids = WORLD_CPUS, cpu_khz = 2000000, world_cpu;
int tb_init_done;

static struct domain domains[WORLD_DOMAINS], xen_domain = { .domain_id = 0x7ff2 };
struct domain *dom_xen = &xen_domain;
static struct vcpu vcpus[WORLD_DOMAINS];
static unsigned int running; /* index of the current domain */
static struct cpu_user_regs regs = { 0xffffffff81000000 };

static uint8_t arena[WORLD_PAGES * PAGE_SIZE]
    __attribute__((__aligned__(PAGE_SIZE)));
static struct page_info page_of[WORLD_PAGES];
static unsigned int used_pages;

static bool online[NR_CPUS] = { true };
static struct notifier_block *notifier;
static unsigned int maps_held, locks_held, in_nmi;
static unsigned int nmi_after, stall_after;
static void (*stall_fn)(void);
static struct page_info *race_page, *unlinking_page;
static uint32_t nmi_event;
static unsigned int allocs_left = ~0U, softirqs_left = ~0U, maps_left = ~0U;
static void (*softirq_handler)(void);
static unsigned int softirq_bits;
static struct tasklet *tasklets;
static struct timer *the_timer;
static s_time_t now_ns = 1000000000;
static uint64_t tsc_offset;
static unsigned int virq_count[24];
static bool bad_option;
bool pv_shim;
static unsigned int work, most;

int world_fr_presmp_init(void);
int world_fr_wake_init(void);
int world_parse_flightrec(const char *s);

void world_violated(const char *what)
{
    fprintf(stderr, "violated: %s\n", what);
    abort();
}

void world_worked(void)
{
    if ( ++work > most )
        most = work;
}

/* Take one of a limited number.  Return false if none is left; ~0: no limit. */
static bool luck(unsigned int *left)
{
    if ( *left == ~0U )
        return true;
    if ( !*left )
        return false;
    --*left;
    return true;
}

/* -------------------------------------------------------------- pCPUs ---- */

bool cpu_online(unsigned int cpu)
{
    return cpu < NR_CPUS && online[cpu];
}

bool get_cpu_maps(void)
{
    if ( !luck(&maps_left) )
        return false;
    maps_held++;
    return true;
}

void put_cpu_maps(void)
{
    if ( !maps_held-- )
        world_violated("put_cpu_maps() without get_cpu_maps()");
}

void register_cpu_notifier(struct notifier_block *nb)
{
    notifier = nb;
}

void world_point(void)
{
    static const uint32_t words[] = { 0x4e4d4931, 0x4e4d4932, 0x4e4d4933 };

    if ( stall_after && !--stall_after )
    {
        unsigned int was = world_cpu;

        stall_fn();
        world_cpu = was;
    }
    if ( !nmi_after || --nmi_after || in_nmi )
        return;
    in_nmi++;
    if ( tb_init_done )
        flightrec_trace(nmi_event, words, sizeof(words));
    in_nmi--;
}

/* -------------------------------------------------------------- locks ---- */

void spin_lock(spinlock_t *l)
{
    if ( in_nmi )
        world_violated("a lock is taken in an NMI");
    if ( l->held )
        world_violated("a lock is taken twice");
    l->held = 1;
    locks_held++;
}

void spin_unlock(spinlock_t *l)
{
    if ( !l->held )
        world_violated("a lock is released that is not held");
    l->held = 0;
    locks_held--;
}

/* ----------------------------------------------------------- deferred ---- */

void open_softirq(int nr, void (*handler)(void))
{
    softirq_handler = handler;
}

void raise_softirq(unsigned int nr)
{
    softirq_bits |= 1U << world_cpu;
}

bool softirq_pending(unsigned int cpu)
{
    work = 0;
    return !luck(&softirqs_left);
}

void process_pending_softirqs(void)
{
    work = 0;
    if ( in_nmi )
        world_violated("softirqs are processed in an NMI");
}

void softirq_tasklet_init(struct tasklet *t, void (*fn)(void *), void *arg)
{
    *t = (struct tasklet){ .fn = fn, .arg = arg };
}

void tasklet_schedule_on_cpu(struct tasklet *t, unsigned int cpu)
{
    if ( in_nmi )
        world_violated("a tasklet is scheduled in an NMI");
    if ( t->scheduled )
        return;
    t->scheduled = true;
    t->cpu = cpu;
    t->next = tasklets;
    tasklets = t;
}

void tasklet_schedule(struct tasklet *t)
{
    tasklet_schedule_on_cpu(t, world_cpu);
}

void tasklet_kill(struct tasklet *t)
{
    struct tasklet **p;

    for ( p = &tasklets; *p; p = &(*p)->next )
        if ( *p == t )
        {
            *p = t->next;
            break;
        }
    t->scheduled = false;
}

static void run_tasklets(unsigned int cpu)
{
    struct tasklet **p = &tasklets, *t;

    while ( (t = *p) )
    {
        if ( t->cpu != cpu && cpu_online(t->cpu) )
        {
            p = &t->next;
            continue;
        }
        *p = t->next;
        t->scheduled = false;
        t->fn(t->arg);
        p = &tasklets;
    }
}

static void run_softirqs(unsigned int cpu)
{
    unsigned int was = world_cpu;

    if ( !cpu_online(cpu) )
        return;
    world_cpu = cpu;
    run_tasklets(cpu);
    if ( softirq_bits & (1U << cpu) )
    {
        softirq_bits &= ~(1U << cpu);
        softirq_handler();
    }
    world_cpu = was;
}

/* While this pCPU spins, the others continue. */
void cpu_relax(void)
{
    unsigned int cpu;

    now_ns += 200000;
    for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
        if ( cpu != world_cpu )
            run_softirqs(cpu);
}

/* --------------------------------------------------------------- time ---- */

void init_timer(struct timer *t, void (*fn)(void *), void *arg,
                unsigned int cpu)
{
    *t = (struct timer){ .fn = fn };
    the_timer = t;
}

void set_timer(struct timer *t, s_time_t at)
{
    t->at = at;
}

s_time_t NOW(void)
{
    work = 0;
    return now_ns += 100;
}

uint64_t rdtsc(void)
{
    now_ns += 20;
    return now_ns * 2 + tsc_offset;
}

s_time_t get_s_time_fixed(uint64_t tsc)
{
    return (tsc - tsc_offset) / 2;
}

uint64_t get_localtime_us(const void *d)
{
    return 1700000000000000 + now_ns / 1000;
}

static void pass_time(uint64_t ns)
{
    now_ns += ns;
    if ( the_timer && the_timer->at && the_timer->at <= now_ns )
    {
        the_timer->at = 0;
        the_timer->fn(NULL);
    }
}

/* ------------------------------------------------------------- memory ---- */

struct vcpu *world_vcpu(void)
{
    return &vcpus[running];
}

struct cpu_user_regs *guest_cpu_user_regs(void)
{
    return &regs;
}

unsigned int get_order_from_bytes(unsigned long bytes)
{
    unsigned int order = 0;

    while ( PAGE_SIZE << order < bytes )
        order++;
    return order;
}

/* First fit.  Each page is used and freed by itself, as in Xen. */
void *alloc_xenheap_pages(unsigned int order, unsigned int flags)
{
    unsigned int n = 1U << order, first, i;
    uint8_t *p;

    if ( in_nmi || !luck(&allocs_left) )
        return NULL;
    for ( first = 0; first + n <= WORLD_PAGES; first += n )
    {
        for ( i = 0; i < n && !page_of[first + i].allocated; i++ )
            ;
        if ( i < n )
            continue;
        p = arena + first * PAGE_SIZE;
        unhide(p, n * PAGE_SIZE);
        memset(p, WORLD_HEAP_BYTE, n * PAGE_SIZE);
        uninitialised(p, n * PAGE_SIZE);
        for ( i = 0; i < n; i++ )
            page_of[first + i] =
                (struct page_info){ .count_info = PGC_xen_heap,
                                    .allocated = true };
        used_pages += n;
        return p;
    }
    return NULL;
}

struct page_info *virt_to_page(const void *p)
{
    size_t off = (const uint8_t *)p - arena;

    world_worked();
    if ( off >= sizeof(arena) )
        world_violated("a page outside of the heap");
    return &page_of[off / PAGE_SIZE];
}

xen_pfn_t virt_to_mfn(const void *p)
{
    return virt_to_page(p) - page_of;
}

void free_xenheap_page(void *p)
{
    struct page_info *pg = virt_to_page(p);

    if ( !pg->allocated )
        world_violated("a page is freed twice");
    if ( pg->count_info & ~PGC_xen_heap )
        world_violated("a page is freed that is in use");
    if ( pg->unlinking || pg->listed )
        world_violated("a page is freed that is in its owner's list");
    *pg = (struct page_info){ 0 };
    used_pages--;
    hide(p, PAGE_SIZE);
}

void free_xenheap_pages(void *p, unsigned int order)
{
    unsigned int i;

    for ( i = 0; i < 1U << order; i++ )
        free_xenheap_page(p + i * PAGE_SIZE);
}

void clear_page(void *p)
{
    world_worked();
    memset(p, 0, PAGE_SIZE);
}

void share_xen_page_with_privileged_guests(struct page_info *pg, int how)
{
    if ( how != SHARE_ro || !pg->allocated )
        world_violated("a page is lent wrongly");
    if ( pg->owner == dom_xen )
        return;
    page_set_owner(pg, dom_xen);
    if ( pg->count_info & ~PGC_xen_heap )
        world_violated("a page in use is lent");
    pg->count_info |= PGC_allocated | 1;
    pg->listed = true;
}

void page_set_owner(struct page_info *pg, struct domain *d)
{
    if ( pg->unlinking || pg->listed )
        world_violated("the owner changes of a page in its list");
    pg->owner = d;
}

/* Of Xen heap: only takes it off its owner's list. */
void free_domheap_page(struct page_info *pg)
{
    if ( (pg->count_info & PGC_count_mask) || !pg->listed || !pg->owner )
        world_violated("a page is taken off its list twice or in use");
    pg->listed = pg->unlinking = false;
}

static void put_page(struct page_info *pg)
{
    if ( !(pg->count_info & PGC_count_mask) )
        world_violated("a page reference too few");
    if ( --pg->count_info & PGC_count_mask )
        return;
    if ( pg == unlinking_page )
        pg->unlinking = true;
    else
        free_domheap_page(pg);
}

/* The last mapping goes at this moment, on another pCPU. */
static void race(struct page_info *pg)
{
    if ( pg != race_page )
        return;
    race_page = NULL;
    unlinking_page = pg;
    put_page(pg);
}

static void unmap_race(unsigned int page)
{
    race_page = &page_of[page];
}

static bool unmap_done(void)
{
    bool happened = unlinking_page;

    if ( happened && unlinking_page->unlinking )
        free_domheap_page(unlinking_page);
    race_page = unlinking_page = NULL;
    return happened;
}

void put_page_alloc_ref(struct page_info *pg)
{
    if ( !(pg->count_info & PGC_allocated) )
        return;
    pg->count_info &= ~PGC_allocated;
    put_page(pg);
    race(pg);
}

bool get_page(struct page_info *pg, const struct domain *d)
{
    if ( !(pg->count_info & PGC_count_mask) || pg->owner != d )
        return false;
    pg->count_info++;
    return true;
}

/* ----------------------------------------------------------------- other - */

void printk(const char *fmt, ...)
{
    char line[512];
    va_list ap;

    if ( in_nmi )
        world_violated("printk in an NMI");
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
}

void trace_var(uint32_t event, bool cycles, unsigned int extra,
               const void *data)
{
    if ( test_bit(TRC_SINK_FLIGHTREC, &tb_init_done) )
        flightrec_trace(event, data, extra);
}

void send_global_virq(unsigned int virq)
{
    if ( in_nmi )
        world_violated("a VIRQ is sent in an NMI");
    virq_count[virq]++;
}

/* As Xen's: it wraps, and does not require a digit. */
unsigned long long simple_strtoull(const char *s, const char **end,
                                   unsigned int base)
{
    unsigned long long n = 0;

    base = *s != '0' ? 10 : (s[1] | 0x20) == 'x' && isxdigit(s[2]) ? 16 : 8;
    s += base == 16 ? 2 : base == 8;
    for ( ; isxdigit(*s); s++ )
    {
        unsigned int digit = isdigit(*s) ? *s - '0' : (*s | 0x20) - 'a' + 10;

        if ( digit >= base )
            break;
        n = n * base + digit;
    }
    *end = s;
    return n;
}

unsigned long long parse_size_and_unit(const char *s, const char **end)
{
    unsigned long long n = simple_strtoull(s, &s, 0);
    const char *units = "bkmgt", *unit = *s ? strchr(units, *s | 0x20) : NULL;

    n <<= unit ? 10 * (unit - units) : 10;
    *end = s + !!unit;
    return n;
}

/* ------------------------------------------------------------ world.h ---- */

/* Fill the stack, so that uninitialised variables become visible. */
static void __attribute__((__noinline__)) smear_stack(void)
{
    uint8_t area[1024];

    memset(area, WORLD_STACK_BYTE, sizeof(area));
    __asm__ volatile("" : : "r"(area) : "memory");
}

static void done(void)
{
    if ( locks_held || maps_held )
        world_violated("something is still locked");
}

static void boot(const char *option)
{
    unsigned int i;

    hide(arena, sizeof(arena));
    for ( i = 0; i < WORLD_DOMAINS; i++ )
    {
        domains[i].domain_id = i;
        domains[i].shutdown_code = SHUTDOWN_CODE_INVALID;
        memset(domains[i].handle, 0x10 + i, sizeof(domains[i].handle));
        vcpus[i].domain = &domains[i];
    }
    if ( option )
        bad_option = world_parse_flightrec(option);
    (void)world_fr_wake_init();
    (void)world_fr_presmp_init();
    done();
}

static void shim(void)
{
    pv_shim = true;
}

static bool option_refused(void)
{
    return bad_option;
}

static int control(unsigned int cpu, struct xen_flightrec_op *op)
{
    struct xen_sysctl *s = malloc(sizeof(*s));
    int rc;

    if ( !s )
        abort();
    world_cpu = online[cpu % WORLD_CPUS] ? cpu % WORLD_CPUS : 0;
    memcpy(&s->u, op, sizeof(s->u));
    smear_stack();
    rc = flightrec_control(&s->u.tbuf_op);
    if ( !rc )
        memcpy(op, &s->u, sizeof(*op));
    free(s);
    done();
    return rc;
}

static void trace(unsigned int cpu, uint32_t event, const void *data,
                  unsigned int bytes)
{
    cpu %= WORLD_CPUS;
    if ( !online[cpu] || !test_bit(TRC_SINK_FLIGHTREC, &tb_init_done) )
        return;
    world_cpu = cpu;
    smear_stack();
    flightrec_trace(event, data, bytes);
    done();
}

static void domain(unsigned int cpu, unsigned int n, unsigned int what,
                   unsigned int reason)
{
    struct domain *d = &domains[n % WORLD_DOMAINS];

    world_cpu = online[cpu % WORLD_CPUS] ? cpu % WORLD_CPUS : 0;
    running = cpu % WORLD_DOMAINS;
    smear_stack();
    if ( what == 0 )
    {
        /* As domain_shutdown() does. */
        flightrec_domain_shutdown(d, reason);
        if ( d->shutdown_code == SHUTDOWN_CODE_INVALID )
            d->shutdown_code = reason;
        d->is_shutting_down = true;
    }
    else if ( what == 1 )
        flightrec_domain_dying(d, 1 + reason % (XEN_FLIGHTREC_CAUSES - 1),
                               reason);
    else
    {
        d->is_shutting_down = false;
        d->shutdown_code = SHUTDOWN_CODE_INVALID;
        flightrec_domain_resume(d);
    }
    done();
}

static void shutdown_code(unsigned int n, unsigned int reason)
{
    struct domain *d = &domains[n % WORLD_DOMAINS];

    if ( d->shutdown_code == SHUTDOWN_CODE_INVALID )
        d->shutdown_code = reason;
}

static void notify(unsigned int by, unsigned long action, uintptr_t cpu)
{
    world_cpu = by;
    notifier->notifier_call(notifier, action, (void *)cpu);
}

static void plug(unsigned int cpu, bool up)
{
    cpu %= WORLD_CPUS;
    if ( !cpu || online[cpu] == up )
        return;
    if ( up )
    {
        notify(0, CPU_UP_PREPARE, cpu);
        notify(cpu, CPU_STARTING, cpu);
        online[cpu] = true;
        notify(0, CPU_ONLINE, cpu);
    }
    else
    {
        online[cpu] = false;
        softirq_bits &= ~(1U << cpu);
        notify(0, CPU_DEAD, cpu);
    }
    done();
}

static void put_nmi(unsigned int after, uint32_t event)
{
    nmi_after = after;
    nmi_event = event;
}

static void stall(unsigned int after, void (*fn)(void))
{
    stall_after = after;
    stall_fn = fn;
}

static void set_luck(unsigned int allocs, unsigned int softirqs,
                     unsigned int maps)
{
    allocs_left = allocs;
    softirqs_left = softirqs;
    maps_left = maps;
}

static bool map_page(unsigned int page)
{
    return page < WORLD_PAGES && get_page(&page_of[page], dom_xen);
}

static int map(unsigned int id, unsigned int frame)
{
    unsigned int frames = flightrec_frames(dom_xen, id);
    xen_pfn_t mfn;
    int rc;

    rc = flightrec_acquire(id, frame, 1, &mfn);
    done();
    if ( rc < 0 )
    {
        if ( frame < frames )
            world_violated("an existing frame cannot be acquired");
        return rc;
    }
    if ( frame >= frames )
        world_violated("a frame that does not exist can be acquired");
    return map_page(mfn) ? (int)mfn : -EFAULT;
}

static void unmap(unsigned int page)
{
    put_page(&page_of[page]);
}

static uint8_t *lent(unsigned int page)
{
    const struct page_info *pg = &page_of[page % WORLD_PAGES];

    return pg->owner == dom_xen && (pg->count_info & PGC_count_mask)
               ? arena + page % WORLD_PAGES * PAGE_SIZE
               : NULL;
}

static unsigned int most_work(void)
{
    unsigned int was = most;

    work = most = 0;
    return was;
}

static unsigned int pages_used(void)
{
    return used_pages;
}

static unsigned int virqs(unsigned int virq)
{
    return virq_count[virq];
}

static void move_tsc(int64_t by)
{
    tsc_offset += by;
}

static uint64_t state(void)
{
    uint64_t h = now_ns ^ used_pages;
    unsigned int cpu, ch, i;

    for ( cpu = 0; cpu < nr_cpu_ids; cpu++ )
        for ( ch = 0; flightrec_cpu[cpu] && ch < FR_CHANNELS; ch++ )
        {
            const struct fr_ring *r = &flightrec_cpu[cpu]->ring[ch];

            h = h * 31 + r->pos + r->emitted + r->nfifo + r->overwritten;
            for ( i = 0; i < r->slots; i++ )
                h = h * 31 + r->slot[i].committed + r->slot[i].used +
                    r->slot[i].hold_gen;
        }
    return h;
}

const struct xen_world xen_world = {
    .boot = boot, .shim = shim, .option_refused = option_refused, .control = control,
    .trace = trace,
    .wants = flightrec_wants, .domain = domain,
    .shutdown_code = shutdown_code, .plug = plug,
    .softirqs = run_softirqs, .time = pass_time,
    .tsc = move_tsc, .nmi = put_nmi, .luck = set_luck, .map = map,
    .stall = stall, .unmap_race = unmap_race, .unmap_done = unmap_done,
    .map_page = map_page, .unmap = unmap, .lent = lent,
    .most_work = most_work, .pages_used = pages_used, .virqs = virqs, .state = state,
};
