# SPDX-License-Identifier: LGPL-2.1-or-later
#
# At the same time: xentrace with all its events, and pCPUs that go offline and
# online.

for n in beside-xentrace without-pcpu3 pcpu2-goes with-all; do prepare $n 1 pv; done
prepared
xentrace -D -e all /out/xentrace > /tmp/xentrace.log 2>&1 &
pid=$!
traces() { [ "$(wc -c < /out/xentrace)" -gt 200000 ]; }
ok "xentrace writes" wait_for 20 traces
dies beside-xentrace crash
kill -INT $pid
wait $pid
echo "$uuid $domid" > /out/beside

hp() { xen-hptool "cpu-$1" "$2" > /tmp/hp 2>&1 || { cat /tmp/hp; return 1; }; }
offline() { probe cpu "$1" 0 | grep -q '^flags=0'; }
ok "pCPU 3 goes offline" hp offline 3
ok "... and is offline" offline 3
dies without-pcpu3 crash

engine=$(engine_pid)
use pcpu2-goes
expect pcpu2-goes crash complete absent
catch STOP "$engine" &
pid=$!
probe unpause "$domid"
ok "a generation is being read" wait $pid
ok "... and pCPU 2 goes offline" hp offline 2
kill -CONT "$engine"
ok "pcpu2-goes: a file" wait_for 30 has "$uuid"
ok "pCPU 2 comes online" hp online 2
ok "pCPU 3 comes online" hp online 3
ok "pCPU 2 records again" grows 2
ok "pCPU 3 records again" grows 3
dies with-all crash
ok "no generation is held" wait_for 10 at_rest
answers
ok "the daemon runs" kill -0 "$daemon"
