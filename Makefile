# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One Makefile, a module.mk a folder, objects in build/.
# V=1 shows the commands, SAN=1 builds with ASan and UBSan (into build/san),
# TSAN=1 with TSan (into build/tsan).

.DEFAULT_GOAL := all

VERSION := 0.2
PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= gcc
O       := build

WARN    := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
           -Wmissing-prototypes -Wno-unused-parameter
CFLAGS  ?= -O2 -g
CSTD    := -std=gnu11
ifdef SAN
O       := build/san
CFLAGS  += -fsanitize=address,undefined -fno-sanitize-recover=all \
           -fno-omit-frame-pointer
endif
ifdef TSAN
O       := build/tsan
# It does not know fences, and says so: what they order is volatile anyway.
CFLAGS  += -fsanitize=thread -Wno-tsan
endif
CPPFLAGS += -DXENFLIGHT_VERSION='"$(VERSION)"' -D_GNU_SOURCE -I. \
            -Ihypervisor/xen/include -I$(O)/gen
Q       := $(if $(V),,@)
say      = $(if $(V),:,echo) "  $(1)"

# What the user-space part links with, as the packages call it.
pkg      = $(shell pkg-config $(1) $(2) 2>/dev/null)
LIBS_XEN  = $(call pkg,--libs,xencontrol xencall xenevtchn xenforeignmemory xenstore)
LIBS_BASE = -llz4 -lxxhash -ljansson -pthread

# Modules append to these.
PROGS    :=
TESTS    :=
INSTALL_PROGS :=
INSTALL_FILES :=
CLEAN    :=

MODULES  := $(wildcard lib/module.mk snapshotd/module.mk tools/module.mk \
            tools/*/module.mk xs-hooks/module.mk hypervisor/module.mk \
            man/module.mk \
            tests/module.mk tests/*/module.mk snapshotd/dist/install.mk)
include $(MODULES)

# Name missing dependencies at once, not by the first compiler error.  These
# targets install their own.
ALONE   := deps check demo deb check-deb check-bare help clean
ifneq ($(filter-out $(ALONE),$(or $(MAKECMDGOALS),all)),)
MISSING := $(shell .ci/have "$(CC)")
$(if $(MISSING),$(error $(MISSING)))
endif

all: $(PROGS) ## build the user-space part

# Objects: build/<source path>.o, with their header dependencies.
$(O)/%.o: %.c
	@mkdir -p $(@D)
	@$(call say,CC $<)
	$(Q)$(CC) $(CSTD) $(WARN) $(CPPFLAGS) $(CFLAGS) $(CFLAGS-$<) \
	    -MMD -MP -c -o $@ $<
-include $(shell [ -d $(O) ] && find $(O) -type f -name '*.d')

# These install what they need first; only then does make know what there is.
check: ## install what the tests need, then run all of them, real Xen included
	$(Q).ci/deps check
	$(Q)$(MAKE) --no-print-directory check-all

demo: ## a guest crashes on a real Xen, and its file is explained; STOCK=1: on Debian's own Xen
	$(Q).ci/deps $(if $(STOCK),stock,demo)
	$(Q)$(MAKE) --no-print-directory demo-run

deps: ## install what building the user-space part needs
	$(Q).ci/deps build

clean: ## remove what was built (not the cached Xen source)
	$(Q)rm -rf build $(CLEAN)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / \
	    { printf "  make %-12s %s\n", $$1, $$2 }' Makefile $(MODULES)

.PHONY: all check clean demo deps help
.DELETE_ON_ERROR:
