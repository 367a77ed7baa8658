# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Snapshots of a healthy host and of eight faults, for tests/e2e/faults.  A line of
# /out/truth has the right verdict for each:
#
#   NAME KIND [DOMID DOMAIN VCPU [OTHER...]]

state=/var/lib/xen/snapshotd

newest() { ls -t $state/*.xfr.lz4 2>/dev/null | head -n 1; }
gone() { ! xl domid "$1"; }
# truth NAME KIND...: add a line to /out/truth.
truth() { echo "$*" >> /out/truth; }
# snap NAME TEXT: request a snapshot.
snap() {
    ok "$1: a snapshot" xenflight snapshot --reason "$2" --wait &&
        mv "$(newest)" "/out/$1.xfr.lz4"
}
healthy() { snap "$1" "$2" && truth "$1" healthy; }
# fault NAME TRUTH...: request one; the reason does not give the cause away.
fault() {
    fr_file=$1; shift
    snap "$fr_file" "what is this?" && truth "$fr_file" "$@"
}
# died NAME CAUSE DOMID: wait for the file of a death, which needs no request.
died() {
    ok "$1: a file of its death" wait_for 60 has_file "$2" &&
        mv "$(newest)" "/out/$1.xfr.lz4" && truth "$1" "$1" "$3" "$1" 0
}
has_file() { case $(newest) in *-"$1"-*) ;; *) return 1 ;; esac; }
# tiny NAME MODE TYPE [LINE...]: create a guest of a few instructions, paused.
tiny() {
    fr_name=$1 fr_mode=$2 fr_type=$3; shift 3
    {
        printf 'name = "%s"\nkernel = "/test/tiny-%s"\ntype = "%s"\n' \
            "$fr_name" "$fr_mode" "$fr_type"
        printf 'memory = 16\nvcpus = 1\n'
        [ "$fr_type" = pvh ] || echo 'tsc_mode = "native"'
        for line in 'on_crash = "destroy"' 'on_watchdog = "destroy"' \
            'on_reboot = "destroy"' "$@"; do echo "$line"; done
    } > "/tmp/$fr_name.cfg"
    xl create -q -p "/tmp/$fr_name.cfg" > "/tmp/$fr_name.log" 2>&1 ||
        show cat "/tmp/$fr_name.log"
}
# settle: wait until all records of this moment and before are overwritten.
settle() {
    fr_from=$(cut -d' ' -f1 /proc/uptime)
    ok "the past is overwritten" wait_for 60 overwritten
}
overwritten() {
    xenflight status --json | sed -n 's/.*"complete_s":{[^}]*"busy":\([0-9.]*\).*/\1/p' > /tmp/reach
    awk -v from="$fr_from" 'NR == FNR { reach = $1; next } { exit !(reach && reach < $1 - from) }' \
        /tmp/reach /proc/uptime
}
# used NAME SECONDS: the guest has had that much CPU time.
used() { [ "$(xl list "$1" | awk 'NR == 2 { print int($6) }')" -ge "$2" ]; }

ok "the installed daemon comes up as its service" start_service < /dev/null

# --- a healthy host
usleep 1000000
healthy idle "an idle host"

while :; do
    echo 1 > /proc/sys/vm/drop_caches
    dd if=/dev/sda of=/tmp/sda bs=256k count=64
done > /dev/null 2>&1 &
pid=$!
usleep 1000000
healthy dom0-io "Dom0 reads its disk"
kill $pid
wait $pid 2>/dev/null
rm -f /tmp/sda

ok "pCPU 1 goes offline" xen-hptool cpu-offline 1
ok "pCPU 1 comes online" xen-hptool cpu-online 1
healthy cpu-off-on "a pCPU went offline and online"

guest web pv destroy "sysrq_always_enabled fr_do=work fr_after=100000"
xl create -q /tmp/web.cfg > /tmp/web.log 2>&1 || show cat /tmp/web.log
web=$(xl domid web)
cat "$(xenstore-read "/local/domain/$web/console/tty")" > /tmp/web.console &
ok "a guest boots" wait_for 20 used web 1
healthy boot "a guest boots"
# Build the other guests while it boots.  The starved one has the default weight,
# its rival the largest.
tiny one 12 pv 'cpus = "1"'
tiny two 12 pv 'cpus = "1"'
tiny caller 13 pv 'cpus = "1"'
tiny leaver 4 pv
tiny heavy 12 pv 'cpus = "1"' 'cpu_weight = 65535'
tiny capped 12 pv 'cpus = "1"' 'cap = 5'
tiny storm 10 pv 'cpus = "1"'
tiny watchdog 3 pv
tiny triple 5 pvh
tiny killed 14 pv
ok "it is up" wait_for 60 grep -q "guest: up" /tmp/web.console
now=$(xl list web | awk 'NR == 2 { print int($6) }')
ok "it works" wait_for 20 used web $((now + 1))
healthy busy "a guest works"
xenstore-write /tool/xenflight/request/t1 "a script of the operator"
ok "request: through xenstore" \
    wait_for 20 sh -c '[ "$(xenstore-read /tool/xenflight/result/t1)" = done ]' &&
    mv "$(xenstore-read /tool/xenflight/result/t1/file)" /out/request.xfr.lz4 &&
    truth request healthy

xl sysrq web b
ok "the guest has been rebooted" wait_for 30 sh -c "
    now=\$(xl domid web) && [ \$now -gt $web ] && ! xl domname $web"
healthy reboot "a guest was rebooted"
web=$(xl domid web)
xl pause web

xl vcpu-pin Domain-0 all 0
xl unpause one
xl unpause two
ok "two guests share a pCPU" wait_for 20 used two 1
healthy share "two guests share a pCPU"
xl pause one
xl pause two
xl unpause caller
ok "a guest with much to do" wait_for 20 used caller 1
healthy calls "a guest makes hypercalls"
xl pause caller
healthy paused "a guest was paused"
xl unpause leaver
ok "a guest goes down" wait_for 20 gone leaver
healthy leaver "a guest went down"

# --- faults that trigger nothing
xl unpause heavy
xl unpause one
heavy=$(xl domid heavy)
ok "a guest starves" wait_for 20 used heavy 2
fault starved starved "$(xl domid one)" one 0 "$heavy" heavy
xl pause heavy
xl pause one
xl unpause capped
usleep 2000000
fault capped capped "$(xl domid capped)" capped 0
xl pause capped
xl unpause two
xl unpause storm
ok "a storm" wait_for 20 used storm 1
fault storm storm "$(xl domid storm)" storm 0
xl destroy storm

xl vcpu-pin Domain-0 all all
settle
domid=$(xl domid two)
taskset 2 xl destroy two
ok "a guest is destroyed from Dom0's vCPU 1" gone two
fault destroyed destroyed "$domid" two - 1

# Move every program in Dom0 to vCPU 0.
for d in /proc/[0-9]*; do
    [ ! -e "$d/exe" ] || taskset -p 1 "${d#/proc/}"
done > /dev/null 2>&1
settle
taskset 2 insmod /test/hang.ko 2> /tmp/hang.log &
pid=$!
ok "Dom0's vCPU 1 is about to hang" wait_for 20 grep -q '^hang .*Loading' /proc/modules
usleep 1000000
fault hung hung 0 Domain-0 1
xl unpause web # boots while vCPU 1 hangs
wait $pid
ok "Dom0's vCPU 1 hung for seconds, and runs again" \
    grep -q "temporarily unavailable" /tmp/hang.log
show cat /tmp/hang.log

# --- deaths
cat "$(xenstore-read "/local/domain/$web/console/tty")" > /tmp/web.console &
for d in "watchdog watchdog" "triple triple-fault" "killed xen-crash"; do
    set -- $d
    domid=$(xl domid "$1")
    xl unpause "$1"
    died "$1" "$2" "$domid"
done
ok "the Linux guest is up again" wait_for 60 grep -q "guest: up" /tmp/web.console
settle
xl sysrq web c
ok "panic: a file of its death" wait_for 30 has_file crash &&
    mv "$(newest)" /out/panic.xfr.lz4 && truth panic panic "$web" web 0
show cat /out/messages
kill $snapshotd_pid
wait $snapshotd_pid
