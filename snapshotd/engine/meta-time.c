/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * meta-time.c: times in the meta document: the fit of all clocks, the window in
 * which the history is complete, the gaps; part of the engine.
 */

#include <errno.h>
#include <stdlib.h>

#include "lib/xen/horizon.h"
#include "snapshotd/engine/meta.h"

static const struct xen_flightrec_packet *header(const struct stream *s,
                                                 unsigned int i)
{
    return s->slot[i];
}

int meta_fit(const struct meta *m, struct clock_fit *fit)
{
    const struct xen_flightrec_trigger *t = &m->trigger->t;
    const struct clock_point trigger = { .cpu = t->cpu, .tsc = t->tsc,
                                         .ns = t->ns };
    struct clock_point *p;
    size_t n = 0;
    int rc;

    p = calloc((size_t)m->nr_streams * XEN_FLIGHTREC_MAX_SLOTS + 1, sizeof(*p));
    if ( !p )
        return -ENOMEM;
    for ( unsigned int i = 0; i < m->nr_streams; i++ )
        for ( unsigned int k = 0; k < m->streams[i].nr; k++ )
        {
            const struct xen_flightrec_packet *h = header(&m->streams[i], k);

            if ( h->flags & XEN_FLIGHTREC_PKT_SYNC )
                p[n++] = (struct clock_point){
                    .cpu = m->streams[i].cpu, .channel = m->streams[i].channel,
                    .tsc = h->sync_tsc, .ns = h->sync_ns,
                };
        }

    rc = clock_fit(fit, m->rings->info.tsc_khz, m->rings->info.tsc_shift,
                   &trigger, p, n);
    free(p);
    return rc;
}

/* On the trigger's clock. */
static uint64_t begins(const struct clock_fit *fit,
                       const struct xen_flightrec_packet *h)
{
    struct clock_walk w = { 0 };

    clock_packet(fit, &w, h);
    return clock_here(&w, h->begin_tsc);
}

/*
 * When the last hole in it ended; nothing is missing before: `whole`.  Xen's own
 * trace buffers do not count overwritten records.
 */
static uint64_t stream_from(const struct meta *m, const struct stream *s,
                            const struct clock_fit *fit, bool *whole)
{
    const struct xen_flightrec_audit *a = &s->audit;
    unsigned int i = s->nr ? s->nr - 1 : 0;

    while ( i && header(s, i - 1)->seq + 1 == header(s, i)->seq )
        i--;
    *whole = !i && !m->rings->tbuf && !a->overwritten && !a->sacrificed &&
             !a->held_earlier;
    if ( s->nr )
        return begins(fit, header(s, i));
    return clock_guess(fit, s->cpu, a->tsc);
}

/* The oldest moment that the file knows of: the recorder ran already. */
static uint64_t oldest(const struct meta *m, const struct clock_fit *fit)
{
    uint64_t least = UINT64_MAX;

    for ( unsigned int i = 0; i < m->nr_streams; i++ )
    {
        const struct stream *s = &m->streams[i];
        uint64_t from = s->nr ? begins(fit, header(s, 0)) : UINT64_MAX;

        least = from < least ? from : least;
    }

    return least;
}

void meta_window(const struct meta *m, const struct clock_fit *fit,
                 unsigned int channel, struct meta_window *w)
{
    unsigned int nr = 0;

    *w = (struct meta_window){ .known = !m->pending, .to_tsc = UINT64_MAX };
    for ( unsigned int i = 0; i < m->nr_streams; i++ )
    {
        const struct stream *s = &m->streams[i];
        uint64_t from, to;
        bool whole;

        if ( s->channel != channel )
            continue;
        w->known &= s->found && s->records == s->audit.held;
        if ( !s->found )
            continue;
        nr++;
        from = stream_from(m, s, fit, &whole);
        to = clock_guess(fit, s->cpu, s->audit.tsc);
        w->to_tsc = to < w->to_tsc ? to : w->to_tsc;
        if ( !whole && from > w->from_tsc )
            w->from_tsc = from;
    }

    w->known &= nr > 0;
    /* Nothing is missing anywhere: from the first moment on that is known. */
    if ( !w->from_tsc )
        w->from_tsc = oldest(m, fit);
    if ( w->from_tsc > w->to_tsc )
        w->from_tsc = w->to_tsc;
}

json_t *meta_windows(const struct meta *m, const struct clock_fit *fit)
{
    json_t *o = json_object();
    struct meta_window w;

    for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        meta_window(m, fit, ch, &w);
        if ( w.known )
            json_object_set_new(
                o, horizon_channel_name(ch),
                json_pack("{sI sI}", "from_tsc", (json_int_t)w.from_tsc,
                          "to_tsc", (json_int_t)w.to_tsc));
    }
    return o;
}

/* From packet `i` on to where the next one, or the hold, begins. */
static json_t *gap_json(const struct stream *s, const struct clock_fit *fit,
                        unsigned int i, unsigned int cause, uint64_t records)
{
    uint64_t to = i + 1 < s->nr ? begins(fit, header(s, i + 1))
                                : clock_guess(fit, s->cpu, s->audit.tsc);

    return json_pack("{sI ss ss sI sI sI}", "cpu", (json_int_t)s->cpu,
                     "channel", horizon_channel_name(s->channel),
                     "cause", horizon_lost_name(cause),
                     "records", (json_int_t)records,
                     "from_tsc", (json_int_t)begins(fit, header(s, i)),
                     "to_tsc", (json_int_t)to);
}

json_t *meta_gaps(const struct meta *m, const struct clock_fit *fit)
{
    json_t *list = json_array();

    for ( unsigned int i = 0; i < m->nr_streams; i++ )
    {
        const struct stream *s = &m->streams[i];

        for ( unsigned int k = 0; k < s->nr; k++ )
        {
            const uint64_t *before = header(s, k)->lost;
            const uint64_t *after = k + 1 < s->nr ? header(s, k + 1)->lost
                                                  : s->audit.lost;

            for ( unsigned int c = 0; c < XEN_FLIGHTREC_LOST_CAUSES; c++ )
                if ( after[c] > before[c] )
                    json_array_append_new(
                        list, gap_json(s, fit, k, c, after[c] - before[c]));
        }
    }
    return list;
}
