/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * score.c: computes how remarkable a difference between two recordings is.
 */

#include <math.h>
#include <string.h>

#include "tools/stats/score.h"

bool score_is_internal(const char *event)
{
    return !strncmp(event, "CSCHED", 6);
}

/* n * log(have / want), 0 of nothing. */
static double term(double n, double have, double want)
{
    return n > 0 ? n * log(have / want) : 0;
}

/*
 * Twice the log likelihood ratio of b's observed share of all events against
 * the share @p.  It is the square of a number of standard deviations.
 */
static double surprise(struct score_count a, struct score_count b, double p)
{
    double share = b.n / (a.n + b.n);

    return 2 * (term(b.n, share, p) + term(a.n, 1 - share, 1 - p));
}

double score_rates(struct score_count a, struct score_count b)
{
    double same, share, near, far;

    if ( a.over <= 0 || b.over <= 0 || a.n + b.n <= 0 )
        return 0;

    same = b.over / (a.over + b.over);  /* b's share if nothing changed */
    share = b.n / (a.n + b.n);
    if ( surprise(a, b, same) <= SCORE_SIGMAS * SCORE_SIGMAS )
        return 0;

    /* Bisect for the share nearest to `same` that is likely enough. */
    near = same;
    far = share;
    for ( unsigned int i = 0; i < 60; i++ )
    {
        double p = (near + far) / 2;

        if ( surprise(a, b, p) > SCORE_SIGMAS * SCORE_SIGMAS )
            near = p;
        else
            far = p;
    }

    return log2(near / (1 - near) * ((1 - same) / same));
}

/* Bounds of a quantile.  Return false if there are too few times. */
static bool bounds(struct score_times t, double part, double *low, double *high)
{
    double nr = t.times ? t.times->nr : 0;
    double mid = nr * part, off = SCORE_SIGMAS * sqrt(nr * part * (1 - part));
    double from = floor(mid - off), to = ceil(mid + off);

    if ( from < 1 || to > nr )
        return false;

    *low = times_rank(t.times, from) * t.ns;
    /* times_rank() may be 1/16 too low. */
    *high = times_rank(t.times, to) * (1 + 1.0 / TIMES_STEPS) * t.ns;
    return true;
}

double score_part(struct score_times a, struct score_times b, unsigned int part)
{
    double a_low, a_high, b_low, b_high;

    if ( !bounds(a, part / 1000.0, &a_low, &a_high) ||
         !bounds(b, part / 1000.0, &b_low, &b_high) )
        return 0;

    /* A time of 0 is counted as one tick. */
    if ( b_low > a_high )
        return log2(b_low / fmax(a_high, a.ns));
    if ( a_low > b_high )
        return -log2(a_low / fmax(b_high, b.ns));
    return 0;
}

double score_latency(struct score_times a, struct score_times b)
{
    static const unsigned int part[] = { 500, 900, 990 };
    double most = 0;

    for ( unsigned int i = 0; i < sizeof(part) / sizeof(part[0]); i++ )
    {
        double octaves = score_part(a, b, part[i]);

        if ( fabs(octaves) > fabs(most) )
            most = octaves;
    }
    return most;
}
