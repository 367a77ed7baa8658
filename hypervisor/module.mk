# SPDX-License-Identifier: GPL-2.0-only
#
# build-xen caches by content, so these targets always run it.  XEN_FAMILY=4.20
# chooses another release of Xen than this machine's: see hypervisor/versions.
# XEN_SOURCE=DIR builds a source that is there already.

xen: ## build Debian's Xen with the recorder into build/xen
	$(Q)hypervisor/build-xen on $(O)/xen

xen-debian: ## fetch Debian's own binary of Xen into build/xen-debian
	$(Q)hypervisor/debian-xen $(O)/xen-debian

# To compare: the same tree without FLIGHTREC, and Debian's own.
xen-off:
	$(Q)hypervisor/build-xen off $(O)/xen-off

xen-pristine:
	$(Q)hypervisor/build-xen pristine $(O)/xen-pristine

# The series as it would be posted to xen-devel, built after each patch.
xen-series: ## build after each patch; the whole series into build/xen-series
	$(Q)hypervisor/build-xen series build/xen-series

.PHONY: xen-series xen xen-debian xen-off xen-pristine
