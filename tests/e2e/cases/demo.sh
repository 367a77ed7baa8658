#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In Dom0, for make demo: no verdicts, just the story.

say "# 5. Dom0 is up. Starting snapshotd; nobody has armed anything"
printf '[daemon]\nstate = /run/snapshots\n' > /tmp/snapshotd.conf
snapshotd -c /tmp/snapshotd.conf 2>/tmp/snapshotd.log &
wait_for 20 [ -S /run/xenflight/control ]
say "# 6. Starting a PV guest with on_crash=destroy. Its kernel will panic"
guest victim pv destroy "fr_do=crash fr_after=1"
xl create /tmp/victim.cfg >/dev/null 2>&1
say "#    $(xl list | awk '$1 == "victim" { print "xl list: victim is domain " $2 }')"
wait_for 90 sh -c 'ls /run/snapshots/*.xfr.lz4'
wait_for 20 sh -c '! xl domid victim'
say "# 7. The guest has panicked. xl list: $(xl list | awk 'NR > 1' | wc -l) domain left, victim is gone"
say "#    $(tail -n 1 /tmp/snapshotd.log)"
cp /run/snapshots/*.xfr.lz4 /out/
