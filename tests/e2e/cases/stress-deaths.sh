# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every kind of end a guest can have: which are kept, which are not.

prepare poweroff 4 pv
prepare reboot 7 pv
prepare suspend 8 pv
prepare destroyed 9 pv
prepare crash 1 pv
prepare killed 2 pv
prepare watchdog 3 pv
prepare triple 5 pvh
prepare pvh-crash 6 pvh
guest linux pvh destroy "fr_do=crash fr_after=1"
read -r uuid < /proc/sys/kernel/random/uuid
echo "$uuid" > /tmp/linux.uuid
echo "uuid = \"$uuid\"" >> /tmp/linux.cfg
create linux
prepared

# leaves NAME: an end that is no crash.
leaves() {
    use "$1"
    expect "$1" none - end
    probe unpause "$domid"
    ok "$1: it ends" wait_for 30 ended
    ok "$1: begins no generation" [ "$(generation)" = "$gen" ]
}
ended() { ! probe domain "$uuid" > /tmp/domain || is shutdown /tmp/domain 1; }

gen=$(generation)
leaves poweroff
leaves reboot
leaves suspend
xl destroy suspend
use destroyed
expect destroyed none - end
probe unpause "$domid"
ok "destroyed: it ran" wait_for 10 sh -c \
    "[ \$(xl list destroyed | awk 'NR == 2 { print int(\$NF * 10) }') -gt 0 ]"
xl destroy destroyed
ok "destroyed: begins no generation" [ "$(generation)" = "$gen" ]

# A whole Linux takes its time: it panics while the others die.
use linux
expect linux crash complete death
probe unpause "$domid"
dies crash crash
dies killed xen-crash
dies watchdog watchdog
dies triple triple-fault
dies pvh-crash crash
read -r uuid < /tmp/linux.uuid
ok "linux: a PVH guest panics: a file" wait_for 180 has "$uuid"
ok "nothing is held" wait_for 10 at_rest
