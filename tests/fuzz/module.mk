# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fuzz targets.  tests/fuzz/fuzz-foo.c has the entry point, corpus/foo the seeds.
# `make check' replays those and changed copies of them; `make fuzz' lets
# libFuzzer (clang) look for new ones, FUZZ_TIME seconds a target.

FUZZ      := columns commands conf dict expr packet snapshot tbuf
FUZZ_BIN  := $(FUZZ:%=$(O)/tests/fuzz/fuzz-%)
FUZZ_TIME ?= 60

# What a target needs beyond the library: sources without .c, libraries.
FUZZ_USES_commands  = tests/fuzz/image $(patsubst %.c,%,$(filter-out \
    tools/xenflight.c,$(XENFLIGHT_SRC)))
FUZZ_OBJ_commands  := $(O)/gen/perfetto.pb-c.o
FUZZ_LIBS_commands := -lprotobuf-c -lm
# The changed copies of each file in the gate; 300 where a round takes no time.
FUZZ_ROUNDS_commands := 8
FUZZ_USES_conf     := tests/fuzz/image snapshotd/common/conf snapshotd/common/log
FUZZ_LIBS_conf     := -linih
FUZZ_USES_expr     := tools/select/expr tools/select/when
FUZZ_USES_snapshot := tests/fuzz/image

$(FUZZ_BIN): $(O)/tests/fuzz/fuzz-%: $(O)/tests/fuzz/fuzz-%.o \
    $$(addprefix $(O)/,$$(addsuffix .o,$$(FUZZ_USES_$$*))) \
    $$(FUZZ_OBJ_$$*) \
    $(O)/tests/fuzz/fuzz-main.o $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) \
	    $(FUZZ_LIBS_$*) $(LIBS_BASE)

# A hostile Dom0, against two copies of the recorder's files in a process.
FUZZ_CONTROL := $(O)/tests/fuzz/fuzz-control

$(FUZZ_CONTROL): $(FUZZ_CONTROL).o $(O)/tests/fuzz/fuzz-main.o \
    $(O)/tests/lib/gen.o $$(XENWORLD_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE)

$(FUZZ_BIN:%=%.sh) $(FUZZ_CONTROL).sh: $(O)/tests/fuzz/fuzz-%.sh: $(O)/tests/fuzz/fuzz-%
	$(Q)printf '#!/bin/sh\nFUZZ_ROUNDS=$${FUZZ_ROUNDS:-%s} exec %s %s\n' \
	    $(or $(FUZZ_ROUNDS_$*),300) $< tests/fuzz/corpus/$* >$@ && chmod +x $@

TESTS += $(FUZZ_BIN:%=%.sh) $(FUZZ_CONTROL).sh

# The same sources once more, with clang's own instrumentation.
FUZZ_O     := build/fuzz/o
FUZZ_CLANG := clang -std=gnu11 $(CPPFLAGS) -O1 -g -fno-sanitize-recover=all \
              -fsanitize=fuzzer,address,undefined
FUZZ_FOUND := $(FUZZ:%=build/fuzz/fuzz-%)

$(FUZZ_O)/%.o: %.c
	@mkdir -p $(@D)
	@$(call say,CLANG $<)
	$(Q)$(FUZZ_CLANG) -MMD -MP -c -o $@ $<

$(FUZZ_O)/tools/export/perfetto.o: $(O)/gen/perfetto.pb-c.h

$(FUZZ_O)/libxenflight.a: $(LIBXF_SRC:%.c=$(FUZZ_O)/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FUZZ_FOUND): build/fuzz/fuzz-%: $(FUZZ_O)/tests/fuzz/fuzz-%.o \
    $$(addprefix $(FUZZ_O)/,$$(addsuffix .o,$$(FUZZ_USES_$$*))) \
    $$(FUZZ_OBJ_$$*) $(FUZZ_O)/libxenflight.a
	@$(call say,LD $@)
	$(Q)$(FUZZ_CLANG) -o $@ $^ $(FUZZ_LIBS_$*) $(LIBS_BASE)

# fuzz_control SANITIZER: the hostile Dom0, with the recorder instrumented too.
define fuzz_control
	@mkdir -p build/fuzz/control build/fuzz/world-$(1)
	$(call xenworld_make,build/fuzz/world-$(1),clang -std=gnu11 -w -O1 -g \
	    -fno-sanitize-recover=all -fsanitize=fuzzer-no-link -fsanitize=$(1))
	$(Q)clang -std=gnu11 $(CPPFLAGS) -O1 -g -fsanitize=fuzzer -fsanitize=$(1) \
	    -fno-sanitize-recover=all \
	    -o build/fuzz/fuzz-control-$(1) tests/fuzz/fuzz-control.c lib/format/packet.c \
	    build/fuzz/world-$(1)/a.o build/fuzz/world-$(1)/b.o
	$(Q)ASAN_OPTIONS=detect_odr_violation=0 build/fuzz/fuzz-control-$(1) \
	    -max_total_time=$(FUZZ_TIME) -timeout=20 -max_len=6000 \
	    -artifact_prefix=build/fuzz/control- build/fuzz/control \
	    tests/fuzz/corpus/control
endef

comma := ,

fuzz: fuzz-control

# Memory that is read before it is written is found by the second.
fuzz-control:
	$(call fuzz_control,address$(comma)undefined)
	$(call fuzz_control,memory)

fuzz: $(FUZZ_FOUND) ## let libFuzzer search, FUZZ_TIME=60 seconds a target (needs clang)
	$(Q)set -e; $(foreach t,$(FUZZ),mkdir -p build/fuzz/$t; \
	    build/fuzz/fuzz-$t -max_total_time=$(FUZZ_TIME) -timeout=10 \
	        -artifact_prefix=build/fuzz/$t- build/fuzz/$t \
	        tests/fuzz/corpus/$t; )

$(O)/tests/fuzz/make-corpus: $(O)/tests/fuzz/make-corpus.o \
    $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE)

corpus: $(O)/tests/fuzz/make-corpus ## rewrite the seeds of the fuzz targets
	$(Q)mkdir -p $(FUZZ:%=tests/fuzz/corpus/%) tests/fuzz/corpus/control
	$(Q)$< tests/fuzz/corpus

.PHONY: fuzz fuzz-control corpus
