/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * input.h: open an input file, which may be a pipe.
 */

#ifndef XENFLIGHT_INPUT_H
#define XENFLIGHT_INPUT_H

/*
 * Open @path for reading; "-" is standard input.  Readers of snapshots seek, so
 * a pipe, socket or device is first copied to its end into a temporary file
 * without a name, in $TMPDIR or /tmp.  A symbolic link to a pipe is not followed
 * outside of /dev and /proc: reading a directory must not wait for one.
 *
 * Return a seekable fd that the caller must close(), or -errno.
 */
int input_open(const char *path);

#endif /* XENFLIGHT_INPUT_H */
