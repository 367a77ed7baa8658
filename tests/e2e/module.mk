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

E2E_TINY := $(foreach m,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16,$(O)/e2e/tiny-$m)

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

# The release of Xen under test, in $(XENFLIGHT_BUILD): see for-xen.
FOR_XEN = CC="$(CC)" $(E2E)/for-xen

e2e: all ## the tests on a real Xen under QEMU
	$(Q)MAKE="$(MAKE)" $(FOR_XEN) e2e-parts -- tests/run $(filter $(E2E)/%,$(TESTS))

TESTS += $(E2E)/faults $(E2E)/main-job $(E2E)/stock $(E2E)/objects $(E2E)/recorder $(E2E)/small $(E2E)/panic $(E2E)/stress

SOAK_MINUTES ?= 30

soak: e2e-parts all $(O)/tests/hosted/faults ## SOAK_MINUTES=30 of crashing guests on a real Xen
	$(Q)SOAK_MINUTES=$(SOAK_MINUTES) $(E2E)/soak
	$(Q)$(E2E)/soak-cpus
	$(Q)BUSY=600 $(E2E)/stock
	$(Q)$(E2E)/soak-crashes
	$(Q)FAULTS_ALL=1 $(O)/tests/hosted/faults

# The newest Xen of Debian with its own toolstack and libraries, beside what is
# built for this machine.
NEXT := 4.20

check-xen-next: installed ## the recorder and the main job on Xen 4.20
	$(Q)MAKE="$(MAKE)" $(FOR_XEN) -f $(NEXT) next-parts -- \
	    sh -c 'XEN_SRC=$$(ls -dt "$${XENFLIGHT_CACHE:-$$HOME/.cache/xenflight}"/$(NEXT)/work/on-*/ | \
	        head -n 1) exec tests/run tests/unit/events-complete.sh $(E2E)/recorder \
	        $(E2E)/main-job'

next-parts: installed xen xen-debian $(O)/e2e/dom0.cpio $(O)/$(E2E)/probe $(E2E_TINY)

# Dom0's part of the demo; Xen is made before.
demo-parts: installed $(O)/e2e/dom0.cpio

demo-run:
	$(Q)MAKE="$(MAKE)" CC="$(CC)" $(E2E)/demo

.PHONY: check-xen-next next-parts demo-run demo-parts e2e e2e-parts soak installed
