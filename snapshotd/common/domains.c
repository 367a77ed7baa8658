/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domains.c: the table of domains; part of each process. */

#include "snapshotd/common/domains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct domain *domains_find(struct domains *t, uint16_t domid,
                            const uint8_t *handle)
{
    struct domain *best = NULL, *e;

    for ( e = t->entry; e < t->entry + t->nr; e++ )
    {
        if ( e->d.domid != domid ||
             (handle && memcmp(e->d.handle, handle, sizeof(e->d.handle))) )
            continue;
        if ( !best || e->changed > best->changed )
            best = e;
    }
    return best;
}

struct domain *domains_get(struct domains *t, uint16_t domid,
                           const uint8_t handle[16])
{
    struct domain *e = domains_find(t, domid, handle);
    unsigned int room;

    if ( e )
        return e;
    if ( t->nr == t->room )
    {
        room = t->room ? 2 * t->room : 16;
        e = reallocarray(t->entry, room, sizeof(*e));
        if ( !e )
            return NULL;
        t->entry = e;
        t->room = room;
    }
    e = &t->entry[t->nr++];
    memset(e, 0, sizeof(*e));
    e->d.domid = domid;
    memcpy(e->d.handle, handle, sizeof(e->d.handle));
    return e;
}

/* The order stays: readers of a snapshot take it for that of creation. */
static void forget_oldest(struct domains *t)
{
    struct domain *e, *oldest = NULL;
    unsigned int gone = 0;

    for ( e = t->entry; e < t->entry + t->nr; e++ )
    {
        if ( !e->d.gone )
            continue;
        gone++;
        if ( !oldest || e->changed < oldest->changed )
            oldest = e;
    }
    if ( gone <= DOMAINS_GONE )
        return;
    free(oldest->name);
    t->nr--;
    memmove(oldest, oldest + 1, (t->entry + t->nr - oldest) * sizeof(*oldest));
}

void domains_changed(struct domains *t, struct domain *dom)
{
    dom->changed = ++t->clock;
    dom->owed = OWED_ALL;
    forget_oldest(t);
}

int domains_copy(struct domains *t, const struct msg_domain *in)
{
    struct domain *d = domains_get(t, in->domid, in->handle);

    if ( !d )
        return -ENOMEM;
    d->d = *in;
    domains_changed(t, d);
    return 0;
}

bool domains_set_name(struct domain *dom, const char *name, size_t bytes)
{
    char *copy;

    if ( bytes > PROTO_TEXT )
        bytes = PROTO_TEXT;
    if ( bytes == dom->name_bytes && !memcmp(dom->name ? dom->name : "", name,
                                             bytes) )
        return false;
    copy = malloc(bytes + 1);
    if ( !copy )
        return false;
    memcpy(copy, name, bytes);
    free(dom->name);
    dom->name = copy;
    dom->name_bytes = bytes;
    return true;
}

void domains_owe(struct domains *t, uint8_t to)
{
    struct domain *e;

    for ( e = t->entry; e < t->entry + t->nr; e++ )
        e->owed |= to;
}

void domains_free(struct domains *t)
{
    struct domain *e;

    for ( e = t->entry; e < t->entry + t->nr; e++ )
        free(e->name);
    free(t->entry);
    memset(t, 0, sizeof(*t));
}
