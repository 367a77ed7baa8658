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
    timeout 10 script -qec "$1" /dev/null </dev/null 2>&1
}

show="$XENFLIGHT show --last 25us $golden"
plain() { ! $show | grep -q "$esc" && $show | grep -q SCHED; }
color() { on_terminal "TERM=xterm PAGER= $show" | grep -q "$esc\[36mSCHED"; }
no_color() { on_terminal "TERM=xterm NO_COLOR=1 PAGER= $show" >"$tmp/o" &&
    grep -q SCHED "$tmp/o" && ! grep -q "$esc" "$tmp/o"; }
dumb() { on_terminal "TERM=dumb PAGER= $show" >"$tmp/o" &&
    grep -q SCHED "$tmp/o" && ! grep -q "$esc" "$tmp/o"; }
always() { $show --color=always | grep -q "$esc\[36mSCHED"; }
paged() { on_terminal "NO_COLOR=1 PAGER='sed s/^/PAGED/' $show" | grep -q PAGEDTrace; }
no_pager() { on_terminal "NO_COLOR=1 PAGER='sed s/^/PAGED/' $show --no-pager" >"$tmp/o" &&
    grep -q Trace "$tmp/o" && ! grep -q PAGED "$tmp/o"; }
quit() { on_terminal "PAGER='head -n 1' $show; echo status \$?" |
    grep -q "status 0"; }

check "no colour where it is no terminal" plain
check "colour on a terminal" color
check "NO_COLOR" no_color
check "a terminal without colours" dumb
check "--color=always" always
check "the pager is \$PAGER" paged
check "--no-pager" no_pager
check "a pager that ends early" quit
finish
