/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * read.c: reads a snapshot's records into columns and tables for the page.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/base/walk.h"
#include "tools/report/report.h"

struct report_vcpu {
    uint16_t index;        /* of "vcpus", + 1; 0 if not met yet */
    bool changed;
    bool stale;            /* the newest change is from before r->start */
    uint8_t state;         /* valid if changed */
    uint16_t cpu;
    uint64_t since;        /* TSC of the newest change */
};

/*
 * Columns.
 */

static int put(struct column *c, const void *data, size_t bytes)
{
    if ( c->room - c->bytes < bytes )
    {
        size_t room = c->room ? 2 * c->room : 65536;
        uint8_t *p = realloc(c->data, room);

        if ( !p )
            return -ENOMEM;
        c->data = p;
        c->room = room;
    }

    if ( bytes ) /* else there may be no data yet to point into */
        memcpy(c->data + c->bytes, data, bytes);
    c->bytes += bytes;
    return 0;
}

static int put_u8(struct column *c, uint8_t v)
{
    return put(c, &v, sizeof(v));
}

static int put_u16(struct column *c, uint16_t v)
{
    return put(c, &v, sizeof(v));
}

static int put_leb128(struct column *c, uint64_t v)
{
    uint8_t byte[10];
    unsigned int n = 0;

    do {
        byte[n++] = (v & 0x7f) | (v > 0x7f ? 0x80 : 0);
        v >>= 7;
    } while ( v );

    return put(c, byte, n);
}

/*
 * Indices of vCPUs and kinds of events.
 */

static struct report_vcpu *vcpu_of(struct report *r, uint32_t domid,
                                   unsigned int later, uint32_t vcpu)
{
    struct vcpu *v = domid == MERGE_NO_DOMAIN
                     ? NULL : vcpus_get_life(r->vcpus, domid, later, vcpu);
    struct report_vcpu *data;

    if ( !v || vcpus_nr(r->vcpus) >= REPORT_NO_VCPU )
        return NULL;

    data = v->data;
    if ( !data->index )
        data->index = vcpus_nr(r->vcpus);
    return data;
}

/* A vCPU of the domain that had the number at the time of @rec. */
static struct report_vcpu *vcpu_at(struct report *r,
                                   const struct merge_record *rec,
                                   uint32_t domid, uint32_t vcpu)
{
    return vcpu_of(r, domid, lives_later(r->src->lives, domid, rec->tsc), vcpu);
}

static uint16_t vcpu_index(const struct report_vcpu *v)
{
    return v ? v->index - 1U : REPORT_NO_VCPU;
}

bool report_vcpu_nth(const struct report *r, unsigned int n, uint64_t *domain,
                     uint32_t *vcpu)
{
    if ( n >= vcpus_nr(r->vcpus) || n >= REPORT_NO_VCPU )
        return false;

    *domain = report_domain(vcpus_nth(r->vcpus, n)->domid,
                            vcpus_nth(r->vcpus, n)->later);
    *vcpu = vcpus_nth(r->vcpus, n)->vcpu;
    return true;
}

static uint16_t kind_index(struct report *r, const struct merge_record *rec)
{
    if ( rec->kind == MERGE_GAP )
        return REPORT_GAP;
    if ( !rec->desc )
        return REPORT_UNDESCRIBED;

    if ( !r->kind_of[rec->desc->id] )
    {
        r->kind_of[rec->desc->id] = r->kinds;
        r->kind[r->kinds++] = rec->desc;
    }
    return r->kind_of[rec->desc->id];
}

/* The payload for the page.  That of a gap or an event without a description is
 * described in report.h. */
static unsigned int payload(const struct merge_record *rec,
                            uint32_t words[XEN_FLIGHTREC_MAX_WORDS + 1])
{
    unsigned int nr = 0;

    if ( rec->kind == MERGE_GAP )
    {
        words[0] = rec->gap;
        words[1] = rec->missing;
        words[2] = rec->missing >> 32;
        return 3;
    }

    if ( !rec->desc )
        words[nr++] = rec->event ? rec->event : REPORT_ID | rec->id;
    memcpy(words + nr, rec->data, rec->words * sizeof(words[0]));
    return nr + rec->words;
}

static int put_event(struct report *r, const struct merge_record *rec,
                     uint16_t kind)
{
    uint32_t words[XEN_FLIGHTREC_MAX_WORDS + 1];
    unsigned int nr = payload(rec, words);
    int rc;

    if ( (rc = put_leb128(&r->col[COL_TIME], r->now - r->last)) ||
         (rc = put_u16(&r->col[COL_CPU], rec->cpu)) ||
         (rc = put_u16(&r->col[COL_KIND], kind)) ||
         (rc = put_u16(&r->col[COL_VCPU],
                       vcpu_index(vcpu_at(r, rec, rec->domid, rec->vcpu)))) ||
         (rc = put_u8(&r->col[COL_NR], nr)) ||
         (rc = put(&r->col[COL_WORDS], words, nr * sizeof(words[0]))) )
        return rc;

    r->last = r->now;
    r->events++;
    return 0;
}

/*
 * Runstates.
 */

/* ns after the first event kept; 0 for older records. */
static uint64_t page_ns(const struct report *r, uint64_t tsc)
{
    int64_t ns = doc_ns(&r->src->doc, tsc);

    return ns > r->first_ns ? (uint64_t)ns - r->first_ns : 0;
}

/* End the current interval of @v, which was in @state. */
static int put_interval(struct report *r, const struct report_vcpu *v,
                        uint64_t tsc, uint8_t state)
{
    uint64_t since = v->changed ? v->since : r->start;
    uint64_t from = page_ns(r, since), to = page_ns(r, tsc);
    int rc;

    if ( r->last_gap > since || (v->changed && v->state != state) )
        state = REPORT_UNKNOWN;
    if ( to <= from )
        return 0;

    if ( to < r->last_end )
        to = r->last_end; /* timestamps of two pCPUs */
    if ( (rc = put_leb128(&r->col[COL_END], to - r->last_end)) ||
         (rc = put_leb128(&r->col[COL_LENGTH], to - from)) ||
         (rc = put_u16(&r->col[COL_ON_CPU], v->cpu)) ||
         (rc = put_u16(&r->col[COL_OF], v->index - 1)) ||
         (rc = put_u8(&r->col[COL_STATE], state)) )
        return rc;

    r->last_end = to;
    r->intervals++;
    return 0;
}

static int change(struct report *r, const struct merge_record *rec)
{
    struct runstate_change c;
    struct report_vcpu *v = runstate_of(rec, &c)
                            ? vcpu_at(r, rec, c.domid, c.vcpu) : NULL;
    int rc;

    if ( !v )
        return 0;

    /* The first change of a vCPU is on the pCPU where it was before. */
    if ( !v->changed )
        v->cpu = rec->cpu;
    rc = put_interval(r, v, rec->tsc, c.old);
    v->changed = true;
    v->stale = false;
    v->state = c.new;
    v->cpu = rec->cpu;
    v->since = rec->tsc;
    return rc;
}

/*
 * Before r->start a change may be missing, so a state from then may be wrong
 * until the next change confirms it.  A vCPU that runs is an exception: the
 * ring of its pCPU has the change.  Intervals are ordered by their ends, so
 * this must be called at r->start.
 */
static int split_intervals(struct report *r)
{
    r->started = true;
    for ( unsigned int i = 0; i < vcpus_nr(r->vcpus); i++ )
    {
        struct report_vcpu *v = vcpus_nth(r->vcpus, i)->data;
        bool runs = v->state == RUNNING;
        int rc = v->index && v->changed
                 ? put_interval(r, v, r->start, runs ? RUNNING : REPORT_UNKNOWN)
                 : 0;

        if ( rc )
            return rc;
        v->since = r->start;
        v->stale = v->changed && !runs;
    }

    return 0;
}

/* A vCPU without a change since r->start has one interval, by its account. */
static int put_whole(struct report *r, const struct vcpu *vcpu)
{
    const struct account *a = vcpu->data;
    struct report_vcpu *v = a->changed || !a->seen
                            ? NULL : vcpu_of(r, vcpu->domid, vcpu->later,
                                             vcpu->vcpu);

    if ( !v )
        return 0;

    v->cpu = a->ran_cpu;
    return put_interval(r, v, r->explain.acc.to,
                        a->ticks[RUNNING] ? RUNNING : REPORT_UNKNOWN);
}

static int end_intervals(struct report *r)
{
    const struct vcpus *accounts = r->explain.acc.vcpus;
    int rc = 0;

    for ( unsigned int i = 0; i < vcpus_nr(r->vcpus) && !rc; i++ )
    {
        const struct vcpu *vcpu = vcpus_nth(r->vcpus, i);
        struct report_vcpu *v = vcpu->data;

        /* The last state of a removed domain has no end. */
        if ( v->index && v->changed && !v->stale && !vcpu->later )
            rc = put_interval(r, v, r->explain.acc.to, v->state);
        else
            v->changed = false;
    }
    for ( unsigned int i = 0; i < vcpus_nr(accounts) && !rc; i++ )
        rc = put_whole(r, vcpus_nth(accounts, i));
    return rc;
}

/*
 * Reading.
 */

static int take(void *arg, const struct merge_record *rec)
{
    struct report *r = arg;
    enum kind kind = kind_of(&r->known, rec);
    uint16_t index = kind_index(r, rec);

    r->count[index]++;
    if ( !r->started && rec->tsc >= r->start )
    {
        int rc = split_intervals(r);

        if ( rc )
            return rc;
    }
    if ( r->skip )
    {
        r->skip--;
        r->first_ns = doc_ns(&r->src->doc, rec->tsc);
        index = REPORT_KINDS;
    }
    else if ( !r->events )
        r->first_ns = doc_ns(&r->src->doc, rec->tsc);
    r->now = page_ns(r, rec->tsc);
    if ( r->now < r->last )
        r->now = r->last;

    if ( rec->kind == MERGE_GAP )
        r->last_gap = rec->tsc;
    entries_take(&r->entries, rec, kind, true);
    if ( index < REPORT_KINDS )
    {
        int rc = put_event(r, rec, index);

        if ( rc )
            return rc;
    }

    return kind == KIND_RUNSTATE ? change(r, rec) : 0;
}

/* Number of events beyond the limit, by the index.  Copies in `rare' are not
 * counted. */
static uint64_t surplus(const struct source *src, uint64_t limit)
{
    uint64_t records = 0;

    for ( uint32_t i = 0; i < snapshot_frames(src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(src->snap, i);

        if ( f->kind == SNAPSHOT_DATA && f->channel == XEN_FLIGHTREC_CH_BUSY )
            records += f->records;
    }

    return records > limit ? records - limit : 0;
}

int report_read(struct report *r, const struct source *src, uint64_t limit)
{
    int rc;

    memset(r, 0, sizeof(*r));
    r->src = src;
    r->kinds = REPORT_UNDESCRIBED + 1;
    rc = explain_read(&r->explain, src);
    if ( rc )
        return rc;

    rc = entries_init(&r->entries, &src->doc, src->lives);
    if ( rc )
    {
        explain_free(&r->explain);
        return rc;
    }

    explain_write(&r->explain);
    r->start = r->explain.acc.from;
    r->skip = surplus(src, limit);
    r->vcpus = vcpus_new(sizeof(struct report_vcpu));
    rc = r->vcpus ? source_walk(src, WALK_ALL, take, r, NULL) : -ENOMEM;
    if ( !rc )
        rc = end_intervals(r);
    if ( rc )
        report_free(r);
    return rc;
}

void report_free(struct report *r)
{
    for ( unsigned int i = 0; i < COLUMNS; i++ )
        free(r->col[i].data);
    entries_free(&r->entries);
    vcpus_free(r->vcpus);
    explain_free(&r->explain);
    memset(r, 0, sizeof(*r));
}
