/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c: xenflight explain: what happened, in at most 20 lines.
 */

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/cmd.h"
#include "tools/explain/explain.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    return parse_file(key, arg, state, state->input);
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Say in at most 20 lines what happened: who died, of what, where; "
           "or who hangs, starves or storms; what it did last in Xen; who else "
           "had its pCPU; what Dom0 did; and what the recording cannot tell.  "
           "In brackets is what a line rests on: seconds from the trigger and "
           "pCPU, to look up with `xenflight show'.\v"
           "Examples:\n"
           "  xenflight explain FILE\n"
           "  xenflight explain $(ls -t " FILES_DIR "/*.xfr.lz4 | head -n 1)\n"
           "  xenflight show --from -0.0029 --to -0.0027 --cpu 0 FILE  # what is "
           "cited\n\n"
           "" DOC_READER,
};

static int explain(const struct source *src)
{
    struct story *s = malloc(sizeof(*s));
    int rc = s ? story_read(s, src) : -ENOMEM;

    if ( !rc )
    {
        story_write(s);
        for ( unsigned int i = 0; i < s->lines; i++ )
            puts(s->line[i]);
        story_free(s);
    }

    free(s);
    return rc;
}

int cmd_explain(int argc, char **argv)
{
    const char *file = NULL;
    struct source src;
    int rc;

    if ( parse_options(&argp, argc, argv, &file) )
        return EXIT_USAGE;

    if ( source_open(file, true, &src) )
        return EXIT_FAIL;

    rc = explain(&src);
    return source_end(&src, file, rc);
}
