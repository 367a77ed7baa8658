# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What can be wrong around it: each time a plain message, and Xen records on.

for n in readonly full room-again no-xenstored; do prepare $n 1 pv; done
prepared

# refused CODE TEXT COMMAND...
refused() {
    want=$1 text=$2; shift 2
    "$@" -c $conf > /tmp/refused 2>&1
    rc=$?
    [ $rc = "$want" ] && grep -qF "$text" /tmp/refused && return
    echo "exit code $rc"
    cat /tmp/refused
    return 1
}
ok "a second daemon is refused" refused 10 "another snapshotd is running" snapshotd
stop_daemon
rm -f /tmp/bound
probe virq 120 /tmp/bound > /dev/null 2>&1 &
pid=$!
wait_for 10 [ -e /tmp/bound ]
ok "VIRQ bound by another process: it says so" refused 8 "has bound the recorder's VIRQ" snapshotd
kill $pid
wait $pid 2>/dev/null
with_old_xen() { LD_PRELOAD=/test/old-xen.so "$@"; }
ok "Xen of another release: it says so" \
    refused 7 "libxenctrl and Xen are of different releases" with_old_xen snapshotd
ok "recording goes on" goes_on

# A directory that cannot be written, then one that is full.
mkdir /tmp/bad
mount -t tmpfs -o size=64k,mode=700,uid=998,gid=998 tmpfs /tmp/bad
printf '[daemon]\nstate = /tmp/bad\nheartbeat = 1\n[store]\nmin_free = 0\n' > /tmp/bad.conf
mount -o remount,ro /tmp/bad
mark
ok "it starts on a read-only directory" start_daemon /tmp/bad.conf
use readonly
expect readonly none - unwritable
probe unpause "$domid"
ok "read-only: it says so" wait_for 20 said "Read-only file system"
ok "... gives it back" wait_for 10 at_rest
answers
ok "... counts it" grep -q " 1 failed" /tmp/status
mount -o remount,rw /tmp/bad
mark
use full
expect full none - full
probe unpause "$domid"
ok "full: it says so" wait_for 20 said "No space left on device"
ok "... gives it back" wait_for 10 at_rest
ok "... leaves nothing behind" [ -z "$(ls -A /tmp/bad)" ]
ok "recording goes on" goes_on
mount -o remount,size=32m /tmp/bad
use room-again
probe unpause "$domid"
bad_has() { for f in /tmp/bad/*-"$uuid"-*.xfr.lz4; do [ -e "$f" ]; done; }
ok "with room again the next one is written" wait_for 30 bad_has
stop_daemon

# xenstored dies and comes back, without what it knew.
ok "the daemon starts" start_daemon
use no-xenstored
expect no-xenstored crash complete xenstored
mark
kill -KILL "$(cat /run/xenstored.pid)"
ok "xenstored dies: it says so" wait_for 10 said "xenstored is gone"
probe unpause "$domid"
ok "... a crash is kept all the same" wait_for 30 has "$uuid"
kill "$(cat /run/xenconsoled.pid)"
rm -rf /var/lib/xenstored/* /run/xenstored.pid
oxenstored --pid-file /run/xenstored.pid
ok "xenstored comes back: it is connected to" wait_for 20 said "connected again"
xenstore-write /tool/xenflight/request/again "after xenstored"
ok "... and asked through" \
    wait_for 30 sh -c '[ "$(xenstore-read /tool/xenflight/result/again)" = done ]'
ok "the daemon is still the same process" kill -0 "$daemon"
stop_daemon
ok "the hypervisor says nothing unexpected" sh -c \
    '! xl dmesg | grep -E "Assert|Xen BUG|Panic|WARN|Leaking"'
cp /tmp/status /out/status
