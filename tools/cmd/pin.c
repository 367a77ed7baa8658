/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pin.c: xenflight pin, unpin: protect a snapshot from removal by the daemon.
 * The mark is the mode of the file, not writable by its owner: it needs no other
 * file and stays with a copy that keeps modes.
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/cmd.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    return parse_args(key, state, state->input);
}

static const struct argp argp = {
    .parser = parse,
    .args_doc = "FILE...",
    .doc = "Protect snapshots from removal, or with unpin allow it again.  The "
           "daemon never removes a pinned snapshot, neither for its age nor for "
           "its size, but counts it in the budget.  A snapshot is pinned if its "
           "owner may not write it: chmod u-w does the same.\v"
           "Examples:\n"
           "  xenflight pin FILE\n"
           "  xenflight unpin FILE\n\n"
           "Exit status: 0 on success, 1 if a file could not be changed, 2 on "
           "wrong usage.",
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
    struct args files = { 0 };
    int i, rc, code = EXIT_OK;

    if ( parse_options(&argp, argc, argv, &files) )
        return EXIT_USAGE;

    for ( i = 0; i < files.nr; i++ )
    {
        rc = change(files.path[i], pin);
        if ( !rc )
            continue;
        complain(files.path[i], strerror(-rc));
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
