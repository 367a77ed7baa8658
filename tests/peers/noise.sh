#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# noise.sh: random records: unknown events, payloads too short and too long,
# timestamps that go back, holes.  Each record must be exported once, and other
# tools must read the exports.

set -u
. tests/peers/lib.sh
need babeltrace2
need protoc
need xenalyze

for seed in 1 2 3
do
    f=$tmp/$seed.xfr.lz4
    want=$("$MAKE_SCENE" noise "$f" $seed | sed 's/records //')
    check "$seed: babeltrace2 reads all of it" sh -c "
        '$XENFLIGHT' export --to ctf -o '$tmp/ctf$seed' '$f' &&
        babeltrace2 '$tmp/ctf$seed' >'$tmp/out' 2>'$tmp/err' &&
        [ \$(grep -vc ' GAP: ' '$tmp/out') = $want ] &&
        ! grep -v '^WARNING: Tracer \(may have \)*discarded' '$tmp/err'"
    check "$seed: protoc decodes all of it" sh -c "
        '$XENFLIGHT' export --to perfetto -o '$tmp/pf' '$f' &&
        protoc --decode=perfetto.Trace --proto_path=tools/export perfetto.proto \
            <'$tmp/pf' >'$tmp/out' &&
        gaps=\$(grep -c 'name: \"records are missing\"' '$tmp/out')
        [ \$(grep -c TYPE_INSTANT '$tmp/out') = \$(($want + gaps)) ]"
    check "$seed: xenalyze finds its way through all windows" sh -c "
        '$XENFLIGHT' export --to xentrace -o '$tmp/xen' '$f' 2>'$tmp/said' &&
        xenalyze --dump-no-processing '$tmp/xen' 2>/dev/null |
            grep '^R p' | grep -vcE ' (1f001|1f003) ' >'$tmp/got' &&
        out=\$(sed -n 's/.*: \([0-9]*\) records were left out.*/\1/p' '$tmp/said')
        [ \$((\$(cat '$tmp/got') + \${out:-0})) = $want ]"
    check "$seed: a pCPU's stamps never go back for xenalyze" sh -c "
        xenalyze --dump-no-processing '$tmp/xen' 2>/dev/null |
            sed -n 's/^R p *\([0-9]*\) o[0-9a-f]* *[0-9a-f]* [0-9] *\([0-9][0-9]*\) .*/\1 \2/p' |
            awk '{ if ( \$2 < t[\$1] ) { print; bad = 1 } t[\$1] = \$2; n++ }
                 END { exit bad || !n }'"
    for to in json csv
    do
        check "$seed: $to has all of it" sh -c "
            '$XENFLIGHT' export --to $to '$f' |
                grep -vcE 'GAP|\"gap\"|\"snapshot\"|^ns,' >'$tmp/got' &&
            [ \$(cat '$tmp/got') = $want ]"
    done
    for command in info top 'top --vcpus --json' explain \
        "diff $golden" "diff --all $golden" "diff --json $golden" 'diff --last 1ms'
    do
        check "$seed: $command" "$XENFLIGHT" $command "$f"
    done
done

finish
