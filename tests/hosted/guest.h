/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guest.h: a guest as xenstored sees it: an unprivileged client that speaks the
 * wire protocol over its own ring page.  A test may send anything; xenstored checks
 * permissions.
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

/* Make a domain with libxl's nodes, and introduce it with the ring @g. */
void guest_new(struct world *w, struct guest_ring *g, unsigned int domid,
               const char *handle, const char *name);
/* Let the guest own `control` and its children, as under XAPI. */
void guest_owns_control(struct world *w, struct guest_ring *g);
/* Remove the domain in libxl's order. */
void guest_destroy(struct world *w, struct guest_ring *g);
void guest_close(struct guest_ring *g);

/*
 * Issue one operation.  Copy as much of the answer's payload as fits to @reply
 * (may be NULL).  Return the number of bytes copied, -errno if xenstored refuses,
 * or -ETIMEDOUT without an answer.
 */
int guest_call(struct guest_ring *g, uint32_t type, const void *payload,
               size_t bytes, void *reply, size_t room);
/*
 * Run a program that uses the ring through a device, whose name replaces "DEVICE"
 * in @argv.  Return as run().
 */
int guest_run(struct guest_ring *g, char **out, const char *argv[]);

/* @path: relative to the guest's directory, or absolute. */
int guest_write(struct guest_ring *g, const char *path, const void *value,
                size_t bytes);
int guest_read(struct guest_ring *g, const char *path, char *value,
               size_t room);
int guest_rm(struct guest_ring *g, const char *path);
/* @perms: in xenstore's form: "n5", "b6", ..., each ends with a NUL. */
int guest_chmod(struct guest_ring *g, const char *path, const char *perms,
                size_t bytes);

/* Wait until the node has this value. */
bool guest_sees(struct guest_ring *g, const char *path, const char *value);

#endif /* TESTS_GUEST_H */
