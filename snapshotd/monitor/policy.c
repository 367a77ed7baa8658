/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy.c: limits and causes of snapshots; part of the monitor. */

#include "snapshotd/monitor/policy.h"

/* Keys of the buckets that are no domain's. */
static const uint8_t key_total[LIMIT_KEY_BYTES] = "total";
static const uint8_t key_requests[LIMIT_KEY_BYTES] = "requests";

static enum outcome judge(struct policy *p, const struct conf *c,
                          const struct xen_flightrec_trigger *t,
                          uint64_t now_ns)
{
    /* Its token was taken before the freeze. */
    if ( t->cause == XEN_FLIGHTREC_CAUSE_REQUEST )
        return OUTCOME_WRITTEN;
    if ( t->cause < XEN_FLIGHTREC_CAUSES && !(c->causes & (1U << t->cause)) )
        return OUTCOME_OFF;
    if ( !limit_allows(&p->domains, t->handle, &c->per_domain, now_ns) )
        return OUTCOME_DOMAIN;
    if ( !limit_take(&p->others, key_total, &c->total, now_ns) )
        return OUTCOME_TOTAL;
    limit_take(&p->domains, t->handle, &c->per_domain, now_ns);
    return OUTCOME_WRITTEN;
}

enum outcome policy_generation(struct policy *p, const struct conf *c,
                               const struct xen_flightrec_trigger *t,
                               uint64_t now_ns, struct counters *counters)
{
    if ( t->gen == p->judged_gen )
        return p->judged;
    p->judged = judge(p, c, t, now_ns);
    p->judged_gen = t->gen;
    if ( p->judged != OUTCOME_WRITTEN )
        count_add(counters, p->judged, t->cause);
    return p->judged;
}

void policy_forget(struct policy *p)
{
    p->judged_gen = 0;
}

enum outcome policy_requests(struct policy *p, const struct conf *c,
                             bool guests, uint64_t now_ns,
                             struct counters *counters)
{
    if ( guests && !limit_take(&p->others, key_total, &c->total, now_ns) )
    {
        count_add(counters, OUTCOME_TOTAL, STORE_CAUSE_GUEST);
        return OUTCOME_TOTAL;
    }
    if ( !guests &&
         !limit_take(&p->others, key_requests, &c->requests, now_ns) )
    {
        count_add(counters, OUTCOME_REQUESTS, XEN_FLIGHTREC_CAUSE_REQUEST);
        return OUTCOME_REQUESTS;
    }
    return OUTCOME_WRITTEN;
}
