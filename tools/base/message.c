/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * message.c: print errors to stderr, and detect failed writes to stdout.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/message.h"

void complain(const char *subject, const char *why)
{
    char safe[TEXT_ROOM(256)];

    fflush(stdout);
    fprintf(stderr, "xenflight: %s: %s\n",
            text_escape(safe, sizeof(safe), subject), why);
}

int flush_stdout(void)
{
    if ( !fflush(stdout) && !ferror(stdout) )
        return EXIT_OK;

    if ( errno != EPIPE )
        complain("stdout", strerror(errno));
    return EXIT_FAIL;
}
