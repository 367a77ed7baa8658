# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One guest issues hypercalls in a loop, another writes records of its own in a
# loop, for /test/flood-seconds each.  Neither may push the records of another
# domain's death out of the rare channel.

seconds=$(cat /test/flood-seconds)
DOM_ADD=0x00041001 DOM_REM=0x00041002 SHUTDOWN=0x00028007 GUEST=0x0800f123

# flood_guest NAME TYPE MODE
flood_guest() {
    cat > "/tmp/$1.cfg" <<END
name = "$1"
type = "$2"
kernel = "/test/tiny-$3"
memory = 16
vcpus = 1
on_crash = "destroy"
END
    xl create -q -p "/tmp/$1.cfg"
}
# records CHANNEL EVENT [WORD]: their number in the newest generation.
records() { probe find "$gen" "$@" | sed -n 's/^count=//p'; }
has() { n=$1; shift; found=$(records "$@"); echo "found $found"; [ "$found" = "$n" ]; }
counter() { probe cpu "$2" "$3" | sed -n "s/^$1=//p"; }
# wrapped CPU: all that it had recorded before the flood is overwritten.
wrapped() { [ "$(counter overwritten "$1" 0)" -gt "$(cat "/tmp/before$1")" ]; }
sum() { echo $(($(counter "$1" 0 "$2") + $(counter "$1" 1 "$2"))); }

# Small rings; all events that a mask can enable, in both channels; no generation
# for a domain's death.
flood_rings() {
    probe destroy; wait_for 5 probe create 262144
    probe causes 0 && probe mask 0 0x0ffff000 && probe mask 1 0x0ffff000 &&
        probe start
}
ok "rings to be flooded" flood_rings

flood_guest victim pv 1 > /tmp/create 2>&1 || show cat /tmp/create
victim=$(xl domid victim)
xl unpause victim
victim_gone() { ! xl domid victim; }
ok "a domain dies" wait_for 20 victim_gone

# flood NAME TYPE MODE
flood() {
    flood_guest "$1" "$2" "$3" > /tmp/create 2>&1 || show cat /tmp/create
    busy_before=$(sum emitted 0) rare_before=$(sum emitted 1)
    for c in 0 1; do counter emitted $c 0 > /tmp/before$c; done
    xl unpause "$1"
    sleep "$seconds"
    for c in 0 1; do
        xl vcpu-pin "$1" 0 $c
        ok "flood by $1: pCPU $c wraps around" wait_for 60 wrapped $c
    done
    emitted=$(($(sum emitted 0) - busy_before)) rare=$(($(sum emitted 1) - rare_before))
    probe freeze > /tmp/f
    gen=$(v gen /tmp/f)
    probe ack "$gen"
    ok "flood by $1: quiescent, the account exact" sh -c "probe quiesce $gen && probe audit $gen"
    probe audit "$gen" > /tmp/audit
    held=$(sed -n 's/.*channel=0.* held=\([0-9]*\).*/\1/p' /tmp/audit | awk '{ n += $1 } END { print n }')
    show echo "$1, $seconds s: $emitted events in busy ($((emitted / seconds)) a second), $held of them held; $rare in rare"
    ok "... busy has wrapped around" [ "$emitted" -gt $((2 * held)) ]
    ok "... busy has no record of the dead domain's shutdown" has 0 0 $SHUTDOWN "$victim"
    ok "... rare has its creation" has 1 1 $DOM_ADD "$victim"
    ok "... its shutdown" has 1 1 $SHUTDOWN "$victim"
    ok "... and its removal" has 1 1 $DOM_REM "$victim"
}

flood hypercalls pv 10
probe release "$gen"
xl destroy hypercalls
flood own-records pvh 11
ok "... its own records are in busy" [ "$(records 0 $GUEST)" -gt 0 ]
ok "... and none is in rare, despite its mask" has 0 1 $GUEST
probe release "$gen"
xl destroy own-records
ok "no unexpected message of Xen" sh -c \
    '! xl dmesg | grep -E "Assert|Xen BUG|Panic|WARN|Leaking"'
