#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# help.sh BUILD: run the examples in each command's --help.  Those that read files
# get a generated one; those that ask Xen get rings written by the real core.  TAP.

set -u
build=$(cd "$1" && pwd) xf=$build/tools/xenflight
top=$PWD
tmp=$(mktemp -d) || exit 1
. tests/lib/tap.sh
end()
{
    exec 5>&-
    wait
    rm -rf "$tmp"
}
trap end EXIT
trap 'exit 1' INT TERM

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok()
{
    n=$((n + 1)) failed=1
    echo "not ok $n - $1"
    head -n 20 "$2" | sed 's/^/# /'
}

# Run xenflight on the rings; `create' needs that there are none.
on_rings()
{
    cmd=$1
    shift
    case $cmd in
    create)     "$xf" destroy --backend "hosted:$tmp/xen" --run "$tmp" ;;
    record|top) "$xf" start --backend "hosted:$tmp/xen" --run "$tmp" ;;
    esac >/dev/null
    case $cmd in
    record) set -- "$@" --seconds 1 ;;
    top)    set -- "$@" -i 100ms -n 1 ;;
    *)      set -- "$@" --run "$tmp" ;;
    esac
    "$xf" "$cmd" "$@" --backend "hosted:$tmp/xen"
}

# The programs of the examples: the built ones, not those installed here.
xenflight()
{
    case "$*" in
    record*|top\ live*|status*|create*|destroy*|start*|stop*|mask*|snapshot*)
        on_rings "$@" ;;
    *DIRECTORY*|[!l]*)
        "$xf" "$@" ;;
    *)
        "$xf" "$@" DIRECTORY ;;
    esac
    rc=$?
    [ $rc = 0 ] || echo "status $rc of xenflight $*" >>"$tmp/bad"
    return $rc
}
snapshotd() { "$build/snapshotd/snapshotd" "$@"; }
systemctl() { [ $# -gt 0 ]; }
ssh() { cat >/dev/null; }

# examples FILE: print the lines, with placeholders replaced by existing names.
examples()
{
    sed -n '/^Examples:/,/^$/s/^  //p' "$1" |
        sed "s/FILE\.\.\./FILE/; s/web1/victim/g
             s/HEALTHY/FILE/; s/--at -100ms/--at -100us/
             s,/var/lib/xen/snapshotd/,DIRECTORY/,
             /^snapshotd/s,FILE,$top/snapshotd/dist/snapshotd.conf,"
}

# try NAME FILE: run the examples in the --help text FILE; each must succeed.
try()
{
    examples "$2" >"$tmp/examples"
    if [ ! -s "$tmp/examples" ]
    then
        not_ok "$1: has examples" "$2"
        return
    fi
    ok "$1: has examples"
    # A line longer than a terminal's width would be folded.
    if grep -nE '^.{80}' "$2" >"$tmp/out"
    then
        not_ok "$1: fits a terminal" "$tmp/out"
    fi
    while read -r line <&7
    do
        : >"$tmp/bad"
        (cd "$tmp/work" && set +u && eval "$line") >"$tmp/out" 2>&1
        # Without a daemon `snapshot' fails with 1; 2 would be a usage error.
        if { [ $? = 0 ] && [ ! -s "$tmp/bad" ]; } ||
           { [ "$1" = snapshot ] && ! grep -v '^status 1' "$tmp/bad"; }
        then
            ok "$1: $line"
        else
            cat "$tmp/bad" >>"$tmp/out"
            not_ok "$1: $line" "$tmp/out"
        fi
    done 7<"$tmp/examples"
}

mkdir "$tmp/xen" "$tmp/work" "$tmp/work/DIRECTORY"
"$build/tests/peers/make-scene" pv-panic "$tmp/work/FILE" 300 >/dev/null || exit 1
cp "$tmp/work/FILE" "$tmp/work/DIRECTORY/a.xfr.lz4"
mkfifo "$tmp/in" "$tmp/answers"
"$build/tests/fake/frhost" "$tmp/xen" 2 <"$tmp/in" >"$tmp/answers" &
exec 5>"$tmp/in" 6<"$tmp/answers"
read -r _ <&6

"$xf" --help >"$tmp/help" || exit 1
sed -n '/^Examples:/q; s/^  \([a-z][a-z]*\) .*/\1/p' "$tmp/help" >"$tmp/commands"
if [ "$(wc -l <"$tmp/commands")" -ge 20 ]
then
    ok "the list of commands"
else
    not_ok "the list of commands" "$tmp/help"
fi
try xenflight "$tmp/help"
while read -r cmd <&8
do
    "$xf" "$cmd" --help >"$tmp/help" 2>&1 || echo "status $?" >"$tmp/help"
    try "$cmd" "$tmp/help"
done 8<"$tmp/commands"
"$build/snapshotd/snapshotd" --help >"$tmp/help" 2>&1
try snapshotd "$tmp/help"

# Programs that need a xenstore: only their --help is checked.
for p in xs-hooks/toolstack/xenflight-request xs-hooks/guest/xenflight-ask.sh \
         "$build/xs-hooks/guest/xenflight-ask"
do
    if "$p" --help >"$tmp/help" && "$p" -h | cmp - "$tmp/help" &&
       examples "$tmp/help" | grep -q "${p##*/} "
    then
        ok "${p##*/}: has examples"
    else
        not_ok "${p##*/}: has examples" "$tmp/help"
    fi
done
finish
