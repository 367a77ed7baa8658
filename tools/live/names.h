/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names.h: names of domains from xenstore, for commands that must not wait for
 * it: a xenstored that hangs, or is not there behind its device, answers never.
 */

#ifndef XENFLIGHT_NAMES_H
#define XENFLIGHT_NAMES_H

#include <stdint.h>

#define NAMES_WAIT_MS 1000

struct names;

/* NULL: out of memory. */
struct names *names_open(void);
/* NULL is fine.  What still waits for xenstored is left behind. */
void names_close(struct names *n);

/*
 * To be freed.  NULL: the domain has no name that is fit to be kept; or xenstored
 * is not there, or took longer than NAMES_WAIT_MS: that is said once on stderr,
 * and no more is asked.
 */
char *names_ask(struct names *n, uint16_t domid);

#endif /* XENFLIGHT_NAMES_H */
