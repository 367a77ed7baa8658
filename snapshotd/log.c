/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_who = "snapshotd";
static bool log_syslog;

void log_open(const char *who, bool to_syslog)
{
    log_who = who;
    log_syslog = to_syslog;
    /* Now, since the engine cannot open anything later. */
    if ( to_syslog )
        openlog(who, LOG_NDELAY | LOG_PID, LOG_DAEMON);
}

void log_line(int priority, const char *fmt, ...)
{
    int saved = errno, n, head;
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    if ( log_syslog )
        vsyslog(priority, fmt, ap);
    else
    {
        head = snprintf(line, sizeof(line), "%s: %s", log_who,
                        priority == LOG_ERR       ? "error: "
                        : priority == LOG_WARNING ? "warning: "
                                                  : "");
        n = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
        if ( n < 0 )
            n = 0;
        n += head;
        if ( n > (int)sizeof(line) - 2 )
            n = sizeof(line) - 2;
        line[n++] = '\n';
        /* One write, so that the two processes' lines do not mix. */
        if ( write(STDERR_FILENO, line, n) < 0 )
            errno = saved;
    }
    va_end(ap);
    errno = saved;
}

const char *log_escape(struct log_text *buf, const char *text, size_t len)
{
    size_t i, n = 0, max = len < LOG_TEXT ? len : LOG_TEXT;

    for ( i = 0; i < max; i++ )
    {
        unsigned char c = text[i];

        if ( c >= ' ' && c < 0x7f && c != '"' && c != '\\' )
            buf->s[n++] = c;
        else
            n += snprintf(buf->s + n, sizeof(buf->s) - n, "\\x%02x", c);
    }
    snprintf(buf->s + n, sizeof(buf->s) - n, "%s", len > max ? "..." : "");
    return buf->s;
}
