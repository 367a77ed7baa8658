#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# top.sh: the sums of `xenflight top' must equal the scene's own counts, and
# xenalyze's sums of the same records.

set -u
. tests/peers/lib.sh
need python3

cat >"$tmp/top.py" <<'END'
import collections, json, sys
want = collections.defaultdict(dict)
for line in open(sys.argv[1]):
    w = line.split()
    if w[0] == 'whole':
        want[w[1], w[2]][w[3] + '_ns'] = int(w[4]) // 2
    elif w[0] == 'did' and int(w[3]) + int(w[4]):
        want[w[1], w[2]].update(hypercalls=int(w[3]), exits=int(w[4]))
    elif w[0] == 'woke':
        want[w[1], w[2]].update(wakes=int(w[3]), max=int(w[4]) // 2)
rows = [json.loads(l) for l in open(sys.argv[2])]
assert rows[0]['type'] == 'stretch' and rows[0]['gaps'] == 0
running = 0
for r in rows[1:]:
    w = want.pop((str(r['domid']), str(r['vcpu'])))
    r['max'] = r.get('wake_to_run_ns', {}).get('max', 0)
    running += r['running_ns']
    assert r['unknown_ns'] == 0, r
    states = sum(r[k + '_ns'] for k in
                 ('running', 'runnable', 'blocked', 'offline'))
    assert abs(states - (rows[0]['to_ns'] - rows[0]['from_ns'])) < 10, r
    for k, v in w.items():
        assert r[k] == v, (r['domid'], r['vcpu'], k, r[k], v)
    t = r.get('wake_to_run_ns')
    assert not t or t['p50'] <= t['p90'] <= t['p99'] <= t['max'], t
assert not want, want
# Each pCPU runs a vCPU all the time, except during a switch.
stretch = rows[0]['to_ns'] - rows[0]['from_ns']
assert 1.97 * stretch < running <= 2 * stretch + 10, (running, stretch)
END

for scene in plain hvm
do
    "$MAKE_SCENE" $scene "$tmp/$scene.xfr.lz4" >"$tmp/facts" || exit 1
    check "$scene: times, counts and waits are those of the scene" sh -c "
        '$XENFLIGHT' top --vcpus --json '$tmp/$scene.xfr.lz4' >'$tmp/top.json' &&
        python3 '$tmp/top.py' '$tmp/facts' '$tmp/top.json'"
done

cat >"$tmp/sum.py" <<'END'
import collections, json, sys
doms = [json.loads(l) for l in open(sys.argv[1])][1:]
vcpus = [json.loads(l) for l in open(sys.argv[2])][1:]
sums = collections.Counter()
for v in vcpus:
    for k in ('running_ns', 'hypercalls', 'entries', 'wakes'):
        sums[v['domid'], k] += v[k]
assert len(doms) == 4
for d in doms:
    for k in ('hypercalls', 'entries', 'wakes'):
        assert d[k] == sums[d['domid'], k], (d, k)
    assert abs(d['running_ns'] - sums[d['domid'], 'running_ns']) < 4
END
check "a domain is the sum of its vCPUs" sh -c "
    '$XENFLIGHT' top --json '$tmp/plain.xfr.lz4' >'$tmp/d.json' &&
    '$XENFLIGHT' top --vcpus --json '$tmp/plain.xfr.lz4' >'$tmp/v.json' &&
    python3 '$tmp/sum.py' '$tmp/d.json' '$tmp/v.json'"

# The columns of a row are 100 for each vCPU, however it is spent.
add_up()
{
    "$XENFLIGHT" top --json "$1" | jq -r '.vcpus // empty' >"$tmp/vcpus"
    "$XENFLIGHT" top "$1" | grep '^d[0-9]' | paste - "$tmp/vcpus" | awk '
        /\(idle\)/ { next }
        { sum = $2 + $3 + $4 + $5 + $6 - 100 * $NF }
        sum > 0.3 || sum < -0.3 { print; bad = 1 }
        END { exit bad || !NR }'
}
"$MAKE_SCENE" paused "$tmp/paused.xfr.lz4" >/dev/null || exit 1
for f in "$tmp/plain.xfr.lz4" "$tmp/paused.xfr.lz4" "$golden" \
         tests/golden/real/*.xfr.lz4
do
    check "${f##*/}: the states add up" add_up "$f"
done

# Records from before the youngest ring's begin are not counted.
cat >"$tmp/late.py" <<'END'
import json, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
stretch = rows[0]['to_ns'] - rows[0]['from_ns']
running = sum(r['running_ns'] for r in rows[1:])
assert 1.97 * stretch < running <= 2 * stretch + 10, (running, stretch)
assert all(r['unknown_ns'] == 0 for r in rows[1:])
END
"$MAKE_SCENE" late "$tmp/late.xfr.lz4" >/dev/null || exit 1
check "rings that begin at different times: only the common part" sh -c "
    '$XENFLIGHT' top --json '$tmp/late.xfr.lz4' >'$tmp/late.json' &&
    python3 '$tmp/late.py' '$tmp/late.json'"
check "--last: so long before the trigger" sh -c "
    '$XENFLIGHT' top --last 1ms '$tmp/plain.xfr.lz4' |
        grep -q '^From -0.00[01][0-9]* to .0.000000'"

finish
