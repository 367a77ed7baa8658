/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * xen/trace-bounded.h: copy a guest's write into a trace record's field.
 *
 * The guest chooses how many bytes an emulated instruction writes (XSA-477: up
 * to 32 where the field has 8), so the copy is bounded by the field's size.
 * This header has no includes, so that it can be tested outside of Xen.
 */

#ifndef __XEN_TRACE_BOUNDED_H__
#define __XEN_TRACE_BOUNDED_H__

/* Copy at most @field_bytes; zero the rest of a short copy. */
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
