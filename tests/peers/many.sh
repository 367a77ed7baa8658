#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# many.sh: tests that no reader multiplies the lengths of two lists in a file.

. tests/peers/lib.sh
"$MANY" "$XENFLIGHT" "$tmp"
