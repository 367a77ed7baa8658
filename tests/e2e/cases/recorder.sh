# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The recorder in Xen, driven from Dom0 by hypercall.  No daemon runs.

probe status > /tmp/st
show cat /tmp/st
ok "the boot option starts it before Dom0 runs" is state /tmp/st 3
ok "every pCPU has buffers" sh -c 'probe cpu 0 0 && probe cpu 1 0'
ok "an absent pCPU has none" refuses ENODEV probe cpu 2 0
ok "pCPU 0 records" grows 0
ok "pCPU 1 records" grows 1

probe rings 0 > /tmp/r0
probe rings 1 > /tmp/r1
show cat /tmp/r0 /tmp/r1
ok "rings can be mapped and read" grep -q 'channel=0.*records=[1-9]' /tmp/r0
ok "the start mark is in the rare channel of pCPU 0" sh -c \
    'probe freeze; probe release 1; probe rings 0 | grep "channel=1" |
     grep -q "start_marks=[1-9]"'
ok "the information page can be mapped" probe map 0xffffffff 0 1
ok "a writable mapping is refused" refuses EBUSY probe map-rw 0
ok "a writable mapping of the information page is refused" \
    refuses EBUSY probe map-rw 0xffffffff
ok "an absent pCPU cannot be mapped" refuses EINVAL probe map 77 0 1
frames=$(probe cpu 0 0 | sed -n 's/^frames=//p')
ok "the last frame can be mapped" probe map 0 $((frames - 1)) 1
ok "a frame beyond the last cannot" refuses EINVAL probe map 0 "$frames" 1

ok "an unknown operation is refused" refuses EINVAL probe raw 0x4652ffff
ok "a reserved word that is not 0 is refused" refuses EINVAL \
    probe raw 0x46520005 1 1
ok "create: equal buffers exist" probe create 1048576
ok "create: buffers of another size exist" refuses EEXIST probe create 2097152
ok "mask of an absent channel" refuses EINVAL probe mask 2 0
ok "unknown causes" refuses EINVAL probe causes 0x80
ok "quiesce of a generation that is not held" refuses ENOENT probe quiesce 99
ok "release of a generation that is not held" refuses ENOENT probe release 99
ok "clock" probe clock
show probe clock

# Freeze, check, release.
probe freeze 7 > /tmp/f
gen=$(v gen /tmp/f)
ok "freeze" [ "$gen" -ge 1 ]
ok "quiesce" probe quiesce "$gen"
show probe quiesce "$gen"
probe trigger "$gen" > /tmp/t
ok "the trigger has the cause" is cause /tmp/t 1
ok "... and the reason" is reason /tmp/t 7
ok "the account is exact and the held packets agree" probe audit "$gen"
show probe audit "$gen"
ok "recording goes on: pCPU 0" grows 0
ok "recording goes on: pCPU 1" grows 1
ok "still exact while recording goes on" probe audit "$gen"

# More generations, up to the limit; then Xen gives up an unread one.
for i in 1 2 3; do probe freeze $i; done > /dev/null
ok "four generations are held" sh -c "probe audit $gen && probe audit $((gen + 1)) &&
    probe audit $((gen + 2))"
probe quiesce $((gen + 3)) > /dev/null
show probe audit $((gen + 3))
probe freeze 4 > /dev/null
probe status > /tmp/st
ok "the oldest was given up unread" is given_up /tmp/st 1
ok "ack" probe ack $((gen + 1))
ok "no generation is left while that is read" refuses EBUSY probe freeze 5
ok "release must go in order" refuses EINVAL probe release $((gen + 2))
ok "release all" sh -c "for g in 1 2 3 4; do probe release \$(($gen + g)) || exit 1; done"
probe status > /tmp/st
ok "no generation is held" is released /tmp/st $((gen + 4))
ok "recording goes on after the release" grows 1

# The cost of a record in one Xen: the recorder, nothing, Xen's trace buffers.
ok "a benchmark beyond its limit" refuses EINVAL probe raw 0x46520020 4097 2
ok "a record's cost" sh -c 'probe bench 2 > /tmp/ours && grep -q ^sinks=2 /tmp/ours'
ok "... with records written" sh -c \
    '[ "$(sed -n s/^recorded=//p /tmp/ours)" -ge 1024 ]'
probe stop
ok "the gate alone, nothing active" sh -c 'probe bench 2 > /tmp/gate && grep -q ^sinks=0 /tmp/gate'
probe tbuf on 0x0010f000
ok "Xen's trace buffers" sh -c 'probe bench 2 > /tmp/tbuf && grep -q ^sinks=1 /tmp/tbuf'
probe tbuf off
probe start
for sink in ours tbuf gate; do show sed "s/^/$sink: /" /tmp/$sink; done
ok "recording again" grows 0
ok "freezes, timed" sh -c 'probe freezes > /tmp/freezes'
show sed 's/^/freezes, ns: /' /tmp/freezes

# xentrace at the same time.
xentrace -e all -D /tmp/trace > /tmp/xentrace.log 2>&1 &
pid=$!
traces() { [ "$(wc -c < /tmp/trace)" -gt 10000 ]; }
ok "xentrace records at the same time" wait_for 60 traces
ok "the recorder goes on while xentrace runs" grows 0
kill -INT $pid
wait $pid
ok "the recorder goes on after xentrace" grows 0

# A stream reader: woken only after it has armed, and once for each time.
closed() { probe cpu 0 0 | sed -n 's/^done_seq=//p'; }
moved() { [ "$(closed)" -gt "$1" ]; }
moves() { wait_for 60 moved "$(($(closed) + $1))"; }
disarmed() { probe status > /tmp/st; is wake_every /tmp/st 0 > /dev/null; }
rm -f /tmp/ready
probe wake 600 /tmp/ready > /tmp/wake 2>&1 &
pid=$!
wait_for 10 test -e /tmp/ready
ok "slots are closed" moves 3
probe status > /tmp/st
ok "not armed: no wake-up" sh -c "kill -0 $pid && grep -q ^wakes=0 /tmp/st"
probe arm 2
ok "armed: woken when slots were opened" wait $pid
ok "... which disarms it" disarmed
ok "slots are closed after it" moves 3
probe status > /tmp/st
ok "one wake-up for one arming" is wakes /tmp/st 1
# The reader sleeps; an idle Dom0 may take longer to fill a slot than it waits.
while :; do probe status > /dev/null; done &
pid=$!
ok "a reader gets complete packets and misses none" sh -c \
    'probe follow 5 2 > /tmp/follow && grep -q ^missed=0 /tmp/follow'
kill $pid
wait $pid 2>/dev/null
show cat /tmp/follow
probe follow 100000 100000 > /dev/null 2>&1 &
pid=$!
armed() { probe status > /tmp/st; is wake_every /tmp/st 100000 > /dev/null; }
wait_for 10 armed
ok "a second reader is refused" refuses EEXIST probe follow 1 2
kill -9 $pid
wait $pid 2>/dev/null
probe status > /tmp/st
was=$(v wakes /tmp/st)
probe arm 1
ok "a reader that dies while armed ..." wait_for 20 disarmed
moves 3
probe status > /tmp/st
ok "... costs one VIRQ" is wakes /tmp/st $((was + 1))

# A pCPU goes offline and online.
before=$(emitted 1)
xen-hptool cpu-offline 1 > /tmp/hp 2>&1
ok "pCPU 1 is offline" sh -c 'probe cpu 1 0 | grep -q ^flags=0'
ok "its history is kept" [ "$(emitted 1)" -ge "$before" ]
probe freeze 8 > /tmp/f
gen=$(v gen /tmp/f)
ok "quiesce adopts the generation for it" probe quiesce "$gen"
ok "the account is exact with one pCPU offline" probe audit "$gen"
show probe audit "$gen"
probe release "$gen"
xen-hptool cpu-online 1 > /tmp/hp 2>&1
ok "pCPU 1 records again" grows 1
probe freeze 9 > /tmp/f
gen=$(v gen /tmp/f)
ok "the account is exact with it online again" sh -c \
    "probe quiesce $gen && probe audit $gen"
probe release "$gen"

# Stop, start, destroy, create.
ok "stop" probe stop
was=$(emitted 0)
ok "nothing is recorded when stopped" [ "$(emitted 0)" = "$was" ]
ok "start" probe start
ok "recording again" grows 0
free_before=$(xl info | sed -n 's/^free_memory *: //p')
probe map 1 0 1 600 > /tmp/held 2>&1 &
pid=$!
wait_for 20 grep -q mapped=ro /tmp/held
ok "destroy is refused while a page is mapped" refuses EBUSY probe destroy
ok "... and recording goes on" grows 0
kill $pid
wait $pid 2>/dev/null
ok "destroy" wait_for 20 probe destroy
probe status > /tmp/st
ok "no buffers, not running" is state /tmp/st 0
ok "the memory is back" wait_for 20 sh -c \
    "[ \$(xl info | sed -n 's/^free_memory *: //p') -gt $free_before ]"
ok "start without buffers is refused" refuses ENODEV probe start
ok "freeze without buffers is refused" refuses ENODEV probe freeze
ok "mapping without buffers is refused" refuses EINVAL probe map 0 0 1
ok "create with an invalid size is refused" refuses EINVAL probe create 1000
ok "a long create is one hypercall" probe once 0x46520001 33554432
ok "a long destroy is one hypercall" probe once 0x46520002
ok "create" probe create 2097152
ok "start" probe start
probe status > /tmp/st
ok "another incarnation" is incarnation /tmp/st 3
ok "records" grows 1
probe freeze 10 > /tmp/f
gen=$(v gen /tmp/f)
ok "the account of the new buffers is exact" sh -c \
    "probe quiesce $gen && probe audit $gen"
probe release "$gen"
ok "no unexpected message of Xen" sh -c \
    '! xl dmesg | grep -E "Assert|Xen BUG|Panic|WARN|Leaking"'
show sh -c 'xl dmesg | grep flightrec'
