/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h: arguments that several commands take.  Each is for a command's argp
 * parser, and says with argp_error() what it does not understand.
 */

#ifndef XENFLIGHT_OPTIONS_H
#define XENFLIGHT_OPTIONS_H

#include <argp.h>
#include <stdint.h>

#include "lib/format/doc.h"

/*
 * The one FILE of a command: what its parser returns for keys that are not its
 * own.
 */
error_t parse_file(int key, char *arg, struct argp_state *state,
                   const char **file);

/* A time like 100ms behind --`option`, in ns. */
uint64_t parse_time(const char *option, const char *arg,
                    const struct argp_state *state);

/* --clock */
enum doc_clock parse_clock(const char *arg, const struct argp_state *state);

#endif /* XENFLIGHT_OPTIONS_H */
