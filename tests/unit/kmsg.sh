#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# kmsg.sh: xenflight-kmsg sends a request for the kernel's reports of trouble, and
# for nothing that an unprivileged user can make appear in the kernel log.  TAP.

set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM
. tests/lib/tap.sh

cat >"$tmp/ask" <<'END'
#!/bin/sh
printf '%s\n' "$@" >>"$ASKED"
END
chmod +x "$tmp/ask"
# PREFIX TEXT: the arguments of xenflight-ask, for a record with that prefix.
asked_for()
{
    : >"$tmp/asked"
    read -r up _ </proc/uptime
    printf '%s,7,%s,-;%s\n DEVICE=+x:1,1;BUG: y\n' "$1" "$((${up%.*} + 1000))000000" "$2" \
        >"$tmp/kmsg"
    ASKED=$tmp/asked XENFLIGHT_KMSG=$tmp/kmsg XENFLIGHT_ASK=$tmp/ask \
        xs-hooks/guest/xenflight-kmsg >"$tmp/out" || return 1
    cat "$tmp/asked"
}

asks() { [ "$(asked_for "$1" "$2")" = "$(printf '%s\n' -t 10 -- "$2")" ]; }
not() { [ -z "$(asked_for "$1" "$2")" ]; }

while IFS='|' read -r level text
do
    check "$text" asks "$level" "$text"
done <<'END'
0|watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [stress:411]
0|NMI watchdog: Watchdog detected hard LOCKUP on cpu 3
0|watchdog: Watchdog detected hard LOCKUP on cpu 3
1|BUG: kernel NULL pointer dereference, address: 0000000000000008
1|BUG: unable to handle page fault for address: ffffc90000a00000
3|BUG: sleeping function called from invalid context at mm/slab.h:421
2|kernel BUG at mm/slub.c:4023!
4|general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP
4|Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1]
4|invalid opcode: 0000 [#1] PREEMPT SMP NOPTI
3|INFO: task jbd2/xvda1-8:312 blocked for more than 120 seconds.
3|rcu: INFO: rcu_sched self-detected stall on CPU
3|rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
3|INFO: rcu_sched self-detected stall on CPU
3|Out of memory: Killed process 812 (java) total-vm:8123456kB, anon-rss:4012345kB
0|mce: [Hardware Error]: CPU 0: Machine Check Exception: 5 Bank 0
2|{1}[Hardware Error]: Hardware error from APEI Generic Hardware Error Source: 0
END

# Written by a user: by syslog, as the name of a process or of its file.
while IFS='|' read -r level text
do
    check "not: $level $text" not "$level" "$text"
done <<'END'
8|BUG: soft lockup - CPU#0 stuck for 23s!
11|watchdog: BUG: soft lockup - CPU#1 stuck for 26s!
30|atchdog: Watchdog detected hard LOCKUP on cpu 3
12|INFO: task x:1 blocked for more than 120 seconds.
6|BUG: x[411]: segfault at 0 ip 000055d0 sp 00007ffd error 4 in a[55d0+1000]
6|INFO: task x[411]: segfault at 0 ip 0 sp 0 error 4 in b blocked for more than 9[55d0+1000]
6|traps: a.out[411] general protection fault ip:55d0 sp:7ffd error:0 in a.out[55d0+1000]
6|general protec[411]: segfault at 0 ip 0 sp 0 error 4 in general protection fault[55d0+1000]
4|BUG: x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
4|Oops: 0 [#1] invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0
4|BUG: x: page allocation failure: order:10, mode:0xcc0(GFP_KERNEL)
4|Memory cgroup out of memory: Killed process 812 (Out of memory: ) total-vm:8kB
5|audit: type=1701 comm="BUG: x" exe="/home/u/kernel BUG at " sig=11 res=1
6|usb 1-1: Product: [Hardware Error]: BUG:
END

check "a text that looks like an option is none" sh -c "
    ! grep -nE '(-t [0-9]+|xenstore-write|xenflight-ask) +\"?\\\$' \
        xs-hooks/guest/* xs-hooks/toolstack/* | grep -v 'node\" [a-z]*$'"

finish
