/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-conf.c: the configuration: each key's values, the refused ones with
 * their messages, and that the installed file has the defaults.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "snapshotd/common/conf.h"
#include "snapshotd/common/proto.h"

static char why[1024];

/* Reads a file with this text; returns conf_read()'s result. */
static int read_text(struct conf *c, const char *text)
{
    char path[] = "/tmp/xfc.XXXXXX";
    int fd = mkstemp(path), rc;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    memset(c, 0, sizeof(*c));
    conf_default(c);
    rc = conf_read(c, path, why, sizeof(why));
    unlink(path);
    return rc;
}

static void test_conf_values(void **state)
{
    struct conf c;

    assert_int_equal(read_text(&c, "[limit]\n"
                                   "domain = 3/90m\ntotal = off\n"
                                   "requests=10000/1d\nguest = 1/15\n"),
                     -EINVAL);
    assert_non_null(strstr(why, ":5: guest = \"1/15\""));
    assert_int_equal(read_text(&c, "[limit]\n"
                                   "domain = 3/90m\ntotal = off\n"
                                   "requests=10000/1d\nguest = 1/15s\n"
                                   "[trigger]\ncauses = crash  viridian\n"
                                   "requests = none\ndelay = 1500ms\n"
                                   "[store]\nmax_age = 30d\nmin_free = 0\n"
                                   "max_bytes = 3G\n"
                                   "[write]\ncompression_level = -3\n"
                                   "threads = 2\n"),
                     0);
    assert_int_equal(c.per_domain.burst, 3);
    assert_int_equal(c.per_domain.refill_s, 5400);
    assert_int_equal(c.total.refill_s, 0);
    assert_int_equal(c.requests.refill_s, 86400);
    assert_int_equal(c.guest.refill_s, 15);
    assert_int_equal(c.causes, (1 << XEN_FLIGHTREC_CAUSE_CRASH) |
                                   (1 << XEN_FLIGHTREC_CAUSE_VIRIDIAN));
    assert_int_equal(c.sources, 0);
    assert_int_equal(c.delay_ms, 1500);
    assert_int_equal(c.max_age_s, 30 * 86400);
    assert_int_equal(c.min_free, 0);
    assert_int_equal(c.max_bytes, 3ULL << 30);
    assert_int_equal(c.compression_level, -3);
    assert_int_equal(c.threads, 2);
}

static void test_conf_refuses(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        { "[limit]\ndomain = 0/5m\n", ":2: domain" },
        { "[limit]\ndomain = 8/0s\n", ":2: domain" },
        { "[limit]\ndomain = 8/2d\n", ":2: domain" },
        { "[limit]\ndomain = 8\n", "like 8/5m, or off" },
        { "[limit]\ndomain = 8/5m/\n", ":2: domain" },
        { "[limit]\ndomain = -8/5m\n", ":2: domain" },
        { "[limit]\ndomain = 99999999999999999999/5m\n", ":2: domain" },
        { "[limit]\ndomian = 8/5m\n", "unknown key \"domian\"" },
        { "[limits]\n\ndomain = 8/5m\n", ":3: unknown key" },
        { "[trigger]\ncauses = crash reboot\n", "some of crash" },
        { "[trigger]\ncauses =\n", ":2: causes" },
        { "[trigger]\nrequests = everybody\n", "xenstore signal socket" },
        { "[trigger]\ndelay = 61s\n", "like 500ms" },
        { "[trigger]\ndelay = 5\n", ":2: delay" },
        { "[store]\nmax_age = 1\n", "like 30d, or off" },
        { "[store]\nmax_age = 100000000d\n", ":2: max_age" },
        { "[store]\nmax_bytes = 1023K\n", "like 64M" },
        { "[store]\nmax_bytes = 99999999999G\n", ":2: max_bytes" },
        { "[store]\nmax_files = 0\n", ":2: max_files" },
        { "[store]\nmax_files = 1K\n", ":2: max_files" },
        { "[write]\ncompression_level = 13\n", ":2: compression_level" },
        { "[write]\nthreads = -1\n", ":2: threads" },
        /* Relative to what? */
        { "[daemon]\nstate = snapshots\n", "absolute path" },
        { "[daemon]\nrun = run\n", "absolute path" },
        { "[hook]\nprogram = /x 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
          "16 words" },
        { "[hook]\ntimeout = 2h\n", ":2: timeout" },
        { "nonsense\n", "not a line of the form" },
    };
    struct conf c;
    size_t i;

    for ( i = 0; i < sizeof(bad) / sizeof(bad[0]); i++ )
        if ( read_text(&c, bad[i].text) != -EINVAL ||
             !strstr(why, bad[i].says) )
            fail_msg("%s: message \"%s\"", bad[i].text, why);
}

/* Commented-out lines are defaults: without the marks, the result is the same. */
static void test_conf_installed_file_has_the_defaults(void **state)
{
    struct conf c, defaults;
    char text[8192], line[256];
    FILE *f = fopen("snapshotd/dist/snapshotd.conf", "re");

    assert_non_null(f);
    text[0] = '\0';
    while ( fgets(line, sizeof(line), f) )
        strcat(text, line[0] == '#' && line[1] != ' ' ? line + 1 : line);
    fclose(f);
    if ( read_text(&c, text) )
        fail_msg("%s", why);
    memset(&defaults, 0, sizeof(defaults));
    conf_default(&defaults);
    assert_memory_equal(&c, &defaults, sizeof(c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conf_values),
        cmocka_unit_test(test_conf_refuses),
        cmocka_unit_test(test_conf_installed_file_has_the_defaults),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
