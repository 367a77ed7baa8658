# SPDX-License-Identifier: GPL-2.0-only
#
# Used in place of Xen's own Makefile: generate all that precedes the first
# object.  After it, single objects can be compiled.

include Makefile

headers: outputmakefile FORCE
	$(Q)$(MAKE) $(build)=tools
	$(Q)$(MAKE) $(build)=. include/xen/compile.h
	$(Q)$(MAKE) $(build)=include all
	$(Q)$(MAKE) $(build)=arch/$(SRCARCH) include
	$(Q)$(MAKE) $(build)=. arch/$(SRCARCH)/include/asm/asm-offsets.h
