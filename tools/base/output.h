/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * output.h: files that commands write.
 *
 * A file appears under its name only once it is complete: it is written beside it
 * under a temporary name and renamed.  On an error or a signal the temporary file
 * is removed, and an older file of that name stays as it was.  Devices and pipes
 * are written directly.
 *
 * A file made from a snapshot gets the snapshot's permissions, without write
 * permission for others than the owner, and less the umask.
 */

#ifndef XENFLIGHT_OUTPUT_H
#define XENFLIGHT_OUTPUT_H

#include <stdbool.h>
#include <sys/types.h>

struct output {
    const char *path;  /* as given */
    int fd;            /* open for writing until output_end() */
    char *target;      /* path with symbolic links resolved */
    char *temp;        /* renamed to target at the end; NULL: written directly */
    bool must_be_new;
};

/*
 * Open @path, made from the snapshot @input.  "-" is stdout.  With @must_be_new
 * @path must not exist; else an older file is replaced.
 *
 * Return 0, or -errno after a message on stderr.  It fails if @path is @input
 * under any name.
 */
int output_open(struct output *o, const char *path, const char *input,
                bool must_be_new);

/*
 * Close o->fd.  If @rc is 0, move the file to its name; else, or if that fails,
 * remove it.  Return @rc or -errno, without a message.
 */
int output_end(struct output *o, int rc);

/*
 * Return the permissions for a file made from @input, and give the file @fd its
 * group.  With -1 the file will have the process's group.
 */
mode_t output_mode(const char *input, int fd);

#endif /* XENFLIGHT_OUTPUT_H */
