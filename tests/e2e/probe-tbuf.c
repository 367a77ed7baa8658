/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe-tbuf: sample the fill of Xen's own trace buffers, while another process
 * consumes them.
 *
 *   probe-tbuf fill             print the fill of each pCPU's buffer
 *   probe-tbuf looks SECONDS N  sample N times at random within SECONDS
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/xen/hyp.h"
#include "lib/xen/tbuf.h"

#define MAX_CPUS 64

static struct tbuf ring[MAX_CPUS];
static unsigned int nr;

static int map_all(struct hyp *h)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_status };
    uint32_t cpu, cpus;
    const void *map;
    int rc = hyp_op(h, &o);

    cpus = o.u.status.nr_cpus;
    for ( cpu = 0; !rc && cpu < cpus && nr < MAX_CPUS; cpu++ )
    {
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_cpu,
                                       .u.cpu.cpu = cpu };
        if ( hyp_op(h, &o) )
            continue;
        rc = hyp_map(h, cpu, o.u.cpu.frames, &map);
        if ( !rc )
            ring[nr++] = tbuf_of((void *)map, o.u.cpu.frames);
    }
    return rc ? rc : nr ? 0 : -ENODEV;
}

/* Return the number of buffers that are less than a quarter full. */
static unsigned int look(void)
{
    unsigned int i, low = 0;
    uint32_t cons, fill;
    bool ok;

    for ( i = 0; i < nr; i++ )
    {
        ok = !tbuf_look(&ring[i], &cons, &fill) && fill >= ring[i].bytes / 4;
        printf("buffer=%u fill=%.1f%% quarter=%s\n", i,
               100.0 * fill / ring[i].bytes, ok ? "yes" : "no");
        low += !ok;
    }
    return low;
}

/* Take each sample at a random moment of its own share of the time. */
static void looks(double seconds, unsigned int n)
{
    double share = seconds / n, at, waited = 0;
    unsigned int i, low = 0;

    srand48(time(NULL));
    for ( i = 0; i < n; i++ )
    {
        at = share * (i + drand48());
        usleep((at - waited) * 1e6);
        waited = at;
        low += look();
    }
    usleep((seconds - waited) * 1e6);
    printf("looks=%u low=%u\n", n, low);
}

int main(int argc, char **argv)
{
    struct hyp *h;
    int rc = hyp_open("tbuf", &h);

    if ( !rc )
        rc = map_all(h);
    if ( rc )
    {
        fprintf(stderr, "probe-tbuf: %s\n", hyp_why(rc));
        return 1;
    }
    if ( argc == 4 && !strcmp(argv[1], "looks") )
        looks(atof(argv[2]), atoi(argv[3]));
    else
        look();
    return 0;
}
