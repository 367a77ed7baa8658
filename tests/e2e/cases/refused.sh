#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The daemon and the tool refuse each of these with a message and exit status of its
# own.  /test/xen, from the host script, has the kind of Xen: ours or unpatched.

printf '[daemon]\nstate = /tmp/refused\n' > /tmp/good.conf
printf '[daemon]\nstate = /tmp/refused\nheartbaet = 3\n' > /tmp/bad.conf

# refused NAME STATUS PATTERN COMMAND...
refused() {
    fr_name=$1 fr_want=$2 fr_pattern=$3; shift 3
    timeout 20 "$@" > /tmp/refused.log 2>&1
    fr_rc=$?
    cat /tmp/refused.log > /tmp/refused.got
    echo "status $fr_rc, wanted $fr_want and /$fr_pattern/" >> /tmp/refused.got
    show cat /tmp/refused.log
    ok "$fr_name" sh -c "cat /tmp/refused.got; [ $fr_rc = $fr_want ] &&
        grep -q '$fr_pattern' /tmp/refused.log"
}

if [ "$(cat /test/xen)" = unpatched ]; then
    printf '[recorder]\nbackend = flightrec\n' >> /tmp/good.conf
    refused "unpatched Xen: the daemon" 6 "no flight recorder" \
        snapshotd -c /tmp/good.conf
    refused "unpatched Xen: xenflight status" 1 "no flight recorder" \
        xenflight status --backend flightrec
    refused "unpatched Xen: xenflight start" 1 "no flight recorder" \
        xenflight start --backend flightrec
else
    refused "bad configuration key, with its line" 3 "bad.conf:3:.*heartbaet" \
        snapshotd -c /tmp/bad.conf
    refused "... and with -n too" 3 "heartbaet" snapshotd -n -c /tmp/bad.conf
    ok "-n accepts a good one" snapshotd -n -c /tmp/good.conf
    chmod -R a+rX /test /lib /lib64 /usr
    refused "not root: the daemon" 4 "root" \
        su -s /bin/sh nobody -c "snapshotd -c /tmp/good.conf"
    refused "not root: xenflight status" 1 "root" \
        su -s /bin/sh nobody -c "xenflight status"
    refused "no xenstored" 9 "xenstored" \
        env XENSTORED_PATH=/nowhere snapshotd -c /tmp/good.conf
fi
