#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# status.sh: each figure of a daemon's answer in `xenflight status', and the answers
# to `xenflight snapshot'.  A script plays the daemon (tests/fake/daemon.py).

. tests/peers/lib.sh
need python3
run=$tmp/run

# asked ANSWER COMMAND...: run xenflight with a daemon that gives this answer.  The
# output is in $tmp/out, the status in $status, the request in $tmp/request.
asked()
{
    rm -f "$tmp/fifo"
    mkfifo "$tmp/fifo"
    python3 tests/fake/daemon.py "$run" "$1" >"$tmp/fifo" &
    exec 3<"$tmp/fifo"
    read -r _ <&3
    shift
    "$XENFLIGHT" "$@" --run "$run" >"$tmp/out" 2>"$tmp/err"
    status=$?
    cat <&3 >"$tmp/request"
    exec 3<&-
    wait
}
# printed STATUS TEXT-FILE: the status and exactly that output.
printed()
{
    echo "status $status, not $1"
    cat "$tmp/err"
    diff -u "$2" "$tmp/out" && [ $status = "$1" ]
}
# failed TEXT: 1, and the message has it.
failed() { cat "$tmp/err"; [ $status = 1 ] && grep -qF -e "$1" "$tmp/err"; }

cat >"$tmp/answer" <<'END'
{"ok": true,
 "recorder": {"backend": "flightrec", "state": "recording", "bytes_per_cpu": 1048576,
  "gen": 11, "held": 12, "deferred": 13, "suppressed": 14, "given_up": 15, "expired": 16,
  "complete_s": {"busy": 1.25, "rare": 2.5},
  "cpus": [
   {"cpu": 0, "online": true, "channels": {
    "busy": {"horizon_s": 1.5, "whole": false, "events_per_s": 2000.4,
     "bytes_per_event": 12.34, "emitted": 101, "overwritten": 102, "held": 3,
     "lost": {"nested": 0, "busy": 4, "stopped": 0, "retry": 5}},
    "rare": {"horizon_s": 99.5, "whole": true, "events_per_s": 0,
     "bytes_per_event": 0, "emitted": 103, "overwritten": 0, "held": 1,
     "lost": {"nested": 0, "busy": 0, "stopped": 0, "retry": 0}}}},
   {"cpu": 71, "online": false, "channels": {
    "busy": {"horizon_s": 0.125, "whole": true, "events_per_s": 7,
     "bytes_per_event": 8, "emitted": 9, "overwritten": 10, "held": 0,
     "lost": {"nested": 1}}}}]},
 "daemon": {"engine_starts": 2, "written": 21, "bytes_written": 2048, "failed": 22,
  "gone": 23, "suppressed_limit": 24, "suppressed_budget": 25, "suppressed_off": 26,
  "causes": {"crash": {"written": 31, "failed": 32}, "request": {"off": 33}},
  "store": {"files": 41, "max_files": 42, "bytes": 3072, "max_bytes": 1048576,
   "pinned": 43, "evicted": 44, "expired": 45},
  "times": {"durable": 4, "durable_ns": 8000000, "durable_max_ns": 5500000,
   "held_ns": 1250000000, "held_max_ns": 3250000},
  "hook": {"done": 51, "failed": 52, "timed_out": 53, "dropped": 54},
  "guests": {"asked": 61, "rate_limited": 62, "stale": 63, "opted_out": 64,
   "shut_out": 65},
  "last": {"file": "/var/lib/x.xfr.lz4", "latency_ns": {"durable": 12345678}}}}
END
cat >"$tmp/want" <<'END'
Recorder:  recording, 1.0 MiB a pCPU; newest generation 11, 12 held
Triggers:  13 deferred, 14 duplicates of one crash, 15 holds dropped unread, 16 expired
Reaches:   1.250 s back on all pCPUs, 2.500 s on the rare channel

pCPU  channel  seconds     events/s  bytes/ev        emitted    overwritten  held  lost
   0  busy         1.500        2000     12.3            101            102     3  4 busy, 5 retry
   0  rare        99.500*          -        -            103              0     1  0
  71- busy         0.125*          7      8.0              9             10     0  1 nested
(seconds: the history a snapshot taken now would cover; *: since the start; -: offline)

Daemon:    running, engine started 2 times
Snapshots: 21 written (2.0 KiB), 22 failed, 23 dropped
Not made:  24 over a limit, 25 over budget, 26 disabled
  crash           written 31  failed 32
  request         off 33
Budget:    41 of 42 files, 3.0 KiB of 1.0 MiB; 43 pinned; removed: 44 for room, 45 for age
Times:     on disk 2.000 ms after a trigger, 5.500 at most; held 1.250 s in all, 3.250 ms at most
Hook:      51 done, 52 failed, 53 timed out, 54 not run
Guests:    61 requests, 62 rate-limited, 63 stale; 64 guests opted out, 65 blocked
Last:      /var/lib/x.xfr.lz4, on disk 12.346 ms after its trigger
END
asked "$tmp/answer" status
check "status: each figure" printed 0 "$tmp/want"
check "status: the request" grep -qx '1 0 ' "$tmp/request"
asked "$tmp/answer" status --json
check "status --json: the answer as it is" sh -c "
    jq -S . '$tmp/answer' >'$tmp/a' && jq -S . '$tmp/out' | diff '$tmp/a' - &&
    [ \$(wc -l <'$tmp/out') = 1 ] && [ $status = 0 ]"

# Lines that are zero are left out.
jq -c '.recorder.state = "stopped" | .daemon.engine_starts = 1 | .daemon.causes = {} |
    .daemon.times.durable = 0 | .daemon.guests.asked = 0 | del(.daemon.last) |
    .daemon.hook = {"done": 0, "failed": 0, "timed_out": 0, "dropped": 0} |
    .recorder.cpus = [] | del(.daemon.store)' "$tmp/answer" >"$tmp/few"
cat >"$tmp/want" <<'END'
Recorder:  stopped, 1.0 MiB a pCPU; newest generation 11, 12 held
Triggers:  13 deferred, 14 duplicates of one crash, 15 holds dropped unread, 16 expired
Daemon:    running, engine started 1 time
Snapshots: 21 written (2.0 KiB), 22 failed, 23 dropped
Not made:  24 over a limit, 25 over budget, 26 disabled
END
asked "$tmp/few" status
check "status: zeros are left out, and it fails if Xen does not record" \
    printed 1 "$tmp/want"
for hook in '"done": 1' '"failed": 2' '"timed_out": 3' '"dropped": 4'
do
    jq -c ".daemon.hook = {$hook}" "$tmp/few" >"$tmp/one"
    asked "$tmp/one" status
    check "status: a hook with $hook" grep -q "^Hook: .* ${hook#*: }" "$tmp/out"
done

# Stock Xen's trace buffers.
jq -c '.recorder.backend = "tbuf" | .recorder.cpus = [{"cpu": 3, "online": true,
    "channels": {"busy": {"horizon_s": 4.5}}, "tbuf": {"bytes": 1000, "fill": 250,
    "produced": 4000, "moves": 6, "walked_bytes": 100, "lost": 7}},
    {"cpu": 4, "online": true, "channels": {"busy": {"horizon_s": 0}},
    "tbuf": {"bytes": 0, "fill": 0, "produced": 0, "moves": 0, "walked_bytes": 0,
    "lost": 0}}]' "$tmp/few" >"$tmp/tbuf"
cat >"$tmp/want" <<'END'
Recorder:  stopped, 1.0 MiB a pCPU; newest generation 11, 12 held
Source:    Xen's own trace buffers; the newest quarter to half of each is kept
Triggers:  13 deferred, 14 duplicates of one crash, 15 holds dropped unread, 16 expired
Reaches:   1.250 s back on all pCPUs

pCPU  seconds  full        written   moves  walked    lost
   3    4.500   25%           4000       6    2.5%       7
   4    0.000    0%              0       0    0.0%       0
(written: bytes since the daemon started; lost: records, as Xen counts them)

Daemon:    running, engine started 1 time
Snapshots: 21 written (2.0 KiB), 22 failed, 23 dropped
Not made:  24 over a limit, 25 over budget, 26 disabled
END
asked "$tmp/tbuf" status
check "status: of trace buffers" printed 1 "$tmp/want"

# Answers that are none.
printf '{"ok": false, "error": "no such luck"}' >"$tmp/bad"
asked "$tmp/bad" status
check "an error is passed on" failed "no such luck"
printf '[1, 2]' >"$tmp/bad"
asked "$tmp/bad" status
check "an answer that is no object fails" failed "status"
printf '{"ok": true' >"$tmp/bad"
asked "$tmp/bad" status
check "an answer that is cut fails" failed "status"
: >"$tmp/bad"
asked "$tmp/bad" status
check "no answer fails" failed "status"
printf '{"ok": true, "recorder": {"state": "recording\\u001b[2J", "backend": "\\u001b"}}' \
    >"$tmp/bad"
asked "$tmp/bad" status
check "no byte of an answer is sent to a terminal as it is" sh -c "
    ! grep -q '\$(printf '\\033')' '$tmp/out' '$tmp/err' &&
    grep -q 'recording.*x1b' '$tmp/out'"

# xenflight snapshot.
printf '{"ok": true, "state": "done", "file": "/var/lib/y.xfr.lz4"}' >"$tmp/done"
asked "$tmp/done" snapshot --reason "slow disk" --wait
check "snapshot --wait: the file" sh -c "
    cat '$tmp/out' '$tmp/request'; [ $status = 0 ] &&
    grep -q '/var/lib/y.xfr.lz4' '$tmp/out'"
check "snapshot --wait: the request" grep -qx '2 1 slow disk' "$tmp/request"
printf '{"ok": true, "state": "accepted"}' >"$tmp/accepted"
asked "$tmp/accepted" snapshot
check "snapshot: accepted" [ $status = 0 ]
check "snapshot: the request" grep -qx '2 0 ' "$tmp/request"
printf '{"ok": false, "error": "the budget is used up"}' >"$tmp/bad"
asked "$tmp/bad" snapshot --wait
check "snapshot: the reason of a failure" failed "the budget is used up"
finish
