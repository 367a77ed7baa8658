# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A hundred crashes in one boot, of all kinds and with all actions of xl, between
# other ends.  The state directory is a file system exactly as large as the budget:
# if the budget were exceeded at any time, a write would fail and be counted.
# tests/e2e/soak-crashes compares xl's view with the daemon's.  The limit over all
# domains is off, so that the limit of one domain is reached.

state=/state
log=/out/snapshotd.log
max_files=24 max_kib=2560
: > $log
: > /out/verify-errors
: > /tmp/verified
mkdir -p $state
# A file takes whole pages; its directory is one more inode.
mount -t tmpfs -o "size=$((max_kib + 4 * max_files))k,nr_inodes=$((max_files + 1)),mode=700,uid=998,gid=998" \
    tmpfs $state
cat > /tmp/soak.conf <<END
[daemon]
state = $state
heartbeat = 2
[store]
max_files = $max_files
max_bytes = ${max_kib}K
min_free = 0
[limit]
total = off
END
up() { xenflight status > /tmp/status 2>&1 && grep -q "Daemon:    running" /tmp/status; }
$(service_command) -c /tmp/soak.conf 2> $log &
daemon=$!
ok "the daemon comes up" wait_for 30 up

# begin NAME MODE TYPE ON_CRASH ON_REBOOT
begin() {
    cat > "/tmp/$1.cfg" <<END
name = "$1"
type = "$3"
kernel = "/test/tiny-$2"
memory = 16
vcpus = 1
on_crash = "$4"
on_reboot = "$5"
on_watchdog = "$4"
END
    xl create -q "/tmp/$1.cfg" > /tmp/create 2>&1 || cat /tmp/create >> /out/xl-errors
    begun=$((begun + 1))
}
few() { [ "$(xl list | wc -l)" -lt "$1" ]; }
alone() { few 3; }
at_rest() { probe status > /tmp/st; [ "$(v gen /tmp/st)" = "$(v released /tmp/st)" ]; }

# Verify files that were not verified yet.
verify_new() {
    wait_for 60 at_rest
    for f in $state/*.xfr.lz4; do
        grep -qF "$f" /tmp/verified && continue
        echo "$f" >> /tmp/verified
        xenflight verify "$f" > /tmp/verify 2>&1 || cat /tmp/verify >> /out/verify-errors
    done
}
# Verify, and check that Xen records.
look() {
    verify_new
    ok "$1: Xen records, on both pCPUs" records
    up
}
records() { probe status > /tmp/st; is state /tmp/st 3 && grows 0 && grows 1; }

begun=0 n=0
say "# $(cut -d. -f1 /proc/uptime) s: guests that crash and are destroyed, others that power off"
for round in 1 2 3 4 5 6 7 8 9; do
    for mode in 1 2 3 5 6; do
        case $mode in 5 | 6) type=pvh ;; *) type=pv ;; esac
        begin "d$mode-$round" $mode $type destroy destroy
        wait_for 60 few 6
    done
    begin "e7-$round" 7 pv destroy destroy
    begin "e4-$round" 4 pv destroy destroy
    begin "e9-$round" 9 pv destroy destroy
    xl destroy "e9-$round"
    wait_for 60 alone
    verify_new
done
look "destroyed"

say "# $(cut -d. -f1 /proc/uptime) s: guests that are preserved"
for round in 1 2 3; do
    for mode in 1 2 3 5 6; do
        case $mode in 5 | 6) type=pvh ;; *) type=pv ;; esac
        begin "p$mode-$round" $mode $type preserve preserve
    done
    shut_down() { [ "$(xl list | awk '$5 ~ /s/' | wc -l)" = 5 ]; }
    ok "preserved, round $round: five are shut down and kept" wait_for 60 shut_down
    wait_for 30 at_rest
    gen=$(v gen /tmp/st)
    for mode in 1 2 3 5 6; do xl destroy "p$mode-$round"; done
    wait_for 30 alone
    probe status > /tmp/st
    ok "... destroying them begins no generation" is gen /tmp/st "$gen"
    verify_new
done
look "preserved"

say "# $(cut -d. -f1 /proc/uptime) s: guests that crash, are restarted, and crash"
crashes_of() { grep -c "generation [0-9]*: [a-z-]* of domain [0-9]* \"$1\"" $log; }
looped() { [ "$(crashes_of "$1")" -ge 14 ]; }
for mode in 1 2 6; do
    case $mode in 6) type=pvh ;; *) type=pv ;; esac
    begin "loop$mode" $mode $type restart destroy
    ok "loop$mode: fourteen lives" wait_for 300 looped "loop$mode"
    # Kill its xl first, which would start it again.
    for p in /proc/[0-9]*; do
        case $(tr '\0' ' ' < "$p/cmdline" 2>/dev/null) in
        *"/tmp/loop$mode.cfg "*) kill "${p#/proc/}" ;;
        esac
    done
    for i in 1 2 3 4 5; do xl destroy "loop$mode" 2>/dev/null; wait_for 4 alone && break; done
    verify_new
done
look "restarted"

xenflight status --json > /out/status.json
cp /tmp/status /out/status
show cat /out/status
probe status > /out/recorder
ok "no generation is held" wait_for 30 at_rest
ok "no guest is left" alone
wc -l < /tmp/verified > /out/verified
for f in /var/log/xen/xl-*.log; do
    sed -n "s,.*Domain \([0-9]*\) has shut down\, reason code \([0-9]*\).*,${f##*/xl-} \1 \2,p" "$f"
done | sed 's/\.log[.0-9]* / /' > /out/deaths
ok "the daemon is still the same process" kill -0 $daemon
ok "its engine was started once" grep -q "engine started 1 time" /out/status
kill $daemon
ok "it exits on SIGTERM" wait $daemon
mkdir -p /out/snapshots
cp $state/* /out/snapshots/
xl dmesg > /out/xen.log
ok "no unexpected message of Xen" sh -c \
    '! grep -E "Assert|Xen BUG|Panic|WARN|Leaking" /out/xen.log'
say "# $begun guests started, in $(cut -d. -f1 /proc/uptime) s"
