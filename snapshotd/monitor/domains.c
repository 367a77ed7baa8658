/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domains.c: who is who: Xen's list of domains, and the names that
 * xenstore has of them, passed on as bytes.
 */

#include "snapshotd/monitor/monitor-impl.h"

#include <stdlib.h>
#include <string.h>

#include "snapshotd/common/log.h"

/*
 * A name is noted when it is seen, and not given up when it vanishes.  What was
 * read is this domain's if Xen has it afterwards: its number may be given again.
 */
void monitor_name(struct monitor *m, uint16_t domid, const uint8_t handle[16])
{
    char name[PROTO_TEXT] = "";
    size_t bytes = xs_domain_name(&m->xs, domid, name, sizeof(name));
    struct domain *d = domains_find(&m->domains, domid, handle);

    if ( !bytes || !d || d->d.gone ||
         (d->d.name_bytes == bytes && !memcmp(d->d.name, name, bytes)) ||
         !monitor_has_domain(m, domid, handle) )
        return;
    memset(d->d.name, 0, sizeof(d->d.name));
    memcpy(d->d.name, name, bytes);
    d->d.name_bytes = bytes;
    domains_changed(&m->domains, d);
}

static void note_domain(struct monitor *m, const struct hyp_domain *in)
{
    struct domain *d = domains_get(&m->domains, in->domid, in->handle);
    struct msg_domain old;

    if ( !d )
        return;
    old = d->d;
    if ( !d->changed && !m->xenstore.named_ms )
        m->xenstore.named_ms = monitor_ms();
    d->d.gone = false;
    d->d.vcpus = in->vcpus;
    d->d.shutdown = in->shutdown;
    d->d.reason = in->reason;
    if ( !d->changed || memcmp(&old, &d->d, sizeof(old)) )
        domains_changed(&m->domains, d);
}

/* A migrated domain comes with another name than it gets in the end. */
void monitor_renamed(void *arg, unsigned int domid)
{
    struct monitor *m = arg;
    struct domain *d = domains_find(&m->domains, domid, NULL);
    struct msg_domain now;

    if ( !d || d->d.gone )
        return;
    now = d->d;
    monitor_name(m, now.domid, now.handle);
}

static void mark_gone(struct monitor *m, const struct hyp_domain *list,
                      unsigned int nr)
{
    struct domain *d;
    unsigned int i;

    for ( i = 0; i < m->domains.nr; i++ )
        m->domains.entry[i].seen = false;
    for ( i = 0; i < nr; i++ )
    {
        d = domains_find(&m->domains, list[i].domid, list[i].handle);
        if ( d )
            d->seen = true;
    }
    for ( i = 0; i < m->domains.nr; i++ )
    {
        d = &m->domains.entry[i];
        if ( d->seen || d->d.gone )
            continue;
        d->d.gone = true;
        domains_changed(&m->domains, d);
    }
}

/* Whoever calls it: what xenstore has to do with them is its thread's. */
void monitor_domains(struct monitor *m)
{
    const uint64_t before = m->domains.clock;
    struct hyp_domain *list;
    unsigned int nr, i;
    int rc = hyp_domains(m->hyp, &list, &nr);

    if ( rc )
    {
        log_error("domains: Xen does not list them: %s", hyp_why(rc));
        return;
    }
    mark_gone(m, list, nr);
    for ( i = 0; i < nr; i++ )
        note_domain(m, &list[i]);
    free(list);
    if ( m->domains.clock == before )
        return;
    m->xenstore.domains = true;
    monitor_ask_xenstore(m);
}

bool monitor_has_domain(void *arg, uint16_t domid, const uint8_t handle[16])
{
    struct monitor *m = arg;
    struct hyp_domain *list;
    unsigned int nr, i;
    bool has = false;

    if ( hyp_domains(m->hyp, &list, &nr) )
        return false;
    for ( i = 0; i < nr; i++ )
        has |= list[i].domid == domid && !list[i].dying &&
               !memcmp(list[i].handle, handle, sizeof(list[i].handle));
    free(list);
    return has;
}
