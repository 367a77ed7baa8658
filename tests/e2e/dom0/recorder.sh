# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Functions for the cases that drive the recorder with probe.

# v NAME FILE: print the value of a line name=value.
v() { sed -n "s/^$1=//p" "$2"; }
# is NAME FILE NUMBER: the value is NUMBER.
is() { [ "$(v "$1" "$2")" = "$3" ] || { cat "$2"; return 1; }; }
# refuses ERRNO COMMAND...: the command fails with this errno.
refuses() {
    fr_errno=$1; shift
    "$@" > /tmp/refuses 2>&1 && { echo "not refused"; return 1; }
    grep -q ": $fr_errno\$" /tmp/refuses || { cat /tmp/refuses; return 1; }
}
emitted() { probe cpu "$1" 0 | sed -n 's/^emitted=//p'; }
# grows CPU: the pCPU records.
more_than() { [ "$(emitted "$1")" -gt "$2" ]; }
grows() { wait_for 20 more_than "$1" "$(emitted "$1")"; }
