# SPDX-License-Identifier: LGPL-2.1-or-later
#
# lib.sh: shared by the tests here.  They run from the top of the tree.

: "${XENFLIGHT:=build/tools/xenflight}"
: "${MAKE_SCENE:=build/tests/peers/make-scene}"
golden=tests/golden/crash.xfr.lz4
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM
. tests/lib/tap.sh

# FILE FILE: whether they are equal and not empty.
same()
{
    diff "$1" "$2" && [ -s "$1" ]
}

need()
{
    command -v "$1" >/dev/null || {
        echo "1..0 # SKIP no $1"
        exit 77
    }
}
