#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# service.sh: check the systemd unit.  systemd must accept it, and its exposure by
# systemd-analyze (10: all of root's rights) may not exceed the figure in
# SECURITY.md.

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
    echo "ok 1 - systemd accepts the unit"
else
    sed 's/^/# /' "$tmp/verify"
    echo "not ok 1 - systemd accepts the unit"
fi

exposure=$(systemd-analyze security --offline=true --no-pager "$unit" |
    sed -n 's/.*exposure level for [^:]*: \([0-9.]*\).*/\1/p')
echo "# measured: exposure $exposure, SECURITY.md: ${most:-none}"
if awk "BEGIN { exit !(\"$exposure\" != \"\" && \"$most\" != \"\" &&
                       $exposure + 0 <= $most + 0) }"
then
    echo "ok 2 - its exposure is not above SECURITY.md's"
else
    echo "not ok 2 - its exposure is not above SECURITY.md's"
fi
echo 1..2
