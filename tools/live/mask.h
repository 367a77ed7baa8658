/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mask.h: what a user calls channels, classes and events of a mask.
 */

#ifndef XENFLIGHT_MASK_H
#define XENFLIGHT_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/command.h"

/* Their number is the channel's.  XEN_FLIGHTREC_CHANNELS: no such name. */
extern const char *const mask_channels[XEN_FLIGHTREC_CHANNELS];
uint32_t mask_channel(const char *name);

/*
 * Adds to c->mask[] what the text asks for in a channel: "0x2f000" (a whole
 * mask, in xentrace's form), "all", "default", or a class or event as in
 * "hvm=off", "SCHED_SWITCH=on"; the event may be a pattern.  -EINVAL: it is
 * none of these, or names nothing; -E2BIG: too many for one command.
 */
int mask_add(struct command *c, uint32_t channel, const char *text);

/* Names of the classes in a mask, one blank between; buf has 128 bytes. */
const char *mask_text(uint32_t mask, char *buf);
/* An event's name, or NULL. */
const char *mask_event_name(uint32_t event);

#endif /* XENFLIGHT_MASK_H */
