#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# perfetto.sh: protoc must decode the output of `export --to perfetto'.

set -u
. tests/peers/lib.sh
need protoc
need python3

decode()
{
    protoc --decode=perfetto.Trace --proto_path=tools/export perfetto.proto
}

# Times since 1970 are too large for awk's numbers: from 1,000 s before the
# scene's trigger instead.
relative()
{
    python3 -c "
import re, sys
sys.stdout.write(re.sub(r'(?m)^  timestamp: (\d+)', lambda m:
    '  timestamp: %d' % (int(m.group(1)) - 1699999000 * 10**9), sys.stdin.read()))"
}

# "track type ns name" of each track event; the names of tracks in front.
events()
{
    relative | awk '$1 == "packet" { ts = uuid = type = name = ""; in_note = in_desc = 0 }
         $1 == "debug_annotations" { in_note = 1 }
         $1 == "track_descriptor" { in_desc = 1 }
         $1 == "timestamp:" { ts = $2 }
         $1 == "uuid:" { uuid = $2 }
         $1 == "track_uuid:" { uuid = $2 }
         $1 == "type:" { type = $2 }
         $1 == "flow_ids:" { print "flow", $2 }
         $1 == "terminating_flow_ids:" { print "ends", $2 }
         $1 == "name:" && !in_note { sub(/^ *name: "/, ""); sub(/"$/, ""); name = $0 }
         $1 == "}" && in_note { in_note = 0 }
         /^}/ && in_desc { print "track", uuid, name }
         /^}/ && type { print type, uuid, ts, name }'
}

scene=$tmp/plain.xfr.lz4
"$MAKE_SCENE" plain "$scene" >"$tmp/facts" || exit 1
check "export of a scene" \
    "$XENFLIGHT" export --to perfetto -o "$tmp/plain.pf" "$scene"
check "protoc decodes it" sh -c "
    protoc --decode=perfetto.Trace --proto_path=tools/export perfetto.proto \
        <'$tmp/plain.pf' >'$tmp/plain.txt'"
events <"$tmp/plain.txt" >"$tmp/events"

awk '$1 == "event" { sub(/__.*/, "", $3); n[$3] += $4 }
     END { for ( i in n ) print i, n[i] }' "$tmp/facts" | sort >"$tmp/want"
awk '$1 == "TYPE_INSTANT" { n[$4]++ }
     END { for ( i in n ) print i, n[i] }' "$tmp/events" | sort >"$tmp/got"
check "an instant for each record" same "$tmp/want" "$tmp/got"

printf '%s\n' 'pCPU 0' 'pCPU 1' d0v0 d0v1 d1v0 | sort >"$tmp/want"
awk '$1 == "track" { $1 = $2 = ""; sub(/^ */, ""); print }' "$tmp/events" |
    grep -E '^(pCPU .|d[01]v.)$' | sort >"$tmp/got"
check "a track for each pCPU and vCPU" same "$tmp/want" "$tmp/got"

# Sums of a vCPU's slices by name must equal the scene's counts.
awk '$1 == "track" && $3 ~ /^d[0-9]+v/ { v[$2] = $3 }
     $1 == "TYPE_SLICE_BEGIN" && v[$2] { at[$2] = $3; is[$2] = $4 }
     $1 == "TYPE_SLICE_END" && v[$2] { n[v[$2] " " is[$2]] += $3 - at[$2] }
     END { for ( i in n ) print i, n[i] }' "$tmp/events" | sort >"$tmp/got"
awk '$1 == "total" { print "d" $2 "v" $3, $4, $5 / 2 }' "$tmp/facts" |
    sort >"$tmp/want"
check "runstates last as long as they did" same "$tmp/want" "$tmp/got"

# Each slice that ends has begun; a flow ends after it began, once.
check "slices and flows pair up" awk '
    $1 == "TYPE_SLICE_BEGIN" { if ( open[$2]++ ) bad = 1 }
    $1 == "TYPE_SLICE_END" { if ( --open[$2] ) bad = 1 }
    $1 == "flow" { flow[$2] = 1; flows++ }
    $1 == "ends" { if ( !flow[$2] ) bad = 1; flow[$2] = 0; ends++ }
    END { if ( bad || !flows || !ends || ends > flows )
          { print bad, flows, ends; exit 1 } }' "$tmp/events"

# Every wake-up begins a flow; those that ended in running, and no others, end.
awk '$1 == "event" && $3 ~ /__BLOCKED_RUNNABLE$/ { print "flow", $4 }
     $1 == "woke" { n += $4 } END { print "ends", n }' "$tmp/facts" |
    sort >"$tmp/want"
awk '$1 == "flow" || $1 == "ends" { n[$1]++ }
     END { for ( i in n ) print i, n[i] }' "$tmp/events" | sort >"$tmp/got"
check "a flow for each wake-up" same "$tmp/want" "$tmp/got"

# A domain's end, and a second domain of its number; a pCPU that goes down.
"$MAKE_SCENE" reborn "$tmp/reborn.xfr.lz4" >"$tmp/facts" || exit 1
"$XENFLIGHT" export --to perfetto "$tmp/reborn.xfr.lz4" | decode | events \
    >"$tmp/events"
# The document lists only the second, so the first has no name.
check "each domain of one number has its track" awk '
    $1 == "track" && $3 == "domain" && $4 == 1 { name[$5 $6] = 1; n++ }
    $1 == "track" && $3 == "d1v0" { v[$2] = 1; m++ }
    END { exit !(n == 2 && name[""] && name["victim(2)"] && m == 2) }' \
    "$tmp/events"
check "with a domain, its slices end and its flow" awk '
    $1 == "track" && $3 == "d1v0" { if ( first ) second = $2; else first = $2 }
    $1 == "flow" { last = $2 }
    $1 == "ends" && gone && $2 <= old { print "flow", $2, "leads on"; bad = 1 }
    $4 == "DOM0_DOM_REM" { gone = 1; old = last }
    $4 == "DOM0_DOM_ADD" && open[first] { print "still open"; bad = 1 }
    $1 == "TYPE_SLICE_BEGIN" { open[$2] = 1; n[$2]++ }
    $1 == "TYPE_SLICE_END" { open[$2] = 0 }
    END { exit bad || open[first] || !n[first] || !n[second] }' "$tmp/events"
check "nothing runs on a pCPU that is down" awk '
    $1 == "track" && $3 == "pCPU" { cpu[$2] = 1 }
    $1 == "TYPE_SLICE_BEGIN" && cpu[$2] { open[$2] = 1; n++ }
    $1 == "TYPE_SLICE_END" && cpu[$2] { open[$2] = 0 }
    $4 == "FR_CPU_UP" { for ( i in open ) if ( open[i] && i != $2 ) bad = 1; ups++ }
    END { exit bad || !n || !ups }' "$tmp/events"

# With records of pCPU 0 missing: a vCPU runs on the pCPU's track exactly while it
# does on its own.
"$MAKE_SCENE" hole "$tmp/hole.xfr.lz4" >"$tmp/facts" || exit 1
"$XENFLIGHT" export --to perfetto "$tmp/hole.xfr.lz4" | decode | events \
    >"$tmp/events"
check "behind a gap, pCPUs' and vCPUs' tracks agree" awk '
    $1 == "track" { track[$2] = $3 }
    $1 == "TYPE_SLICE_BEGIN" { at[$2] = $3; is[$2] = $4; open[$2] = 1 }
    $1 == "TYPE_SLICE_END" && track[$2] == "pCPU" { n[is[$2]] += $3 - at[$2] }
    $1 == "TYPE_SLICE_END" && is[$2] == "running" { v[track[$2]] += $3 - at[$2] }
    $1 == "TYPE_SLICE_END" { open[$2] = 0 }
    $1 ~ /^TYPE/ { last = $3 }
    END { for ( u in open ) if ( open[u] && track[u] == "pCPU" )
              n[is[u]] += last - at[u]
          for ( u in open ) if ( open[u] && is[u] == "running" )
              v[track[u]] += last - at[u]
          for ( d in v ) if ( d !~ /^d32767/ && n[d] != v[d] )
              { print d, n[d], v[d]; bad = 1 }
          for ( d in n ) seen++
          exit bad || seen < 5 }' "$tmp/events"

# Times are those of Dom0's clock, as show has them.  The file of a real host has
# both clocks, the golden file only the time of day.
cat >"$tmp/clocks.py" <<'END'
import re, sys
trace = open(sys.argv[1]).read()
want = [l.split()[:2] for l in open(sys.argv[2]) if re.match(r' +[+-]\d', l)]
ids = dict(re.findall(r'clocks \{\s+clock_id: (\d+)\s+timestamp: (\d+)', trace))
assert sorted(ids) == sys.argv[3].split(','), ids
primary = re.search(r'primary_trace_clock: (\d+)', trace).group(1)
assert primary == sys.argv[3].split(',')[-1]
got = []
for packet in re.split(r'(?m)^packet ', trace):
    if 'type: TYPE_INSTANT' not in packet:
        continue
    assert re.search(r'(?m)^  timestamp_clock_id: (\d+)', packet).group(1) == primary
    got.append(int(re.search(r'(?m)^  timestamp: (\d+)', packet).group(1)))
assert len(got) == len(want) > 10, (len(got), len(want))
newest = {}
for ns, (text, cpu) in zip(got, want):
    t = max(0, int(text.replace('.', '')))
    newest[cpu] = max(newest.get(cpu, 0), t)
    assert ns == newest[cpu], (ns, text)
END
clocks()
{
    "$XENFLIGHT" export --to perfetto "$1" | decode >"$tmp/clocks.txt" &&
        "$XENFLIGHT" show --clock $3 "$1" >"$tmp/show.txt" &&
        python3 "$tmp/clocks.py" "$tmp/clocks.txt" "$tmp/show.txt" "$2"
}
check "times of a real host: Dom0's CLOCK_MONOTONIC" \
    clocks tests/golden/real/killed.xfr.lz4 1,3 monotonic
wall_only() { grep -A5 clock_snapshot "$tmp/plain.txt" | tr -s ' \n' ' ' |
    grep -q 'clocks { clock_id: 1 timestamp: 1700000000000000000 } primary_trace_clock: 1'; }
check "without CLOCK_MONOTONIC: the time of day" wall_only

# No record of a domain's end may walk all vCPUs.
"$MAKE_SCENE" ends "$tmp/ends.xfr.lz4" 200000 >/dev/null || exit 1
check "many vCPUs, many ends of domains: little time" sh -c "
    ulimit -t 15 && '$XENFLIGHT' export --to perfetto '$tmp/ends.xfr.lz4' >'$tmp/ends.pf'"

check "the golden file, gap and all" sh -c "
    '$XENFLIGHT' export --to perfetto -o '$tmp/golden.pf' '$golden' &&
    protoc --decode=perfetto.Trace --proto_path=tools/export perfetto.proto \
        <'$tmp/golden.pf' >'$tmp/golden.txt' &&
    [ \$(grep -c 'name: \"records are missing\"' '$tmp/golden.txt') = 2 ]"

finish
