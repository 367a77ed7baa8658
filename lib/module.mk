# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libxenflight.a: what daemon, tools and tests share.  A program takes only the
# members it uses; link it with $(LIBS_BASE).  The files that ask Xen (hyp*.c)
# are linked by name where they are needed.

LIBXF     := $(O)/lib/libxenflight.a
LIBXF_SRC := $(filter-out lib/hyp%.c,$(wildcard lib/*.c))

$(LIBXF): $(LIBXF_SRC:%.c=$(O)/%.o)
	@$(call say,AR $@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
