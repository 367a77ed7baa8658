/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h: the parts of explain's lines.
 */

#ifndef XENFLIGHT_EXPLAIN_TEXT_H
#define XENFLIGHT_EXPLAIN_TEXT_H

#include "tools/explain/explain.h"

/* Append a line, unless x->room lines are there already. */
__attribute__((format(printf, 2, 3)))
void put_line(struct explain *x, const char *fmt, ...);

/* Each of these writes to `buf`, of EXPLAIN_PART bytes, and returns it. */
#define EXPLAIN_PART 128

/* `12.3 us'. */
const char *duration(const struct explain *x, char *buf, uint64_t ticks);
/* `[-0.123456789 cpu1]', citing a record. */
const char *at(const struct explain *x, char *buf, uint64_t tsc, uint16_t cpu);
const char *at_moment(const struct explain *x, char *buf,
                      const struct moment *m);
/* `[-0.123456 to -0.023456 cpu1]', citing a stretch.  cpu < 0: all pCPUs. */
const char *span(const struct explain *x, char *buf, uint64_t from,
                 uint64_t to, int cpu);
/* The same for the stretch of these accounts. */
const char *span_of(const struct explain *x, char *buf,
                    const struct accounts *acc);
/* `domain 5 "web1"'. */
const char *domain_name(const struct explain *x, char *buf, uint32_t domid,
                        uint64_t tsc);
/* `domain 5 "web1" vCPU 0'. */
const char *vcpu_name(const struct explain *x, char *buf, uint32_t domid,
                      uint32_t vcpu, uint64_t tsc);
/* The subject, with its vCPU if that is known. */
const char *subject_name(const struct explain *x, char *buf);
/* `xen_version', or the number if the dictionary has no name. */
const char *op_name(const struct explain *x, char *buf, unsigned int op);

double seconds(const struct explain *x, uint64_t tsc);

/* @part in percent of @all, rounded; 0 if @all is 0. */
unsigned int percent_of(uint64_t part, uint64_t all);

/*
 * The same as text.  A part is never shown as 0% if there is some, nor as 100%
 * if there is a rest: `<1%', `>99%'.
 */
struct percent {
    char text[8];
};
struct percent percent(uint64_t part, uint64_t all);

/* Ticks that one of x->neighbours had the subject's pCPU. */
uint64_t neighbour_ticks(const struct vcpu *v);

/* Return the subject's account, or NULL. */
const struct account *subject_account(const struct explain *x,
                                      const struct accounts *acc);

#endif /* XENFLIGHT_EXPLAIN_TEXT_H */
