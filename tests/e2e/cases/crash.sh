# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A guest dies and Xen itself holds the records before it.  No daemon runs.

probe status > /tmp/st
gen=$(($(v gen /tmp/st) + 1))
rm -f /tmp/bound
probe virq 600 /tmp/bound > /tmp/virq 2>&1 &
virq_pid=$!
wait_for 20 [ -e /tmp/bound ]

guest victim pv destroy "fr_do=crash fr_after=1"
show xl create /tmp/victim.cfg
uuid=$(xl list -v victim | awk 'NR == 2 { print $7 }')
domid=$(xl domid victim)
ok "VIRQ 14 is raised when the guest panics" wait $virq_pid
probe trigger "$gen" > /tmp/t
show cat /tmp/t
ok "its cause is the crash" is cause /tmp/t 2
ok "... of this domain" is domid /tmp/t "$domid"
ok "... with this uuid" is handle /tmp/t "$uuid"
ok "... on its vCPU" is vcpu /tmp/t 0
ok "quiesce" probe quiesce "$gen"
probe audit "$gen" > /tmp/a
ok "the account is exact" probe audit "$gen"
show cat /tmp/a
cpu=$(v cpu /tmp/t)
ok "no held record of the crashing pCPU is later than the freeze" \
    sh -c "! grep '^right cpu=$cpu ' /tmp/a | grep -v after_freeze=0"
ok "the crash mark is held, in both channels" \
    [ "$(grep "cpu=$cpu .*crash_marks=[1-9]" /tmp/a | wc -l)" = 2 ]
ok "recording goes on" grows "$cpu"
ok "release" probe release "$gen"
probe status > /tmp/st2
ok "one generation for one death" is gen /tmp/st2 "$gen"
