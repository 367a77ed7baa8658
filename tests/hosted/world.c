/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * world.c: start, drive and end the processes of a test's Dom0.
 */
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xenstore.h>

#include "lib/format/snapshot.h"
#include "tests/lib/owntime.h"

#define XENSTORED  XEN_BIN "/xenstored"
#define OXENSTORED XEN_BIN "/oxenstored"

bool world_oxenstored;
const char *world_xen = "frhost";
const char *world_cpus = "2";
const char *world_daemon = "snapshotd/snapshotd";

static char build_dir[256];

static void __attribute__((__noreturn__)) die(const char *call)
{
    printf("# %s: %s\n", call, strerror(errno));
    exit(99);
}

int world_wait_ms(void)
{
    const char *ms = getenv("HOSTED_WAIT_MS");

    return ms ? strtoul(ms, NULL, 10) : 10000;
}

/* Wait for input until @end.  Return false if there is none. */
static bool readable(int fd, uint64_t end)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    uint64_t now = own_ms();

    return now < end && own_poll(&p, 1, end - now) > 0;
}

void world_init(const char *build)
{
    snprintf(build_dir, sizeof(build_dir), "%s", build);
    signal(SIGPIPE, SIG_IGN);
}

/* @fds: the child's stdin, stdout and stderr; -1: inherit ours. */
static pid_t spawn(const char *const argv[], const int fds[3])
{
    pid_t pid = fork();
    int i;

    if ( pid < 0 )
        die("fork");
    if ( pid )
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for ( i = 0; i < 3; i++ )
        if ( fds[i] >= 0 )
            dup2(fds[i], i);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

/* Bytes of output that are kept. */
#define RUN_BYTES (8 << 20)

int run(char **out, const char *const argv[])
{
    int p[2], fds[3] = { -1, -1, -1 }, status;
    size_t have = 0;
    ssize_t n;
    pid_t pid;

    if ( pipe2(p, O_CLOEXEC) )
        die("pipe");
    fds[1] = p[1];
    fds[2] = p[1];
    pid = spawn(argv, fds);
    close(p[1]);
    *out = calloc(1, RUN_BYTES);
    while ( (n = read(p[0], *out + have, RUN_BYTES - 1 - have)) > 0 )
        have += n;
    close(p[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/*
 * xenstored
 */

/* Wait until xenstored accepts connections; its socket exists earlier. */
static void xenstored_wait(const struct world *w)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    uint64_t end = own_ms() + WAIT_MS;
    int in = inotify_init1(IN_CLOEXEC), fd, rc;
    char event[4096];

    if ( in < 0 || inotify_add_watch(in, w->dir, IN_CREATE) < 0 )
        die("inotify");
    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", w->dir);
    for ( ;; )
    {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
        close(fd);
        if ( !rc )
            break;
        /* The socket exists but does not listen yet. */
        if ( errno == ECONNREFUSED && own_ms() < end )
        {
            poll(NULL, 0, 1);
            continue;
        }
        if ( !readable(in, end) || read(in, event, sizeof(event)) < 0 )
            die("xenstored did not start");
    }
    close(in);
}

/* The C xenstored takes its paths from its options. */
static pid_t spawn_xenstored(const struct world *w, const int fds[3])
{
    char pidfile[96], trace[96];
    const char *argv[] = { XENSTORED, "-N", "-F", pidfile, "-T", trace, NULL };

    snprintf(pidfile, sizeof(pidfile), "%s/xs.pid", w->dir);
    snprintf(trace, sizeof(trace), "%s/xs.trace", w->dir);
    unlink(pidfile);
    return spawn(argv, fds);
}

/*
 * The path of oxenstored's socket is compiled in, so it runs in a mount namespace
 * in which that path is the world's directory.
 */
static pid_t spawn_oxenstored(const struct world *w, const int fds[3])
{
    static const char script[] =
        "mount -t tmpfs none /run && mkdir /run/xenstored && "
        "mount --bind \"$1\" /run/xenstored && : >\"$1/kva\" && "
        "truncate -s 4096 \"$1/kva\" && printf 1 >\"$1/port\" && "
        "printf 'xenstored-kva = %s/kva\nxenstored-port = %s/port\n"
        "pid-file = %s/ox.pid\npersistent = false\n' "
        "\"$1\" \"$1\" \"$1\" >\"$1/ox.conf\" && "
        "LD_PRELOAD=$2 exec " OXENSTORED " --no-fork --config-file "
        "\"$1/ox.conf\"";
    char preload[300];
    const char *argv[] = { "/usr/bin/unshare", "-m", "--propagation",
                           "private", "/bin/sh", "-c", script, "sh", w->dir,
                           preload, NULL };

    snprintf(preload, sizeof(preload), "%s/tests/fake/fakexen.so", build_dir);
    return spawn(argv, fds);
}

void xenstored_start(struct world *w)
{
    char preload[300];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int fds[3] = { null, null, null };

    snprintf(preload, sizeof(preload), "%s/tests/fake/fakexen.so", build_dir);
    setenv("XENSTORED_RUNDIR", w->dir, 1);
    setenv("FAKEXEN", w->dir, 1);
    if ( world_oxenstored )
        w->xenstored = spawn_oxenstored(w, fds);
    else
    {
        setenv("LD_PRELOAD", preload, 1);
        w->xenstored = spawn_xenstored(w, fds);
        unsetenv("LD_PRELOAD");
    }
    close(null);
    xenstored_wait(w);
    w->xs = xs_open(0);
    if ( !w->xs )
        die("xs_open");
    xs_put(w, "/local/domain/0/name", "Domain-0");
}

static void end_process(pid_t *pid, int sig)
{
    if ( *pid <= 0 )
        return;
    kill(*pid, sig);
    waitpid(*pid, NULL, 0);
    *pid = 0;
}

void xenstored_kill(struct world *w)
{
    end_process(&w->xenstored, SIGKILL);
    if ( w->xs )
        xs_close(w->xs);
    w->xs = NULL;
}

void xs_put(struct world *w, const char *path, const char *value)
{
    if ( !xs_write(w->xs, XBT_NULL, path, value, strlen(value)) )
        die(path);
}

bool xs_write_bytes(struct world *w, const char *path, const void *value,
                    size_t bytes)
{
    return xs_write(w->xs, XBT_NULL, path, value, bytes);
}

bool xs_rm_path(struct world *w, const char *path)
{
    return xs_rm(w->xs, XBT_NULL, path);
}

bool xs_rm_domain(struct world *w, unsigned int domid)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    return xs_rm(w->xs, XBT_NULL, path);
}

bool xs_release(struct world *w, unsigned int domid)
{
    /* xenstored may have released it already. */
    return xs_release_domain(w->xs, domid) || errno == ENOENT ||
           errno == EINVAL;
}

bool xs_rm_answer(struct world *w, const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "/tool/xenflight/result/%s", name);
    return xs_rm(w->xs, XBT_NULL, path);
}

char *xs_get(struct world *w, const char *path)
{
    unsigned int len;

    return xs_read(w->xs, XBT_NULL, path, &len);
}

static bool answered(const char *value)
{
    return value && *value && strcmp(value, "accepted");
}

char *xs_answer_of(struct world *w, const char *name)
{
    uint64_t end = own_ms() + WAIT_MS;
    char path[128], *value;
    unsigned int n;

    snprintf(path, sizeof(path), "/tool/xenflight/result/%s", name);
    if ( !xs_watch(w->xs, path, name) )
        die(path);
    for ( ;; )
    {
        value = xs_get(w, path);
        if ( answered(value) || !readable(xs_fileno(w->xs), end) )
            break;
        free(value);
        free(xs_read_watch(w->xs, &n));
    }
    xs_unwatch(w->xs, path, name);
    return value;
}

/*
 * frhost
 */

static long host_answer(struct world *w)
{
    uint64_t end = own_ms() + WAIT_MS;
    char line[64];
    size_t n = 0;
    long result;

    while ( n < sizeof(line) - 1 && readable(w->host_out, end) &&
            read(w->host_out, &line[n], 1) == 1 && line[n] != '\n' )
        n++;
    line[n] = '\0';
    if ( sscanf(line, "ok %ld", &result) != 1 )
    {
        printf("# frhost answered \"%s\"\n", line);
        die("frhost");
    }
    return result;
}

long host(struct world *w, const char *fmt, ...)
{
    char line[128];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
    va_end(ap);
    line[n++] = '\n';
    if ( write(w->host_in, line, n) != n )
        die("frhost");
    return host_answer(w);
}

static void host_start(struct world *w)
{
    char path[300];
    const char *argv[] = { path, w->dir, world_cpus, NULL };
    int in[2], out[2];

    snprintf(path, sizeof(path), "%s/tests/fake/%s", build_dir, world_xen);
    if ( pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) )
        die("pipe");
    w->host = spawn(argv, (const int[3]){ in[0], out[1], -1 });
    close(in[0]);
    close(out[1]);
    w->host_in = in[1];
    w->host_out = out[0];
    host_answer(w);
}

void domain_new(struct world *w, unsigned int domid, const char *handle,
                const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    host(w, "domain %u %s 2", domid, handle);
    xs_put(w, path, name);
    if ( !xs_introduce_domain(w->xs, domid, 1, 1) )
        die("introduce");
}

/*
 * snapshotd
 */

void daemon_start(struct world *w)
{
    char path[300];
    const char *argv[] = { path, "-c", w->conf, "-b", w->backend, NULL };
    int p[2];

    snprintf(path, sizeof(path), "%s/%s", build_dir, world_daemon);
    if ( pipe2(p, O_CLOEXEC) )
        die("pipe");
    if ( w->log >= 0 )
        close(w->log);
    w->daemon = spawn(argv, (const int[3]){ -1, -1, p[1] });
    close(p[1]);
    w->log = p[0];
}

/* Append the content of the pipe to the log.  Return false at its end or @end. */
static bool more_log(struct world *w, uint64_t end)
{
    ssize_t n;

    if ( w->text_bytes > (1 << 20) || !readable(w->log, end) )
        return false;
    n = read(w->log, w->text + w->text_bytes, 65536);
    if ( n <= 0 )
        return false;
    w->text_bytes += n;
    w->text[w->text_bytes] = '\0';
    return true;
}

int daemon_wait(struct world *w)
{
    uint64_t end = own_ms() + WAIT_MS;
    int status;

    /* The pipe ends when the daemon does. */
    while ( more_log(w, end) )
        continue;
    if ( own_ms() >= end )
        kill(w->daemon, SIGKILL);
    waitpid(w->daemon, &status, 0);
    w->daemon = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int daemon_stop(struct world *w)
{
    kill(w->daemon, SIGTERM);
    return daemon_wait(w);
}

void daemon_kill(struct world *w, int sig)
{
    end_process(&w->daemon, sig);
}

static bool comm_is(pid_t pid, const char *want)
{
    char path[64], comm[32] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    f = fopen(path, "re");
    if ( f && fscanf(f, "%31s", comm) != 1 )
        comm[0] = '\0';
    if ( f )
        fclose(f);
    return !strcmp(comm, want);
}

/* The daemon's child of this name; *unnamed: one has none yet. */
static pid_t find_child(const struct world *w, const char *name, bool *unnamed)
{
    char path[64];
    pid_t found = 0;
    int pid;
    FILE *f;

    *unnamed = false;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", w->daemon,
             w->daemon);
    f = fopen(path, "re");
    while ( f && fscanf(f, "%d", &pid) == 1 )
    {
        if ( comm_is(pid, name) )
            found = pid;
        *unnamed |= comm_is(pid, "exe") || comm_is(pid, "snapshotd");
    }
    if ( f )
        fclose(f);
    return found;
}

/* It has its name a moment after its start. */
static pid_t child_pid(const struct world *w, const char *name)
{
    uint64_t end = own_ms() + WAIT_MS;
    bool unnamed;
    pid_t pid;

    do {
        pid = find_child(w, name, &unnamed);
        if ( pid || !unnamed )
            return pid;
    } while ( !poll(NULL, 0, 1) && own_ms() < end );
    return 0;
}

pid_t engine_pid(const struct world *w)
{
    return child_pid(w, "snapshotd-eng");
}

pid_t xenstore_pid(const struct world *w)
{
    return child_pid(w, "snapshotd-xs");
}

long status_line(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    f = fopen(path, "re");
    while ( f && fgets(line, sizeof(line), f) )
        if ( !strncmp(line, key, strlen(key)) && line[strlen(key)] == ':' )
            value = strtol(line + strlen(key) + 1, NULL,
                           strncmp(key, "Cap", 3) ? 10 : 16);
    if ( f )
        fclose(f);
    return value;
}

bool wait_gone(pid_t pid)
{
    int fd = syscall(SYS_pidfd_open, pid, 0);
    bool gone;

    if ( fd < 0 )
        return errno == ESRCH;
    gone = readable(fd, own_ms() + WAIT_MS);
    close(fd);
    return gone;
}

bool wait_log(struct world *w, const char *text)
{
    uint64_t end = own_ms() + WAIT_MS;
    const char *found;

    do {
        found = strstr(w->text + w->searched, text);
        if ( found )
        {
            w->searched = found + strlen(text) - w->text;
            return true;
        }
    } while ( more_log(w, end) );
    printf("# not in the log: \"%s\"\n", text);
    return false;
}

bool logged(const struct world *w, const char *text)
{
    return strstr(w->text, text) != NULL;
}

/*
 * Files
 */

static bool is_final(const char *name)
{
    size_t n = strlen(name), s = strlen(SNAPSHOT_SUFFIX);

    return n > s && !strcmp(name + n - s, SNAPSHOT_SUFFIX);
}

static bool next_event(struct dir_watch *d, uint64_t end, char name[256])
{
    const struct inotify_event *e;
    ssize_t n;

    if ( d->pos == d->len )
    {
        if ( !readable(d->fd, end) )
            return false;
        n = read(d->fd, d->buf, sizeof(d->buf));
        if ( n <= 0 )
            return false;
        d->len = n;
        d->pos = 0;
    }
    e = (const void *)(d->buf + d->pos);
    d->pos += sizeof(*e) + e->len;
    snprintf(name, 256, "%s", e->len ? e->name : "");
    return true;
}

static void watch_dir(struct dir_watch *d, const char *path, uint32_t mask)
{
    d->fd = inotify_init1(IN_CLOEXEC);
    if ( d->fd < 0 || inotify_add_watch(d->fd, path, mask) < 0 )
        die("inotify");
}

char *wait_file(struct world *w)
{
    uint64_t end = own_ms() + WAIT_MS;
    char name[256], *path;

    while ( next_event(&w->files, end, name) )
        if ( is_final(name) &&
             asprintf(&path, "%s/%s", w->state, name) > 0 )
            return path;
    return NULL;
}

bool wait_part(struct world *w)
{
    char name[256];

    return next_event(&w->parts, own_ms() + WAIT_MS, name);
}

static unsigned int count_dir(const struct world *w, bool all)
{
    DIR *d = opendir(w->state);
    struct dirent *e;
    unsigned int n = 0;

    while ( d && (e = readdir(d)) )
        n += e->d_name[0] != '.' && (all || is_final(e->d_name));
    if ( d )
        closedir(d);
    return n;
}

unsigned int count_files(const struct world *w)
{
    return count_dir(w, false);
}

unsigned int count_entries(const struct world *w)
{
    return count_dir(w, true);
}

json_t *file_meta(const char *path)
{
    struct snapshot_fault fault = { .what = "" };
    json_t *meta = NULL;
    struct snapshot *s;
    size_t len;
    char *text;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    rc = fd < 0 ? -errno : snapshot_verify(fd, &fault, NULL);
    if ( rc )
        printf("# %s: %s %s\n", path, strerror(-rc), fault.what);
    if ( fd >= 0 )
        close(fd);
    if ( rc || snapshot_open(path, &s, &fault) )
        return NULL;
    if ( !snapshot_json(s, SNAPSHOT_META, &text, &len) )
    {
        meta = json_loadb(text, len, 0, NULL);
        free(text);
    }
    snapshot_close(s);
    return meta;
}

/*
 * The world
 */

void conf_write(const struct world *w, const char *more)
{
    FILE *f = fopen(w->conf, "we");

    if ( !f )
        die(w->conf);
    fprintf(f, "[daemon]\nuser = nobody\nstate = %s\nrun = %s\n%s", w->state,
            w->run, more ? more : "");
    fclose(f);
}

void world_start(struct world *w, const char *more)
{
    memset(w, 0, sizeof(*w));
    w->log = -1;
    w->text = calloc(1, (2 << 20) + 1);
    strcpy(w->dir, "/tmp/xfw.XXXXXX");
    if ( !w->text || !mkdtemp(w->dir) )
        die("mkdtemp");
    snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
    snprintf(w->run, sizeof(w->run), "%s/run", w->dir);
    snprintf(w->backend, sizeof(w->backend), "hosted:%s", w->dir);
    snprintf(w->conf, sizeof(w->conf), "%s/conf", w->dir);
    /* The daemon would make it, but the watches need it now. */
    if ( mkdir(w->state, 0700) || chown(w->state, 65534, 65534) )
        die("state");
    watch_dir(&w->files, w->state, IN_MOVED_TO);
    watch_dir(&w->parts, w->state, IN_CREATE);
    conf_write(w, more);
    host_start(w);
    xenstored_start(w);
}

static void remove_tree(const char *path)
{
    const char *argv[] = { "/bin/rm", "-rf", path, NULL };
    char *out;

    run(&out, argv);
    free(out);
}

void world_end(struct world *w)
{
    if ( w->daemon )
        end_process(&w->daemon, SIGTERM);
    xenstored_kill(w);
    end_process(&w->host, SIGKILL);
    close(w->host_in);
    close(w->host_out);
    close(w->files.fd);
    close(w->parts.fd);
    if ( w->log >= 0 )
        close(w->log);
    free(w->text);
    remove_tree(w->dir);
}
