#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# redacted.sh: a redacted file is a part, and no command takes it for the whole:
# none reports the absence of other domains as a fact, or their stand-in as a
# domain.  TAP.

set -u
. tests/peers/lib.sh

# FILE DOMID: redacted, in $r.
redact()
{
    r=$tmp/${1##*/}-$2
    rm -f "$r"
    "$XENFLIGHT" redact --domain "$2" -o "$r" "$1" >/dev/null
}

# No number of the stand-in, nor a word of the host's.
speaks_of_one()
{
    redact "$1" "$2" || return 1
    for cmd in explain top "top --vcpus" show "show --last" list info verify
    do
        # shellcheck disable=SC2086
        "$XENFLIGHT" $cmd "$r" >"$tmp/out" || { echo "$cmd: status $?"; return 1; }
        grep -nE '(^|[^0-9.])32756([^0-9]|$)|Dom0 used|CPU time of Dom0|could not hold|though it was not idle|No domain|slice of one' \
            "$tmp/out" && { echo "$cmd"; return 1; }
    done
    "$XENFLIGHT" export --to perfetto "$r" 2>/dev/null | grep -a 'd32756' && return 1
    "$XENFLIGHT" explain "$r" | grep -q '^Redacted: only records of domain '"$2" &&
        "$XENFLIGHT" top "$r" | grep -q "^Redacted: only domain $2;" &&
        "$XENFLIGHT" list "$r" | grep -q ' redacted ' &&
        "$XENFLIGHT" verify "$r" | grep -q 'whole: .* history redacted' &&
        "$XENFLIGHT" verify --json "$r" | jq -e '.history == "redacted"' &&
        "$XENFLIGHT" top --json "$r" | head -n 1 |
            jq -e ".redacted_domid == $2"
}

for f in tests/golden/real/*.xfr.lz4
do
    for domid in $("$XENFLIGHT" info --json "$f" | jq -r '.meta.domains[-1,-2].domid')
    do
        # A domain of which the file has nothing cannot be kept.
        "$XENFLIGHT" redact --domain "$domid" -o "$tmp/any" "$f" >/dev/null 2>&1 ||
            continue
        rm -f "$tmp/any"
        check "${f##*/}, domain $domid: it speaks of that only" \
            speaks_of_one "$f" "$domid"
    done
done

# The verdict on the domain is that of the whole file.
same_verdict()
{
    redact "$1" "$2" || return 1
    "$XENFLIGHT" explain "$1" | head -n 1 | sed "$3" >"$tmp/want"
    "$XENFLIGHT" explain "$r" | head -n 1 | sed "$3" | diff "$tmp/want" -
}
check "killed: the same verdict" \
    same_verdict tests/golden/real/killed.xfr.lz4 12 ''
check "watchdog: the same verdict" \
    same_verdict tests/golden/real/watchdog.xfr.lz4 10 ''
check "storm: the same verdict" \
    same_verdict tests/golden/real/storm.xfr.lz4 9 's/: [0-9].*//'

# Domains that nothing happened to: no verdict on others, none on their stand-in.
for scene in plain hvm starved storm destroyed
do
    "$MAKE_SCENE" $scene "$tmp/$scene" >/dev/null || exit 1
    for domid in 1 2
    do
        check "$scene, domain $domid: no verdict on another one" sh -c "
            rm -f '$tmp/s'
            '$XENFLIGHT' redact --domain $domid -o '$tmp/s' '$tmp/$scene' >/dev/null &&
            '$XENFLIGHT' explain '$tmp/s' >'$tmp/out' &&
            head -n 1 '$tmp/out' | grep '^domain $domid ' &&
            ! grep -E '32756|domain (0|32767|[3-9])|No domain' '$tmp/out'"
    done
done

redact tests/golden/real/storm.xfr.lz4 9
storm=$r
redact tests/golden/real/killed.xfr.lz4 12
check "diff: not with a whole file" sh -c "
    ! '$XENFLIGHT' diff '$storm' tests/golden/real/storm.xfr.lz4 2>'$tmp/err' &&
    grep 'redact both' '$tmp/err' &&
    ! '$XENFLIGHT' diff tests/golden/real/storm.xfr.lz4 '$storm' 2>'$tmp/err' &&
    grep 'redact both' '$tmp/err'"
check "diff: not of two domains" sh -c "! '$XENFLIGHT' diff '$storm' '$r'"
check "diff: not of a domain that is left out" sh -c "
    ! '$XENFLIGHT' diff --at -10ms --domain 0 '$storm'"
check "diff: of two parts of the one" sh -c "
    '$XENFLIGHT' diff --at -10ms '$storm' >'$tmp/out' && grep 'd9 storm' '$tmp/out' &&
    ! grep -E '32756|Domain-0|only in' '$tmp/out'"
check "redact: not once more, to another domain" sh -c "
    ! '$XENFLIGHT' redact --domain 32756 -o '$tmp/no' '$storm' &&
    ! '$XENFLIGHT' redact --domain 0 -o '$tmp/no' '$storm'"
check "redact: Dom0 may be the one" sh -c "
    '$XENFLIGHT' redact --domain 0 -o '$tmp/dom0' tests/golden/real/storm.xfr.lz4 &&
    '$XENFLIGHT' explain '$tmp/dom0' | grep '^Dom0 used'"

finish
