#compdef xenflight
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of xenflight(8) for zsh.  Commands and options come from the --help of
# the program that is completed.

_xenflight()
{
    local program=${words[1]} command=${words[2]} previous=${words[CURRENT-1]}
    local option
    local -a list
    local -A values=(
        to      'ctf perfetto xentrace json csv'
        clock   'rel tsc xen monotonic realtime'
        class   'gen sched dom0op hvm mem pv shadow hw guest'
        cause   'crash xen-crash watchdog triple-fault viridian request'
        color   'auto always never'
        list-columns 'time cause domain domid uuid reason host xen size bytes seconds complete pinned file'
        show-columns 'time tsc pcpu channel ran ran_domid ran_vcpu event class fields'
    )

    if (( CURRENT == 2 )); then
        list=(${(f)"$($program --help 2>/dev/null |
            sed -n '/^Examples:/q; s/^  \([a-z][a-z]*\)  *\(.*\)/\1:\2/p')"})
        _describe -t commands 'command' list
        return
    fi

    if [[ $PREFIX == --*=* ]]; then
        option=${${PREFIX%%=*}#--}
        compset -P '*='
    elif [[ $command$previous == export-t ]]; then
        option=to
    elif [[ $command$previous == list-c ]]; then
        option=cause
    elif [[ $previous == --* && $previous != --color ]]; then
        option=${previous#--}
    fi
    if [[ $option == columns ]]; then
        option=$command-columns
        compset -P '*,'
        compadd -S '' -- ${=values[$option]}
    elif [[ -n $option && -n ${values[$option]} ]]; then
        compadd -- ${=values[$option]}
    elif [[ $PREFIX == -* ]]; then
        list=(${(f)"$($program $command --help 2>/dev/null |
            sed -n 's/^ *\(-., *\)\{0,1\}\(--[a-z-]*\).*/\2/p' | sort -u)"})
        compadd -- $list
    else
        _files
    fi
}

_xenflight "$@"
