/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * command.c: carry out a command that changes the recorder, and explain a
 * failure.  Runs in the monitor, or in a tool if no daemon runs.
 */

#include "lib/ipc/command.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/xen/recorder.h"
#include "lib/base/text.h"

/* A tool that shows the status maps the rings, for less than this. */
#define LOOK_MS       500
#define LOOK_PAUSE_MS 20

/*
 * Mappings that keep buffers from being destroyed.
 */

/* Return true if process @pid maps memory of Xen or of other domains. */
static bool maps_xen(const char *pid)
{
    char path[64], line[512];
    bool found = false;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%.20s/maps", pid);
    f = fopen(path, "re");
    if ( !f )
        return false;
    while ( !found && fgets(line, sizeof(line), f) )
        found = strstr(line, "xen/privcmd");
    fclose(f);
    return found;
}

/* Print " name[pid]".  The process chooses its name, so escape it. */
static int name_process(const char *pid, char *buf, size_t bytes)
{
    char path[64], name[32] = "?", safe[TEXT_ROOM(sizeof(name))];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    f = fopen(path, "re");
    if ( f && fgets(name, sizeof(name), f) )
        name[strcspn(name, "\n")] = '\0';
    if ( f )
        fclose(f);
    return snprintf(buf, bytes, " %s[%.20s]",
                    text_escape(safe, sizeof(safe), name), pid);
}

/* List the processes that may have mapped the buffers, as many as fit. */
static void name_mappers(char *buf, size_t bytes)
{
    DIR *d = opendir("/proc");
    const struct dirent *e;
    size_t len = 0;

    buf[0] = '\0';
    while ( d && len < bytes && (e = readdir(d)) )
        if ( e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
             maps_xen(e->d_name) )
            len += name_process(e->d_name, buf + len, bytes - len);
    if ( d )
        closedir(d);
}

/* Add the mapped frames of one resource; keep the first of all in @first. */
static uint64_t count_mapped(hyp_op_fn *op, void *arg, uint32_t id,
                             uint64_t before,
                             struct xen_flightrec_op_mapped *first)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_mapped,
                                  .u.mapped.id = id };

    if ( op(arg, &o) || !o.u.mapped.frames )
        return before;
    if ( !before )
        *first = o.u.mapped;
    return before + o.u.mapped.frames;
}

static void why_mapped(hyp_op_fn *op, void *arg, char *why)
{
    struct xen_flightrec_op_mapped first = { 0 };
    struct xen_flightrec_op_status st;
    char mappers[256], where[64];
    uint64_t frames;
    uint32_t cpu;

    frames = count_mapped(op, arg, XEN_FLIGHTREC_RES_INFO, 0, &first);
    if ( !hyp_status(op, arg, &st) )
        for ( cpu = 0; cpu < st.nr_cpus; cpu++ )
            frames = count_mapped(op, arg, cpu, frames, &first);
    if ( first.id == XEN_FLIGHTREC_RES_INFO )
        snprintf(where, sizeof(where), "the information page");
    else
        snprintf(where, sizeof(where), "page %u of pCPU %u", first.first,
                 first.id);
    name_mappers(mappers, sizeof(mappers));
    snprintf(why, COMMAND_WHY,
             "the buffers stay: %llu of their pages are mapped, the first is "
             "%s; end the process that maps them (processes that map memory "
             "through Xen:%s)",
             (unsigned long long)frames, where,
             mappers[0] ? mappers : " none here");
}

/*
 * The commands.
 */

static int simple(hyp_op_fn *op, void *arg, uint32_t cmd)
{
    struct xen_flightrec_op o = { .cmd = cmd };

    return op(arg, &o);
}

static int destroy(hyp_op_fn *op, void *arg, char *why)
{
    const struct timespec pause = { .tv_nsec = LOOK_PAUSE_MS * 1000000 };
    int rc = simple(op, arg, XEN_FLIGHTREC_OP_destroy), waited;

    /* There is no event for the end of a mapping. */
    for ( waited = 0; rc == -EBUSY && waited < LOOK_MS;
          waited += LOOK_PAUSE_MS )
    {
        nanosleep(&pause, NULL);
        rc = simple(op, arg, XEN_FLIGHTREC_OP_destroy);
    }
    if ( rc == -EBUSY )
        why_mapped(op, arg, why);
    return rc;
}

static void why_exists(hyp_op_fn *op, void *arg, char *why)
{
    struct xen_flightrec_op_status st;
    char size[32], slot[32];

    if ( hyp_status(op, arg, &st) )
        return;
    snprintf(why, COMMAND_WHY,
             "there are buffers of another form (%s a pCPU in slots of %s, %u "
             "spares): run \"xenflight destroy\" first",
             text_bytes(size, sizeof(size), st.bytes_per_cpu),
             text_bytes(slot, sizeof(slot), st.slot_bytes), st.spares);
}

static int create(hyp_op_fn *op, void *arg,
                  const struct xen_flightrec_op_create *how, char *why)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_create,
                                  .u.create = *how };
    int rc = op(arg, &o);

    if ( rc == -EBUSY )
    {
        /* Only the holder of the lock creates, so the former one has died. */
        rc = simple(op, arg, XEN_FLIGHTREC_OP_destroy);
        o = (struct xen_flightrec_op){ .cmd = XEN_FLIGHTREC_OP_create,
                                       .u.create = *how };
        rc = rc ? rc : op(arg, &o);
    }
    if ( rc == -EEXIST )
        why_exists(op, arg, why);
    else if ( rc == -EINVAL )
        snprintf(why, COMMAND_WHY,
                 "invalid form of buffers: allowed are 128K to 36M a pCPU, 4 "
                 "to 64 slots of 4K to 512K (a multiple of 4K), and at least "
                 "2 spares but fewer than slots");
    else if ( rc == -ENOMEM )
        snprintf(why, COMMAND_WHY, "Xen has too little free memory: see \"xl "
                                   "info\", ask for less a pCPU");
    return rc;
}

static int change_classes(hyp_op_fn *op, void *arg,
                          const struct command_mask *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_mask };
    struct xen_flightrec_op_status st;
    int rc = hyp_status(op, arg, &st);

    if ( rc )
        return rc;
    o.u.mask.channel = m->channel;
    o.u.mask.mask = (st.mask[m->channel] & ~m->clear) | m->set;
    return op(arg, &o);
}

static int change_event(hyp_op_fn *op, void *arg, const struct command_mask *m)
{
    struct xen_flightrec_op o = { .cmd = XEN_FLIGHTREC_OP_mask };

    o.u.mask.channel = m->channel;
    o.u.mask.event = m->event;
    o.u.mask.how = m->set ? XEN_FLIGHTREC_MASK_REFUSE
                          : XEN_FLIGHTREC_MASK_ALLOW;
    return op(arg, &o);
}

static int mask(hyp_op_fn *op, void *arg, const struct command *c, char *why)
{
    uint32_t i;
    int rc = 0;

    if ( c->nr_masks > COMMAND_MASKS )
        return -EINVAL;
    for ( i = 0; !rc && i < c->nr_masks; i++ )
    {
        const struct command_mask *m = &c->mask[i];

        if ( m->channel >= XEN_FLIGHTREC_CHANNELS )
            return -EINVAL;
        rc = m->event ? change_event(op, arg, m) : change_classes(op, arg, m);
        if ( rc == -ENOENT )
            snprintf(why, COMMAND_WHY,
                     "event %#x: not in the list of this Xen's recorder",
                     m->event);
    }
    return rc;
}

static int carry_out(hyp_op_fn *op, void *arg, const struct command *c,
                     char *why)
{
    struct xen_flightrec_op_status st;
    int rc;

    switch ( c->verb )
    {
    case COMMAND_START:
        rc = hyp_status(op, arg, &st);
        if ( !rc && !(st.state & XEN_FLIGHTREC_ST_CREATED) )
            rc = create(op, arg, &c->create, why);
        return rc ? rc : simple(op, arg, XEN_FLIGHTREC_OP_start);

    case COMMAND_STOP:
        return recorder_stop(op, arg);

    case COMMAND_CREATE:
        rc = create(op, arg, &c->create, why);
        return rc ? rc : mask(op, arg, c, why);

    case COMMAND_DESTROY:
        return destroy(op, arg, why);

    case COMMAND_MASK:
        return mask(op, arg, c, why);

    default:
        return -EINVAL;
    }
}

int command_run(hyp_op_fn *op, void *arg, const struct command *c, char *why)
{
    int rc;

    why[0] = '\0';
    rc = carry_out(op, arg, c, why);
    if ( rc && !why[0] )
        snprintf(why, COMMAND_WHY, "%s", hyp_why(rc));
    return rc;
}
