# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What several tests share, and the tests of the reading half.

READ_TESTS := packet snapshot
READ_LIBS  := $(O)/tests/lib/gen.o $(LIBXF)

TESTS += $(READ_TESTS:%=$(O)/tests/unit/test-%)

$(READ_TESTS:%=$(O)/tests/unit/test-%): $(O)/tests/unit/test-%: \
    $(O)/tests/unit/test-%.o $(READ_LIBS)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS_BASE)
