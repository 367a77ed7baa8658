/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dom0.c: xenflight-dom0, the commands that talk to Xen; xenflight runs it.
 */

#include <stdio.h>
#include <string.h>

#include "tools/base/message.h"
#include "tools/cmd.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "status", cmd_status },
    { "start", cmd_start },
    { "stop", cmd_stop },
    { "create", cmd_create },
    { "destroy", cmd_destroy },
    { "mask", cmd_mask },
    { "snapshot", cmd_snapshot },
    { "record", cmd_record },
    { "top", cmd_top },
};

int main(int argc, char **argv)
{
    char name[64];

    for ( size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]);
          i++ )
    {
        if ( strcmp(argv[1], commands[i].name) )
            continue;
        /* argp's help and messages print argv[0]. */
        snprintf(name, sizeof(name), "xenflight %s", commands[i].name);
        argv[1] = name;
        return commands[i].run(argc - 1, argv + 1);
    }

    fputs("xenflight-dom0: run by xenflight for the commands that talk to Xen; "
          "see xenflight(8)\n", stderr);
    return EXIT_USAGE;
}
