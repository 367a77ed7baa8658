/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h: select records of a snapshot by domain, vCPU, pCPU, event, class,
 * time, and expressions over their fields.  The options are an argp child, the
 * same for all commands that read records.
 */

#ifndef XENFLIGHT_FILTER_H
#define XENFLIGHT_FILTER_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/read/merge.h"
#include "tools/base/options.h"
#include "tools/select/expr.h"
#include "tools/select/when.h"

#define FILTER_MAX_GLOBS 16
#define FILTER_MAX_EXPRS 8
#define FILTER_MAX_CPUS  65536  /* and vCPUs */

/* A name must match one of these; without any, all names match. */
struct filter_globs {
    const char *glob[FILTER_MAX_GLOBS];
    unsigned int nr;
};

/* Calls argp_error() if there are too many. */
void filter_globs_add(struct filter_globs *g, const char *glob,
                      struct argp_state *state);
/* Case is ignored. */
bool filter_globs_match(const struct filter_globs *g, const char *name);

struct filter {
    /* The options.  Zeroed before argp_parse(). */
    const char *domain;
    struct filter_globs events, classes;
    bool by_cpu, by_vcpu;
    bool cpu[FILTER_MAX_CPUS], vcpu[FILTER_MAX_CPUS];
    const char *text[FILTER_MAX_EXPRS]; /* source of expr[] */
    struct expr *expr[FILTER_MAX_EXPRS];
    unsigned int nr_exprs;
    bool has_from, has_to;
    struct when from, to;
    struct last last;

    /* Set by filter_resolve(), for one file. */
    struct doc_domids domids;
    const struct lives *lives;
    uint64_t from_tsc, to_tsc;
    int8_t shown[XEN_FLIGHTREC_IDS]; /* 0: unknown, 1: selected, -1: not */
};

/*
 * --domain, --vcpu, --cpu, --event, --class, --filter, --from, --to.  The input is
 * a struct filter.
 */
extern const struct argp filter_argp;

/*
 * Bind the filter to a file.  @doc and @lives must outlive it.  If @lives is
 * NULL, --domain selects all domains with the number of the named one.  Return
 * 0, or -ENOENT after a message on stderr if the file has no such domain, event,
 * field, value or clock.
 */
int filter_resolve(struct filter *f, const struct doc *doc,
                   const struct lives *lives);
void filter_free(struct filter *f);

/*
 * Print a message on stderr for a selection without any of the @records records of
 * the file: it may be a mistake.  Without records in the file it is none.
 */
void filter_none_left(const char *path, uint64_t records);

/*
 * Return a hash of the selection after filter_resolve(), or 0 if all records are
 * selected.
 */
uint64_t filter_number(const struct filter *f);

/*
 * Return true if the record is selected.  A gap may hide any record, so domain and
 * event do not apply to it.
 */
bool filter_wants(struct filter *f, const struct merge_record *rec);

/* Return true if the record was written while the domain ran, or names it. */
bool filter_is_of(const struct merge_record *rec, uint32_t domid);

#endif /* XENFLIGHT_FILTER_H */
