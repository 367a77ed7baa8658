/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domains.c: Xen's list of domains; part of the monitor. */

#include "snapshotd/monitor/domains.h"

#include <stdlib.h>
#include <string.h>

#include "snapshotd/common/log.h"

static void note_domain(struct domains *t, const struct hyp_domain *in,
                        bool *is_new)
{
    struct domain *d = domains_get(t, in->domid, in->handle);
    struct msg_domain old;

    if ( !d )
        return;
    old = d->d;
    *is_new |= !d->changed;
    d->d.gone = false;
    d->d.vcpus = in->vcpus;
    d->d.shutdown = in->shutdown;
    d->d.reason = in->reason;
    if ( !d->changed || memcmp(&old, &d->d, sizeof(old)) )
        domains_changed(t, d);
}

static void mark_gone(struct domains *t, const struct hyp_domain *list,
                      unsigned int nr)
{
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < t->nr; i++ )
        t->entry[i].seen = false;
    for ( i = 0; i < nr; i++ )
    {
        d = domains_find(t, list[i].domid, list[i].handle);
        if ( d )
            d->seen = true;
    }
    /* Backwards: the entries behind one that is dropped move down. */
    for ( i = t->nr; i--; )
    {
        d = &t->entry[i];
        if ( d->seen || d->d.gone )
            continue;
        d->d.gone = true;
        domains_changed(t, d);
    }
}

bool monitor_domains_update(struct domains *t, struct hyp *hyp, bool *is_new)
{
    const uint64_t before = t->clock;
    struct hyp_domain *list;
    unsigned int nr, i;
    int rc = hyp_domains(hyp, &list, &nr);

    *is_new = false;
    if ( rc )
    {
        log_error("domains: listing them failed: %s", hyp_why(rc));
        return false;
    }
    mark_gone(t, list, nr);
    for ( i = 0; i < nr; i++ )
        note_domain(t, &list[i], is_new);
    free(list);
    return t->clock != before;
}

bool monitor_domains_has(struct hyp *hyp, uint16_t domid,
                         const uint8_t handle[16])
{
    struct hyp_domain *list;
    unsigned int nr, i;
    bool has = false;

    if ( hyp_domains(hyp, &list, &nr) )
        return false;
    for ( i = 0; i < nr; i++ )
        has |= list[i].domid == domid && !list[i].dying &&
               !memcmp(list[i].handle, handle, sizeof(list[i].handle));
    free(list);
    return has;
}
