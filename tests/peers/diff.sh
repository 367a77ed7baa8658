#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# diff.sh: tests `xenflight diff' on scenes with a known difference: each number
# against the scene's own counts, the first row, rows that may not be there; and
# that B against A is the mirror image of A against B.

set -u
. tests/peers/lib.sh
need python3

for scene in plain other-ids storm starved hung hvm hvm-slow pv-panic \
    cpu-off-on
do
    "$MAKE_SCENE" $scene "$tmp/$scene" >"$tmp/$scene.facts" || exit 1
done
"$MAKE_SCENE" plain "$tmp/long" 60000 >"$tmp/long.facts" || exit 1

# A B [OPTION...]: $tmp/said, and as JSON $tmp/json
diff_of()
{
    a=$tmp/$1 b=$tmp/$2
    shift 2
    "$XENFLIGHT" diff "$@" "$a" "$b" >"$tmp/said" &&
        "$XENFLIGHT" diff --json "$@" "$a" "$b" >"$tmp/json"
}

# SECTION TEXT: its first row
first()
{
    grep -A1 "^$1" "$tmp/said" | tail -n 1 | grep -E "^  $2" ||
        ! cat "$tmp/said"
}

nothing() { diff_of "$@" && grep -q '^Nothing differs' "$tmp/said" &&
    ! grep '"remarkable":true' "$tmp/json"; }

check "a file and itself" nothing plain plain
check "a healthy machine for 40 ms and for 120 ms" nothing plain long
check "another dictionary: by name all is the same" sh -c "
    '$XENFLIGHT' diff --json '$tmp/plain' '$tmp/other-ids' >'$tmp/json' &&
    [ \$(grep -c '\"least_factor\":1.0' '$tmp/json') -gt 40 ] &&
    ! grep -E '\"type\":\"(new|gone)\"|\"remarkable\":true' '$tmp/json'"

# Every count, time and rate must equal the scene's.
cat >"$tmp/exact.py" <<'END'
import collections, json, sys
rows = [json.loads(l) for l in open(sys.argv[3])]
sides = {r['side']: r for r in rows if r['type'] == 'side'}
for side, path in (('a', sys.argv[1]), ('b', sys.argv[2])):
    events, calls, exits = (collections.Counter() for i in range(3))
    ticks, longest = collections.Counter(), collections.Counter()
    for line in open(path):
        w = line.split()
        if w[0] == 'event':
            events[w[2].split('__')[0]] += int(w[3])
        elif w[0] == 'did':
            calls[int(w[1])] += int(w[3])
            exits[int(w[1])] += int(w[4])
        elif w[0] == 'whole':
            ticks[int(w[1]), w[3]] += int(w[4])
        elif w[0] == 'woke':
            longest[int(w[1])] = max(longest[int(w[1])], int(w[4]) // 2)
        elif w[0] == 'records':
            assert sides[side]['records'] == int(w[1])
    ns = sides[side]['to_ns'] - sides[side]['from_ns']
    seen, of = collections.Counter(), collections.Counter()
    said = set()
    for r in rows:
        what, name = r.get('what'), r.get('name')
        dom = r['domain'].get(side) if 'domain' in r else None
        if r['type'] == 'time':
            want = 100 * ticks[dom, r['state']] / (ns * 2)
            assert abs(r[side] - want) < 0.01, (r, want)
            said.add((dom, r['state']))
        elif r['type'] == 'latency' and what == 'wake' and dom is not None:
            assert r[side]['max_ns'] == longest[dom], (r, longest[dom])
        elif r['type'] in ('event', 'entry', 'new', 'gone'):
            c = r[side]
            assert abs(c['per_second'] - c['count'] * 1e9 / ns) <= \
                1e-5 * c['per_second'], r
            if dom is not None or r['type'] in ('new', 'gone'):
                seen[what, name if what == 'event' else None] += c['count']
                of[what, dom] += c['count']
    for name in events:
        assert seen['event', name] == events[name], (name, events[name])
    assert sum(events.values()) == sides[side]['records']
    assert seen['exit', None] == sum(exits.values())
    assert seen['hypercall', None] == sum(calls.values())
    assert all(of['hypercall', d] == calls[d] for d in calls
               if ('hypercall', d) in of), (of, calls)
    assert (1, 'running') in said and (2, 'blocked') in said
END
for pair in "plain storm" "plain hvm" "starved plain" "long cpu-off-on"
do
    set -- $pair
    check "$1, $2: all numbers are those of the scenes" sh -c "
        '$XENFLIGHT' diff --json '$tmp/$1' '$tmp/$2' >'$tmp/json' &&
        python3 '$tmp/exact.py' '$tmp/$1.facts' '$tmp/$2.facts' '$tmp/json'"
done

storm() { diff_of plain storm &&
    first 'Entries into Xen' 'd2 neighbour +hypercall xen_version .* x1[0-9][0-9]$' &&
    first 'Percent of a pCPU' 'd2 neighbour +running'; }
check "storm: the hypercall, and its domain" storm
# No sums of rows that are there, and no rows of idle.
check "storm: each change is reported once" sh -c "
    sed '/^Percent/,/^\$/d' '$tmp/said' >'$tmp/o'
    grep -q '^  d2 neighbour' '$tmp/o' && ! grep -E '^  (all|\(idle\)) ' '$tmp/o'"
starved() { diff_of plain starved &&
    first 'Percent of a pCPU' 'd1 victim +waiting to run '; }
check "starved: the domain that waits" starved
hung() { diff_of plain hung &&
    first 'Percent of a pCPU' 'd0 Domain-0 +running .* vCPU 1: .* -> (100\.0|99\.[0-9])$'; }
check "hung: which of two vCPUs" hung
panic() { diff_of plain pv-panic &&
    first 'Kinds of records only in B' 'd1 victim +FR_DOMAIN_CRASH +1 ' &&
    grep -q 'Entries into Xen' "$tmp/said" && return 1
    grep -qE '^  d1 victim +SCHED_SHUTDOWN +1 ' "$tmp/said"; }
check "pv-panic: one record of a crash is reported, and no entries" panic
hvm() { diff_of plain hvm &&
    first 'Kinds of records only in B' 'd2 neighbour +HVM_' &&
    grep -qE '^  d2 neighbour +exit IOIO ' "$tmp/said"; }
check "hvm: new kinds of events and exits" hvm

# Pair exits with entries independently.
cat >"$tmp/exits.py" <<'END'
import json, sys
got = [json.loads(l) for l in open(sys.argv[1])]
got = [r for r in got if r['type'] == 'latency' and r['what'] == 'exit']
assert len(got) == 1 and got[0]['domain'] == {'a': 2, 'b': 2,
                                               'name': 'neighbour'}
for side, path in (('a', sys.argv[2]), ('b', sys.argv[3])):
    inside, times = {}, []
    for line in open(path):
        r = json.loads(line)
        if r['type'] != 'event':
            continue
        vcpu = r.get('domid'), r.get('vcpu')
        if r['event'] == 'HVM_VMEXIT64':
            inside[vcpu] = r['ns']
        elif r['event'] == 'HVM_VMENTRY' and vcpu in inside:
            times.append(r['ns'] - inside.pop(vcpu))
    times.sort()
    g = got[0][side]
    assert g['times'] == len(times) > 500, (g, len(times))
    assert g['max_ns'] == times[-1], (g, times[-1])
    for part in (50, 90, 99):
        want = times[(len(times) * part + 99) // 100 - 1]
        assert want * 15 / 16 - 1 <= g['p%d_ns' % part] <= want, (g, want)
END
slow() { diff_of hvm hvm-slow &&
    "$XENFLIGHT" show --json "$tmp/hvm" >"$tmp/a" &&
    "$XENFLIGHT" show --json "$tmp/hvm-slow" >"$tmp/b" &&
    python3 "$tmp/exits.py" "$tmp/json" "$tmp/a" "$tmp/b" &&
    first 'Waits, and time in Xen' 'd2 neighbour +exit IOIO .* x[67]\.[0-9]$'; }
check "hvm-slow: the durations of exits, and their change" slow

# B against A has the same rows, with the sides exchanged.
cat >"$tmp/mirror.py" <<'END'
import json, math, sys
ab, ba = ([json.loads(l) for l in open(p)] for p in sys.argv[1:])
turned = {'new': 'gone', 'gone': 'new'}
def turn(r):
    r = dict(r)
    if r['type'] == 'side':
        r['side'] = {'a': 'b', 'b': 'a'}[r['side']]
        return r
    r['type'] = turned.get(r['type'], r['type'])
    for o in [r] + ([r['domain']] if 'domain' in r else []):
        o['a'], o['b'] = o.get('b'), o.get('a')
    if 'points' in r:
        r['points'] = -r['points']
    if 'least_factor' in r:
        r['least_factor'] = 1 / r['least_factor']
    return r
def key(r):
    d = r.get('domain') or {}
    return (r['type'], r.get('side', ''), r.get('what', ''), r.get('name', ''),
            r.get('state', ''), d.get('name', ''), str(d.get('a')))
def close(x, y):
    if isinstance(x, float) or isinstance(y, float):
        return math.isclose(x, y, rel_tol=1e-4, abs_tol=1e-4)
    if isinstance(x, dict):
        return all(close(x.get(k), y.get(k)) for k in set(x) | set(y))
    return x == y
ba = [turn(r) for r in ba]
# In order within a section.
for section in ('time', 'latency', 'entry', 'event', 'new', 'gone'):
    a, b = ([key(r) for r in rows if r['type'] == section] for rows in (ab, ba))
    assert a == b, (section, a, b)
ba = {key(r): r for r in ba}
assert len(ba) == len(ab)
for r in ab:
    assert close(r, ba[key(r)]), (r, ba[key(r)])
END
for pair in "plain storm" "plain hvm" "long pv-panic" "starved plain"
do
    set -- $pair
    check "$1, $2: the other way round it is the mirror image" sh -c "
        '$XENFLIGHT' diff --json '$tmp/$1' '$tmp/$2' >'$tmp/ab' &&
        '$XENFLIGHT' diff --json '$tmp/$2' '$tmp/$1' >'$tmp/ba' &&
        python3 '$tmp/mirror.py' '$tmp/ab' '$tmp/ba'"
done

# Two parts of one file have all of its records, each in one of them.
cat >"$tmp/parts.py" <<'END'
import json, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
at = int(sys.argv[3])
before = after = 0
for line in open(sys.argv[2]):
    r = json.loads(line)
    if r['type'] == 'event' and r['event'] == 'PV_HYPERCALL_V2' and \
            r['domid'] == 2:
        if r['ns'] < at:
            before += 1
        else:
            after += 1
got = [r for r in rows if r['type'] == 'event' and
       r['name'] == 'PV_HYPERCALL_V2' and r.get('domain', {}).get('a') == 2]
assert [(g['a']['count'], g['b']['count']) for g in got] == [(before, after)]
a, b = rows[:2]
assert a['to_ns'] <= at <= b['from_ns'] and b['from_ns'] - a['to_ns'] < 10
assert b['to_ns'] == 0
END
parts() { "$XENFLIGHT" diff --json "$@" "$tmp/plain" >"$tmp/json" &&
    "$XENFLIGHT" show --json "$tmp/plain" >"$tmp/a" &&
    python3 "$tmp/parts.py" "$tmp/json" "$tmp/a" -20000000; }
check "--at: before against after" parts --at -20ms
check "--last of one file is the same" parts --last 20ms
last() { diff_of plain long --last 20ms &&
    python3 -c "
import json, sys
a, b = (json.loads(next(sys.stdin)) for i in range(2))
assert a['to_ns'] - a['from_ns'] > 40000000 and b['from_ns'] == -20000000" \
    <"$tmp/json"; }
check "--last of two is of B" last
check "--domain: no other domain" sh -c "
    '$XENFLIGHT' diff --json --domain neighbour '$tmp/plain' '$tmp/storm' |
        grep '\"domain\":' >'$tmp/json' &&
    ! grep -v '\"domain\":{\"a\":2,\"b\":2,\"name\":\"neighbour\"}' '$tmp/json'"
check "--event: no other" sh -c "
    '$XENFLIGHT' diff --json --event 'sched_s*' '$tmp/plain' '$tmp/storm' |
        grep '\"what\":\"event\"' >'$tmp/json' &&
    grep -q SCHED_SWITCH '$tmp/json' && ! grep -v '\"name\":\"SCHED_S' '$tmp/json'"
check "--filter: bound to each file's own dictionary" sh -c "
    '$XENFLIGHT' diff --json --filter 'op==xen_version' '$tmp/plain' \
        '$tmp/other-ids' | grep '\"type\":\"event\"' >'$tmp/json' &&
    ! grep -v PV_HYPERCALL_V2 '$tmp/json' && ! grep -v '\"least_factor\":1.0' '$tmp/json'"

# Files that cannot be compared.
fails()
{
    text=$1
    shift
    ! "$XENFLIGHT" diff "$@" >"$tmp/said" 2>&1 && grep -q "$text" "$tmp/said" ||
        ! cat "$tmp/said"
}
size=$(wc -c <"$tmp/plain")
head -c $((size - 3000)) "$tmp/plain" >"$tmp/cut"
check "a truncated file: an error at the end" \
    fails 'the file ends inside a frame' "$tmp/plain" "$tmp/cut"
check "... is compared all the same" grep -q '^Compared without a significant change: [1-9]' "$tmp/said"
check "a file with nothing in it" fails 'no time is covered by all pCPUs' "$tmp/plain" \
    --from +1s "$tmp/storm"
check "a moment that the file does not have" \
    fails 'one of its parts has no time' --at -10m "$tmp/plain"
check "an unknown domain" fails 'no such domain' --domain nobody "$tmp/plain" \
    "$tmp/storm"
check "no second file" fails 'name a second file' "$tmp/plain"

finish
