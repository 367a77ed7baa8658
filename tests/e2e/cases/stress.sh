# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Functions for the cases stress-*, and the daemon's start.  The expected content of
# the files is written to /out/expect, a line for each guest; tests/e2e/stress
# checks them on the host.

state=/out/snapshots
conf=/tmp/snapshotd.conf
log=/out/snapshotd.log
: > /out/expect
: > /out/asked
: > $log
creating=

# The daemon and its engine.
answers() { xenflight status > /tmp/status 2>&1 && grep -q "Daemon:    running" /tmp/status; }
start_daemon() {
    mark
    $(service_command) -c ${1:-$conf} 2>> $log &
    daemon=$!
    wait_for 20 logged "watching" && wait_for 20 engine_pid
}
stop_daemon() { kill $daemon; wait $daemon; }
engine_pid() {
    for d in /proc/[0-9]*; do
        read -r comm 2>/dev/null < "$d/comm" || continue
        [ "$comm" != snapshotd-eng ] || { echo "${d#/proc/}"; return; }
    done
    return 1
}

# logged TEXT: the daemon has logged it since `mark`.
mark() { log_from=$(($(wc -l < $log) + 1)); }
logged() { tail -n "+$log_from" $log | grep -qF "$1"; }

# prepare NAME MODE TYPE: create a guest of a few instructions, paused.
prepare() {
    read -r uuid < /proc/sys/kernel/random/uuid
    echo "$uuid" > "/tmp/$1.uuid"
    cat > "/tmp/$1.cfg" <<END
name = "$1"
uuid = "$uuid"
type = "$3"
kernel = "/test/tiny-$2"
memory = 16
vcpus = 1
on_crash = "destroy"
on_reboot = "destroy"
on_watchdog = "destroy"
END
    create "$1"
}
# Create two at a time: with more, xl's own time limits expire on a busy machine.
create() {
    xl create -q -p "/tmp/$1.cfg" > "/tmp/$1.log" 2>&1 &
    creating="$creating $1:$!"
    case $creating in *:*:*) prepared ;; esac
}
# Wait until all of them exist.
prepared() {
    for c in $creating; do
        wait "${c#*:}" || xl create -q -p "/tmp/${c%:*}.cfg" > "/tmp/${c%:*}.log" 2>&1
    done
    creating=
}
# use NAME: select the guest for the functions below.
use() {
    read -r uuid < "/tmp/$1.uuid"
    probe domain "$uuid" > /tmp/domain || show cat "/tmp/$1.log"
    domid=$(v domid /tmp/domain)
}

# expect NAME CAUSE HISTORY WORD: the file of the selected guest must have these; WORD
# names the situation.  With the cause "none" there may be no file.
expect() { echo "$uuid $domid $1 $2 $3 $4" >> /out/expect; }
has() { for f in $state/*-"$1"-*.xfr.lz4; do [ -e "$f" ]; done; }
generation() { probe status | sed -n 's/^gen=//p'; }
begun() { [ "$(generation)" -ge "$1" ]; }
at_rest() { probe status > /tmp/st; [ "$(v gen /tmp/st)" = "$(v released /tmp/st)" ]; }

# dies NAME CAUSE
dies() {
    use "$1"
    expect "$1" "$2" complete death
    probe unpause "$domid"
    ok "$1: a file" wait_for 30 has "$uuid"
}

# catch SIGNAL PID...: send the signal as soon as a file is begun.
catch() {
    catch_end=$(($(date +%s) + 30))
    while [ "$(date +%s)" -lt $catch_end ]; do
        i=0
        while [ $i -lt 2000 ]; do
            i=$((i + 1))
            for f in $state/*.part; do
                [ -e "$f" ] || continue
                kill "-$1" "$2" ${3:+"$3"}
                return
            done
        done
    done
    return 1
}

# goes_on: some pCPU records.
all_emitted() { n=0; for c in 0 1 2 3; do n=$((n + $(emitted $c))); done; echo $n; }
more_than_in_all() { [ "$(all_emitted)" -gt "$1" ]; }
goes_on() { wait_for 10 more_than_in_all "$(all_emitted)"; }

printf '[daemon]\nstate = %s\nheartbeat = 1\n[limit]\ndomain = off\ntotal = off\n[guests]\nmay_ask = all\n' $state > $conf
ok "the daemon comes up" start_daemon
wait_for 20 answers
show cat /tmp/status
