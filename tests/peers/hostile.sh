#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# hostile.sh: damaged, rearranged and huge files, and those of older and later
# versions.  Each command must report the damage, in bounded memory, and show the
# records that are left, and no others.  Exports must stay readable by other tools.

set -u
. tests/peers/lib.sh
need python3
need babeltrace2
need protoc
need xenalyze

mkdir "$tmp/f" "$tmp/json"
"$MAKE_SCENE" plain "$tmp/plain.xfr.lz4" 20000 >/dev/null || exit 1
"$SPOIL" "$tmp/plain.xfr.lz4" "$tmp/f" >"$tmp/list" || exit 1
out=$tmp/f/out

# Address space in KiB; a sanitizer needs far more.
limit=300000
grep -qa __asan_init "$XENFLIGHT" && limit=unlimited

# EXPECTED COMMAND...: the status must be one of EXPECTED, with a message if not 0.
run()
{
    want=$1
    shift
    [ ! -e "$out" ] || rm -r "$out"
    : >"$tmp/err1"
    "$XENFLIGHT" "$@" >"$tmp/out" 2>"$tmp/err1"
    rc=$?
    case " $want " in
        *" $rc "*) ;;
        *) echo "$*: status $rc, not $want"; cat "$tmp/err1"; bad=1 ;;
    esac
    [ $rc = 0 ] || [ -s "$tmp/err1" ] || { echo "$*: says nothing"; bad=1; }
    while read -r line
    do
        echo "$line"
    done <"$tmp/err1" >>"$tmp/err"
}

# FILE: other formats of the commands' output.
forms()
{
    run $s show --last 10ms "$1"
    run $s show "$1"
    run $s top --json --vcpus "$1"
    run $s diff --json "$1" "$tmp/plain.xfr.lz4"
    for to in json perfetto xentrace ctf
    do
        run $s export --to $to -o "$out" "$1"
    done
}

# VERDICT FILE: all commands.
commands()
{
    f=$tmp/f/$2.xfr.lz4 bad=0
    ulimit -t 60
    ulimit -v $limit
    : >"$tmp/err"
    case $1 in
        whole) s=0 ;;
        *) s=1 ;;
    esac
    run $s verify "$f"
    # Whole frames, by the index.
    case $1 in
        part) run '0 1' info "$f"; run '0 1' info --json "$f" ;;
        *) run $s info "$f" ;;
    esac
    run $s show --json "$f"
    cp "$tmp/out" "$tmp/json/$2"
    if [ $1 = none ] && [ -s "$tmp/out" ]
    then
        echo "shows something"; bad=1
    fi
    run $s explain "$f"
    run $s top "$f"
    run $s diff "$tmp/plain.xfr.lz4" "$f"
    run $s report -o "$out" "$f"
    run $s export --to csv -o "$out" "$f"
    # Of a file that cannot be opened all forms are the same.
    [ $1 = none ] || forms "$f"
    run $s redact --domain 1 -o "$out" "$f"
    [ ! -e "$out" ] || "$XENFLIGHT" verify "$out" || bad=1
    # Unknown frames cannot be unpacked.
    [ $2 != later ] || s=1
    run $s unpack -o "$out" "$f"
    # A document that is not read is kept as it is.
    [ ! -e "$out" ] || [ $1 = none ] || "$XENFLIGHT" verify "$out" || bad=1
    if grep -v '^xenflight[a-z ]*: ' "$tmp/err" ||
        LC_ALL=C grep '[^ -~]' "$tmp/err"
    then
        echo "is no plain message"; bad=1
    fi
    return $bad
}

# With limits of its own.
sub()
{
    ("$@")
}

while read -r verdict name
do
    check "$verdict: $name" sub commands $verdict $name
done <"$tmp/list"

# Each file is in the table, or there is a message.
listed()
{
    ulimit -v $limit
    "$XENFLIGHT" list "$tmp/f" >"$tmp/out" 2>"$tmp/err"
    [ $? = 1 ] || return 1
    while read -r verdict name
    do
        cat "$tmp/out" "$tmp/err" | grep -q "[ /]$name.xfr.lz4" ||
            { echo $name; return 1; }
    done <"$tmp/list"
    ! grep -v '^xenflight: ' "$tmp/err" &&
        ! cat "$tmp/out" "$tmp/err" | LC_ALL=C grep '[^ -~]'
}
check "list: all of them, and what is wrong" sub listed

cat >"$tmp/compare.py" <<'END'
import collections, json, sys
def records(name):
    rows = [json.loads(l) for l in open(sys.argv[1] + '/json/' + name)]
    return collections.Counter(
        (r['tsc'], r['cpu'], r['channel'], r['event'],
         json.dumps(r.get('fields'), sort_keys=True))
        for r in rows if r.get('type') == 'event' and r['cpu'] != 7)
good, some = records('good'), 0
assert len(good) > 5000
for line in open(sys.argv[1] + '/list'):
    verdict, name = line.split()
    got = records(name)
    assert not got - good, (name, 'invented or doubled', got - good)
    assert verdict != 'whole' or got == good, name
    some += verdict == 'part' and 0 < sum(got.values()) < sum(good.values())
assert some > 5
END
check "no record is invented or doubled" python3 "$tmp/compare.py" "$tmp"

# FILE: other tools can read all of the exports.
judged()
{
    f=$tmp/f/$1.xfr.lz4
    want=$(grep -c '"type":"event"' "$tmp/json/$1")
    rm -rf "$tmp/ctf"
    "$XENFLIGHT" export --to ctf -o "$tmp/ctf" "$f" 2>/dev/null
    babeltrace2 "$tmp/ctf" >"$tmp/out" 2>"$tmp/err" || return 1
    [ $(grep -vc ' GAP: ' "$tmp/out") = $want ] || { echo ctf; return 1; }
    ! grep -v '^WARNING: Tracer \(may have \)*discarded' "$tmp/err" || return 1

    "$XENFLIGHT" export --to perfetto -o "$tmp/pf" "$f" 2>/dev/null
    protoc --decode=perfetto.Trace --proto_path=tools/export perfetto.proto \
        <"$tmp/pf" >"$tmp/out" || return 1
    gaps=$(grep -c 'name: "records are missing"' "$tmp/out")
    [ $(grep -c TYPE_INSTANT "$tmp/out") = $((want + gaps)) ] ||
        { echo perfetto; return 1; }

    "$XENFLIGHT" export --to xentrace -o "$tmp/xen" "$f" 2>"$tmp/said"
    xenalyze --dump-no-processing "$tmp/xen" 2>/dev/null | grep '^R p' |
        grep -vcE ' (1f001|1f003) ' >"$tmp/got"
    left=$(sed -n 's/.*: \([0-9]*\) records were left out.*/\1/p' "$tmp/said")
    [ $(($(cat "$tmp/got") + ${left:-0})) = $want ] ||
        { echo xentrace; return 1; }
}

for name in cut-data flip-data backwards doubled index-moves later
do
    check "$name: exports are read by others" judged $name
done

# A slice, and each output made of it, names no other domain.
no_other_domain()
{
    rm -rf "$tmp/slice"*
    f=$tmp/slice.xfr.lz4
    "$XENFLIGHT" redact --domain 1 -o "$f" "$tmp/f/good.xfr.lz4" || return 1
    for to in json csv perfetto xentrace ctf
    do
        "$XENFLIGHT" export --to $to -o "$tmp/slice.$to" "$f" 2>/dev/null ||
            return 1
    done
    "$XENFLIGHT" show --json "$f" >"$tmp/slice.show" &&
        "$XENFLIGHT" info --json "$f" >"$tmp/slice.info" &&
        "$XENFLIGHT" report -o "$tmp/slice.html" "$f" || return 1
    # Their names are where nothing is redacted.
    for who in Domain-0 neighbour
    do
        "$XENFLIGHT" info --json "$tmp/f/good.xfr.lz4" | grep -q $who &&
            ! grep -ra $who "$tmp/slice"* || return 1
    done
    ! grep -E '"[a-z_]*dom(id)?":(0|2|32767)[,}]' "$tmp/slice.show" &&
        grep -q '"dom":1[,}]' "$tmp/slice.show"
}
check "a slice's exports name no other domain" no_other_domain

finish
