/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * filter.h: which records of a snapshot: by domain, pCPU, event, time.  The
 * options are an argp child, so that every command that reads records has the
 * same ones.
 */

#ifndef XENFLIGHT_FILTER_H
#define XENFLIGHT_FILTER_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/merge.h"
#include "tools/tool.h"

#define FILTER_MAX_GLOBS 16
#define FILTER_MAX_CPUS  65536

struct filter {
    /* As given: zeroed before argp_parse(). */
    const char *domain;
    const char *glob[FILTER_MAX_GLOBS];
    unsigned int nr_globs;
    bool by_cpu;
    bool cpu[FILTER_MAX_CPUS];
    bool by_time;
    uint64_t last_ns;       /* by_time: from so long before the trigger on */

    /* Resolved against one file. */
    uint32_t domid;
    uint64_t from_tsc;
    int8_t shown[XEN_FLIGHTREC_IDS]; /* 0: not asked yet, 1: wanted, -1: not */
};

/* --domain, --cpu, --event; the input is a struct filter. */
extern const struct argp filter_argp;

/* -ENOENT, said on stderr: no such domain in this file. */
int filter_resolve(struct filter *f, const struct doc *doc);

/* A gap may hide anything: it is wanted whatever domain or event is. */
bool filter_wants(struct filter *f, const struct merge_record *rec);

/* Written while the domain ran, or names it. */
bool filter_is_of(const struct merge_record *rec, uint32_t domid);

#endif /* XENFLIGHT_FILTER_H */
