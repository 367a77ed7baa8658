# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in guests: linked statically, so that it can be copied anywhere.

XENFLIGHT_ASK := $(O)/xs-hooks/guest/xenflight-ask
PROGS += $(XENFLIGHT_ASK)

$(XENFLIGHT_ASK): xs-hooks/guest/xenflight-ask.c xs-hooks/xs-trigger.h
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(CSTD) $(WARN) -I. -Os -static -s -o $@ $<
