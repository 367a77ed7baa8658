# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The real-Xen tier: QEMU boots our Xen, Debian's kernel and toolstack.

E2E := tests/e2e

# Static: under emulation, most of an operation's time is loading libraries.
LIBS_PROBE := -lxenctrl -lxencall -lxenevtchn -lxenforeignmemory \
              -lxendevicemodel -lxentoollog -lxentoolcore -ljansson

$(O)/$(E2E)/probe: $(O)/$(E2E)/probe.o $(HYP_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) -static $(CFLAGS) -o $@ $^ $(LIBS_PROBE)

$(O)/$(E2E)/probe-tbuf: $(O)/$(E2E)/probe-tbuf.o $(HYP_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) -static $(CFLAGS) -o $@ $^ $(LIBS_PROBE)

$(O)/e2e/dom0.cpio: $(E2E)/mkinitrd $(E2E)/get-kernel $(E2E)/dom0/init \
    $(E2E)/dom0/lib.sh $(E2E)/dom0/recorder.sh $(E2E)/guest/init \
    $(E2E)/libraries.sh
	@$(call say,INITRD $(@D))
	$(Q)$(E2E)/mkinitrd $(@D)

E2E_TINY := $(foreach m,1 2 3 4 5 6 7 8 9 10 11 12 13 14,$(O)/e2e/tiny-$m)

$(O)/e2e/tiny-%: $(E2E)/guest/tiny.S
	@mkdir -p $(@D)
	@$(call say,GUEST $@)
	$(Q)$(CC) -nostdlib -static -no-pie -DMODE=$* \
	    -Wl,-Ttext=0x100000,--build-id=none -o $@ $<

$(O)/e2e/hang.ko: $(E2E)/mkhang $(E2E)/guest/hang.S $(E2E)/get-kernel
	@mkdir -p $(@D)
	@$(call say,MODULE $@)
	$(Q)$(E2E)/mkhang $@

# A preload library for programs in Dom0.
$(O)/e2e/old-xen.so: $(E2E)/old-xen.c
	@mkdir -p $(@D)
	@$(call say,LD $@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@ $< -lxencall

# The files of `make install', for Dom0.
installed: all
	$(Q)rm -rf $(O)/installed
	$(Q)$(MAKE) --no-print-directory install DESTDIR=$(O)/installed PREFIX=/usr

e2e-parts: installed xen xen-debian xen-off xen-pristine \
    $(O)/e2e/dom0.cpio $(O)/$(E2E)/probe \
    $(O)/$(E2E)/probe-tbuf $(E2E_TINY) $(O)/e2e/old-xen.so \
    $(O)/e2e/hang.ko

e2e: e2e-parts all ## the tests on a real Xen under QEMU
	$(Q)tests/run $(filter $(E2E)/%,$(TESTS))

TESTS += $(E2E)/main-job $(E2E)/objects $(E2E)/recorder $(E2E)/small $(E2E)/stock $(E2E)/faults $(E2E)/panic $(E2E)/stress

SOAK_MINUTES ?= 30

soak: e2e-parts all $(O)/tests/hosted/faults ## SOAK_MINUTES=30 of crashing guests on a real Xen
	$(Q)SOAK_MINUTES=$(SOAK_MINUTES) $(E2E)/soak
	$(Q)$(E2E)/soak-cpus
	$(Q)BUSY=600 $(E2E)/stock
	$(Q)$(E2E)/soak-crashes
	$(Q)FAULTS_ALL=1 $(O)/tests/hosted/faults

# The newest Xen of Debian with its own toolstack and libraries.  Programs are
# built against those, in a build directory of their own.
NEXT   := 4.20
NEXT_O := build/next

check-xen-next: installed ## the recorder and the main job on Xen 4.20
	$(Q)hypervisor/build-xen on $(NEXT_O)/xen $(NEXT)
	$(Q)root=$$($(E2E)/next-root $(NEXT)) && \
	    mkdir -p $(NEXT_O)/xen-debian && \
	    gzip -dc $$root/boot/xen-$(NEXT)-amd64.gz > $(NEXT_O)/xen-debian/xen && \
	    export XENFLIGHT_SYSROOT=$$root PKG_CONFIG_SYSROOT_DIR=$$root \
	        PKG_CONFIG_LIBDIR=$$root/usr/lib/x86_64-linux-gnu/pkgconfig && \
	    $(MAKE) --no-print-directory O=$(NEXT_O) CC="$(CC) --sysroot=$$root \
	        -L$$root/usr/lib/x86_64-linux-gnu" next-parts && \
	    XENFLIGHT_BUILD=$(NEXT_O) XEN_SRC=$$(ls -dt \
	        $${XENFLIGHT_CACHE:-$$HOME/.cache/xenflight}/$(NEXT)/work/on-*/ | \
	        head -n 1) tests/run tests/unit/events-complete.sh $(E2E)/recorder \
	        $(E2E)/main-job

next-parts: installed $(O)/e2e/dom0.cpio $(O)/$(E2E)/probe $(E2E_TINY)

demo-run:
	$(Q)echo "1. Building snapshotd and xenflight"
	$(Q)$(MAKE) --no-print-directory all
	$(Q)echo "2. Building Xen with the flight recorder (a minute, then cached)"
	$(Q)$(MAKE) --no-print-directory xen
	$(Q)echo "3. Making a small Dom0 and a guest from Debian's packages"
	$(Q)$(MAKE) --no-print-directory $(O)/e2e/dom0.cpio
	$(Q)$(MAKE) --no-print-directory installed
	$(Q)$(E2E)/demo

.PHONY: check-xen-next next-parts demo-run e2e e2e-parts soak installed
