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

# zsh and fish, where they are installed: what they offer for the last word of LINE.
zsh_offers()
{
    zsh -f -c '
        compadd() { print -l -- ${@[$(( ${@[(i)--]} + 1 )),-1]}; }
        compset() { PREFIX=${PREFIX##${~2}}; }
        _describe() { print -l -- ${${(P)4}%%:*}; }
        _files() { print -- FILES; }
        line=$1 program=$2
        words=($program ${${(z)line}[2,-1]})
        [[ $line != *" " ]] || words+=("")
        CURRENT=$#words PREFIX=$words[-1]
        source tools/completion/xenflight.zsh' zsh "$1" "$XENFLIGHT" |
        grep -e "^${2:-}" | sort | tr '\n' ' '
}
fish_offers()
{
    PATH=$tmp/bin:$PATH fish --no-config -c '
        source tools/completion/xenflight.fish; complete -C $argv[1]' -- "$1" |
        cut -f 1 | sort | tr '\n' ' '
}
offers() { got=$($1 "$2" ${4:+"$4"}); echo "$got"; [ "$got" = "$3 " ]; }
all_columns() { _xenflight_columns "$1" | tr ' ' '\n' | sort | paste -sd ' '; }
for shell in zsh fish
do
    if ! command -v $shell >/dev/null
    then
        n=$((n + 1))
        echo "ok $n - $shell # SKIP no $shell"
        continue
    fi
    check "$shell: commands" offers ${shell}_offers 'xenflight ex' 'explain export' ex
    check "$shell: options" offers ${shell}_offers 'xenflight verify --j' --json --j
    check "$shell: a format" offers ${shell}_offers 'xenflight export --to ' \
        'csv ctf json perfetto xentrace'
    check "$shell: columns" offers ${shell}_offers 'xenflight list --columns ' \
        "$(all_columns list)"
done
finish
