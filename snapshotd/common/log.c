/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/common/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/text.h"

static const char *log_name = "snapshotd";
static bool log_syslog;
static int log_journal = -1;
static unsigned long log_lost; /* lines, since the last that was written */

bool log_open_journal(const char *name, const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    if ( strlen(path) >= sizeof(sun.sun_path) )
        return false;
    strcpy(sun.sun_path, path);
    log_name = name;
    log_journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if ( log_journal >= 0 &&
         !connect(log_journal, (struct sockaddr *)&sun, sizeof(sun)) )
        return true;
    if ( log_journal >= 0 )
        close(log_journal);
    log_journal = -1;
    return false;
}

void log_open(const char *name, bool to_syslog)
{
    log_name = name;
    log_syslog = to_syslog;
    /* Now, since the engine cannot open anything later. */
    if ( to_syslog && !log_open_journal(name, LOG_JOURNAL) )
        openlog(name, LOG_NDELAY | LOG_PID, LOG_DAEMON);
}

/* One datagram.  If the journal is full the line is dropped. */
static void to_journal(int priority, const char *fields, const char *text)
{
    char out[2048];
    int n = snprintf(out, sizeof(out),
                     "PRIORITY=%d\nSYSLOG_FACILITY=%d\nSYSLOG_IDENTIFIER=%s\n"
                     "%sMESSAGE=%s\n",
                     priority, LOG_FAC(LOG_DAEMON), log_name, fields, text);

    if ( n > 0 && n < (int)sizeof(out) )
        send(log_journal, out, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * One write, so that the lines of several processes do not mix.  If the pipe is
 * full the line is dropped and counted: logging must not block.
 */
static void to_stderr(int priority, const char *text)
{
    struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
    unsigned long lost;
    char line[1100];
    int n = snprintf(line, sizeof(line), "%s: %s%s\n", log_name,
                     priority == LOG_ERR       ? "error: "
                     : priority == LOG_WARNING ? "warning: "
                                               : "",
                     text);

    if ( !poll(&p, 1, 0) )
    {
        __atomic_add_fetch(&log_lost, 1, __ATOMIC_RELAXED);
        return;
    }
    if ( n > 0 && write(STDERR_FILENO, line, n) < 0 )
        return;
    lost = __atomic_exchange_n(&log_lost, 0, __ATOMIC_RELAXED);
    if ( lost )
        dprintf(STDERR_FILENO, "%s: warning: %lu lines before this one were "
                "lost: no reader\n", log_name, lost);
}

static void log_any(int priority, const char *fields, const char *fmt,
                    va_list ap)
{
    const int saved = errno;
    char text[1024];

    if ( vsnprintf(text, sizeof(text), fmt, ap) < 0 )
        text[0] = '\0';
    /* The message must stay one line. */
    for ( char *c = text; *c; c++ )
        if ( *c == '\n' )
            *c = ' ';
    if ( log_journal >= 0 )
        to_journal(priority, fields, text);
    else if ( log_syslog )
        syslog(priority, "%s", text);
    else
        to_stderr(priority, text);
    errno = saved;
}

void log_line(int priority, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_any(priority, "", fmt, ap);
    va_end(ap);
}

void log_fields(int priority, const char *fields, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    log_any(priority, fields, fmt, ap);
    va_end(ap);
}

const char *log_escape(struct log_text *buf, const char *text, size_t len)
{
    size_t max = len < LOG_TEXT ? len : LOG_TEXT;

    text_escape_bytes(buf->s, sizeof(buf->s), text, max, "\"");
    if ( len > max )
        strcat(buf->s, "...");
    return buf->s;
}
