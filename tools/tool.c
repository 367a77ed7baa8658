/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tool.c: what the reading commands share.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "tools/cmd.h"
#include "tools/tool.h"

void complain(const char *path, const char *why)
{
    char safe[TEXT_ROOM(256)];

    fflush(stdout);
    fprintf(stderr, "xenflight: %s: %s\n",
            text_escape(safe, sizeof(safe), path), why);
}

int flush_stdout(void)
{
    if ( !fflush(stdout) && !ferror(stdout) )
        return EXIT_OK;

    if ( errno != EPIPE )
        complain("stdout", strerror(errno));
    return EXIT_FAIL;
}

int source_open(const char *path, bool want_dict, struct source *src)
{
    struct snapshot_fault fault = { .what = "" };
    char err[256];
    int rc;

    rc = snapshot_open(path, &src->snap, &fault);
    if ( rc )
    {
        complain(path, rc == -EBADMSG || rc == -ENOTSUP ? fault.what
                                                        : strerror(-rc));
        return rc;
    }

    rc = doc_load(src->snap, want_dict, &src->doc, err, sizeof(err));
    if ( rc )
    {
        complain(path, err);
        snapshot_close(src->snap);
    }

    return rc;
}

void source_close(struct source *src)
{
    doc_free(&src->doc);
    snapshot_close(src->snap);
}

static int is_snapshot(const struct dirent *e)
{
    size_t len = strlen(e->d_name), suffix = strlen(SNAPSHOT_SUFFIX);

    return len > suffix && e->d_name[0] != '.' &&
           !strcmp(e->d_name + len - suffix, SNAPSHOT_SUFFIX);
}

int find_snapshots(const char *dir, char ***paths, size_t *nr)
{
    struct dirent **names;
    int n = scandir(dir, &names, is_snapshot, alphasort), rc = 0;

    if ( n < 0 )
        return -errno;

    *nr = 0;
    *paths = calloc(n + 1, sizeof(**paths));
    if ( !*paths )
        rc = -ENOMEM;

    for ( int i = 0; i < n; i++ )
    {
        if ( !rc && asprintf(&(*paths)[*nr], "%s/%s", dir,
                             names[i]->d_name) >= 0 )
            ++*nr;
        free(names[i]);
    }

    free(names);
    return rc;
}

void free_snapshots(char **paths, size_t nr)
{
    for ( size_t i = 0; i < nr; i++ )
        free(paths[i]);
    free(paths);
}
