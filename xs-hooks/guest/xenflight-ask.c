/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenflight-ask.c: in a guest, request a trace snapshot from the host, wait for
 * the answer and print it.
 *
 *   xenflight-ask [-n] [-t SECONDS] [-d DEVICE] [REASON]
 *
 * -n: do not wait.  -t: time to wait for the answer (10).  -d: used instead of
 * /dev/xen/xenbus.  REASON: up to 256 bytes, stored in the snapshot.
 *
 * Exit status: 0 done (or sent, with -n), 1 not done, 2 wrong usage, 3 no request
 * can be sent: no xenstore, or this guest is not allowed to.
 *
 * It needs only the device: no library besides libc and no other program, so it
 * works in an initramfs or while a system is going down.  It speaks xenstore's
 * wire protocol, one message at a time; events of the two watches may arrive
 * between any two answers.  Protocol: xs-hooks/PROTOCOL.md.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "xs-hooks/xs-trigger.h"

/* xenstore's wire protocol, from public/io/xs_wire.h. */
#define XS_READ        2
#define XS_WATCH       4
#define XS_WRITE       11
#define XS_WATCH_EVENT 15
#define XS_ERROR       16
#define PAYLOAD_MAX    4096

struct message {
    uint32_t type, req_id, tx_id, len;
    char data[PAYLOAD_MAX];
};

#define HEADER_BYTES offsetof(struct message, data)

enum status { DONE, NOT_DONE, USAGE, NOT_HERE };

static int bus;
static uint64_t end_ms;
static bool event;             /* a watch fired since the last check */

static void __attribute__((__noreturn__, __format__(__printf__, 2, 3)))
stop(int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "xenflight-ask: ");
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    exit(status);
}

static uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* Wait until the bus is readable; exit at end_ms. */
static void wait_input(void)
{
    struct pollfd p = { .fd = bus, .events = POLLIN };
    uint64_t now = now_ms();
    int n;

    do {
        n = now < end_ms ? poll(&p, 1, end_ms - now) : 0;
        now = now_ms();
    } while ( n < 0 && errno == EINTR );
    if ( n <= 0 )
        stop(NOT_DONE, "no answer: the host's snapshotd may not be running");
}

static void get(void *to, size_t bytes)
{
    ssize_t n;

    while ( bytes )
    {
        wait_input();
        n = read(bus, to, bytes);
        if ( n <= 0 && errno != EINTR && errno != EAGAIN )
            stop(NOT_HERE, "xenstore: %s", n ? strerror(errno) : "connection closed");
        if ( n > 0 )
        {
            to = (char *)to + n;
            bytes -= n;
        }
    }
}

static void receive(struct message *m)
{
    get(m, HEADER_BYTES);
    if ( m->len > sizeof(m->data) )
        stop(NOT_HERE, "xenstore: invalid answer of %u bytes", m->len);
    get(m->data, m->len);
    event |= m->type == XS_WATCH_EVENT;
}

/*
 * Send the request in *m and receive the answer into it.  Return false if it was
 * refused; m->data is then the error.
 */
static bool call(struct message *m, uint32_t type, size_t bytes)
{
    m->type = type;
    m->req_id = m->tx_id = 0;
    m->len = bytes;
    if ( write(bus, m, HEADER_BYTES + bytes) !=
         (ssize_t)(HEADER_BYTES + bytes) )
        stop(NOT_HERE, "xenstore: %s", strerror(errno));
    do {
        receive(m);
    } while ( m->type == XS_WATCH_EVENT );
    if ( m->len == sizeof(m->data) )
        stop(NOT_HERE, "xenstore: answer too long");
    m->data[m->len] = '\0';
    return m->type != XS_ERROR;
}

static bool read_node(struct message *m, const char *node)
{
    strcpy(m->data, node);
    return call(m, XS_READ, strlen(node) + 1);
}

/* A watch fires once when it is set. */
static void watch(struct message *m, const char *node)
{
    size_t n = strlen(node) + 1;

    strcpy(m->data, node);
    strcpy(m->data + n, "x");
    if ( !call(m, XS_WATCH, n + 2) )
        stop(NOT_HERE, "xenstore: cannot set a watch: %s", m->data);
}

static void ask(struct message *m, const char *reason)
{
    size_t n = strlen(XS_TRIGGER_ASK) + 1, bytes = strlen(reason);

    if ( bytes > XS_TRIGGER_TEXT_MAX )
        bytes = XS_TRIGGER_TEXT_MAX;
    strcpy(m->data, XS_TRIGGER_ASK);
    memcpy(m->data + n, reason, bytes);
    if ( !call(m, XS_WRITE, n + bytes) )
        stop(NOT_HERE, "this guest may not ask: %s", m->data);
}

/* The request node is empty or gone, and the status is not "accepted". */
static bool answered(struct message *m)
{
    if ( read_node(m, XS_TRIGGER_ASK) && m->len )
        return false;
    return read_node(m, XS_TRIGGER_STATUS) && strcmp(m->data, "accepted");
}

static int usage(void)
{
    fprintf(stderr, "usage: xenflight-ask [-n] [-t SECONDS] [-d DEVICE] "
                    "[REASON]\n");
    return USAGE;
}

static int help(void)
{
    puts("Usage: xenflight-ask [-n] [-t SECONDS] [-d DEVICE] [REASON]\n"
         "In a guest, request a trace snapshot from the host, wait for the answer\n"
         "(10 s or SECONDS; -n: do not wait) and print it.\n\n"
         "Examples:\n"
         "  xenflight-ask \"disk slow\"\n"
         "  xenflight-ask -n watchdog\n\n"
         "Exit status: 0 done, or with -n sent; 1 not done; 2 wrong usage; 3 not\na "
         "Xen guest, or this guest may not ask.");
    return DONE;
}

int main(int argc, char **argv)
{
    const char *device = "/dev/xen/xenbus", *reason;
    static struct message m;
    bool wait = true;
    char *rest = "";
    long limit_s = 10;
    int opt;

    if ( argc > 1 && !strcmp(argv[1], "--help") )
        return help();
    while ( (opt = getopt(argc, argv, "hnt:d:")) != -1 )
    {
        if ( opt == 'h' )
            return help();
        if ( opt == 'n' )
            wait = false;
        else if ( opt == 'd' )
            device = optarg;
        else if ( opt == 't' )
            limit_s = strtol(optarg, &rest, 10);
        else
            return usage();
    }
    if ( *rest || limit_s < 1 || limit_s > 86400 || argc - optind > 1 )
        return usage();
    reason = optind < argc && *argv[optind] ? argv[optind] : "asked";
    end_ms = now_ms() + limit_s * 1000;

    bus = open(device, O_RDWR | O_CLOEXEC);
    if ( bus < 0 )
        stop(NOT_HERE, "%s: %s: not a Xen guest, or not root?", device,
             strerror(errno));
    if ( !read_node(&m, XS_TRIGGER_ASK) )
        stop(NOT_HERE, "this guest may not ask: %s", m.data);
    if ( wait )
    {
        watch(&m, XS_TRIGGER_ASK);
        watch(&m, XS_TRIGGER_STATUS);
    }
    ask(&m, reason);
    while ( wait && !answered(&m) )
    {
        while ( !event )
            receive(&m);
        event = false;
    }
    if ( wait )
        puts(m.data);
    return wait && strcmp(m.data, "done") ? NOT_DONE : DONE;
}
