# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests die without a daemon; then the monitor, the engine or both are killed around
# deaths.

stop_daemon
for n in 1 2 3 4 5; do prepare alone$n 1 pv; done
for n in engine monitor both; do prepare in-write-$n 1 pv; done
for n in engine monitor; do prepare before-ack-$n 1 pv; done
for n in 1 2 3; do prepare random$n 1 pv; done
prepared
probe status > /tmp/st0
gen=$(v gen /tmp/st0)
for n in 1 2 3 4 5; do
    use alone$n
    probe unpause "$domid"
    # Four can be held: Xen gives up the oldest unread one.
    [ $n = 1 ] && expect alone1 none - gave-way || expect alone$n crash complete alone
    ok "no daemon, guest $n dies: held" wait_for 15 begun $((gen + n))
done
probe status > /tmp/st
ok "the oldest is given up, and counted" is given_up /tmp/st $((1 + $(v given_up /tmp/st0)))
ok "four are held" is released /tmp/st $((gen + 1))
ok "the daemon starts" start_daemon
ok "the newest has a file" wait_for 30 has "$uuid"
ok "no generation is held" wait_for 10 at_rest

# victims HALF: print the pids.
victims() {
    case $1 in
    engine)  echo "$engine" ;;
    monitor) echo "$daemon" ;;
    *)       echo "$daemon $engine" ;;
    esac
}
# back HALF NAME: restart the daemon, as an init system would.
back() {
    if [ "$1" != engine ]; then
        wait $daemon
        start_daemon
    fi
    ok "$2: it runs again" wait_for 20 engine_pid
    ok "$2: the file exists" wait_for 30 has "$uuid"
    ok "$2: no generation is held" wait_for 10 at_rest
}

for half in engine monitor both; do
    engine=$(engine_pid)
    use "in-write-$half"
    expect "in-write-$half" crash complete killed
    catch KILL $(victims $half) &
    pid=$!
    probe unpause "$domid"
    ok "$half killed in the middle of a file" wait $pid
    back $half "in-write-$half"
done

# Between the crash and the acknowledgement.
for half in engine monitor; do
    engine=$(engine_pid)
    use "before-ack-$half"
    expect "before-ack-$half" crash complete killed
    gen=$(generation)
    kill -STOP "$engine"
    probe unpause "$domid"
    wait_for 10 begun $((gen + 1))
    kill -KILL $(victims $half)
    back $half "before-ack-$half"
done

seed=$(date +%s)
say "# seed of the random moments: $seed"
awk -v seed="$seed" 'BEGIN { srand(seed); split("engine monitor both", h)
    for ( i = 1; i <= 3; i++ )
        print i, h[1 + int(rand() * 3)], int(rand() * 600000) }' > /tmp/random
while read -r i half us; do
    engine=$(engine_pid)
    use "random$i"
    expect "random$i" crash complete killed
    probe unpause "$domid"
    usleep "$us"
    kill -KILL $(victims "$half") 2>/dev/null
    back "$half" "random$i: $half after $us us"
done < /tmp/random
ok "no unfinished file is left" sh -c "! ls $state | grep -v 'xfr.lz4\$'"
