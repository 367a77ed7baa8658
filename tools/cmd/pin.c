/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pin.c: xenflight pin, unpin: may the daemon remove a snapshot to make
 * room?  The mark is the file's own mode: not writable for its owner, so that
 * it needs no other file and goes with a copy that keeps modes.
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/source.h"
#include "tools/cmd.h"

struct options {
    char **files;
    int nr_files;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_ARGS:
        o->files = state->argv + state->next;
        o->nr_files = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which file?");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "FILE...",
    .doc = "A pinned snapshot is never removed by the daemon, neither for its "
           "age nor for the budget; it counts in the budget all the same.  "
           "Pinned is what its owner may not write: chmod u-w does the same."
           "\v"
           "Examples:\n"
           "  xenflight pin FILE\n"
           "  xenflight unpin FILE\n\n"
           "Exit status: 0 done, 1 a file could not be changed, 2 usage.",
};

static int change(const char *path, bool pin)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    int rc = 0;

    if ( fd < 0 )
        return -errno;
    if ( fstat(fd, &st) )
        rc = -errno;
    else if ( !S_ISREG(st.st_mode) )
        rc = -EINVAL;
    else if ( fchmod(fd, pin ? st.st_mode & 0555
                             : (st.st_mode & 0777) | S_IWUSR) )
        rc = -errno;
    close(fd);
    return rc;
}

static int run(int argc, char **argv, bool pin)
{
    struct options o = { 0 };
    int i, rc, code = EXIT_OK;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;
    for ( i = 0; i < o.nr_files; i++ )
    {
        rc = change(o.files[i], pin);
        if ( !rc )
            continue;
        complain(o.files[i], strerror(-rc));
        code = EXIT_FAIL;
    }
    return code;
}

int cmd_pin(int argc, char **argv)
{
    return run(argc, argv, true);
}

int cmd_unpin(int argc, char **argv)
{
    return run(argc, argv, false);
}
