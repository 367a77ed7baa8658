#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# help.sh BUILD: run the examples of each command's help and man page: those that
# read files on a made one, those that ask Xen on rings that the real core writes.
# Compare the options of help and page.  TAP.

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

# Run xenflight on the rings; `create' needs that there are none, others that Xen
# records.
on_rings()
{
    cmd=$1
    shift
    case $cmd in
    create) "$xf" destroy --backend "hosted:$tmp/xen" --run "$tmp" ;;
    record|top|status) "$xf" start --backend "hosted:$tmp/xen" --run "$tmp" ;;
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

# Example lines of a help or a man page.
example_lines()
{
    case $1 in
    *.7) sed -n '/^\.Bd -literal/,/^\.Ed/{/^\./!p}' "$1" ;;
    *.8) sed -n '/^\.Sh EXAMPLES/,/^\.Sh [^E]/s/^\.Dl [#$] //p' "$1" |
            sed 's/\\(dq/"/g' ;;
    *) sed -n '/^Examples:/,/^$/s/^  //p' "$1" ;;
    esac
}

# Substitute names that exist here.
examples()
{
    example_lines "$1" |
        sed "s/FILE\.\.\./FILE/; s/web1/victim/g
             s/HEALTHY/FILE/; s/--at -100ms/--at -100us/
             s,/var/lib/xen/snapshotd/,DIRECTORY/,
             /^snapshotd/s,FILE,$top/snapshotd/dist/snapshotd.conf,"
}

# NAME FILE: the examples of a help or page, which may not be answered with `usage'.
try()
{
    examples "$2" >"$tmp/examples"
    if [ ! -s "$tmp/examples" ]
    then
        not_ok "$1: has examples" "$2"
        return
    fi
    ok "$1: has examples"
    rm -rf "$tmp/work"
    cp -r "$tmp/files" "$tmp/work"
    while read -r line <&7
    do
        : >"$tmp/bad"
        (cd "$tmp/work" && set +u && eval "$line") >"$tmp/out" 2>&1
        # Without a daemon `snapshot' fails with 1; 2 would be a usage error.
        if { [ $? = 0 ] && [ ! -s "$tmp/bad" ]; } ||
           { case $line in *xenflight\ snapshot*) ;; *) false ;; esac &&
             ! grep -v '^status 1' "$tmp/bad"; }
        then
            ok "$1: $line"
        else
            cat "$tmp/bad" >>"$tmp/out"
            not_ok "$1: $line" "$tmp/out"
        fi
    done 7<"$tmp/examples"
}

# NAME HELP: no line is longer than a terminal is wide: it would be folded.
fits()
{
    if grep -nE '^.{80}' "$2" >"$tmp/out"
    then
        not_ok "$1: fits a terminal" "$tmp/out"
    fi
}

# NAME HELP PAGE: the page has the options of the help, and no other unless the
# page is shared.
same_options()
{
    sed -nE 's/^ {2,6}(-., )?--([a-z-]+).*/\2/p' "$2" |
        grep -vx -e help -e usage | sort >"$tmp/in-help"
    sed -n '/^\.Sh OPTIONS/,/^\.Sh E/p' "$3" |
        sed -nE '/^\.It Fl /p; /^\.It Ar selection/,/^restricts/p' |
        grep -oE '(Fl|,) -[a-z-]+' | sed 's/.* -//' | sort >"$tmp/in-page"
    case $3 in
    *-$1.8) diff "$tmp/in-help" "$tmp/in-page" >"$tmp/out" ;;
    *)      comm -23 "$tmp/in-help" "$tmp/in-page" >"$tmp/out" ;;
    esac
    if [ ! -s "$tmp/out" ]
    then
        ok "$1: the page has its options"
    else
        not_ok "$1: the page has its options" "$tmp/out"
    fi
}

# COMMAND: its page, which may be that of another one.
page_of()
{
    grep -l "^\.Nm xenflight-$1\b" man/xenflight-*.8
}

mkdir "$tmp/xen" "$tmp/files" "$tmp/files/DIRECTORY"
"$build/tests/peers/make-scene" pv-panic "$tmp/files/FILE" 300 >/dev/null || exit 1
cp "$tmp/files/FILE" "$tmp/files/DIRECTORY/a.xfr.lz4"
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
fits xenflight "$tmp/help"
try xenflight "$tmp/help"
while read -r cmd <&8
do
    "$xf" "$cmd" --help >"$tmp/help" 2>&1 || echo "status $?" >"$tmp/help"
    fits "$cmd" "$tmp/help"
    try "$cmd" "$tmp/help"
    same_options "$cmd" "$tmp/help" "$(page_of "$cmd")"
done 8<"$tmp/commands"
for page in man/xenflight.8 man/xenflight-*.[78]
do
    case $page in */xenflight-request.8) ;; *) try "${page#man/}" "$page" ;; esac
done
"$build/snapshotd/snapshotd" --help >"$tmp/help" 2>&1
fits snapshotd "$tmp/help"
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
