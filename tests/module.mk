# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The tests.  A module adds its tests for tests/run to TESTS: programs under $(O)/
# and scripts.

# The recorder's core in a user-space program: the real files; the include path finds
# tests/platform's headers first.
CORE_SRC      := hypervisor/xen/common/flightrec
CORE_CPPFLAGS := -Itests/platform -I$(CORE_SRC)
CORE_O        := $(O)/tests/core/ring.o $(O)/tests/core/stream.o \
                 $(O)/tests/core/table.o \
                 $(O)/tests/core/platform.o

$(O)/tests/core/%.o: $(CORE_SRC)/%.c
	@mkdir -p $(@D)
	@$(call say,CC $< (hosted))
	$(Q)$(CC) $(CSTD) $(WARN) $(CORE_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP \
	    -c -o $@ $<

$(O)/tests/core/%.o: tests/platform/%.c
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(CSTD) $(WARN) $(CORE_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP \
	    -c -o $@ $<

TESTS += tests/analyze

# Expand TESTS after all modules are read.
.SECONDEXPANSION:
tests-built: $$(filter $$(O)/%,$$(TESTS)) ## build the tests, run none

tests-list: # their names, for tests/mutants
	@echo $(TESTS)

check-all: all tests-built
	$(Q)MAKE="$(MAKE)" $(FOR_XEN) e2e-parts -- tests/run $(TESTS)

check-user: all tests-built ## the tests that boot no Xen
	$(Q)tests/run $(filter-out tests/e2e/%,$(TESTS))

.PHONY: tests-built tests-list check-all check-user
