/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.h: a small Dom0 for one test: its own directory, frhost in place of Xen,
 * the real xenstored, and the production snapshotd.
 *
 * Waits end at their event and are bounded.  A fault of the world itself, as
 * opposed to a failed check, ends the test program with status 99.
 */

#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

/* Limit of a wait, in ms of the test's own time: see tests/lib/owntime.h. */
#define WAIT_MS world_wait_ms()
/* Return $HOSTED_WAIT_MS, 10000 by default. */
int world_wait_ms(void);

struct xs_handle;

/* A watched directory, with the events that are read but not yet consumed. */
struct dir_watch {
    int fd;
    char buf[4096] __attribute__((__aligned__(8)));
    size_t len, pos;
};

struct world {
    char dir[64], state[96], run[96], backend[96], conf[96];
    pid_t xenstored, host, daemon;
    int host_in, host_out;     /* stdin and stdout of the host */
    int log;                   /* stderr of the daemon */
    struct dir_watch files;    /* files renamed to their final name */
    struct dir_watch parts;    /* files created */
    struct xs_handle *xs;
    char *text;                /* the log up to now */
    size_t text_bytes, searched;
};

/* Must be called first.  @build: the build directory with the programs. */
void world_init(const char *build);

/* Worlds started from now on have oxenstored. */
extern bool world_oxenstored;
/* Program of tests/fake in place of Xen (default frhost). */
extern const char *world_xen;
/* The number of its pCPUs, as text: "2" unless changed. */
extern const char *world_cpus;
/* Path of the daemon below the build directory (default: production). */
extern const char *world_daemon;

/* @more: lines to append to the configuration, or NULL. */
void world_start(struct world *w, const char *more);
void world_end(struct world *w);
/* Replace the configuration; the daemon reads it at its next start. */
void conf_write(const struct world *w, const char *more);

void xenstored_start(struct world *w);
void xenstored_kill(struct world *w);

/* Start the daemon.  It is not up on return: see wait_log(). */
void daemon_start(struct world *w);
/* Send SIGTERM and wait.  Return the exit status, or the signal, negated. */
int daemon_stop(struct world *w);
/* Wait until it ends by itself.  Return as daemon_stop(). */
int daemon_wait(struct world *w);
void daemon_kill(struct world *w, int sig);
/* Return the pid of the running engine, or 0. */
pid_t engine_pid(const struct world *w);
/* The running process that talks to xenstored, 0: none. */
pid_t xenstore_pid(const struct world *w);

/* Send frhost a command.  Return the number in its answer. */
long host(struct world *w, const char *fmt, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* Make a domain in Xen and xenstore, and introduce it. */
void domain_new(struct world *w, unsigned int domid, const char *handle,
                const char *name);

/*
 * Wait until the log has @text, after the match of the previous call.  Return
 * false if it does not come in time.
 */
bool wait_log(struct world *w, const char *text);
/* Return whether the log read up to now has @text, anywhere. */
bool logged(const struct world *w, const char *text);
/* Wait for the next finished file.  Return its path (free()), or NULL. */
char *wait_file(struct world *w);
/* Wait until the next file is created. */
bool wait_part(struct world *w);
/* Return the number of finished files / of all entries in the state directory. */
unsigned int count_files(const struct world *w);
unsigned int count_entries(const struct world *w);
bool wait_gone(pid_t pid);
/* Return a number of /proc/PID/status ("VmRSS" in KiB), or -1. */
long status_line(pid_t pid, const char *key);

void xs_put(struct world *w, const char *path, const char *value);
bool xs_write_bytes(struct world *w, const char *path, const void *value,
                    size_t bytes);
bool xs_rm_path(struct world *w, const char *path);
/* Remove a domain's nodes, as a toolstack does. */
bool xs_rm_domain(struct world *w, unsigned int domid);
/* Report to xenstored that the domain is gone. */
bool xs_release(struct world *w, unsigned int domid);
/* Remove the answer to a request, so that the name can be used again. */
bool xs_rm_answer(struct world *w, const char *name);
/* Return a node's value (free()), or NULL if it does not exist. */
char *xs_get(struct world *w, const char *path);
/*
 * Wait for the answer to a request: a value other than "" and "accepted".  Return
 * the last value (free()), or NULL.
 */
char *xs_answer_of(struct world *w, const char *name);

/* Return the meta document of a file that verifies, or NULL. */
json_t *file_meta(const char *path);
/*
 * Run a program.  Return its exit status (the signal, negated); *out has its
 * stdout and stderr (free()).
 */
int run(char **out, const char *const argv[]);

#endif /* TESTS_WORLD_H */
