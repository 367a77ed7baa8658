# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What several tests share.

$(O)/tests/unit/test-columns $(O)/tests/unit/test-packet \
    $(O)/tests/unit/test-snapshot $(O)/tests/unit/test-versions \
    $(O)/tests/unit/test-merge $(O)/tests/unit/test-lives: $(O)/tests/lib/gen.o

# With the recorder's core.
$(O)/tests/unit/test-capture: $(O)/tests/lib/rig.o $(CORE_O)
$(O)/tests/unit/test-capture.o: CPPFLAGS := $(CORE_CPPFLAGS) $(CPPFLAGS)

# With the accounts of the reading commands.
$(O)/tests/unit/test-account: $(O)/tools/stats/account.o $(O)/tools/stats/vcpus.o $(O)/tools/stats/entries.o \
                              $(O)/tools/base/walk.o $(O)/tools/base/source.o $(O)/tools/base/input.o $(O)/tools/base/term.o $(O)/tools/base/message.o

# With the filters of the reading commands.
$(O)/tests/unit/test-filter: $(O)/tools/select/filter.o $(O)/tools/select/expr.o \
                             $(O)/tools/select/when.o $(O)/tools/base/options.o $(O)/tools/base/source.o $(O)/tools/base/input.o $(O)/tools/base/term.o $(O)/tools/base/message.o

# With the slices of one domain.
$(O)/tests/unit/test-redact: $(O)/tools/redact/redact.o $(O)/tools/redact/doc.o \
                             $(O)/tools/base/walk.o \
                             $(O)/tests/lib/gen.o
