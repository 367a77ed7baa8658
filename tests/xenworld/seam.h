/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * seam.h: declare the parts of Xen that hypervisor/xen/common/flightrec/ needs,
 * for a process.  It replaces each of Xen's headers that those files include
 * (see module.mk), so they compile unchanged.  world.c implements it.
 *
 * A violation of Xen's rules (a lock in an NMI, a mapped page that is freed)
 * ends the program by world_violated().
 */

#ifndef XENWORLD_SEAM_H
#define XENWORLD_SEAM_H

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FLIGHTREC
#define CONFIG_FLIGHTREC_BENCH
#define NR_CPUS          4
#define PAGE_SHIFT       12
#define PAGE_SIZE        4096UL
#define PFN_UP(x)        (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(x)  _Static_assert(!(x), #x)
#define ASSERT(x)        ((x) ? (void)0 : world_violated("ASSERT " #x))
#define container_of(p, type, member) \
    ((type *)((char *)(p) - offsetof(type, member)))
#define likely(x)        __builtin_expect(!!(x), 1)
#define unlikely(x)      __builtin_expect(!!(x), 0)
#define ACCESS_ONCE(x)   (*(volatile __typeof__(x) *)&(x))
#define min(a, b)        ((a) < (b) ? (a) : (b))
#define array_index_nospec(i, n) ((i) < (n) ? (i) : 0)
#define cf_check
#define __init
#define __initdata
#define __read_mostly
#define MILLISECS(n)     ((s_time_t)(n) * 1000000)
#define SECONDS(n)       ((s_time_t)(n) * 1000000000)
#define smp_wmb()        __asm__ volatile("" ::: "memory")

typedef int64_t s_time_t;
typedef uint16_t domid_t;
typedef unsigned long xen_pfn_t;

void world_violated(const char *what) __attribute__((__noreturn__));
/* A page, or a shared cache line, was touched: see most_work(). */
void world_worked(void);
/* A point at which an NMI may nest. */
void world_point(void);

/* ERESTART is Linux's own, as in Xen. */
#ifndef ERESTART
#define ERESTART 85
#endif

/* ------------------------------------------------------------- pCPUs ---- */

extern unsigned int nr_cpu_ids, cpu_khz;
extern unsigned int world_cpu;
bool cpu_online(unsigned int cpu);
bool get_cpu_maps(void);
void put_cpu_maps(void);
#define smp_processor_id()    world_cpu
#define for_each_online_cpu(c) \
    for ( (c) = 0; (c) < nr_cpu_ids; (c)++ ) if ( !cpu_online(c) ) {} else
#define cpu_to_node(cpu)      ((cpu) & 1)
#define NUMA_NO_NODE          0xff

enum { CPU_UP_PREPARE = 1, CPU_STARTING, CPU_ONLINE, CPU_DEAD };
#define NOTIFY_DONE 0
struct notifier_block {
    int (*notifier_call)(struct notifier_block *nfb, unsigned long action,
                         void *hcpu);
};
void register_cpu_notifier(struct notifier_block *nb);

/* -------------------------------------------------------------- locks --- */

typedef struct {
    unsigned int held;
} spinlock_t;
#define DEFINE_SPINLOCK(l) spinlock_t l
void spin_lock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
#define spin_lock_irq(l)              spin_lock(l)
#define spin_unlock_irq(l)            spin_unlock(l)
#define spin_lock_irqsave(l, f)       do { (f) = 0; spin_lock(l); } while ( 0 )
#define spin_unlock_irqrestore(l, f)  do { (void)(f); spin_unlock(l); } while ( 0 )

#define set_bit(nr, p)           ((void)(*(p) |= 1U << (nr)))
#define clear_bit(nr, p)         ((void)(*(p) &= ~(1U << (nr))))
#define test_bit(nr, p)          (!!(*(p) & (1U << (nr))))
#define test_and_set_bit(nr, p) \
    ({ bool b_ = test_bit(nr, p); set_bit(nr, p); b_; })
#define cmpxchg(p, old, new) \
    ({ __typeof__(*(p)) o_ = (old), w_ = *(p); \
       if ( w_ == o_ ) *(p) = (new); \
       w_; })
#define arch_fetch_and_add(p, v) __atomic_fetch_add(p, v, __ATOMIC_RELAXED)

/* ----------------------------------------------------------- deferred --- */

enum { FLIGHTREC_SOFTIRQ };
void open_softirq(int nr, void (*handler)(void));
void raise_softirq(unsigned int nr);
bool softirq_pending(unsigned int cpu);
void process_pending_softirqs(void);
void cpu_relax(void);

struct tasklet {
    void (*fn)(void *);
    void *arg;
    bool scheduled;
    unsigned int cpu;
    struct tasklet *next;
};
#define DECLARE_SOFTIRQ_TASKLET(name, f, a) \
    struct tasklet name = { .fn = (f), .arg = (a) }
void softirq_tasklet_init(struct tasklet *t, void (*fn)(void *), void *arg);
void tasklet_schedule(struct tasklet *t);
void tasklet_schedule_on_cpu(struct tasklet *t, unsigned int cpu);
void tasklet_kill(struct tasklet *t);

/* --------------------------------------------------------------- time --- */

struct timer {
    void (*fn)(void *);
    s_time_t at;           /* 0: not set */
};
void init_timer(struct timer *t, void (*fn)(void *), void *arg,
                unsigned int cpu);
void set_timer(struct timer *t, s_time_t at);
s_time_t NOW(void);
uint64_t rdtsc(void);
#define rdtsc_ordered() rdtsc()
s_time_t get_s_time_fixed(uint64_t tsc);
uint64_t get_localtime_us(const void *d);

/* ------------------------------------------------------------- memory --- */

struct domain {
    domid_t domain_id;
    uint8_t handle[16];
    bool is_shutting_down;
    unsigned int shutdown_code;
    unsigned int flightrec_dying;
};
#define SHUTDOWN_CODE_INVALID ~0u
struct vcpu {
    struct domain *domain;
    unsigned int vcpu_id;
};
struct cpu_user_regs {
    uint64_t rip;
};
extern struct domain *dom_xen;
struct vcpu *world_vcpu(void);
#define current world_vcpu()
struct cpu_user_regs *guest_cpu_user_regs(void);

struct page_info {
    unsigned long count_info;
    struct domain *owner;
    bool allocated;
    bool listed;           /* in the owner's list of pages */
    bool unlinking;        /* another pCPU is inside free_domheap_page() */
};
#define _PGC_allocated   31
#define PGC_allocated    (1UL << _PGC_allocated)
#define PGC_xen_heap     (1UL << 30)
#define PGC_count_mask   0xffffffUL
#define MEMF_node(n)     (n)
#define SHARE_ro         1
unsigned int get_order_from_bytes(unsigned long bytes);
void *alloc_xenheap_pages(unsigned int order, unsigned int flags);
void free_xenheap_page(void *p);
void free_xenheap_pages(void *p, unsigned int order);
void clear_page(void *p);
struct page_info *virt_to_page(const void *p);
xen_pfn_t virt_to_mfn(const void *p);
#define __pa(p) ((uint64_t)(uintptr_t)(p))
void share_xen_page_with_privileged_guests(struct page_info *pg, int how);
void put_page_alloc_ref(struct page_info *pg);
bool get_page(struct page_info *pg, const struct domain *d);
void page_set_owner(struct page_info *pg, struct domain *d);
void free_domheap_page(struct page_info *pg);

/* ----------------------------------------------------------------- other - */

#define XENLOG_ERR
#define XENLOG_WARNING
#define XENLOG_INFO
void printk(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
void send_global_virq(unsigned int virq);

extern int tb_init_done;
#define TRC_SINK_TBUF      0
#define TRC_SINK_FLIGHTREC 1
#define TRC_MEM_PAGE_GRANT_MAP 0x0010f001
void trace_var(uint32_t event, bool cycles, unsigned int extra,
               const void *data);

/* public/xen.h, public/sched.h, public/sysctl.h */
#define DOMID_INVALID      0x7ff4U
#define SHUTDOWN_poweroff  0
#define SHUTDOWN_crash     3
#define SHUTDOWN_watchdog  4
struct xen_sysctl_tbuf_op {
    uint32_t cmd;
    uint32_t rest[31];
};
struct xen_sysctl {
    uint32_t cmd, version;
    union {
        struct xen_sysctl_tbuf_op tbuf_op;
        uint8_t pad[128];
    } u;
};

extern bool pv_shim;
#define simple_strtoul(s, end, base) \
    ((unsigned long)simple_strtoull(s, end, base))
unsigned long long simple_strtoull(const char *s, const char **end,
                                   unsigned int base);
unsigned long long parse_size_and_unit(const char *s, const char **end);
/* Xen finds these in a section of its own, the world by name. */
#define presmp_initcall(f) \
    int world_##f(void);   \
    int world_##f(void) { return f(); } \
    int world_##f(void)
#define custom_param(name, f)     \
    int world_##f(const char *s); \
    int world_##f(const char *s) { return f(s); } \
    int world_##f(const char *s)

/* ----------------------------------------------------- the core's seam --- */

#define FR_CACHELINE 64
#define FR_ASSERT(x) ASSERT(x)

struct fr_cpu;
extern struct fr_cpu *flightrec_cpu[NR_CPUS];

static inline struct fr_cpu *fr_this_cpu(void)
{
    return ACCESS_ONCE(flightrec_cpu[smp_processor_id()]);
}

static inline uint64_t fr_clock(void)
{
    world_point();
    return rdtsc();
}

static inline bool fr_clock_pair(uint64_t *tsc, uint64_t *ns)
{
    *tsc = rdtsc();
    *ns = get_s_time_fixed(*tsc);
    return true;
}

static inline void fr_current(uint16_t *domid, uint16_t *vcpu)
{
    *domid = current->domain->domain_id;
    *vcpu = current->vcpu_id;
}

static inline unsigned long fr_irq_save(void)
{
    return 0;
}

static inline void fr_irq_restore(unsigned long flags)
{
    (void)flags;
}

static inline void fr_wake_soon(void)
{
    raise_softirq(FLIGHTREC_SOFTIRQ);
}

#define fr_barrier()           __asm__ volatile("" ::: "memory")
#define fr_rmb()               fr_barrier()
#define fr_wmb()               fr_barrier()
#define fr_read(x)             ACCESS_ONCE(x)
#define fr_write(x, v)         (ACCESS_ONCE(x) = (v))
#define fr_load_acquire(p)     (world_worked(), ACCESS_ONCE(*(p)))
#define fr_store_release(p, v) (ACCESS_ONCE(*(p)) = (v))

static inline bool fr_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    bool done = *p == old;

    if ( done )
        *p = val;
    return done;
}

static inline bool fr_local_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    world_point();
    return fr_cmpxchg(p, old, val);
}

static inline uint64_t fr_local_xadd(uint64_t *p, uint64_t add)
{
    uint64_t old;

    world_point();
    old = *p;
    *p += add;
    return old;
}

static inline void fr_local_add(uint64_t *p, uint64_t add)
{
    world_point();
    *p += add;
}

#endif /* XENWORLD_SEAM_H */
