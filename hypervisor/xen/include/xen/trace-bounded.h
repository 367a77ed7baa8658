/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen/trace-bounded.h: copy what a guest wrote into a trace record's field.
 *
 * How many bytes an emulated instruction writes is the guest's choice (XSA-477:
 * up to 32 where the field has 8), so the field's size has the last word.  On
 * its own, without includes, so that it can be tested outside of Xen.
 */

#ifndef __XEN_TRACE_BOUNDED_H__
#define __XEN_TRACE_BOUNDED_H__

/* All of `field` is written: the rest of a short copy is 0. */
static inline void trace_copy_bounded(void *field, unsigned int field_bytes,
                                      const void *src, unsigned int bytes)
{
    unsigned int n = bytes < field_bytes ? bytes : field_bytes;

    memcpy(field, src, n);
    memset((char *)field + n, 0, field_bytes - n);
}

#endif /* __XEN_TRACE_BOUNDED_H__ */

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
