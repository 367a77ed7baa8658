/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names.h: domain names from xenstore, for commands that must not block on it.  A
 * xenstored that hangs never answers; nor does a device without one behind it.
 */

#ifndef XENFLIGHT_NAMES_H
#define XENFLIGHT_NAMES_H

#include <stdint.h>

#define NAMES_WAIT_MS 1000

struct names;

/* Return NULL without memory. */
struct names *names_open(void);
/* @n may be NULL.  A thread that still waits for xenstored is left running. */
void names_close(struct names *n);

/*
 * Return the name of a domain, which the caller must free(), or NULL: the domain
 * has no valid name, there is no xenstored, or it took longer than NAMES_WAIT_MS.
 * A name is not valid if its vm node has another uuid than @handle: it is of a
 * former domain of that number.  After a timeout a message is printed once and no more requests are made.
 */
char *names_ask(struct names *n, uint16_t domid, const uint8_t handle[16]);

#endif /* XENFLIGHT_NAMES_H */
