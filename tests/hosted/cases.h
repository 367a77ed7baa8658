/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cases.h: the frame of the hosted tests: checks, a world for each case, TAP.
 */

#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <inttypes.h>
#include <string.h>

#include "world.h"

struct test_case {
    const char *name;
    void (*run)(struct world *w);
    bool both;             /* with oxenstored too */
};

#define CASE(n) { #n, case_##n, false }
#define BOTH(n) { #n, case_##n, true }

/* The build directory with the programs under test. */
extern const char *cases_build;

/* Print a failed check; the case goes on.  Return @good. */
bool check_at(int line, bool good, const char *fmt, ...)
    __attribute__((__format__(__printf__, 3, 4)));
void same_at(int line, const char *a, const char *b);

#define check(x) check_at(__LINE__, x, "%s", #x)
#define equal(a, b)                                                          \
    do {                                                                     \
        intmax_t a_ = (a), b_ = (b);                                         \
        check_at(__LINE__, a_ == b_, "%s is %jd, not %s = %jd", #a, a_, #b,  \
                 b_);                                                        \
    } while ( 0 )
#define same(a, b) same_at(__LINE__, a, b)

/* Return a member of a document, or "" / 0 if it is missing. */
const char *text_of(const json_t *o, const char *name);
int64_t num_of(const json_t *o, const char *name);

/* Start a world and wait until its daemon is up; @conf as for world_start(). */
void up(struct world *w, const char *conf);

/*
 * main() of a test program: PROGRAM BUILD-DIRECTORY [TEXT].  Run the cases, or
 * those with TEXT in their name.  Return the exit status.
 */
int cases_main(int argc, char **argv, const struct test_case *cases,
               size_t nr);

#endif /* TESTS_CASES_H */
