/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.h: a Xen in a process that consists of its flight recorder only: the
 * unchanged files of hypervisor/xen/common/flightrec/.  There are two of them,
 * so that a test can do something to one and compare it with the other.
 *
 * There is one thread; the caller selects the pCPU that acts.  NMIs nest at the
 * point that nmi() sets.
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

/* Initial content of memory. */
#define WORLD_HEAP_BYTE  0xa5
#define WORLD_STACK_BYTE 0xdb

struct xen_world {
    /* Boot with the value of flightrec= (or NULL). */
    void (*boot)(const char *option);
    /* Call before boot(): this Xen is a PV shim. */
    void (*shim)(void);
    /* The option of boot() was invalid. */
    bool (*option_refused)(void);
    /* XEN_SYSCTL_tbuf_op with Dom0's op, on pCPU `cpu`. */
    int (*control)(unsigned int cpu, struct xen_flightrec_op *op);
    void (*trace)(unsigned int cpu, uint32_t event, const void *data,
                  unsigned int bytes);
    bool (*wants)(uint32_t event);
    /* what: 0: domain_shutdown(reason); 1: dying; 2: resume */
    void (*domain)(unsigned int cpu, unsigned int domain, unsigned int what,
                   unsigned int reason);
    /* SCHEDOP_shutdown_code. */
    void (*shutdown_code)(unsigned int domain, unsigned int reason);
    void (*plug)(unsigned int cpu, bool online);
    /* Run a pCPU's softirqs and tasklets; pass time, with its timers. */
    void (*softirqs)(unsigned int cpu);
    void (*time)(uint64_t ns);
    void (*tsc)(int64_t by);
    /* Call fn on pCPU 0, `after` points from now, while this pCPU stalls. */
    void (*stall)(unsigned int after, void (*fn)(void));
    /* An NMI that traces `event`, `after` points from now. */
    void (*nmi)(unsigned int after, uint32_t event);
    /* Limit the allocations that succeed, the checks that find no softirq, and
     * the attempts that get the CPU maps; ~0: no limit. */
    void (*luck)(unsigned int allocs, unsigned int softirqs, unsigned int maps);
    /* Map one frame of a resource.  Return the page, or -errno. */
    int (*map)(unsigned int id, unsigned int frame);
    /* Map a page whose number Dom0 knows from before. */
    bool (*map_page)(unsigned int page);
    void (*unmap)(unsigned int page);
    /*
     * Unmap a page when the recorder next drops its own reference.  The pCPU
     * that unmaps it is inside free_domheap_page() until unmap_done().
     */
    void (*unmap_race)(unsigned int page);
    /* Return true if that has happened. */
    bool (*unmap_done)(void);
    /* The memory of a page if it is lent to Dom0; else NULL. */
    uint8_t *(*lent)(unsigned int page);
    /*
     * The most pages and cache lines of other pCPUs that the recorder touched
     * between two checks of the clock or for softirqs, since the last call.
     */
    unsigned int (*most_work)(void);
    unsigned int (*pages_used)(void);
    unsigned int (*virqs)(unsigned int virq);
    uint64_t (*state)(void); /* a hash of the state hidden from Dom0 */
};

extern const struct xen_world xen_world_a, xen_world_b;

#endif /* XENWORLD_WORLD_H */
