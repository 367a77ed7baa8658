/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create.c: xenflight create: create the recorder's buffers.
 */

#include <errno.h>
#include <stdlib.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"
#include "tools/live/mask.h"

struct options {
    struct ask ask;            /* must be first: ask_parse_child() */
    struct command c;
};

enum { OPT_SLOT = 512, OPT_SPARES, OPT_BUSY, OPT_RARE };

static const struct argp_option option_list[] = {
    { "size", 's', "SIZE", 0, "size of a pCPU's buffers: 128K to 36M (1M)", 0 },
    { "slot", OPT_SLOT, "SIZE", 0,
      "size of a slot, the unit of overwriting: 4K to 512K", 0 },
    { "spares", OPT_SPARES, "N", 0,
      "number of slots that stay writable while a history is held", 0 },
    { "busy", OPT_BUSY, "MASK", 0,
      "events to record, as for xenflight mask busy", 0 },
    { "rare", OPT_RARE, "MASK", 0, "events to keep a second copy of", 0 },
    { 0 },
};

static uint32_t number(const char *arg, bool bytes, const char *option,
                       struct argp_state *state)
{
    uint64_t n;

    if ( text_number(arg, bytes, &n) || n > UINT32_MAX )
        argp_error(state, "%s takes a number%s, not \"%s\"", option,
                   bytes ? " of bytes like 4M" : "", arg);
    return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
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
            argp_error(state, "\"%s\" is not a mask: see xenflight mask --help", arg);
        return 0;
    default:
        return ask_parse_child(key, arg, state);
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .children = ask_children,
    .doc = "Create buffers for all pCPUs, including those that come online "
           "later.  `xenflight start' starts recording.  Buffers of this form "
           "that exist already are kept; those of another form must be "
           "destroyed first.\v"
           "Examples:\n"
           "  xenflight create && xenflight start\n"
           "  xenflight destroy && xenflight create -s 8M && xenflight start\n"
           "  xenflight create --size 4M --busy default --busy hvm=off\n\n"
           "Exit status: 0 if such buffers exist now, 1 if not, 2 on wrong "
           "usage.",
};

int cmd_create(int argc, char **argv)
{
    struct options o = { .c.verb = COMMAND_CREATE };

    if ( ask_parse(&o.ask, &argp, argc, argv) )
        return EXIT_USAGE;
    return ask_command(&o.ask, argv[0], &o.c, "Buffers exist.");
}
