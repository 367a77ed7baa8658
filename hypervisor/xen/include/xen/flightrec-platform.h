/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen/flightrec-platform.h: the core's seam, as Xen on x86 provides it.
 *
 * "Local" operations are atomic against whatever nests on the same pCPU (IRQ,
 * NMI, #MC) and not against other pCPUs: no LOCK prefix.
 */

#ifndef __XEN_FLIGHTREC_PLATFORM_H__
#define __XEN_FLIGHTREC_PLATFORM_H__

#include <xen/cpumask.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include <xen/string.h>
#include <xen/types.h>
#include <asm/atomic.h>
#include <asm/msr.h>
#include <asm/system.h>
#include <asm/time.h>

/* What the hardware has; Xen's own constant is two lines. */
#define FR_CACHELINE 64
#define FR_ASSERT(x) ASSERT(x)

struct fr_cpu;

/*
 * By pCPU; NULL: it has no buffers.  No per-CPU data, which goes away with an
 * offline pCPU: its history stays.  Written by buffers.c.
 */
extern struct fr_cpu *flightrec_cpu[NR_CPUS];

static inline struct fr_cpu *fr_this_cpu(void)
{
    return flightrec_cpu[smp_processor_id()];
}

static inline uint64_t fr_clock(void)
{
    return rdtsc();
}

/*
 * The scale of system time is set up before a pCPU counts as online.  Called
 * with interrupts off, hence not while this pCPU rewrites that scale.
 */
static inline bool fr_clock_pair(uint64_t *tsc, uint64_t *ns)
{
    if ( !cpu_online(smp_processor_id()) )
        return false;

    *tsc = rdtsc();
    *ns = get_s_time_fixed(*tsc);
    return true;
}

static inline void fr_current(uint16_t *domid, uint16_t *vcpu)
{
    const struct vcpu *v = current;

    *domid = v->domain->domain_id;
    *vcpu = v->vcpu_id;
}

static inline unsigned long fr_irq_save(void)
{
    unsigned long flags;

    local_irq_save(flags);
    return flags;
}

static inline void fr_irq_restore(unsigned long flags)
{
    local_irq_restore(flags);
}

/* Any context, an NMI's too: sets a bit of this pCPU, no more. */
static inline void fr_wake_soon(void)
{
    raise_softirq(FLIGHTREC_SOFTIRQ);
}

#define fr_barrier()            barrier()
#define fr_rmb()                smp_rmb()
#define fr_wmb()                smp_wmb()
#define fr_read(x)              ACCESS_ONCE(x)
#define fr_write(x, v)          (ACCESS_ONCE(x) = (v))

/* x86 keeps loads in order, and stores: the compiler has to as well. */
#define fr_load_acquire(p)      ({ typeof(*(p)) v_ = ACCESS_ONCE(*(p)); \
                                   smp_rmb(); v_; })
#define fr_store_release(p, v)  do { smp_wmb(); ACCESS_ONCE(*(p)) = (v); \
                                } while ( 0 )

/* Against all pCPUs. */
static inline bool fr_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    return cmpxchg(p, old, val) == old;
}

static inline bool fr_local_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    bool done;

    asm volatile ( "cmpxchg %[val], %[mem]"
                   ASM_FLAG_OUT(, "; setz %[done]")
                   : [done] ASM_FLAG_OUT("=@ccz", "=qm") (done),
                     [mem] "+m" (*p), "+a" (old)
                   : [val] "r" (val)
                   : "memory" );
    return done;
}

static inline uint64_t fr_local_xadd(uint64_t *p, uint64_t add)
{
    asm volatile ( "xadd %[add], %[mem]"
                   : [add] "+r" (add), [mem] "+m" (*p) :: "memory" );
    return add;
}

/* Release: what was stored before is seen before. */
static inline void fr_local_add(uint64_t *p, uint64_t add)
{
    asm volatile ( "addq %[add], %[mem]"
                   : [mem] "+m" (*p) : [add] "re" (add) : "memory" );
}

#endif /* __XEN_FLIGHTREC_PLATFORM_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
