# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Take pCPU 1 offline and online in a loop, while all pCPUs record and generations
# are frozen.  Each account must be exact, and no record, packet or page of Xen's
# heap lost.  /test/cycles has the number of cycles, and how often the buffers are
# destroyed and created again, in changing sizes.

[ -r /test/cycles ] && read -r cycles again < /test/cycles || { cycles=20; again=5; }

# freezes FILE: freeze, check the account and release, until FILE exists.
freezes() {
    until [ -e "$1" ]; do
        probe freeze 1 > /tmp/fz && gen=$(v gen /tmp/fz) &&
            probe quiesce "$gen" > /tmp/fq && probe audit "$gen" && probe release "$gen" ||
            echo "failed: generation $gen: $(cat /tmp/fq)"
    done > /tmp/freezes 2>&1
}
probe status > /tmp/st
ok "recording" is state /tmp/st 3
show grep mask_ /tmp/st
pages=$(free_pages)
rm -f /tmp/enough
freezes /tmp/enough &
freezer=$!
start=$(date +%s)
probe plug 1 "$cycles" > /tmp/plug 2>&1
took=$(($(date +%s) - start))
touch /tmp/enough
wait $freezer
audits=$(grep -c '^right' /tmp/freezes)
ok "pCPU 1 goes offline and online $cycles times, and records each time" \
    grep -q "cycles=$cycles$" /tmp/plug
show cat /tmp/plug
say "# $cycles cycles in $took s, with $((audits / 4)) freezes and $audits accounts"
none() { ! grep -E "$1" /tmp/freezes; }
ok "there were freezes during the cycles" [ "$audits" -ge 4 ]
ok "each account is exact, the held packets agree" none '^WRONG|^failed|^#'
ok "no record is lost" none ' lost=[1-9]'
ok "no packet is missing among the held ones" none ' gaps=[1-9]'
grep '^right' /tmp/freezes | tail -n 4 > /tmp/last
show cat /tmp/last
pages_now=$(free_pages)
say "# free pages of Xen: $pages before, $pages_now after"
# Xen may free a pCPU's own pages later.
ok "Xen's heap is unchanged" [ "$pages_now" -ge $((pages - 4)) ]

# once SIZE SLOT SPARES
once() {
    probe destroy && probe create "$1" "$2" "$3" && probe start && probe freeze 1 > /tmp/f &&
        gen=$(v gen /tmp/f) && probe quiesce "$gen" > /tmp/fq && probe audit "$gen" &&
        probe release "$gen" && echo done
}
i=0
while [ $i -lt "$again" ]; do
    i=$((i + 1))
    case $((i % 5)) in
    0) once 1048576 0 0 ;;
    1) once 4194304 0 0 ;;
    2) once 262144 8192 3 ;;
    3) once 16777216 524288 2 ;;
    4) once 524288 8192 0 ;;
    esac
done > /tmp/again 2>&1
n=$(grep -c '^done' /tmp/again)
ok "destroy and create $again times, while recording" [ "$n" = "$again" ]
[ "$n" = "$again" ] || show tail -n 5 /tmp/again
ok "each account is exact" sh -c '! grep -E "^WRONG|^#" /tmp/again'
probe destroy
probe create 1048576
probe start
pages_now=$(free_pages)
say "# free pages of Xen: $pages before, $pages_now after $again times"
heap() { [ "$(free_pages)" -ge $((pages - 4)) ]; }
ok "Xen's heap is unchanged after it" wait_for 10 heap
ok "no unexpected message of Xen" sh -c \
    'xl dmesg >> /out/xen.log; ! grep -E "Assert|Xen BUG|Panic|WARN|Leaking" /out/xen.log'
