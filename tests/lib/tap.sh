# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tap.sh: what tests in sh share; they speak TAP and run from the top of the tree.
# $tmp is the test's own directory, $also a file to show beside the output of a
# check that fails.  A test ends with `finish'.

n=0 failed=0 also=

# NAME COMMAND...: passes if the command does; shows what it printed last if not
check()
{
    name=$1
    shift
    n=$((n + 1))
    if "$@" >"$tmp/check" 2>&1
    then
        echo "ok $n - $name"
    else
        echo "not ok $n - $name"
        cat "$tmp/check" ${also:+"$also"} | tail -n 30 | sed 's/^/# /'
        failed=1
    fi
}

finish()
{
    echo "1..$n"
    exit $failed
}
