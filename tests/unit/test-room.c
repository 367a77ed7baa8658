/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-room.c: the share of the state directory that operators' own files may
 * have, in bytes, as a file grows.
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
#include <unistd.h>

#include "snapshotd/engine/store.h"

#define REQUEST XEN_FLIGHTREC_CAUSE_REQUEST
#define CRASH   XEN_FLIGHTREC_CAUSE_CRASH

static char path[64];
static int dir;
static struct store_usage usage;

static int begin(void **state)
{
    strcpy(path, "/tmp/xfr.XXXXXX");
    memset(&usage, 0, sizeof(usage));
    if ( !mkdtemp(path) )
        return -1;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? -1 : 0;
}

static int end(void **state)
{
    char cmd[96];

    close(dir);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", path);
    return system(cmd);
}

static struct store_id id_of(uint8_t cause, unsigned int n)
{
    return (struct store_id){ .wall_s = 1000 + n, .gen = n, .cause = cause,
                              .uuid = { cause == REQUEST ? 0 : n } };
}

static void put(uint8_t cause, unsigned int n, size_t bytes)
{
    const struct store_id id = id_of(cause, n);
    char name[STORE_NAME];
    int fd;

    store_name(&id, name);
    fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, bytes), 0);
    close(fd);
}

static bool is_there(uint8_t cause, unsigned int n)
{
    const struct store_id id = id_of(cause, n);
    char name[STORE_NAME];

    store_name(&id, name);
    return !faccessat(dir, name, F_OK, 0);
}

static int room(const struct store_budget *budget, uint8_t cause,
                uint64_t bytes)
{
    const struct store_id id = id_of(cause, 90);
    struct store_room r = { .dir = dir, .budget = budget, .id = &id,
                            .usage = &usage };

    return store_room(&r, bytes);
}

/* Half of the bytes, to the byte. */
static void test_half_of_the_bytes(void **state)
{
    const struct store_budget budget = { .max_bytes = 1000 };

    /* One may always be there, as large as the budget. */
    assert_int_equal(room(&budget, REQUEST, 1000), 0);
    assert_int_equal(room(&budget, REQUEST, 1001), -EDQUOT);
    put(REQUEST, 1, 400);
    assert_int_equal(room(&budget, REQUEST, 100), 0);
    assert_int_equal(room(&budget, REQUEST, 101), -EDQUOT);
    /* Those of guests and crashes do not count for it. */
    put(CRASH, 2, 300);
    assert_int_equal(room(&budget, REQUEST, 100), 0);
    assert_true(is_there(CRASH, 2));
    /* A crash may have what operators left. */
    assert_int_equal(room(&budget, CRASH, 300), 0);
    assert_true(is_there(CRASH, 2));
    assert_int_equal(room(&budget, CRASH, 301), 0);
    assert_false(is_there(CRASH, 2));
    assert_int_equal(room(&budget, CRASH, 601), -EDQUOT);
    assert_true(is_there(REQUEST, 1));
}

/* ... also of what was granted before, as the file grows. */
static void test_half_as_it_grows(void **state)
{
    const struct store_budget budget = { .max_bytes = 1000 };
    const struct store_id id = id_of(REQUEST, 90);
    struct store_room r = { .dir = dir, .budget = &budget, .id = &id,
                            .usage = &usage };

    put(REQUEST, 1, 100);
    assert_int_equal(store_room(&r, 100), 0);
    assert_int_equal(store_room(&r, 250), 0);
    assert_int_equal(r.written, 350);
    assert_int_equal(store_room(&r, 51), -EDQUOT);
    assert_int_equal(store_room(&r, 50), 0);
    assert_int_equal(store_room(&r, 1), -EDQUOT);
    assert_int_equal(r.written, 400);
}

/* A crash that grows: up to the budget, and what it had counts. */
static void test_growth_is_counted(void **state)
{
    const struct store_budget budget = { .max_bytes = 1000 };
    const struct store_id id = id_of(CRASH, 90);
    struct store_room r = { .dir = dir, .budget = &budget, .id = &id,
                            .usage = &usage };

    put(REQUEST, 1, 300);
    assert_int_equal(store_room(&r, 400), 0);
    assert_int_equal(usage.files, 1);
    assert_int_equal(usage.bytes, 300);
    assert_int_equal(store_room(&r, 300), 0);
    assert_int_equal(store_room(&r, 1), -EDQUOT);
    assert_int_equal(r.written, 700);
    assert_int_equal(usage.evicted, 0);
}

/* Another file comes meanwhile: what was granted before is asked for again. */
static void test_grant_is_of_the_moment(void **state)
{
    const struct store_budget budget = { .max_bytes = 1000 };
    const struct store_id id = id_of(CRASH, 90);
    struct store_room r = { .dir = dir, .budget = &budget, .id = &id,
                            .usage = &usage };

    assert_int_equal(store_room(&r, 10), 0);
    assert_int_equal(r.granted, 1000);
    /* Within the grant the directory is not read. */
    put(CRASH, 2, 500);
    assert_int_equal(store_room(&r, 900), 0);
    assert_true(is_there(CRASH, 2));
    assert_int_equal(store_room(&r, 91), -EDQUOT);
    assert_true(is_there(CRASH, 2));
    assert_int_equal(store_room(&r, 90), 0);
}

/* Half of the files, the one to come included; of one, one. */
static void test_half_of_the_files(void **state)
{
    struct store_budget budget = { .max_files = 1 };

    assert_int_equal(room(&budget, REQUEST, 1), 0);
    put(REQUEST, 1, 1);
    assert_int_equal(room(&budget, REQUEST, 1), -EDQUOT);
    budget.max_files = 3;
    assert_int_equal(room(&budget, REQUEST, 1), -EDQUOT);
    budget.max_files = 4;
    assert_int_equal(room(&budget, REQUEST, 1), 0);
    put(REQUEST, 2, 1);
    assert_int_equal(room(&budget, REQUEST, 1), -EDQUOT);
    /* No limit. */
    budget.max_files = 0;
    assert_int_equal(room(&budget, REQUEST, 1), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_half_of_the_bytes),
        TEST(test_half_as_it_grows),
        TEST(test_growth_is_counted),
        TEST(test_grant_is_of_the_moment),
        TEST(test_half_of_the_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
