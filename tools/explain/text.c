/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c: the parts that explain's lines are made of.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/text.h"
#include "tools/explain/text.h"

void say(struct story *s, const char *fmt, ...)
{
    va_list ap;

    if ( s->lines >= s->room )
        return;

    va_start(ap, fmt);
    vsnprintf(s->line[s->lines++], EXPLAIN_LINE_BYTES, fmt, ap);
    va_end(ap);
}

double secs(const struct story *s, uint64_t tsc)
{
    return doc_ns(&s->src->doc, tsc) / 1e9;
}

const char *lasts(const struct story *s, char *buf, uint64_t ticks)
{
    double us = ticks * 1e3 / s->src->doc.tsc_khz;

    if ( us < 1e3 )
        snprintf(buf, EXPLAIN_PART, "%.1f us", us);
    else if ( us < 1e6 )
        snprintf(buf, EXPLAIN_PART, "%.2f ms", us / 1e3);
    else
        snprintf(buf, EXPLAIN_PART, "%.3f s", us / 1e6);
    return buf;
}

const char *at(const struct story *s, char *buf, uint64_t tsc, uint16_t cpu)
{
    snprintf(buf, EXPLAIN_PART, "[%+.9f cpu%u]", secs(s, tsc), cpu);
    return buf;
}

const char *span(const struct story *s, char *buf, uint64_t from, uint64_t to,
                 int cpu)
{
    char who[24] = "all pCPUs";

    if ( cpu >= 0 )
        snprintf(who, sizeof(who), "cpu%d", cpu);
    snprintf(buf, EXPLAIN_PART, "[%+.6f to %+.6f %s]", secs(s, from),
             secs(s, to), who);
    return buf;
}

const char *at_deed(const struct story *s, char *buf, const struct deed *d)
{
    return at(s, buf, d->tsc, d->cpu);
}

const char *stretch(const struct story *s, char *buf,
                    const struct accounts *acc)
{
    return span(s, buf, acc->from, acc->to, -1);
}

/* `domain 5 "web1"`; one that died may be in the trigger only. */
const char *domain(const struct story *s, char *buf, uint32_t domid)
{
    const struct doc *d = &s->src->doc;
    const char *name = doc_text(doc_domain(d, domid), "name", "");
    char safe[80];

    if ( !name[0] && d->domid == domid )
        name = d->name;
    text_escape(safe, sizeof(safe), name);
    snprintf(buf, EXPLAIN_PART, safe[0] ? "domain %" PRIu32 " \"%s\""
                                : "domain %" PRIu32 "%s", domid, safe);
    return buf;
}

const char *vcpu_name(const struct story *s, char *buf, uint32_t domid,
                      uint32_t vcpu)
{
    char dom[EXPLAIN_PART];

    domain(s, dom, domid);
    snprintf(buf, EXPLAIN_PART, "%.100s vCPU %" PRIu32, dom, vcpu);
    return buf;
}

const char *subject(const struct story *s, char *buf)
{
    return s->has_vcpu ? vcpu_name(s, buf, s->domid, s->vcpu)
                       : domain(s, buf, s->domid);
}

const struct account *own_account(const struct story *s,
                                  const struct accounts *acc)
{
    for ( unsigned int i = 0; i < vcpus_nr(acc->vcpus); i++ )
    {
        const struct vcpu *v = vcpus_nth(acc->vcpus, i);

        if ( v->domid == s->domid && s->has_vcpu && v->vcpu == s->vcpu )
            return v->data;
    }

    return NULL;
}

unsigned int share_of(uint64_t part, uint64_t all)
{
    return all ? (unsigned __int128)part * 100 / all : 0;
}

const char *op_name(const struct story *s, char *buf, unsigned int op)
{
    const char *name =
        event_value_name(event_enum_find(s->src->doc.dict, "hypercall"), op);

    if ( name )
        snprintf(buf, EXPLAIN_PART, "%s", name);
    else
        snprintf(buf, EXPLAIN_PART, "%u", op);
    return buf;
}
