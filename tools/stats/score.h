/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * score.h: how remarkable a difference between two recordings is.
 *
 * The score is the least factor that what was counted still allows, in octaves
 * (1: twice as much, -1: half as much), 0 if it allows that nothing changed.
 * So one number has both how much and how sure: 1 -> 3 events is threefold and
 * may be chance: 0.  1000 -> 5000 is at least 4.5-fold: 2.2.  0 -> 20 is no
 * factor at all, but at least fourfold: 2.0.  A plain ratio would put the first
 * and the last on top of everything, a plain test of significance whatever is
 * most frequent, be it 3 % more.
 *
 * "Allows" is three standard deviations, since hundreds of rows are compared at
 * a time.  Events are taken to be independent of each other (Poisson).  They come
 * in bursts, so this is too sure of small factors, and SCORE_OCTAVES is the least
 * that is told.  The spread between parts of a file would be no better measure:
 * a storm that begins just before the trigger is one burst, and is what the
 * reader looks for.
 */

#ifndef XENFLIGHT_SCORE_H
#define XENFLIGHT_SCORE_H

#include "tools/stats/account.h"

#define SCORE_SIGMAS  3.0
/* What is sure to differ by less is not told: a factor of 1.5. */
#define SCORE_FACTOR  1.5
#define SCORE_OCTAVES 0.584962500721156
/*
 * Shares of time are no counts: what varies is how long a vCPU runs at a stretch,
 * and one that runs all along does so once.  So these are told if they differ by
 * so many percent of a pCPU, and by so much of the larger.
 */
#define SCORE_POINTS  5.0
#define SCORE_PART    0.1
/* ... if less of the time than this is not known, in percent. */
#define SCORE_UNKNOWN 50.0

/*
 * Is it what a scheduler tells of its own work?  It has many words for each of
 * its decisions, and what came of them is told by other events.
 */
bool score_is_internal(const char *event);

/* So many, over so much time. */
struct score_count {
    double n, over;
};

/* From a to b.  0 if one of them is over no time. */
double score_rates(struct score_count a, struct score_count b);

/* Times, of which one is so many ns. */
struct score_times {
    const struct times *times; /* NULL: none */
    double ns;
};

/*
 * From a to b, how long the longest of the shorter `part` of 1000 took: by ranks,
 * so whatever the form of the distribution.  What is rare needs many: p99 of
 * fewer than 900 times is too uncertain to tell.
 */
double score_part(struct score_times a, struct score_times b, unsigned int part);

/* That of p50, p90 and p99 which tells most. */
double score_latency(struct score_times a, struct score_times b);

#endif /* XENFLIGHT_SCORE_H */
