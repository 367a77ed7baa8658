/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * input.c: open an input file, which may be a pipe.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/input.h"

/* Whether the user names a stream, and is ready to wait for it. */
static bool is_stream(const char *path)
{
    struct stat st;

    return !strcmp(path, "-") || !strncmp(path, "/dev/", 5) ||
           !strncmp(path, "/proc/", 6) ||
           (!lstat(path, &st) && S_ISFIFO(st.st_mode));
}

static int open_temp(void)
{
    const char *dir = getenv("TMPDIR");
    char name[4096];
    int fd;

    if ( !dir || !dir[0] )
        dir = "/tmp";
    fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if ( fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR) )
        return fd < 0 ? -errno : fd;

    /* A file system without O_TMPFILE. */
    if ( snprintf(name, sizeof(name), "%s/xenflight.XXXXXX", dir) >=
         (int)sizeof(name) )
        return -ENAMETOOLONG;
    fd = mkostemp(name, O_CLOEXEC);
    if ( fd < 0 )
        return -errno;
    unlink(name);
    return fd;
}

static int write_all(int fd, const char *data, size_t len)
{
    while ( len )
    {
        ssize_t n = write(fd, data, len);

        if ( n < 0 && errno == EINTR )
            continue;
        if ( n <= 0 )
            return n ? -errno : -ENOSPC;
        data += n;
        len -= n;
    }

    return 0;
}

/* Copy all of @from.  Return the copy's fd or -errno. */
static int copy(int from)
{
    static char buf[256 * 1024];
    int fd = open_temp(), rc = fd < 0 ? fd : 0;

    while ( !rc )
    {
        ssize_t n = read(from, buf, sizeof(buf));

        if ( n < 0 && errno == EINTR )
            continue;
        if ( n <= 0 )
        {
            rc = n ? -errno : 0;
            break;
        }
        rc = write_all(fd, buf, n);
    }

    if ( !rc )
        return fd;
    if ( fd >= 0 )
        close(fd);
    return rc;
}

int input_open(const char *path)
{
    bool stream = is_stream(path);
    struct stat st;
    int fd, seekable;

    fd = strcmp(path, "-")
         ? open(path, O_RDONLY | O_CLOEXEC | (stream ? 0 : O_NONBLOCK))
         : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if ( fd < 0 )
        return -errno;
    if ( !stream || (!fstat(fd, &st) && S_ISREG(st.st_mode)) )
        return fd;

    seekable = isatty(fd) ? -ESPIPE : copy(fd);
    close(fd);
    return seekable;
}
