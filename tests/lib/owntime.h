/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * owntime.h: time limits that leave out the time in which a busy machine runs
 * other tasks.
 *
 * A test that waits for another process cannot measure how long that one was
 * kept waiting for a CPU.  Its own time passes at the rate of CPUs to runnable
 * tasks: with 20 of them on 2 CPUs, at a tenth of the clock's rate.
 */

#ifndef TESTS_OWNTIME_H
#define TESTS_OWNTIME_H

#include <stdint.h>

#include <poll.h>

/*
 * Return the test's own time, in ms from its first call.  The rate is sampled at
 * each call, so callers must not sleep for long between two calls.  Ends the
 * program with "Bail out!" and status 99 if own time falls 10 min behind.
 */
uint64_t own_ms(void);

/* poll() with a limit of own time.  Return as poll(). */
int own_poll(struct pollfd *p, nfds_t n, uint64_t limit_ms);

#endif /* TESTS_OWNTIME_H */
