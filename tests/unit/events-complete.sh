#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every event that a Xen tree defines must be in our list, under Xen's name, and so
# must every event of xentrace's formats file.  TAP on stdout.
#
# The tree is $XEN_SRC, or else one that `make xen` has unpacked.

set -u
cd "$(dirname "$0")/../.." || exit 1
cache=${XENFLIGHT_CACHE:-${HOME:-/nonexistent}/.cache/xenflight}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM

src=${XEN_SRC:-}
for t in "$cache"/work/*-*; do
    [ -z "$src" ] && [ -e "$t/xen/include/public/trace.h" ] && src=$t
done
if [ -z "$src" ]; then
    echo "1..1"
    echo "ok 1 - every event of Xen is in the list" \
        "# SKIP no Xen tree: run make xen or set XEN_SRC"
    exit 0
fi
echo "# tree: $src"

# names FILE: print the TRC_ macros without arguments that it defines.
names() {
    sed -nE 's/^#[[:space:]]*define[[:space:]]+(TRC_[A-Za-z0-9_]+)[[:space:]].*/\1/p' \
        "$1" | sort -u
}

# values FILE: let the compiler evaluate its macros.  Print value and name of those
# that are an event (they have a class and a number in it).
values() {
    {
        cat <<'END'
#include <stdint.h>
#include <stdio.h>
#include "xen/include/public/trace.h"
#define SHOW(name) do { \
        unsigned long v = (name); \
        if ( !(v >> 28) && v >> 16 && v & 0xfff ) \
            printf("%08lx %s\n", v, #name + 4); \
    } while ( 0 )
END
        case $1 in
        *.c) grep -E '^#[[:space:]]*define[[:space:]]+TRC_' "$1" ;;
        esac
        echo 'int main(void) {'
        names "$1" | sed 's/.*/SHOW(&);/'
        echo 'return 0; }'
    } > "$tmp/values.c"
    ${CC:-cc} -I"$src" -Wno-overflow -o "$tmp/values" "$tmp/values.c" &&
        "$tmp/values"
}

# Our list: value, name.  The part of a name after a double underscore is ours.
cat > "$tmp/list.c" <<'END'
#include <stdio.h>
#include <public/flightrec-events.h>
#define ROW(name, event, channels, fields, format) \
    printf("%08x %s\n", event, #name);
int main(void)
{
    FR_EVENT_LIST(ROW)
    return 0;
}
END
${CC:-cc} -Ihypervisor/xen/include -o "$tmp/list" "$tmp/list.c" &&
    "$tmp/list" | sort > "$tmp/ours" || exit 1

n=0
verdict() {
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        echo "ok $n - $2"
    else
        echo "not ok $n - $2"
    fi
}

# Events renamed since 4.17, with the same number.
renamed='s/ HVM_VMX_EXIT/ HVM_VMEXIT/'

# compare FILE: each of its lines (value, name) must be in our list.
compare() {
    sed "$renamed" "$1" | sort > "$1.sorted"
    comm -23 "$1.sorted" "$tmp/ours" > "$1.missing"
    sed 's/^/# not in the list: /' "$1.missing"
    echo "# $(wc -l < "$1.sorted") events"
    [ -s "$1.sorted" ] && [ ! -s "$1.missing" ]
}

# All files that define a TRC_ macro.
files=$(cd "$src" && grep -rlE '^#[[:space:]]*define[[:space:]]+TRC_' \
    xen/common xen/arch xen/drivers xen/xsm --include='*.c' | sort)
for f in xen/include/public/trace.h $files; do
    values "$src/$f" > "$tmp/theirs" && compare "$tmp/theirs"
    verdict $? "every event of $f is in the list"
done

# xentrace has a line for each variant with a flag too, by number.  Xen cannot write
# these eight: two have no name in trace.h, the others have a flag that their trace
# point does not set.
unused='0001f004 00022212 00201108 0020110c 0040f10c 0040f10d 0040f10e 0040f10f'
formats=$src/tools/xentrace/formats
if [ -e "$formats" ]; then
    sed -nE 's/^0x([0-9a-fA-F]{8})[[:space:]].*/\1/p' "$formats" |
        tr A-F a-f | grep -vx 00000000 | sort -u > "$tmp/numbers"
    cut -d' ' -f1 "$tmp/ours" | sort -u > "$tmp/our-numbers"
    comm -23 "$tmp/numbers" "$tmp/our-numbers" |
        grep -vwF "$(echo "$unused" | tr ' ' '\n')" > "$tmp/unknown"
    sed 's/^/# not in the list: /' "$tmp/unknown"
    [ -s "$tmp/numbers" ] && [ ! -s "$tmp/unknown" ]
    verdict $? "every event of xentrace's formats is in the list"
fi
echo "1..$n"
