# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The recorder's core in a process: unit tests, and random operations against
# an array.

RIG_TESTS := $(O)/tests/unit/test-ring $(O)/tests/prop/prop-ring
RIG_O     := $(O)/tests/lib/rig.o $(CORE_O)

# The seam of tests/platform comes before Xen's.
$(RIG_TESTS:%=%.o) $(O)/tests/lib/rig.o: CPPFLAGS := $(CORE_CPPFLAGS) $(CPPFLAGS)

$(RIG_TESTS): %: %.o $(RIG_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE) -lcmocka

TESTS += $(RIG_TESTS)
