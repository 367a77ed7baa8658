# SPDX-License-Identifier: LGPL-2.1-or-later
#
# For many minutes guests start, work and die, a few of them at the same time, while
# snapshots are requested.  tests/e2e/soak compares the deaths that xl saw with the
# files of the daemon.

state=/out/snapshots
log=/out/snapshotd.log
logs=/var/log/xen
printf '[daemon]\nstate = %s\nheartbeat = 2\n[limit]\ndomain = off\ntotal = off\n[store]\nmax_files = 16\n' $state > /tmp/soak.conf
: > /out/samples
minutes=$(cat /test/minutes)
seed=$(date +%s)
say "# seed $seed, $minutes minutes"
up() { xenflight status > /tmp/status 2>&1 && grep -q "Daemon:    running" /tmp/status; }
engine_pid() { xenflight status --json | sed -n 's/.*"engine_pid":\([0-9]*\).*/\1/p'; }

$(service_command) -c /tmp/soak.conf 2> $log &
daemon=$!
ok "the daemon comes up" wait_for 30 up

# begin NAME TYPE MODE
begin() {
    cat > "/tmp/$1.cfg" <<END
name = "$1"
uuid = "5047ad00-0000-4000-8000-00000000000$3"
type = "$2"
kernel = "/test/tiny-$3"
memory = 16
vcpus = 1
on_crash = "destroy"
on_reboot = "destroy"
on_watchdog = "destroy"
END
    xl create -q "/tmp/$1.cfg" > /tmp/create 2>&1 || cat /tmp/create >> /out/xl-errors
    rm "/tmp/$1.cfg"
}
begin_linux() {
    guest "$1" pv restart "fr_do=work fr_after=3"
    echo 'uuid = "5047ad00-0000-4000-8000-000000000999"' >> "/tmp/$1.cfg"
    xl create -q "/tmp/$1.cfg" > /tmp/create 2>&1 || cat /tmp/create >> /out/xl-errors
}
# Kill its xl first, which would start it again.
end_linux() {
    for p in /proc/[0-9]*; do
        case $(tr '\0' ' ' < "$p/cmdline" 2>/dev/null) in
        *"/tmp/$1.cfg "*) kill "${p#/proc/}" ;;
        esac
    done
    wait_for 20 xl destroy "$1" || ! xl domid "$1"
}
alone() { [ "$(xl list | wc -l)" = 2 ]; }
at_rest() { probe status > /tmp/st; [ "$(v gen /tmp/st)" = "$(v released /tmp/st)" ]; }

rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }
# sample MINUTE: memory use, without guests.
sample() {
    wait_for 60 alone && wait_for 30 at_rest || say "# sample $1: not at rest"
    echo 3 > /proc/sys/vm/drop_caches
    free=$(sed -n 's/^MemFree:[^0-9]*\([0-9]*\).*/\1/p' /proc/meminfo)
    # Files are in memory here: snapshots are removed, logs grow.
    files=$(du -skc /out /var/log /tmp | awk 'END { print $1 }')
    echo "$1 $(free_pages) $(rss $daemon) $(rss "$(engine_pid)") $((free + files)) $(v gen /tmp/st)" >> /out/samples
}

asked=0 done=0 bad=0 verified=0
# ask 1|2: request a snapshot, verify its file and remove it.
ask() {
    asked=$((asked + 1))
    case $1 in
    1) xenflight-request "soak $asked" > /tmp/answer 2>&1 ;;
    *) xenflight snapshot --wait --reason "soak $asked" > /tmp/answer 2>&1 ;;
    esac || { cat /tmp/answer >> /out/request-errors; return; }
    done=$((done + 1))
    for f in $state/*-host-request-*.xfr.lz4; do
        xenflight verify "$f" > /tmp/verify 2>&1 && verified=$((verified + 1)) ||
            { bad=$((bad + 1)); cat /tmp/verify >> /out/verify-errors; }
        rm -f "$f"
    done
}
look() {
    f=$(ls -t $state/*.xfr.lz4 2>/dev/null | head -n 1)
    [ -n "$f" ] || return
    xenflight verify "$f" > /tmp/verify 2>&1 && verified=$((verified + 1)) ||
        { bad=$((bad + 1)); cat /tmp/verify >> /out/verify-errors; }
}

# Random lines: MODE TYPE CHANCE.
awk -v seed="$seed" 'BEGIN { srand(seed); n = split("1 2 3 4 5 6 7", m)
    for ( i = 0; i < 100000; i++ ) { k = m[1 + int(rand() * n)]
        print k, (k == 5 || k == 6 ? "pvh" : "pv"), int(rand() * 8) } }' > /tmp/plan

begun=0 linux=0
start=$(date +%s)
sample 0
exec 4< /tmp/plan
for part in 1 2 3 4 5 6; do
    part_end=$((start + minutes * 10 * part))
    linux=$((linux + 1))
    begin_linux linux$linux
    while [ "$(date +%s)" -lt $part_end ]; do
        read -r mode type chance <&4
        begun=$((begun + 1))
        begin "t$mode-$begun" "$type" "$mode"
        case $chance in
        0) ask 1 ;;
        1) ask 2 ;;
        2) look ;;
        3) kill -USR1 $daemon ;;
        esac
        # At most four at a time.
        few() { [ "$(xl list | wc -l)" -lt 6 ]; }
        wait_for 60 few || say "# guests do not end: $(xl list | awk 'NR > 1 { print $1, $5 }')"
    done
    end_linux linux$linux
    sample $((minutes * part / 6))
    say "# $(($(date +%s) - start)) s: $begun guests started, $asked requests"
done
exec 4<&-

up
cp /tmp/status /out/status
show cat /out/status
probe status > /out/recorder
echo "$begun $linux $asked $done $bad $verified" > /out/counts
for f in $logs/xl-*.log; do
    sed -n "s,.*Domain \([0-9]*\) has shut down\, reason code \([0-9]*\).*,${f##*/xl-} \1 \2,p" "$f"
done | sed 's/\.log / /' > /out/deaths
ok "the daemon is still the same process" kill -0 $daemon
ok "its engine was started once" grep -q "engine started 1 time" /out/status
kill $daemon
ok "it exits on SIGTERM" wait $daemon
xl dmesg >> /out/xen.log
ok "no unexpected message of Xen" sh -c \
    '! grep -E "Assert|Xen BUG|Panic|WARN|Leaking" /out/xen.log'
