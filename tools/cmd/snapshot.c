/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* snapshot.c: xenflight snapshot: have a trace snapshot written now. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

#define ACCEPT_MS 30000
#define WAIT_MS   120000

struct options {
    struct ask ask;            /* first: the child parser's input */
    struct control_request req;
};

static const struct argp_option option_list[] = {
    { "reason", 'r', "TEXT", 0, "why; it is kept in the file", 0 },
    { "wait", 'w', NULL, 0, "until it is on disk, and say where", 0 },
    { 0 },
};

static const struct argp_child children[] = { { &ask_argp, 0, NULL, 0 },
                                              { 0 } };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->ask;
        return 0;
    case 'r':
        if ( strlen(arg) > sizeof(o->req.text) )
            argp_error(state, "a reason has at most %zu bytes",
                       sizeof(o->req.text));
        o->req.text_bytes = strlen(arg);
        memcpy(o->req.text, arg, o->req.text_bytes);
        return 0;
    case 'w':
        o->req.flags |= CONTROL_WAIT;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .children = children,
    .doc = "Have snapshotd write a trace snapshot of what Xen recorded until "
           "now.\v"
           "Examples:\n"
           "  xenflight snapshot --reason \"slow disk\" --wait\n"
           "  xenflight explain \"$(xenflight snapshot --wait)\"\n\n"
           "Exit status: 0 asked for, or with --wait written; 1 it was not; "
           "2 usage.",
};

static void print(const struct options *o, const json_t *answer)
{
    const char *file = json_string_value(json_object_get(answer, "file"));
    char safe[TEXT_ROOM(512)];

    if ( o->ask.json )
    {
        json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    }
    else
        puts(file ? text_escape(safe, sizeof(safe), file)
                  : "A snapshot will be written.");
}

int cmd_snapshot(int argc, char **argv)
{
    struct options o = { .req = { .magic = CONTROL_MAGIC,
                                  .op = CONTROL_SNAPSHOT } };
    json_t *answer;
    int rc;

    if ( ask_parse(&o.ask, &argp, argc, argv) )
        return EXIT_USAGE;
    rc = ask_daemon(&o.ask, argv[0], &o.req,
                    o.req.flags & CONTROL_WAIT ? WAIT_MS : ACCEPT_MS, &answer);
    if ( rc == -ENOENT )
        fprintf(stderr, "%s: no snapshotd is running (%s/" CONTROL_SOCKET
                        "): start it first\n",
                argv[0], o.ask.run);
    if ( rc )
        return EXIT_FAIL;
    print(&o, answer);
    json_decref(answer);
    return EXIT_OK;
}
