/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd.h: the sub-commands of xenflight.  argv[0] is "xenflight COMMAND", for
 * messages.  Each returns an exit code: tools/base/message.h.
 */

#ifndef XENFLIGHT_CMD_H
#define XENFLIGHT_CMD_H

/* --version: versions of the program, the formats and the libraries. */
int print_version(void);

int cmd_status(int argc, char **argv);
int cmd_start(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_create(int argc, char **argv);
int cmd_destroy(int argc, char **argv);
int cmd_mask(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_snapshot(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_pin(int argc, char **argv);
int cmd_unpin(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_unpack(int argc, char **argv);
int cmd_redact(int argc, char **argv);

#endif /* XENFLIGHT_CMD_H */
