/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dom0.h: run the commands that talk to Xen.  They are in a program of their
 * own, xenflight-dom0, so that the reader links no library of Xen.
 */

#ifndef XENFLIGHT_DOM0_H
#define XENFLIGHT_DOM0_H

/*
 * Replace this process by xenflight-dom0 with the arguments of a command,
 * "xenflight COMMAND" in @argv[0].  Return only on failure: print the error and
 * return EXIT_FAIL.
 */
int dom0_exec(int argc, char **argv);

#endif /* XENFLIGHT_DOM0_H */
