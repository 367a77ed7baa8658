/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-conf.c: load any text as the daemon's configuration.  If it is
 * accepted, its strings must be terminated and its numbers in range; if not,
 * the message must be printable.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "snapshotd/common/conf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/image.h"

static void expect(int good)
{
    if ( !good )
        abort();
}

#define ENDS(field) expect(memchr(field, '\0', sizeof(field)) != NULL)

static void check(const struct conf *c)
{
    ENDS(c->user);
    ENDS(c->state);
    ENDS(c->run);
    ENDS(c->textfile);
    ENDS(c->hook);
    ENDS(c->hook_user);
    expect(!c->textfile[0] || c->textfile[0] == '/');
    expect(!c->hook[0] || c->hook[0] == '/');
    expect(c->heartbeat_s && c->max_files && c->max_bytes);
    expect(c->total.burst && c->per_domain.burst && c->guest.burst &&
           c->requests.burst);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char path[32], why[512] = "";
    struct conf c;
    int fd = image_file("conf");

    expect(write(fd, data, len) == (ssize_t)len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if ( !conf_load(&c, path, why, sizeof(why)) )
        check(&c);
    else
        expect(why[0]);
    for ( const char *at = why; *at; at++ )
        expect(*at >= ' ' && *at <= '~');
    close(fd);
    return 0;
}
