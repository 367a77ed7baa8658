#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# list.sh: tests the selection, order and format of `xenflight list' and `verify'
# for many files.

. tests/peers/lib.sh
need jq

# scene NAME FILE WALL [REASON]
scene() { $MAKE_SCENE "$1" "$2" 300 "$3" ${4:+"$4"} >/dev/null || exit 1; }

# The order of names is the reverse of time, so that it cannot pass for it.
d=$tmp/dir
mkdir "$d" "$tmp/empty"
scene triple "$d/a.xfr.lz4" 1700003600
scene pv-panic "$d/b.xfr.lz4" 1700000000
scene plain "$d/c.xfr.lz4" 1699900000 "disk slow"
for f in z y x; do cp "$d/b.xfr.lz4" "$d/$f.xfr.lz4"; done
head -c -300 "$d/c.xfr.lz4" >"$d/cut.xfr.lz4"
cp $golden "$d/web.xfr.lz4"
echo text >"$d/other.txt"
chmod 444 "$d/a.xfr.lz4"

# The listed files, by their letters.
names() { $XENFLIGHT list --columns file "$@" | sed '1d; s,.*/,,; s,\..*,,' | tr '\n' ' '; }
is() { want=$1; shift; got=$(names "$@"); echo "$got"; [ "$got" = "$want" ]; }
usage() { $XENFLIGHT list "$@" "$d"; [ $? = 2 ]; }

check "oldest first, then by name" is "c cut b web x y z a " "$d"
check "the same in JSON" sh -c "
    $XENFLIGHT list --json '$d' | jq -r .file >$tmp/json &&
    $XENFLIGHT list --columns file '$d' | sed 1d | diff - $tmp/json"
check "a domain by name" is "b x y z a " --domain victim "$d"
check "a domain by number" is "b x y z a " --domain 1 "$d"
check "a domain by uuid, whatever the case" \
    is "web " --domain 01234567-89AB-cdef-0123-456789abcdef "$d"
check "causes" is "c cut a " --cause 'req*' --cause TRIPLE-fault "$d"
check "since" is "b web x y z a " --since '2023-11-14 22:13:20' "$d"
check "until" is "c cut " --until '2023-11-14 22:13' "$d"
check "a day" is "c cut " --since 2023-11-13 --until 2023-11-14 "$d"
check "both at once" is "a " --since '2023-11-14T22:14' --domain victim "$d"
check "relative to now" sh -c "
    [ \$($XENFLIGHT list --json --since -10000d '$d' | wc -l) = 8 ] &&
    [ \$($XENFLIGHT list --json --since -1h '$d' | wc -l) = 0 ] &&
    [ \$($XENFLIGHT list --json --until -1h '$d' | wc -l) = 8 ]"
scene plain "$tmp/new.xfr.lz4" "$(($(date +%s) - 3600))"
check "an hour ago" is "new " --since -90m --until -30m "$d" "$tmp/new.xfr.lz4"
check "not a moment" usage --since yesterday
check "not a moment without a file" usage --since @5
check "no such column" usage --columns time,colour
check "columns or JSON" usage --columns time --json

check "files by name" is "c a " "$d/a.xfr.lz4" "$d/c.xfr.lz4"
check "several directories" is "c cut b web x y z a " "$tmp/empty" "$d/"
check "an empty directory is no error, and no table" sh -c "
    $XENFLIGHT list $tmp/empty >$tmp/o && [ ! -s $tmp/o ]"
check "unreadable files are reported, the rest is listed" sh -c "
    ! $XENFLIGHT list $tmp/none '$d/other.txt' '$d/c.xfr.lz4' >$tmp/o 2>$tmp/e &&
    grep -q 'c.xfr.lz4' $tmp/o && grep -q none $tmp/e && grep -q other.txt $tmp/e"

cat >"$tmp/want" <<'END'
PINNED  CAUSE         DOMAIN  REASON     COMPLETE  HOST
-       request       -       disk slow  yes       host.example
-       request       -       disk slow  cut       host.example
yes     triple-fault  victim  -          yes       host.example
END
check "columns as wide as what is in them" sh -c "
    $XENFLIGHT list --columns pinned,cause,domain,reason,complete,host \
        '$d'/[ac]*.xfr.lz4 | diff $tmp/want -"
check "every column there is" sh -c "
    cols=\$($XENFLIGHT list --help | tr -d '\n' |
        sed 's/.*print these columns: //; s/  *-j.*//; s/ //g')
    [ \"\$(echo \$cols | tr ',' '\n' | wc -l)\" = 14 ] &&
    $XENFLIGHT list --columns \$cols '$d' | wc -l | grep -x 9"

# verify, on the same.
check "verify: an object a file" sh -c "
    ! $XENFLIGHT verify --json '$d'/[ac]*.xfr.lz4 $tmp/none >$tmp/o 2>$tmp/e &&
    [ ! -s $tmp/e ] && jq -se '
        (map(.whole) == [true, true, false, false]) and
        (.[0] | .records > 50 and .packets > 0 and .faults == [] and
                .history == \"complete\" and .damaged_frames == 0) and
        (.[2].faults[0] | .at > 0 and (.why | test(\"truncated|ends\"))) and
        .[3].faults == [{why: \"No such file or directory\"}]' $tmp/o"
check "verify --quiet: the bad ones" sh -c "
    [ \"\$($XENFLIGHT verify --quiet --json '$d'/*.xfr.lz4 | jq -r .file)\" = \
        '$d/cut.xfr.lz4' ]"
check "verify: all are whole" sh -c "
    $XENFLIGHT verify --quiet --json '$d'/[abcw].xfr.lz4 >$tmp/o && [ ! -s $tmp/o ]"
finish
