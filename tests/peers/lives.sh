#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# lives.sh: a file in which alice and then bob had the domain number 5.  Every
# command must keep their records and names apart.  See make-lives.c.

set -u
. tests/peers/lib.sh
: "${MAKE_LIVES:=build/tests/peers/make-lives}"
need jq
file=$tmp/lives.xfr.lz4
"$MAKE_LIVES" "$file" 0 killed || exit 1

# COMMAND...: counts of the hypercalls of number 5: vcpu_op is alice's, sched_op
# bob's.
calls()
{
    "$@" | jq -r 'select(.event == "PV_HYPERCALL_V2" and .domid == 5) |
        .fields.op' | sort | uniq -c | awk '{ print $2, $1 }'
}

# EXPECTED COMMAND...
calls_are()
{
    want=$1
    shift
    calls "$@" >"$tmp/calls"
    printf "$want" | diff - "$tmp/calls"
}

check "show --domain: alice's records only" \
    calls_are 'vcpu_op 120\n' "$XENFLIGHT" show --json --domain alice "$file"
check "show --domain: bob's records only, by uuid" \
    calls_are 'sched_op 1325\n' "$XENFLIGHT" show --json \
    --domain bbbbbbbb-0000-4000-8000-000000000002 "$file"
check "show --domain: all records of the number" \
    calls_are 'sched_op 1325\nvcpu_op 120\n' "$XENFLIGHT" show --json --domain 5 "$file"
check "show --filter: alice's records only" \
    calls_are 'vcpu_op 120\n' "$XENFLIGHT" show --json --filter 'ran==alice' "$file"

for who in alice bob 5
do
    "$XENFLIGHT" redact --domain $who -o "$tmp/$who.xfr.lz4" "$file" \
        >"$tmp/out" || exit 1
    "$XENFLIGHT" info --json "$tmp/$who.xfr.lz4" >"$tmp/$who.json"
done

# WHO OTHER
names()
{
    jq -e --arg who "$1" '.meta.domains | length == 1 and .[0].name == $who' \
        "$tmp/$1.json" && ! grep -i "$2" "$tmp/$1.json"
}
check "redact: alice's records only" \
    calls_are 'vcpu_op 120\n' "$XENFLIGHT" show --json "$tmp/alice.xfr.lz4"
check "redact: bob's records only" \
    calls_are 'sched_op 1325\n' "$XENFLIGHT" show --json "$tmp/bob.xfr.lz4"
check "redact: only alice's name and uuid" names alice bob
check "redact: only bob's name and uuid" names bob alice
check "redact: a number is that of its last domain" \
    same "$tmp/5.json" "$tmp/bob.json"

top()
{
    "$XENFLIGHT" top "$file" | awk '$1 == "d5" { print $NF, $8 }' >"$tmp/top"
    printf 'alice 8\nbob 83\n' | diff - "$tmp/top" &&
        "$XENFLIGHT" top --json "$file" | jq -c \
            'select(.domid == 5) | [.uuid, .hypercalls]' >"$tmp/top" &&
        diff - "$tmp/top" <<END
["aaaaaaaa-0000-4000-8000-000000000001",120]
["bbbbbbbb-0000-4000-8000-000000000002",1325]
END
}
check "top: a row for each domain" top

first()
{
    "$XENFLIGHT" explain "$file" >"$tmp/explain" &&
        head -n 1 "$tmp/explain" | grep "$1"
}
# The first shut down by itself, so the second's end was "its" too.
check "explain: bob was destroyed" first '"bob": destroyed from outside by domain 0'
check "explain: bob's neighbours are not alice" \
    sh -c "! grep 'd5v0 \"alice\"' '$tmp/explain'"
check "explain: alice shut down" \
    grep 'domain 5 "alice" shut down: poweroff' "$tmp/explain"
check "explain: bob was created" grep '"bob" was created' "$tmp/explain"

# Perfetto's text is in the trace as it is.
tracks()
{
    "$XENFLIGHT" export --to perfetto "$file" | strings | grep '^.\?domain 5' |
        sed 's/.*domain/domain/' >"$tmp/tracks"
    printf 'domain 5 alice\ndomain 5 bob (2)\n' | diff - "$tmp/tracks"
}
check "perfetto: each domain's track has its name" tracks

# Now the first crashed, and the second shut down.
"$MAKE_LIVES" "$file" 3 0 || exit 1
check "explain: alice's crash is told with her name" \
    first 'domain 5 "alice".*crashed'
"$MAKE_LIVES" "$file" 3 killed || exit 1
check "explain: her crash hides nothing of bob's end" \
    sh -c "'$XENFLIGHT' explain '$file' | grep '\"bob\" was removed'"

# Two files with the same hypercalls, and other ends.
"$MAKE_LIVES" "$tmp/a.xfr.lz4" 0 killed || exit 1
"$MAKE_LIVES" "$tmp/b.xfr.lz4" 3 0 || exit 1
compared()
{
    "$XENFLIGHT" diff --all --json "$@" "$tmp/a.xfr.lz4" "$tmp/b.xfr.lz4" |
        jq -c 'select(.what == "hypercall" and .domain.a == 5) |
            [.domain.name, .name, .a.count, .b.count]' | sort
}
# EXPECTED OPTION...
compares()
{
    want=$1
    shift
    compared "$@" >"$tmp/compared"
    printf "$want" | diff - "$tmp/compared"
}
alice='["alice","vcpu_op",120,120]\n'
bob='["bob","sched_op",1325,1325]\n'
check "diff: each is compared with itself" compares "$alice$bob"
check "diff --domain: alice only" compares "$alice" --domain alice
check "diff --domain: bob only" compares "$bob" --domain bob

# Names that two domains had under one number.
"$MAKE_LIVES" "$file" 0 0 bob || exit 1
check "redact: a name of two domains is refused" sh -c "
    ! '$XENFLIGHT' redact --domain bob -o '$tmp/no.xfr.lz4' '$file' \
        2>'$tmp/err' &&
    grep 'give a uuid: aaaaaaaa-.* bbbbbbbb-' '$tmp/err'"

finish
