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

cache=${XENFLIGHT_CACHE:-$HOME/.cache/xenflight}/bare
tmp=$(mktemp -d) || exit 1
root=$tmp/root
trap 'umount "$root/proc" 2>/dev/null; rm -rf "$tmp"' EXIT INT TERM
. tests/lib/tap.sh

here()
{
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# mirror: print the mirror that this machine's apt uses.
mirror()
{
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        head -n 1
}

if [ ! -e "$cache/done" ]
then
    rm -rf "$cache"
    mkdir -p "$cache"
    debootstrap --variant=minbase bookworm "$cache/root" "$(mirror)" \
        >"$cache/log" 2>&1 || {
        tail -n 5 "$cache/log"
        echo "not ok 1 - debootstrap; its output is above"
        exit 1
    }
    touch "$cache/done"
fi

cp -a "$cache/root" "$root" || exit 1
rm -rf "$root/etc/apt/sources.list.d"
cp -r /etc/apt/. "$root/etc/apt/"
mount -t proc proc "$root/proc" || exit 1
mkdir "$root/deb"
cp build/deb/*.deb "$root/deb/" || exit 1
here apt-get -q update >"$tmp/update" 2>&1 || { cat "$tmp/update"; exit 1; }

install()
{
    here sh -c 'apt-get -q -y --no-install-recommends install /deb/*.deb grub-common'
}

check "they install" install
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
    chroot '$root' dpkg -L libxenflight1 xenflight xenflight-hypervisor |
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

# GRUB: a kernel for Dom0, Debian's Xen, and ours.
touch "$root/boot/vmlinuz-6.1-amd64" "$root/boot/initrd.img-6.1-amd64"
echo CONFIG_XEN_DOM0=y >"$root/boot/config-6.1-amd64"
cp "$root"/boot/flightrec-xen-*.gz "$root/boot/xen-4.17-amd64.gz"
# The chroot has no disk: answer for it.
cat >"$tmp/grub-probe" <<'END'
#!/bin/sh
case "$*" in *target=partuuid*|*target=fs_uuid*) echo 1234 ;; *) exit 0 ;; esac
END
install_probe()
{
    cp "$tmp/grub-probe" "$root/usr/sbin/grub-probe" &&
        chmod 755 "$root/usr/sbin/grub-probe"
}
menu()
{
    here env pkgdatadir=/usr/share/grub GRUB_DEVICE=/dev/xvda1 \
        GRUB_DISTRIBUTOR=Debian GRUB_CMDLINE_XEN="dom0_mem=1G" "$1"
}
here dpkg-divert --quiet --local --rename --add /usr/sbin/grub-probe \
    >/dev/null 2>&1
install_probe || exit 1
menu /etc/grub.d/20_linux_xen >"$tmp/20" 2>"$tmp/20.err"
menu /etc/grub.d/21_xen_flightrec >"$tmp/21" 2>"$tmp/21.err"
check "Debian's own entries are unchanged" sh -c "
    grep -q 'multiboot.*/xen-4.17-amd64.gz' '$tmp/20' &&
    ! grep -q flightrec '$tmp/20'"
check "an entry for ours, with the recorder's option" sh -c "
    cat '$tmp/21.err'
    grep -q 'multiboot.*/flightrec-xen-4.17-amd64.gz.*dom0_mem=1G flightrec=1M' \
        '$tmp/21' && ! grep -q '/xen-4.17-amd64' '$tmp/21'"
titles()
{
    sed -nE "s/.*menuentry '([^']*)'.*/\1/p" "$1" | sort
}
titles "$tmp/20" >"$tmp/20.titles"
titles "$tmp/21" >"$tmp/21.titles"
check "all titles are different" sh -c "
    [ -s '$tmp/20.titles' ] && [ -s '$tmp/21.titles' ] &&
    [ -z \"\$(comm -12 '$tmp/20.titles' '$tmp/21.titles')\" ]"
sed -i 's,/boot/xen\*,/boot/xen-*,' "$root/etc/grub.d/20_linux_xen"
check "an unknown script of GRUB: no entry, and a message" sh -c "
    chroot '$root' env pkgdatadir=/usr/share/grub /etc/grub.d/21_xen_flightrec \
        >'$tmp/out' 2>'$tmp/err' && [ ! -s '$tmp/out' ] &&
    grep -q 'no entry is made' '$tmp/err'"

check "they are removed" here apt-get -q -y remove xenflight \
    xenflight-hypervisor libxenflight1 libxenflight-dev \
    babeltrace2-plugin-xenflight
check "configuration and snapshots stay" test \
    -e "$root/etc/xen/snapshotd.conf" -a \
    -e "$root/var/lib/xen/snapshotd/kept.xfr.lz4"
check "programs and hypervisor are gone" sh -c "
    ! ls '$root/usr/sbin/snapshotd' '$root/usr/bin/xenflight' \
        '$root'/boot/flightrec-xen-* '$root'/usr/include/xenflight.h \
        '$root'/usr/lib/*/libxenflight* 2>/dev/null"
check "they are purged" here apt-get -q -y purge xenflight xenflight-hypervisor
check "no file is left; the user stays" sh -c "
    find '$root/etc' '$root/usr' '$root/lib/' '$root/var/lib/xen' '$root/run' \
        '$root/boot' -name '*xenflight*' -o -name '*flightrec*' \
        -o -name '*snapshotd*' | tee '$tmp/left'
    ! [ -s '$tmp/left' ]"

finish
