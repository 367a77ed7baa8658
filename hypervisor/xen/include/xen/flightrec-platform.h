/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen/flightrec-platform.h: the primitives that the core needs, on x86.
 *
 * "Local" operations are atomic against writers that nest on the same pCPU
 * (IRQ, NMI, #MC), not against other pCPUs: they have no LOCK prefix.
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

/* The hardware's line size; Xen's own constant is two lines. */
#define FR_CACHELINE 64
#define FR_ASSERT(x) ASSERT(x)

struct fr_cpu;

/*
 * Each pCPU's recorder; NULL: it has no buffers.  Not per-CPU data, which is
 * freed when a pCPU goes offline, while its history must stay.  Written by
 * buffers.c.
 */
extern struct fr_cpu *flightrec_cpu[NR_CPUS];

/* Callers must not call it twice: a destroy clears it between two reads. */
static inline struct fr_cpu *fr_this_cpu(void)
{
    return ACCESS_ONCE(flightrec_cpu[smp_processor_id()]);
}

static inline uint64_t fr_clock(void)
{
    return rdtsc();
}

/*
 * Read the TSC and the system time that belongs to it.  Return false if this
 * pCPU is not online yet: its scale of system time may not be set up.  Callers
 * must have interrupts off, since an interrupt rewrites the scale.
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

/* Any context including NMI: only sets a bit of this pCPU. */
static inline void fr_wake_soon(void)
{
    raise_softirq(FLIGHTREC_SOFTIRQ);
}

#define fr_barrier()            barrier()
#define fr_rmb()                smp_rmb()
#define fr_wmb()                smp_wmb()
#define fr_read(x)              ACCESS_ONCE(x)
#define fr_write(x, v)          (ACCESS_ONCE(x) = (v))

/* x86 keeps loads in order, and stores; only the compiler must be held back. */
#define fr_load_acquire(p)      ({ typeof(*(p)) v_ = ACCESS_ONCE(*(p)); \
                                   smp_rmb(); v_; })
#define fr_store_release(p, v)  do { smp_wmb(); ACCESS_ONCE(*(p)) = (v); \
                                } while ( 0 )

/* Atomic against all pCPUs, and a full barrier. */
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

/* A release: stores before it are visible before it. */
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
