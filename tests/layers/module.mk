# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may use whom: tests/layers/table, held against includes and objects.

LAYERS := $(O)/tests/layers/layers
TESTS  += $(LAYERS)

# The recorder's objects are those of tests/xenworld.
$(LAYERS): tests/layers/check $$(XENWORLD_O)
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s %s\n' $< $(O) >$@ && chmod +x $@
