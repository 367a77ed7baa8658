/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp.h: the requests to Xen.  Two seams answer them: the real one (hyp-xen.c)
 * and "hosted:DIR" (hyp-hosted.c), a directory through which a process that
 * runs the recorder's core serves the same operations.  If the Xen behind the
 * seam has no flight recorder, hyp-tbuf.c makes one of its trace buffers.  The
 * caller chooses the backend, never the environment.
 *
 * All functions return 0 or -errno.
 */

#ifndef XENFLIGHT_HYP_H
#define XENFLIGHT_HYP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/flightrec.h>

struct hyp;

enum hyp_kind {
    HYP_AUTO,              /* the flight recorder if Xen has one, else tbuf */
    HYP_FLIGHTREC,
    HYP_TBUF,              /* Xen's own trace buffers, see hyp-tbuf.h */
};

/* Parse auto, flightrec or tbuf.  Return -EINVAL for any other name. */
int hyp_kind(const char *name, enum hyp_kind *kind);

/*
 * Open a backend: KIND, SEAM or KIND@SEAM; SEAM is xen (or NULL) or hosted:DIR.
 * The caller must call hyp_close().  Return
 *   -EINVAL  no such backend
 *   -ENOSYS  this Xen does not have that kind of recorder
 *   -EACCES  this user may not open the devices
 *   -ENOENT  no devices: not a Dom0, or its modules are not loaded
 */
int hyp_open(const char *backend, struct hyp **out);
/* Close the handles.  Mappings stay. */
void hyp_close(struct hyp *h);

/*
 * Carry out one operation.  Return the errors of public/flightrec.h, and
 *   -ENOSYS  this Xen has no flight recorder
 *   -EPROTO  Xen and its libraries are of different releases
 *   -EPERM   refused by Xen's security policy
 */
int hyp_op(struct hyp *h, struct xen_flightrec_op *op);

/* hyp_op() in the form of a callback. */
typedef int hyp_op_fn(void *arg, struct xen_flightrec_op *op);

/*
 * Read the recorder's status by @op.  In the library itself (status.c), not in
 * the backend, so a process without Xen's handles can use it too.  Return 0,
 * -EPROTO if the answer has another ABI version or an impossible number of
 * pCPUs, or the error of @op.
 */
int hyp_status(hyp_op_fn *op, void *arg, struct xen_flightrec_op_status *st);

/*
 * Return a sentence that explains an error of hyp_open() or hyp_op(), with its
 * remedy.
 */
const char *hyp_why(int rc);

/*
 * The recorder's VIRQs.  hyp_virq_bind(): *@fd becomes readable when the VIRQ
 * is raised; return -EEXIST if another process has it bound, -EUSERS if
 * xentrace has VIRQ_TBUF.  hyp_virq_ack(): take the event, so that the next
 * one is seen; return 1 if it needs no action of the caller.
 */
enum hyp_virq {
    HYP_VIRQ_TRIGGER,      /* a generation has begun */
    HYP_VIRQ_WAKE,         /* new slots were opened, see the wake operation */
    HYP_VIRQ_TBUF,         /* Xen's own: a trace buffer is half full */
    HYP_VIRQS
};

int hyp_virq_bind(struct hyp *h, enum hyp_virq which, int *fd);
int hyp_virq_ack(struct hyp *h, enum hyp_virq which);

/*
 * Map @frames frames of a resource read-only.  @id: a pCPU number or
 * XEN_FLIGHTREC_RES_INFO.  The mapping stays until the process exits.
 */
int hyp_map(struct hyp *h, uint32_t id, uint32_t frames, const void **out);

struct hyp_domain {
    uint16_t domid;
    uint8_t shutdown;      /* has shut down; `reason` is set */
    uint8_t dying;
    uint8_t reason;        /* SHUTDOWN_* */
    uint8_t handle[16];
    uint32_t vcpus;
};

/* List all domains in order of domid.  The caller must free() the list. */
int hyp_domains(struct hyp *h, struct hyp_domain **list, unsigned int *nr);

struct hyp_version {
    char version[48];      /* 4.17.5 */
    char build_id[65];     /* hex, or "" */
    char cmdline[1032];
};

int hyp_version(struct hyp *h, struct hyp_version *v);

#endif /* XENFLIGHT_HYP_H */
