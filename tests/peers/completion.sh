#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# completion.sh: the words that bash offers after xenflight.

. tests/peers/lib.sh
. tools/completion/xenflight.bash

# WORD...: the words offered for the last one
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

# COMMAND: the columns offered are those of the help, and are accepted.
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
check "behind an equals sign" is watchdog list --cause = wa
check "right behind it" has csv export --to =
check "what takes no blank gets none" is "" show --color a
check "... but an equals sign" is "auto always" show --color = a
check "a short option is a command's own" is watchdog list -c wa
check "... and no other's" is "" show -c wa
check "it is registered" bash -c \
    ". tools/completion/xenflight.bash && complete -p xenflight"

# As it is typed: a shell on a terminal of its own, Tab and all.
mkdir "$tmp/bin"
cat >"$tmp/bin/xenflight" <<END
#!/bin/sh
case "\$*" in *--help*) exec "$(readlink -f "$XENFLIGHT")" "\$@" ;; esac
printf 'got:'
printf ' <%s>' "\$@"
echo
END
chmod +x "$tmp/bin/xenflight"
echo ". tools/completion/xenflight.bash" >"$tmp/rc"
# LINE: with \\t for Tab; what the program was given in the end.
typed()
{
    printf "xenflight $1\nexit\n" |
        PATH=$tmp/bin:$PATH TERM=dumb tests/lib/own-timeout 20 \
            script -qec "bash --noprofile --rcfile $tmp/rc -i" /dev/null |
        tr -d '\r' | sed -n 's/^got: //p'
}
given() { got=$(typed "$1"); echo "$got"; [ "$got" = "$2" ]; }
check "typed: columns" given 'list --colu\tpi\t,uu\t' "<list> <--columns> <pinned,uuid>"
check "typed: a cause" given 'list --cau\twa\t' "<list> <--cause> <watchdog>"
check "typed: a cause behind an equals sign" given 'list --cause=tri\t' \
    "<list> <--cause=triple-fault>"
check "typed: a command and its option" given 'veri\t--js\tx' "<verify> <--json> <x>"
check "typed: a colour" given 'info --color=nev\tx' "<info> <--color=never> <x>"
check "typed: a file" given 'info tests/golden/cra\t' "<info> <$golden>"
finish
