#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# explain.sh: what `xenflight explain' says first of played faults, that it
# alarms nobody about played health, and that what it cites is there.

set -u
. tests/peers/lib.sh
need python3

# Every line rests on something; a moment and pCPU that a line cites is that of
# a record.
cat >"$tmp/cites.py" <<'END'
import json, re, sys
records = set()
for line in open(sys.argv[1]):
    d = json.loads(line)
    if d['type'] == 'event':
        records.add((d['ns'], d['cpu']))
lines = open(sys.argv[2]).read().splitlines()
assert 0 < len(lines) <= 20, len(lines)
cites = 0
for l in lines:
    assert l.endswith(']'), l
    for t, cpu in re.findall(r'\[([+-]\d+\.\d{9}) cpu(\d+)\]', l):
        ns = int(t.replace('.', ''))
        assert (ns, int(cpu)) in records, l
        cites += 1
assert cites or sys.argv[3] == 'none', 'nothing cited'
END

# SCENE FIRST-LINE [none]: `none' if no single record is cited.
says()
{
    "$MAKE_SCENE" "$1" "$tmp/s.xfr.lz4" >/dev/null || exit 1
    "$XENFLIGHT" explain "$tmp/s.xfr.lz4" >"$tmp/said"
    "$XENFLIGHT" show --json "$tmp/s.xfr.lz4" >"$tmp/records"
    check "$1: says first: $2" sh -c "head -n 1 '$tmp/said' | grep -E '^$2' ||
        ! head -n 1 '$tmp/said'"
    check "$1: what it cites is there" \
        python3 "$tmp/cites.py" "$tmp/records" "$tmp/said" "${3:-}"
}

victim='domain 1 "victim" vCPU 0'
says pv-panic "$victim crashed: it told Xen so"
check "pv-panic: the last hypercall" \
    grep -q '^  hypercall sched_op shutdown \[' "$tmp/said"
says faults-panic "$victim crashed: it told Xen so"
check "faults-panic: what came far more often just before" sh -c "
    grep '^Different from before: ' '$tmp/said' | head -n 1 |
        grep -q 'PV_PAGE_FAULT of $victim, [0-9]* times'"
says xen-crash "$victim was killed by Xen"
check "xen-crash: what it was doing" \
    sh -c "grep -A6 '^The last that' '$tmp/said' | grep -q 'hypercall mmu_update'"
says triple "$victim made a triple fault"
check "triple: the exit that was not handled to its end" \
    grep -q '^Xen was still handling exit SHUTDOWN' "$tmp/said"
says watchdog "$victim was ended by its watchdog"
says starved "$victim is starved: of .* it was ready to run for 9[0-9]% and ran for 0%, while domain . "
says late-starved "$victim is starved: of 1.000 s it was ready to run for 9[0-9]% and ran for 5%, while domain 2 .neighbour. vCPU 0 had 9[0-9]% of pCPU 1"
says capped "$victim is starved by its cap: of .* it ran for [45]%, and for 9[0-9]% the scheduler kept it parked, (19|20) times"
says storm 'domain 2 "neighbour" vCPU . makes a storm of hypercalls: .* (9.|100)% of them xen_version'
says storm-starves 'domain 2 "neighbour" vCPU . makes a storm of hypercalls: .* (9.|100)% of them xen_version'
says hung 'domain 0 "Domain-0" vCPU 1 hangs: on pCPU 1 '
says hung-shares "$victim hangs: on pCPU 1 it ran for 6[0-9]*.* ms and did not enter Xen, .* in all of the recording" none
says destroyed 'domain 1 "victim" was destroyed from outside: domain 0 "Domain-0" vCPU 0 stopped it for good'

for scene in plain late hvm paused
do
    says $scene 'Nobody died, hung or starved' none
done
says removed 'Nobody died, hung or starved'
check "removed: its old death is told" grep -q '^domain 1 "victim" died: xen_crash \[' "$tmp/said"
says reboot 'Nobody died, hung or starved'
check "reboot: told, as nothing to worry about" \
    grep -q '^domain 1 "victim" shut itself down: reboot \[' "$tmp/said"
says cpu-off-on 'Nobody died, hung or starved'
check "cpu-off-on: told" grep -q '^pCPU 1 went offline \[' "$tmp/said"

# What a real Xen recorded; what is said of it is in tests/golden.
for f in tests/golden/real/*.xfr.lz4
do
    "$XENFLIGHT" explain "$f" >"$tmp/said"
    "$XENFLIGHT" show --json "$f" >"$tmp/records"
    check "$f: what it cites is there" \
        python3 "$tmp/cites.py" "$tmp/records" "$tmp/said" none
done

# Without its end a file makes no account: that is said, and no fault seen.
"$MAKE_SCENE" storm "$tmp/s.xfr.lz4" >/dev/null
head -c $(($(wc -c <"$tmp/s.xfr.lz4") - 5000)) "$tmp/s.xfr.lz4" >"$tmp/cut.xfr.lz4"
"$XENFLIGHT" explain "$tmp/cut.xfr.lz4" >"$tmp/said" 2>/dev/null
check "cut: cannot tell who hung" sh -c "head -n 1 '$tmp/said' |
    grep '^Nobody died in what there is of this recording; whether '"

finish
