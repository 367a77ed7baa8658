/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flightrec-platform.h: the core's primitives in user space, a thread acting
 * as a pCPU.  The names are those of Xen's <xen/flightrec-platform.h>.  Under
 * TSan the local operations are atomic, since it cannot see inline assembly.
 */

#ifndef FR_PLATFORM_H
#define FR_PLATFORM_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FR_CACHELINE 64
#define FR_ASSERT(x) assert(x)

#ifndef likely
#define likely(x)    __builtin_expect(!!(x), 1)
#define unlikely(x)  __builtin_expect(!!(x), 0)
#endif

struct fr_cpu;

/* Set by the test: this thread's pCPU, domain and vCPU. */
extern __thread struct fr_cpu *fr_hosted_cpu;
extern __thread uint16_t fr_hosted_domid, fr_hosted_vcpu;
/* If not NULL, called before each read of fr_hosted_cpu by the core. */
extern void (*fr_hosted_this_cpu)(void);
/* If not NULL, used instead of the TSC. */
extern uint64_t (*fr_hosted_clock)(void);
/* If not NULL, called to wake a reader. */
extern void (*fr_hosted_wake)(void);

static inline struct fr_cpu *fr_this_cpu(void)
{
#ifndef FR_BENCH
    if ( unlikely(fr_hosted_this_cpu != NULL) )
        fr_hosted_this_cpu();
#endif
    return *(struct fr_cpu *volatile *)&fr_hosted_cpu;
}

static inline uint64_t fr_clock(void)
{
#ifndef FR_BENCH
    if ( unlikely(fr_hosted_clock != NULL) )
        return fr_hosted_clock();
#endif
    return __builtin_ia32_rdtsc();
}

/* Read the TSC and the time in ns that belongs to it; false on failure. */
bool fr_clock_pair(uint64_t *tsc, uint64_t *ns);

static inline void fr_current(uint16_t *domid, uint16_t *vcpu)
{
    *domid = fr_hosted_domid;
    *vcpu = fr_hosted_vcpu;
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
    if ( fr_hosted_wake )
        fr_hosted_wake();
}

#define fr_barrier()            __asm__ volatile("" ::: "memory")
#ifdef __SANITIZE_THREAD__
/* TSan does not support fences; the code it checks has none. */
#define fr_rmb()                fr_barrier()
#define fr_wmb()                fr_barrier()
#else
#define fr_rmb()                __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fr_wmb()                __atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#define fr_read(x)              __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define fr_write(x, v)          __atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define fr_load_acquire(p)      __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define fr_store_release(p, v)  __atomic_store_n(p, v, __ATOMIC_RELEASE)

/* Atomic against all pCPUs. */
static inline bool fr_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    return __atomic_compare_exchange_n(p, &old, val, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

/* Atomic only against nesting on this pCPU. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
static inline bool fr_local_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    bool done;

    __asm__ volatile("cmpxchg %3, %1"
                     : "=@ccz"(done), "+m"(*p), "+a"(old)
                     : "r"(val)
                     : "memory");
    return done;
}

static inline uint64_t fr_local_xadd(uint64_t *p, uint64_t add)
{
    __asm__ volatile("xadd %0, %1" : "+r"(add), "+m"(*p) : : "memory");
    return add;
}

/* A release: stores before it are visible before it. */
static inline void fr_local_add(uint64_t *p, uint64_t add)
{
    __asm__ volatile("add %1, %0" : "+m"(*p) : "re"(add) : "memory");
}
#else
static inline bool fr_local_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    return fr_cmpxchg(p, old, val);
}

static inline uint64_t fr_local_xadd(uint64_t *p, uint64_t add)
{
    return __atomic_fetch_add(p, add, __ATOMIC_ACQ_REL);
}

static inline void fr_local_add(uint64_t *p, uint64_t add)
{
    __atomic_fetch_add(p, add, __ATOMIC_RELEASE);
}
#endif

#endif /* FR_PLATFORM_H */
