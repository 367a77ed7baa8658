#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# packages.sh BUILD: what can be checked of packages and of the table of Xen releases
# without a fresh folder: `make check-bare' does the rest.

set -u
# As a run within `make check' may have them.
unset XEN_FAMILY XEN_SOURCE XENFLIGHT_REFRESH MAKEFLAGS MAKELEVEL
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM
. tests/lib/tap.sh

# --- the reader and xenflight-dom0
check "the reader links no library of Xen" sh -c "
    ldd '$build/tools/xenflight' >'$tmp/o' && ! grep -i libxen '$tmp/o'"
check "a live command is run by the program beside the reader" sh -c "
    ! '$build/tools/xenflight' status --backend hosted:$tmp/none >'$tmp/o' 2>&1
    cat '$tmp/o'; ! grep 'not installed' '$tmp/o'"
cp "$build/tools/xenflight" "$tmp/xenflight"
for command in status start stop create destroy mask snapshot record "top live"
do
    check "$command: without xenflight-dom0 the message names the package" sh -c "
        '$tmp/xenflight' $command >'$tmp/o' 2>&1; [ \$? = 1 ] || exit
        grep 'xenflight-dom0 is not installed' '$tmp/o'"
done
check "--version names revision, formats and libraries" sh -c "
    '$build/tools/xenflight' --version | tee '$tmp/o'
    grep -q '^xenflight [0-9.]* (git .*)' '$tmp/o' &&
    grep -q 'snapshot format [0-9]' '$tmp/o' && grep -q 'lz4 [0-9]' '$tmp/o'"

# --- dependencies
check "make names what is missing, and what to run" sh -c "
    ! make CC=no-such-compiler >'$tmp/o' 2>&1; cat '$tmp/o'
    grep -q 'no-such-compiler.*make deps' '$tmp/o'"
# The names that the packages' build needs are those that \`make deb' installs.
build_depends()
{
    sed -n '/^Build-Depends:/,/^Standards/p' snapshotd/dist/debian/control |
        sed '$d; s/^Build-Depends://' | tr ',' '\n' |
        sed 's/([^)]*)//; s/debhelper-compat/debhelper/; s/ //g' | grep . | sort
}
check "\`make deb' installs Build-Depends" sh -c "
    .ci/deps -n deb >'$tmp/have'; sort -o '$tmp/have' '$tmp/have'
    cat >'$tmp/want' && [ -s '$tmp/want' ] && comm -23 '$tmp/want' '$tmp/have' >'$tmp/o'
    cat '$tmp/o'; ! [ -s '$tmp/o' ]" <<END
$(build_depends)
END

# closure PACKAGE...: they and all that they depend on, as far as it is installed.
closure()
{
    printf '%s\n' "$@" | sort -u >"$tmp/closure"
    while :
    do
        # shellcheck disable=SC2046 # names
        { cat "$tmp/closure"
          dpkg-query -W -f '${Depends}, ${Pre-Depends}\n' $(cat "$tmp/closure") \
              2>/dev/null | tr ',|' '\n\n' | sed 's/([^)]*)//; s/:any//; s/ //g' |
              grep .
        } | sort -u >"$tmp/more"
        cmp -s "$tmp/more" "$tmp/closure" && break
        mv "$tmp/more" "$tmp/closure"
    done
    cat "$tmp/closure"
}
# The packages of the headers that our sources include.
headers()
{
    grep -hE '^#include <' lib/*.[ch] lib/*/*.[ch] snapshotd/*.c snapshotd/*/*.[ch] \
        tools/*.[ch] tools/*/*.[ch] xs-hooks/*/*.c |
        grep -v -e '<public/' -e '<xen/flightrec' -e '<babeltrace2' | sort -u >"$tmp/all.c"
    gcc -M -D_GNU_SOURCE "$tmp/all.c" | tr ' ' '\n' | grep '^/' | xargs -r realpath |
        sort -u >"$tmp/headers"
    [ "$(wc -l <"$tmp/headers")" -gt 50 ] || echo "too few headers"
    xargs dpkg-query -S <"$tmp/headers" 2>/dev/null | sed 's/[:,].*//' | sort -u
}
if [ -e /etc/debian_version ]
then
    # shellcheck disable=SC2046 # names
    closure $(.ci/deps -n build) >/dev/null
    headers >"$tmp/used"
    check "each header is in a package that \`make deps' installs" sh -c "
        [ -s '$tmp/used' ] && comm -23 '$tmp/used' '$tmp/closure' >'$tmp/o'
        cat '$tmp/o'; ! [ -s '$tmp/o' ]"
fi

# --- each file is in a package
make -s list-installed PREFIX=/usr XF_LIBDIR=/usr/lib/T BT2_DIR=/usr/lib/T/babeltrace2/plugins \
    XF_DOC=/usr/share/doc/libxenflight-dev UNITDIR=/lib/systemd/system |
    sed 's,^/,,' | sort >"$tmp/files"
# in_none: read patterns, and print the files that match none.
in_none()
{
    sed 's,^/,,; s,/*$,,' >"$tmp/patterns"
    while read -r file
    do
        while read -r pattern
        do
            # shellcheck disable=SC2254 # patterns
            case $file in
            $pattern|$pattern/*) continue 2 ;;
            esac
        done <"$tmp/patterns"
        echo "$file"
    done <"$tmp/files" >"$tmp/o"
    cat "$tmp/o"
    [ "$(wc -l <"$tmp/files")" -gt 60 ] && [ -s "$tmp/patterns" ] && ! [ -s "$tmp/o" ]
}
debian() { { sed 's/#.*//; s/ .*//' snapshotd/dist/debian/*.install; echo lib/systemd; } |
    grep . | in_none; }
spec()
{
    sed -n '/^%files/,$p' snapshotd/dist/rpm/xenflight.spec |
        sed -E 's/^%(dir|config[^ ]*|attr[^ ]*) //; /^%(files|exclude|if|endif)/d
            s,%\{_(s?bin)dir\},usr/\1,; s,%\{_libdir\},usr/lib/T,; s,%\{_includedir\},usr/include,
            s,%\{_mandir\},usr/share/man,; s,%\{_unitdir\},lib/systemd/system,
            s,%\{_(sysusers|tmpfiles)dir\},usr/lib/\1.d,; s,%\{_docdir\},usr/share/doc,
            s,%\{_datadir\},usr/share,; s,%\{_prefix\},usr,; s,libxenflight-devel,libxenflight-dev,' |
        grep '^[a-z]' | in_none
}
check "each file is in a Debian package" debian
check "each file is in an RPM package" spec

# --- the table of releases
release() { echo "VERSION_CODENAME=$1" >"$tmp/$1"; }
release bookworm
release trixie
release other
is()
{
    want=$1 os=$2
    shift 2
    got=$(XENFLIGHT_OS_RELEASE=$tmp/$os "$@" | paste -sd ' ')
    echo "$got"
    [ "$got" = "$want" ]
}
check "Debian 12 has 4.17" is 4.17 bookworm hypervisor/versions machine
check "Debian 13 has 4.20" is 4.20 trixie hypervisor/versions machine
check "Debian 13 tries 4.20 first" is "4.20 4.17" trixie hypervisor/versions
check "XEN_FAMILY is tried first" \
    is "4.20 4.17" bookworm env XEN_FAMILY=4.20 hypervisor/versions
check "XEN_FAMILY does not change the machine" \
    is 4.17 bookworm env XEN_FAMILY=4.20 hypervisor/versions machine
check "another system has one of them" sh -c "
    XENFLIGHT_OS_RELEASE=$tmp/other hypervisor/versions machine | grep '^4\.'"
check "an unknown family is refused" sh -c "
    ! XEN_FAMILY=3.1 hypervisor/versions utils 2>'$tmp/o'; grep 4.17 '$tmp/o'"
check "each family has a series" sh -c '
    for f in $(hypervisor/versions)
    do
        [ -s hypervisor/patches/$f/series ] || { echo $f; exit 1; }
    done'
check "names of Xen packages are in the table alone" sh -c "
    ! grep -rnE 'xen-(utils|hypervisor)-4|/usr/lib/xen-4|libxenmisc4[.]' .ci Makefile \
        hypervisor/*[!s] snapshotd tests/deb tests/e2e tests/hosted tools lib"

# --- a source that the archive has lost: an archive of our own, with 4.17 alone
mkdir -p "$tmp/bin" "$tmp/hv/patches/4.17" "$tmp/hv/patches/4.20" "$tmp/tree/debian/patches"
cp hypervisor/build-xen hypervisor/source.sh hypervisor/versions "$tmp/hv/"
: >"$tmp/hv/patches/4.17/series"
: >"$tmp/hv/patches/4.20/series"
: >"$tmp/tree/debian/patches/series"
tar -C "$tmp" -cJf "$tmp/orig.tar.xz" tree
tar -C "$tmp/tree" -cJf "$tmp/debian.tar.xz" debian
cat >"$tmp/bin/apt-cache" <<'END'
#!/bin/sh
printf 'Version: %s\n' 4.17.5-1 4.17.7-1 4.20.4-1 4.20.5-1
END
cat >"$tmp/bin/apt-get" <<END
#!/bin/sh
for version; do :; done
case \$version in
xen=4.17.5-1) cp $tmp/orig.tar.xz ./xen_4.17.5.orig.tar.xz
              cp $tmp/debian.tar.xz ./xen_4.17.5-1.debian.tar.xz ;;
xen=*) echo "E: Failed to fetch xen.dsc  404  Not Found"; exit 100 ;;
esac
END
chmod +x "$tmp/bin"/*
build_xen()
{
    os=$1
    shift
    PATH=$tmp/bin:$PATH XENFLIGHT_CACHE=$tmp/cache XENFLIGHT_OS_RELEASE=$tmp/$os \
        "$tmp/hv/build-xen" "$@" 2>"$tmp/err" >"$tmp/o"
    rc=$?
    cat "$tmp/err"
    return $rc
}
check "a lost version leads to an older one" build_xen bookworm source 4.17
check "... which is printed" grep -qx 4.17.5-1 "$tmp/o"
check "... and both are named" sh -c "
    grep -q '4.17.7-1 is listed but cannot be fetched: .*404' '$tmp/err'"
check "a lost family leads to another one" build_xen trixie family
check "... which is printed" grep -qx 4.17 "$tmp/o"
check "... with the reason" sh -c "
    cat '$tmp/err'; grep -q 'taking Xen 4.17 instead of 4.20' '$tmp/err'"
check "a family without any source: a message, no build" sh -c "
    ! PATH=$tmp/bin:\$PATH XENFLIGHT_CACHE=$tmp/cache '$tmp/hv/build-xen' source 4.20 \
        2>'$tmp/err'; cat '$tmp/err'
    grep -q 'apt lists 4.20.5-1 4.20.4-1.*XEN_SOURCE' '$tmp/err'"
mkdir -p "$tmp/given/xen/common"
touch "$tmp/given/xen/common/Kconfig"
printf 'export XEN_VERSION      = 4\nexport XEN_SUBVERSION   = 20\nexport XEN_EXTRAVERSION ?= .2$(XEN_VENDORVERSION)\n' \
    >"$tmp/given/xen/Makefile"
check "XEN_SOURCE: a tree, whose version is read" sh -c "
    XEN_SOURCE=$tmp/given '$tmp/hv/build-xen' source | tee '$tmp/o'; grep -qx 4.20.2 '$tmp/o'"
check "XEN_SOURCE: its family" sh -c "
    XEN_SOURCE=$tmp/given '$tmp/hv/build-xen' family | grep -qx 4.20"
check "XEN_SOURCE: an empty folder is refused" sh -c "
    ! XEN_SOURCE=$tmp/bin '$tmp/hv/build-xen' family 2>'$tmp/err'; cat '$tmp/err'
    grep -q 'no tree of Xen' '$tmp/err'"
finish
