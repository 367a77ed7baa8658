/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * term.c: choose colours and run a pager if stdout is a terminal.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/term.h"

static bool colored;
static pid_t pager = -1;

enum { OPT_COLOR = 768, OPT_NO_PAGER };

static error_t parse(int key, char *arg, struct argp_state *state)
{
    static const char *const name[] = { "auto", "always", "never" };
    struct term *t = state->input;

    switch ( key )
    {
    case OPT_COLOR:
        for ( t->color = TERM_AUTO; arg && t->color <= TERM_NEVER; t->color++ )
            if ( !strcmp(arg, name[t->color]) )
                break;
        if ( !arg )
            t->color = TERM_ALWAYS;
        else if ( t->color > TERM_NEVER )
            argp_error(state, "--color takes auto, always or never, not \"%s\"",
                       arg);
        return 0;
    case OPT_NO_PAGER:
        t->no_pager = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define HEADING { NULL, 0, NULL, 0, "On a terminal:", 2 }
#define COLOR { "color", OPT_COLOR, "WHEN", OPTION_ARG_OPTIONAL, \
                "auto (on a terminal, unless NO_COLOR is set), always or " \
                "never", 0 }

static const struct argp_option option_list[] = {
    HEADING,
    COLOR,
    { "no-pager", OPT_NO_PAGER, NULL, 0, "do not start $PAGER, or less", 0 },
    { 0 },
};

const struct argp term_argp = { .options = option_list, .parser = parse };

static const struct argp_option color_list[] = { HEADING, COLOR, { 0 } };

const struct argp term_color_argp = { .options = color_list, .parser = parse };

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value;
}

static bool wants_color(const struct term *t)
{
    const char *term = getenv("TERM");

    if ( t->color != TERM_AUTO )
        return t->color == TERM_ALWAYS;
    return isatty(STDOUT_FILENO) && !is_set("NO_COLOR") && term &&
           strcmp(term, "dumb");
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    char file[4096];

    while ( path && *path )
    {
        size_t len = strcspn(path, ":");

        snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, program);
        if ( len && !access(file, X_OK) )
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

/* Return NULL if there is none. */
static const char *pager_command(void)
{
    const char *command = getenv("PAGER");

    if ( command )
        return *command && strcmp(command, "cat") ? command : NULL;
    return in_path("less") ? "less" : NULL;
}

static void run_pager(const char *command, const int fd[2])
{
    dup2(fd[0], STDIN_FILENO);
    close(fd[0]);
    close(fd[1]);
    setenv("LESS", "FRX", 0);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Output goes directly to stdout if the pager cannot be started. */
static void start_pager(void)
{
    const char *command = pager_command();
    int fd[2];

    if ( !command || pipe(fd) )
        return;

    fflush(stdout);
    pager = fork();
    if ( !pager )
        run_pager(command, fd);
    close(fd[0]);
    if ( pager > 0 )
    {
        dup2(fd[1], STDOUT_FILENO);
        signal(SIGPIPE, SIG_IGN);
    }
    close(fd[1]);
}

void term_begin(const struct term *t)
{
    colored = wants_color(t);
    if ( !t->no_pager && isatty(STDOUT_FILENO) )
        start_pager();
}

bool term_quit(void)
{
    return pager > 0 && ferror(stdout);
}

/* Give the pager its end of file, and discard later output. */
static void close_pipe(void)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if ( null < 0 || dup2(null, STDOUT_FILENO) < 0 )
        close(STDOUT_FILENO);
    if ( null >= 0 )
        close(null);
}

int term_end(void)
{
    int rc;

    if ( pager <= 0 )
        return flush_stdout();

    rc = (fflush(stdout) || ferror(stdout)) && errno != EPIPE ? EXIT_FAIL
                                                              : EXIT_OK;
    close_pipe();
    while ( waitpid(pager, NULL, 0) < 0 && errno == EINTR )
        ;
    pager = -1;
    return rc;
}

const char *term_on(enum term_paint paint)
{
    static const char *const code[] = {
        [TERM_HEAD] = "\x1b[1m", [TERM_NAME] = "\x1b[32m",
        [TERM_EVENT] = "\x1b[36m", [TERM_BAD] = "\x1b[1;33m",
    };

    return colored ? code[paint] : "";
}

const char *term_off(void)
{
    return colored ? "\x1b[0m" : "";
}
