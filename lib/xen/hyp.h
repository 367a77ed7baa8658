/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp.h: what we ask of Xen.  Two seams answer: the real one (hyp-xen.c) and
 * "hosted:DIR" (hyp-hosted.c), where a process that runs the recorder's core
 * serves the same operations from a directory.  Where there is a Xen without
 * flight recorder behind it, hyp-tbuf.c makes one of its trace buffers.  The
 * backend is chosen by the caller, never by the environment.
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

/* By name: auto, flightrec, tbuf.  -EINVAL. */
int hyp_kind(const char *name, enum hyp_kind *kind);

/*
 * Opens a backend: KIND, SEAM or KIND@SEAM; SEAM: xen (or NULL), hosted:DIR.
 *   -ENOSYS  this Xen does not have what was asked for
 *   -EACCES  the devices are there, but not for this user
 *   -ENOENT  no devices: not a Dom0, or its modules are absent
 */
int hyp_open(const char *backend, struct hyp **out);
/* Closes the handles.  What was mapped stays mapped. */
void hyp_close(struct hyp *h);

/*
 * One operation.  Beyond what public/flightrec.h says:
 *   -ENOSYS  this Xen has no flight recorder
 *   -EPROTO  this Xen is of another release than the library we use
 *   -EPERM   Xen's security policy refuses
 */
int hyp_op(struct hyp *h, struct xen_flightrec_op *op);

/* One of the functions above in the form that other modules take. */
typedef int hyp_op_fn(void *arg, struct xen_flightrec_op *op);

/*
 * Read the recorder's status by @op.  In the library itself (status.c), not in
 * the backend, so a process without Xen's handles can use it too.  Return 0,
 * -EPROTO if the answer has another ABI version or an impossible number of
 * pCPUs, or the error of @op.
 */
int hyp_status(hyp_op_fn *op, void *arg, struct xen_flightrec_op_status *st);

/*
 * A plain sentence for a return code of hyp_open() and hyp_op(), with what to
 * do about it.
 */
const char *hyp_why(int rc);

/*
 * The recorder's VIRQs.  bind: *fd becomes readable when it is raised; -EEXIST:
 * another process has it; -EUSERS: xentrace has VIRQ_TBUF.  ack: takes the
 * event, so that the next one is seen; 1: it was about nothing that the caller
 * must do.
 */
enum hyp_virq {
    HYP_VIRQ_TRIGGER,      /* a generation has begun */
    HYP_VIRQ_WAKE,         /* the rings have moved on, see the wake operation */
    HYP_VIRQ_TBUF,         /* Xen's, for hyp-tbuf.c: a trace buffer is half full */
    HYP_VIRQS
};

int hyp_virq_bind(struct hyp *h, enum hyp_virq which, int *fd);
int hyp_virq_ack(struct hyp *h, enum hyp_virq which);

/*
 * Maps `frames` frames of a resource, read-only: a pCPU number or
 * XEN_FLIGHTREC_RES_INFO.  For good: there is no unmap but exit.
 */
int hyp_map(struct hyp *h, uint32_t id, uint32_t frames, const void **out);

struct hyp_domain {
    uint16_t domid;
    uint8_t shutdown;      /* has shut down, for `reason` */
    uint8_t dying;
    uint8_t reason;        /* SHUTDOWN_* */
    uint8_t handle[16];
    uint32_t vcpus;
};

/* All domains, in order of domid.  free() the list. */
int hyp_domains(struct hyp *h, struct hyp_domain **list, unsigned int *nr);

struct hyp_version {
    char version[48];      /* 4.17.5 */
    char build_id[65];     /* hex, or "" */
    char cmdline[1032];
};

int hyp_version(struct hyp *h, struct hyp_version *v);

#endif /* XENFLIGHT_HYP_H */
