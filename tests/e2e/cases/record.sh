# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xenflight record and top live while a guest lives and dies.  Uses tiny() and
# gone() of deaths.sh.

listens() { probe status > /tmp/st; ! is wake_every /tmp/st 0 > /dev/null; }

xenflight record -o /out/record.xfr.lz4 > /tmp/record 2>&1 &
pid=$!
wait_for 10 listens
tiny 4 pv > /dev/null 2>&1
wait_for 15 gone tiny4
# The last records are in an open slot: fill it.
for i in 1 2 3 4 5 6; do probe rings 0; probe rings 1; done > /dev/null
busy=$(($(date +%s) + 3))
while [ "$(date +%s)" -lt $busy ]; do probe status > /dev/null; done
kill -INT $pid
ok "record ends on SIGINT, and missed nothing" wait $pid
show cat /tmp/record
ok "its file is complete" xenflight verify /out/record.xfr.lz4
ok "it has the guest's creation and end" sh -c '
    xenflight show --event "DOM0_DOM_*" --event SCHED_SHUTDOWN /out/record.xfr.lz4 > /tmp/dom
    grep -q DOM0_DOM_ADD /tmp/dom && grep -q SCHED_SHUTDOWN /tmp/dom &&
    grep -q DOM0_DOM_REM /tmp/dom'
ok "... and its name" sh -c '
    xenflight show --head --domain tiny4 /out/record.xfr.lz4 | grep " tiny4"'
xenflight top live -n 1 -i 1s --json > /tmp/top 2> /tmp/top.err &
pid=$!
busy=$(($(date +%s) + 3))
while kill -0 $pid 2>/dev/null && [ "$(date +%s)" -lt $busy ]; do
    probe status > /dev/null
done
ok "top live: succeeds" wait $pid
ok "... Dom0 among them" grep -q '"domid":0,' /tmp/top
show cat /tmp/top.err
