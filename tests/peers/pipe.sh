#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# pipe.sh: the reading commands take a snapshot from a pipe as from a file.

. tests/peers/lib.sh

# NAME COMMAND...: the same output, with @ as the file and as a pipe of each form.
both()
{
    name=$1
    shift
    "$XENFLIGHT" "$@" "$golden" >"$tmp/want" 2>"$tmp/want.err"
    echo "status $?" >>"$tmp/want"
    "$XENFLIGHT" "$@" - <"$golden" >"$tmp/stdin" 2>&1
    echo "status $?" >>"$tmp/stdin"
    cat "$golden" | { "$XENFLIGHT" "$@" - 2>&1; echo "status $?"; } >"$tmp/pipe"
    cat "$golden" | { "$XENFLIGHT" "$@" /dev/stdin 2>&1; echo "status $?"; } \
        >"$tmp/dev"
    rm -f "$tmp/fifo"
    mkfifo "$tmp/fifo"
    cat "$golden" >"$tmp/fifo" &
    { "$XENFLIGHT" "$@" "$tmp/fifo" 2>&1; echo "status $?"; } >"$tmp/fifo.out"
    for form in stdin pipe dev fifo.out; do
        sed "s|$golden|FILE|g" "$tmp/want" >"$tmp/a"
        sed "s|/dev/stdin|FILE|g; s|$tmp/fifo|FILE|g; s|^- |FILE |; s|^-:|FILE:|; s|  -\$|  FILE|" \
            "$tmp/$form" >"$tmp/b"
        check "$name: $form" same "$tmp/a" "$tmp/b"
    done
}

both show show
both info info
both explain explain
both top top
both verify verify
both "export csv" export --to csv

check "a cut pipe is reported as a cut file" sh -c "
    head -c 12000 $golden | $XENFLIGHT show - >/dev/null 2>'$tmp/err'
    [ \$? = 1 ] && grep -q '^xenflight: -: ' '$tmp/err'"
check "an empty pipe is no snapshot" sh -c "
    ! $XENFLIGHT info - </dev/null 2>'$tmp/err' && grep -q header '$tmp/err'"
check "diff of a pipe and a file" sh -c "
    cat $golden | $XENFLIGHT diff - $golden >/dev/null"
check "no file is left behind" sh -c "
    mkdir '$tmp/dir' && cat $golden |
    TMPDIR='$tmp/dir' $XENFLIGHT show - >/dev/null && rmdir '$tmp/dir'"
check "no place for the copy" sh -c "
    ! cat $golden | TMPDIR='$tmp/none' $XENFLIGHT show - >/dev/null 2>'$tmp/err' &&
    grep -q 'No such file' '$tmp/err'"
mkdir "$tmp/d"
mkfifo "$tmp/d/a.xfr.lz4"
ln -s a.xfr.lz4 "$tmp/d/b.xfr.lz4"
cp $golden "$tmp/d/c.xfr.lz4"
check "a pipe in a directory is not waited for" sh -c "
    timeout 60 $XENFLIGHT list --columns file '$tmp/d' >'$tmp/out' 2>&1
    [ \$? != 124 ] && grep -q c.xfr.lz4 '$tmp/out' && ! grep -q 'a.xfr.lz4' '$tmp/out'"
finish
