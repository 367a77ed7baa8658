/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fakedisk.c: a file system that lacks some calls, as NFS, FUSE or an old ZFS
 * do, for one program and its children.  LD_PRELOAD this library; FAKEDISK is
 * the error that they fail with, by number:
 *
 *   renameat2() with flags
 *   fsync(), fdatasync()
 *   fstatvfs() succeeds, but does not know any size
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int error;

/* Must run before the program enters a sandbox. */
static void __attribute__((__constructor__)) read_error(void)
{
    const char *text = getenv("FAKEDISK");

    error = text ? atoi(text) : EINVAL;
}

static int fail(void)
{
    errno = error;
    return -1;
}

int renameat2(int from, const char *old, int to, const char *new,
              unsigned int flags)
{
    return flags ? fail() : renameat(from, old, to, new);
}

int fsync(int fd)
{
    return fail();
}

int fdatasync(int fd)
{
    return fail();
}

int fstatvfs(int fd, struct statvfs *v)
{
    memset(v, 0, sizeof(*v));
    return 0;
}
