/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* create.c: xenflight create: make buffers. */

#include <errno.h>
#include <stdlib.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"
#include "tools/live/mask.h"

struct options {
    struct ask ask;            /* first: the child parser's input */
    struct command c;
};

enum { OPT_SLOT = 512, OPT_SPARES, OPT_BUSY, OPT_RARE };

static const struct argp_option option_list[] = {
    { "size", 's', "SIZE", 0, "of a pCPU's buffers: 128K to 36M (1M)", 0 },
    { "slot", OPT_SLOT, "SIZE", 0,
      "of the pieces that are overwritten at a time: 4K to 512K", 0 },
    { "spares", OPT_SPARES, "N", 0,
      "how many of them stay writable while a history is held", 0 },
    { "busy", OPT_BUSY, "MASK", 0,
      "what is recorded, as for xenflight mask busy", 0 },
    { "rare", OPT_RARE, "MASK", 0, "... of that, what has a second copy", 0 },
    { 0 },
};

static const struct argp_child children[] = { { &ask_argp, 0, NULL, 0 },
                                              { 0 } };

static uint32_t number(const char *arg, bool bytes, const char *what,
                       struct argp_state *state)
{
    uint64_t n;

    if ( text_number(arg, bytes, &n) || n > UINT32_MAX )
        argp_error(state, "%s: a number%s", what,
                   bytes ? " of bytes, like 4M" : "");
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->ask;
        return 0;
    case 's':
        o->c.create.bytes_per_cpu = number(arg, true, "--size", state);
        return 0;
    case OPT_SLOT:
        o->c.create.slot_bytes = number(arg, true, "--slot", state);
        return 0;
    case OPT_SPARES:
        o->c.create.spares = number(arg, false, "--spares", state);
        return 0;
    case OPT_BUSY:
    case OPT_RARE:
        if ( mask_add(&o->c, key == OPT_BUSY ? XEN_FLIGHTREC_CH_BUSY
                                             : XEN_FLIGHTREC_CH_RARE, arg) )
            argp_error(state, "not a mask: see xenflight mask --help");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .children = children,
    .doc = "Make buffers, for all pCPUs there are and those to come; recording "
           "begins with xenflight start.  Nothing is done if there are such "
           "buffers already; those of another form must be destroyed first.\v"
           "Examples:\n"
           "  xenflight create && xenflight start\n"
           "  xenflight destroy && xenflight create -s 8M && xenflight start\n"
           "  xenflight create --size 4M --busy default --busy hvm=off\n\n"
           "Exit status: 0 there are such buffers, 1 there are not, 2 usage.",
};

int cmd_create(int argc, char **argv)
{
    struct options o = { .c.verb = COMMAND_CREATE };

    if ( ask_parse(&o.ask, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&o.ask, argv[0], &o.c, "There are buffers.");
}
