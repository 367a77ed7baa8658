# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The babeltrace2 plugin, where babeltrace2's headers are installed.  It goes
# where babeltrace2 looks, whatever PREFIX is; BT2_DIR= puts it elsewhere.

LIBS_BT2 := $(call pkg,--libs,babeltrace2)
BT2_DIR  := $(call pkg,--variable=libdir,babeltrace2)/babeltrace2/plugins
BT2      := $(O)/tools/babeltrace/babeltrace-plugin-xenflight.so
BT2_SRC  := $(wildcard tools/babeltrace/*.c)

ifneq ($(LIBS_BT2),)
PROGS += $(BT2)
INSTALL_FILES += $(BT2_DIR)/$(notdir $(BT2)):$(BT2)
endif

# What babeltrace2 looks for in the object is made in plugin.c.
$(foreach s,$(BT2_SRC),$(eval CFLAGS-$(s) += -fPIC \
    $(call pkg,--cflags,babeltrace2) \
    $(if $(filter %/plugin.c,$(s)),,-fvisibility=hidden)))

$(BT2): $(BT2_SRC:%.c=$(O)/%.o) $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared $(if $(SAN)$(TSAN),,-Wl,-z,defs) \
	    -Wl,--exclude-libs,ALL -o $@ $^ $(LIBS_BT2) $(LIBS_BASE)
