# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Compile the recorder's files unchanged into a process, twice: see world.h.
# Each of Xen's headers that they include is replaced by seam.h.

XENWORLD_DIR  := $(O)/tests/xenworld
XENWORLD_XEN  := xen/cpu xen/ctype xen/errno xen/event xen/flightrec-platform xen/init \
                 xen/kexec xen/mm xen/numa xen/param xen/sched xen/softirq \
                 xen/spinlock xen/tasklet xen/time xen/timer xen/trace \
                 xen/types asm/guest public/sched public/sysctl public/xen
XENWORLD_SRC  := $(patsubst %.o,$(CORE_SRC)/%.c,$(shell \
                 sed -n 's/^obj-.* += *//p' $(CORE_SRC)/Makefile)) \
                 tests/xenworld/world.c
XENWORLD_O    := $(XENWORLD_DIR)/a.o $(XENWORLD_DIR)/b.o

xenworld_cpp   = -I$(1)/include -Itests/xenworld -I$(CORE_SRC) $(CPPFLAGS)

# xenworld_make DIRECTORY, COMPILER WITH FLAGS
define xenworld_make
	$(Q)rm -rf $(1)/include && for h in $(XENWORLD_XEN); do \
	    mkdir -p $(1)/include/$${h%/*} && \
	    echo '#include "tests/xenworld/seam.h"' > $(1)/include/$$h.h || exit; \
	done
	$(Q)for c in $(XENWORLD_SRC); do \
	    o=$${c##*/} && $(2) $(call xenworld_cpp,$(1)) -c -o $(1)/$${o%.c}.o $$c \
	        || exit; \
	done
	$(Q)cd $(1) && ld -r -o both.o $(notdir $(XENWORLD_SRC:.c=.o)) && \
	for w in a b; do \
	    objcopy --redefine-sym xen_world=xen_world_$$w both.o $$w.o && \
	    objcopy --keep-global-symbol=xen_world_$$w $$w.o || exit; \
	done
endef

# All warnings of the recorder's files are enabled.
$(XENWORLD_O) &: $(XENWORLD_SRC) $(wildcard $(CORE_SRC)/*.h \
    hypervisor/xen/include/*/*.h tests/xenworld/*.h)
	@mkdir -p $(XENWORLD_DIR)
	@$(call say,CC $(CORE_SRC) as a process)
	$(call xenworld_make,$(XENWORLD_DIR),$(CC) $(CSTD) $(WARN) $(CFLAGS))

$(XENWORLD_DIR)/test-world: $(XENWORLD_DIR)/test-world.o $(XENWORLD_O)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

TESTS += $(XENWORLD_DIR)/test-world
