# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The step checker: the core with all its interruptions, and the same checker on
# copies of ring.c with planted faults, each of which it must find.

STEP_DIR      := $(O)/tests/step
STEP_CPPFLAGS := -Itests/platform-step -I$(CORE_SRC)
STEP_MUTANTS  := $(shell sed -n 's/^\([a-z0-9-]*\) |.*/\1/p' tests/step/mutants)
STEP_O        := $(STEP_DIR)/table.o $(O)/lib/format/packet.o

$(STEP_MUTANTS:%=$(STEP_DIR)/%.c): $(STEP_DIR)/%.c: tests/step/mutants \
    $(CORE_SRC)/ring.c
	@mkdir -p $(@D)
	$(Q)sed -n 's/^$* |[^|]*| //p' tests/step/mutants > $@.sed
	$(Q)sed -f $@.sed $(CORE_SRC)/ring.c > $@
	$(Q)! cmp -s $@ $(CORE_SRC)/ring.c || \
	    { echo "tests/step/mutants: $* changes nothing in ring.c"; exit 1; }

$(STEP_DIR)/table.o: $(CORE_SRC)/table.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(WARN) $(STEP_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP \
	    -c -o $@ $<

# Mutants need not be free of warnings, and build as fast as they can.
step_build = $(CC) $(CSTD) $(2) $(STEP_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) \
    -DSTEP_RING='"$(1)"' -MMD -MP -MF $@.d -MT $@ $(LDFLAGS) -o $@ \
    tests/step/step.c $(STEP_O)

$(STEP_DIR)/step: tests/step/step.c $(CORE_SRC)/ring.c $(STEP_O)
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(call step_build,$(CORE_SRC)/ring.c,$(WARN))

$(STEP_MUTANTS:%=$(STEP_DIR)/mutant-%): $(STEP_DIR)/mutant-%: \
    $(STEP_DIR)/%.c tests/step/step.c $(STEP_O)
	@$(call say,LD $@)
	$(Q)$(call step_build,$<,-w)

# tests/run takes programs without arguments.
$(STEP_DIR)/mutants: $(STEP_MUTANTS:%=$(STEP_DIR)/mutant-%) \
    tests/step/run-mutants tests/step/mutants
	$(Q)printf '#!/bin/sh\nexec tests/step/run-mutants %s %s\n' \
	    tests/step/mutants $(STEP_DIR) > $@ && chmod +x $@

.SECONDARY: $(STEP_MUTANTS:%=$(STEP_DIR)/%.c)

TESTS += $(STEP_DIR)/step $(STEP_DIR)/mutants
