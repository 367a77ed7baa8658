# SPDX-License-Identifier: GPL-2.0-only
#
# build-xen caches by content, so these targets always run it.

xen: ## build Debian's Xen with the recorder into build/xen
	$(Q)hypervisor/build-xen on build/xen

xen-debian: ## fetch Debian's own binary of Xen into build/xen-debian
	$(Q)hypervisor/debian-xen build/xen-debian

# To compare: the same tree without FLIGHTREC, and Debian's own.
xen-off:
	$(Q)hypervisor/build-xen off build/xen-off

xen-pristine:
	$(Q)hypervisor/build-xen pristine build/xen-pristine

# The series as it would be posted to xen-devel, built after each patch.
XEN_FAMILY ?= 4.17

xen-series: ## build after each patch; the whole series into build/xen-series
	$(Q)hypervisor/build-xen series build/xen-series $(XEN_FAMILY)

.PHONY: xen-series xen xen-debian xen-off xen-pristine
