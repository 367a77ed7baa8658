#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# explain.sh: the verdict of `xenflight explain' on played faults, no false alarm
# on healthy scenes, and that each citation is a record of the file.

set -u
. tests/peers/lib.sh
need python3

# Every line ends with a citation.  A cited time and pCPU must be those of a
# record.
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

# SCENE FIRST-LINE [none]: with `none' no single record need be cited.
says()
{
    "$MAKE_SCENE" "$1" "$tmp/s.xfr.lz4" >/dev/null || exit 1
    "$XENFLIGHT" explain "$tmp/s.xfr.lz4" >"$tmp/said"
    "$XENFLIGHT" show --json "$tmp/s.xfr.lz4" >"$tmp/records"
    check "$1: first line: $2" sh -c "head -n 1 '$tmp/said' | grep -E '^$2' ||
        ! head -n 1 '$tmp/said'"
    check "$1: citations exist" \
        python3 "$tmp/cites.py" "$tmp/records" "$tmp/said" "${3:-}"
}

victim='domain 1 "victim" vCPU 0'
says pv-panic "$victim: kernel panic [(]the guest reported a crash shutdown[)], pCPU 1 "
check "pv-panic: the last hypercall" \
    grep -q '^  hypercall sched_op shutdown \[' "$tmp/said"
says faults-panic "$victim: kernel panic"
check "faults-panic: the event that came far more often just before" sh -c "
    grep '^Changed rate: ' '$tmp/said' | head -n 1 |
        grep -q 'PV_PAGE_FAULT of $victim came [0-9]* times'"
says xen-crash "$victim: killed by Xen"
check "xen-crash: the hypercalls before it" \
    sh -c "grep -A6 '^Last entries into Xen by $victim' '$tmp/said' | grep -q 'hypercall mmu_update'"
says triple "$victim: triple fault"
check "triple: the exit that was not handled to its end" \
    grep -q '^Xen was still handling exit SHUTDOWN' "$tmp/said"
says exit-hole "$victim: triple fault"
check "exit-hole: the time in Xen over a gap is not known" \
    grep -q '^  exit HLT, 2 times over .*, in Xen for 1\.[0-9] us \[' "$tmp/said"
says watchdog "$victim: killed by its watchdog"
says starved "$victim: starved: waited to run for (9[0-9]|>99)% of .* and ran for 0%, while domain . "
says late-starved "$victim: starved: waited to run for 9[0-9]% of 1.000 s and ran for 5%, while domain 2 .neighbour. vCPU 0 had 9[0-9]% of pCPU 1"
says capped "$victim: starved by its cap: ran for [45]% of .* and was parked by the scheduler for 9[0-9]%, (19|20) times"
says storm 'domain 2 "neighbour" vCPU .: hypercall storm: [0-9]+/s, (all|>?9.%) xen_version; '
says storm-starves 'domain 2 "neighbour" vCPU .: hypercall storm: [0-9]+/s, (all|>?9.%) xen_version; '
says exits-npf "$victim: exit storm: [0-9]*/s, all NPF at rip 0x1000, gpa 0x80000000; in Xen for 70% "
says exits-two "$victim: exit storm: [0-9]*/s; in Xen for (69|70)% "
says spins "$victim: hung at rip 0x1000: "
says stuck "$victim: stuck in Xen on pCPU 1: no VM entry for 90[0-9]\.[0-9]* ms "
says hung 'domain 0 "Domain-0" vCPU 1: hung on pCPU 1: '
says hung-shares "$victim: hung on pCPU 1: ran for 6[0-9]*.* ms without an entry into Xen .* since the recording starts" none
says destroyed 'domain 1 "victim": destroyed from outside by domain 0 "Domain-0" vCPU 0, without a shutdown of its own: '

for scene in plain late hvm paused exits-touch
do
    says $scene 'No domain crashed, hung or starved' none
done
"$MAKE_SCENE" paused "$tmp/s.xfr.lz4" >/dev/null
"$XENFLIGHT" explain "$tmp/s.xfr.lz4" >"$tmp/said"
check "paused: is listed" grep -q "^$victim is paused, for " "$tmp/said"
says removed 'No domain crashed, hung or starved'
check "removed: its old crash is listed" grep -q '^domain 1 "victim" crashed: xen_crash \[' "$tmp/said"
says reboot 'No domain crashed, hung or starved'
check "reboot: listed, but no fault" \
    grep -q '^domain 1 "victim" shut down: reboot \[' "$tmp/said"
says cpu-off-on 'No domain crashed, hung or starved'
check "cpu-off-on: listed" grep -q '^pCPU 1 went offline \[' "$tmp/said"

# Recordings of a real Xen.  The whole texts are in tests/golden.
for f in tests/golden/real/*.xfr.lz4
do
    "$XENFLIGHT" explain "$f" >"$tmp/said"
    "$XENFLIGHT" show --json "$f" >"$tmp/records"
    check "$f: citations exist" \
        python3 "$tmp/cites.py" "$tmp/records" "$tmp/said" none
done

# A truncated file has no accounts of its end: no fault may be claimed.
"$MAKE_SCENE" storm "$tmp/s.xfr.lz4" >/dev/null
head -c $(($(wc -c <"$tmp/s.xfr.lz4") - 5000)) "$tmp/s.xfr.lz4" >"$tmp/cut.xfr.lz4"
"$XENFLIGHT" explain "$tmp/cut.xfr.lz4" >"$tmp/said" 2>/dev/null
check "cut: no judgement on hangs" sh -c "head -n 1 '$tmp/said' |
    grep '^No domain crashed in the part of the recording that is left; hangs '"

finish
