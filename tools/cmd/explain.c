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
           "Needs neither Xen nor root.  Exit status: 0 done, 1 the file "
           "cannot be read, or not to its end, 2 usage.",
};

static int explain(const struct source *src)
{
    struct explain *x = malloc(sizeof(*x));
    int rc = x ? explain_read(x, src) : -ENOMEM;

    if ( !rc )
    {
        explain_write(x);
        for ( unsigned int i = 0; i < x->lines; i++ )
            puts(x->line[i]);
        explain_free(x);
    }

    free(x);
    return rc;
}

int cmd_explain(int argc, char **argv)
{
    const char *file = NULL;
    struct source src;
    int rc;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &file) )
        return EXIT_USAGE;

    if ( source_open(file, true, &src) )
        return EXIT_FAIL;

    rc = explain(&src);
    return source_end(&src, file, rc);
}
