/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * files.c: find the snapshot files named by arguments.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/format/snapshot.h"
#include "tools/base/files.h"

/* Make room for @nr more paths. */
static int grow(struct files *f, size_t nr)
{
    char **path = reallocarray(f->path, f->nr + nr + 1, sizeof(*path));

    if ( !path )
        return -ENOMEM;
    f->path = path;
    return 0;
}

static int is_snapshot(const struct dirent *e)
{
    size_t len = strlen(e->d_name), suffix = strlen(SNAPSHOT_SUFFIX);

    /* A pipe would be waited for. */
    return e->d_type != DT_FIFO && len > suffix && e->d_name[0] != '.' &&
           !strcmp(e->d_name + len - suffix, SNAPSHOT_SUFFIX);
}

static char *join(const char *dir, const char *name)
{
    size_t len = strlen(dir);
    char *path;

    return asprintf(&path, "%s%s%s", dir,
                    len && dir[len - 1] == '/' ? "" : "/", name) < 0 ? NULL
                                                                     : path;
}

static int add_dir(struct files *f, const char *dir)
{
    struct dirent **names;
    int n = scandir(dir, &names, is_snapshot, alphasort), rc;
    size_t before = f->nr;

    if ( n < 0 )
        return -errno;

    rc = grow(f, n);
    for ( int i = 0; i < n; i++ )
    {
        if ( !rc && !(f->path[f->nr] = join(dir, names[i]->d_name)) )
            rc = -ENOMEM;
        f->nr += !rc;
        free(names[i]);
    }
    free(names);

    while ( rc && f->nr > before )
        free(f->path[--f->nr]);
    return rc;
}

static int add_file(struct files *f, const char *path)
{
    int rc = grow(f, 1);

    if ( !rc && !(f->path[f->nr] = strdup(path)) )
        rc = -ENOMEM;
    f->nr += !rc;
    return rc;
}

int files_add(struct files *f, const char *arg)
{
    struct stat st;

    if ( !strcmp(arg, "-") )
        return add_file(f, arg);
    if ( stat(arg, &st) )
        return -errno;
    return S_ISDIR(st.st_mode) ? add_dir(f, arg) : add_file(f, arg);
}

void files_free(struct files *f)
{
    for ( size_t i = 0; i < f->nr; i++ )
        free(f->path[i]);
    free(f->path);
}
