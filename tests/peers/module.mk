# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What other programs make of our exports: they really run, and what they count
# is compared with what happened.

MAKE_SCENE := $(O)/tests/peers/make-scene

$(MAKE_SCENE): $(MAKE_SCENE).o $(O)/tests/lib/scene.o $(O)/tests/lib/gen.o \
               $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) $(LIBS_BASE)

# Files that are not as they should be.
SPOIL := $(O)/tests/peers/spoil

$(SPOIL): $(SPOIL).o $(O)/tests/fuzz/image.o $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) $(LIBS_BASE)

# Two domains that had one number.
MAKE_LIVES := $(O)/tests/peers/make-lives

$(MAKE_LIVES): $(MAKE_LIVES).o $(O)/tests/lib/gen.o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) $(LIBS_BASE)

# Files with two long lists each.
MANY := $(O)/tests/peers/many

$(MANY): $(MANY).o $(LIBXF)
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBXF) $(LIBS_BASE)

PEERS := $(patsubst tests/peers/%.sh,$(O)/tests/peers/%.sh, \
         $(filter-out tests/peers/lib.sh,$(wildcard tests/peers/*.sh)))

PRELOAD := $(if $(SAN),$(shell $(CC) -print-file-name=libasan.so))

# The test runs what is built, wherever that is.
$(PEERS): $(O)/tests/peers/%.sh: tests/peers/%.sh $(XENFLIGHT) $(MAKE_SCENE) \
          $(if $(LIBS_BT2),$(BT2))
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexport XENFLIGHT=%s MAKE_SCENE=%s SPOIL=%s MAKE_LIVES=%s MANY=%s\nexport BT2_PLUGIN=%s BT2_PRELOAD=%s\nexec %s\n' \
	    $(XENFLIGHT) $(MAKE_SCENE) $(SPOIL) $(MAKE_LIVES) $(MANY) $(BT2) "$(PRELOAD)" $< >$@ && chmod +x $@

TESTS += $(PEERS)

$(O)/tests/peers/lives.sh: $(MAKE_LIVES)
$(O)/tests/peers/hostile.sh: $(SPOIL)
$(O)/tests/peers/many.sh: $(MANY)
