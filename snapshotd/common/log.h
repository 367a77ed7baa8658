/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.h: one line a message, to stderr, to systemd's journal or to syslog.
 * errno is kept.
 */

#ifndef SNAPSHOTD_LOG_H
#define SNAPSHOTD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

#define LOG_JOURNAL "/run/systemd/journal/socket"

/*
 * @name: "snapshotd", "snapshotd[engine]", ...; the caller must keep it.  With
 * to_syslog messages go to the journal if there is one, else to syslog.
 */
void log_open(const char *name, bool to_syslog);
/* The same, to a journal that listens on `path`.  Return false if none does. */
bool log_open_journal(const char *name, const char *path);
void log_line(int priority, const char *fmt, ...)
    __attribute__((__format__(__printf__, 2, 3)));

/*
 * With fields, which only the journal keeps: "NAME=value\n" each.  They must be
 * made of constant words and numbers.
 */
void log_fields(int priority, const char *fields, const char *fmt, ...)
    __attribute__((__format__(__printf__, 3, 4)));

#define log_error(...)   log_line(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)

/*
 * Foreign text made fit for a log line: its first LOG_TEXT bytes, with quotes,
 * backslashes and all bytes but printable ASCII as \xNN.  Returns buf->s.
 */
#define LOG_TEXT 64

struct log_text {
    char s[4 * LOG_TEXT + 4];
};

const char *log_escape(struct log_text *buf, const char *text, size_t len);

#endif /* SNAPSHOTD_LOG_H */
