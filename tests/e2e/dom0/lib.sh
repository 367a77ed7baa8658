# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Functions for the cases in Dom0.  Sourced by init; descriptor 3 is the second
# serial port, whose lines are TAP.  The files in /out are copied to the host at
# the end.

mkdir -p /out
fr_n=0

say() { echo "$*" >&3; }

# ok NAME COMMAND...: pass if the command succeeds, else print its output as
# diagnostics.  Returns the command's verdict.
ok() {
    fr_name=$1; shift
    fr_n=$((fr_n + 1))
    if "$@" > /tmp/ok.log 2>&1; then
        say "ok $fr_n - $fr_name"
        return 0
    fi
    say "not ok $fr_n - $fr_name"
    sed 's/^/#   /' /tmp/ok.log | head -n 40 >&3
    return 1
}

skip() {
    fr_n=$((fr_n + 1))
    say "ok $fr_n - $1 # SKIP $2"
}

# show COMMAND...: print its output as diagnostics; no verdict.
show() { "$@" 2>&1 | sed 's/^/# /' >&3; }

# seconds: print a count of the machine's own seconds, which do not pass while QEMU
# waits for a CPU.  With a clock of instructions every second is such a one.
seconds() { wc -l < /run/own-seconds; }
grep -q fr_clock=instructions /proc/cmdline && seconds() { date +%s; }

# wait_for SECONDS COMMAND...: poll until the command succeeds.  Returns 1 if it does
# not within SECONDS of the machine's own time.
wait_for() {
    fr_end=$(($(seconds) + $1 + 1)); shift
    until "$@" >/dev/null 2>&1; do
        [ "$(seconds)" -lt "$fr_end" ] || return 1
        usleep 100000
    done
}

# free_pages: print Xen's own count of free heap pages.  Older messages of Xen are
# moved to /out/xen.log.
free_pages() {
    xl dmesg -c >> /out/xen.log
    xl debug-keys H
    wait_for 5 heaps
    awk '/heap\[node=/ { n += $(NF - 1) } END { print n }' /tmp/heaps
}
heaps() { xl dmesg > /tmp/heaps; grep -q 'heap\[node=' /tmp/heaps; }

# guest NAME TYPE ON_CRASH WORDS: write /tmp/NAME.cfg, a guest with Linux.
#
# panic=-1: the kernel reports its panic to Xen at once.  With panic=1 it first
# spins for a second on an emulated rdtsc, whose records push the reason for the
# panic out of the guest's last ones.
guest() {
    cat > "/tmp/$1.cfg" <<END
name = "$1"
type = "$2"
kernel = "/guest/kernel"
ramdisk = "/guest/initrd.gz"
extra = "console=hvc0 quiet panic=-1 $4"
memory = 128
vcpus = 1
on_crash = "$3"
END
}

# asking_guest NAME TYPE: as guest, but it runs the hook on stdin and panics if that
# returns 0.  The programs that are installed for guests are in its /bin.
asking_guest() {
    mkdir -p "/tmp/$1.root/bin"
    cp /usr/share/xenflight/guest/* "/tmp/$1.root/bin/"
    cat > "/tmp/$1.root/hook"
    (cd "/tmp/$1.root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) |
        cat /guest/initrd.gz - > "/tmp/$1.initrd"
    rm -rf "/tmp/$1.root"
    guest "$1" "$2" destroy fr_do=ask
    sed -i "s,/guest/initrd.gz,/tmp/$1.initrd," "/tmp/$1.cfg"
}

# The command of the installed unit, with messages to stderr.
service_command() {
    sed -n 's/^ExecStart=\(.*\) --syslog$/\1/p' \
        /usr/lib/systemd/system/snapshotd.service
}

# The capabilities of the installed unit, in setpriv's syntax.
service_capabilities() {
    sed -n 's/^CapabilityBoundingSet=//p' \
        /usr/lib/systemd/system/snapshotd.service |
        tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g; s/^/-all,/'
}

# start_service: run snapshotd as its installed unit does, with the configuration
# on stdin.  Its messages go to /out/messages.
start_service() {
    cat > /etc/xen/snapshotd.conf
    if [ ! -S /dev/log ]; then
        syslogd -S -O /out/messages
        wait_for 5 [ -S /dev/log ]
    fi
    # shellcheck disable=SC2046 # a command and its arguments
    /usr/bin/setpriv --no-new-privs --bounding-set "$(service_capabilities)" \
        $(service_command) --syslog &
    snapshotd_pid=$!
    wait_for 20 [ -S /run/xenflight/control ]
}
