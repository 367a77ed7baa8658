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

check "a command" is show sh
check "one that makes two possible" has explain ex
check "options of a command" is --filter show --fi
check "options from the filters" has --vcpu export --
check "a format" is perfetto export --to p
check "a clock" has realtime show --clock ""
check "a file is none of its business" is "" show tests/golden/
check "help for every command" all_options
check "it is registered" bash -c \
    ". tools/completion/xenflight.bash && complete -p xenflight"
finish
