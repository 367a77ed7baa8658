#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# text.sh: `export --to json' and `--to csv' must be well-formed and equal, and
# must take no more memory for more records.

set -u
. tests/peers/lib.sh
need python3

scene=$tmp/plain.xfr.lz4
"$MAKE_SCENE" plain "$scene" >"$tmp/facts" || exit 1
for to in json csv
do
    check "$to: export" "$XENFLIGHT" export --to $to -o "$tmp/plain.$to" "$scene"
    check "$to: to standard output" sh -c "
        '$XENFLIGHT' export --to $to '$scene' | cmp - '$tmp/plain.$to'"
done

cat >"$tmp/compare.py" <<'END'
import collections, csv, json, sys
facts = collections.Counter()
for line in open(sys.argv[1]):
    w = line.split()
    if w[0] == 'event':
        facts[w[2].split('__')[0]] += int(w[3])
rows = list(csv.DictReader(open(sys.argv[2])))
docs = [json.loads(l) for l in open(sys.argv[3])]
assert docs[0]['type'] == 'snapshot'
docs = docs[1:]
assert collections.Counter(r['event'] for r in rows) == facts, 'csv'
assert collections.Counter(d['event'] for d in docs) == facts, 'json'
for r, d in zip(rows, docs):
    for k in ('ns', 'tsc', 'cpu', 'channel', 'event', 'domid', 'vcpu'):
        assert r[k] == str(d.get(k, '')), (k, r, d)
    got = dict(p.split('=') for p in r['fields'].split()) if r['fields'] else {}
    got = {k: '32767' if v == 'idle' else v for k, v in got.items()}
    want = {k: str(v) for k, v in d.get('fields', {}).items()}
    if not any(isinstance(v, list) for v in d.get('fields', {}).values()):
        assert got == want, (got, want)
END
check "both have all records, and say the same of each" \
    python3 "$tmp/compare.py" "$tmp/facts" "$tmp/plain.csv" "$tmp/plain.json"

cat >"$tmp/info.py" <<'END'
import json, sys
facts = dict(l.split() for l in open(sys.argv[1]) if l.startswith('records'))
o = json.load(open(sys.argv[2]))
assert o['meta']['trigger']['cause'] == 'request'
assert len(o['meta']['dictionary']['events']) > 200
streams = o['file']['streams']
assert [(s['cpu'], s['channel']) for s in streams] == [(0, 'busy'), (1, 'busy')]
assert sum(s['records'] for s in streams) == int(facts['records'])
END
check "info --json has the documents and the streams" sh -c "
    '$XENFLIGHT' info --json '$scene' >'$tmp/info.json' &&
    python3 '$tmp/info.py' '$tmp/facts' '$tmp/info.json'"

"$XENFLIGHT" export --to csv "$golden" >"$tmp/golden.csv"
# The trigger's rip is above 2^63: one spelling in all outputs.
rip=0xffffffff81a442b5
check "an address is the same text everywhere" sh -c "
    '$XENFLIGHT' show --json $golden | grep -q '\"rip\":\"$rip\"' &&
    '$XENFLIGHT' info --json $golden | grep -q '\"rip\":\"$rip\"' &&
    '$XENFLIGHT' report $golden -o - | grep -q '\"rip\":\"$rip\"' &&
    '$XENFLIGHT' explain $golden | grep -q 'rip $rip ' &&
    '$XENFLIGHT' info $golden | grep -q 'rip $rip\$'"
check "csv: the golden file" same tests/peers/golden-csv.txt "$tmp/golden.csv"
check "an output that cannot be written" sh -c "
    ! '$XENFLIGHT' export --to csv -o '$tmp/no/such' '$golden'"
check "a cut file: all there is, and status 1" sh -c "
    head -c \$((\$(wc -c <'$scene') - 3000)) '$scene' >'$tmp/cut.xfr.lz4'
    '$XENFLIGHT' export --to csv '$tmp/cut.xfr.lz4' >'$tmp/cut.csv' 2>/dev/null
    [ \$? = 1 ] && [ \$(wc -l <'$tmp/cut.csv') -gt 1000 ]"

# The least address space that a run needs, in MiB.  Not for a build with
# sanitizers, which reserve terabytes.
try_with()
{
    sh -c 'ulimit -v $(($1 * 1024)) && shift && exec "$@"' sh "$@" \
        >/dev/null 2>&1
}

least()
{
    for m in $(seq 4 256)
    do
        rm -rf "$tmp/a"
        try_with "$m" "$XENFLIGHT" export --to "$1" -o "$tmp/a" "$2" && break
    done
    echo "$m"
}

"$MAKE_SCENE" plain "$tmp/short.xfr.lz4" 200000 >/dev/null || exit 1
"$MAKE_SCENE" plain "$tmp/long.xfr.lz4" 4000000 >/dev/null || exit 1
for to in ctf perfetto xentrace csv
do
    a=$(least $to "$tmp/short.xfr.lz4")
    if [ "$a" = 256 ]
    then
        n=$((n + 1))
        echo "ok $n - $to: constant memory # SKIP sanitizers"
        continue
    fi
    echo "# measured: $to: $a MiB of address space"
    check "$to: twenty times the records in 1 MiB more" try_with $((a + 1)) \
        "$XENFLIGHT" export --to $to -o "$tmp/b" "$tmp/long.xfr.lz4"
    rm -rf "$tmp/b"
done

finish
