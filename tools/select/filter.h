/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h: which records of a snapshot: by domain, vCPU, pCPU, event, class,
 * time, and expressions over their fields.  The
 * options are an argp child, so that every command that reads records has the
 * same ones.
 */

#ifndef XENFLIGHT_FILTER_H
#define XENFLIGHT_FILTER_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/read/merge.h"
#include "tools/select/expr.h"
#include "tools/select/when.h"

#define FILTER_MAX_GLOBS 16
#define FILTER_MAX_EXPRS 8
#define FILTER_MAX_CPUS  65536  /* and vCPUs */

/* Names that match one of these; none given: all do. */
struct filter_globs {
    const char *glob[FILTER_MAX_GLOBS];
    unsigned int nr;
};

/* Says with argp_error() that there are too many. */
void filter_globs_add(struct filter_globs *g, const char *glob,
                      struct argp_state *state);
/* Whatever the case. */
bool filter_globs_match(const struct filter_globs *g, const char *name);

struct filter {
    /* As given: zeroed before argp_parse(). */
    const char *domain;
    struct filter_globs events, classes;
    bool by_cpu, by_vcpu;
    bool cpu[FILTER_MAX_CPUS], vcpu[FILTER_MAX_CPUS];
    const char *text[FILTER_MAX_EXPRS]; /* of expr[] */
    struct expr *expr[FILTER_MAX_EXPRS];
    unsigned int nr_exprs;
    bool has_from, has_to;
    struct when from, to;
    bool by_time;
    uint64_t last_ns;       /* by_time: from so long before the trigger on */

    /* Resolved against one file. */
    struct doc_domids domids;
    uint64_t from_tsc, to_tsc;
    int8_t shown[XEN_FLIGHTREC_IDS]; /* 0: not asked yet, 1: wanted, -1: not */
};

/*
 * --domain, --vcpu, --cpu, --event, --class, --filter, --from, --to; the input is
 * a struct filter.
 */
extern const struct argp filter_argp;

/*
 * -ENOENT, said on stderr: the file has no such domain, field, value or clock.
 * `doc` must outlive the filter.
 */
int filter_resolve(struct filter *f, const struct doc *doc);
void filter_free(struct filter *f);

/* A number of what is asked for, after filter_resolve(); 0: nothing is. */
uint64_t filter_number(const struct filter *f);

/* A gap may hide anything: it is wanted whatever domain or event is. */
bool filter_wants(struct filter *f, const struct merge_record *rec);

/* Written while the domain ran, or names it. */
bool filter_is_of(const struct merge_record *rec, uint32_t domid);

#endif /* XENFLIGHT_FILTER_H */
