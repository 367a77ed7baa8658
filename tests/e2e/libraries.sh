# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libraries.sh: where Dom0's programs and their libraries come from: this
# machine, or the root that XENFLIGHT_SYSROOT names.  Sourced.

sysroot=${XENFLIGHT_SYSROOT:-}
xen_bin=$(ls -d "$sysroot"/usr/lib/xen-4.*/bin 2>/dev/null | sort -V | tail -n 1)
xen_bin=${xen_bin#"$sysroot"}

# libraries PROGRAM: the paths, below $sysroot, of what it is linked with.
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
