/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hyp-hosted.h: the directory through which a process plays Xen for
 * hyp-hosted.c.
 *
 *   ops     socket (SOCK_SEQPACKET): struct xen_flightrec_op in,
 *           struct hosted_answer out, one in each packet
 *   virq    FIFO: a byte each time the VIRQ is raised; the process that has it
 *           bound holds a flock() on it
 *   wake    FIFO: the same for the VIRQ that wakes a reader of the rings
 *   cpu.N   the resource of pCPU N
 *   info    the information page
 *   doms    HOSTED_DOMAINS entries of struct hosted_domain
 *
 * A Xen without flight recorder answers ENOSYS to the recorder's operations.
 * It has trace buffers instead:
 *
 *   host    struct hyp_tbuf_host (lib/xen/hyp-backend.h)
 *   mem     its memory, by frame number
 *   ops     also takes HOSTED_OP_TBUF, with struct hyp_tbuf_op in the room
 *   virq.4  as virq, for VIRQ_TBUF
 */

#ifndef XENFLIGHT_HYP_HOSTED_H
#define XENFLIGHT_HYP_HOSTED_H

#include <stdint.h>

#include <public/flightrec.h>

#define HOSTED_DOMAINS 64
#define HOSTED_FRAME   4096
#define HOSTED_OP_TBUF 1

struct hosted_domain {
    uint32_t present;
    uint32_t shutdown;
    uint32_t reason;
    uint32_t dying;
    uint32_t vcpus;
    uint8_t handle[16];
};

struct hosted_answer {
    int32_t rc;
    uint32_t _rsvd;
    struct xen_flightrec_op op;
};

#endif /* XENFLIGHT_HYP_HOSTED_H */
