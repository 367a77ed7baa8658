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
closed_on() { probe cpu "$1" 0 | sed -n 's/^done_seq=//p'; }
# filled CPU SEQUENCE: keep it busy, and look.
filled() {
    taskset $((1 << $1)) sh -c 'for i in 1 2 3 4 5 6 7 8; do probe status; done'
    [ "$(closed_on "$1")" -gt "$2" ]
}
for c in 0 1; do wait_for 60 filled $c $(($(closed_on $c) + 1)); done
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
while kill -0 $pid 2>/dev/null; do probe status > /dev/null; done
ok "top live: succeeds" wait $pid
ok "... Dom0 among them" grep -q '"domid":0,' /tmp/top
show cat /tmp/top.err
