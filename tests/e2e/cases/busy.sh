# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Keep both pCPUs recording, and make one of them panic: see tests/e2e/panic.

taskset 1 yes > /dev/null &
taskset 2 yes > /dev/null &
( while :; do xenstore-read domid > /dev/null; done ) &
ok "the recorder runs" grows 1
say "# ready"
sleep 10
taskset 1 xl debug-keys N
wait
