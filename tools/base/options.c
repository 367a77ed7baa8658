/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.c: parse the options and arguments that several commands take.
 */

#include <errno.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/base/options.h"

static error_t parse_json(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;

    if ( key != 'j' )
        return ARGP_ERR_UNKNOWN;
    *json = true;
    return 0;
}

static const struct argp_option json_list[] = {
    { "json", 'j', NULL, 0, "print JSON, one object per line", 0 },
    { 0 },
};

const struct argp json_argp = { .options = json_list, .parser = parse_json };

enum { OPT_CLOCK = 1024 };

static error_t parse_clock(int key, char *arg, struct argp_state *state)
{
    enum doc_clock *clock = state->input;

    if ( key != OPT_CLOCK )
        return ARGP_ERR_UNKNOWN;
    *clock = doc_clock_find(arg);
    if ( *clock == DOC_CLOCKS )
        argp_error(state, "--clock takes rel, tsc, xen, monotonic or realtime, "
                   "not \"%s\"", arg);
    return 0;
}

static const struct argp_option clock_list[] = {
    { "clock", OPT_CLOCK, "CLOCK", 0, "times: rel (from the trigger), "
      "tsc, xen (its system time), monotonic or realtime (of Dom0)", 0 },
    { 0 },
};

const struct argp clock_argp = { .options = clock_list,
                                 .parser = parse_clock };

static error_t parse_last(int key, char *arg, struct argp_state *state)
{
    struct last *last = state->input;

    if ( key != 'l' )
        return ARGP_ERR_UNKNOWN;
    last->given = true;
    last->ns = parse_time("last", arg, state);
    return 0;
}

static const struct argp_option last_list[] = {
    { "last", 'l', "TIME", 0, "start TIME (like 100ms) before the trigger", 0 },
    { 0 },
};

const struct argp last_argp = { .options = last_list, .parser = parse_last };

static error_t parse_output(int key, char *arg, struct argp_state *state)
{
    const char **path = state->input;

    switch ( key )
    {
    case 'o':
        *path = arg;
        return 0;
    case ARGP_KEY_END:
        if ( !*path )
            argp_error(state, "name the file to write with -o");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option output_list[] = {
    { "output", 'o', "OUT", 0, "write to this file, which must not exist", 0 },
    { 0 },
};

const struct argp output_argp = { .options = output_list,
                                  .parser = parse_output };

int parse_options(const struct argp *argp, int argc, char **argv, void *input)
{
    argp_err_exit_status = EXIT_USAGE;
    return argp_parse(argp, argc, argv, 0, NULL, input) ? EXIT_USAGE : 0;
}

error_t parse_file(int key, char *arg, struct argp_state *state,
                   const char **file)
{
    switch ( key )
    {
    case ARGP_KEY_ARG:
        if ( state->arg_num )
            argp_error(state, "only one file can be read");
        *file = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no file given; see `xenflight list'");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

error_t parse_args(int key, struct argp_state *state, struct args *args)
{
    switch ( key )
    {
    case ARGP_KEY_ARGS:
        args->path = state->argv + state->next;
        args->nr = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no file given");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void wrong_time(const char *option, const char *arg, const char *forms,
                const struct argp_state *state)
{
    const char *digits = arg + (*arg == '-' || *arg == '+');

    if ( *digits && !digits[strspn(digits, "0123456789")] )
        argp_error(state, "--%s %s: the unit is missing: ns, us, ms, s, m, h or "
                   "d", option, arg);
    else
        argp_error(state, "--%s takes %s, not \"%s\"", option, forms, arg);
}

uint64_t parse_time(const char *option, const char *arg,
                    const struct argp_state *state)
{
    uint64_t ns = 0;

    if ( text_duration(arg, &ns) )
        wrong_time(option, arg, "a time like 100ms", state);
    return ns;
}
