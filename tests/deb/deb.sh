#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# deb.sh: install the Debian packages in a chroot, start them, install them again,
# remove and purge them; and run GRUB's own scripts on the hypervisor.  debootstrap
# makes the chroot once, in the cache.

set -u
cd "$(dirname "$0")/../.." || exit 1

# Run in a mount namespace, which ends with this script.
if [ -z "${DEB_TEST_MOUNTS:-}" ]
then
    [ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 77; }
    command -v debootstrap >/dev/null || {
        echo "1..0 # SKIP no debootstrap: apt-get install debootstrap"
        exit 77
    }
    DEB_TEST_MOUNTS=yes exec unshare -m "$0"
fi

tmp=$(mktemp -d) || exit 1
root=$tmp/root
trap 'umount "$root/proc" 2>/dev/null; rm -rf "$tmp"' EXIT INT TERM
. tests/lib/tap.sh
. tests/deb/folder.sh
minimal "$codename" "$root" || exit 1
mount -t proc proc "$root/proc" || exit 1
mkdir "$root/deb"
cp build/deb/*.deb "$root/deb/" || exit 1
here apt-get -q update >"$tmp/update" 2>&1 || { cat "$tmp/update"; exit 1; }

family=$(hypervisor/versions machine)

# Version 0.1 had the daemon in xenflight.
mkdir -p "$tmp/old/DEBIAN" "$tmp/old/etc/xen" "$tmp/old/usr/sbin" "$tmp/old/usr/bin"
cat >"$tmp/old/DEBIAN/control" <<END
Package: xenflight
Version: 0.1
Architecture: amd64
Maintainer: xenflight maintainers <maintainers@xenflight.invalid>
Description: stands for the package before xenflight-dom0 was split off
END
echo /etc/xen/snapshotd.conf >"$tmp/old/DEBIAN/conffiles"
printf '#!/bin/sh\n[ "$1" != purge ] || rm -rf /var/lib/xen/snapshotd\n' \
    >"$tmp/old/DEBIAN/postrm"
chmod 755 "$tmp/old/DEBIAN/postrm"
cp snapshotd/dist/snapshotd.conf "$tmp/old/etc/xen/"
touch "$tmp/old/usr/sbin/snapshotd" "$tmp/old/usr/bin/xenflight"
dpkg-deb -Zgzip --root-owner-group -b "$tmp/old" "$root/deb/old_0.1.deb" >/dev/null
check "version 0.1 installs" here dpkg -i /deb/old_0.1.deb
rm "$root/deb/old_0.1.deb"
echo '# before' >>"$root/etc/xen/snapshotd.conf"

install()
{
    here sh -c 'apt-get -q -y --no-install-recommends install /deb/*.deb grub-common'
}

check "they install, as an upgrade" install
check "the configuration keeps its changes, in the other package" sh -c "
    grep -qx '# before' '$root/etc/xen/snapshotd.conf' &&
    chroot '$root' dpkg -S /usr/sbin/snapshotd | tee '$tmp/o' &&
    [ \"\$(cut -d : -f 1 '$tmp/o')\" = xenflight-dom0 ]"
check "no library of Xen is linked by the reader" sh -c "
    ! chroot '$root' ldd /usr/bin/xenflight | grep -i libxen"
check "commands for Dom0 are run" sh -c "
    ! chroot '$root' xenflight status 2>'$tmp/err'; cat '$tmp/err'
    grep -q privcmd '$tmp/err'"
check "the user has the snapshots as its home, and no shell" sh -c "
    grep -q '^_xenflight:.*:/var/lib/xen/snapshotd:.*nologin' '$root/etc/passwd'"
check "the state directory is the user's alone" sh -c "
    [ \"\$(chroot '$root' stat -c '%a %U' /var/lib/xen/snapshotd)\" = '700 _xenflight' ]"
check "the service is enabled" \
    test -L "$root/etc/systemd/system/multi-user.target.wants/snapshotd.service"
check "the packaged configuration is valid" here snapshotd --check
check "the daemon reports why it cannot run here" sh -c "
    chroot '$root' snapshotd 2>'$tmp/err'; [ \$? = 5 ] && cat '$tmp/err' &&
    grep -q 'privcmd' '$tmp/err'"
check "xenflight runs" here xenflight --version
check "its manual pages are there" sh -c "
    test -s '$root/usr/share/man/man7/xenflight-runbook.7.gz' &&
    sed -n 's/^\.Nm \(xenflight-[a-z]*\)\( ,\)*\$/\1/p' man/xenflight-*.8 >'$tmp/o' &&
    [ -s '$tmp/o' ] &&
    while read -r page
    do
        test -s '$root/usr/share/man/man8/'\$page.8.gz || {
            echo \$page
            exit 1
        }
    done <'$tmp/o'"

# A program that uses the library: it needs -dev alone to be built.
check "no file for building is in the other packages" sh -c "
    chroot '$root' dpkg -L libxenflight1 xenflight xenflight-dom0 |
        grep -E '\.(a|h|so|pc|3\.gz)\$' >'$tmp/o'
    cat '$tmp/o'; ! [ -s '$tmp/o' ]"
check "the library is in its own package" sh -c "
    chroot '$root' dpkg -S libxenflight.so.1 | tee '$tmp/o' &&
    [ \"\$(cut -d : -f 1 '$tmp/o')\" = libxenflight1 ]"
check "the tools do not need it" sh -c "
    ! chroot '$root' ldd /usr/bin/xenflight | grep libxenflight"
check "a compiler is installed" here sh -c \
    'apt-get -q -y --no-install-recommends install gcc libc6-dev pkg-config'
cp tests/golden/crash.xfr.lz4 "$root/deb/"
here sh -c "xenflight show --json /deb/crash.xfr.lz4" |
    sed -n 's/.*"event":"\([^"]*\)".*/\1/p' | sort | uniq -c |
    awk '{ print $1, $2 }' | grep -v EVENT_ >"$tmp/want"
# example FLAGS...: build the example; it must count the same records as xenflight.
example()
{
    here sh -c "cc -Wall -Werror /usr/share/doc/libxenflight-dev/examples/count.c \
        $* -o /deb/count && /deb/count /deb/crash.xfr.lz4" >"$tmp/o" || return 1
    grep -v -e EVENT_ -e 'longest wait' "$tmp/o" | awk '{ print $1, $2 }' |
        sort -k 2 >"$tmp/got"
    [ -s "$tmp/want" ] && sort -k 2 "$tmp/want" | diff - "$tmp/got"
}
check "its example is built with pkg-config and reads a file" \
    example '$(pkg-config --cflags --libs libxenflight)'
check "it is linked with the shared library" sh -c "
    chroot '$root' ldd /deb/count | grep -q 'libxenflight.so.1 => /'"
check "its example is built static" \
    example '-static $(pkg-config --static --cflags --libs libxenflight)'
check "its manual page is installed" \
    test -s "$root/usr/share/man/man3/libxenflight.3.gz"
check "babeltrace2 is installed" here \
    apt-get -q -y --no-install-recommends install babeltrace2
check "it reads the file through the plugin" sh -c "
    chroot '$root' babeltrace2 /deb/crash.xfr.lz4 | tee '$tmp/o' | tail -n 5
    grep -q FR_DOMAIN_CRASH '$tmp/o'"

# The administrator's changes survive a new version.
echo '# mine' >>"$root/etc/xen/snapshotd.conf"
touch "$root/var/lib/xen/snapshotd/kept.xfr.lz4"
check "they install again" here sh -c \
    'apt-get -q -y --reinstall --no-install-recommends install /deb/*.deb'
check "the configuration keeps its changes" \
    grep -qx '# mine' "$root/etc/xen/snapshotd.conf"

# There is no image if the source of this release's Xen could not be had.
if ls "$root"/boot/flightrec-xen-*.gz >/dev/null 2>&1
then
    . tests/deb/grub.sh
fi

check "they are removed" here apt-get -q -y remove 'xenflight*' \
    libxenflight1 libxenflight-dev \
    babeltrace2-plugin-xenflight
check "configuration and snapshots stay" test \
    -e "$root/etc/xen/snapshotd.conf" -a \
    -e "$root/var/lib/xen/snapshotd/kept.xfr.lz4"
check "programs and hypervisor are gone" sh -c "
    ! ls '$root/usr/sbin/snapshotd' '$root/usr/bin/xenflight' \
        '$root'/boot/flightrec-xen-* '$root'/usr/include/xenflight.h \
        '$root'/usr/lib/*/libxenflight* 2>/dev/null"
check "they are purged" here apt-get -q -y purge 'xenflight*'
check "no file is left; the user stays" sh -c "
    find '$root/etc' '$root/usr' '$root/lib/' '$root/var/lib/xen' '$root/run' \
        '$root/boot' -name '*xenflight*' -o -name '*flightrec*' \
        -o -name '*snapshotd*' | tee '$tmp/left'
    ! [ -s '$tmp/left' ]"

finish
