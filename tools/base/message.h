/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * message.h: exit codes, messages on stderr, and whether stdout was written.
 */

#ifndef XENFLIGHT_MESSAGE_H
#define XENFLIGHT_MESSAGE_H

#define EXIT_OK    0
#define EXIT_FAIL  1 /* the command failed, or its input is damaged */
#define EXIT_USAGE 2

/*
 * Flush stdout, then print "xenflight: @subject: @why" on stderr.  @subject is
 * escaped; it is a path, an option or another argument.
 */
void complain(const char *subject, const char *why);

/*
 * Return EXIT_OK if all output so far reached stdout, else EXIT_FAIL.  The error
 * is printed unless it is EPIPE.
 */
int flush_stdout(void);

#endif /* XENFLIGHT_MESSAGE_H */
