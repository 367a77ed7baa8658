# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of xenflight(8) for bash.  Commands and options come from the --help
# of the installed program.

_xenflight_commands()
{
    "$1" --help 2>/dev/null | 
        sed -n '/^Examples:/q; s/^  \([a-z][a-z]*\) .*/\1/p'
}

# PROGRAM COMMAND
_xenflight_options()
{
    "$1" "$2" --help 2>/dev/null |
        sed -n 's/^ *\(-., *\)\{0,1\}\(--[a-z-]*\).*/\2/p' | sort -u
}

# COMMAND
_xenflight_columns()
{
    case $1 in
    list) echo time cause domain domid uuid reason host xen size bytes \
               seconds complete pinned file ;;
    show) echo time tsc pcpu channel ran ran_domid ran_vcpu event class \
               fields ;;
    esac
}

_xenflight()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local program=${COMP_WORDS[0]} words= before= bound=

    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]
    then
        words=$(_xenflight_commands "$program")
    else
        # bash splits a word at `='.
        if [ "$prev" = = ]
        then
            prev=${COMP_WORDS[COMP_CWORD-2]}
            bound='='
        elif [ "$cur" = = ]
        then
            bound='=' cur=
        fi
        case ${COMP_WORDS[1]}$prev$bound in
        *--to|*--to=|export-t) words='ctf perfetto xentrace json csv' ;;
        *--clock|*--clock=) words='rel tsc xen monotonic realtime' ;;
        *--class|*--class=)
            words='gen sched dom0op hvm mem pv shadow hw guest' ;;
        *--columns|*--columns=)
            words=$(_xenflight_columns "${COMP_WORDS[1]}")
            # Complete the text after the last comma; another may follow.
            [ "$cur" = "${cur##*,}" ] || before=${cur%,*},
            cur=${cur##*,}
            compopt -o nospace 2>/dev/null
            ;;
        *--cause|*--cause=|list-c)
            words='crash xen-crash watchdog triple-fault viridian request' ;;
        *--color=) words='auto always never' ;;
        *=) ;;
        *)
            [ "${cur#-}" = "$cur" ] ||
                words=$(_xenflight_options "$program" "${COMP_WORDS[1]}")
            ;;
        esac
    fi
    # shellcheck disable=SC2207
    [ -z "$words" ] || COMPREPLY=($(compgen -P "$before" -W "$words" -- "$cur"))
}

# All other words are files.
complete -o default -F _xenflight xenflight
