/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen/flightrec.h: the flight recorder's interface to the rest of Xen.  With
 * CONFIG_FLIGHTREC=n the hooks are empty.
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
 * Record an event.  Called by the function behind all trace points if the
 * recorder is an active sink.  Any context.
 */
void flightrec_trace(uint32_t event, const void *data, unsigned int bytes);
/* Return true if any channel's mask selects this event. */
bool flightrec_wants(uint32_t event);

/*
 * Handle a sub-command of XEN_SYSCTL_tbuf_op.  Return -EINVAL for one that is
 * not the recorder's; -ERESTART if the hypercall must be continued; other errors
 * are those of public/flightrec.h.
 */
int flightrec_control(struct xen_sysctl_tbuf_op *tbc);

/*
 * Hold the history: a domain is about to die.  @cause is XEN_FLIGHTREC_CAUSE_*,
 * @reason the resolved SHUTDOWN_*.  A death counts once; a Viridian trigger does
 * not count as one.  Any context except NMI, with any locks held.  Does not
 * sleep, print or wait.
 */
void flightrec_domain_dying(struct domain *d, unsigned int cause,
                            unsigned int reason);
/*
 * From domain_shutdown(), before it resolves the reason and with shutdown_lock
 * held: a crash or watchdog holds the history.
 */
void flightrec_domain_shutdown(struct domain *d, unsigned int reason);
/* From domain_resume(): the domain's next death counts again. */
void flightrec_domain_resume(struct domain *d);

/* Xen is dying: stop all recording.  Any context, any number of times. */
void flightrec_stop(void);
/* Add the address of the root structure to VMCOREINFO. */
void flightrec_vmcoreinfo(void);

/*
 * For XENMEM_acquire_resource.  flightrec_frames() returns 0 if there is no
 * such resource; flightrec_acquire() returns the number of frames, or -EINVAL.
 */
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
