#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What bash offers behind xenflight.

. tests/peers/lib.sh
. tools/completion/xenflight.bash

# WORD...: what is offered for the last of these
offer()
{
    COMP_WORDS=("$XENFLIGHT" "$@")
    COMP_CWORD=$#
    _xenflight
    echo "${COMPREPLY[*]}"
}

is() { [ "$(offer "${@:2}")" = "$1" ] || { offer "${@:2}"; false; }; }
has() { offer "${@:2}" | tr ' ' '\n' | grep -qx -e "$1"; }

# Every option of every command that has a page of help.
all_options()
{
    for c in $(_xenflight_commands "$XENFLIGHT")
    do
        has --help "$c" -- || { echo "$c"; return 1; }
    done
}

# COMMAND: what is offered is what the help has, and the program takes it.
columns_are()
{
    "$XENFLIGHT" "$1" --help | tr -d '\n' |
        sed 's/.*--columns=LIST[^:]*: *//; s/, or .*//; s/  -[-j].*//; s/[ ,]\{1,\}/\n/g' |
        sort >"$tmp/help"
    _xenflight_columns "$1" | tr ' ' '\n' | sort >"$tmp/offered" &&
        same "$tmp/offered" "$tmp/help" &&
        "$XENFLIGHT" "$1" --columns "$(paste -sd , "$tmp/help")" $golden
}

check "a command" is show sh
check "one that makes two possible" has explain ex
check "options of a command" is --filter show --fi
check "options from the filters" has --vcpu export --
check "a format" is perfetto export --to p
check "a clock" has realtime show --clock ""
check "a cause" is watchdog list --cause wa
check "options of list" is "--columns" list --colu
check "a column of list" is pinned list --columns pi
check "a column behind others" is time,cause,seconds list --columns time,cause,se
check "a column of show" is "ran ran_domid ran_vcpu" show --columns ra
check "columns of list are those of the program" columns_are list
check "columns of show are those of the program" columns_are show
check "options of verify" is "--json" verify --j
check "a file is none of its business" is "" show tests/golden/
check "help for every command" all_options
check "it is registered" bash -c \
    ". tools/completion/xenflight.bash && complete -p xenflight"
finish
