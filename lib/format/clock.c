/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clock.c: convert the TSC stamps of all pCPUs to one time.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/clock.h"

#define STEP_NS        1000000
#define STEP_PART      16      /* divides the time between two pairs */
#define STEP_NOISE     4
#define MIN_DRIFT_NS   1000000000 /* shortest span that gives a drift */
#define CRYSTAL_PPB    1000    /* change of a rate between two pairs */

#define MAX_OFF        (1LL << 61)

#define BILLION        1000000000

static int64_t saturate(__int128 n)
{
    if ( n > INT64_MAX )
        return INT64_MAX;
    return n < INT64_MIN ? INT64_MIN : n;
}

static uint64_t magnitude(int64_t n)
{
    return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

/* Convert ticks to ns, by the frequency and a drift. */
static int64_t to_ns(uint32_t tsc_khz, int64_t drift_ppb, int64_t ticks)
{
    return saturate((__int128)ticks * 1000 * (BILLION + drift_ppb) /
                    ((__int128)tsc_khz * 1000000));
}

int64_t clock_since(const struct clock_fit *f, uint64_t tsc)
{
    return to_ns(f->tsc_khz, f->drift_ppb, (int64_t)(tsc - f->tsc));
}

int64_t clock_ticks(const struct clock_fit *f, int64_t ns)
{
    return saturate((__int128)ns * f->tsc_khz * 1000 /
                    (BILLION + (__int128)f->drift_ppb));
}

/* Return the system time of a converted stamp. */
static int64_t line(const struct clock_fit *f, uint64_t tsc)
{
    return saturate((__int128)f->ns + clock_since(f, tsc));
}

/*
 * The fit.
 */

/*
 * A span under construction; `off` is the distance of its pairs from the line.
 */
struct draft {
    size_t first, last;        /* points */
    int64_t min_off, max_off;
};

struct drafts {
    struct draft *draft;
    unsigned int nr;
    uint64_t noise;            /* the widest spread of a draft */
};

static int compare_points(const void *a, const void *b)
{
    const struct clock_point *x = a, *y = b;

    if ( x->cpu != y->cpu )
        return x->cpu < y->cpu ? -1 : 1;
    if ( x->ns != y->ns )
        return x->ns < y->ns ? -1 : 1;
    return x->tsc < y->tsc ? -1 : x->tsc > y->tsc;
}

/* Return the gain of system time on the TSC between two pairs of a pCPU. */
static int64_t gain(const struct clock_fit *f, int64_t drift_ppb,
                    const struct clock_point *a, const struct clock_point *b)
{
    return saturate((__int128)(int64_t)(b->ns - a->ns) -
                    to_ns(f->tsc_khz, drift_ppb, (int64_t)(b->tsc - a->tsc)));
}

static bool is_step(const struct clock_fit *f, const struct clock_point *a,
                    const struct clock_point *b)
{
    return magnitude(gain(f, 0, a, b)) >
           STEP_NS + (b->ns - a->ns) / STEP_PART;
}

/* Whether a pair and the next are of one pCPU, without a step between. */
static bool joined(const struct clock_fit *f, const struct clock_point *a)
{
    return a[0].cpu == a[1].cpu && !is_step(f, &a[0], &a[1]);
}

/*
 * Return the distance from the line through the trigger.  It is bounded, so
 * that two of them can be subtracted.
 */
static int64_t off(const struct clock_fit *f, const struct clock_point *p)
{
    __int128 o = (__int128)p->ns - line(f, p->tsc);

    return o > MAX_OFF ? MAX_OFF : o < -MAX_OFF ? -MAX_OFF : o;
}

static void find_spans(const struct clock_fit *f, const struct clock_point *p,
                       size_t nr, struct drafts *d)
{
    d->nr = 0;
    d->noise = 0;
    for ( size_t i = 0; i < nr; i++ )
    {
        int64_t o = off(f, &p[i]);
        struct draft *last;

        if ( !i || !joined(f, &p[i - 1]) )
        {
            d->draft[d->nr++] = (struct draft){ i, i, o, o };
            continue;
        }
        last = &d->draft[d->nr - 1];
        last->last = i;
        if ( o < last->min_off )
            last->min_off = o;
        if ( o > last->max_off )
            last->max_off = o;
    }

    for ( unsigned int i = 0; i < d->nr; i++ )
    {
        uint64_t wide = d->draft[i].max_off - d->draft[i].min_off;

        if ( wide > d->noise )
            d->noise = wide;
    }
}

/* Return the drift of the longest span. */
static int64_t longest_drift(const struct clock_fit *f,
                             const struct clock_point *p,
                             const struct drafts *d)
{
    uint64_t longest = MIN_DRIFT_NS;
    int64_t drift = 0;

    for ( unsigned int i = 0; i < d->nr; i++ )
    {
        const struct clock_point *a = &p[d->draft[i].first];
        const struct clock_point *b = &p[d->draft[i].last];

        if ( b->ns - a->ns < longest )
            continue;
        longest = b->ns - a->ns;
        drift = saturate((__int128)gain(f, 0, a, b) * BILLION /
                         (int64_t)longest);
    }

    return magnitude(drift) > CLOCK_MAX_DRIFT_PPB ? 0 : drift;
}

/* A drift that does not halve the noise is noise itself: drop it. */
static void find_drift(struct clock_fit *f, const struct clock_point *p,
                       size_t nr, struct drafts *d)
{
    uint64_t without = d->noise;

    f->drift_ppb = longest_drift(f, p, d);
    find_spans(f, p, nr, d);
    if ( d->noise <= without / 2 )
        return;
    f->drift_ppb = 0;
    find_spans(f, p, nr, d);
}

static int64_t middle(const struct draft *d)
{
    return d->min_off + (int64_t)((uint64_t)(d->max_off - d->min_off) / 2);
}

/* The span of the trigger, else the span with the most pairs. */
static const struct draft *reference(const struct clock_point *trigger,
                                     const struct clock_point *p,
                                     const struct drafts *d)
{
    const struct draft *in = NULL, *largest = &d->draft[0];

    for ( unsigned int i = 0; i < d->nr; i++ )
    {
        const struct draft *s = &d->draft[i];

        if ( p[s->first].cpu == trigger->cpu && p[s->first].ns <= trigger->ns )
            in = s;
        if ( s->last - s->first > largest->last - largest->first )
            largest = s;
    }

    return in ? in : largest;
}

/* Make spans with offsets in ns.  *needed is set if an offset is not 0. */
static int make_spans(struct clock_fit *f, const struct clock_point *trigger,
                      const struct clock_point *p, const struct drafts *d,
                      bool *needed)
{
    int64_t zero = middle(reference(trigger, p, d));
    uint64_t least = d->noise * STEP_NOISE > STEP_NS ? d->noise * STEP_NOISE
                                                     : STEP_NS;

    f->span = calloc(d->nr, sizeof(*f->span));
    if ( !f->span )
        return -ENOMEM;
    for ( unsigned int i = 0; i < d->nr; i++ )
    {
        int64_t apart = saturate((__int128)middle(&d->draft[i]) - zero);

        f->span[i] = (struct clock_span){
            .cpu = p[d->draft[i].first].cpu,
            .offset = magnitude(apart) > least ? apart : 0,
            .from_ns = p[d->draft[i].first].ns,
            .to_ns = p[d->draft[i].last].ns,
        };
        for ( size_t k = d->draft[i].first; k <= d->draft[i].last; k++ )
            f->span[i].last_ns[p[k].channel] = p[k].ns;
        *needed |= f->span[i].offset != 0;
    }
    f->nr_spans = d->nr;
    return 0;
}

/* Bound the difference of a pCPU's rate from the line's, in ppb. */
static uint64_t rate_error(const struct clock_point *p, const struct drafts *d)
{
    uint64_t longest = 0, ppb;

    for ( unsigned int i = 0; i < d->nr; i++ )
    {
        uint64_t ns = p[d->draft[i].last].ns - p[d->draft[i].first].ns;

        longest = ns > longest ? ns : longest;
    }

    ppb = longest ? (unsigned __int128)d->noise * 2 * BILLION / longest
                  : CLOCK_MAX_DRIFT_PPB;
    return CRYSTAL_PPB + (ppb < CLOCK_MAX_DRIFT_PPB ? ppb
                                                    : CLOCK_MAX_DRIFT_PPB);
}

/* Bound the change of system time between two pairs and after the last. */
static uint64_t unseen(const struct clock_fit *f,
                       const struct clock_point *trigger,
                       const struct clock_point *p, size_t nr, uint64_t ppb)
{
    uint64_t change = 0, gap = 0, behind = 0;

    for ( size_t i = 0; i < nr; i++ )
    {
        bool last = i + 1 == nr || p[i + 1].cpu != p[i].cpu;
        uint64_t to = last ? trigger->ns : p[i + 1].ns;
        uint64_t time = to > p[i].ns ? to - p[i].ns : 0;

        if ( last || !joined(f, &p[i]) )
        {
            behind = time > behind ? time : behind;
            continue;
        }
        gap = time > gap ? time : gap;
        if ( magnitude(gain(f, f->drift_ppb, &p[i], &p[i + 1])) > change )
            change = magnitude(gain(f, f->drift_ppb, &p[i], &p[i + 1]));
    }

    return change + (unsigned __int128)gap * CRYSTAL_PPB / BILLION +
           (unsigned __int128)behind * ppb / BILLION;
}

/* Centre the line between all pairs, and bound its error. */
static void find_error(struct clock_fit *f, unsigned int tsc_shift,
                       const struct clock_point *trigger,
                       const struct clock_point *p, size_t nr,
                       const struct drafts *d)
{
    int64_t min = INT64_MAX, max = INT64_MIN;

    for ( unsigned int i = 0; i < d->nr; i++ )
    {
        int64_t offset = f->span[i].offset;

        if ( d->draft[i].min_off - offset < min )
            min = d->draft[i].min_off - offset;
        if ( d->draft[i].max_off - offset > max )
            max = d->draft[i].max_off - offset;
    }

    f->ns += min + (max - min) / 2;
    f->error_ns = (uint64_t)(max - min) / 2 + 2 +
                  unseen(f, trigger, p, nr, rate_error(p, d)) +
                  to_ns(f->tsc_khz, 0, 1LL << tsc_shift);
}

int clock_fit(struct clock_fit *f, uint32_t tsc_khz, unsigned int tsc_shift,
              const struct clock_point *trigger, struct clock_point *points,
              size_t nr)
{
    struct drafts d = { .draft = calloc(nr + 1, sizeof(*d.draft)) };
    bool needed = false;
    int rc;

    *f = (struct clock_fit){ .tsc_khz = tsc_khz, .tsc = trigger->tsc,
                             .ns = trigger->ns };
    if ( !d.draft )
        return -ENOMEM;
    rc = 0;
    if ( !nr )
        goto out;

    qsort(points, nr, sizeof(*points), compare_points);
    find_spans(f, points, nr, &d);
    find_drift(f, points, nr, &d);
    rc = make_spans(f, trigger, points, &d, &needed);
    if ( rc )
        goto out;
    find_error(f, tsc_shift, trigger, points, nr, &d);
    for ( unsigned int i = 0; i < f->nr_spans; i++ )
        f->span[i].offset = clock_ticks(f, f->span[i].offset);
    if ( !needed )
    {
        free(f->span);
        f->span = NULL;
        f->nr_spans = 0;
    }

 out:
    free(d.draft);
    return rc;
}

void clock_free(struct clock_fit *f)
{
    free(f->span);
    f->span = NULL;
    f->nr_spans = 0;
}

/*
 * Conversion.
 */

/* The number of spans up to (cpu, ns), a span that starts there included. */
static unsigned int spans_until(const struct clock_fit *f, uint32_t cpu,
                                uint64_t ns)
{
    unsigned int lo = 0, hi = f->nr_spans;

    while ( lo < hi )
    {
        unsigned int mid = lo + (hi - lo) / 2;
        const struct clock_span *s = &f->span[mid];

        if ( s->cpu < cpu || (s->cpu == cpu && s->from_ns <= ns) )
            lo = mid + 1;
        else
            hi = mid;
    }

    return lo;
}

/*
 * Get the newest span of the pCPU that starts by `ns`, else its first.  Return
 * NULL if the pCPU has no spans.  *end is the end of its spans.
 */
static const struct clock_span *find_span(const struct clock_fit *f,
                                          uint16_t cpu, uint64_t ns,
                                          const struct clock_span **end)
{
    unsigned int last = spans_until(f, cpu, UINT64_MAX);
    unsigned int at = spans_until(f, cpu, ns);

    if ( !last || f->span[last - 1].cpu != cpu )
        return NULL;

    *end = &f->span[last];
    return at && f->span[at - 1].cpu == cpu ? &f->span[at - 1] : &f->span[at];
}

/* The end of the spans that are tried: `most` of them from `at` on. */
static const struct clock_span *look_end(const struct clock_walk *w,
                                         ptrdiff_t most)
{
    return w->end - w->at > most ? w->at + most : w->end;
}

void clock_packet(const struct clock_fit *f, struct clock_walk *w,
                  const struct xen_flightrec_packet *hdr)
{
    bool paired = hdr->flags & XEN_FLIGHTREC_PKT_SYNC;

    if ( !f->nr_spans )
        return;
    /* A packet without a pair continues in the span of the one before. */
    if ( !paired && w->at )
    {
        w->whole = false;
        return;
    }

    w->floor_ns = paired ? hdr->sync_ns : 0;
    w->at = find_span(f, hdr->cpu, w->floor_ns, &w->end);
    w->whole = w->at && paired &&
               hdr->channel < XEN_FLIGHTREC_CHANNELS &&
               hdr->sync_ns < w->at->last_ns[hdr->channel];
}

/*
 * Whether a record can be in this span, where its stamp reads as `ns`.  The
 * floor is such a reading too, and both may err.
 */
static bool fits(const struct clock_fit *f, const struct clock_walk *w,
                 const struct clock_span *s, int64_t ns)
{
    const __int128 slack = (__int128)f->error_ns + STEP_NS;
    uint64_t to = s + 1 < w->end ? s[1].from_ns : f->ns;

    return ns + slack + f->error_ns >= w->floor_ns && ns <= to + slack &&
           (s == w->at || ns + slack >= s[-1].to_ns);
}

/* No span fits: take the middle between the record before and the trigger. */
static uint64_t between(const struct clock_fit *f, const struct clock_walk *w,
                        uint64_t *error_ns)
{
    uint64_t half = f->ns > w->floor_ns ? (f->ns - w->floor_ns) / 2 : 0;

    *error_ns = half + f->error_ns;
    return f->tsc + clock_ticks(f, (int64_t)(w->floor_ns + half - f->ns));
}

/* Use the first span that fits; the distance of others is the error. */
uint64_t clock_search(const struct clock_fit *f, struct clock_walk *w,
                      uint64_t tsc, uint64_t *error_ns)
{
    const struct clock_span *first = NULL, *s;
    const struct clock_span *end = look_end(w, CLOCK_LOOK);
    int64_t ns = 0, floor = INT64_MAX;

    for ( s = w->at; s < end; s++ )
    {
        int64_t here = line(f, tsc + s->offset);

        if ( !fits(f, w, s, here) )
            continue;
        if ( !first )
        {
            first = s;
            ns = here;
        }
        else if ( magnitude(saturate((__int128)here - ns)) + f->error_ns >
                  *error_ns )
            *error_ns = magnitude(saturate((__int128)here - ns)) + f->error_ns;
        floor = here < floor ? here : floor;
    }

    if ( !first )
        return between(f, w, error_ns);
    w->at = first;
    if ( floor > 0 && (uint64_t)floor > w->floor_ns )
        w->floor_ns = floor;
    return tsc + first->offset;
}

uint64_t clock_guess(const struct clock_fit *f, uint16_t cpu, uint64_t tsc)
{
    const __int128 slack = (__int128)f->error_ns + STEP_NS;
    struct clock_walk w = { 0 };
    const struct clock_span *end;

    w.at = find_span(f, cpu, 0, &w.end);
    if ( !w.at )
        return tsc;

    end = look_end(&w, CLOCK_GUESS_LOOK);
    for ( const struct clock_span *s = w.at; s < end; s++ )
    {
        int64_t ns = line(f, tsc + s->offset);

        if ( ns + slack >= s->from_ns && fits(f, &w, s, ns) )
            return tsc + s->offset;
    }

    return end == w.end ? clock_here(&w, tsc) : UINT64_MAX;
}

/*
 * JSON.
 */

json_t *clock_json(const struct clock_fit *f)
{
    json_t *spans = json_array(), *o;

    for ( unsigned int i = 0; i < f->nr_spans; i++ )
    {
        const struct clock_span *s = &f->span[i];
        json_int_t busy = s->last_ns[XEN_FLIGHTREC_CH_BUSY];
        json_int_t rare = s->last_ns[XEN_FLIGHTREC_CH_RARE];

        json_array_append_new(
            spans, json_pack("{sI sI sI sI sI sI}",
                             "cpu", (json_int_t)s->cpu,
                             "offset", (json_int_t)s->offset,
                             "from_ns", (json_int_t)s->from_ns,
                             "to_ns", (json_int_t)s->to_ns,
                             "busy_ns", busy, "rare_ns", rare));
    }
    o = json_pack("{sI sI sI}", "drift_ppb", (json_int_t)f->drift_ppb,
                  "ns", (json_int_t)f->ns, "error_ns",
                  (json_int_t)f->error_ns);
    if ( o && f->nr_spans )
        json_object_set(o, "spans", spans);
    json_decref(spans);
    return o;
}

/* Get an integer member in a range. */
static bool number(const json_t *o, const char *key, int64_t min, int64_t max,
                   int64_t *out)
{
    const json_t *n = json_object_get(o, key);

    *out = json_integer_value(n);
    return json_is_integer(n) && *out >= min && *out <= max;
}

static bool read_span(const json_t *o, struct clock_span *s)
{
    int64_t cpu, offset, from, to, busy, rare;

    if ( !number(o, "cpu", 0, UINT16_MAX, &cpu) ||
         !number(o, "offset", INT64_MIN, INT64_MAX, &offset) ||
         !number(o, "from_ns", 0, INT64_MAX, &from) ||
         !number(o, "to_ns", from, INT64_MAX, &to) ||
         !number(o, "busy_ns", 0, to, &busy) ||
         !number(o, "rare_ns", 0, to, &rare) )
        return false;

    *s = (struct clock_span){
        .cpu = cpu, .offset = offset, .from_ns = from, .to_ns = to,
        .last_ns = { [XEN_FLIGHTREC_CH_BUSY] = busy,
                     [XEN_FLIGHTREC_CH_RARE] = rare },
    };
    return true;
}

static int read_spans(struct clock_fit *f, const json_t *spans)
{
    const json_t *o;
    size_t i;

    if ( json_array_size(spans) > CLOCK_MAX_SPANS )
        return -EBADMSG;
    f->span = calloc(json_array_size(spans) + 1, sizeof(*f->span));
    if ( !f->span )
        return -ENOMEM;

    json_array_foreach(spans, i, o)
    {
        struct clock_span *s = &f->span[i];

        if ( !read_span(o, s) ||
             (i && (s[-1].cpu > s->cpu ||
                    (s[-1].cpu == s->cpu && s[-1].to_ns > s->from_ns))) )
            return -EBADMSG;
    }
    f->nr_spans = i;
    return 0;
}

int clock_from_json(struct clock_fit *f, const json_t *fit)
{
    int64_t drift, ns, error;
    int rc;

    if ( !number(fit, "drift_ppb", -CLOCK_MAX_DRIFT_PPB, CLOCK_MAX_DRIFT_PPB,
                 &drift) ||
         !number(fit, "ns", 0, INT64_MAX, &ns) ||
         !number(fit, "error_ns", 0, INT64_MAX, &error) )
        return -EBADMSG;

    rc = read_spans(f, json_object_get(fit, "spans"));
    if ( rc )
    {
        clock_free(f);
        return rc;
    }
    f->drift_ppb = drift;
    f->ns = ns;
    f->error_ns = error;
    return 0;
}
