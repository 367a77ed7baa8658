/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c: formats the parts of explain's lines.
 */

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/explain/text.h"

void put_line(struct explain *x, const char *fmt, ...)
{
    va_list ap;

    if ( x->lines >= x->room )
        return;

    va_start(ap, fmt);
    vsnprintf(x->line[x->lines++], EXPLAIN_LINE_BYTES, fmt, ap);
    va_end(ap);
}

double seconds(const struct explain *x, uint64_t tsc)
{
    return doc_ns(&x->src->doc, tsc) / 1e9;
}

const char *duration(const struct explain *x, char *buf, uint64_t ticks)
{
    double us = ticks * 1e3 / x->src->doc.tsc_khz;

    if ( us < 1e3 )
        snprintf(buf, EXPLAIN_PART, "%.1f us", us);
    else if ( us < 1e6 )
        snprintf(buf, EXPLAIN_PART, "%.2f ms", us / 1e3);
    else
        snprintf(buf, EXPLAIN_PART, "%.3f s", us / 1e6);
    return buf;
}

const char *at(const struct explain *x, char *buf, uint64_t tsc, uint16_t cpu)
{
    snprintf(buf, EXPLAIN_PART, "[%+.9f cpu%u]", seconds(x, tsc), cpu);
    return buf;
}

const char *span(const struct explain *x, char *buf, uint64_t from, uint64_t to,
                 int cpu)
{
    char where[24] = "all pCPUs";

    if ( cpu >= 0 )
        snprintf(where, sizeof(where), "cpu%d", cpu);
    snprintf(buf, EXPLAIN_PART, "[%+.6f to %+.6f %s]", seconds(x, from),
             seconds(x, to), where);
    return buf;
}

const char *at_moment(const struct explain *x, char *buf,
                      const struct moment *m)
{
    return at(x, buf, m->tsc, m->cpu);
}

const char *span_of(const struct explain *x, char *buf,
                    const struct accounts *acc)
{
    return span(x, buf, acc->from, acc->to, -1);
}

const char *domain_name(const struct explain *x, char *buf, uint32_t domid,
                        uint64_t tsc)
{
    char safe[80];

    if ( doc_is_other(&x->src->doc, domid) )
        return strcpy(buf, "another domain");
    text_escape(safe, sizeof(safe), lives_name(x->src->lives, domid, tsc));
    snprintf(buf, EXPLAIN_PART, safe[0] ? "domain %" PRIu32 " \"%s\""
                                : "domain %" PRIu32 "%s", domid, safe);
    return buf;
}

const char *vcpu_name(const struct explain *x, char *buf, uint32_t domid,
                      uint32_t vcpu, uint64_t tsc)
{
    char dom[EXPLAIN_PART];

    domain_name(x, dom, domid, tsc);
    if ( doc_is_other(&x->src->doc, domid) )
        snprintf(buf, EXPLAIN_PART, "%.100s", dom);
    else
        snprintf(buf, EXPLAIN_PART, "%.100s vCPU %" PRIu32, dom, vcpu);
    return buf;
}

const char *subject_name(const struct explain *x, char *buf)
{
    return x->has_vcpu ? vcpu_name(x, buf, x->domid, x->vcpu, x->end)
                       : domain_name(x, buf, x->domid, x->end);
}

const struct account *subject_account(const struct explain *x,
                                  const struct accounts *acc)
{
    const struct vcpu *v = x->has_vcpu
                           ? vcpus_find_life(acc->vcpus, x->domid, x->later,
                                             x->vcpu)
                           : NULL;

    return v ? v->data : NULL;
}

uint64_t neighbour_ticks(const struct vcpu *v)
{
    return *(const uint64_t *)v->data;
}

unsigned int percent_of(uint64_t part, uint64_t all)
{
    return all ? ((unsigned __int128)part * 100 + all / 2) / all : 0;
}

struct percent percent(uint64_t part, uint64_t all)
{
    unsigned int n = percent_of(part, all);
    struct percent p;

    if ( part && !n )
        strcpy(p.text, "<1%");
    else if ( part < all && n == 100 )
        strcpy(p.text, ">99%");
    else
        snprintf(p.text, sizeof(p.text), "%u%%", n > 99999 ? 99999 : n);
    return p;
}

const char *op_name(const struct explain *x, char *buf, unsigned int op)
{
    const char *name =
        event_value_name(event_enum_find(x->src->doc.dict, "hypercall"), op);

    if ( name )
        snprintf(buf, EXPLAIN_PART, "%s", name);
    else
        snprintf(buf, EXPLAIN_PART, "%u", op);
    return buf;
}
