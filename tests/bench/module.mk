# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The cost of a record.  Own objects: always -O2, and without the clock's hook.

BENCH_DIR    := $(O)/tests/bench
BENCH_O      := $(addprefix $(BENCH_DIR)/,bench.o ring.o table.o platform.o \
                peer-xen.o peer-dpdk.o peer-dpdk-points.o peer-lttng.o)
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

# Other recorders, if installed; checked at each build.
LIBS_LTTNG = $(call pkg,--libs,lttng-ust)
LIBS_DPDK  = $(and $(call pkg,--modversion,libdpdk),-lrte_eal)
DPDK_CFLAGS = $(and $(LIBS_DPDK),-DHAVE_DPDK $(call pkg,--cflags,libdpdk))

# Their headers cause warnings.
define bench_cc_peer
	@mkdir -p $(@D)
	@$(call say,CC $< (bench))
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) $(BENCH_CFLAGS) $(1) -c -o $@ $<
endef

$(BENCH_DIR)/peer-dpdk.o: tests/bench/peer-dpdk.c FORCE
	$(call bench_cc_peer,$(DPDK_CFLAGS))
$(BENCH_DIR)/peer-dpdk-points.o: tests/bench/peer-dpdk-points.c FORCE
	$(call bench_cc_peer,$(DPDK_CFLAGS))
$(BENCH_DIR)/peer-lttng.o: tests/bench/peer-lttng.c FORCE
	$(call bench_cc_peer,$(and $(LIBS_LTTNG),-DHAVE_LTTNG))

$(BENCH_DIR)/bench: $(BENCH_O)
	@$(call say,LD $@)
	$(Q)$(CC) -no-pie -o $@ $^ $(LIBS_LTTNG) $(LIBS_DPDK)

$(BENCH_DIR)/freeze: $(addprefix $(BENCH_DIR)/,freeze.o ring.o table.o platform.o)
	@$(call say,LD $@)
	$(Q)$(CC) -no-pie -o $@ $^ -pthread

# Programs that read and write snapshots; zstd only to compare.
LIBS_ZSTD = $(call pkg,--libs,libzstd)

$(BENCH_DIR)/stream $(BENCH_DIR)/dump: $(BENCH_DIR)/%: \
    $(O)/tests/bench-%.o $(LIBXF)
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS_BASE) $(LIBS_ZSTD)

$(O)/tests/bench-stream.o $(O)/tests/bench-dump.o: $(O)/tests/bench-%.o: \
    tests/bench/%.c FORCE
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(CSTD) $(WARN) $(CPPFLAGS) $(CFLAGS) \
	    $(and $(LIBS_ZSTD),-DHAVE_ZSTD) -MMD -MP -c -o $@ $<

# The stream of the last run of the main job, if there was one.
BENCH_SNAPSHOT ?= $(O)/e2e/main-job-ours/files/crash.xfr.lz4

# Peers that are not installed are left out.
bench: ## cost of a record, ours and other recorders': ns, instructions, bytes
	$(Q).ci/deps bench || echo "bench: goes on with what is installed"
	$(Q)$(MAKE) --no-print-directory bench-run

bench-run: $(BENCH_DIR)/bench $(BENCH_DIR)/freeze $(BENCH_DIR)/stream \
           $(BENCH_DIR)/dump $(XENFLIGHT)
	$(Q)tests/bench/lttng tests/bench/run $<
	$(Q)$(BENCH_DIR)/freeze
	$(Q)if [ -e $(BENCH_SNAPSHOT) ]; then \
	    $(BENCH_DIR)/stream $(BENCH_SNAPSHOT) && \
	    $(BENCH_DIR)/dump $(XENFLIGHT) $(BENCH_SNAPSHOT); \
	else \
	    echo "real-Xen stream: no $(BENCH_SNAPSHOT): make check first"; fi

.PHONY: bench bench-run FORCE
