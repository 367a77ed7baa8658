/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-tbuf-deaths.c: find crashed domains on a Xen that does not report them.
 */

#include <stdlib.h>

#include "lib/xen/hyp-tbuf-impl.h"

/* Xen's shutdown reasons. */
#define SHUTDOWN_CRASH    3
#define SHUTDOWN_WATCHDOG 4

/* SCHED_SHUTDOWN: domain, vCPU, reason. */
#define EV_SHUTDOWN     0x00028007U

/* Find the newest record of the shutdown of @domid. */
static bool find_shutdown(const struct hyp_tbuf *x, uint16_t domid,
                          struct xen_flightrec_trigger *t)
{
    struct tbuf_record r;
    struct tbuf_iter it;
    uint32_t cpu, cons, fill;
    bool found = false;

    for ( cpu = 0; cpu < x->nr_cpus; cpu++ )
    {
        if ( !x->cpu[cpu].present ||
             tbuf_look(&x->cpu[cpu].c.t, &cons, &fill) )
            continue;
        tbuf_iter_init(&it, &x->cpu[cpu].c.t, cons, fill);
        while ( tbuf_next(&it, &r) > 0 )
        {
            if ( r.event != EV_SHUTDOWN || r.words < 3 || !r.has_tsc ||
                 r.data[0] != domid || (found && r.tsc < t->tsc) )
                continue;
            found = true;
            t->cpu = cpu;
            t->vcpu = r.data[1];
            t->reason = r.data[2];
            t->tsc = r.tsc;
        }
    }
    return found;
}

/* Set the trigger to the time of the shutdown, not of its discovery. */
static void date_back(const struct hyp_tbuf *x, struct xen_flightrec_trigger *t,
                      uint64_t now_tsc)
{
    uint64_t ago = now_tsc > t->tsc ? now_tsc - t->tsc : 0;

    if ( x->host.tsc_khz )
        t->ns -= (uint64_t)((double)ago / x->host.tsc_khz * 1e6);
}

static int cause_of(uint32_t reason)
{
    switch ( reason )
    {
    case SHUTDOWN_CRASH:
        return XEN_FLIGHTREC_CAUSE_CRASH;
    case SHUTDOWN_WATCHDOG:
        return XEN_FLIGHTREC_CAUSE_WATCHDOG;
    default:
        return 0;
    }
}

/*
 * Handle a domain that has shut down, or that vanished between two lists.  In
 * the second case the reason is taken from the records, if they have it.
 */
static void on_death(struct hyp_tbuf *x, const struct hyp_domain *d,
                     bool reason_known)
{
    struct xen_flightrec_trigger t;
    uint32_t reason = d->reason;
    uint64_t now;
    bool found;

    if ( reason_known && !cause_of(reason) )
        return;
    hyp_tbuf_trigger(&t, 0);
    now = t.tsc;
    found = find_shutdown(x, d->domid, &t);
    if ( found )
        date_back(x, &t, now);
    if ( !reason_known )
        reason = found ? t.reason : 0;
    t.cause = cause_of(reason);
    if ( !t.cause || !(x->causes & 1U << t.cause) )
        return;
    t.reason = reason;
    t.domid = d->domid;
    memcpy(t.handle, d->handle, sizeof(t.handle));
    if ( hyp_tbuf_begin(x, &t) == -EBUSY )
        hyp_tbuf_log(x, "domain %u crashed: cannot hold its history, %u "
                        "generations are still to be written",
                     d->domid, XEN_FLIGHTREC_MAX_HELD);
}

static const struct hyp_domain *find_domain(const struct hyp_domain *list,
                                            unsigned int nr,
                                            const struct hyp_domain *d)
{
    unsigned int i;

    for ( i = 0; i < nr; i++ )
        if ( list[i].domid == d->domid &&
             !memcmp(list[i].handle, d->handle, sizeof(d->handle)) )
            return &list[i];
    return NULL;
}

static void compare_domains(struct hyp_tbuf *x, const struct hyp_domain *list,
                            unsigned int nr)
{
    const struct hyp_domain *old;
    unsigned int i;

    for ( i = 0; i < nr; i++ )
    {
        old = find_domain(x->dom, x->nr_dom, &list[i]);
        if ( list[i].shutdown && !(old && old->shutdown) )
            on_death(x, &list[i], true);
    }
    for ( i = 0; i < x->nr_dom; i++ )
        if ( !x->dom[i].shutdown && !find_domain(list, nr, &x->dom[i]) )
            on_death(x, &x->dom[i], false);
}

/* Domains that are down in the first list are not triggers. */
int hyp_tbuf_domains(struct hyp *h, struct hyp_domain **list,
                     unsigned int *nr)
{
    struct hyp_tbuf *x = to_tbuf(h);
    int rc = x->raw->be->domains(x->raw, list, nr);
    struct hyp_domain *copy;

    if ( rc || !x->consumer )
        return rc;
    if ( x->listed )
        compare_domains(x, *list, *nr);
    copy = calloc(*nr + 1, sizeof(*copy));
    if ( !copy )
        return 0;
    memcpy(copy, *list, *nr * sizeof(*copy));
    free(x->dom);
    x->dom = copy;
    x->nr_dom = *nr;
    x->listed = true;
    return 0;
}
