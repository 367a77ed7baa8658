#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# ctf.sh: babeltrace2 must read the output of `export --to ctf'.

set -u
. tests/peers/lib.sh
need babeltrace2
need python3

scene=$tmp/plain.xfr.lz4
"$MAKE_SCENE" plain "$scene" >"$tmp/facts" || exit 1

check "export of a scene" "$XENFLIGHT" export --to ctf -o "$tmp/plain" "$scene"
check "babeltrace2 reads it" \
    sh -c "babeltrace2 --clock-gmt --clock-date '$tmp/plain' >'$tmp/plain.txt' 2>'$tmp/err'"
check "without a warning" sh -c "! [ -s '$tmp/err' ] || ! cat '$tmp/err'"

# Events by name: rows of the list that differ by what follows "__" are shown
# under one name.
awk '$1 == "event" { sub(/__.*/, "", $3); n[$3] += $4 }
     END { for ( i in n ) print i, n[i] }' "$tmp/facts" | sort >"$tmp/want"
sed 's/^[^)]*) [^ ]* \([A-Z0-9_]*\): .*/\1/' "$tmp/plain.txt" | sort | uniq -c |
    awk '{ print $2, $1 }' >"$tmp/got"
check "as many of each event as there were" same "$tmp/want" "$tmp/got"

# Order, times and fields of each pCPU must be those of the CSV export.
for cpu in 0 1
do
    "$XENFLIGHT" export --to csv --cpu $cpu "$scene" |
        awk -F, 'NR > 1 { print $7 }' >"$tmp/want"
    grep "cpu_id = $cpu," "$tmp/plain.txt" |
        sed 's/^[^)]*) [^ ]* \([A-Z0-9_]*\): .*/\1/' >"$tmp/got"
    check "pCPU $cpu: the same order" same "$tmp/want" "$tmp/got"
done

# The scene's last moment is 1700000000 s after 1970.
"$XENFLIGHT" export --to csv "$scene" | tail -n 1 | cut -d, -f1 >"$tmp/ns"
awk '{ printf "2023-11-14 22:13:%02d.%09d\n", 19, 1e9 + $1 }' \
    "$tmp/ns" >"$tmp/want"
tail -n 1 "$tmp/plain.txt" | sed 's/^\[\([^]]*\)\].*/\1/' >"$tmp/got"
check "absolute time" same "$tmp/want" "$tmp/got"

"$XENFLIGHT" export --to csv --event SCHED_RUNSTATE_CHANGE "$scene" |
    sed -n 's/.*old=\([a-z]*\) new=\([a-z]*\)"/\1 \2/p' >"$tmp/want"
sed -n 's/.* old = ( "\([a-z]*\)" .* new = ( "\([a-z]*\)" .*/\1 \2/p' \
    "$tmp/plain.txt" >"$tmp/got"
check "names of values" same "$tmp/want" "$tmp/got"

# One record of each kind: words that do not fit, an unknown event, an unknown
# id, a gap.
check "export of the golden file" \
    "$XENFLIGHT" export --to ctf -o "$tmp/golden" "$golden"
babeltrace2 --clock-gmt "$tmp/golden" >"$tmp/golden.txt" 2>"$tmp/err"
check "its events are as expected" same tests/peers/golden-ctf.txt \
    "$tmp/golden.txt"
check "gaps are reported at their place, by cause" sh -c "
    [ \$(wc -l <'$tmp/err') = 2 ] &&
    grep -q 'discarded 2 events between .*19.999940496\] and .*19.999970000\].*busy_1' '$tmp/err' &&
    grep -q 'discarded 7 events between .*19.999970000\] and .*19.999970000\].*busy_1' '$tmp/err'"
check "two exports are the same" sh -c "
    '$XENFLIGHT' export --to ctf -o '$tmp/again' '$golden' &&
    diff -r '$tmp/golden' '$tmp/again'"
check "a trace is not written over" sh -c "
    ! '$XENFLIGHT' export --to ctf -o '$tmp/golden' '$golden'"
# The last frame of pCPU 1 is damaged: nothing of that stream comes after it,
# or, if it is the only one, before it.
"$MAKE_SCENE" plain "$tmp/long.xfr.lz4" 200000 >"$tmp/facts" || exit 1
for s in long plain
do
    python3 tests/peers/damage.py "$tmp/$s.xfr.lz4" "$tmp/torn.xfr.lz4" last \
        >"$tmp/records"
    rm -rf "$tmp/torn"
    "$XENFLIGHT" export --to ctf -o "$tmp/torn" "$tmp/torn.xfr.lz4" 2>/dev/null
    babeltrace2 "$tmp/torn" >/dev/null 2>"$tmp/err"
    check "$s: a gap at the end of a stream is reported, with its size" \
        grep -q "Tracer discarded $(cat "$tmp/records") events.*busy_1" \
        "$tmp/err"
done

# Trace Compass cannot run here: what its reader (ctf.core) demands beyond
# babeltrace2's.  A packet without events is the end of a stream unless it is its
# first; begins never go back; of the clock's offset it knows one member.
cat >"$tmp/packets.py" <<'END'
import os, struct, sys
for d in sys.argv[1:]:
    meta = open(d + '/metadata').read()
    assert meta.startswith('/* CTF 1.8 */'), meta[:20]
    assert 'offset_s' not in meta and 'offset = 1' in meta, 'offset'
    for name in os.listdir(d):
        if name == 'metadata':
            continue
        b, at, last = open(d + '/' + name, 'rb').read(), 0, None
        while at < len(b):
            h = struct.unpack_from('<I16sIQQQQQQQIB', b, at)
            begin, end, content, size, seq, discarded = h[4:10]
            assert h[0] == 0xc1fc1fc1 and content == size <= 8 * (len(b) - at)
            assert begin <= end < 1 << 63, (name, begin, end)
            if last:
                assert content > 85 * 8, (name, 'no events', at)
                assert begin >= last[1] and seq > last[2], (name, h, last)
                assert discarded >= last[3], (name, h, last)
            last = (begin, end, seq, discarded)
            at += size // 8
        assert last
END
"$MAKE_SCENE" noise "$tmp/noise.xfr.lz4" 1 >/dev/null || exit 1
"$XENFLIGHT" export --to ctf -o "$tmp/noise" "$tmp/noise.xfr.lz4"
check "packets as Trace Compass reads them" python3 "$tmp/packets.py" \
    "$tmp/plain" "$tmp/golden" "$tmp/torn" "$tmp/noise"

# Readers take traces with one uuid for one, with the same events.
"$XENFLIGHT" export --to ctf -o "$tmp/sched" --event 'SCHED_*' "$scene"
"$XENFLIGHT" export --to ctf -o "$tmp/pv" --event 'PV_*' "$scene"
check "two parts of one snapshot side by side" sh -c "
    babeltrace2 '$tmp/sched' '$tmp/pv' 2>'$tmp/err' | wc -l >'$tmp/got'
    ! [ -s '$tmp/err' ] && babeltrace2 '$tmp/plain' | wc -l | cmp - '$tmp/got'"
check "a filter" sh -c "
    '$XENFLIGHT' export --to ctf -o '$tmp/part' --domain 1 --event 'PV_*' \
        '$scene' &&
    babeltrace2 '$tmp/part' | grep -c ' PV_' >'$tmp/got' &&
    '$XENFLIGHT' show --domain 1 --event 'PV_*' --json '$scene' |
        grep -c '\"event\":\"PV_' >'$tmp/want' && cmp '$tmp/want' '$tmp/got'"

finish
