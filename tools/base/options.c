/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.c: arguments that several commands take.
 */

#include <errno.h>

#include "lib/base/text.h"
#include "tools/base/options.h"

error_t parse_file(int key, char *arg, struct argp_state *state,
                   const char **file)
{
    switch ( key )
    {
    case ARGP_KEY_ARG:
        if ( state->arg_num )
            argp_error(state, "one file at a time");
        *file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which file? see `xenflight list'");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

uint64_t parse_time(const char *option, const char *arg,
                    const struct argp_state *state)
{
    uint64_t ns = 0;

    if ( text_duration(arg, &ns) )
        argp_error(state, "--%s takes a time like 100ms, not \"%s\"", option,
                   arg);
    return ns;
}

enum doc_clock parse_clock(const char *arg, const struct argp_state *state)
{
    enum doc_clock clock = doc_clock_find(arg);

    if ( clock == DOC_CLOCKS )
        argp_error(state, "--clock takes rel, tsc, xen, monotonic or realtime, "
                   "not \"%s\"", arg);
    return clock;
}
