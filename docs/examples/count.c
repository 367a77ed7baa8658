/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * count.c FILE: how often each event occurs in a snapshot, and how long the
 * longest wait for a processor was.  An example for libxenflight:
 *
 *     cc count.c $(pkg-config --cflags --libs libxenflight) -o count
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <xenflight.h>

#define MAX_EVENTS 512

static struct {
    uint32_t event;
    uint64_t times;
    char name[64];
} count[MAX_EVENTS];

static void add(const struct xf_record *r)
{
    unsigned int i;

    for ( i = 0; i < MAX_EVENTS - 1 && count[i].times; i++ )
        if ( count[i].event == r->event )
            break;

    count[i].event = r->event;
    count[i].times++;
    snprintf(count[i].name, sizeof(count[i].name), "%s", r->name);
}

int main(int argc, char **argv)
{
    char err[XF_ERR_BYTES];
    const struct xf_record *r;
    uint64_t gaps = 0, wait, longest = 0;
    struct xf_file *f;
    unsigned int n;
    int rc;

    if ( argc != 2 )
        return 2;
    if ( xf_open(argv[1], &f, err, sizeof(err)) )
    {
        fprintf(stderr, "%s: %s\n", argv[1], err);
        return 1;
    }

    while ( (rc = xf_next(f, &r)) > 0 )
    {
        if ( r->kind == XF_EVENT )
            add(r);
        gaps += r->kind == XF_GAP;
        if ( !xf_field_find(f, "waited_ns", &n) &&
             !xf_field_value(f, n, &wait) && wait > longest )
            longest = wait;
    }

    for ( n = 0; n < MAX_EVENTS && count[n].times; n++ )
        printf("%8" PRIu64 " %s\n", count[n].times, count[n].name);
    printf("longest wait %" PRIu64 " ns, gaps %" PRIu64 "\n", longest, gaps);
    if ( xf_truncated(f) )
        fprintf(stderr, "%s: %s\n", argv[1], xf_truncated(f));
    rc = rc < 0 || xf_truncated(f) || xf_damaged(f);
    xf_close(f);
    return rc;
}
