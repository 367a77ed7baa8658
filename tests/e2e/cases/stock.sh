# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Debian's own Xen: the same daemon reads Xen's trace buffers.  The files go to the
# host for tests/e2e/stock.  /test/busy has the number of seconds for which a guest
# keeps Xen busy.

state=/var/lib/xen/snapshotd
read -r busy < /test/busy

newest() { ls -t $state/*.xfr.lz4 2>/dev/null | head -n 1; }
has_files() { [ "$(ls $state/*.xfr.lz4 2>/dev/null | wc -l)" -ge "$1" ]; }
up() { xenflight status > /tmp/status 2>&1; }
# fails_with STATUS PATTERN COMMAND...
fails_with() {
    fr_want=$1 fr_pattern=$2; shift 2
    timeout 20 "$@" > /tmp/refused 2>&1
    fr_rc=$?
    cat /tmp/refused
    [ $fr_rc = "$fr_want" ] && grep -q "$fr_pattern" /tmp/refused
}
# usage PID...: CPU time in ns, and number of times they were scheduled.
usage() {
    for p; do cat "/proc/$p/schedstat"; done |
        awk '{ ns += $1; runs += $3 } END { printf "%.0f %.0f\n", ns, runs }'
}
# used BEFORE AFTER: the difference of two usages, in us and times scheduled.
used() {
    echo "$1 $2" | awk '{ printf "%d %d\n", ($3 - $1) / 1000, $4 - $2 }'
}
daemon_pids() {
    for d in /proc/[0-9]*; do
        read -r comm 2>/dev/null < "$d/comm" || continue
        case $comm in snapshotd|snapshotd-eng) echo "${d#/proc/}" ;; esac
    done
}
service() {
    rm -f /run/xenflight/control
    start_service <<END
[daemon]
heartbeat = 3600
[recorder]
bytes_per_cpu = 4M
END
}
# tiny NAME MODE: a guest of a few instructions on pCPU 1, capped at a quarter of it.
tiny() {
    printf 'name = "%s"\ntype = "pv"\nkernel = "/test/tiny-%s"\nmemory = 16\ncpus = "1"\ncap = 25\non_crash = "destroy"\n' \
        "$1" "$2" > "/tmp/$1.cfg"
    xl create -q -p "/tmp/$1.cfg" > "/tmp/$1.log" 2>&1
}

# --- without the daemon
printf '[recorder]\nbackend = flightrec\n' > /tmp/flightrec.conf
ok "backend = flightrec: the daemon refuses this Xen" \
    fails_with 6 "no flight recorder" snapshotd -c /tmp/flightrec.conf
ok "... and xenflight start does" \
    fails_with 1 "no flight recorder" xenflight start --backend flightrec
ok "xenflight status: no buffers yet" fails_with 1 "no buffers" xenflight status

# --- the daemon
ok "the installed daemon comes up as its service" service
ok "xenflight status: Xen records" up
show cat /tmp/status
ok "... into its own trace buffers" grep -q "own trace buffers" /tmp/status
ok "xentrace is refused" sh -c \
    "timeout 5 xentrace -T 2 /tmp/none 2>&1 | grep -iE 'exist|bind|virq'"

# --- a crash
tiny victim 1
printf '%s %s\n' "$(xl list -v victim | awk 'NR == 2 { print $7 }')" \
    "$(xl domid victim)" > /out/victim
xl unpause victim
ok "a guest crashes: a file" wait_for 60 has_files 1
mv "$(newest)" /out/crash.xfr.lz4

# --- a request
xenstore-write /tool/xenflight/request/t1 "disk latency"
ok "a request through xenstore is answered" \
    wait_for 20 sh -c '[ "$(xenstore-read /tool/xenflight/result/t1)" = done ]'
mv "$(xenstore-read /tool/xenflight/result/t1/file)" /out/request.xfr.lz4

# --- a busy guest on a pCPU of its own; Dom0 fills a quarter of the other pCPU's
# buffer
xl vcpu-pin Domain-0 all 0
tiny busy 10
xl unpause busy
taskset 1 sh -c 'while :; do xenstore-read domid > /dev/null; done' &
noise=$!
quarter() { probe-tbuf fill > /tmp/fill && ! grep -q 'quarter=no' /tmp/fill; }
ok "the buffers fill" wait_for 60 quarter
kill -STOP $noise
pids=$(daemon_pids)
up
grep -A 3 "^pCPU" /tmp/status > /tmp/before
before=$(usage $pids)
probe-tbuf looks "$busy" 20 > /tmp/looks
ours=$(used "$before" "$(usage $pids)")
up
show cat /tmp/before
show cat /tmp/status
ok "never less than a quarter of a buffer at 20 random looks" \
    sh -c "cat /tmp/looks; grep -q 'looks=20 low=0' /tmp/looks"
xenflight status --json > /out/status.json
ok "no record lost" sh -c \
    '! grep -oE "\"tbuf\":\{[^}]*" /out/status.json | grep -v "\"lost\":0,"'
ok "no history was given up" sh -c \
    '! grep -E "\"resyncs\":[1-9]|\"bogus\":[1-9]" /out/status.json'

# --- kill the daemon: Xen drops records once its buffers are full, as without us;
# the next daemon adopts the buffers
kill -9 $snapshotd_pid
wait $snapshotd_pid 2>/dev/null
ok "killed: the next daemon comes up" service
ok "... adopts the buffers, and takes a snapshot" \
    sh -c "xenflight snapshot --reason again --wait"
cp "$(newest)" /out/again.xfr.lz4
kill $snapshotd_pid
ok "it exits on SIGTERM" wait $snapshotd_pid

# --- xentrace doing the same job, with as many bytes in memory
xentrace -M 8M -e 0x07bff000 /tmp/xentrace.out > /tmp/xentrace.log 2>&1 &
wait_for 5 pidof xentrace
usleep 1000000
pid=$(pidof xentrace)
before=$(usage $pid)
sleep "$busy"
theirs=$(used "$before" "$(usage $pid)")
kill $pid
set -- $ours $theirs
say "# measured: CPU time in $busy s of a busy guest: snapshotd $1 us in $2 runs, xentrace -M $3 us in $4: $((100 * $1 / ($3 + 1)))/100 of it"
kill -9 $noise
xl destroy busy
show cat /out/messages
ok "no unexpected message of Xen" sh -c \
    '! xl dmesg | grep -E "Assert|Xen BUG|Panic|WARN|bogus"'
