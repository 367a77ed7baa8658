# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A snapshot and what `xenflight show` says of it, once in format 1, once as
# columns.  They are kept, so that files of these versions stay readable; `make
# golden' rewrites them and the texts: read the difference before committing it.

GOLDEN_MAKE := $(O)/tests/golden/make-golden

$(GOLDEN_MAKE): $(GOLDEN_MAKE).o $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE)

# real/ was made with it by hand, of files that tests/e2e/faults left.
SHORTEN := $(O)/tests/golden/shorten

$(SHORTEN): $(SHORTEN).o $(O)/tools/base/source.o $(O)/tools/base/input.o $(O)/tools/base/term.o $(O)/tools/base/message.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE)

golden: $(GOLDEN_MAKE) $(XENFLIGHT) ## rewrite the expected outputs
	$(Q)$(GOLDEN_MAKE) --plain tests/golden/crash.xfr.lz4
	$(Q)$(GOLDEN_MAKE) tests/golden/columns/crash.xfr.lz4
	$(Q)XENFLIGHT=$(XENFLIGHT) tests/golden/run --write

# The test runs what is built, wherever that is.
$(O)/tests/golden/golden.sh: tests/golden/run $(XENFLIGHT)
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nXENFLIGHT=%s exec tests/golden/run\n' \
	    $(XENFLIGHT) >$@ && chmod +x $@

TESTS += $(O)/tests/golden/golden.sh

.PHONY: golden
