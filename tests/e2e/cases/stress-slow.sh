# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A slow engine: it is stopped in the middle of a file while four more guests die.

engine=$(engine_pid)
probe status > /tmp/st0
gen=$(v gen /tmp/st0)
for n in 1 2 3 4 5; do prepare slow$n 1 pv; done
prepared
for n in 1 2 3 4 5; do
    use slow$n
    echo "$domid" > /tmp/slow$n.domid
    case $n in
    1) expect slow1 crash complete read ;;
    5) expect slow5 crash partial deferred ;;
    *) expect slow$n crash complete meanwhile ;;
    esac
done
catch STOP "$engine" &
pid=$!
probe unpause "$(cat /tmp/slow1.domid)"
ok "the engine is stopped in the middle of a file" wait $pid
probe trigger $((gen + 1)) > /tmp/t
acked() { [ $(($(v flags /tmp/t) & 2)) = 2 ]; }
ok "... which it has acknowledged" acked
for n in 2 3 4; do
    probe unpause "$(cat /tmp/slow$n.domid)"
    ok "guest $n dies: a generation of its own" wait_for 10 begun $((gen + n))
    probe trigger $((gen + n)) > /tmp/t
    ok "... of that guest" is domid /tmp/t "$(cat /tmp/slow$n.domid)"
done
probe unpause "$(cat /tmp/slow5.domid)"
deferred() { probe status > /tmp/st; is deferred /tmp/st $((1 + $(v deferred /tmp/st0))); }
ok "guest 5 dies: no generation is left: deferred, and counted" wait_for 10 deferred
ok "... and begins none yet" is gen /tmp/st $((gen + 4))
ok "no generation was given up" is given_up /tmp/st "$(v given_up /tmp/st0)"
ok "recording goes on" goes_on
kill -CONT "$engine"
for n in 1 2 3 4 5; do
    ok "guest $n: a file" wait_for 30 has "$(cat /tmp/slow$n.uuid)"
done
ok "no generation is held" wait_for 10 at_rest
answers
ok "xenflight status counts the deferred trigger" grep -q "Triggers:  1 deferred" /tmp/status
ok "the engine is still the same" [ "$(engine_pid)" = "$engine" ]
