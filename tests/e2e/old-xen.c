/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * old-xen.so, a preload library: make libxenctrl look like that of another Xen
 * release than the running one, as after half an upgrade.
 */

#include <stdint.h>

#include <xencall.h>

#define HYPERVISOR_SYSCTL 35

int xencall1(xencall_handle *call, unsigned int op, uint64_t arg)
{
    uint32_t *sysctl = (uint32_t *)(uintptr_t)arg;

    if ( op == HYPERVISOR_SYSCTL )
        sysctl[1]--; /* interface_version */
    return xencall2(call, op, arg, 0);
}
