# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The real-Xen tier: QEMU boots our Xen, Debian's kernel and toolstack.

E2E := tests/e2e

$(O)/$(E2E)/probe: $(O)/$(E2E)/probe.o $(O)/lib/hyp.o $(O)/lib/hyp-xen.o \
    $(O)/lib/hyp-hosted.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) -o $@ $^ $(LIBS_XEN) $(LIBS_BASE)

$(O)/e2e/dom0.cpio.gz: $(E2E)/mkinitrd $(E2E)/dom0/init $(E2E)/dom0/lib.sh \
    $(E2E)/guest/init
	@$(call say,INITRD $(@D))
	$(Q)$(E2E)/mkinitrd $(@D)

e2e-parts: xen $(O)/e2e/dom0.cpio.gz $(O)/$(E2E)/probe

e2e: e2e-parts all ## the tests on a real Xen under QEMU
	$(Q)tests/run $(filter $(E2E)/%,$(TESTS))

TESTS += $(E2E)/objects $(E2E)/recorder

.PHONY: e2e e2e-parts
