/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top.c: print the CPU time, waits and VM exits of domains or vCPUs.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/print/top.h"
#include "tools/stats/account.h"

/* All vCPUs of a domain, or one of them. */
struct row {
    uint32_t domid;
    unsigned int later;    /* as in struct life */
    int64_t vcpu;          /* < 0: all */
    unsigned int vcpus;
    struct account sum;
    struct times waits;
};

/*
 * Rows.
 */

static double percent(const struct accounts *a, uint64_t ticks)
{
    return a->to > a->from ? 100.0 * ticks / (a->to - a->from) : 0;
}

static double seconds(const struct doc *d, uint64_t ticks)
{
    return ticks / (d->tsc_khz * 1e3);
}

static double rate(const struct doc *d, const struct accounts *a, uint64_t n)
{
    return a->to > a->from ? n / seconds(d, a->to - a->from) : 0;
}

static double microseconds(const struct doc *d, uint64_t ticks)
{
    return ticks * 1e3 / d->tsc_khz;
}

static const char *name_of(const struct accounts *a, const struct row *r,
                           char *buf, size_t bytes)
{
    const struct life *life = lives_before(a->lives, r->domid, r->later);

    if ( r->domid == VCPU_IDLE_DOMAIN )
        snprintf(buf, bytes, "(idle)");
    else
        text_escape(buf, bytes, life ? life->name : "");
    return buf;
}

static void print_text(const struct doc *d, const struct accounts *a,
                       const struct row *r)
{
    char label[24], name[80], wait[16] = "-";
    char p50[16] = "-", p99[16] = "-", max[16] = "-";

    if ( r->vcpu < 0 )
        snprintf(label, sizeof(label), "d%" PRIu32, r->domid);
    else
        snprintf(label, sizeof(label), "d%" PRIu32 "v%" PRId64, r->domid,
                 r->vcpu);
    /* The idle domain is always runnable: that is not waiting. */
    if ( r->domid != VCPU_IDLE_DOMAIN )
        snprintf(wait, sizeof(wait), "%.1f",
                 percent(a, r->sum.ticks[RUNNABLE]));
    if ( r->waits.nr )
    {
        snprintf(p50, sizeof(p50), "%.1f",
                 microseconds(d, times_part(&r->waits, 500)));
        snprintf(p99, sizeof(p99), "%.1f",
                 microseconds(d, times_part(&r->waits, 990)));
        snprintf(max, sizeof(max), "%.1f", microseconds(d, r->waits.max));
    }
    printf("%-10s %6.1f %6s %6.1f %6.1f %6.1f %9.0f %9.0f %8.0f %7" PRIu64
           " %9s %9s %9s  %s\n", label, percent(a, r->sum.ticks[RUNNING]),
           wait, percent(a, r->sum.ticks[BLOCKED]),
           percent(a, r->sum.ticks[OFFLINE]), percent(a, r->sum.unknown),
           rate(d, a, r->sum.entries), rate(d, a, r->sum.hypercalls),
           rate(d, a, r->sum.io), r->waits.nr, p50, p99, max,
           name_of(a, r, name, sizeof(name)));
}

static int64_t ns(const struct doc *d, uint64_t ticks)
{
    return (__int128)ticks * 1000000 / d->tsc_khz;
}

/* The uuid of a domain whose number several domains had. */
static void print_uuid(const struct accounts *a, const struct row *r)
{
    const struct life *life = lives_before(a->lives, r->domid, r->later);
    json_t *uuid;

    if ( !life || (!life->later && !life->from) || !life->uuid[0] )
        return;
    uuid = json_string(life->uuid);
    printf(",\"uuid\":");
    json_dumpf(uuid, stdout, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(uuid);
}

static void print_json(const struct doc *d, const struct accounts *a,
                       const struct row *r)
{
    printf("{\"type\":\"%s\",\"domid\":%" PRIu32,
           r->vcpu < 0 ? "domain" : "vcpu", r->domid);
    print_uuid(a, r);
    if ( r->vcpu >= 0 )
        printf(",\"vcpu\":%" PRId64, r->vcpu);
    else
        printf(",\"vcpus\":%u", r->vcpus);
    for ( unsigned int i = 0; i < RUNSTATES; i++ )
        printf(",\"%s_ns\":%" PRId64, runstate_text[i],
               ns(d, r->sum.ticks[i]));
    printf(",\"unknown_ns\":%" PRId64 ",\"entries\":%" PRIu64
           ",\"exits\":%" PRIu64 ",\"hypercalls\":%" PRIu64 ",\"io\":%" PRIu64
           ",\"runs\":%" PRIu64 ",\"wakes\":%" PRIu64,
           ns(d, r->sum.unknown), r->sum.entries, r->sum.exits,
           r->sum.hypercalls, r->sum.io, r->sum.runs, r->waits.nr);
    if ( r->waits.nr )
        printf(",\"wake_to_run_ns\":{\"p50\":%" PRId64 ",\"p90\":%" PRId64
               ",\"p99\":%" PRId64 ",\"max\":%" PRId64 "}",
               ns(d, times_part(&r->waits, 500)),
               ns(d, times_part(&r->waits, 900)),
               ns(d, times_part(&r->waits, 990)), ns(d, r->waits.max));
    printf("}\n");
}

static void print_head(const struct doc *d, const struct accounts *a,
                       const struct top_form *o)
{
    if ( o->json )
    {
        printf("{\"type\":\"stretch\",\"from_ns\":%" PRId64 ",\"to_ns\":%"
               PRId64 ",\"records\":%" PRIu64 ",\"gaps\":%" PRIu64
               ",\"missing\":%" PRIu64, doc_ns(d, a->from),
               doc_ns(d, a->to), a->records, a->gaps, a->missing);
        if ( d->redacted )
            printf(",\"redacted_domid\":%" PRIu32, d->only);
        printf("}\n");
        return;
    }

    printf("From %+.6f to %+.6f s (%.6f s), %" PRIu64 " records\n",
           doc_ns(d, a->from) / 1e9, doc_ns(d, a->to) / 1e9,
           seconds(d, a->to - a->from), a->records);
    if ( d->redacted )
        printf("Redacted: only domain %" PRIu32 "; other domains are not in the "
               "file\n", d->only);
    if ( a->gaps )
        printf("Records are missing in %" PRIu64 " places, at least %" PRIu64
               ": counts are too low, and times there count as `unkn%%'\n",
               a->gaps, a->missing);
    printf("%-10s %6s %6s %6s %6s %6s %9s %9s %8s %7s %9s %9s %9s  %s\n", "",
           "run%", "wait%", "block%", "pause%", "unkn%", "entries/s", "hcalls/s", "io/s",
           "wakes", "p50 us", "p99 us", "max us", "name");
}

static int print_rows(const struct doc *d, const struct accounts *a,
                      const struct top_form *o)
{
    struct row *r = calloc(1, sizeof(*r));
    unsigned int nr = vcpus_nr(a->vcpus);

    if ( !r )
        return -ENOMEM;

    for ( unsigned int i = 0; i < nr; i++ )
    {
        const struct vcpu *v = vcpus_nth(a->vcpus, i);

        r->domid = v->domid;
        r->later = v->later;
        r->vcpu = o->by_vcpu ? v->vcpu : -1;
        account_add(&r->sum, &r->waits, v->data);
        r->vcpus++;
        if ( !o->by_vcpu && i + 1 < nr &&
             vcpus_nth(a->vcpus, i + 1)->domid == v->domid &&
             vcpus_nth(a->vcpus, i + 1)->later == v->later )
            continue;
        (o->json ? print_json : print_text)(d, a, r);
        memset(r, 0, sizeof(*r));
    }

    free(r);
    return 0;
}

int top_print(const struct source *src, const struct top_form *o)
{
    struct stretch all = STRETCH_ALL;
    struct accounts a;
    int rc;

    if ( o->last.given )
        all.from = doc_tsc_before(&src->doc, o->last.ns);
    rc = accounts_make(src, all, &a, NULL, NULL);
    if ( rc )
        return rc;

    print_head(&src->doc, &a, o);
    rc = print_rows(&src->doc, &a, o);
    accounts_free(&a);
    return rc;
}
