# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Tests of the tests.

MUTANTS      ?= 300
MUTANTS_SEED ?= 1
MUTANTS_IN   ?=

mutants: ## plant MUTANTS=300 small faults [MUTANTS_IN=lib/read], count those found
	$(Q)CC="$(CC)" tests/mutants/run -n $(MUTANTS) -s $(MUTANTS_SEED) $(MUTANTS_IN)

.PHONY: mutants
