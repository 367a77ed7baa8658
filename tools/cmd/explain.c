/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c: xenflight explain: explain a snapshot in at most 20 lines.
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
    .doc = "Explain a snapshot in at most 20 lines: which domain died, why and "
           "where, or which one hangs, starves or floods Xen; its last actions "
           "in Xen; the other users of its pCPU; Dom0's actions; and the limits "
           "of the recording.  The evidence of a line follows in brackets: "
           "seconds from the trigger and pCPU, for use with `xenflight "
           "show'.\v"
           "Examples:\n"
           "  xenflight explain FILE\n"
           "  xenflight explain $(ls -t " FILES_DIR "/*.xfr.lz4 | head -n 1)\n"
           "  xenflight show --from -0.0029 --to -0.0027 --cpu 0 FILE  # the "
           "evidence\n\n"
           "" DOC_READER,
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

    if ( parse_options(&argp, argc, argv, &file) )
        return EXIT_USAGE;

    if ( source_open(file, true, &src) )
        return EXIT_FAIL;

    rc = explain(&src);
    return source_end(&src, file, rc);
}
