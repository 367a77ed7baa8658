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

$(BENCH_DIR)/stream: $(O)/tests/bench-stream.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS_BASE)

$(O)/tests/bench-stream.o: tests/bench/stream.c
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(CSTD) $(WARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The stream of the last run of the main job, if there was one.
BENCH_SNAPSHOT ?= $(O)/e2e/main-job-ours/files/crash.xfr.lz4

bench: $(BENCH_DIR)/bench $(BENCH_DIR)/stream ## cost of a record: ns, instructions, bytes
	$(Q)tests/bench/run $<
	$(Q)if [ -e $(BENCH_SNAPSHOT) ]; then \
	    $(BENCH_DIR)/stream $(BENCH_SNAPSHOT); \
	else \
	    echo "real-Xen stream: no $(BENCH_SNAPSHOT): make check first"; fi

.PHONY: bench
