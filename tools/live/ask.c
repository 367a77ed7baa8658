/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ask.c: send a command to the running daemon, or else to Xen itself.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/xen/hyp-tbuf.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/live/ask.h"

enum { OPT_RUN = 256, OPT_BACKEND };

static const struct argp_option option_list[] = {
    { "run", OPT_RUN, "DIR", 0,
      "runtime directory of the daemon (" CONTROL_RUN ")", 0 },
    { "backend", OPT_BACKEND, "BACKEND", 0,
      "used without a daemon: auto, flightrec or tbuf; [KIND@]hosted:DIR for "
      "tests", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct ask *a = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->json;
        return 0;
    case OPT_RUN:
        a->run = arg;
        return 0;
    case OPT_BACKEND:
        a->backend = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child grandchildren[] = {
    { &json_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp ask_argp = {
    .options = option_list,
    .parser = parse,
    .children = grandchildren,
};

const struct argp_child ask_children[] = { { &ask_argp, 0, NULL, 0 }, { 0 } };

error_t ask_parse_child(int key, char *arg, struct argp_state *state)
{
    if ( key == ARGP_KEY_INIT )
        state->child_inputs[0] = state->input;
    return key == ARGP_KEY_INIT ? 0 : ARGP_ERR_UNKNOWN;
}

int ask_parse(struct ask *a, const struct argp *own, int argc, char **argv)
{
    a->run = CONTROL_RUN;
    return parse_options(own, argc, argv, a);
}

static int check_ok(const char *cmd, const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    char safe[TEXT_ROOM(512)];

    if ( json_is_true(json_object_get(answer, "ok")) )
        return 0;
    fprintf(stderr, "%s: %s\n", cmd,
            error ? text_escape(safe, sizeof(safe), error)
                  : "the daemon failed without a reason");
    return -EIO;
}

/*
 * The text with control characters as \xNN, UTF-8 otherwise: the answer is from
 * a process without rights, and goes to a terminal of root.
 */
static json_t *clean_text(const char *text)
{
    const size_t len = strlen(text);
    char *out = malloc(4 * len + 1);
    size_t i, n = 0;
    json_t *s;

    if ( !out )
        return NULL;
    for ( i = 0; i < len; i++ )
    {
        const unsigned char c = text[i], next = text[i + 1];

        if ( c >= ' ' && c != 0x7f && !(c == 0xc2 && next >= 0x80 &&
                                        next < 0xa0) )
            out[n++] = c;
        else if ( c == 0xc2 )
            n += sprintf(out + n, "\\x%02x", (unsigned char)text[++i]);
        else
            n += sprintf(out + n, "\\x%02x", c);
    }
    s = json_stringn(out, n);
    free(out);
    return s;
}

/* A copy with all texts clean, the members' names too. */
static json_t *clean(const json_t *in)
{
    json_t *out, *name;
    const json_t *v;
    const char *k;
    size_t i;

    if ( json_is_string(in) )
        return clean_text(json_string_value(in));
    if ( json_is_array(in) )
    {
        out = json_array();
        json_array_foreach((json_t *)in, i, v)
            json_array_append_new(out, clean(v));
        return out;
    }
    if ( !json_is_object(in) )
        return json_incref((json_t *)in);
    out = json_object();
    json_object_foreach((json_t *)in, k, v)
    {
        name = clean_text(k);
        if ( name )
            json_object_set_new(out, json_string_value(name), clean(v));
        json_decref(name);
    }
    return out;
}

/* Check and clean an answer.  @rc is the result of control_ask(). */
static int take(const char *cmd, int rc, json_t *raw, json_t **answer)
{
    if ( !rc )
    {
        *answer = clean(raw);
        json_decref(raw);
        rc = *answer ? check_ok(cmd, *answer) : -ENOMEM;
    }
    else
        fprintf(stderr, "%s: no answer from the daemon: %s: see its log\n",
                cmd, strerror(-rc));
    if ( rc )
    {
        json_decref(*answer);
        *answer = NULL;
    }
    return rc == -ENOENT ? -EIO : rc;
}

/*
 * As ask_daemon(), on the socket @name.  Ask up to @tries times while the process
 * that accepted the connection ends before it has read the question.
 */
static int ask_socket(const struct ask *a, const char *cmd, const char *name,
                      const void *req, size_t bytes, int timeout_ms,
                      unsigned int tries, json_t **answer)
{
    json_t *raw;
    int fd, rc;

    *answer = NULL;
    do {
        fd = control_connect(a->run, name);
        if ( fd == -ENOENT || fd == -ECONNREFUSED )
            return -ENOENT;
        if ( fd < 0 )
        {
            fprintf(stderr, "%s: %s/%s: %s%s\n", cmd, a->run, name,
                    strerror(-fd), fd == -EACCES ? ": run it as root" : "");
            return fd;
        }
        rc = control_ask(fd, req, bytes, timeout_ms, &raw);
        close(fd);
    } while ( rc == -ECONNRESET && --tries );

    return take(cmd, rc, raw, answer);
}

/* A question for the status changes nothing, so the next engine may answer it. */
#define STATUS_TRIES 4

int ask_daemon(const struct ask *a, const char *cmd,
               const struct control_request *req, int timeout_ms,
               json_t **answer)
{
    return ask_socket(a, cmd, CONTROL_SOCKET, req, sizeof(*req), timeout_ms,
                      req->op == CONTROL_STATUS ? STATUS_TRIES : 1, answer);
}

int ask_op(void *hyp, struct xen_flightrec_op *op)
{
    return hyp_op(hyp, op);
}

int ask_xen(const struct ask *a, const char *cmd,
            int (*fn)(struct hyp *h, void *arg), void *arg)
{
    struct hyp *h;
    int rc = hyp_open(a->backend, &h);

    if ( !rc )
    {
        rc = fn(h, arg);
        hyp_close(h);
    }
    if ( rc )
        fprintf(stderr, "%s: %s\n", cmd, hyp_why(rc));
    return rc;
}

/*
 * Commands.
 */

/* A snapshot may have to end first, and Xen may have to clear much memory. */
#define COMMAND_TIMEOUT_MS 90000
/* Another tool may hold the lock for one command. */
#define LOCK_WAIT_MS       30000
/* The daemon may start or exit between two attempts. */
#define ATTEMPTS           5

/* Per pCPU, if neither the command nor the daemon's configuration sets it. */
#define DEFAULT_BYTES      (1U << 20)

static int run_locked(const struct ask *a, const char *cmd,
                      const struct command *c)
{
    char why[COMMAND_WHY];
    struct hyp *h;
    int rc = hyp_open(a->backend, &h);

    if ( rc )
        snprintf(why, sizeof(why), "%s", hyp_why(rc));
    else
    {
        rc = command_run(ask_op, h, c, why);
        if ( !rc && c->verb == COMMAND_START && hyp_is_tbuf(h) )
            fprintf(stderr, "%s: recording into Xen's own trace buffers: they "
                    "fill up, and Xen then drops new records: start "
                    "snapshotd\n", cmd);
        hyp_close(h);
    }
    if ( rc )
        fprintf(stderr, "%s: %s\n", cmd, why);
    return rc;
}

/* Run @c on Xen under the daemon's lock.  Return -EALREADY if a daemon started. */
static int run_here(const struct ask *a, const char *cmd, struct command *c)
{
    int lock = control_lock_wait(a->run, LOCK_WAIT_MS), rc;

    if ( lock == -EALREADY )
        return lock;
    if ( lock < 0 )
    {
        fprintf(stderr, "%s: %s/" CONTROL_LOCK ": %s\n", cmd, a->run,
                lock == -EBUSY ? "another process holds it: see fuser -v"
                               : strerror(-lock));
        return lock;
    }
    if ( c->verb == COMMAND_START && !c->create.bytes_per_cpu )
        c->create.bytes_per_cpu = DEFAULT_BYTES;
    rc = run_locked(a, cmd, c);
    close(lock);
    return rc;
}

int ask_command(const struct ask *a, const char *cmd, struct command *c,
                const char *done)
{
    json_t *answer = NULL;
    int rc = -EALREADY, i;

    c->magic = COMMAND_MAGIC;
    for ( i = 0; rc == -EALREADY && i < ATTEMPTS; i++ )
    {
        rc = ask_socket(a, cmd, COMMAND_SOCKET, c, sizeof(*c),
                        COMMAND_TIMEOUT_MS, 1, &answer);
        if ( rc == -ENOENT )
            rc = run_here(a, cmd, c);
    }
    if ( rc == -EALREADY )
        fprintf(stderr, "%s: snapshotd keeps starting and exiting: see its "
                        "log\n",
                cmd);
    json_decref(answer);
    if ( rc )
        return EXIT_FAIL;
    puts(a->json ? "{\"ok\":true}" : done);
    return EXIT_OK;
}
