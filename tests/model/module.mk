# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Check the ordering pairs of ring.h on weak memory models.

$(O)/tests/model/model.o: CPPFLAGS += -DMODEL_CORE='"$(CORE_SRC)"'

$(O)/tests/model/model: $(O)/tests/model/model.o
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

TESTS += $(O)/tests/model/model
