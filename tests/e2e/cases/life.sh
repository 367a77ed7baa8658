# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The recorder's life cycle by xenflight: without the daemon, with it, and by two
# shells at the same time.

state=/var/lib/xen/snapshotd
newest() { ls -t $state/*.xfr.lz4 2>/dev/null | head -n 1; }
# prints PATTERN COMMAND...; refused PATTERN COMMAND...: and the command fails.
prints() {
    fr_pattern=$1; shift
    "$@" > /tmp/printed 2>&1
    grep -q "$fr_pattern" /tmp/printed || { cat /tmp/printed; return 1; }
}
refused() {
    fr_pattern=$1; shift
    "$@" > /tmp/printed 2>&1 && return 1
    grep -q "$fr_pattern" /tmp/printed || { cat /tmp/printed; return 1; }
}
# exact: the account of a new generation adds up.
exact() {
    probe freeze 1 > /tmp/f || return 1
    exact_gen=$(v gen /tmp/f)
    probe quiesce "$exact_gen" && probe audit "$exact_gen" && probe release "$exact_gen"
}
# back N: Xen's heap has N free pages.
back() { [ "$(free_pages)" = "$1" ]; }

# --- without a daemon
ok "destroy" xenflight destroy
ok "destroy: nothing to do" xenflight destroy
ok "stop: nothing to do" xenflight stop
# Wait for RCU to free the pages.
same() { pages_none=$(free_pages); [ "$pages_none" = "$(free_pages)" ]; }
wait_for 10 same
ok "create" xenflight create --size=2M --slot=32K --spares=7 --rare=0x4f000
ok "create: equal buffers exist" xenflight create --size=2M --slot=32K --spares=7
ok "create: different buffers exist" refused "2.0 MiB a pCPU in slots of 32.0 KiB, 7 spares" xenflight create
pages_two=$(free_pages)
# For each pCPU: 512 pages of slots, one of information, and the ring's own; and
# one page for all.
ok "create takes 2 MiB a pCPU from the heap, and little more" \
    [ $((pages_none - pages_two)) -ge 1027 -a $((pages_none - pages_two)) -le 1047 ]
say "# free pages of Xen: $pages_none without buffers, $pages_two with 2 x 2 MiB"
probe rings 0 > /tmp/r
ok "with the requested layout" grep -q 'channel=0 slots=56 slot_bytes=32768 spares=7 ' /tmp/r
ok "with the requested masks" prints "^rare: 0x4f000: dom0op" xenflight mask
ok "not started" refused stopped xenflight status
ok "start" xenflight start
ok "records" grows 1
ok "exact" exact

# --- masks while it runs
ok "mask: nothing at all" xenflight mask busy 0
was=$(emitted 0)
xl info > /dev/null
ok "a masked event is not emitted" [ "$(emitted 0)" = "$was" ]
ok "exact without a record" exact
ok "mask: one class" xenflight mask busy sched=on
ok "it is emitted" grows 0
ok "exact" exact
ok "mask: all but two events" xenflight mask busy default pv_hypercall=off sched_runstate_change=off
show xenflight mask
ok "an unknown event" refused "neither a mask" xenflight mask busy nosuch=off
ok "mask: back" xenflight mask busy pv_hypercall=on sched_runstate_change=on
ok "mask: rare back" xenflight mask rare default
ok "no event is masked" prints "^busy: 0x7bff000: [a-z0-9 ]*$" xenflight mask

# --- another process has pages mapped
probe map 1 0 3 600 > /tmp/held 2>&1 &
pid=$!
wait_for 10 grep -q mapped=ro /tmp/held
ok "destroy reports the mapped pages" refused \
    "3 of their pages are mapped, the first is page 0 of pCPU 1" xenflight destroy
show cat /tmp/printed
ok "... and the process that may have mapped them" grep -q "probe\[$pid\]" /tmp/printed
ok "... and recording goes on" grows 1
kill $pid
wait $pid 2>/dev/null
ok "destroy" xenflight destroy
ok "all pages are back" wait_for 10 back "$pages_none"

# --- with the daemon
ok "the daemon makes buffers" start_service < /dev/null
up() { xenflight status > /tmp/status 2>&1; }
ok "... and records" wait_for 20 up
ok "a snapshot" xenflight snapshot --wait
ok "destroy: the daemon unmaps the buffers" xenflight destroy
ok "no buffers" refused "no buffers" xenflight status
pages_daemon() { [ "$(free_pages)" -ge $((pages_none - 8)) ]; }
ok "the pages are back" wait_for 10 pages_daemon
ok "a snapshot without a recorder is refused" refused "does not record" xenflight snapshot --wait
ok "create another size" xenflight create --size=512K
ok "start" xenflight start
ok "the daemon maps them: a snapshot" xenflight snapshot --wait
ok "... that is complete" xenflight verify "$(newest)"
ok "... and status has the new size" prints "512.0 KiB a pCPU" xenflight status
xenflight mask busy 'pv_*=off'
ok "destroy and start: the size of the configuration" sh -c 'xenflight destroy && xenflight start'
ok "a snapshot" xenflight snapshot --wait
count() { xenflight show --event "$1" "$(newest)" | grep -c " $2"; }
ok "no masked event is in it" [ "$(count 'PV_*' PV_)" = 0 ]
ok "... and others are" [ "$(count 'SCHED_*' SCHED_)" -gt 0 ]
xenflight mask busy 'pv_*=on'

# --- two shells at the same time
loop() {
    for n in 1 2 3 4 5; do
        for c in "$@"; do xenflight $c; done
    done > "/tmp/loop$1" 2>&1
}
loop create destroy start "mask busy hvm=off" stop &
one=$!
loop start "mask busy hvm=on" destroy "create --size=256K" status &
two=$!
for n in 1 2 3; do kill -USR1 $snapshotd_pid; usleep 300000; done
wait $one $two
ok "the daemon is still the same process" kill -0 $snapshotd_pid
ok "after two shells at once: destroy" xenflight destroy
ok "... create" xenflight create
ok "... mask" xenflight mask busy default
ok "... start" xenflight start
ok "... and it records" wait_for 10 up
ok "... exactly" xenflight snapshot --wait
ok "... as the file says" xenflight verify "$(newest)"
show cat /tmp/status
kill $snapshotd_pid
wait $snapshotd_pid
ok "destroy" xenflight destroy
ok "all pages are back at the end" wait_for 10 back "$pages_none"
show tail -n 5 /out/messages

# The following cases expect a running recorder.
xenflight start > /dev/null
ok "no unexpected message of Xen" sh -c \
    'xl dmesg >> /out/xen.log; ! grep -E "Assert|Xen BUG|Panic|WARN|Leaking" /out/xen.log'
