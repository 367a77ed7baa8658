#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# record.sh FRHOST XENFLIGHT: `xenflight record' and `xenflight top live' on rings
# that the real core writes.  TAP.

set -u
frhost=$1 xf=$2
tmp=$(mktemp -d) || exit 1
. tests/lib/tap.sh
also=$tmp/out rec=
end()
{
    [ -z "$rec" ] || kill -KILL "$rec"
    exec 5>&-
    wait
    rm -rf "$tmp"
}
trap end EXIT
trap 'exit 1' INT TERM

# Has frhost do it; returns when it is done.
host()
{
    echo "$*" >&5
    read -r answer <&6
    case $answer in
    ok*) ;;
    *) echo "Bail out! $*: $answer"; exit 1 ;;
    esac
}

xen()
{
    cmd=$1
    shift
    timeout 60 "$xf" "$cmd" --backend "hosted:$tmp/xen" "$@"
}

# start_record FILE OPTION...: records in the background, and does so on return.
start_record()
{
    file=$tmp/$1
    shift
    "$xf" record --backend "hosted:$tmp/xen" -o "$file" --seconds 60 "$@" \
        >"$tmp/out" 2>"$tmp/err" &
    rec=$!
    read -r _ <"$tmp/err"
}

# The exit status in $status.
stop_record()
{
    [ "$1" = no ] || kill -INT "$rec"
    wait "$rec"
    status=$?
    rec=
}

# The newest packet of each ring, a line each.
newest()
{
    xen status --json --run "$tmp" |
        jq '(.recorder // .).cpus[].channels[].newest_seq'
}

# What was closed between two of these: the newest is still open.
closed()
{
    paste "$1" "$2" |
        awk '$2 { n += $2 - ($1 ? $1 : 1) } END { print n + 0 }'
}

said() { sed -n "s/.*$1.*/\\1/p" "$tmp/out"; }

mkfifo "$tmp/in" "$tmp/answers" "$tmp/err"
mkdir "$tmp/xen"
"$frhost" "$tmp/xen" 2 <"$tmp/in" >"$tmp/answers" &
exec 5>"$tmp/in" 6<"$tmp/answers"
read -r _ <&6
host pause

# A reader that keeps up: each packet that was closed, and no other.
newest >"$tmp/before"
start_record a
host domain 5 000102030405060708090a0b0c0d0e0f 2
for i in 1 2 3 4 5 6 7 8 9 10; do
    host fill 0 900
    host fill 1 300
done
stop_record int
newest >"$tmp/after"
packets=$(said 'in \([0-9]*\) packets')
check "an interrupt ends it: 0" [ $status = 0 ]
check "all packets that were closed are there" \
    [ "$packets" = "$(closed "$tmp/before" "$tmp/after")" ]
check "more than one" [ "$packets" -gt 5 ]
check "the file is whole" "$xf" verify "$tmp/a"
check "no record is missing" sh -c \
    "$xf top --json $tmp/a | jq -es 'map(select(.type==\"stretch\"))[0] |
     .gaps == 0 and .missing == 0 and .records > 1000'"
check "a domain that came meanwhile is known" sh -c \
    "$xf show --head $tmp/a | grep d5"
check "the clocks fit" sh -c \
    "$xf info --json $tmp/a | jq -e '.note.clock.fit.error_ns > 0'"
# The last packet of pCPU 1 ends before that of pCPU 0: no more is counted.
check "it is counted up to where all pCPUs are known" sh -c \
    "to=\$($xf top --json $tmp/a | jq 'select(.type==\"stretch\").to_ns')
     last=\$($xf show --json --cpu 1 $tmp/a | jq -s 'map(.ns // empty) | max')
     echo \$to \$last; [ \$to -le \$last ]"

# Nothing happens: nobody is woken.
start_record idle --seconds 1
stop_record no
check "idle: ends by the time, not woken" \
    grep 'Recorded 0 records.*woken 0 times; ended: time' "$tmp/out"
check "idle: 0" [ $status = 0 ]
check "idle: whole" "$xf" verify "$tmp/idle"

# A reader that sleeps while its ring laps.
newest >"$tmp/before"
start_record lapped
kill -STOP "$rec"
for i in 1 2 3 4 5; do host fill 0 20000; done
newest >"$tmp/after"
kill -CONT "$rec"
stop_record int
packets=$(said 'in \([0-9]*\) packets')
missed=$(said 'Missed: \([0-9]*\) packets')
check "lapped: 1" [ $status = 1 ]
check "lapped: each packet is in the file or counted" \
    [ $((packets + ${missed:-0})) = "$(closed "$tmp/before" "$tmp/after")" ]
check "lapped: missed some" [ "${missed:-0}" -gt 100 ]
check "lapped: whole, but not all" sh -c \
    "$xf verify $tmp/lapped && $xf show --head $tmp/lapped |
     grep '$missed packets were overwritten'"

# What the rings have already.
start_record history --history
stop_record int
check "history: what was there is taken" \
    [ "$(said 'Recorded \([0-9]*\) records')" -gt 1000 ]

# A bound.  On a busy machine most is overwritten before it is read: the file
# grows slowly.
start_record size --size 2M
i=0
while [ $i -lt 20000 ] && kill -0 "$rec" 2>/dev/null; do
    host fill 0 6000
    i=$((i + 1))
done
stop_record no
check "size: ends by itself" grep 'ended: size' "$tmp/out"
check "size: no larger" [ "$(stat -c %s "$tmp/size")" -le $((2 << 20)) ]
check "size: whole" "$xf" verify "$tmp/size"

# What it refuses.
check "a file that is there stays" sh -c \
    "cp $tmp/a $tmp/b; ! $xf record --backend hosted:$tmp/xen -o $tmp/b -t 1 &&
     cmp $tmp/a $tmp/b"
start_record c
check "a second reader is refused" sh -c \
    "! $xf record --backend hosted:$tmp/xen -o $tmp/d -t 1 2>$tmp/why &&
     grep 'another process reads' $tmp/why && [ ! -e $tmp/d ]"
host fill 0 3000
host recreate
stop_record no
check "the buffers go: it ends" grep 'ended: buffers gone' "$tmp/out"
check "the buffers go: 1" [ $status = 1 ]
check "the buffers go: whole" "$xf" verify "$tmp/c"

# Live: pCPU 1 does nothing, pCPU 0 a little all the time.
host hang 1
host resume
xen top live --interval 2s --count 1 --json >"$tmp/out"
live=$?
host pause
host run 1
check "live: 0" [ $live = 0 ]
check "live: counts what is recorded" jq -es \
    'map(select(.type == "stretch")) |
     length == 1 and .[0].records > 100 and .[0].gaps == 0' "$tmp/out"
check "live: a row for the domain" jq -es \
    'map(select(.type == "domain" and .running_ns > 0)) | length > 0' \
    "$tmp/out"
check "live: tells of which pCPU it cannot tell" jq -es \
    'map(select(.type == "limits"))[0] |
     .not_told == [1] and .missed_packets == 0 and .wakes > 0' "$tmp/out"
check "the buffers are destroyed" \
    xen destroy --run "$tmp"
check "no buffers: said" sh -c \
    "! $xf top live --backend hosted:$tmp/xen 2>$tmp/why &&
     grep 'no buffers' $tmp/why"
finish
