/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.h: a Xen that consists of its flight recorder, in a process: the files
 * of hypervisor/xen/common/flightrec/ as they are.  There are two of it, so that
 * what one of them is spared can be seen not to matter to the other.
 *
 * One thread: the caller says which pCPU acts.  NMIs nest where world_nmi() has
 * put them.
 */

#ifndef XENWORLD_WORLD_H
#define XENWORLD_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/flightrec.h>

#define WORLD_CPUS    3
#define WORLD_DOMAINS 3
#define WORLD_PAGES   1024

/* Bytes that memory has before Xen puts something there. */
#define WORLD_HEAP_BYTE  0xa5
#define WORLD_STACK_BYTE 0xdb

struct xen_world {
    /* Boots, with what stands behind flightrec= (or NULL). */
    void (*boot)(const char *option);
    /* XEN_SYSCTL_tbuf_op by Dom0 on pCPU `cpu`; op is as Dom0 gave it. */
    int (*control)(unsigned int cpu, struct xen_flightrec_op *op);
    void (*trace)(unsigned int cpu, uint32_t event, const void *data,
                  unsigned int bytes);
    bool (*wants)(uint32_t event);
    /* 0: domain_shutdown(reason), 1: it dies for `reason` as cause, 2: resume */
    void (*domain)(unsigned int cpu, unsigned int domain, unsigned int what,
                   unsigned int reason);
    void (*plug)(unsigned int cpu, bool online);
    /* Softirqs and tasklets of a pCPU; RCU; time, and timers that are due. */
    void (*softirqs)(unsigned int cpu);
    void (*rcu)(void);
    void (*time)(uint64_t ns);
    void (*tsc)(int64_t by);
    /* An NMI that traces `event`, `after` points from now. */
    void (*nmi)(unsigned int after, uint32_t event);
    /* So many allocations work, so many looks for softirqs find none, so many
     * attempts get the CPU maps; ~0: all. */
    void (*luck)(unsigned int allocs, unsigned int softirqs, unsigned int maps);
    /* Maps one frame of a resource; < 0: refused, else the page. */
    int (*map)(unsigned int id, unsigned int frame);
    /* Maps a page whose number Dom0 has from before. */
    bool (*map_page)(unsigned int page);
    void (*unmap)(unsigned int page);
    /* The memory of a page, if Dom0 may see it now; else NULL. */
    uint8_t *(*lent)(unsigned int page);
    unsigned int (*pages_used)(void);
    unsigned int (*virqs)(unsigned int virq);
    uint64_t (*state)(void); /* of what Dom0 cannot see, in one number */
};

extern const struct xen_world xen_world_a, xen_world_b;

#endif /* XENWORLD_WORLD_H */
