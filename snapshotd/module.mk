# SPDX-License-Identifier: LGPL-2.1-or-later

SNAPSHOTD_SRC := $(wildcard snapshotd/*.c snapshotd/*/*.c)
# What asks Xen: for the daemon and the commands that talk to it.
HYP_O := $(patsubst %.c,$(O)/%.o,$(wildcard lib/xen/hyp*.c))

PROGS += $(if $(LIBS_XEN),$(O)/snapshotd/snapshotd)
$(O)/snapshotd/snapshotd: $(SNAPSHOTD_SRC:%.c=$(O)/%.o) $(HYP_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_XEN) $(LIBS_BASE) \
	    -linih -lseccomp -lcap-ng
