/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h: the parts that explain's lines are made of.
 */

#ifndef XENFLIGHT_EXPLAIN_TEXT_H
#define XENFLIGHT_EXPLAIN_TEXT_H

#include "tools/explain/explain.h"

/* A line more, if there is room for one. */
__attribute__((format(printf, 2, 3)))
void say(struct story *s, const char *fmt, ...);

/* Each of these writes to `buf`, of EXPLAIN_PART bytes, and returns it. */
#define EXPLAIN_PART 128

/* `12.3 us'. */
const char *lasts(const struct story *s, char *buf, uint64_t ticks);
/* `[-0.123456789 cpu1]': a record. */
const char *at(const struct story *s, char *buf, uint64_t tsc, uint16_t cpu);
const char *at_deed(const struct story *s, char *buf, const struct deed *d);
/* `[-0.123456 to -0.023456 cpu1]': what was counted; cpu < 0: on all. */
const char *span(const struct story *s, char *buf, uint64_t from, uint64_t to,
                 int cpu);
/* ... in these accounts. */
const char *stretch(const struct story *s, char *buf,
                    const struct accounts *acc);
/* `domain 5 "web1"'. */
const char *domain(const struct story *s, char *buf, uint32_t domid);
/* `domain 5 "web1" vCPU 0'. */
const char *vcpu_name(const struct story *s, char *buf, uint32_t domid,
                      uint32_t vcpu);
/* The subject, with its vCPU if that is known. */
const char *subject(const struct story *s, char *buf);
/* `xen_version', or its number. */
const char *op_name(const struct story *s, char *buf, unsigned int op);

double secs(const struct story *s, uint64_t tsc);
/* In percent. */
unsigned int share_of(uint64_t part, uint64_t all);

/* The subject's.  NULL: there is none. */
const struct account *own_account(const struct story *s,
                                  const struct accounts *acc);

#endif /* XENFLIGHT_EXPLAIN_TEXT_H */
