# SPDX-License-Identifier: GPL-2.0-only
#
# build-xen caches by content, so these always ask it.

xen: ## Debian's Xen with the recorder, into build/xen
	$(Q)hypervisor/build-xen on build/xen

xen-debian: ## Debian's own binary of Xen, into build/xen-debian
	$(Q)hypervisor/debian-xen build/xen-debian

# To compare with: the same tree without FLIGHTREC, and Debian's own.
xen-off:
	$(Q)hypervisor/build-xen off build/xen-off

xen-pristine:
	$(Q)hypervisor/build-xen pristine build/xen-pristine

# What one would send to xen-devel; each patch is built on the way.
XEN_FAMILY ?= 4.17

xen-series: ## build after each patch; the whole series into build/xen-series
	$(Q)hypervisor/build-xen series build/xen-series $(XEN_FAMILY)

.PHONY: xen-series xen xen-debian xen-off xen-pristine
