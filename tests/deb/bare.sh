#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# bare.sh [SUITE...]: README's commands in fresh folders of Debian 12 and 13, each
# from an empty cache: `make deps && make deb' with the packages installed, used and
# purged, then `make demo'.  Counts minutes and packages.  BARE_DIR (default: the
# cache) holds the folders; BARE_PARTS chooses of "packages demo".

set -u
cd "$(dirname "$0")/../.." || exit 1

# Mounts that end with this script.
if [ -z "${BARE_MOUNTS:-}" ]
then
    [ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 77; }
    command -v debootstrap >/dev/null || {
        echo "1..0 # SKIP no debootstrap: apt-get install debootstrap"
        exit 77
    }
    BARE_MOUNTS=yes exec unshare -m "$0" "$@"
fi

. tests/lib/tap.sh
. tests/deb/folder.sh
root=
tmp=$(mktemp -d) || exit 1
unmount()
{
    for m in proc sys dev
    do
        [ -z "$root" ] || umount -R "$root/$m" 2>/dev/null
    done
}
trap 'unmount; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

# timed NAME COMMAND...: a check, with its time and the number of packages it added.
cpu_seconds() { awk '{ print int(($16 + $17) / 100) }' /proc/$$/stat; }
packages() { here dpkg-query -W -f '${db:Status-Status}\n' | grep -cx installed; }
timed()
{
    name=$1
    shift
    before=$(packages) started=$(date +%s) cpu=$(cpu_seconds)
    check "$name" "$@"
    took=$(($(date +%s) - started))
    echo "# measured: $name: $((took / 60)) min $((took % 60)) s," \
        "$(($(cpu_seconds) - cpu)) s of CPU time, $(($(packages) - before)) packages"
}

# fresh SUITE: a new folder of it in $root, with this tree in /src.
fresh()
{
    unmount
    root=$folders/$1-run
    minimal "$1" "$root" || return 1
    mount -t proc proc "$root/proc" && mount --rbind /sys "$root/sys" &&
        mount --rbind /dev "$root/dev" || return 1
    mkdir "$root/src"
    git ls-files -z | tar -c --null -T - | tar -x -C "$root/src"
}

readme() { here sh -c "apt-get -q update && apt-get -q install -y make && $*"; }
in_src() { here sh -c "cd /src && $*" ; }
golden=/src/tests/golden/crash.xfr.lz4

try_packages()
{
    suite=$1
    fresh "$suite" || { check "$suite: debootstrap" false; return; }
    timed "$suite: apt-get update, and make" readme true
    check "$suite: make names what to run" sh -c "
        ! chroot '$root' make -C /src >'$tmp/o' 2>&1; tail -n 3 '$tmp/o'
        grep -q 'make deps' '$tmp/o'"
    timed "$suite: make deps" in_src make deps
    timed "$suite: make deb" in_src make deb
    rm -rf "$tmp/deb"
    mkdir "$tmp/deb"
    cp "$root"/src/build/deb/*.deb "$tmp/deb/" || return
    ls "$tmp/deb" | sed 's/^/# /'

    # What a reader gets on a minimal system.
    fresh "$suite"
    cp -r "$tmp/deb" "$root/deb"
    here apt-get -q update >/dev/null 2>&1
    timed "$suite: install the reader, recommended packages included" \
        here sh -c 'apt-get -q -y install /deb/xenflight_*.deb'
    check "$suite: at most 12 packages" sh -c \
        "[ '$(($(packages) - before))' -le 12 ]"
    check "$suite: it links no library of Xen" sh -c "
        chroot '$root' ldd /usr/bin/xenflight >'$tmp/o' && ! grep -i libxen '$tmp/o' &&
        ! chroot '$root' dpkg-query -W 'libxen*' 2>/dev/null | grep ."
    check "$suite: it explains a file" here xenflight explain $golden
    check "$suite: it verifies a file" here xenflight verify /src/tests/golden/crash.xfr.lz4
    check "$suite: a live command names the package it needs" sh -c "
        ! chroot '$root' xenflight status >'$tmp/o' 2>&1; cat '$tmp/o'
        grep -q 'install.*xenflight-dom0\|xenflight-dom0.*install' '$tmp/o'"
    timed "$suite: install the rest, without recommended packages" here sh -c \
        'apt-get -q -y --no-install-recommends install /deb/*.deb'
    check "$suite: a live command runs" sh -c "
        ! chroot '$root' xenflight status >'$tmp/o' 2>&1; cat '$tmp/o'
        grep -q privcmd '$tmp/o'"
    check "$suite: the daemon checks its configuration" here snapshotd --check
    check "$suite: upgrade to the same version" here sh -c \
        'apt-get -q -y --reinstall --no-install-recommends install /deb/*.deb'
    check "$suite: purge" here sh -c "apt-get -q -y purge \
        \$(dpkg-query -W -f '\${Package}\n' | grep xenflight)"
    check "$suite: only the user is left" sh -c "
        find '$root/etc' '$root/usr' '$root/lib/' '$root/var/lib/xen' '$root/run' \
            '$root/boot' -name '*xenflight*' -o -name '*flightrec*' \
            -o -name '*snapshotd*' 2>/dev/null | tee '$tmp/o'
        ! [ -s '$tmp/o' ]"
}

try_demo()
{
    suite=$1
    fresh "$suite"
    timed "$suite: README's demo" sh -c "
        chroot '$root' /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            sh -c 'apt-get -q update && apt-get -q install -y make && cd /src &&
                   make demo' >'$tmp/demo' 2>&1"
    grep -v 'of about' "$tmp/demo" | grep -E '^([0-9]\.|xen:|domain|Took|  /src)' | sed 's/^/# /'
    check "$suite: it explains the crash" \
        grep -qE '^domain 1 "victim" vCPU 0.*(crash|panic)' "$tmp/demo"
}

begun=$(date +%s)
for suite in ${*:-bookworm trixie}
do
    for part in ${BARE_PARTS:-packages demo}
    do
        "try_$part" "$suite"
    done
    unmount
    rm -rf "$folders/$suite-run"
done
took=$(($(date +%s) - begun))
echo "# measured: all: $((took / 60)) min $((took % 60)) s"
finish
