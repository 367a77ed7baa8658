# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Unit tests.  tests/unit/test-foo.c becomes a program linked with cmocka and the
# library.  Further objects have a line below:
#   $(O)/tests/unit/test-foo: $(O)/some/other.o
# A program that is linked in another way has its own rule, and is in UNIT_OWN.

UNIT_OWN  := test-ring
UNIT_SRC  := $(filter-out $(UNIT_OWN:%=tests/unit/%.c), \
             $(wildcard tests/unit/test-*.c))
UNIT_BIN  := $(UNIT_SRC:%.c=$(O)/%)

$(UNIT_BIN): $(O)/%: $(O)/%.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) \
	    $(LIBS_BASE) -lcmocka

TESTS += $(UNIT_BIN)

TESTS += tests/unit/events-complete.sh tests/unit/kmsg.sh tests/unit/packages.sh \
    tests/unit/public-library.sh tests/unit/service.sh

$(O)/tests/unit/test-limit: $(O)/snapshotd/common/limit.o
$(O)/tests/unit/test-conf: $(O)/snapshotd/common/conf.o $(O)/snapshotd/common/log.o
$(O)/tests/unit/test-conf: LIBS_BASE += -linih
$(O)/tests/unit/test-window: $(O)/snapshotd/engine/meta-time.o
$(O)/tests/unit/test-diff: $(patsubst %,$(O)/tools/%.o,stats/score diff/domains \
    diff/rows stats/account stats/vcpus stats/entries stats/marks base/walk \
    base/source base/input base/term base/message)
$(O)/tests/unit/test-diff: LIBS_BASE += -lm
$(O)/tests/unit/test-merge-bound: $(O)/tests/lib/gen.o
$(O)/tests/unit/test-commit: $(patsubst %,$(O)/snapshotd/%.o,engine/store \
    common/name common/log)
$(O)/tests/unit/test-hook: $(patsubst %,$(O)/snapshotd/%.o,monitor/hook \
    common/name common/log)
# Without hyp.o: the test is Xen.
$(O)/tests/unit/test-monitor: $(patsubst %,$(O)/snapshotd/%.o,monitor/engine \
    monitor/questions monitor/policy monitor/child common/proto common/count \
    common/request common/domains common/limit common/name common/log)
$(O)/tests/unit/test-health: $(patsubst %,$(O)/snapshotd/%.o,monitor/health \
    monitor/notify common/proto common/count common/name common/log)
$(O)/tests/unit/test-strict: $(O)/tests/lib/gen.o
$(O)/tests/unit/test-room: $(patsubst %,$(O)/snapshotd/%.o,engine/store \
    engine/store-room engine/age common/name common/log)
