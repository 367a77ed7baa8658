#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# output.sh: the files that xenflight writes.  The input is never the output, an
# older file is replaced by a whole one or stays, permissions are those of the
# snapshot.  TAP.

set -u
. tests/peers/lib.sh
umask 022
f=$tmp/f.xfr.lz4
"$MAKE_SCENE" plain "$f" >/dev/null || exit 1
cp "$f" "$tmp/before"
ln -s f.xfr.lz4 "$tmp/symlink"
ln "$f" "$tmp/hardlink"

# PATH of the output: each command refuses it, and the snapshot is unchanged.
refused()
{
    for cmd in "export --to json" "export --to csv" "export --to perfetto" \
               "export --to xentrace" report unpack "redact --domain 1"
    do
        # shellcheck disable=SC2086
        if "$XENFLIGHT" $cmd -o "$1" "$f" 2>"$tmp/err"
        then
            echo "$cmd: status 0"
            return 1
        fi
        grep -q 'is the input file' "$tmp/err" &&
            cmp "$f" "$tmp/before" || { echo "$cmd"; return 1; }
    done
}
check "the output is the input" refused "$f"
check "... by a symbolic link" refused "$tmp/symlink"
check "... by a hard link" refused "$tmp/hardlink"
check "... by another path" refused "$tmp/../${tmp##*/}/./f.xfr.lz4"

appends()
{
    for cmd in show "show --json" info explain top list verify "verify --json" \
               "export --to json" "report -o -" "diff --at -1ms"
    do
        # shellcheck disable=SC2086
        "$XENFLIGHT" $cmd "$f" >>"$f" 2>"$tmp/err" &&
            { echo "$cmd: status 0"; return 1; }
        grep -q 'standard output is the input' "$tmp/err" &&
            cmp "$f" "$tmp/before" || { echo "$cmd"; return 1; }
    done
}
check "standard output is the input" appends

# A command that is ended in the middle by a limit on the file's size.
limited()
{
    (ulimit -f 4; exec "$XENFLIGHT" "$@" "$f") 2>/dev/null
}

files() { find "$tmp" -type f | sort; }

older_stays()
{
    cp "$tmp/before" "$f"
    files >"$tmp/files"
    for cmd in "export --to json" "export --to csv" "export --to perfetto" \
               "export --to xentrace" report
    do
        echo older >"$tmp/older"
        # shellcheck disable=SC2086
        limited $cmd -o "$tmp/older" && { echo "$cmd: status 0"; return 1; }
        [ "$(cat "$tmp/older")" = older ] || { echo "$cmd: replaced"; return 1; }
        rm "$tmp/older"
        # shellcheck disable=SC2086
        limited $cmd -o "$tmp/older"
        files | diff "$tmp/files" - || { echo "$cmd: left"; return 1; }
    done
    for cmd in unpack "redact --domain 1"
    do
        # shellcheck disable=SC2086
        limited $cmd -o "$tmp/new" && { echo "$cmd: status 0"; return 1; }
        files | diff "$tmp/files" - || { echo "$cmd: left"; return 1; }
    done
}
touch "$tmp/files"
check "ended in the middle: the older file stays, nothing is left" older_stays

check "an older file is replaced" sh -c "
    echo older >'$tmp/o' && '$XENFLIGHT' export --to json -o '$tmp/o' '$f' &&
    '$XENFLIGHT' export --to json '$f' | cmp - '$tmp/o'"
check "... behind a symbolic link" sh -c "
    echo older >'$tmp/o' && ln -s o '$tmp/l' &&
    '$XENFLIGHT' report -o '$tmp/l' '$f' && [ -L '$tmp/l' ] &&
    grep -q '<html' '$tmp/o'"
check "unpack and redact replace no file" sh -c "
    cp '$tmp/o' '$tmp/o2'
    ! '$XENFLIGHT' unpack -o '$tmp/o' '$f' &&
    ! '$XENFLIGHT' redact --domain 1 -o '$tmp/o' '$f' && cmp '$tmp/o' '$tmp/o2'"
check "a device that is full" sh -c "
    ! '$XENFLIGHT' export --to json -o /dev/full '$f' &&
    ! '$XENFLIGHT' report -o /dev/full '$f' && [ -c /dev/full ]"
check "a pipe" sh -c "
    mkfifo '$tmp/fifo' && { cat '$tmp/fifo' >'$tmp/got' & } &&
    '$XENFLIGHT' export --to json -o '$tmp/fifo' '$f' && wait &&
    '$XENFLIGHT' export --to json '$f' | cmp - '$tmp/got'"
check "- is standard output" sh -c "
    '$XENFLIGHT' export --to json -o - '$f' | cmp - '$tmp/got'"

# CTF: a directory.
rm -rf "$tmp/ctf"
check "ctf: an unfinished trace is removed" sh -c "
    cp '$tmp/before' '$f'
    ! (ulimit -f 4; trap '' XFSZ
       exec '$XENFLIGHT' export --to ctf -o '$tmp/ctf' '$f') 2>/dev/null &&
    [ -z \"\$(ls '$tmp/ctf')\" ]"
check "ctf: into the empty directory" \
    "$XENFLIGHT" export --to ctf -o "$tmp/ctf" "$f"
check "ctf: not into one with other streams" sh -c "
    rm '$tmp/ctf/metadata' &&
    ! '$XENFLIGHT' export --to ctf -o '$tmp/ctf' '$f'"

# Permissions: MODE OF THE SNAPSHOT, MODE OF A FILE, MODE OF A DIRECTORY
modes()
{
    chmod "$1" "$f"
    rm -rf "$tmp/out"
    for cmd in "export --to json" report unpack "redact --domain 1"
    do
        # shellcheck disable=SC2086
        "$XENFLIGHT" $cmd -o "$tmp/out" "$f" >/dev/null || return 1
        [ "$(stat -c %a "$tmp/out")" = "$2" ] ||
            { echo "$cmd"; stat -c %a "$tmp/out"; return 1; }
        rm "$tmp/out"
    done
    "$XENFLIGHT" export --to ctf -o "$tmp/out" "$f" || return 1
    [ "$(stat -c %a "$tmp/out")" = "$3" ] && for o in "$tmp"/out/*
    do
        [ "$(stat -c %a "$o")" = "$2" ] || { stat "$o"; return 1; }
    done
}
check "a private snapshot: private files" modes 600 600 700
check "a pinned one" modes 400 600 700
check "one of its group" modes 640 640 750
check "one of all" modes 666 644 755
umask 077
check "less the umask" modes 644 600 700

finish
