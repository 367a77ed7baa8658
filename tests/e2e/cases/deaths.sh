# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each cause of death, by guests of a few instructions.

tiny() {
    cat > /tmp/tiny.cfg <<END
name = "tiny$1"
type = "$2"
kernel = "/test/tiny-$1"
memory = 16
vcpus = 1
on_crash = "destroy"
on_reboot = "destroy"
on_watchdog = "destroy"
END
    xl create -q ${3:-} /tmp/tiny.cfg
}
gone() { ! xl domid "$1"; }
held() { probe status > /tmp/st; [ "$(v gen /tmp/st)" -ge "$1" ]; }

# dies MODE TYPE CAUSE REASON SUPPRESSED WORDS
dies() {
    probe status > /tmp/st
    gen=$(($(v gen /tmp/st) + 1))
    before=$(v suppressed /tmp/st)
    tiny "$1" "$2" > /tmp/create 2>&1
    ok "$6: a generation begins" wait_for 15 held "$gen" || show cat /tmp/create
    wait_for 15 gone "tiny$1"
    probe trigger "$gen" > /tmp/t
    ok "$6: cause" is cause /tmp/t "$3"
    ok "$6: reason" is reason /tmp/t "$4"
    probe status > /tmp/st
    ok "$6: one generation for one death" is gen /tmp/st "$gen"
    ok "$6: second triggers" is suppressed /tmp/st $((before + $5))
    ok "$6: the account is exact" sh -c "probe quiesce $gen && probe audit $gen"
    probe release "$gen"
}

dies 1 pv 2 3 0 "SHUTDOWN_crash"
dies 2 pv 3 3 1 "killed by Xen"
dies 3 pv 4 4 0 "watchdog"
dies 5 pvh 5 1 0 "triple fault"
dies 15 pv 2 0 0 "a crash behind a clean shutdown code"

# It reports a crash by the MSR, lives on, and then dies.
probe status > /tmp/st
gen=$(($(v gen /tmp/st) + 1))
tiny 16 pvh -p > /tmp/create 2>&1
domid=$(xl domid tiny16)
ok "a guest has the Viridian crash MSR" probe viridian "$domid"
xl unpause tiny16
ok "a write to it begins a generation" wait_for 15 held "$gen"
probe trigger "$gen" > /tmp/t
ok "... of its own cause" is cause /tmp/t 6
wait_for 60 gone tiny16
probe status > /tmp/st
ok "the guest's death begins another" is gen /tmp/st $((gen + 1))
probe trigger $((gen + 1)) > /tmp/t
ok "... of that cause" is cause /tmp/t 2
probe release "$gen"
probe release $((gen + 1))

probe status > /tmp/st
gen=$(v gen /tmp/st)
tiny 4 pv > /dev/null 2>&1
ok "a clean end" wait_for 15 gone tiny4
probe status > /tmp/st
ok "... begins no generation" is gen /tmp/st "$gen"

probe causes 0x7a # all but SHUTDOWN_crash
tiny 1 pv > /dev/null 2>&1
wait_for 15 gone tiny1
probe status > /tmp/st
ok "a masked cause begins no generation" is gen /tmp/st "$gen"
probe causes 0x7e

# With all generations held and the oldest being read, the next death is deferred.
for i in 1 2 3 4; do probe freeze $i; done > /dev/null
probe status > /tmp/st
gen=$(v gen /tmp/st)
probe ack $((gen - 3))
before=$(v deferred /tmp/st)
tiny 1 pv > /dev/null 2>&1
wait_for 15 gone tiny1
probe status > /tmp/st
ok "no generation is left: a death is deferred" is deferred /tmp/st $((before + 1))
ok "... and begins none" is gen /tmp/st "$gen"
probe release $((gen - 3))
ok "it begins with the release" probe trigger $((gen + 1))
probe trigger $((gen + 1)) > /tmp/t
ok "... with the flag that it is late" is flags /tmp/t 5
ok "... and its cause" is cause /tmp/t 2
ok "the account is exact" sh -c "probe quiesce $((gen + 1)) && probe audit $((gen + 1))"
for i in 2 1 0 -1; do probe release $((gen - i)); done
