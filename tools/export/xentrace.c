/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xentrace.c: writes a file as xentrace(8) does, for xenalyze.
 *
 * A record is a word (event, number of payload words, "has a TSC"), the TSC
 * and the payload.  The records of one pCPU are in windows.  A window begins
 * with a record without a TSC that holds its pCPU and length.  Windows are
 * written in rounds of rising pCPU number, when one of them is full.
 *
 * xenalyze expects the TSC of a pCPU to rise: a TSC that goes back is raised
 * to the newest before it.  It expects all pCPUs from the begin of the trace
 * on, and aborts if a vCPU migrates to a pCPU without records: records before
 * the begin of the youngest ring are left out.  A gap becomes a LOST_RECORDS
 * record.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/message.h"
#include "tools/export/export.h"
#include "tools/stats/vcpus.h"

#define EV_LOST_RECORDS 0x0001f001U
#define EV_CPU_CHANGE   0x0001f003U
#define EXTRA_SHIFT     28
#define CLASS_SHIFT     16
#define HAS_TSC         (1U << 31)
#define LOST_WORDS      4

/* Words of a window. */
#define WINDOW_WORDS    8192
#define RECORD_WORDS    (3 + XEN_FLIGHTREC_MAX_WORDS)

#define MAX_CPUS        (UINT16_MAX + 1)

/* xenalyze stops at a pCPU with this number or a higher one: its MAX_CPUS. */
#define XENALYZE_CPUS   256

struct window {
    uint64_t last;         /* newest TSC */
    bool gap;              /* a gap that is not written yet */
    uint64_t gap_tsc;      /* its latest possible begin */
    uint64_t missing;      /* its number of records */
    uint32_t used;         /* words */
    uint32_t word[WINDOW_WORDS];
};

struct rounds {
    uint64_t start;        /* TSC; older records are left out */
    unsigned int cpus;     /* 1 + the highest pCPU with a window */
    struct window *cpu[MAX_CPUS];
};

static int put(const void *data, size_t words)
{
    return fwrite(data, sizeof(uint32_t), words, stdout) == words ? 0 : -EIO;
}

static int write_round(struct rounds *r)
{
    for ( unsigned int i = 0; i < r->cpus; i++ )
    {
        struct window *w = r->cpu[i];
        uint32_t head[3] = { EV_CPU_CHANGE | 2U << EXTRA_SHIFT, i };

        if ( !w || !w->used )
            continue;
        head[2] = w->used * sizeof(uint32_t);
        if ( put(head, 3) || put(w->word, w->used) )
            return -EIO;
        w->used = 0;
    }

    return 0;
}

/* Get the window of a pCPU, with room for a gap and one more record. */
static int window_for(struct rounds *r, uint16_t cpu, struct window **out)
{
    struct window *w = r->cpu[cpu];
    int rc = 0;

    if ( !w )
    {
        w = calloc(1, sizeof(*w));
        if ( !w )
            return -ENOMEM;
        r->cpu[cpu] = w;
        if ( cpu >= r->cpus )
            r->cpus = cpu + 1;
    }
    if ( w->used + 2 * RECORD_WORDS > WINDOW_WORDS )
        rc = write_round(r);

    *out = w;
    return rc;
}

static void add(struct window *w, uint64_t tsc, uint32_t event,
                const uint32_t *data, unsigned int words)
{
    uint32_t *to = &w->word[w->used];

    to[0] = event | words << EXTRA_SHIFT | HAS_TSC;
    to[1] = tsc;
    to[2] = tsc >> 32;
    memcpy(to + 3, data, words * sizeof(*data));
    w->used += 3 + words;
    w->last = tsc;
}

/* Whether the format cannot express a record, or would take it for a header. */
static bool is_left_out(const struct merge_record *rec)
{
    uint32_t class = rec->event >> CLASS_SHIFT;

    if ( rec->kind == MERGE_GAP )
        return rec->channel != XEN_FLIGHTREC_CH_BUSY;

    return !class || (class & (class - 1)) ||
           (rec->event >= EV_LOST_RECORDS && rec->event <= EV_CPU_CHANGE);
}

/* Gaps without a record between them become one. */
static void note_gap(struct window *w, uint64_t tsc, uint64_t missing)
{
    w->missing = w->gap ? w->missing + missing : missing;
    w->gap_tsc = w->gap ? w->gap_tsc : tsc;
    w->gap = true;
}

/*
 * Add the pending gap, which lasts until @rec, or until the end if that is
 * NULL.  xenalyze rejects a gap without a duration.
 */
static void add_lost(struct window *w, unsigned int cpu,
                     const struct merge_record *rec)
{
    bool known = rec && rec->domid != MERGE_NO_DOMAIN;
    uint64_t from = w->last ? w->last : w->gap_tsc;
    uint64_t to = rec ? rec->tsc : w->gap_tsc;
    uint32_t data[LOST_WORDS] = {
        w->missing > UINT32_MAX ? UINT32_MAX : w->missing,
        known ? (rec->vcpu & 0xffff) << 16 | (rec->domid & 0xffff)
              : cpu << 16 | VCPU_IDLE_DOMAIN,
        from, from >> 32,
    };

    w->gap = false;
    add(w, to > from ? to : from + 1, EV_LOST_RECORDS, data, LOST_WORDS);
}

static int xentrace_record(struct export *x, const struct merge_record *rec)
{
    struct rounds *r = x->state;
    uint64_t tsc = rec->tsc;
    struct window *w;
    int rc;

    if ( tsc < r->start || is_left_out(rec) )
    {
        x->left_out += rec->kind == MERGE_EVENT;
        return 0;
    }

    rc = window_for(r, rec->cpu, &w);
    if ( rc )
        return rc;

    if ( tsc < w->last )
        tsc = w->last;
    if ( rec->kind == MERGE_GAP )
    {
        note_gap(w, tsc, rec->missing);
        return 0;
    }
    if ( w->gap )
    {
        add_lost(w, rec->cpu, rec);
        tsc = tsc < w->last ? w->last : tsc;
    }
    add(w, tsc, rec->event, rec->data, rec->words);
    return 0;
}

static int xentrace_open(struct export *x)
{
    struct rounds *r = calloc(1, sizeof(*r));

    if ( !r )
        return -ENOMEM;

    r->start = source_common_start(x->src);
    x->state = r;
    return 0;
}

static void warn_of_cpus(unsigned int cpus)
{
    char last[24];

    if ( cpus <= XENALYZE_CPUS )
        return;

    snprintf(last, sizeof(last), "pCPU %u", cpus - 1);
    complain(last, "xenalyze stops at pCPUs from 256 on: choose others with "
                   "--cpu");
}

static int xentrace_finish(struct export *x)
{
    struct rounds *r = x->state;
    struct window *w;
    int rc;

    warn_of_cpus(r->cpus);
    for ( unsigned int i = 0; i < r->cpus; i++ )
    {
        if ( !r->cpu[i] || !r->cpu[i]->gap )
            continue;
        rc = window_for(r, i, &w);
        if ( rc )
            return rc;
        add_lost(w, i, NULL);
    }

    return write_round(r);
}

static void xentrace_close(struct export *x)
{
    struct rounds *r = x->state;

    for ( unsigned int i = 0; r && i < r->cpus; i++ )
        free(r->cpu[i]);
    free(r);
}

const struct export_format export_xentrace = {
    .name = "xentrace",
    .binary = true,
    .open = xentrace_open,
    .record = xentrace_record,
    .finish = xentrace_finish,
    .close = xentrace_close,
};
