# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Words for the cases stress-*, and the daemon's start.  What must be in the files
# is written to /out/expect, a line a guest; tests/e2e/stress looks into them on
# the host.

state=/out/snapshots
conf=/tmp/snapshotd.conf
log=/out/snapshotd.log
: > /out/expect
: > /out/asked
: > $log
creating=

# The daemon, its engine.
answers() { xenflight status > /tmp/status 2>&1 && grep -q "Daemon:    running" /tmp/status; }
start_daemon() {
    mark
    $(service_command) -c ${1:-$conf} 2>> $log &
    daemon=$!
    wait_for 20 said "watching" && wait_for 20 engine_pid
}
stop_daemon() { kill $daemon; wait $daemon; }
engine_pid() {
    for d in /proc/[0-9]*; do
        read -r comm 2>/dev/null < "$d/comm" || continue
        [ "$comm" != snapshotd-eng ] || { echo "${d#/proc/}"; return; }
    done
    return 1
}

# said TEXT: the daemon has, since `mark`.
mark() { log_from=$(($(wc -l < $log) + 1)); }
said() { tail -n "+$log_from" $log | grep -qF "$1"; }

# prepare NAME MODE TYPE: a guest of few instructions, that has not yet begun.
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
# Two at a time: with more, xl's own time limits pass on a busy machine.
create() {
    xl create -q -p "/tmp/$1.cfg" > "/tmp/$1.log" 2>&1 &
    creating="$creating $1:$!"
    case $creating in *:*:*) prepared ;; esac
}
# All of them are there.
prepared() {
    for c in $creating; do
        wait "${c#*:}" || xl create -q -p "/tmp/${c%:*}.cfg" > "/tmp/${c%:*}.log" 2>&1
    done
    creating=
}
# The one that is meant from now on.
use() {
    read -r uuid < "/tmp/$1.uuid"
    probe domain "$uuid" > /tmp/domain || show cat "/tmp/$1.log"
    domid=$(v domid /tmp/domain)
}

# Of the guest in use: NAME CAUSE HISTORY, a word for what it shows.  The
# cause "none": no file may be there.
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

# catch SIGNAL PID...: the signal, as soon as a file is begun.
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

# Some pCPU records.
all_emitted() { n=0; for c in 0 1 2 3; do n=$((n + $(emitted $c))); done; echo $n; }
more_than_in_all() { [ "$(all_emitted)" -gt "$1" ]; }
goes_on() { wait_for 10 more_than_in_all "$(all_emitted)"; }

printf '[daemon]\nstate = %s\nheartbeat = 1\n[limit]\ndomain = off\ntotal = off\n[guests]\nmay_ask = all\n' $state > $conf
ok "the daemon comes up" start_daemon
wait_for 20 answers
show cat /tmp/status
