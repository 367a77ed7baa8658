/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * score.h: how remarkable a difference between two recordings is.
 *
 * The score is the least change that is compatible with the counts, in
 * octaves: 1 is twice as much, -1 half as much, 0 if nothing may have changed.
 * So one number has both size and certainty:
 *   1 -> 3 events        threefold, but may be chance: 0
 *   1000 -> 5000         at least 4.5-fold: 2.2
 *   0 -> 20              no ratio exists, but at least fourfold: 2.0
 * A plain ratio would rank the first and the last above everything.  A plain
 * test of significance would rank the most frequent event first, for a change
 * of 3 %.
 *
 * "Compatible" is within three standard deviations, because hundreds of rows
 * are compared at a time.  Events are assumed to be independent (Poisson).  In
 * fact they come in bursts, so small factors are overrated, and nothing below
 * SCORE_OCTAVES is reported.  The spread between parts of a file would be no
 * better measure: a storm that begins just before the trigger is one burst,
 * and the very event that the reader looks for.
 */

#ifndef XENFLIGHT_SCORE_H
#define XENFLIGHT_SCORE_H

#include "tools/stats/account.h"

#define SCORE_SIGMAS  3.0
/* Smaller factors are not reported. */
#define SCORE_FACTOR  1.5
#define SCORE_OCTAVES 0.584962500721156
/*
 * Shares of time are not counts: the length of a run varies, and a vCPU that
 * runs all the time does so once.  So a share is reported if it differs by
 * SCORE_POINTS percent of a pCPU and by SCORE_PART of the larger one, unless
 * SCORE_UNKNOWN percent of the time or more are not known.
 */
#define SCORE_POINTS  5.0
#define SCORE_PART    0.1
#define SCORE_UNKNOWN 50.0

/*
 * Whether an event is a scheduler's trace of its own decisions.  There are many
 * for each decision, and its outcome is recorded by other events.
 */
bool score_is_internal(const char *event);

/* @n events over a time, in any unit that is the same for both sides. */
struct score_count {
    double n, over;
};

/* Score of a change of rate from a to b.  0 if one is over no time. */
double score_rates(struct score_count a, struct score_count b);

/* Times in a unit of @ns nanoseconds. */
struct score_times {
    const struct times *times; /* or NULL */
    double ns;
};

/*
 * Score of a change of a quantile, @part of 1000.  By ranks, so the form of the
 * distribution does not matter.  A rare quantile needs many times: p99 of fewer
 * than 900 scores 0.
 */
double score_part(struct score_times a, struct score_times b,
                  unsigned int part);

/* The largest score of p50, p90 and p99. */
double score_latency(struct score_times a, struct score_times b);

#endif /* XENFLIGHT_SCORE_H */
