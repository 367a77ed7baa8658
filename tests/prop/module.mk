# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The recorder's core in a process: unit tests, random operations against an
# array, threads, and an interruption at each instruction.

RIG_TESTS := $(O)/tests/unit/test-ring $(O)/tests/prop/prop-ring \
             $(O)/tests/prop/signal-ring
RIG_O     := $(O)/tests/lib/rig.o $(CORE_O)

# The seam of tests/platform comes before Xen's.
$(RIG_TESTS:%=%.o) $(O)/tests/lib/rig.o $(O)/tests/prop/threads-ring.o: \
    CPPFLAGS := $(CORE_CPPFLAGS) $(CPPFLAGS)

$(RIG_TESTS): %: %.o $(RIG_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE) -lcmocka

$(O)/tests/prop/threads-ring: $(O)/tests/prop/threads-ring.o $(CORE_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -pthread

TESTS += $(RIG_TESTS) $(O)/tests/prop/threads-ring

# Stock Xen's trace buffers.
$(O)/tests/prop/prop-tbuf: $(O)/tests/prop/prop-tbuf.o $(O)/tests/lib/gen.o \
    $(O)/tests/fake/tbuf-model.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE) -lcmocka

TESTS += $(O)/tests/prop/prop-tbuf

# The index of a snapshot file.
$(O)/tests/prop/prop-index: $(O)/tests/prop/prop-index.o $(O)/tests/lib/gen.o \
    $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE) -lcmocka

TESTS += $(O)/tests/prop/prop-index
