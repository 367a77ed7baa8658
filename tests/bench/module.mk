# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a record costs.  Own objects: always -O2, and without the clock's hook.

BENCH_DIR    := $(O)/tests/bench
BENCH_O      := $(addprefix $(BENCH_DIR)/,bench.o ring.o table.o platform.o)
BENCH_CFLAGS := -O2 -g -fno-pic

define bench_cc
	@mkdir -p $(@D)
	@$(call say,CC $< (bench))
	$(Q)$(CC) $(CSTD) $(WARN) $(CORE_CPPFLAGS) $(CPPFLAGS) -DFR_BENCH \
	    $(BENCH_CFLAGS) -MMD -MP -c -o $@ $<
endef

$(BENCH_DIR)/%.o: tests/bench/%.c
	$(bench_cc)
$(BENCH_DIR)/%.o: $(CORE_SRC)/%.c
	$(bench_cc)
$(BENCH_DIR)/%.o: tests/platform/%.c
	$(bench_cc)

$(BENCH_DIR)/bench: $(BENCH_O)
	@$(call say,LD $@)
	$(Q)$(CC) -no-pie -o $@ $^

bench: $(BENCH_DIR)/bench ## cost of a record: ns, instructions, bytes
	$(Q)tests/bench/run $<

.PHONY: bench
