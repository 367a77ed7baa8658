/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.h: options and arguments that several commands take.  All of them
 * report wrong values with argp_error(), which exits with EXIT_USAGE.
 */

#ifndef XENFLIGHT_OPTIONS_H
#define XENFLIGHT_OPTIONS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/format/doc.h"

/*
 * Children of a command's argp.  In ARGP_KEY_INIT the command sets
 * child_inputs[] to the type named here, zeroed.
 */
extern const struct argp json_argp;   /* --json: bool */
extern const struct argp clock_argp;  /* --clock: enum doc_clock */
extern const struct argp last_argp;   /* --last TIME: struct last */
extern const struct argp output_argp; /* --output: const char *; required */

struct last {
    bool given;
    uint64_t ns;     /* before the trigger */
};

/* End of .doc of the commands that only read files. */
#define DOC_READER "FILE may be - for standard input, or a pipe.  " \
                   "Needs neither Xen nor root.  Exit status: 0 on success, 1 " \
                   "if the file cannot be read, or not to its end, 2 on wrong " \
                   "usage."

/* Parse the command line into @input.  Return 0 or EXIT_USAGE. */
int parse_options(const struct argp *argp, int argc, char **argv, void *input);

/* The one FILE of a command.  A parser returns this for all other keys. */
error_t parse_file(int key, char *arg, struct argp_state *state,
                   const char **file);

/* FILE...: ARGP_KEY_NO_ARGS is left to the command. */
struct args {
    char **path;     /* in argv */
    int nr;
};

error_t parse_args(int key, struct argp_state *state, struct args *args);

/*
 * Report a wrong time given with --@option.  @forms lists the valid ones.  A number
 * without a unit gets a message of its own.
 */
void wrong_time(const char *option, const char *arg, const char *forms,
                const struct argp_state *state);

/* A time like 100ms given with --@option, in ns. */
uint64_t parse_time(const char *option, const char *arg,
                    const struct argp_state *state);

#endif /* XENFLIGHT_OPTIONS_H */
