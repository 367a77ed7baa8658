/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * output.c: write a file under a temporary name, then rename it.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/output.h"

/* Read by the handler.  A command writes one file at a time. */
static const char *volatile unfinished;

static void on_signal(int sig)
{
    if ( unfinished )
        unlink(unfinished);
    raise(sig); /* SA_RESETHAND: this ends the process */
}

static void catch_signals(void)
{
    static const int ends[] = { SIGHUP, SIGINT, SIGTERM, SIGXFSZ, SIGXCPU,
                                SIGPIPE };
    struct sigaction sa = { .sa_handler = on_signal,
                            .sa_flags = SA_RESETHAND | SA_NODEFER }, old;

    for ( size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++ )
        if ( !sigaction(ends[i], NULL, &old) && old.sa_handler == SIG_DFL )
            sigaction(ends[i], &sa, NULL);
}

static mode_t get_umask(void)
{
    mode_t mask = umask(077);

    umask(mask);
    return mask;
}

mode_t output_mode(const char *input, int fd)
{
    struct stat st;
    mode_t mode;

    if ( stat(input, &st) || !S_ISREG(st.st_mode) )
        return 0600;

    mode = (st.st_mode & 0444) | 0600;
    /* Group permissions are those of the snapshot's group, or none. */
    if ( fd < 0 ? st.st_gid != getegid() : fchown(fd, -1, st.st_gid) )
        mode &= ~0070;
    return mode & ~(get_umask() & 077);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int refuse(const char *path, int rc, const char *why)
{
    complain(path, why ? why : strerror(-rc));
    return rc;
}

static int open_temp(struct output *o, const char *input)
{
    const char *slash = strrchr(o->target, '/'), *base;

    base = slash ? slash + 1 : o->target;
    if ( asprintf(&o->temp, "%.*s.%.200s.XXXXXX", (int)(base - o->target),
                  o->target, base) < 0 )
    {
        o->temp = NULL;
        return -ENOMEM;
    }

    o->fd = mkostemp(o->temp, O_CLOEXEC);
    if ( o->fd < 0 )
    {
        int rc = -errno;

        free(o->temp);
        o->temp = NULL;
        return rc;
    }
    unfinished = o->temp;
    catch_signals();
    return fchmod(o->fd, output_mode(input, o->fd)) ? -errno : 0;
}

/* A device or a pipe, or stdout. */
static int open_direct(struct output *o)
{
    o->fd = strcmp(o->path, "-") ? open(o->path, O_WRONLY | O_CLOEXEC)
                                 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    return o->fd < 0 ? -errno : 0;
}

int output_open(struct output *o, const char *path, const char *input,
                bool must_be_new)
{
    struct stat in, out;
    bool exists;
    int rc;

    *o = (struct output){ .path = path, .fd = -1, .must_be_new = must_be_new };
    if ( !strcmp(path, "-") )
    {
        rc = open_direct(o);
        return rc ? refuse(path, rc, NULL) : 0;
    }

    exists = !stat(path, &out);
    if ( exists && !stat(input, &in) && is_same(&in, &out) )
        return refuse(path, -EEXIST, "is the input file");
    if ( exists && must_be_new )
        return refuse(path, -EEXIST, NULL);
    if ( exists && S_ISDIR(out.st_mode) )
        return refuse(path, -EISDIR, NULL);

    if ( exists && !S_ISREG(out.st_mode) )
        rc = open_direct(o);
    else
    {
        o->target = exists ? realpath(path, NULL) : strdup(path);
        rc = o->target ? open_temp(o, input) : -errno;
    }
    if ( rc )
    {
        output_end(o, rc);
        return refuse(path, rc, NULL);
    }
    return 0;
}

/* Not every file system has RENAME_NOREPLACE, nor every one link(). */
static int move_new(const struct output *o)
{
    if ( !link(o->temp, o->target) )
        return unlink(o->temp) ? -errno : 0;
    if ( errno == EEXIST || !access(o->target, F_OK) )
        return -EEXIST;
    return rename(o->temp, o->target) ? -errno : 0;
}

static int move(const struct output *o)
{
    if ( fsync(o->fd) )
        return -errno;
    if ( o->must_be_new )
        return move_new(o);
    return rename(o->temp, o->target) ? -errno : 0;
}

int output_end(struct output *o, int rc)
{
    if ( !rc && o->temp )
        rc = move(o);
    if ( o->fd >= 0 && close(o->fd) && !rc )
        rc = -errno;
    o->fd = -1;
    if ( rc && o->temp )
        unlink(o->temp);
    unfinished = NULL;
    free(o->temp);
    free(o->target);
    o->temp = o->target = NULL;
    return rc;
}
