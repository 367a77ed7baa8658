/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.h: a small Dom0 for one test: a directory of its own, frhost as Xen,
 * the real xenstored, the production snapshotd.  All waits are bounded and end
 * at the event they wait for; what goes wrong in here ends the test program.
 */

#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#define WAIT_MS 10000

struct xs_handle;

/* Events of a directory, read but not yet looked at. */
struct dir_watch {
    int fd;
    char buf[4096] __attribute__((__aligned__(8)));
    size_t len, pos;
};

struct world {
    char dir[64], state[96], run[96], backend[96], conf[96];
    pid_t xenstored, host, daemon;
    int host_in, host_out;     /* its stdin and stdout */
    int log;                   /* the daemon's stderr */
    struct dir_watch files;    /* files that get their final name */
    struct dir_watch parts;    /* files that are begun */
    struct xs_handle *xs;
    char *text;                /* of the log so far */
    size_t text_bytes, searched;
};

/* Where the programs are: the build directory. */
void world_init(const char *build);

/* Which xenstored worlds have from now on. */
extern bool world_oxenstored;
/* Which program of tests/fake plays Xen: frhost, if not said otherwise. */
extern const char *world_xen;
/* Which daemon, below the build directory: the production one if not said. */
extern const char *world_daemon;

/* `more`: lines that are appended to the configuration, or NULL. */
void world_start(struct world *w, const char *more);
void world_end(struct world *w);
/* Another configuration, for the next start. */
void conf_write(const struct world *w, const char *more);

void xenstored_start(struct world *w);
void xenstored_kill(struct world *w);

/* Starts it; wait_log() tells when it is up. */
void daemon_start(struct world *w);
/* SIGTERM; its exit status. */
int daemon_stop(struct world *w);
/* Waits for its own end; its exit status. */
int daemon_wait(struct world *w);
void daemon_kill(struct world *w, int sig);
/* The running engine, 0: none. */
pid_t engine_pid(const struct world *w);
/* The running process that talks to xenstored, 0: none. */
pid_t xenstore_pid(const struct world *w);

/* Tells frhost; its answer's number.  It must not be an error. */
long host(struct world *w, const char *fmt, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* A domain in xenstore and Xen, introduced. */
void domain_new(struct world *w, unsigned int domid, const char *handle,
                const char *name);

/* Is `what` in the log, after where the last search ended?  Waits for it. */
bool wait_log(struct world *w, const char *what);
/* Was it ever said? */
bool logged(const struct world *w, const char *what);
/* Waits for the next finished file: its path, or NULL. */
char *wait_file(struct world *w);
/* Waits until a file is begun. */
bool wait_part(struct world *w);
/* Finished files / all entries in the state directory. */
unsigned int count_files(const struct world *w);
unsigned int count_entries(const struct world *w);
bool wait_gone(pid_t pid);
/* A number of /proc/PID/status: "VmRSS" in KiB.  -1: none. */
long status_line(pid_t pid, const char *key);

void xs_put(struct world *w, const char *path, const char *value);
bool xs_write_bytes(struct world *w, const char *path, const void *value,
                    size_t bytes);
bool xs_rm_path(struct world *w, const char *path);
/* All that xenstore has of a domain, as a toolstack removes it. */
bool xs_rm_domain(struct world *w, unsigned int domid);
/* ... and that it is gone. */
bool xs_release(struct world *w, unsigned int domid);
/* So that the same name can be asked for again. */
bool xs_rm_answer(struct world *w, const char *name);
/* NULL: not there.  free() it. */
char *xs_get(struct world *w, const char *path);
/* Waits until the node has another value than "" and "accepted". */
char *xs_answer_of(struct world *w, const char *name);

/* The meta document of a file that is whole; NULL otherwise. */
json_t *file_meta(const char *path);
/* Runs a program with arguments: its exit status, stdout in *out (free()). */
int run(char **out, const char *const argv[]);

#endif /* TESTS_WORLD_H */
