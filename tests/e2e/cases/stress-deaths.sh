# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each kind of end that a guest can have: some make a file, others must not.

prepare poweroff 4 pv
prepare reboot 7 pv
prepare suspend 8 pv
prepare destroyed 9 pv
prepare crash 1 pv
prepare killed 2 pv
prepare watchdog 3 pv
prepare triple 5 pvh
prepare pvh-crash 6 pvh
# Two whole Linuxes that ask before they panic.
prepare_linux() {
    asking_guest "$1" "$2"
    read -r uuid < /proc/sys/kernel/random/uuid
    echo "$uuid" > "/tmp/$1.uuid"
    echo "uuid = \"$uuid\"" >> "/tmp/$1.cfg"
    echo "$uuid $1 $3" >> /out/asked
    create "$1"
}
prepare_linux linux pvh 1 <<'END'
xenflight-ask -t 60 "asked by hand" > /asked || exit 1
[ "$(cat /asked)" = done ]
END
# The hooks: the first passes the kernel's message as the reason, the other none.
prepare_linux hooked pv 2 <<'END'
export XENFLIGHT_ASK=/bin/xenflight-ask XENFLIGHT_KMSG=/kmsg
mkfifo /kmsg
xenflight-kmsg > /asked 2>&1 &
exec 9> /kmsg
i=0
until grep -q '^done' /asked; do
    # As the kernel writes it: user space has no facility 0.
    read -r up _ < /proc/uptime
    echo "0,1,${up%.*}999999,-;watchdog: BUG: soft lockup - CPU#0 stuck for 23s!" >&9
    i=$((i + 1))
    [ $i -lt 60 ] || exit 1
    sleep 1
done
kdump-pre
END
prepared

# leaves NAME: it ends without a crash.
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

# Linux boots and panics while the other guests die.
for n in linux hooked; do
    use $n
    expect $n crash complete death
    probe unpause "$domid"
done
dies crash crash
dies killed xen-crash
dies watchdog watchdog
dies triple triple-fault
dies pvh-crash crash
# crashed UUID: as has, without the guest's own requests.
crashed() { for f in $state/*-"$1"-crash-*.xfr.lz4; do [ -e "$f" ]; done; }
read -r uuid < /tmp/hooked.uuid
ok "hooked: a PV Linux asks by its hooks, then panics: a file" wait_for 120 crashed "$uuid"
read -r uuid < /tmp/linux.uuid
ok "linux: a PVH Linux asks, then panics: a file" wait_for 180 crashed "$uuid"
no_nodes() { [ "$(xenstore-list /local/domain)" = 0 ] || { xenstore-ls /local/domain; return 1; }; }
ok "xenstore has no nodes of dead guests" wait_for 20 no_nodes
ok "no generation is held" wait_for 10 at_rest
