/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen/flightrec.h: what the rest of Xen calls.  All of it is nothing when the
 * recorder is compiled out.
 */

#ifndef __XEN_FLIGHTREC_H__
#define __XEN_FLIGHTREC_H__

#include <xen/errno.h>
#include <xen/types.h>
#include <public/xen.h>
#include <public/flightrec.h>

struct domain;
struct xen_sysctl_tbuf_op;

#ifdef CONFIG_FLIGHTREC

/*
 * From the function behind all trace points, if the recorder is among the
 * active sinks.  Any context.
 */
void flightrec_trace(uint32_t event, const void *data, unsigned int bytes);
/* Does any channel's mask want this event? */
bool flightrec_wants(uint32_t event);

/* Sub-commands of XEN_SYSCTL_tbuf_op; -EINVAL for what is not ours. */
int flightrec_control(struct xen_sysctl_tbuf_op *tbc);

/*
 * The domain is about to die.  Any context but NMI, any locks; does not sleep,
 * print or wait.  `reason` as resolved.
 */
void flightrec_domain_dying(struct domain *d, unsigned int cause,
                            unsigned int reason);
/* domain_shutdown(): crash and watchdog are dying, the rest is not. */
void flightrec_domain_shutdown(struct domain *d, unsigned int reason);
/* It lives on: its next death counts again. */
void flightrec_domain_resume(struct domain *d);

/* Xen is dying: the rings stay as they are from here on.  Any context. */
void flightrec_stop(void);
/* Add to VMCOREINFO where the rings are. */
void flightrec_vmcoreinfo(void);

/* XENMEM_acquire_resource; 0 frames: no such resource. */
unsigned int flightrec_frames(const struct domain *d, unsigned int id);
int flightrec_acquire(unsigned int id, unsigned int frame,
                      unsigned int nr_frames, xen_pfn_t mfn_list[]);

#else /* !CONFIG_FLIGHTREC */

static inline void flightrec_trace(uint32_t event, const void *data,
                                   unsigned int bytes) {}
static inline bool flightrec_wants(uint32_t event)
{
    return true;
}
static inline int flightrec_control(struct xen_sysctl_tbuf_op *tbc)
{
    return -EINVAL;
}
static inline void flightrec_domain_dying(struct domain *d, unsigned int cause,
                                          unsigned int reason) {}
static inline void flightrec_domain_shutdown(struct domain *d,
                                             unsigned int reason) {}
static inline void flightrec_domain_resume(struct domain *d) {}
static inline void flightrec_stop(void) {}
static inline void flightrec_vmcoreinfo(void) {}

#endif /* CONFIG_FLIGHTREC */

#endif /* __XEN_FLIGHTREC_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
