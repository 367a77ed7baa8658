#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# service.sh: the systemd unit: systemd understands it, and its exposure, as
# systemd-analyze counts it (10: all that root can do), stays at what
# SECURITY.md says.

set -u
cd "$(dirname "$0")/../.." || exit 1
most=$(sed -n 's/.*exposure [^0-9]*\([0-9.]*\).*/\1/p' SECURITY.md)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT INT TERM
unit=$tmp/snapshotd.service

command -v systemd-analyze >/dev/null || {
    echo "1..0 # SKIP no systemd-analyze: apt-get install systemd"
    exit 77
}
mkdir -p "$tmp/sbin"
ln -s /bin/true "$tmp/sbin/snapshotd"
sed "s,@PREFIX@,$tmp," snapshotd/dist/snapshotd.service.in >"$unit"

systemd-analyze verify --man=no "$unit" >"$tmp/verify" 2>&1
if [ $? = 0 ] && [ ! -s "$tmp/verify" ]
then
    echo "ok 1 - systemd understands the unit"
else
    sed 's/^/# /' "$tmp/verify"
    echo "not ok 1 - systemd understands the unit"
fi

exposure=$(systemd-analyze security --offline=true --no-pager "$unit" |
    sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
echo "# measured: exposure $exposure, said: ${most:-nothing}"
if awk "BEGIN { exit !(\"$exposure\" != \"\" && \"$most\" != \"\" &&
                       $exposure + 0 <= $most + 0) }"
then
    echo "ok 2 - it is as closed as SECURITY.md says"
else
    echo "not ok 2 - it is as closed as SECURITY.md says"
fi
echo 1..2
