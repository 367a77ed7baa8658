#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xentrace.sh: xenalyze must read the output of `export --to xentrace'.

set -u
. tests/peers/lib.sh
need xenalyze
need python3

# Records by event word, as xenalyze reads them; its own windows left out.
count_words()
{
    xenalyze --dump-no-processing "$1" 2>/dev/null |
        awk '/^R p/ { sub(/^R p *[0-9]+ o[0-9a-f]+ */, ""); n[$1]++ }
             END { for ( i in n ) if ( i != "1f003" ) print i, n[i] }' | sort
}

# "domid vcpu state times ticks", as xenalyze sums up.  It prints the mean,
# cut to a whole number of ticks.
runstates()
{
    xenalyze -s "$1" 2>/dev/null | awk '
        /^\|-- Domain / { dom = $3 }
        /^-- v[0-9]+ --/ { v = substr($2, 2); on = 0 }
        /^ Runstates:/ { on = v != "" }
        /^\|--/ { v = ""; on = 0 }
        on && /^ *(running|runnable|blocked|offline):/ {
            sub(/:/, "", $1); print dom, v, $1, $2, $4 }'
}

scene=$tmp/plain.xfr.lz4
"$MAKE_SCENE" plain "$scene" >"$tmp/facts" || exit 1
check "export of a scene" \
    "$XENFLIGHT" export --to xentrace -o "$tmp/plain.xen" "$scene"
check "xenalyze sums it up" \
    sh -c "xenalyze -s '$tmp/plain.xen' 2>'$tmp/err'"
check "and finds nothing strange" \
    sh -c "! grep -iE 'strange|fatal|skew|lost record' '$tmp/err'"

awk '$1 == "event" { print $2, $4 }' "$tmp/facts" | sort >"$tmp/want"
count_words "$tmp/plain.xen" >"$tmp/got"
check "as many of each event as there were" same "$tmp/want" "$tmp/got"

# Domain 32767 is idle.  The mean times the number of intervals is the total,
# less than one tick an interval off.
runstates "$tmp/plain.xen" >"$tmp/got"
awk 'NR == FNR { if ( $1 == "ran" ) { n[$2,$3,$4] = $5; t[$2,$3,$4] = $6; want++ }
                 next }
     { seen++
       d = t[$1,$2,$3] - $4 * $5
       if ( n[$1,$2,$3] != $4 || d < 0 || d >= $4 )
       { print "d" $1 "v" $2, $3, "is", $4, "x", $5, "not", n[$1,$2,$3], "in",
               t[$1,$2,$3]; bad = 1 } }
     END { if ( !seen || seen != want ) { print seen, "of", want; bad = 1 }
           exit bad }' "$tmp/facts" "$tmp/got" >"$tmp/out"
check "the runstate totals are right" sh -c "! [ -s '$tmp/out' ] || ! cat '$tmp/out'"

# One pCPU's ring goes back less far than the other's.
late=$tmp/late.xfr.lz4
"$MAKE_SCENE" late "$late" >"$tmp/facts" || exit 1
check "rings that begin at different times" sh -c "
    '$XENFLIGHT' export --to xentrace -o '$tmp/late.xen' '$late' 2>'$tmp/said' &&
    grep -q 'older than the history of all pCPUs' '$tmp/said' &&
    xenalyze -s '$tmp/late.xen' 2>'$tmp/err' >'$tmp/out' &&
    grep -q 'Runstates' '$tmp/out' && ! grep -iE 'fatal' '$tmp/err'"

# A gap in each place.  Another vCPU runs after it than before it.  xenalyze prints
# such a record twice.
"$MAKE_SCENE" plain "$tmp/long.xfr.lz4" 300000 >"$tmp/facts" || exit 1
all=$(sed -n 's/^records //p' "$tmp/facts")
i=0
while lost=$(python3 tests/peers/damage.py "$tmp/long.xfr.lz4" \
                 "$tmp/torn.xfr.lz4" $i)
do
    "$XENFLIGHT" export --to xentrace -o "$tmp/torn.xen" "$tmp/torn.xfr.lz4" \
        2>"$tmp/said"
    out=$(sed -n 's/.*: \([0-9]*\) records were left out.*/\1/p' "$tmp/said")
    xenalyze -s "$tmp/torn.xen" >"$tmp/out" 2>"$tmp/err" &&
        grep -q '^|-- Domain 2 ' "$tmp/out" &&
        ! grep -iE 'fatal|strange' "$tmp/err" || echo "$i: xenalyze is lost"
    xenalyze --dump-no-processing "$tmp/torn.xen" 2>/dev/null |
        grep '^R p' | grep -v ' 1f003 ' | sort -u >"$tmp/out"
    [ "$(grep -c ' 1f001 4 ' "$tmp/out")" = 1 ] || echo "$i: not one gap"
    [ $(($(grep -vc ' 1f001 4 ' "$tmp/out") + lost + ${out:-0})) = "$all" ] ||
        echo "$i: not all else"
    i=$((i + 1))
done >"$tmp/wrong"
check "a gap in any place: xenalyze goes on behind it" \
    sh -c "[ $i -gt 3 ] && ! [ -s '$tmp/wrong' ] || ! cat '$tmp/wrong'"

check "a gap is a lost record" sh -c "
    '$XENFLIGHT' export --to xentrace -o '$tmp/golden.xen' '$golden' &&
    xenalyze --dump-no-processing '$tmp/golden.xen' 2>/dev/null |
        grep -q ' 1f001 4 '"
# xenalyze stops at pCPU 256.
"$MAKE_SCENE" noise-300 "$tmp/many.xfr.lz4" 1 >/dev/null || exit 1
many() { "$XENFLIGHT" export --to xentrace -o "$tmp/many.xen" "$@" \
    "$tmp/many.xfr.lz4" 2>"$tmp/said"; }
warned() { many && grep -q 'pCPU 300: xenalyze stops at pCPUs from 256 on' "$tmp/said" &&
    xenalyze -s "$tmp/many.xen" 2>&1 | grep -q 'exceeds MAX_CPU'; }
check "a pCPU that xenalyze does not read: a warning" warned
quiet() { many --cpu 0-255 && ! grep xenalyze "$tmp/said"; }
check "... and none without it" quiet
check "an output that is full" sh -c "
    ! '$XENFLIGHT' export --to xentrace -o /dev/full '$scene'"

finish
