# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Programs that play Xen.

FRHOST  := $(O)/tests/fake/frhost
STOCKXEN := $(O)/tests/fake/stockxen
INJECT  := $(O)/tests/fake/inject
FAKEXEN := $(O)/tests/fake/fakexen.so
FAKECLOCK := $(O)/tests/fake/fakeclock.so
FAKEDISK := $(O)/tests/fake/fakedisk.so

# The core's seam must be found before the library's headers.
$(O)/tests/fake/frhost.o: tests/fake/frhost.c
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(CSTD) $(WARN) $(CORE_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) \
	    -MMD -MP -c -o $@ $<

$(FRHOST): $(O)/tests/fake/frhost.o $(CORE_O)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpthread

$(STOCKXEN): $(O)/tests/fake/stockxen.o $(O)/tests/fake/tbuf-model.o
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(INJECT): $(O)/tests/fake/inject.o
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# Never built with a sanitizer: it is loaded into a program without one.
$(FAKEXEN) $(FAKECLOCK) $(FAKEDISK): $(O)/%.so: %.c lib/xen/hyp-hosted.h
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(CSTD) $(WARN) $(CPPFLAGS) -O2 -g -fPIC -shared -o $@ $<
