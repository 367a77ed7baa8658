# SPDX-License-Identifier: LGPL-2.1-or-later
#
# xenflight: all sub-commands in one program.  Where Xen's libraries are not
# installed it has only the commands that read files.

XENFLIGHT     := $(O)/tools/xenflight
XENFLIGHT_XEN := $(wildcard tools/live/*.c tools/record/*.c \
                 $(patsubst %,tools/cmd/%.c,create destroy mask record \
                     snapshot start status stop))
XENFLIGHT_SRC := $(filter-out $(XENFLIGHT_XEN) tools/babeltrace/%, \
                 $(wildcard tools/*.c tools/*/*.c))
ifneq ($(and $(LIBS_XEN),$(XENFLIGHT_XEN)),)
XENFLIGHT_SRC += $(XENFLIGHT_XEN)
XENFLIGHT_HYP  = $(HYP_O)
XENFLIGHT_LIB  = $(LIBS_XEN)
endif

PROGS += $(XENFLIGHT)

$(XENFLIGHT): $(XENFLIGHT_SRC:%.c=$(O)/%.o) $(O)/gen/perfetto.pb-c.o \
              $(XENFLIGHT_HYP) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) \
	    $(XENFLIGHT_LIB) -lprotobuf-c $(LIBS_BASE) -lm

# What protoc-c makes of the messages: its code, so its warnings.
$(O)/gen/perfetto.pb-c.h: tools/export/perfetto.proto
	@mkdir -p $(@D)
	@$(call say,PROTOC $<)
	$(Q)protoc-c --proto_path=tools/export --c_out=$(@D) $<

$(O)/gen/perfetto.pb-c.c: $(O)/gen/perfetto.pb-c.h ;

$(O)/gen/perfetto.pb-c.o: $(O)/gen/perfetto.pb-c.c
	@$(call say,CC $<)
	$(Q)$(CC) $(CSTD) $(CFLAGS) -c -o $@ $<

$(O)/tools/export/perfetto.o: $(O)/gen/perfetto.pb-c.h

# The page's parts are bytes of the program.
$(O)/tools/report/page.o: tools/report/page.html tools/report/page.css \
    tools/report/page.js

INSTALL_FILES += \
    $(PREFIX)/share/bash-completion/completions/xenflight:tools/completion/xenflight.bash
