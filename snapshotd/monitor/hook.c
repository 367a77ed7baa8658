/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hook.c: run the administrator's program; part of the monitor. */

#include "snapshotd/monitor/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "snapshotd/common/log.h"

int hook_user(struct hook *h, const struct conf *c, uid_t uid, gid_t gid)
{
    const struct passwd *pw;

    h->uid = uid;
    h->gid = gid;
    if ( !c->hook_user[0] )
        return 0;
    pw = getpwnam(c->hook_user);
    if ( !pw )
    {
        log_error("user \"%s\" of [hook] does not exist", c->hook_user);
        return -ENOENT;
    }
    h->uid = pw->pw_uid;
    h->gid = pw->pw_gid;
    return 0;
}

/* One line of JSON: numbers, our own words, the configured directory. */
static int describe(struct hook_run *r, const char *dir,
                    const struct msg_snapshot *s)
{
    char name[STORE_NAME], path[CONF_PATH + STORE_NAME], uuid[STORE_UUID];
    json_t *o;
    size_t n;

    store_name(&s->file, name);
    store_uuid(s->file.uuid, uuid);
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    o = json_pack("{si ss ss ss si sI sI sI sI ss}", "version", 1, "file", path,
                  "cause", store_cause(s->file.cause), "uuid", uuid, "domid",
                  s->has_domain ? s->domid : -1, "generation",
                  (json_int_t)s->file.gen, "time_ns", (json_int_t)s->wall_ns,
                  "records", (json_int_t)s->records, "bytes",
                  (json_int_t)s->bytes, "history",
                  s->partial ? "partial" : "complete");
    n = json_dumpb(o, r->text, sizeof(r->text) - 2, JSON_COMPACT);
    json_decref(o);
    if ( !n || n > sizeof(r->text) - 2 )
        return -EINVAL;
    strcpy(r->text + n, "\n");
    r->gen = s->file.gen;
    return 0;
}

void hook_add(struct hook *h, const struct conf *c, const char *dir,
              const struct msg_snapshot *s)
{
    if ( !c->hook[0] )
        return;
    if ( h->queued == HOOK_QUEUE )
    {
        h->counters.dropped++;
        log_warning("hook: generation %u: not run: %d runs are queued already",
                    s->file.gen, HOOK_QUEUE);
        return;
    }
    if ( !describe(&h->queue[h->queued], dir, s) )
        h->queued++;
    else
        h->counters.failed++;
}

/* argv from words with blanks between; nothing is quoted or expanded. */
static int split(char *words, char *argv[CONF_HOOK_WORDS + 1])
{
    char *word, *rest = words;
    int n = 0;

    while ( (word = strsep(&rest, " \t")) )
    {
        if ( !*word )
            continue;
        if ( n == CONF_HOOK_WORDS )
            return -E2BIG;
        argv[n++] = word;
    }
    argv[n] = NULL;
    return n ? 0 : -EINVAL;
}

static int drop(const struct hook *h)
{
    const struct rlimit none = { 0, 0 };

    if ( setgroups(0, NULL) || setresgid(h->gid, h->gid, h->gid) ||
         setresuid(h->uid, h->uid, h->uid) || setrlimit(RLIMIT_CORE, &none) ||
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) )
        return -errno;
    return 0;
}

/* In the child. */
static void __attribute__((__noreturn__))
child(const struct hook *h, int in, char *argv[])
{
    char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    int null = open("/dev/null", O_WRONLY);
    sigset_t none;

    if ( setsid() < 0 || chdir("/") || dup2(in, STDIN_FILENO) < 0 ||
         dup2(null, STDOUT_FILENO) < 0 )
        _exit(126);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    if ( drop(h) )
        _exit(126);
    execve(argv[0], argv, env);
    _exit(127);
}

static int start(struct hook *h, const struct conf *c,
                 const struct hook_run *r)
{
    const ssize_t n = strlen(r->text);
    char words[CONF_PATH], *argv[CONF_HOOK_WORDS + 1];
    int fd[2], rc;

    strcpy(words, c->hook);
    rc = split(words, argv);
    if ( rc )
        return rc;
    if ( pipe2(fd, O_CLOEXEC) )
        return -errno;
    /* It fits in the pipe: a program that does not read blocks nothing. */
    rc = write(fd[1], r->text, n) == n ? 0 : -EIO;
    close(fd[1]);
    if ( !rc )
        h->pid = fork();
    if ( !rc && !h->pid )
        child(h, fd[0], argv);
    if ( !rc && h->pid < 0 )
    {
        rc = -errno;
        h->pid = 0;
    }
    close(fd[0]);
    return rc;
}

static void start_next(struct hook *h, const struct conf *c, uint64_t now_ms)
{
    const struct hook_run r = h->queue[0];
    int rc;

    h->queued--;
    memmove(h->queue, h->queue + 1, h->queued * sizeof(h->queue[0]));
    if ( !c->hook[0] )
        return;
    rc = start(h, c, &r);
    if ( rc )
    {
        h->counters.failed++;
        log_error("hook: generation %u: start failed: %s", r.gen,
                  strerror(-rc));
        return;
    }
    h->overdue = false;
    h->started_ms = now_ms;
}

/* The limit may change while it runs. */
static void set_deadline(struct hook *h, const struct conf *c)
{
    h->deadline_ms = c->hook_timeout_s
                         ? h->started_ms + c->hook_timeout_s * 1000ULL
                         : UINT64_MAX;
}

void hook_work(struct hook *h, const struct conf *c, uint64_t now_ms)
{
    set_deadline(h, c);
    if ( h->pid && !h->overdue && now_ms >= h->deadline_ms )
    {
        h->overdue = true;
        kill(-h->pid, SIGKILL);
    }
    while ( !h->pid && h->queued )
        start_next(h, c, now_ms);
    set_deadline(h, c);
}

int64_t hook_wait_ms(const struct hook *h, uint64_t now_ms)
{
    if ( !h->pid || h->overdue || h->deadline_ms == UINT64_MAX )
        return -1;
    return h->deadline_ms > now_ms ? h->deadline_ms - now_ms : 0;
}

bool hook_reaped(struct hook *h, pid_t pid, int status)
{
    if ( !h->pid || pid != h->pid )
        return false;
    /* Kill the processes that it left behind, too. */
    kill(-pid, SIGKILL);
    h->pid = 0;
    if ( h->overdue )
    {
        h->counters.timed_out++;
        log_warning("hook: timed out: killed");
    }
    else if ( WIFEXITED(status) && !WEXITSTATUS(status) )
        h->counters.run++;
    else
    {
        h->counters.failed++;
        log_warning("hook: %s %d%s",
                    WIFEXITED(status) ? "exit status" : "ended by signal",
                    WIFEXITED(status) ? WEXITSTATUS(status)
                                      : WTERMSIG(status),
                    WIFEXITED(status) && WEXITSTATUS(status) == 127
                        ? ": its user cannot run the program"
                        : "");
    }
    return true;
}

void hook_end(struct hook *h)
{
    if ( !h->pid )
        return;
    kill(-h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    h->pid = 0;
}
