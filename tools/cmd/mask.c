/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mask.c: xenflight mask: print or change which events are recorded.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/text.h"
#include "lib/xen/hyp.h"
#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"
#include "tools/live/mask.h"

struct options {
    struct ask ask;            /* must be first: ask_parse_child() */
    struct command c;
    uint32_t channel;          /* XEN_FLIGHTREC_CHANNELS: none given yet */
};

static void parse_change(struct options *o, const char *arg,
                         struct argp_state *state)
{
    char safe[TEXT_ROOM(64)];
    int rc;

    text_escape(safe, sizeof(safe), arg);
    if ( o->channel == XEN_FLIGHTREC_CHANNELS )
    {
        o->channel = mask_channel(arg);
        if ( o->channel == XEN_FLIGHTREC_CHANNELS )
            argp_error(state, "\"%s\" is not a channel: use busy or rare", safe);
        return;
    }
    rc = mask_add(&o->c, o->channel, arg);
    if ( rc == -E2BIG )
        argp_error(state, "\"%s\" matches more than %d events: use their class",
                   safe, COMMAND_MASKS);
    if ( rc )
        argp_error(state, "\"%s\" is neither a mask nor a class or event with "
                          "=on or =off", safe);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_ARG:
        parse_change(o, arg, state);
        return 0;
    case ARGP_KEY_END:
        if ( o->channel != XEN_FLIGHTREC_CHANNELS && !o->c.nr_masks )
            argp_error(state, "no change given for %s",
                       mask_channels[o->channel]);
        return 0;
    default:
        return ask_parse_child(key, arg, state);
    }
}

static const struct argp argp = {
    .parser = parse,
    .children = ask_children,
    .args_doc = "[busy|rare CHANGE...]",
    .doc = "Print or change which events are recorded.  The busy channel has "
           "all of them; the rare channel has a second copy of those that must "
           "survive a flood.  A CHANGE is all, default, a mask as in xentrace "
           "(0x2f000), CLASS=on|off with CLASS gen, sched, dom0op, hvm, mem, "
           "pv, shadow, hw or guest, or EVENT=on|off, where EVENT may be a "
           "shell pattern.  An event is recorded if its class is on and the "
           "event itself is not off.\v"
           "Examples:\n"
           "  xenflight mask\n"
           "  xenflight mask busy pv_hypercall=off hvm=on\n"
           "  xenflight mask rare all\n"
           "  xenflight mask busy default\n\n"
           "Exit status: 0 on success, 1 on failure, 2 on wrong usage.",
};

static int add_refused(struct hyp *h, uint32_t channel, json_t *refused)
{
    struct xen_flightrec_op o;
    uint32_t event = 0;
    const char *name;
    int rc;

    do {
        o = (struct xen_flightrec_op){
            .cmd = XEN_FLIGHTREC_OP_mask,
            .u.mask = { .channel = channel, .event = event,
                        .how = XEN_FLIGHTREC_MASK_NEXT },
        };
        rc = hyp_op(h, &o);
        if ( rc || !o.u.mask.event )
            return rc;
        if ( o.u.mask.event <= event )
            return -EPROTO;
        event = o.u.mask.event;
        name = mask_event_name(event);
    } while ( !json_array_append_new(refused,
                                     json_pack("{si ss}", "event", event,
                                               "name", name ? name : "?")) );
    return -ENOMEM;
}

/* {"busy": {"mask", "refused": [{"event", "name"}]}, "rare": ...} */
static int read_masks(struct hyp *h, void *arg)
{
    json_t **out = arg, *refused;
    struct xen_flightrec_op_status st;
    int rc = hyp_status(ask_op, h, &st);
    uint32_t ch;

    *out = json_object();
    for ( ch = 0; !rc && ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        refused = json_array();
        rc = add_refused(h, ch, refused);
        if ( json_object_set_new(*out, mask_channels[ch],
                                 json_pack("{sI so}", "mask",
                                           (json_int_t)st.mask[ch], "refused",
                                           refused)) )
            rc = -ENOMEM;
    }
    return rc;
}

static void print_masks(const json_t *masks)
{
    const json_t *c, *r;
    const char *name;
    char text[128];
    json_int_t mask;
    size_t i;

    json_object_foreach((json_t *)masks, name, c)
    {
        mask = json_integer_value(json_object_get(c, "mask"));
        printf("%s: %#llx: %s", name, (unsigned long long)mask,
               mask_text(mask, text));
        json_array_foreach(json_object_get(c, "refused"), i, r)
            printf("%s %s (%#llx)", i ? "," : "; not",
                   json_string_value(json_object_get(r, "name")),
                   (unsigned long long)json_integer_value(
                       json_object_get(r, "event")));
        putchar('\n');
    }
}

/* Reading needs no lock and no daemon. */
static int show(const struct options *o, const char *cmd)
{
    json_t *masks = NULL;
    int rc = ask_xen(&o->ask, cmd, read_masks, &masks);

    if ( !rc && o->ask.json )
    {
        json_dumpf(masks, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    }
    else if ( !rc )
        print_masks(masks);
    json_decref(masks);
    return rc ? EXIT_FAIL : EXIT_OK;
}

int cmd_mask(int argc, char **argv)
{
    struct options o = { .c.verb = COMMAND_MASK,
                         .channel = XEN_FLIGHTREC_CHANNELS };

    if ( ask_parse(&o.ask, &argp, argc, argv) )
        return EXIT_USAGE;
    if ( o.channel == XEN_FLIGHTREC_CHANNELS )
        return show(&o, argv[0]);
    return ask_command(&o.ask, argv[0], &o.c, "Done.");
}
