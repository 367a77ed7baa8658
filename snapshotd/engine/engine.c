/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine.c: the start of the engine, the process for foreign text, lz4 and the
 * disk.  It maps the rings and opens the state directory while it is root, gives
 * everything else away (common/sandbox.h), and from then on asks the monitor for
 * each operation.
 */

#include "snapshotd/engine/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "snapshotd/common/log.h"
#include "snapshotd/common/sandbox.h"
#include "snapshotd/engine/engine-impl.h"

/* Map the rings, which needs root.  It is no failure if Xen has no buffers. */
static int map_rings(struct engine *e, const char *backend)
{
    struct rings_error why;
    struct hyp *h;
    int rc = hyp_open(backend, &h);

    if ( rc )
    {
        log_error("engine: %s", hyp_why(rc));
        return rc;
    }
    rc = rings_map(h, &e->rings, &why);
    if ( why.what[0] )
        log_error("map: %s", why.what);
    e->mapped = !rc;
    if ( rc == -ENODEV )
        rc = 0;
    if ( !rc )
        rc = hyp_version(h, &e->xen);
    if ( rc )
        log_error("engine: mapping the rings failed: %s", hyp_why(rc));
    hyp_close(h);
    return rc;
}

static int start_background(void *arg)
{
    struct engine *e = arg;

    return background_start(e->conf.conf.threads, &e->background);
}

static int prepare(struct engine *e, const char *backend)
{
    struct msg m;
    int rc, i;

    e->fd = ENGINE_FD_MONITOR;
    e->text = -1;
    e->listen = ENGINE_FD_CONTROL;
    for ( i = 0; i < CLIENTS; i++ )
        e->client[i].fd = -1;
    rc = proto_receive(e->fd, &m, 0);
    if ( rc || m.type != MSG_CONF )
        return rc ? rc : -EPROTO;
    e->conf = m.u.conf;
    e->counters = m.u.conf.counters;
    uname(&e->uts);
    age_init(&e->ages);
    /* The name would be that of /proc/self/exe. */
    prctl(PR_SET_NAME, "snapshotd-eng");
    rc = map_rings(e, backend);
    if ( rc )
        return rc;
    rc = store_open(e->conf.conf.state, e->conf.uid, e->conf.gid, &e->dir);
    if ( rc )
    {
        log_error("%s: %s", e->conf.conf.state,
                  rc == -EPERM ? "must belong to the daemon's user and be "
                                 "closed to others (mode 0700)"
                               : strerror(-rc));
        return rc;
    }
    /* The seed is read from a device that is out of reach later. */
    json_object_seed(0);
    rc = sandbox_enter(SANDBOX_ENGINE, e->dir, e->conf.uid, e->conf.gid,
                       start_background, e);
    if ( rc )
        log_error("sandbox: %s: ending", strerror(-rc));
    return rc;
}

static void read_clocks(struct engine *e)
{
    struct msg m = { .type = MSG_TAKE };

    if ( engine_ask(e, &m) )
        log_warning("clock: reading Xen's clocks failed");
    else
        e->pair[0] = m.u.take.now;
    e->xen_minus_mono = e->pair[0].ns - e->pair[0].mono_ns;
}

int engine_run(const char *backend)
{
    static struct engine e;
    struct msg ready = { .type = MSG_READY };

    if ( prepare(&e, backend) )
        return 1;
    store_recover(e.dir, e.conf.conf.keep_partial,
                  e.counters.of[OUTCOME_WRITTEN]);
    ready.u.incarnation = e.rings.info.incarnation;
    engine_send(&e, &ready);
    read_clocks(&e);
    /* Messages may have come before the reply. */
    engine_loop(&e);
}
