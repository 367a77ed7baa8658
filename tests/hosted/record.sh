#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# record.sh FRHOST XENFLIGHT: `xenflight record' and `xenflight top live' on rings
# written by the real core.  TAP.

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

# host COMMAND...: send frhost a command and wait until it is done.
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
    tests/lib/own-timeout 60 "$xf" "$cmd" --backend "hosted:$tmp/xen" "$@"
}

# start_record FILE OPTION...: start recording in the background; it records when
# this returns.
start_record()
{
    file=$tmp/$1
    shift
    "$xf" record --backend "hosted:$tmp/xen" -o "$file" --seconds 60 "$@" \
        >"$tmp/out" 2>"$tmp/err" &
    rec=$!
    read -r _ <"$tmp/err"
}

# stop_record int|no: interrupt it if `int', and wait; $status has its exit status.
stop_record()
{
    [ "$1" = no ] || kill -INT "$rec"
    wait "$rec"
    status=$?
    rec=
}

# newest: print the newest sequence number of each ring, a line each.
newest()
{
    xen status --json --run "$tmp" |
        jq '(.recorder // .).cpus[].channels[].newest_seq'
}

# closed BEFORE AFTER: count packets closed between two outputs of `newest'.  The
# newest one is still open.
closed()
{
    paste "$1" "$2" |
        awk '$2 { n += $2 - ($1 ? $1 : 1) } END { print n + 0 }'
}

# output PATTERN: print the group of PATTERN in the output of `record'.
output() { sed -n "s/.*$1.*/\\1/p" "$tmp/out"; }

mkfifo "$tmp/in" "$tmp/answers" "$tmp/err"
mkdir "$tmp/xen"
"$frhost" "$tmp/xen" 2 <"$tmp/in" >"$tmp/answers" &
exec 5>"$tmp/in" 6<"$tmp/answers"
read -r _ <&6
host pause

# A reader that keeps up gets each closed packet, and no other.
newest >"$tmp/before"
start_record a
host domain 5 000102030405060708090a0b0c0d0e0f 2
for i in 1 2 3 4 5 6 7 8 9 10; do
    host fill 0 900
    host fill 1 300
done
stop_record int
newest >"$tmp/after"
packets=$(output 'in \([0-9]*\) packets')
check "an interrupt ends it: 0" [ $status = 0 ]
check "the file has all closed packets" \
    [ "$packets" = "$(closed "$tmp/before" "$tmp/after")" ]
check "more than one" [ "$packets" -gt 5 ]
check "the file is complete" "$xf" verify "$tmp/a"
check "no record is missing" sh -c \
    "$xf top --json $tmp/a | jq -es 'map(select(.type==\"stretch\"))[0] |
     .gaps == 0 and .missing == 0 and .records > 1000'"
check "a domain created during the recording is known" sh -c \
    "$xf show --head $tmp/a | grep d5"
check "the clocks fit" sh -c \
    "$xf info --json $tmp/a | jq -e '.note.clock.fit.error_ns > 0'"
# The last packet of pCPU 1 ends before that of pCPU 0, and with it the counting.
check "records are counted up to the end of the first pCPU" sh -c \
    "to=\$($xf top --json $tmp/a | jq 'select(.type==\"stretch\").to_ns')
     last=\$($xf show --json --cpu 1 $tmp/a | jq -s 'map(.ns // empty) | max')
     echo \$to \$last; [ \$to -le \$last ]"

# Nothing is recorded: the reader is not woken.
start_record idle --seconds 1
stop_record no
check "idle: ends by its time limit, not woken" \
    grep 'Recorded 0 records.*woken 0 times; ended: time' "$tmp/out"
check "idle: 0" [ $status = 0 ]
check "idle: complete" "$xf" verify "$tmp/idle"

# A reader that is stopped while the ring wraps around.
newest >"$tmp/before"
start_record lapped
kill -STOP "$rec"
for i in 1 2 3 4 5; do host fill 0 20000; done
newest >"$tmp/after"
kill -CONT "$rec"
stop_record int
packets=$(output 'in \([0-9]*\) packets')
missed=$(output 'Missed: \([0-9]*\) packets')
check "lapped: 1" [ $status = 1 ]
check "lapped: each packet is in the file or counted" \
    [ $((packets + ${missed:-0})) = "$(closed "$tmp/before" "$tmp/after")" ]
check "lapped: missed some" [ "${missed:-0}" -gt 100 ]
check "lapped: complete, with the missed packets counted" sh -c \
    "$xf verify $tmp/lapped && $xf show --head $tmp/lapped |
     grep '$missed packets were overwritten'"

# The records that the rings have already.
start_record history --history
stop_record int
check "history: older records are in the file" \
    [ "$(output 'Recorded \([0-9]*\) records')" -gt 1000 ]

# A limit of the size.  On a busy machine most packets are overwritten before they
# are read, and the file grows slowly.
start_record size --size 2M
i=0
while [ $i -lt 20000 ] && kill -0 "$rec" 2>/dev/null; do
    host fill 0 6000
    i=$((i + 1))
done
stop_record no
check "size: ends by itself" grep 'ended: size' "$tmp/out"
check "size: no larger" [ "$(stat -c %s "$tmp/size")" -le $((2 << 20)) ]
check "size: complete" "$xf" verify "$tmp/size"

# It refuses these.
check "an existing file is kept" sh -c \
    "cp $tmp/a $tmp/b; ! $xf record --backend hosted:$tmp/xen -o $tmp/b -t 1 &&
     cmp $tmp/a $tmp/b"
start_record c
check "a second reader is refused" sh -c \
    "! $xf record --backend hosted:$tmp/xen -o $tmp/d -t 1 2>$tmp/why &&
     grep 'another process reads' $tmp/why && [ ! -e $tmp/d ]"
host fill 0 3000
host recreate
stop_record no
check "the buffers are destroyed: it ends" grep 'ended: buffers gone' "$tmp/out"
check "the buffers are destroyed: 1" [ $status = 1 ]
check "the buffers are destroyed: complete" "$xf" verify "$tmp/c"

# Live: pCPU 1 records nothing, pCPU 0 a little all the time.
host hang 1
host resume
xen top live --interval 2s --count 1 --json >"$tmp/out"
live=$?
host pause
host run 1
check "live: 0" [ $live = 0 ]
check "live: counts the records" jq -es \
    'map(select(.type == "stretch")) |
     length == 1 and .[0].records > 100 and .[0].gaps == 0' "$tmp/out"
check "live: a row for the domain" jq -es \
    'map(select(.type == "domain" and .running_ns > 0)) | length > 0' \
    "$tmp/out"
check "live: lists the pCPUs without data" jq -es \
    'map(select(.type == "limits"))[0] |
     .not_told == [1] and .missed_packets == 0 and .wakes > 0' "$tmp/out"
check "the buffers are destroyed" \
    xen destroy --run "$tmp"
check "no buffers: reported" sh -c \
    "! $xf top live --backend hosted:$tmp/xen 2>$tmp/why &&
     grep 'no buffers' $tmp/why"
finish
