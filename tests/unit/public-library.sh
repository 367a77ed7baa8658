#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libxenflight as a program finds it: installed, with pkg-config.  The example is
# built against it, dynamic and static, and must count the same records as
# xenflight.  The library must export the names of its header and no others.

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM
. tests/lib/tap.sh
file=tests/golden/columns/crash.xfr.lz4

pc()
{
    PKG_CONFIG_LIBDIR=$tmp/usr/lib/pkgconfig:$(pkg-config --variable pc_path \
        pkg-config) PKG_CONFIG_SYSROOT_DIR= \
        pkg-config --define-variable=prefix="$tmp/usr" "$@" libxenflight
}

# expected: print the example's output for $file, made with xenflight.
expected()
{
    "$tmp/usr/bin/xenflight" show --json $file |
        sed -n 's/.*"event":"\([^"]*\)".*/\1/p' | sort | uniq -c |
        awk '{ printf "%8d %s\n", $1, $2 }'
}

# Leave out unknown event ids: xenflight makes up a name for them, the library has
# none.
counts()
{
    expected | grep -v EVENT_ >"$tmp/want"
    "$@" $file | grep -v -e EVENT_ -e 'longest wait' | sort -k 2 >"$tmp/got"
    [ -s "$tmp/want" ] && sort -k 2 "$tmp/want" | diff - "$tmp/got"
}

names()
{
    nm -D --defined-only "$tmp/usr/lib/libxenflight.so" |
        awk '$2 != "A" { sub("@.*", "", $3); print $3 }' | sort >"$tmp/so"
    nm -g --defined-only "$tmp/usr/lib/libxenflight.a" |
        awk '$2 ~ /[A-Z]/ { print $3 }' | sort >"$tmp/a"
    sed -n 's/^[a-z].*[ *]\(xf_[a-z_]*\)(.*/\1/p' \
        "$tmp/usr/include/xenflight.h" | sort >"$tmp/h"
    [ -s "$tmp/h" ] && diff "$tmp/h" "$tmp/so" && diff "$tmp/h" "$tmp/a"
}

# The library has its soname, and each exported name a version.
abi()
{
    readelf -d "$tmp/usr/lib/libxenflight.so" | grep 'SONAME.*\[libxenflight.so.1\]' &&
        [ "$(readlink "$tmp/usr/lib/libxenflight.so")" = libxenflight.so.1 ] &&
        nm -D --defined-only "$tmp/usr/lib/libxenflight.so" >"$tmp/nm" &&
        ! grep ' xf_' "$tmp/nm" | grep -v '@@XENFLIGHT_1$' &&
        sed -n 's/^ \(xf_[a-z_]*\)@XENFLIGHT_1 .*/\1/p' \
            snapshotd/dist/debian/libxenflight1.symbols | sort | diff "$tmp/h" -
}

# The manual has a page for each function, with the header's declaration.
manual()
{
    # Remove comments and newlines.
    gcc -fpreprocessed -dD -E -P "$tmp/usr/include/xenflight.h" |
        tr '\n' ' ' >"$tmp/declarations"
    sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' man/libxenflight.3 >"$tmp/synopsis"
    for f in $(cat "$tmp/h")
    do
        grep -q "^\.Nm $f\b" man/libxenflight.3 &&
            [ -s "$tmp/usr/share/man/man3/$f.3" ] || { echo "$f"; return 1; }
        grep -o "[ *]$f([^)]*);" "$tmp/declarations" |
            sed 's/.*(//; s/);//; s/,  */\n/g' | sed 's/  */ /g' >"$tmp/declared"
        grep "^\.Fn $f " "$tmp/synopsis" | sed 's/^.Fn [a-z_]* //' |
            sed 's/" "/\n/g; s/"//g' | diff "$tmp/declared" - || return 1
    done
}

# The manual's example prints the same events as xenflight.
example()
{
    sed -n '/^\.Bd -literal/,/^\.Ed/p' man/libxenflight.3 |
        sed '/^\.[BE]d/d; s/\\e/\\/g' >"$tmp/ends.c"
    gcc -Wall -Wextra -Werror -o "$tmp/ends" "$tmp/ends.c" $(pc --cflags --libs) &&
        LD_LIBRARY_PATH="$tmp/usr/lib" "$tmp/ends" $file >"$tmp/got" || return 1
    "$tmp/usr/bin/xenflight" show --filter 'reason && dom' --last 1s \
        --columns time,event,reason $file |
        awk 'NR > 1 && $2 != "GAP" { print $1, $2 ": web\\x1b[31m1: " $3 }' >"$tmp/want"
    [ -s "$tmp/want" ] && diff "$tmp/want" "$tmp/got"
}

dynamic()
{
    gcc -Wall -Wextra -Werror -o "$tmp/count" \
        "$tmp/usr/share/doc/xenflight/examples/count.c" \
        $(pc --cflags --libs) &&
        counts env LD_LIBRARY_PATH="$tmp/usr/lib" "$tmp/count"
}

static()
{
    gcc -o "$tmp/count-static" docs/examples/count.c $(pc --cflags) \
        $(pc --static --libs | sed 's/-lxenflight/-l:libxenflight.a/') &&
        mv "$tmp/usr/lib/libxenflight.so.1" "$tmp/hidden" &&
        counts "$tmp/count-static"
    rc=$?
    mv "$tmp/hidden" "$tmp/usr/lib/libxenflight.so.1"
    return $rc
}

standard()
{
    printf '#include <xenflight.h>\nint main(void) { return xf_version() < 1; }\n' \
        >"$tmp/v.c"
    gcc -std=c99 -pedantic -Wall -Wextra -Werror -o "$tmp/v" "$tmp/v.c" \
        $(pc --cflags --libs) && LD_LIBRARY_PATH="$tmp/usr/lib" "$tmp/v"
}

cplusplus()
{
    g++ -std=c++11 -pedantic -Wall -Wextra -Werror -x c++ -o "$tmp/v++" \
        "$tmp/v.c" $(pc --cflags --libs) &&
        LD_LIBRARY_PATH="$tmp/usr/lib" "$tmp/v++"
}

# A file that is cut, one of another format, and one that does not exist.
wrong()
{
    export LD_LIBRARY_PATH="$tmp/usr/lib"
    head -c 2000 $file >"$tmp/cut" && ! "$tmp/count" "$tmp/cut" &&
        "$tmp/count" /etc/passwd 2>&1 | grep -q "not a snapshot file" &&
        "$tmp/count" "$tmp/none" 2>&1 | grep -q "No such file"
}

check "make install" \
    "${MAKE:-make}" --no-print-directory install DESTDIR="$tmp" PREFIX=/usr
check "it exports the names of the header" names
check "its soname, and the versions of its names" abi
check "the manual has the declarations" manual
check "the manual's example" example
check "the example, against the installed library" dynamic
check "the example, static" static
check "the header is C99" standard
if command -v g++ >/dev/null
then
    check "the header is C++" cplusplus
else
    n=$((n + 1))
    echo "ok $n - the header is C++ # SKIP no g++"
fi
check "files that are cut, wrong or missing" wrong
finish
