#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# mistakes.sh: the answers to wrong command lines must name the mistake.  TAP.

set -u
. tests/peers/lib.sh
f=$golden
xf=$(realpath "$XENFLIGHT")

# STATUS TEXT ARGUMENTS...: exits with STATUS and prints TEXT on stderr.
answers()
{
    status=$1 text=$2
    shift 2
    "$XENFLIGHT" "$@" >/dev/null 2>"$tmp/err"
    rc=$?
    [ $rc = "$status" ] && { [ -z "$text" ] || grep -qF -- "$text" "$tmp/err"; } &&
        return 0
    echo "status $rc"
    cat "$tmp/err"
    return 1
}

unit='the unit is missing'
check "show --last 100" answers 2 "--last 100: $unit" show --last 100 "$f"
check "... at the end" answers 2 "--last 100: $unit" show "$f" --last 100
check "... --last=100" answers 2 "--last 100: $unit" show --last=100 "$f"
check "... of letters" answers 2 "a time like 100ms" show --last 100sec "$f"
check "a file whose name is a number" sh -c "
    cp '$f' '$tmp/100' && cd '$tmp' && '$xf' show --last 100 >/dev/null"
check "--to -18" answers 2 "--to -18: $unit" show --to -18 "$f"
check "--from 5" answers 2 "--from 5: $unit" show --from 5 "$f"
check "--at -5" answers 2 "--at -5: $unit" diff --at -5 "$f"
check "--since -7" answers 2 "--since -7: $unit" list --since -7 "$tmp"
check "--interval 2" answers 2 "--interval 2: $unit" top live --interval 2
check "export, top: --last 3" sh -c "
    ! '$XENFLIGHT' export --to csv --last 3 '$f' 2>'$tmp/a' &&
    ! '$XENFLIGHT' top --last 3 '$f' 2>'$tmp/b' &&
    grep -q '$unit' '$tmp/a' && grep -q '$unit' '$tmp/b'"

for cmd in show "export --to json" "diff --at -50us"
do
    # shellcheck disable=SC2086
    check "$cmd: an event that there is not" \
        answers 1 'SHCED_*: no event' $cmd --event 'SHCED_*' "$f"
    # shellcheck disable=SC2086
    check "$cmd: a class that there is not" \
        answers 1 'schde: no such class' $cmd --class schde "$f"
done
check "an event that there is, beside one that is not" \
    answers 1 'nosuch: no event' show --event 'sched_*' --event nosuch "$f"
check "an event by its number" answers 0 '' show --event '0x*' "$f"
check "a pattern of any case" answers 0 '' show --event 'sched_*' "$f"
check "a cause that there is not" \
    answers 1 'crsh: no such cause' list --cause crsh "$f"
check "a cause of no file here" answers 0 '' list --cause viridian "$f"
check "no record matches" answers 0 'none of its' show --cpu 99 "$f"
check "... in any form" sh -c "
    for how in --json --columns=event --last
    do
        '$XENFLIGHT' show \$how --cpu 99 '$f' 2>&1 >/dev/null |
            grep -q 'none of its' || exit 1
    done"
check "... exported" answers 0 'none of its' export --to csv --cpu 99 "$f"
check "some records match: no message" sh -c "
    '$XENFLIGHT' show --cpu 1 '$f' 2>&1 >/dev/null | diff /dev/null - &&
    '$XENFLIGHT' export --to csv --cpu 1 '$f' 2>&1 >/dev/null | diff /dev/null -"

# make, in a tree without a tool that it needs.
without()
{
    mkdir -p "$tmp/bin" || return 1
    rm -f "$tmp"/bin/*
    for p in make sh gcc protoc-c pkg-config mkdir find awk sed
    do
        [ $p = "$1" ] || ln -s "$(command -v $p)" "$tmp/bin/$p"
    done
    env -u MAKEFLAGS -u MAKELEVEL -u CC PATH="$tmp/bin" \
        make -n O="$tmp/o" >"$tmp/out" 2>&1 && { cat "$tmp/out"; return 1; }
    grep -q "make deps" "$tmp/out" || { cat "$tmp/out"; return 1; }
    env -u MAKEFLAGS -u MAKELEVEL -u CC PATH="$tmp/bin" make help >/dev/null
}
for p in gcc protoc-c pkg-config
do
    check "make without $p" without $p
done

finish
