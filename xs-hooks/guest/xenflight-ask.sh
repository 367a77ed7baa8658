#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xenflight-ask.sh [-n] [-t SECONDS] [REASON]: in a guest, request a trace
# snapshot from the host, wait for the answer and print it.  Like xenflight-ask,
# for guests that have the xenstore programs.
#
# Exit status: 0 done (or sent, with -n), 1 not done, 2 wrong usage, 3 no request
# can be sent: no xenstore, or this guest is not allowed to.
# Protocol: xs-hooks/PROTOCOL.md.

set -u
node=control/trace-snapshot
limit=10
wait=yes

usage()
{
    echo "usage: xenflight-ask.sh [-n] [-t SECONDS] [REASON]" >&2
    exit 2
}

help()
{
    cat <<'END'
Usage: xenflight-ask.sh [-n] [-t SECONDS] [REASON]
In a guest, request a trace snapshot from the host, wait for the answer
(10 s or SECONDS; -n: do not wait) and print it.

Examples:
  xenflight-ask.sh "disk slow"
  xenflight-ask.sh -n watchdog

Exit status: 0 done, or with -n sent; 1 not done; 2 wrong usage; 3 no
xenstore, or this guest may not ask.
END
    exit 0
}

[ "${1-}" != --help ] || help
while getopts hnt: opt
do
    case $opt in
    h) help ;;
    n) wait=no ;;
    t) limit=$OPTARG ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -le 1 ] || usage
case $limit in
'' | *[!0-9]*) usage ;;
esac
reason=${1:-asked}

if ! xenstore-read $node >/dev/null 2>&1 ||
    ! xenstore-write -- $node "$reason" 2>/dev/null
then
    echo "xenflight-ask.sh: this guest may not ask" >&2
    exit 3
fi
[ $wait = yes ] || exit 0

# The request node is empty or gone, and the status is not "accepted".
answered()
{
    [ -z "$(xenstore-read $node 2>/dev/null)" ] || return 1
    status=$(xenstore-read $node-status 2>/dev/null)
    [ -n "$status" ] && [ "$status" != accepted ]
}

end=$(($(date +%s) + limit))
until answered
do
    left=$((end - $(date +%s)))
    if [ $left -le 0 ]
    then
        echo "xenflight-ask.sh: no answer in $limit s: the host's snapshotd" \
            "may not be running" >&2
        exit 1
    fi
    # One event for setting the watch, one for the next change.  A change
    # before the watch was set is seen a second later.
    timeout 1 xenstore-watch -n 2 $node-status >/dev/null 2>&1
done
printf '%s\n' "$status"
[ "$status" = "done" ]
