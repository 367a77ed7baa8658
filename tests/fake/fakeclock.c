/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fakeclock.c: let a test set CLOCK_REALTIME for one program and its children.
 * LD_PRELOAD this library; FAKECLOCK names a file with one int64_t, the seconds
 * to add, which may change at any moment.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real)(clockid_t clock, struct timespec *ts);
static volatile const int64_t *offset_s;

/* Must run before the program enters a sandbox. */
static void __attribute__((__constructor__)) find(void)
{
    const char *path = getenv("FAKECLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *p = MAP_FAILED;

    real = dlsym(RTLD_NEXT, "clock_gettime");
    if ( fd >= 0 )
    {
        p = mmap(NULL, sizeof(*offset_s), PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
    }
    if ( p != MAP_FAILED )
        offset_s = p;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rc = real(clock, ts);

    if ( !rc && clock == CLOCK_REALTIME && offset_s )
        ts->tv_sec += *offset_s;
    return rc;
}
