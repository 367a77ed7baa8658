/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp.h: what we ask of Xen.  Two backends answer: the real one (hyp-xen.c) and
 * "hosted:DIR" (hyp-hosted.c), where a process that runs the recorder's core
 * serves the same operations from a directory.  The backend is chosen by the
 * caller, never by the environment.
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

/*
 * Opens a backend: NULL or "xen", or "hosted:DIR".
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
 * A plain sentence for a return code of hyp_open() and hyp_op(), with what to
 * do about it.
 */
const char *hyp_why(int rc);

/*
 * The recorder's VIRQs.  bind: *fd becomes readable when it is raised; -EEXIST:
 * another process has it.  ack: takes the event, so that the next one is seen.
 */
enum hyp_virq {
    HYP_VIRQ_TRIGGER,      /* a generation has begun */
    HYP_VIRQ_WAKE,         /* the rings have moved on, see the wake operation */
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
