/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common/flightrec/wake.c: wake the reader that follows the rings.
 *
 * A slot is opened in any context that writes a record.  In an NMI only a bit
 * may be set, hence a softirq of our own: scheduling a tasklet takes a lock.
 */

#include <xen/event.h>
#include <xen/flightrec.h>
#include <xen/init.h>
#include <xen/softirq.h>

#include "glue.h"

uint32_t fr_wakes;

static void cf_check fr_wake_softirq(void)
{
    fr_wake_now();
}

void fr_wake_now(void)
{
    if ( !fr_wake_take() )
        return;
    (void)arch_fetch_and_add(&fr_wakes, 1);
    send_global_virq(VIRQ_FLIGHTREC_WAKE);
}

static int __init cf_check fr_wake_init(void)
{
    open_softirq(FLIGHTREC_SOFTIRQ, fr_wake_softirq);
    return 0;
}
presmp_initcall(fr_wake_init);

/*
 * Local variables:
 * mode: C
 * c-file-style: "BSD"
 * c-basic-offset: 4
 * tab-width: 4
 * indent-tabs-mode: nil
 * End:
 */
