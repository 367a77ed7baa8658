#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Colour and the pager: on a terminal, and only there.

. tests/peers/lib.sh
need script
esc=$(printf '\033')

# COMMAND: its output on a terminal of its own
on_terminal()
{
    tests/lib/own-timeout 10 script -qec "$1" /dev/null </dev/null 2>&1
}

show="$XENFLIGHT show --last 25us $golden"
info="$XENFLIGHT info $golden"
list="$XENFLIGHT list $golden"
verify="$XENFLIGHT verify $golden"
diff="$XENFLIGHT diff $golden tests/golden/columns/crash.xfr.lz4"
# More than a pipe holds.
$MAKE_SCENE plain "$tmp/long.xfr.lz4" 10000 >/dev/null || exit 1
long="$XENFLIGHT show $tmp/long.xfr.lz4"

# A PATH in which less says how it was started and then is less, and one without.
mkdir "$tmp/bin" "$tmp/none"
printf '#!/bin/sh\necho "less $* LESS=$LESS" >>%s\nexec %s "$@"\n' "$tmp/started" \
    "$(command -v less)" >"$tmp/bin/less"
chmod +x "$tmp/bin/less"
path="PATH=$tmp/bin:$PATH"

plain() { ! $1 | grep -q "$esc" && $1 | grep -q "$2"; }
color() { on_terminal "TERM=xterm PAGER= $1" | grep -q "$esc\[$2"; }
# What is on the terminal is what is in the pipe.
same_as_piped()
{
    on_terminal "$1 $2" | tr -d '\r' >"$tmp/o"
    $2 >"$tmp/piped"
    same "$tmp/piped" "$tmp/o"
}
always() { $1 --color=always | grep -q "$esc\[$2"; }
never() { on_terminal "TERM=xterm PAGER= $1 --color=never" >"$tmp/o" &&
    [ -s "$tmp/o" ] && ! grep -q "$esc" "$tmp/o"; }
paged() { on_terminal "NO_COLOR=1 PAGER='sed s/^/PAGED/' $1" | grep -q "^PAGED$2"; }
unpaged() { on_terminal "NO_COLOR=1 PAGER='sed s/^/PAGED/' $1" >"$tmp/o" &&
    [ -s "$tmp/o" ] && ! grep -q PAGED "$tmp/o"; }
# With all that it has to say unread.
quit() { on_terminal "PAGER='head -n 1' $1; echo status \$?" >"$tmp/o"
    cat "$tmp/o"; grep -q "status 0" "$tmp/o" && ! grep -q xenflight: "$tmp/o"; }

# Where one begins to look.
by_default()
{
    : >"$tmp/started"
    on_terminal "stty rows 60; unset PAGER LESS; TERM=xterm $path $1; echo status \$?" >"$tmp/o"
    cat "$tmp/started" "$tmp/o"
    grep -qx "less  LESS=FRX" "$tmp/started" && grep -q "$esc\[$2" "$tmp/o" &&
        grep -q "status 0" "$tmp/o"
}
less_environment() { : >"$tmp/started"
    on_terminal "stty rows 60; unset PAGER; LESS=FRXi TERM=xterm $path $info" >"$tmp/o" &&
    grep -qx "less  LESS=FRXi" "$tmp/started"; }
# It waits for a key behind the first screen; less asks the terminal for it.
waits_for_a_key()
{
    printf 'q' | tests/lib/own-timeout 20 script -qec "unset PAGER LESS; TERM=xterm $path $long
        echo status \$?" /dev/null >"$tmp/o" 2>&1 || return 1
    head -n 3 "$tmp/o"
    tail -n 3 "$tmp/o"
    grep -q "Trace snapshot" "$tmp/o" && grep -q "status 0" "$tmp/o" &&
        ! grep -q xenflight: "$tmp/o" &&
        [ "$(wc -l <"$tmp/o")" -lt "$(($($long | wc -l) / 2))" ]
}
no_less() { same_as_piped "unset PAGER; NO_COLOR=1 PATH=$tmp/none" "$info"; }
no_terminal() { : >"$tmp/started"
    env -u PAGER "$path" $long >"$tmp/o" && [ ! -s "$tmp/started" ]; }
# Behind the pager's text, not under it.
message_last() { head -c -300 $golden >"$tmp/cut"
    on_terminal "PAGER='sed s/^/PAGED/' $XENFLIGHT info $tmp/cut" >"$tmp/o"
    [ $? != 0 ] && tail -n 1 "$tmp/o" | grep "^xenflight: .*cut"; }

check "show: no colour where it is no terminal" plain "$show" SCHED
check "list: no colour where it is no terminal" plain "$list" golden
check "info: no colour where it is no terminal" plain "$info" Machine
check "verify: no colour where it is no terminal" plain "$verify" whole
check "show: colour on a terminal" color "$show" 36mSCHED
check "list: colour on a terminal" color "$list" 32mweb
check "info: colour on a terminal" color "$info" 1mMachine
check "verify: colour on a terminal" color "$verify" 32mwhole
check "diff: no colour where it is no terminal" plain "$diff" PV_PAGE_FAULT
check "diff: colour on a terminal" color "$diff" 36mPV_PAGE_FAULT
check "NO_COLOR" same_as_piped "TERM=xterm NO_COLOR=1 PAGER=" "$show"
check "a terminal without colours" same_as_piped "TERM=dumb PAGER=" "$show"
check "--color=always" always "$show" 36mSCHED
check "list --color=always" always "$list" 32mweb
check "--color=never" never "$show"
check "list --color=never" never "$list"
check "verify --color=never" never "$verify"
check "the pager is \$PAGER" paged "$show" Trace
check "list: the pager is \$PAGER" paged "$list" TIME
check "info: the pager is \$PAGER" paged "$info" Trace
check "diff: the pager is \$PAGER" paged "$diff" "A  tests"
check "verify has no pager" unpaged "$verify"
check "--no-pager" unpaged "$show --no-pager"
check "list --no-pager" unpaged "$list --no-pager"
check "info --no-pager" unpaged "$info --no-pager"
check "PAGER=cat" same_as_piped "NO_COLOR=1 PAGER=cat" "$show"
check "an empty PAGER" same_as_piped "NO_COLOR=1 PAGER=" "$list"
check "a pager that ends early" quit "$show"
check "a pager that ends early, much unread" quit "$long"
check "list: a pager that ends early" quit "$list"
check "info: a pager that ends early" quit "$info"
check "the rest is said behind the pager's text" message_last
check "nothing is started where it is no terminal" no_terminal
check "no less: plain" no_less
if command -v less >/dev/null
then
    check "show: less, with colours, ends by itself" by_default "$show" 36mSCHED
    check "list: less, with colours, ends by itself" by_default "$list" 32mweb
    check "info: less, with colours, ends by itself" by_default "$info" 1mMachine
    check "LESS is left alone" less_environment
    check "less waits for a key if it is long" waits_for_a_key
else
    echo "ok $((n = n + 1)) - less # SKIP no less"
fi
finish
