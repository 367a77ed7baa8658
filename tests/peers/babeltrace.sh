#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# babeltrace.sh: babeltrace2 must print the same text and warnings for a snapshot,
# read by our plugin, as for the output of `export --to ctf'.

set -u
. tests/peers/lib.sh
need babeltrace2
[ -e "$BT2_PLUGIN" ] || {
    echo "1..0 # SKIP built without babeltrace2's headers"
    exit 77
}

# A plugin with sanitizers needs their library in babeltrace2, which never frees
# some of its own.
bt2()
{
    LD_PRELOAD=$BT2_PRELOAD ASAN_OPTIONS=detect_leaks=0 \
        babeltrace2 --plugin-path="${BT2_PLUGIN%/*}" "$@"
}

# FILE: babeltrace2's output for it and for its export, in plugin.* and ctf.* in
# $tmp (.err with the names of streams only).
read_both()
{
    rm -rf "$tmp/ctf"
    "$XENFLIGHT" export --to ctf -o "$tmp/ctf" "$1" 2>/dev/null
    bt2 "$1" >"$tmp/plugin.txt" 2>"$tmp/plugin.err" || return 1
    babeltrace2 "$tmp/ctf" >"$tmp/ctf.txt" 2>"$tmp/ctf.err" || return 1
    sed -i "s,$tmp/ctf/,," "$tmp/ctf.err"
}

same_as_export()
{
    read_both "$1" && same "$tmp/ctf.txt" "$tmp/plugin.txt" &&
        diff "$tmp/ctf.err" "$tmp/plugin.err"
}

for s in plain hvm late hole
do
    "$MAKE_SCENE" $s "$tmp/$s.xfr.lz4" >"$tmp/$s.facts" || exit 1
done
"$MAKE_SCENE" noise "$tmp/noise.xfr.lz4" 1 >/dev/null || exit 1
scene=$tmp/plain.xfr.lz4

check "a scene: the same as its export" same_as_export "$scene"
check "without a warning" sh -c "! [ -s '$tmp/plugin.err' ] || ! cat '$tmp/plugin.err'"
check "an HVM guest" same_as_export "$tmp/hvm.xfr.lz4"
check "rings that begin at different times" same_as_export "$tmp/late.xfr.lz4"
check "packets that are not there" same_as_export "$tmp/hole.xfr.lz4"
check "the golden file, gaps and all" same_as_export "$golden"
check "noise with holes, times that go back" same_as_export "$tmp/noise.xfr.lz4"

# The classes must be the same, too, in any order.
classes()
{
    "$@" -c sink.text.details 2>/dev/null | sed 's/^ *//' | awk '
        /^Event class `/ { on = 1; name = $0 } /^$|^\[/ { on = 0 }
        on { print name ": " $0 }' | sort -u
}
rm -rf "$tmp/ctf"
"$XENFLIGHT" export --to ctf -o "$tmp/ctf" "$golden"
classes bt2 "$golden" >"$tmp/got"
classes babeltrace2 "$tmp/ctf" >"$tmp/want"
check "the same classes of events and fields" same "$tmp/want" "$tmp/got"

# Sums of two traces, in one order.
rm -rf "$tmp/ctf"
"$XENFLIGHT" export --to ctf -o "$tmp/ctf" "$tmp/hvm.xfr.lz4"
bt2 --clock-seconds --names=all "$scene" "$tmp/ctf" >"$tmp/both" 2>"$tmp/err"
babeltrace2 "$tmp/ctf" | wc -l >"$tmp/hvm.n"
check "beside another trace: all of both, in time order" sh -c "
    ! [ -s '$tmp/err' ] &&
    [ \$(wc -l <'$tmp/both') = \$((\$(sed -n 's/^records //p' '$tmp/plain.facts') + \$(cat '$tmp/hvm.n'))) ] &&
    sed 's/.*= \[\?\([0-9]*\.[0-9]*\).*/\1/; s/^\[\([0-9.]*\)\].*/\1/' '$tmp/both' |
        sort -c -n"
check "two files at once" sh -c "
    [ \$(wc -l <'$tmp/both') = \$(\"\$0\" \"\$@\" 2>/dev/null | wc -l) ]" \
    env LD_PRELOAD="$BT2_PRELOAD" ASAN_OPTIONS=detect_leaks=0 babeltrace2 \
    --plugin-path="${BT2_PLUGIN%/*}" "$scene" "$tmp/hvm.xfr.lz4"

# --begin makes the reader rewind and skip to that time.
from='2023-11-14 22:13:19.9999'
read_both "$scene"
bt2 --clock-gmt --begin="$from" "$scene" >"$tmp/got" 2>"$tmp/err"
babeltrace2 --clock-gmt --begin="$from" "$tmp/ctf" >"$tmp/want"
check "from a time on" same "$tmp/want" "$tmp/got"

check "babeltrace2 writes it as CTF" sh -c "
    \"\$0\" \"\$@\" 2>'$tmp/err' && babeltrace2 '$tmp/written' | wc -l >'$tmp/got' &&
    wc -l <'$tmp/plugin.txt' | cmp - '$tmp/got'" \
    env LD_PRELOAD="$BT2_PRELOAD" ASAN_OPTIONS=detect_leaks=0 babeltrace2 \
    --plugin-path="${BT2_PLUGIN%/*}" "$scene" -o ctf -w "$tmp/written"

# Damage is reported, and the intact rest is read.
size=$(wc -c <"$scene")
head -c $((size - 3000)) "$scene" >"$tmp/cut.xfr.lz4"
read_both "$tmp/cut.xfr.lz4"
check "a cut file: all there is" same "$tmp/ctf.txt" "$tmp/plugin.txt"
check "... and why no more" grep -q 'WARNING: xenflight: .*the file ends' \
    "$tmp/plugin.err"
cp "$scene" "$tmp/flip.xfr.lz4"
printf '\377\377\377\377' | dd of="$tmp/flip.xfr.lz4" bs=1 seek=$((size / 2)) \
    conv=notrunc 2>/dev/null
read_both "$tmp/flip.xfr.lz4"
check "a damaged file: what is intact" same "$tmp/ctf.txt" "$tmp/plugin.txt"
check "... the damage is a gap" grep -q '^WARNING: Tracer discarded' \
    "$tmp/plugin.err"
check "... and is reported" grep -q '1 damaged parts were left out' "$tmp/plugin.err"

refused()
{
    want=$1
    shift
    bt2 "$@" >"$tmp/out" 2>&1
    rc=$?
    [ $rc = 1 ] && tr '\n' ' ' <"$tmp/out" | tr -s ' ' | grep -q "$want"
}
{ head -c 64 "$scene"; head -c 5000 /dev/urandom; } >"$tmp/hostile.xfr.lz4"
check "a file that is none behind its header" \
    refused 'the file ends before its meta document' "$tmp/hostile.xfr.lz4"
echo no snapshot >"$tmp/text"
check "another file is not for this plugin" refused 'No trace was found' \
    "$tmp/text"
check "no file" refused 'inputs' -c source.xenflight.snapshot
check "a parameter that is not known" refused 'inputs' \
    -c source.xenflight.snapshot --params "inputs=[\"$scene\"],x=1"
check "a file that is not there" refused 'No such file' \
    -c source.xenflight.snapshot --params 'inputs=["/no/such"]'

# Ten times the records need no more address space, in steps of 2 MiB.  With too
# little memory the error must be about memory, not about a damaged file.
"$MAKE_SCENE" plain "$tmp/short.xfr.lz4" 60000 >/dev/null || exit 1
"$MAKE_SCENE" plain "$tmp/long.xfr.lz4" 600000 >/dev/null || exit 1
try_with()
{
    sh -c 'ulimit -v $(($1 * 1024)) && exec babeltrace2 --plugin-path="$2" "$3" \
        -o dummy' sh "$1" "${BT2_PLUGIN%/*}" "$2" >"$tmp/out" 2>&1
    rc=$?
    grep damaged "$tmp/out" >>"$tmp/wrong"
    [ $rc = 0 ] && ! [ -s "$tmp/out" ]
}

least()
{
    for m in $(seq 8 2 400)
    do
        try_with "$m" "$1" && break
    done
    echo "$m"
}

if [ -n "$BT2_PRELOAD" ]
then
    n=$((n + 1))
    echo "ok $n - constant memory # SKIP sanitizers"
else
    m=$(least "$tmp/short.xfr.lz4")
    echo "# measured: $m MiB of address space"
    check "constant memory" try_with "$m" "$tmp/long.xfr.lz4"
    check "too little memory is no damage" sh -c "
        ! [ -s '$tmp/wrong' ] || ! cat '$tmp/wrong'"
fi

finish
