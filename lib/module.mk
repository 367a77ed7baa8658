# SPDX-License-Identifier: LGPL-2.1-or-later
#
# libxenflight.a: the code shared by daemon, tools and tests.  A program links
# only the members it uses, and $(LIBS_BASE).  The backends that talk to Xen
# (hyp*.c) are linked by name where they are needed.

LIBXF     := $(O)/lib/libxenflight.a
LIBXF_SRC := $(filter-out lib/xen/hyp%.c,$(wildcard lib/*.c lib/*/*.c))

$(LIBXF): $(LIBXF_SRC:%.c=$(O)/%.o)
	@$(call say,AR $@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The public libxenflight exports only lib/xenflight.h.  Its objects are linked
# into programs too, so all are built with -fPIC.
XF_SONAME := libxenflight.so.1
# Installation directories of the library and its example.
XF_LIBDIR ?= $(PREFIX)/lib
XF_DOC    ?= $(PREFIX)/share/doc/xenflight
XF_SHARED := $(O)/lib/$(XF_SONAME)
XF_STATIC := $(O)/lib/public/libxenflight.a
XF_PC     := $(O)/lib/libxenflight.pc

$(foreach s,$(LIBXF_SRC),$(eval CFLAGS-$(s) += -fPIC -fvisibility=hidden))
CFLAGS-lib/xenflight.c := -fPIC
$(LIBXF_SRC:%.c=$(O)/%.o): lib/module.mk

$(XF_SHARED): $(O)/lib/xenflight.o $(LIBXF) lib/xenflight.map
	@$(call say,LD $@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(XF_SONAME) \
	    -Wl,--version-script,lib/xenflight.map $(if $(SAN)$(TSAN),,-Wl,-z,defs) \
	    -o $@ $(O)/lib/xenflight.o $(LIBXF) $(LIBS_BASE)

# A single object, with all names but xf_* made local.
$(XF_STATIC): $(O)/lib/xenflight.o $(LIBXF)
	@$(call say,AR $@)
	@mkdir -p $(@D)
	$(Q)$(CC) -r -nostdlib -o $(@D)/xenflight.o $^
	$(Q)objcopy --wildcard --keep-global-symbol='xf_*' $(@D)/xenflight.o
	$(Q)rm -f $@ && $(AR) rcs $@ $(@D)/xenflight.o

# Always rebuilt: PREFIX may differ from the last build.
$(XF_PC): lib/libxenflight.pc.in
	@mkdir -p $(@D)
	$(Q)sed -e 's,@PREFIX@,$(PREFIX),' -e 's,@VERSION@,$(VERSION),' \
	    -e 's,@LIBDIR@,$(patsubst $(PREFIX)/%,$${prefix}/%,$(XF_LIBDIR)),' \
	    $< >$@

PROGS += $(XF_SHARED) $(XF_STATIC)
INSTALL_FILES += $(PREFIX)/include/xenflight.h:lib/xenflight.h \
    $(XF_LIBDIR)/$(XF_SONAME):$(XF_SHARED) \
    $(XF_LIBDIR)/libxenflight.a:$(XF_STATIC) \
    $(XF_LIBDIR)/pkgconfig/libxenflight.pc:$(XF_PC) \
    $(XF_DOC)/examples/count.c:docs/examples/count.c
INSTALL_LINKS += $(XF_LIBDIR)/libxenflight.so:$(XF_SONAME)
# Each function has a link to the page of the library.
INSTALL_LINKS += $(foreach n,$(shell grep -o 'xf_[a-z_]*' lib/xenflight.map), \
    $(PREFIX)/share/man/man3/$(n).3:libxenflight.3)
install: $(XF_PC)

.PHONY: $(XF_PC)
