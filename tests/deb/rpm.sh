#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# rpm.sh: the RPM packages in a folder with an RPM database of its own: installed,
# used, upgraded, erased.  The folder is a minimal Debian, which has the shell and
# the libraries that they need; dependencies are checked by name.

set -u
cd "$(dirname "$0")/../.." || exit 1
for tool in rpm debootstrap
do
    command -v $tool >/dev/null || { echo "1..0 # SKIP no $tool"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 77; }

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
. tests/lib/tap.sh
. tests/deb/folder.sh
root=$tmp/root
minimal "$codename" "$root" || exit 1
here apt-get -q update >/dev/null 2>&1
packages=$(find "$PWD/build/rpm/RPMS" -name '*.rpm')
golden=/golden.xfr.lz4
cp tests/golden/crash.xfr.lz4 "$root$golden"

rpm_root() { rpm --root "$root" --dbpath /var/lib/rpm "$@"; }
# The requirements but those of RPM itself and of each other.
requires()
{
    rpm -qp --requires "$@" 2>/dev/null | grep -v -e '^rpmlib' -e xenflight | sort -u
}
of() { echo "$packages" | grep "/$1-[0-9]"; }

check "the reader requires no library of Xen" sh -c "
    ! rpm -qp --requires '$(of xenflight)' 2>/dev/null | grep -i libxen"
check "xenflight-dom0 requires the reader of its version" sh -c "
    rpm -qp --requires '$(of xenflight-dom0)' 2>/dev/null | grep '^xenflight = '"
# What the libraries are called in Debian.
check "their libraries are installed" here sh -c 'apt-get -q -y \
    --no-install-recommends install liblz4-1 libxxhash0 libjansson4 libprotobuf-c1 \
    libinih1 libseccomp2 libcap-ng0 libbabeltrace2-0 libxenstore4 \
    "$(apt-cache pkgnames libxenmisc4 | sort -V | tail -n 1)"'
mkdir -p "$root/var/lib/rpm"
rpm_root --initdb >/dev/null 2>&1
# shellcheck disable=SC2086 # a list
check "they install" rpm_root -i --nodeps $packages
check "xenflight explains a file" here xenflight explain $golden
check "a live command runs" sh -c "
    ! chroot '$root' xenflight status >'$tmp/o' 2>&1; cat '$tmp/o'; grep privcmd '$tmp/o'"
check "the daemon checks its configuration" here snapshotd --check
check "the user is created" grep -q '^_xenflight:' "$root/etc/passwd"
check "the state directory is the user's alone" sh -c "
    [ \"\$(chroot '$root' stat -c '%a %U' /var/lib/xen/snapshotd)\" = '700 _xenflight' ]"
check "all files are as packaged" sh -c "
    rpm --root '$root' --dbpath /var/lib/rpm -qa | grep xenflight >'$tmp/all' &&
    [ \"\$(wc -l <'$tmp/all')\" -ge 4 ] &&
    rpm --root '$root' --dbpath /var/lib/rpm -V --nodeps \$(cat '$tmp/all')"
echo '# mine' >>"$root/etc/xen/snapshotd.conf"
# shellcheck disable=SC2086 # a list
check "they install again" rpm_root -U --nodeps --replacepkgs $packages
check "the configuration keeps its changes" \
    grep -qx '# mine' "$root/etc/xen/snapshotd.conf"
check "they are erased" sh -c "
    rpm --root '$root' --dbpath /var/lib/rpm -e --nodeps \$(cat '$tmp/all')"
check "only the changed configuration is left" sh -c "
    find '$root/etc' '$root/usr' '$root/var/lib/xen' -name '*xenflight*' \
        -o -name '*snapshotd*' | grep -v '/snapshotd.conf.rpmsave\$' | tee '$tmp/left'
    ! [ -s '$tmp/left' ]"
finish
