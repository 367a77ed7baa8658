/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-hook.c: runs of the administrator's program: its words, its input, its
 * rights, its end, and the queue before it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "snapshotd/monitor/hook.h"

static char dir[64];
static struct hook h;
static struct conf c;

/* The program: what it appends to "out" in the directory. */
static void program(const char *body)
{
    char path[96];
    FILE *f;

    snprintf(path, sizeof(path), "%s/hook", dir);
    f = fopen(path, "we");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", body);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
    snprintf(c.hook, sizeof(c.hook), "%s/hook", dir);
}

static int begin(void **state)
{
    strcpy(dir, "/tmp/xfh.XXXXXX");
    if ( !mkdtemp(dir) || chmod(dir, 0777) )
        return -1;
    memset(&h, 0, sizeof(h));
    memset(&c, 0, sizeof(c));
    c.hook_timeout_s = 60;
    return hook_user(&h, &c, getuid(), getgid());
}

static int end(void **state)
{
    char cmd[96];

    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    return system(cmd);
}

static struct msg_snapshot snapshot(uint32_t gen)
{
    return (struct msg_snapshot){
        .file = { .wall_s = 1795297276, .gen = gen,
                  .cause = XEN_FLIGHTREC_CAUSE_CRASH, .uuid = { 0x5a } },
        .domid = 7, .has_domain = 1, .wall_ns = 1795297276000000123ULL,
        .records = 1000 + gen, .bytes = 2000 + gen,
    };
}

static void add(uint32_t gen)
{
    const struct msg_snapshot s = snapshot(gen);

    hook_add(&h, &c, "/state", &s);
}

/* Wait for the one that runs; its status is taken in. */
static void reap(void)
{
    const pid_t pid = h.pid;
    int status;

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(hook_reaped(&h, pid, status));
    assert_int_equal(h.pid, 0);
}

static char *output(void)
{
    static char text[32768];
    char path[96];
    FILE *f;

    snprintf(path, sizeof(path), "%s/out", dir);
    f = fopen(path, "re");
    text[f ? fread(text, 1, sizeof(text) - 1, f) : 0] = '\0';
    if ( f )
        fclose(f);
    return text;
}

/* PROGRAM with as many words as that. */
static void words(unsigned int n)
{
    size_t at;

    snprintf(c.hook, sizeof(c.hook), "%s/hook", dir);
    for ( at = strlen(c.hook); n > 1; n-- )
        at += snprintf(c.hook + at, sizeof(c.hook) - at, " %u", n);
}

static void test_words_are_bounded(void **state)
{
    program("echo $# >>\"${0%/*}/out\"");
    words(16);
    add(1);
    hook_work(&h, &c, 0);
    reap();
    assert_int_equal(h.counters.run, 1);
    words(17);
    add(2);
    hook_work(&h, &c, 0);
    assert_int_equal(h.pid, 0);
    assert_int_equal(h.counters.failed, 1);
    assert_string_equal(output(), "15\n");
    /* Blanks are no words. */
    strcpy(c.hook, "  \t ");
    add(3);
    hook_work(&h, &c, 0);
    assert_int_equal(h.pid, 0);
    assert_int_equal(h.counters.failed, 2);
}

static void test_words_are_taken_as_they_are(void **state)
{
    program("for i; do echo \"<$i>\" >>\"${0%/*}/out\"; done");
    strcat(c.hook, "  a;b \t $HOME  'x");
    add(1);
    hook_work(&h, &c, 0);
    reap();
    assert_string_equal(output(), "<a;b>\n<$HOME>\n<'x>\n");
}

/* Each member of its input, for a domain's file and for a host's. */
static void test_input_is_one_line(void **state)
{
    struct msg_snapshot s = snapshot(3);
    json_t *o;
    char *text;

    program("cat >>\"${0%/*}/out\"");
    hook_add(&h, &c, "/state", &s);
    s.has_domain = 0;
    s.partial = 1;
    s.file.gen = 4;
    memset(s.file.uuid, 0, sizeof(s.file.uuid));
    hook_add(&h, &c, "/state", &s);
    hook_work(&h, &c, 0);
    reap();
    hook_work(&h, &c, 0);
    reap();
    text = output();
    assert_int_equal(h.counters.run, 2);
    o = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(o);
    assert_int_equal(json_object_size(o), 10);
    assert_int_equal(json_integer_value(json_object_get(o, "version")), 1);
    assert_string_equal(json_string_value(json_object_get(o, "file")),
                        "/state/20261121T214116Z-5a000000-0000-0000-0000-"
                        "000000000000-crash-g3.xfr.lz4");
    assert_string_equal(json_string_value(json_object_get(o, "cause")),
                        "crash");
    assert_string_equal(json_string_value(json_object_get(o, "uuid")),
                        "5a000000-0000-0000-0000-000000000000");
    assert_int_equal(json_integer_value(json_object_get(o, "domid")), 7);
    assert_int_equal(json_integer_value(json_object_get(o, "generation")), 3);
    assert_true(json_integer_value(json_object_get(o, "time_ns")) ==
                1795297276000000123);
    assert_int_equal(json_integer_value(json_object_get(o, "records")), 1003);
    assert_int_equal(json_integer_value(json_object_get(o, "bytes")), 2003);
    assert_string_equal(json_string_value(json_object_get(o, "history")),
                        "complete");
    json_decref(o);
    text = strchr(text, '\n') + 1;
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(o, "domid")), -1);
    assert_string_equal(json_string_value(json_object_get(o, "uuid")), "host");
    assert_string_equal(json_string_value(json_object_get(o, "history")),
                        "partial");
    json_decref(o);
    /* And no more than two lines. */
    assert_true(strchr(text, '\n') && !strchr(text, '\n')[1]);
}

static void test_queue_is_bounded_and_in_order(void **state)
{
    char want[256] = "";
    unsigned int i;

    program("sed 's/.*\"generation\":\\([0-9]*\\).*/\\1/' >>\"${0%/*}/out\"");
    for ( i = 1; i <= HOOK_QUEUE + 2; i++ )
        add(i);
    assert_int_equal(h.counters.dropped, 2);
    assert_int_equal(h.queued, HOOK_QUEUE);
    for ( i = 1; i <= HOOK_QUEUE; i++ )
    {
        hook_work(&h, &c, 0);
        /* One at a time. */
        hook_work(&h, &c, 0);
        assert_int_equal(h.queued, HOOK_QUEUE - i);
        reap();
        sprintf(want + strlen(want), "%u\n", i);
    }
    hook_work(&h, &c, 0);
    assert_int_equal(h.pid, 0);
    assert_int_equal(h.counters.run, HOOK_QUEUE);
    assert_string_equal(output(), want);
}

static void test_no_program_no_run(void **state)
{
    c.hook[0] = '\0';
    add(1);
    assert_int_equal(h.queued, 0);
    /* One that was taken away while runs were queued. */
    program("exit 0");
    add(1);
    c.hook[0] = '\0';
    hook_work(&h, &c, 0);
    assert_int_equal(h.queued, 0);
    assert_int_equal(h.pid, 0);
    assert_int_equal(h.counters.failed, 0);
    assert_int_equal(hook_wait_ms(&h, 0), -1);
}

/* The pid that the program wrote. */
static pid_t written_pid(void)
{
    int i;

    for ( i = 0; i < 3000 && !strchr(output(), '\n'); i++ )
        usleep(10000);
    return atoi(output());
}

/* Dead, or a zombie that its new parent has not waited for yet. */
static bool has_ended(pid_t pid)
{
    char path[64], line[256] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    f = fopen(path, "re");
    if ( f && !fgets(line, sizeof(line), f) )
        line[0] = '\0';
    if ( f )
        fclose(f);
    return !line[0] || strstr(line, ") Z ");
}

static bool is_dead(pid_t pid)
{
    int i;

    for ( i = 0; i < 3000 && !has_ended(pid); i++ )
        usleep(10000);
    return has_ended(pid);
}

static void test_time_limit(void **state)
{
    pid_t left;

    program("sleep 1000 & echo $! >>\"${0%/*}/out\"; wait");
    c.hook_timeout_s = 5;
    add(1);
    hook_work(&h, &c, 1000);
    assert_true(h.pid > 0);
    assert_int_equal(hook_wait_ms(&h, 1000), 5000);
    assert_int_equal(hook_wait_ms(&h, 5999), 1);
    assert_int_equal(hook_wait_ms(&h, 6000), 0);
    assert_int_equal(hook_wait_ms(&h, 7000), 0);
    left = written_pid();
    assert_true(left > 0);
    hook_work(&h, &c, 5999);
    assert_false(h.overdue);
    hook_work(&h, &c, 6000);
    assert_true(h.overdue);
    /* It is killed once, and is waited for. */
    assert_int_equal(hook_wait_ms(&h, 6000), -1);
    reap();
    assert_int_equal(h.counters.timed_out, 1);
    assert_int_equal(h.counters.failed, 0);
    assert_int_equal(h.counters.run, 0);
    assert_true(is_dead(left));
    /* The next one has all its time. */
    program("exit 0");
    add(2);
    hook_work(&h, &c, 9000);
    assert_false(h.overdue);
    assert_int_equal(hook_wait_ms(&h, 9000), 5000);
    reap();
    assert_int_equal(h.counters.run, 1);
}

static void test_ends_are_counted(void **state)
{
    pid_t left;

    program("exit 3");
    add(1);
    hook_work(&h, &c, 0);
    assert_false(hook_reaped(&h, h.pid + 1, 0));
    assert_true(h.pid > 0);
    reap();
    assert_int_equal(h.counters.failed, 1);
    assert_false(hook_reaped(&h, 0, 0));
    program("kill -TERM $$");
    add(2);
    hook_work(&h, &c, 0);
    reap();
    assert_int_equal(h.counters.failed, 2);
    strcpy(c.hook, "/no/such/program");
    add(3);
    hook_work(&h, &c, 0);
    reap();
    assert_int_equal(h.counters.failed, 3);
    /* Processes that it leaves behind end with it. */
    program("sleep 1000 >/dev/null & echo $! >>\"${0%/*}/out\"");
    add(4);
    hook_work(&h, &c, 0);
    left = written_pid();
    reap();
    assert_int_equal(h.counters.run, 1);
    assert_true(is_dead(left));
}

static void test_ends_with_the_daemon(void **state)
{
    pid_t left;

    hook_end(&h);
    program("sleep 1000 & echo $! >>\"${0%/*}/out\"; wait");
    add(1);
    hook_work(&h, &c, 0);
    left = written_pid();
    hook_end(&h);
    assert_int_equal(h.pid, 0);
    assert_true(is_dead(left));
}

/* No more than it needs: see hook.h. */
static void test_rights(void **state)
{
    sigset_t block, before;
    char *text;
    int fd = open("/dev/null", O_RDONLY); /* inherited unless it is closed */

    assert_true(fd > 2);
    program("{ env; ls /proc/self/fd; pwd; id -u; id -g; id -G; ulimit -Hc\n"
            "grep -E '^(NoNewPrivs|SigBlk):' /proc/self/status; } "
            ">>\"${0%/*}/out\"");
    setenv("SECRET", "secret", 1);
    sigfillset(&block);
    sigprocmask(SIG_SETMASK, &block, &before);
    if ( !getuid() )
    {
        strcpy(c.hook_user, "nobody");
        assert_int_equal(hook_user(&h, &c, 0, 0), 0);
    }
    add(1);
    hook_work(&h, &c, 0);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(fd);
    reap();
    assert_int_equal(h.counters.run, 1);
    text = output();
    assert_null(strstr(text, "SECRET"));
    assert_non_null(strstr(text, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"));
    /* ls has the directory open, too. */
    assert_non_null(strstr(text, "\n0\n1\n2\n3\n/\n"));
    assert_non_null(strstr(text, "NoNewPrivs:\t1\n"));
    assert_non_null(strstr(text, "SigBlk:\t0000000000000000\n"));
    if ( !getuid() )
        assert_non_null(strstr(text, "\n/\n65534\n65534\n65534\n0\n"));
}

static void test_user(void **state)
{
    struct hook u = { .uid = 1 };

    assert_int_equal(hook_user(&u, &c, 5, 6), 0);
    assert_int_equal(u.uid, 5);
    assert_int_equal(u.gid, 6);
    strcpy(c.hook_user, "daemon");
    assert_int_equal(hook_user(&u, &c, 5, 6), 0);
    assert_int_equal(u.uid, 1);
    assert_int_equal(u.gid, 1);
    strcpy(c.hook_user, "no-such-user");
    assert_int_equal(hook_user(&u, &c, 5, 6), -ENOENT);
}

/* The longest name that fits the configuration fits its input. */
static void test_longest_directory(void **state)
{
    const struct msg_snapshot s = snapshot(UINT32_MAX);
    char path[CONF_PATH];

    program("exit 0");
    memset(path, 'd', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    hook_add(&h, &c, path, &s);
    assert_int_equal(h.queued, 1);
    assert_non_null(strstr(h.queue[0].text, "d/2026"));
    assert_non_null(strstr(h.queue[0].text, "-g4294967295.xfr.lz4\""));
    assert_int_equal(h.queue[0].text[strlen(h.queue[0].text) - 1], '\n');
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_words_are_bounded),
        TEST(test_words_are_taken_as_they_are),
        TEST(test_input_is_one_line),
        TEST(test_queue_is_bounded_and_in_order),
        TEST(test_no_program_no_run),
        TEST(test_time_limit),
        TEST(test_ends_are_counted),
        TEST(test_ends_with_the_daemon),
        TEST(test_rights),
        TEST(test_user),
        TEST(test_longest_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
