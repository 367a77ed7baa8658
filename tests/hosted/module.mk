# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The daemon end to end without Xen: see tests/hosted/world.h.

HOSTED_O := $(patsubst %,$(O)/tests/hosted/%.o,cases guest world) \
            $(O)/tests/lib/owntime.o
HOSTED   := daemon guests policy life health storms stock captured faults names \
            xenstore

# The programs of this machine's Xen release.
XEN_BIN := $(shell hypervisor/versions bin $$(hypervisor/versions machine))
$(foreach s,cases world,$(eval CFLAGS-tests/hosted/$(s).c := -DXEN_BIN='"$(XEN_BIN)"'))

TESTS    += $(HOSTED:%=$(O)/tests/hosted/%)

$(HOSTED:%=$(O)/tests/hosted/test-%): %: %.o $(HOSTED_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_XEN) $(LIBS_BASE)

# A script that passes the build directory with the programs under test.
$(HOSTED:%=$(O)/tests/hosted/%): $(O)/tests/hosted/%: \
    $(O)/tests/hosted/test-% $(FRHOST) $(STOCKXEN) $(FAKEXEN) $(FAKECLOCK) $(FAKEDISK) \
    $(O)/snapshotd/snapshotd $(XENFLIGHT) $(XENFLIGHT_DOM0) $(XENFLIGHT_ASK)
	$(Q)printf '#!/bin/sh\nexec %s %s "$$@"\n' $< $(O) >$@
	$(Q)chmod +x $@

# The daemon with an engine and a xenstore process that are somebody else's.
CAPTURED := $(O)/tests/hosted/snapshotd-captured

$(CAPTURED): $(O)/tests/hosted/captured.o $(O)/tests/hosted/captured-xs.o \
    $(SNAPSHOTD_SRC:%.c=$(O)/%.o) \
    $(HYP_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=engine_take \
	    -Wl,--wrap=link_send_request -o $@ $^ \
	    $(LIBS_XEN) $(LIBS_BASE) -linih -lseccomp -lcap-ng

$(O)/tests/hosted/captured $(O)/tests/hosted/xenstore: $(CAPTURED)
$(O)/tests/hosted/faults: $(INJECT)

# Unit tests of the daemon's parts.
PARTS   := $(O)/tests/hosted/test-parts
PARTS_O := $(patsubst %,$(O)/snapshotd/%.o,engine/store engine/store-room engine/age \
           engine/queue common/sandbox common/log common/proto common/domains \
           common/name common/request)
TESTS   += $(PARTS)

$(PARTS): $(O)/tests/hosted/test-parts.o $(PARTS_O) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_BASE) -lseccomp \
	    -lcap-ng -lcmocka

# A stream reader, against frhost.
STREAM := $(O)/tests/hosted/test-stream
TESTS  += $(STREAM).sh

$(STREAM): $(O)/tests/hosted/test-stream.o $(O)/tests/lib/owntime.o $(HYP_O) \
    $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS_XEN) $(LIBS_BASE)

$(STREAM).sh: $(STREAM) $(FRHOST)
	$(Q)printf '#!/bin/sh\nexec %s %s\n' $^ > $@ && chmod +x $@

# The commands that read the rings as a stream.
RECORD := $(O)/tests/hosted/record
TESTS  += $(RECORD)

$(RECORD): tests/hosted/record.sh $(FRHOST) $(XENFLIGHT)
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s %s\n' "$<" "$(FRHOST) $(XENFLIGHT)" >$@ && \
	    chmod +x $@

# Answers of a captured engine.
ANSWERS := $(O)/tests/hosted/answers
TESTS   += $(ANSWERS)

$(ANSWERS): tests/hosted/answers.py $(XENFLIGHT)
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec python3 %s %s\n' "$<" "$(XENFLIGHT)" >$@ && \
	    chmod +x $@

# The examples in each --help.
HELP  := $(O)/tests/hosted/help
TESTS += $(HELP)

$(HELP): tests/hosted/help.sh $(FRHOST) $(XENFLIGHT) $(O)/snapshotd/snapshotd \
    $(XENFLIGHT_ASK) $(O)/tests/peers/make-scene
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec %s %s\n' $< $(O) >$@ && chmod +x $@
