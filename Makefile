# SPDX-License-Identifier: LGPL-2.1-or-later
#
# One Makefile, a module.mk in each folder, objects in build/.
# V=1 prints the commands, SAN=1 builds with ASan and UBSan (in build/san),
# TSAN=1 with TSan (in build/tsan).

.DEFAULT_GOAL := all

VERSION := 0.2
PREFIX  ?= /usr/local
DESTDIR ?=
ifeq ($(origin CC),default)
CC      := gcc
endif
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
# TSan warns that it ignores fences; the accesses they order are volatile.
CFLAGS  += -fsanitize=thread -Wno-tsan
endif
CPPFLAGS += -DXENFLIGHT_VERSION='"$(VERSION)"' -D_GNU_SOURCE -I. \
            -Ihypervisor/xen/include -I$(O)/gen
Q       := $(if $(V),,@)
say      = $(if $(V),:,echo) "  $(1)"

# Libraries of the user-space part, by their pkg-config names.
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

# Install packages first: a second make then finds the libraries.
check: ## install the packages needed and run all tests, in a real Xen too
	$(Q).ci/deps check
	$(Q)$(MAKE) --no-print-directory check-all

demo: ## a guest crashes on a real Xen, and its file is explained; STOCK=1: on Debian's own Xen
	$(Q).ci/deps $(if $(STOCK),stock,demo)
	$(Q)$(MAKE) --no-print-directory demo-run

deps: ## install the packages needed to build the user-space part
	$(Q).ci/deps build

clean: ## remove build/ (not the cached Xen source)
	$(Q)rm -rf build $(CLEAN)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / \
	    { printf "  make %-12s %s\n", $$1, $$2 }' Makefile $(MODULES)

.PHONY: all check clean demo deps help
.DELETE_ON_ERROR:
