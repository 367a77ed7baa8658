# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What several tests share.

$(O)/tests/unit/test-packet $(O)/tests/unit/test-snapshot \
    $(O)/tests/unit/test-merge: $(O)/tests/lib/gen.o
