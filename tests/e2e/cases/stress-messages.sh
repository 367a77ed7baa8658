# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Faults of the daemon's surroundings: each must be logged in a plain message, and
# Xen goes on recording.

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
ok "the VIRQ is bound by another process: logged" refused 8 "has bound the recorder's VIRQ" snapshotd
kill $pid
wait $pid 2>/dev/null
with_old_xen() { LD_PRELOAD=/test/old-xen.so "$@"; }
ok "a Xen of another release: logged" \
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
ok "read-only: logged" wait_for 20 logged "Read-only file system"
ok "... released" wait_for 10 at_rest
answers
ok "... counted" grep -q " 1 failed" /tmp/status
mount -o remount,rw /tmp/bad
mark
use full
expect full none - full
probe unpause "$domid"
ok "full: logged" wait_for 20 logged "No space left on device"
ok "... released" wait_for 10 at_rest
ok "... no file is left" [ -z "$(ls -A /tmp/bad)" ]
ok "recording goes on" goes_on
mount -o remount,size=32m /tmp/bad
use room-again
probe unpause "$domid"
bad_has() { for f in /tmp/bad/*-"$uuid"-*.xfr.lz4; do [ -e "$f" ]; done; }
ok "with room again the next one is written" wait_for 30 bad_has
stop_daemon

# xenstored dies and is started again with an empty database.
ok "the daemon starts" start_daemon
use no-xenstored
expect no-xenstored crash complete xenstored
mark
kill -KILL "$(cat /run/xenstored.pid)"
ok "xenstored dies: logged" wait_for 10 logged "xenstored is gone"
probe unpause "$domid"
ok "... a crash is kept nevertheless" wait_for 30 has "$uuid"
kill "$(cat /run/xenconsoled.pid)"
rm -rf /var/lib/xenstored/* /run/xenstored.pid
oxenstored --pid-file /run/xenstored.pid
ok "xenstored is back: connected" wait_for 20 logged "connected again"
xenstore-write /tool/xenflight/request/again "after xenstored"
ok "... a request through it is answered" \
    wait_for 30 sh -c '[ "$(xenstore-read /tool/xenflight/result/again)" = done ]'
ok "the daemon is still the same process" kill -0 "$daemon"
stop_daemon
ok "no unexpected message of Xen" sh -c \
    '! xl dmesg | grep -E "Assert|Xen BUG|Panic|WARN|Leaking"'
cp /tmp/status /out/status
