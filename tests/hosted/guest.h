/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest.h: a guest as xenstored sees it: an unprivileged client that speaks the
 * wire protocol over its own ring page.  It does what a test tells it to; what
 * it may do is for xenstored to say.
 */

#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdint.h>

#include <errno.h>

#include <xen/io/xs_wire.h>

#include "world.h"

#define ASK    "control/trace-snapshot"
#define STATUS "control/trace-snapshot-status"

struct guest_ring {
    unsigned int domid;
    struct xenstore_domain_interface *ring;
    int evt;
    uint32_t id;
};

/* A domain as libxl makes it, introduced; its ring is `g`. */
void guest_new(struct world *w, struct guest_ring *g, unsigned int domid,
               const char *handle, const char *name);
/* As XAPI has it: `control` is the guest's own, with what comes below it. */
void guest_owns_control(struct world *w, struct guest_ring *g);
/* The toolstack removes it, in libxl's order. */
void guest_destroy(struct world *w, struct guest_ring *g);
void guest_close(struct guest_ring *g);

/*
 * One operation.  Its payload's bytes that fit in `reply` (NULL: not wanted),
 * and how many as the result; -errno if refused, -ETIMEDOUT without an answer.
 */
int guest_call(struct guest_ring *g, uint32_t type, const void *payload,
               size_t bytes, void *reply, size_t room);
/*
 * Runs a program that has the ring as a device: "DEVICE" among its arguments is
 * replaced by that one's name.  Its exit status, what it printed in *out.
 */
int guest_run(struct guest_ring *g, char **out, const char *argv[]);

/* `path` is relative to the guest's directory, or absolute. */
int guest_write(struct guest_ring *g, const char *path, const void *value,
                size_t bytes);
int guest_read(struct guest_ring *g, const char *path, char *value,
               size_t room);
int guest_rm(struct guest_ring *g, const char *path);
/* As xenstore has them: "n5", "b6", ..., each ended by a NUL. */
int guest_chmod(struct guest_ring *g, const char *path, const char *perms,
                size_t bytes);

/* Waits until the node has this value. */
bool guest_sees(struct guest_ring *g, const char *path, const char *value);

#endif /* TESTS_GUEST_H */
