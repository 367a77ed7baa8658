# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of xenflight(8) for fish.  Commands and options come from the --help of
# the program that is completed.

function __xenflight_commands
    xenflight --help 2>/dev/null |
        sed -n '/^Examples:/q; s/^  \([a-z][a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __xenflight_options
    set -l tokens (commandline -opc)
    xenflight $tokens[2] --help 2>/dev/null |
        sed -n 's/^ *\(-., *\)\{0,1\}\(--[a-z-]*\).*/\2/p' | sort -u
end

# Print the values of an option: COMMAND OPTION.
function __xenflight_values_of
    switch $argv[1]$argv[2]
        case '*--to' 'export-t'
            printf '%s\n' ctf perfetto xentrace json csv
        case '*--clock'
            printf '%s\n' rel tsc xen monotonic realtime
        case '*--class'
            printf '%s\n' gen sched dom0op hvm mem pv shadow hw guest
        case '*--cause' 'list-c'
            printf '%s\n' crash xen-crash watchdog triple-fault viridian request
        case '*--color'
            printf '%s\n' auto always never
        case 'list--columns'
            printf '%s\n' time cause domain domid uuid reason host xen size bytes \
                seconds complete pinned file
        case 'show--columns'
            printf '%s\n' time tsc pcpu channel ran ran_domid ran_vcpu event class \
                fields
    end
end

# Values behind an option or its "=", and behind a comma in a list.
function __xenflight_values
    set -l tokens (commandline -opc)
    set -l word (commandline -ct)
    set -l option $tokens[-1]
    set -l before ''
    if string match -q -- '--*=*' $word
        set option (string split -m 1 = -- $word)[1]
        set before $option=
        set word (string split -m 1 = -- $word)[2]
    else if test $option = --color
        return
    end
    if string match -q -- '*,*' $word
        set before $before(string replace -r '[^,]*$' '' -- $word)
    end
    for value in (__xenflight_values_of $tokens[2] $option)
        echo $before$value
    end
end

function __xenflight_has_values
    test (count (__xenflight_values)) -gt 0
end

complete -c xenflight -n __fish_is_first_arg -f -a '(__xenflight_commands)'
complete -c xenflight -n __xenflight_has_values -f -a '(__xenflight_values)'
complete -c xenflight \
    -n 'not __fish_is_first_arg; and string match -q -- "-*" (commandline -ct)' \
    -a '(__xenflight_options)'
