# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The man pages are checked with the tests.

TESTS += man/lint
