/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flightrec-platform.h: the core's primitives for the step checker.  Each one
 * that accesses shared state ends in a scheduling point, where the checker may
 * run another context.  Plain accesses between two primitives occur together
 * with the later one.  There is one pCPU, so local operations are plain C.
 */

#ifndef FR_PLATFORM_H
#define FR_PLATFORM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FR_CACHELINE 64
#define FR_ASSERT(x) ((x) ? (void)0 : step_violated("assertion " #x))

#define likely(x)    __builtin_expect(!!(x), 1)
#define unlikely(x)  __builtin_expect(!!(x), 0)

struct fr_cpu;

/* Provided by the checker. */
extern struct fr_cpu *step_cpu;
void step_point(void);
void step_violated(const char *what) __attribute__((__noreturn__));
/* Called after a primitive's effect, before another context runs. */
void step_wrote(const void *p, uint64_t val);
void step_swapped(const void *p, uint64_t old, uint64_t val);
void step_added(const void *p, uint64_t add);
uint64_t step_clock(void);

static inline struct fr_cpu *fr_this_cpu(void)
{
    return step_cpu;
}

static inline uint64_t fr_clock(void)
{
    uint64_t now = step_clock();

    step_point();
    return now;
}

static inline bool fr_clock_pair(uint64_t *tsc, uint64_t *ns)
{
    return false;
}

static inline void fr_current(uint16_t *domid, uint16_t *vcpu)
{
    *domid = *vcpu = 0;
}

static inline unsigned long fr_irq_save(void)
{
    return 0;
}

static inline void fr_irq_restore(unsigned long flags)
{
}

static inline void fr_wake_soon(void)
{
}

#define fr_barrier() __asm__ volatile("" ::: "memory")
#define fr_rmb()     fr_barrier()
#define fr_wmb()     fr_barrier()

#define fr_read(x) ({                                                         \
    __typeof__(x) v_ = *(const volatile __typeof__(x) *)&(x);                 \
    step_point();                                                             \
    v_;                                                                       \
})

#define fr_write(x, v) ({                                                     \
    *(volatile __typeof__(x) *)&(x) = (v);                                    \
    step_wrote(&(x), (x));                                                    \
    step_point();                                                             \
})

#define fr_load_acquire(p)     fr_read(*(p))
#define fr_store_release(p, v) fr_write(*(p), v)

static inline bool fr_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    bool done = *p == old;

    if ( done )
        *p = val;
    step_point();
    return done;
}

static inline bool fr_local_cmpxchg(uint64_t *p, uint64_t old, uint64_t val)
{
    bool done = *p == old;

    if ( done )
    {
        *p = val;
        step_swapped(p, old, val);
    }
    step_point();
    return done;
}

static inline uint64_t fr_local_xadd(uint64_t *p, uint64_t add)
{
    uint64_t old = *p;

    *p += add;
    step_point();
    return old;
}

static inline void fr_local_add(uint64_t *p, uint64_t add)
{
    *p += add;
    step_added(p, add);
    step_point();
}

#endif /* FR_PLATFORM_H */
