#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# In Dom0, for `make demo': report each step; there are no checks.

say "# 5. Dom0 is up. Starting snapshotd; no trace was set up in advance"
start_service < /dev/null
say "# 6. Starting a PV guest with on_crash=destroy. Its kernel will panic"
guest victim pv destroy "fr_do=crash fr_after=1"
xl create /tmp/victim.cfg >/dev/null 2>&1
say "#    $(xl list | awk '$1 == "victim" { print "xl list: victim is domain " $2 }')"
wait_for 90 sh -c 'ls /var/lib/xen/snapshotd/*.xfr.lz4'
wait_for 20 sh -c '! xl domid victim'
say "# 7. The guest has panicked. xl list: $(xl list | awk 'NR > 1' | wc -l) domain left, victim is gone"
say "#    $(sed -n "s,.*\(snapshotd.*generation 1: .*\),\1,p" /out/messages | head -n 1)"
rm -f /out/messages
cp /var/lib/xen/snapshotd/*.xfr.lz4 /out/
