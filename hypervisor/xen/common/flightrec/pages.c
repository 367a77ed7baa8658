/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/pages.c: allocate blocks of Xen heap, lend them read-only to
 * Dom0, reclaim and free them.
 *
 * A block is physically contiguous and has at most XEN_FLIGHTREC_MAX_SLOT_BYTES
 * (128 pages): that much work is done between two checks for softirqs.
 */

#include <xen/flightrec.h>
#include <xen/mm.h>
#include <xen/numa.h>

#include "glue.h"

void *fr_pages_alloc(unsigned int cpu, unsigned int bytes)
{
    unsigned int order = get_order_from_bytes(bytes);
    unsigned int i, pages = PFN_UP(bytes);
    void *p = alloc_xenheap_pages(order, MEMF_node(cpu_to_node(cpu)));

    if ( !p )
        return NULL;

    /* Free what rounding up to an order added. */
    for ( i = 0; i < 1U << order; i++ )
    {
        void *page = p + i * PAGE_SIZE;

        if ( i < pages )
            clear_page(page);
        else
            free_xenheap_page(page);
    }

    return p;
}

void fr_pages_free(void *p, unsigned int bytes)
{
    unsigned int i;

    for ( i = 0; p && i < PFN_UP(bytes); i++ )
        free_xenheap_page(p + i * PAGE_SIZE);
}

void fr_pages_lend(void *p, unsigned int bytes)
{
    unsigned int i;

    for ( i = 0; i < PFN_UP(bytes); i++ )
        share_xen_page_with_privileged_guests(virt_to_page(p + i * PAGE_SIZE),
                                              SHARE_ro);
}

/* The pages were reclaimed, so there is no reference to them. */
void fr_pages_lend_again(void *p, unsigned int bytes)
{
    unsigned int i;

    for ( i = 0; i < PFN_UP(bytes); i++ )
        page_set_owner(virt_to_page(p + i * PAGE_SIZE), NULL);
    fr_pages_lend(p, bytes);
}

bool fr_page_is_mapped(const void *page)
{
    return (virt_to_page(page)->count_info & PGC_count_mask) > 1;
}

bool fr_pages_are_mapped(const void *p, unsigned int bytes)
{
    unsigned int i;

    for ( i = 0; i < PFN_UP(bytes); i++ )
        if ( fr_page_is_mapped(p + i * PAGE_SIZE) )
            return true;

    return false;
}

/*
 * Reclaim a lent page.  Return false, with nothing changed, if Dom0 has it
 * mapped.
 *
 * The allocation reference must only be dropped as the last one, in one step.
 * If a mapping were the last, the pCPU that unmaps it would take the page off
 * dom_xen's list (free_domheap_page()) at any later time, while it is freed or
 * lent again here.  Once the count is 0 no reference can be taken.
 */
static bool fr_reclaim(void *page)
{
    struct page_info *pg = virt_to_page(page);
    unsigned long x = ACCESS_ONCE(pg->count_info);

    if ( (x & (PGC_allocated | PGC_count_mask)) != (PGC_allocated | 1) ||
         cmpxchg(&pg->count_info, x,
                 x & ~(PGC_allocated | PGC_count_mask)) != x )
        return false;

    free_domheap_page(pg); /* as put_page(): off the list, still allocated */
    return true;
}

bool fr_pages_reclaim(void *p, unsigned int bytes)
{
    unsigned int i;

    for ( i = 0; i < PFN_UP(bytes); i++ )
        if ( !fr_reclaim(p + i * PAGE_SIZE) )
        {
            fr_pages_lend_again(p, i * PAGE_SIZE);
            return false;
        }

    return true;
}

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
