# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libraries.sh: find Dom0's programs and their libraries on this machine, or below
# XENFLIGHT_SYSROOT if that is set.  Sourced.

sysroot=${XENFLIGHT_SYSROOT:-}
xen_bin=$("${0%/*}/../../hypervisor/versions" bin)

# libraries PROGRAM: print the paths of its shared libraries, below $sysroot.
libraries() {
    if [ -z "$sysroot" ]; then
        ldd "$1" 2>/dev/null
    else
        "$sysroot/lib64/ld-linux-x86-64.so.2" --list --library-path \
            "$sysroot/usr/lib/x86_64-linux-gnu" "$1" 2>/dev/null
        echo " /lib64/ld-linux-x86-64.so.2 (loads them)"
    fi | sed -nE 's,.*[[:space:]](/[^ ]+) \(.*,\1,p' |
        sed "s,^$sysroot/,/," | sort -u
}
