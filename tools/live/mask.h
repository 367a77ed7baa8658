/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mask.h: names of channels, classes and events in a mask.
 */

#ifndef XENFLIGHT_MASK_H
#define XENFLIGHT_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ipc/command.h"

/*
 * Indexed by channel.  mask_channel() returns XEN_FLIGHTREC_CHANNELS for an
 * unknown name.
 */
extern const char *const mask_channels[XEN_FLIGHTREC_CHANNELS];
uint32_t mask_channel(const char *name);

/*
 * Append a change of a channel to c->mask[]: "0x2f000" (a whole mask, in
 * xentrace's form), "all", "default", or a class or event as in "hvm=off",
 * "SCHED_SWITCH=on".  The event may be a pattern.
 *
 * Return 0, -EINVAL if @text is none of these or matches nothing, or -E2BIG if it
 * is too much for one command.
 */
int mask_add(struct command *c, uint32_t channel, const char *text);

/* Names of the classes in a mask, separated by blanks; @buf has 128 bytes. */
const char *mask_text(uint32_t mask, char *buf);
/* Return the name of an event, or NULL; valid until the next call. */
const char *mask_event_name(uint32_t event);

#endif /* XENFLIGHT_MASK_H */
