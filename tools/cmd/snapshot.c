/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot.c: xenflight snapshot: ask the daemon for a snapshot.
 */

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
    struct ask ask;            /* must be first: ask_parse_child() */
    struct control_request req;
};

static const struct argp_option option_list[] = {
    { "reason", 'r', "TEXT", 0, "reason, stored in the file", 0 },
    { "wait", 'w', NULL, 0, "wait until it is on disk, and print its path", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case 'r':
        if ( strlen(arg) > sizeof(o->req.text) )
            argp_error(state, "--reason takes at most %zu bytes",
                       sizeof(o->req.text));
        o->req.text_bytes = strlen(arg);
        memcpy(o->req.text, arg, o->req.text_bytes);
        return 0;
    case 'w':
        o->req.flags |= CONTROL_WAIT;
        return 0;
    default:
        return ask_parse_child(key, arg, state);
    }
}

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .children = ask_children,
    .doc = "Ask snapshotd to write a snapshot of all that Xen has recorded.\v"
           "Examples:\n"
           "  xenflight snapshot --reason \"slow disk\" --wait\n"
           "  xenflight explain \"$(xenflight snapshot --wait)\"\n\n"
           "Exit status: 0 if it was accepted, or with --wait written, 1 if "
           "not, 2 on wrong usage.",
};

/*
 * The path often becomes an argument of another command, which must not take it
 * for an option or another file of the current directory.
 */
static int print(const struct options *o, const json_t *answer,
                 const char *cmd)
{
    const char *file = json_string_value(json_object_get(answer, "file"));
    char safe[TEXT_ROOM(512)];

    if ( file && *file != '/' )
    {
        fprintf(stderr, "%s: invalid path in the answer: %s\n", cmd,
                text_escape(safe, sizeof(safe), file));
        return EXIT_FAIL;
    }

    if ( o->ask.json )
    {
        json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    }
    else
        puts(file ? text_escape(safe, sizeof(safe), file)
                  : "A snapshot will be written.");
    return EXIT_OK;
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
        fprintf(stderr, "%s: snapshotd is not running (%s/" CONTROL_SOCKET
                        "): start it first\n",
                argv[0], o.ask.run);
    if ( rc )
        return EXIT_FAIL;
    rc = print(&o, answer, argv[0]);
    json_decref(answer);
    return rc;
}
