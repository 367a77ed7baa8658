/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dom0.c: find xenflight-dom0 and run it in place of this process.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/base/dom0.h"
#include "tools/base/message.h"

/*
 * Relative to this program's own folder: the build tree, then PREFIX/bin.  So a
 * copied tree works, and no variable chooses a program that root runs.
 */
static const char *const places[] = {
    "xenflight-dom0",
    "../lib/xenflight/xenflight-dom0",
};

/* Without /proc the program's own folder is not known. */
#define DEFAULT_FOLDER "/usr/bin/"

/* Store this program's folder in @path and return the room behind it. */
static char *own_folder(char *path, size_t bytes)
{
    ssize_t n = readlink("/proc/self/exe", path, bytes - 1);

    if ( n <= 0 )
        n = snprintf(path, bytes, DEFAULT_FOLDER);
    path[n] = '\0';
    return strrchr(path, '/') + 1;
}

int dom0_exec(int argc, char **argv)
{
    char path[PATH_MAX];
    char *end = own_folder(path, sizeof(path));
    char *name = strrchr(argv[0], ' ');
    char **args = calloc(argc + 2, sizeof(*args));
    int rc = ENOENT;

    if ( !args )
        return EXIT_FAIL;

    args[0] = path;
    args[1] = name ? name + 1 : argv[0];
    memcpy(args + 2, argv + 1, (argc - 1) * sizeof(*args));
    for ( size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++ )
    {
        snprintf(end, path + sizeof(path) - end, "%s", places[i]);
        execv(path, args);
        if ( errno != ENOENT )
            rc = errno;
    }
    free(args);

    if ( rc == ENOENT )
        fprintf(stderr, "%s: this command talks to Xen, and xenflight-dom0 is "
                "not installed: install the package of that name in Dom0\n",
                argv[0]);
    else
        fprintf(stderr, "%s: cannot run xenflight-dom0: %s\n", argv[0],
                strerror(rc));
    return EXIT_FAIL;
}
