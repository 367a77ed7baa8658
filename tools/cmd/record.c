/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.c: xenflight record: stream events to a file until interrupted.
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/cmd.h"
#include "tools/record/record.h"

struct options {
    const char *out, *backend;
    uint64_t ns, bytes;
    bool history;
};

enum { OPT_BACKEND = 256 };

static const struct argp_option option_list[] = {
    { "seconds", 't', "N", 0, "stop after N seconds", 0 },
    { "size", 's', "SIZE", 0, "stop before the file exceeds SIZE, at least 2M", 0 },
    { "history", 'H', NULL, 0, "include the records already in the rings", 0 },
    { "backend", OPT_BACKEND, "BACKEND", 0, "xen, or hosted:DIR for tests",
      0 },
    { 0 },
};

/* Limit of ppoll()'s timeout, with a margin. */
#define SECONDS_MAX (1000000000ULL)

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    uint64_t n;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->out;
        return 0;
    case 't':
        if ( text_number(arg, false, &n) || !n || n > SECONDS_MAX )
            argp_error(state, "--seconds takes a number, not \"%s\"", arg);
        o->ns = n * 1000000000;
        return 0;
    case 's':
        if ( text_number(arg, true, &o->bytes) || o->bytes < RECORD_MIN_BYTES )
            argp_error(state, "--size takes a size of 2M or more, not \"%s\"",
                       arg);
        return 0;
    case 'H':
        o->history = true;
        return 0;
    case OPT_BACKEND:
        o->backend = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    { &output_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .doc = "Stream the events that Xen records to a file until interrupted "
           "(SIGINT, SIGTERM, SIGHUP).\v"
           "Examples:\n"
           "  xenflight record -o boot.xfr.lz4 --seconds 30\n"
           "  xenflight record -o long.xfr.lz4 --history --size 4G\n\n"
           "The file is a snapshot that all commands read.  Nothing is polled: "
           "Xen wakes this command when part of a ring has been filled.  A slot "
           "that is not full at the end is not in the file.\n"
           "Exit status: 0 if all full slots are in the file, 1 if some are "
           "missing or it could not be written, 2 on wrong usage.",
};

static const char *const end_text[] = {
    [RECORD_TIME] = "time",
    [RECORD_STOPPED] = "signal",
    [RECORD_FULL] = "size",
    [RECORD_GONE] = "buffers gone",
};

/* Print the totals.  Return EXIT_OK if nothing was lost. */
static int print_totals(const struct record_totals *t, enum record_end end)
{
    char size[32];

    printf("Recorded %" PRIu64 " records in %" PRIu64 " packets, %s; woken %"
           PRIu64 " times; ended: %s\n", t->file.records, t->file.packets,
           text_bytes(size, sizeof(size), t->file.file_bytes), t->wakes,
           end_text[end]);
    if ( t->missed )
        printf("Missed: %" PRIu64 " packets, overwritten before they were read: "
               "larger buffers give more time\n", t->missed);
    if ( t->refused )
        printf("Left out: %" PRIu64 " invalid packets\n", t->refused);
    if ( flush_stdout() != EXIT_OK )
        return EXIT_FAIL;
    return t->missed || t->refused || end == RECORD_GONE ? EXIT_FAIL : EXIT_OK;
}

/* Return 0 with an exit code in *status, or -errno if the file is not whole. */
static int record(const struct options *o, struct record_how *how, int stop,
                  int *status)
{
    struct record_totals totals;
    struct recording *r;
    int end, rc = record_begin(how, &r);
    char safe[TEXT_ROOM(256)];

    if ( rc )
        return rc;
    fprintf(stderr, "Recording to %s until interrupted\n",
            text_escape(safe, sizeof(safe), o->out));
    end = record_until(r, stop, o->ns ? record_now_ns() + o->ns : 0);
    if ( end < 0 )
    {
        record_abort(r);
        return end;
    }
    rc = record_end(r, end_text[end], &totals);
    if ( !rc && fsync(how->fd) )
        rc = -errno;
    if ( !rc )
        *status = print_totals(&totals, end);
    return rc;
}

static int record_file(const struct options *o, struct record_how *how,
                       int stop)
{
    int rc, status = EXIT_FAIL;

    how->fd = open(o->out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    rc = how->fd < 0 ? -errno : record(o, how, stop, &status);
    if ( how->fd >= 0 )
        close(how->fd);
    if ( rc )
        complain(o->out, strerror(-rc));
    return status;
}

static int follow(const struct options *o, const char *cmd, struct hyp *h,
                  int stop)
{
    struct record_how how = { .hyp = h, .max_bytes = o->bytes };
    char why[RECORD_WHY];
    int rc = record_follow(h, o->history ? STREAM_OLDEST : STREAM_NEWEST,
                           &how.reader, why);

    if ( rc )
    {
        fprintf(stderr, "%s: %s\n", cmd, why);
        return EXIT_FAIL;
    }
    rc = record_file(o, &how, stop);
    stream_close(how.reader);
    return rc;
}

int cmd_record(int argc, char **argv)
{
    static struct options o;
    struct hyp *h;
    int rc, stop;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    /* Block signals before the file exists: none may leave it without an end. */
    stop = record_signals();
    rc = stop < 0 ? stop : hyp_open(o.backend, &h);
    if ( rc )
    {
        fprintf(stderr, "%s: %s\n", argv[0], hyp_why(rc));
        return EXIT_FAIL;
    }
    rc = follow(&o, argv[0], h, stop);
    hyp_close(h);
    close(stop);
    return rc;
}
