/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * marks.c: finds and keeps the records at which a domain or a pCPU begins or
 * ends.
 */

#include <string.h>

#include "tools/stats/account.h"
#include "tools/stats/marks.h"

static const struct {
    const char *name;
    enum mark_kind kind;
} mark_names[] = {
    { "FR_DOMAIN_CRASH", MARK_CRASH },
    { "SCHED_SHUTDOWN", MARK_SHUTDOWN },
    { "SCHED_DOM_ADD", MARK_ADD },
    { "DOM0_DOM_ADD", MARK_ADD },
    { "SCHED_DOM_REM", MARK_REMOVE },
    { "DOM0_DOM_REM", MARK_REMOVE },
    { "FR_CPU_UP", MARK_CPU_UP },
    { "FR_CPU_DOWN", MARK_CPU_DOWN },
};

bool mark_find(const char *name, enum mark_kind *kind)
{
    for ( size_t i = 0; i < sizeof(mark_names) / sizeof(mark_names[0]); i++ )
        if ( !strcmp(name, mark_names[i].name) )
        {
            *kind = mark_names[i].kind;
            return true;
        }

    return false;
}

uint64_t marks_oldest(const struct marks *m)
{
    return m->nr > MARKS_KEPT ? m->nr - MARKS_KEPT : 0;
}

const struct mark *marks_nth(const struct marks *m, uint64_t n)
{
    return &m->mark[n % MARKS_KEPT];
}

const struct mark *marks_newest(const struct marks *m, enum mark_kind kind,
                                uint32_t domid)
{
    for ( uint64_t i = m->nr; i-- > marks_oldest(m); )
    {
        const struct mark *mark = marks_nth(m, i);

        if ( mark->kind == kind &&
             (domid == MERGE_NO_DOMAIN || mark->domid == domid) )
            return mark;
    }

    return NULL;
}

const struct mark *marks_newest_at(const struct marks *m, enum mark_kind kind,
                                   const struct lives *lives, uint32_t domid,
                                   uint64_t tsc)
{
    unsigned int later = lives_later(lives, domid, tsc);

    for ( uint64_t i = m->nr; i-- > marks_oldest(m); )
    {
        const struct mark *mark = marks_nth(m, i);

        if ( mark->kind == kind && mark->domid == domid &&
             lives_later(lives, domid, mark->tsc) == later )
            return mark;
    }

    return NULL;
}

/* Two events record a domain's begin, and two its end: the first one counts. */
static bool is_repeated(const struct marks *m, const struct mark *new,
                        const struct lives *lives)
{
    return (new->kind == MARK_ADD || new->kind == MARK_REMOVE) &&
           marks_newest_at(m, new->kind, lives, new->domid, new->tsc);
}

void marks_add(struct marks *m, const struct merge_record *rec,
               const struct lives *lives)
{
    struct event_who who = { MERGE_NO_DOMAIN, EVENT_NO_VCPU };
    uint64_t n = MERGE_NO_DOMAIN;
    enum mark_kind kind;
    struct mark new;

    if ( rec->kind != MERGE_EVENT || !rec->desc ||
         !mark_find(rec->desc->name, &kind) )
        return;

    if ( event_domain(rec->desc, 0, rec->data, rec->words, &who) )
        n = who.domid;
    else
        field_of(rec, "cpu", &n);

    new = (struct mark){ kind, rec->tsc, rec->cpu, n, who.vcpu, 0 };
    field_of(rec, kind == MARK_CRASH ? "cause" : "reason", &new.reason);
    if ( !is_repeated(m, &new, lives) )
        m->mark[m->nr++ % MARKS_KEPT] = new;
}
