# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Fuzz targets.  tests/fuzz/fuzz-foo.c has the entry point, corpus/foo the seeds.
# `make check' replays those and changed copies of them; `make fuzz' lets
# libFuzzer (clang) look for new ones, FUZZ_TIME seconds a target.

FUZZ      := columns dict expr packet snapshot tbuf
FUZZ_BIN  := $(FUZZ:%=$(O)/tests/fuzz/fuzz-%)
FUZZ_TIME ?= 60

$(FUZZ_BIN): $(O)/tests/fuzz/fuzz-%: $(O)/tests/fuzz/fuzz-%.o \
    $(O)/tests/fuzz/fuzz-main.o $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) \
	    $(LIBS_BASE)

# What a target needs beyond the library.
FUZZ_SRC_expr := tools/expr.c tools/when.c
$(O)/tests/fuzz/fuzz-expr: $(FUZZ_SRC_expr:%.c=$(O)/%.o)

# A hostile Dom0, against two copies of the recorder's files in a process.
FUZZ_CONTROL := $(O)/tests/fuzz/fuzz-control

$(FUZZ_CONTROL): $(FUZZ_CONTROL).o $(O)/tests/fuzz/fuzz-main.o \
    $(O)/tests/lib/gen.o $$(XENWORLD_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE)

$(FUZZ_BIN:%=%.sh) $(FUZZ_CONTROL).sh: $(O)/tests/fuzz/fuzz-%.sh: $(O)/tests/fuzz/fuzz-%
	$(Q)printf '#!/bin/sh\nexec %s tests/fuzz/corpus/%s\n' $< $* >$@ && \
	    chmod +x $@

TESTS += $(FUZZ_BIN:%=%.sh) $(FUZZ_CONTROL).sh

# All of the library in one go, with clang's own instrumentation.
FUZZ_CLANG := clang -std=gnu11 $(CPPFLAGS) -O1 -g \
              -fsanitize=fuzzer,address,undefined

# fuzz_control SANITIZER: the hostile Dom0, with the recorder instrumented too.
define fuzz_control
	@mkdir -p build/fuzz/control build/fuzz/world-$(1)
	$(call xenworld_make,build/fuzz/world-$(1),clang -std=gnu11 -w -O1 -g \
	    -fno-sanitize-recover=all -fsanitize=fuzzer-no-link -fsanitize=$(1))
	$(Q)clang -std=gnu11 $(CPPFLAGS) -O1 -g -fsanitize=fuzzer -fsanitize=$(1) \
	    -fno-sanitize-recover=all \
	    -o build/fuzz/fuzz-control-$(1) tests/fuzz/fuzz-control.c lib/packet.c \
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

fuzz: ## let libFuzzer search, FUZZ_TIME=60 seconds a target (needs clang)
	$(Q)for t in $(FUZZ); do \
	    mkdir -p build/fuzz/$$t && \
	    $(FUZZ_CLANG) -o build/fuzz/fuzz-$$t tests/fuzz/fuzz-$$t.c \
	        $$([ $$t != expr ] || echo $(FUZZ_SRC_expr)) \
	        $(LIBXF_SRC) $(LIBS_BASE) && \
	    build/fuzz/fuzz-$$t -max_total_time=$(FUZZ_TIME) -timeout=10 \
	        -artifact_prefix=build/fuzz/$$t- build/fuzz/$$t \
	        tests/fuzz/corpus/$$t || exit 1; \
	done

$(O)/tests/fuzz/make-corpus: $(O)/tests/fuzz/make-corpus.o \
    $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE)

corpus: $(O)/tests/fuzz/make-corpus ## rewrite the seeds of the fuzz targets
	$(Q)mkdir -p $(FUZZ:%=tests/fuzz/corpus/%) tests/fuzz/corpus/control
	$(Q)$< tests/fuzz/corpus

.PHONY: fuzz fuzz-control corpus
