/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-commit.c: the order in which a file gets durable and gets its name.  The
 * calls that the store makes are noted, and can be made to fail.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshotd/engine/store.h"

#define NOTES 16

static char dir_path[64];
static int dir;
/* 'f': a file synced, 'd': a directory synced, 'n': a name given. */
static char notes[NOTES + 1];
static int sync_error, sync_dir_error, name_error;

static void note(char c)
{
    size_t n = strlen(notes);

    assert_true(n < NOTES);
    notes[n] = c;
}

/* The store's calls end here: a program's own function precedes a library's. */
static int note_sync(int fd, long number)
{
    struct stat st;
    int error;

    assert_int_equal(fstat(fd, &st), 0);
    note(S_ISDIR(st.st_mode) ? 'd' : 'f');
    error = S_ISDIR(st.st_mode) ? sync_dir_error : sync_error;
    if ( !error )
        return syscall(number, fd);
    errno = error;
    return -1;
}

int fsync(int fd)
{
    return note_sync(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return note_sync(fd, SYS_fdatasync);
}

static int note_name(long rc)
{
    if ( !rc )
        note('n');
    return rc;
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to,
              unsigned int flags)
{
    if ( name_error )
    {
        errno = name_error;
        return -1;
    }
    return note_name(syscall(SYS_renameat2, from_dir, from, to_dir, to,
                             flags));
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if ( name_error )
    {
        errno = name_error;
        return -1;
    }
    return note_name(syscall(SYS_renameat2, from_dir, from, to_dir, to, 0));
}

int linkat(int from_dir, const char *from, int to_dir, const char *to,
           int flags)
{
    if ( name_error )
    {
        errno = name_error;
        return -1;
    }
    return note_name(syscall(SYS_linkat, from_dir, from, to_dir, to, flags));
}

static int make_dir(void **state)
{
    strcpy(dir_path, "/tmp/xfc.XXXXXX");
    memset(notes, 0, sizeof(notes));
    sync_error = sync_dir_error = name_error = 0;
    if ( !mkdtemp(dir_path) )
        return -1;
    dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? -1 : 0;
}

static int remove_dir(void **state)
{
    char cmd[96];

    close(dir);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir_path);
    return system(cmd);
}

static const struct store_id crash = {
    .wall_s = 500, .gen = 5, .cause = XEN_FLIGHTREC_CAUSE_CRASH,
    .uuid = { 1, 2, 3 },
};

static int begin(struct store_id *id)
{
    int fd;

    *id = crash;
    assert_int_equal(store_begin(dir, id, &fd), 0);
    assert_int_equal(write(fd, "content", 7), 7);
    return fd;
}

static bool has_name(const struct store_id *id)
{
    char name[STORE_NAME];

    store_name(id, name);
    return !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static bool has_part(const struct store_id *id)
{
    char name[STORE_NAME + 16];

    store_entry_name(id, STORE_PART, name);
    return !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* After a power failure a name must not stand for an empty file. */
static void test_content_is_durable_before_its_name(void **state)
{
    struct store_id id;
    int fd = begin(&id);

    assert_int_equal(store_commit(dir, &id, fd), 0);
    assert_string_equal(notes, "fnd");
    assert_true(has_name(&id));
    assert_false(has_part(&id));
    close(fd);
}

static void test_no_name_for_content_that_is_not_durable(void **state)
{
    struct store_id id;
    int fd = begin(&id);

    sync_error = EIO;
    assert_int_equal(store_commit(dir, &id, fd), -EIO);
    assert_string_equal(notes, "f");
    assert_false(has_name(&id));
    assert_true(has_part(&id));
    close(fd);
}

/* The content is safe, and only the name may be lost: no failure. */
static void test_name_that_is_not_durable(void **state)
{
    struct store_id id;
    int fd = begin(&id);

    sync_dir_error = EIO;
    assert_int_equal(store_commit(dir, &id, fd), 0);
    assert_string_equal(notes, "fnd");
    assert_true(has_name(&id));
    close(fd);
}

static void test_name_that_is_refused(void **state)
{
    struct store_id id;
    int fd = begin(&id);

    name_error = EACCES;
    assert_int_equal(store_commit(dir, &id, fd), -EACCES);
    assert_string_equal(notes, "f");
    assert_true(has_part(&id));
    store_abort(dir, &id);
    assert_false(has_part(&id));
    close(fd);
}

/* Names that are taken: the next free one, and no file is replaced. */
static void test_names_that_are_taken(void **state)
{
    char name[STORE_NAME];
    struct store_id id, taken;
    struct stat st;
    int fd = begin(&id), i, other;

    for ( i = 0; i < 3; i++ )
    {
        taken = crash;
        taken.again = i;
        store_name(&taken, name);
        other = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY, 0600);
        assert_true(other >= 0);
        close(other);
    }
    assert_int_equal(store_commit(dir, &id, fd), 0);
    assert_int_equal(id.again, 3);
    assert_true(has_name(&id));
    for ( i = 0; i < 3; i++ )
    {
        taken.again = i;
        store_name(&taken, name);
        assert_int_equal(fstatat(dir, name, &st, 0), 0);
        assert_int_equal(st.st_size, 0);
    }
    close(fd);
}

/* ... by a directory or a dangling link, too: a name is a name. */
static void test_begin_skips_each_kind_of_name(void **state)
{
    char name[STORE_NAME];
    struct store_id id = crash, want = crash;
    int fd;

    store_name(&want, name);
    assert_int_equal(symlinkat("nowhere", dir, name), 0);
    want.again = 1;
    store_name(&want, name);
    assert_int_equal(mkdirat(dir, name, 0700), 0);
    assert_int_equal(store_begin(dir, &id, &fd), 0);
    assert_int_equal(id.again, 2);
    close(fd);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_content_is_durable_before_its_name),
        TEST(test_no_name_for_content_that_is_not_durable),
        TEST(test_name_that_is_not_durable),
        TEST(test_name_that_is_refused),
        TEST(test_names_that_are_taken),
        TEST(test_begin_skips_each_kind_of_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
