#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The daemon in a real Dom0: a guest panics and is destroyed at once; snapshots are
# requested through xenstore, by the tool and by signal.  The files go to the host
# for tests/e2e/main-job.

state=/var/lib/xen/snapshotd

files() { ls $state/*.xfr.lz4 2>/dev/null | wc -l; }
has_files() { [ "$(files)" -ge "$1" ]; }
newest() { ls -t $state/*.xfr.lz4 2>/dev/null | head -n 1; }
is_n() { [ "$1" = "$2" ] || { echo "$1 is not $2"; return 1; }; }
up() { xenflight status >/tmp/status 2>&1; }

ok "the installed daemon comes up as its service" start_service < /dev/null
up
show cat /tmp/status

# --- a crash
guest victim pv destroy "fr_do=crash fr_after=1"
xl create /tmp/victim.cfg >/tmp/xl.log 2>&1
uuid=$(xl list -v victim | awk 'NR == 2 { print $7 }')
domid=$(xl domid victim)
printf '%s %s\n' "$uuid" "$domid" > /out/victim
ok "one file within 30 s of the crash" wait_for 60 has_files 1
mv "$(newest)" /out/crash.xfr.lz4
ok "xl has removed the domain" wait_for 20 sh -c '! xl domid victim'
ok "one snapshot for one death" is_n "$(files)" 0

# --- requests
xenstore-write /tool/xenflight/request/t1 "disk latency"
ok "a request through xenstore: an answer node" \
    wait_for 20 sh -c '[ "$(xenstore-read /tool/xenflight/result/t1)" = done ]'
file=$(xenstore-read /tool/xenflight/result/t1/file)
ok "... that names an existing file" [ -f "$file" ]
ok "... and the request is removed" sh -c '! xenstore-exists /tool/xenflight/request/t1'
mv "$file" /out/request.xfr.lz4

ok "xenflight snapshot --wait" \
    sh -c 'xenflight snapshot --reason "by hand" --wait >/tmp/asked'
show cat /tmp/asked
mv "$(newest)" /out/tool.xfr.lz4

kill -USR1 $snapshotd_pid
ok "SIGUSR1: a file" wait_for 20 has_files 1
mv "$(newest)" /out/signal.xfr.lz4

ok "xenflight status" up
show cat /tmp/status
ok "the daemon is still the same process" kill -0 $snapshotd_pid

kill $snapshotd_pid
ok "it exits on SIGTERM" wait $snapshotd_pid
show cat /out/messages
