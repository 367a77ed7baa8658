# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Other boot options: flightrec=512K,slot=8K,spares=3,lease=2,rare=0x4f000, with
# four pCPUs and oxenstored.

probe status > /tmp/st
show cat /tmp/st
probe rings 3 > /tmp/r
show cat /tmp/r
ok "the requested slots" grep -q 'channel=0 slots=56 slot_bytes=8192 spares=3 ' /tmp/r
ok "the requested mask" is mask_rare /tmp/st 0x4f000
ok "four pCPUs" sh -c 'probe cpu 3 0 && ! probe cpu 4 0'

# The lease: Xen releases a generation that is not acknowledged in time, and keeps
# one that is.  On a slow machine the lease may expire before the first look: then
# freeze again.
released() { probe status > /tmp/st; [ "$(v released /tmp/st)" -ge "$1" ]; }
held_at_first() {
    for freezes in 1 2 3 4 5; do
        probe freeze 1 > /tmp/f
        gen=$(v gen /tmp/f)
        released "$gen" || return 0
    done
    return 1
}
ok "held at first" held_at_first
ok "the lease of an unread generation expires" wait_for 10 released "$gen"
ok "... and is counted" is expired /tmp/st "$freezes"
# freeze_acked N: and acknowledge before the lease expires.
freeze_acked() {
    for try in 1 2 3 4 5 6 7 8; do
        probe freeze "$1" > /tmp/f && gen=$(v gen /tmp/f) && probe ack "$gen" && return
    done
    return 1
}
freeze_acked 2
probe trigger "$gen" > /tmp/t
ok "an acknowledged generation has the flag" is flags /tmp/t 2
ok "... outlives the lease" sh -c \
    "probe virq 3 /tmp/never; probe trigger $gen >/dev/null"
ok "... and can be released" probe release "$gen"

# Destroy and create in a loop, with all pCPUs recording.  Acknowledge each
# generation, since the lease is short.
xl info | sed -n 's/^free_memory *: //p' > /tmp/free1
for i in 1 2 3 4 5 6 7 8 9 10; do
    probe destroy && probe create 4194304 && probe start &&
        freeze_acked "$i" && probe quiesce "$gen" || break
done > /tmp/again 2>&1
all_again() { [ "$(grep -c pending=0 /tmp/again)" = 10 ] || { cat /tmp/again; return 1; }; }
ok "destroy and create ten times" all_again
ok "the account is exact" probe audit "$gen"
show probe audit "$gen"
probe destroy
ok "no page is lost" wait_for 5 sh -c \
    '[ $(xl info | sed -n "s/^free_memory *: //p") -ge $(($(cat /tmp/free1) + 1)) ]'
ok "no unexpected message of Xen" sh -c \
    '! xl dmesg | grep -E "Assert|Xen BUG|Panic|WARN|Leaking"'
