/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tools/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd.h"

enum { OPT_RUN = 256, OPT_BACKEND };

static const struct argp_option option_list[] = {
    { "json", 'j', NULL, 0, "print a JSON object", 0 },
    { "run", OPT_RUN, "DIR", 0,
      "the daemon's directory (" CONTROL_RUN ")", 0 },
    { "backend", OPT_BACKEND, "BACKEND", 0,
      "without a daemon: auto, flightrec or tbuf; [KIND@]hosted:DIR for tests", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct ask *a = state->input;

    switch ( key )
    {
    case 'j':
        a->json = true;
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

const struct argp ask_argp = { .options = option_list, .parser = parse };

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
    argp_err_exit_status = EXIT_USAGE;
    return argp_parse(own, argc, argv, 0, NULL, a) ? EXIT_USAGE : 0;
}

static int say_refused(const char *cmd, const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));

    if ( json_is_true(json_object_get(answer, "ok")) )
        return 0;
    fprintf(stderr, "%s: %s\n", cmd,
            error ? error : "the daemon did not say why it failed");
    return -EIO;
}

static int talk(const char *cmd, int fd, const struct control_request *req,
                int timeout_ms, json_t **answer)
{
    int rc = control_ask(fd, req, timeout_ms, answer);

    if ( !rc )
        rc = say_refused(cmd, *answer);
    else
        fprintf(stderr, "%s: the daemon does not answer: %s: its log may say "
                "more\n",
                cmd, strerror(-rc));
    if ( rc )
    {
        json_decref(*answer);
        *answer = NULL;
    }
    return rc == -ENOENT ? -EIO : rc;
}

int ask_daemon(const struct ask *a, const char *cmd,
               const struct control_request *req, int timeout_ms,
               json_t **answer)
{
    int fd = control_connect(a->run), rc;

    *answer = NULL;
    if ( fd == -ENOENT || fd == -ECONNREFUSED )
        return -ENOENT;
    if ( fd < 0 )
    {
        fprintf(stderr, "%s: %s/" CONTROL_SOCKET ": %s%s\n", cmd, a->run,
                strerror(-fd), fd == -EACCES ? ": run it as root" : "");
        return fd;
    }
    rc = talk(cmd, fd, req, timeout_ms, answer);
    close(fd);
    return rc;
}

int ask_op(void *hyp, struct xen_flightrec_op *op)
{
    return hyp_op(hyp, op);
}

static int take_lock(const struct ask *a, const char *cmd, int *lock)
{
    *lock = control_lock(a->run);
    if ( *lock >= 0 )
        return 0;
    fprintf(stderr, "%s: %s/" CONTROL_LOCK ": %s\n", cmd, a->run,
            *lock == -EBUSY ? "held: a snapshotd is starting or ending: try "
                              "again"
                            : strerror(-*lock));
    return *lock;
}

int ask_xen(const struct ask *a, const char *cmd, bool lock,
            int (*fn)(struct hyp *h, void *arg), void *arg)
{
    struct hyp *h = NULL;
    int fd = -1, rc;

    rc = hyp_open(a->backend, &h);
    if ( rc )
    {
        fprintf(stderr, "%s: %s\n", cmd, hyp_why(rc));
        return rc;
    }
    rc = lock ? take_lock(a, cmd, &fd) : 0;
    if ( !rc )
    {
        rc = fn(h, arg);
        if ( rc )
            fprintf(stderr, "%s: %s\n", cmd, hyp_why(rc));
    }
    if ( fd >= 0 )
        close(fd);
    hyp_close(h);
    return rc;
}

/* Starting may have to make the buffers first. */
#define CHANGE_TIMEOUT_MS 30000

int ask_change(int argc, char **argv, const struct argp *own,
               enum control_op op, int (*fn)(struct hyp *h, void *arg),
               const char *done)
{
    const struct control_request req = { .magic = CONTROL_MAGIC, .op = op };
    struct ask a = { 0 };
    json_t *answer;
    int rc;

    if ( ask_parse(&a, own, argc, argv) )
        return EXIT_USAGE;
    rc = ask_daemon(&a, argv[0], &req, CHANGE_TIMEOUT_MS, &answer);
    if ( rc == -ENOENT )
        rc = ask_xen(&a, argv[0], true, fn, NULL);
    json_decref(answer);
    if ( rc )
        return EXIT_FAIL;
    puts(a.json ? "{\"ok\":true}" : done);
    return EXIT_OK;
}
