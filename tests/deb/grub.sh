# SPDX-License-Identifier: LGPL-2.1-or-later
#
# grub.sh: run GRUB's own scripts in $root, where the packages and grub-common are
# installed.  Sourced by deb.sh.

# GRUB: a kernel for Dom0, Debian's Xen, and ours.
touch "$root/boot/vmlinuz-6.1-amd64" "$root/boot/initrd.img-6.1-amd64"
echo CONFIG_XEN_DOM0=y >"$root/boot/config-6.1-amd64"
cp "$root"/boot/flightrec-xen-*.gz "$root/boot/xen-$family-amd64.gz"
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
    grep -q 'multiboot.*/xen-$family-amd64.gz' '$tmp/20' &&
    ! grep -q flightrec '$tmp/20'"
check "an entry for ours, with the recorder's option" sh -c "
    cat '$tmp/21.err'
    grep -q 'multiboot.*/flightrec-xen-$family-amd64.gz.*dom0_mem=1G flightrec=1M' \
        '$tmp/21' && ! grep -q '/xen-$family-amd64' '$tmp/21'"
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
