# SPDX-License-Identifier: GPL-2.0-only
#
# Read instead of Xen's own Makefile: all that is generated before the first
# object is compiled.  After it, single objects can be made.

include Makefile

headers: outputmakefile FORCE
	$(Q)$(MAKE) $(build)=tools
	$(Q)$(MAKE) $(build)=. include/xen/compile.h
	$(Q)$(MAKE) $(build)=include all
	$(Q)$(MAKE) $(build)=arch/$(SRCARCH) include
	$(Q)$(MAKE) $(build)=. arch/$(SRCARCH)/include/asm/asm-offsets.h
