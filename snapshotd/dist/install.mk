# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where a Debian Dom0 with systemd looks.  Without packages the user is created by
# sysusers.d at the next boot, or at once by systemd-sysusers; the same goes for
# the directories and systemd-tmpfiles.

LIBDIR   ?= $(PREFIX)/lib
UNITDIR  ?= $(LIBDIR)/systemd/system
MAN      := $(PREFIX)/share/man
DIST     := snapshotd/dist
# Installed file:source, link:target; other modules add theirs.  The configuration
# is not among them: an administrator's changes are neither overwritten nor removed.
SHARE := $(PREFIX)/share/xenflight
DOC   := $(PREFIX)/share/doc/xenflight
INSTALL_PROGS += $(PREFIX)/bin/xenflight:$(XENFLIGHT)
INSTALL_FILES += $(foreach s,3 5 7 8,$(foreach f,$(wildcard man/*.$(s)), \
    $(MAN)/man$(s)/$(notdir $(f)):$(f)))

# What talks to Xen; without Xen's libraries it is not built.
ifneq ($(LIBS_XEN),)
INSTALL_PROGS += $(PREFIX)/sbin/snapshotd:$(O)/snapshotd/snapshotd \
    $(PREFIX)/lib/xenflight/xenflight-dom0:$(XENFLIGHT_DOM0) \
    $(PREFIX)/bin/xenflight-request:xs-hooks/toolstack/xenflight-request \
    $(SHARE)/guest/xenflight-ask:$(XENFLIGHT_ASK) \
    $(foreach f,xenflight-ask.sh xenflight-kmsg kdump-pre, \
        $(SHARE)/guest/$(f):xs-hooks/guest/$(f)) \
    $(foreach f,libvirt xapi,$(SHARE)/hooks/$(f):xs-hooks/toolstack/$(f))
INSTALL_FILES += \
    $(UNITDIR)/snapshotd.service:$(O)/$(DIST)/snapshotd.service \
    $(LIBDIR)/sysusers.d/xenflight.conf:$(DIST)/sysusers.conf \
    $(LIBDIR)/tmpfiles.d/xenflight.conf:$(DIST)/tmpfiles.conf \
    $(foreach f,$(wildcard xs-hooks/guest/*.service), \
        $(SHARE)/guest/$(notdir $(f)):$(f)) \
    $(foreach f,README.md PROTOCOL.md,$(DOC)/$(f):xs-hooks/$(f)) \
    $(foreach f,sos.py xen-bugtool/xenflight.xml xen-bugtool/xenflight/xenflight.xml, \
        $(SHARE)/collect/$(f):$(DIST)/collect/$(f))
install: install-conf
endif

# Commands that share the page of another one.
MAN_SHARED := stop:start destroy:create unpin:pin
INSTALL_LINKS += $(foreach c,$(MAN_SHARED), \
    $(MAN)/man8/xenflight-$(subst :,.8:xenflight-,$(c)).8)

$(O)/$(DIST)/snapshotd.service: $(DIST)/snapshotd.service.in
	@mkdir -p $(@D)
	$(Q)sed 's,@PREFIX@,$(PREFIX),' $< >$@

# Made anew: PREFIX may be another one than last time.
.PHONY: $(O)/$(DIST)/snapshotd.service

install: all $(O)/$(DIST)/snapshotd.service ## install the user-space part: DESTDIR=, PREFIX=
	$(Q)for f in $(INSTALL_PROGS); do \
	    install -D "$${f#*:}" "$(DESTDIR)$${f%%:*}" || exit; done
	$(Q)for f in $(INSTALL_FILES); do \
	    install -D -m 644 "$${f#*:}" "$(DESTDIR)$${f%%:*}" || exit; done
	$(Q)for f in $(INSTALL_LINKS); do \
	    ln -sfn "$${f#*:}" "$(DESTDIR)$${f%%:*}" || exit; done

install-conf:
	$(Q)install -d $(DESTDIR)/var/lib/xen
	$(Q)[ -e $(DESTDIR)/etc/xen/snapshotd.conf ] || \
	    install -D -m 644 $(DIST)/snapshotd.conf $(DESTDIR)/etc/xen/snapshotd.conf

# For tests: the paths, one a line.
list-installed:
	@printf '%s\n' $(foreach f,$(INSTALL_PROGS) $(INSTALL_FILES) $(INSTALL_LINKS), \
	    $(firstword $(subst :, ,$(f))))

uninstall: ## remove what install put there; configuration and snapshots stay
	$(Q)for f in $(INSTALL_PROGS) $(INSTALL_FILES) $(INSTALL_LINKS); do \
	    rm -f "$(DESTDIR)$${f%%:*}" || exit; done

.PHONY: install install-conf list-installed uninstall

#
# Debian packages: the tree with debian/ at its top, as Debian wants it.
#
DEB := $(O)/deb

deb: ## install what it needs; build Debian packages into build/deb; STOCK=1: no Xen
	$(Q).ci/deps deb
	$(Q)$(MAKE) --no-print-directory deb-run

deb-run: all
	$(Q)STOCK=$(STOCK) snapshotd/dist/make-deb $(DEB) $(VERSION)

check-deb: deb ## install, start and purge the packages in a fresh Debian folder
	$(Q)tests/run tests/deb/deb.sh

check-bare: ## README's commands in fresh Debian 12 and 13 folders (20 minutes)
	$(Q)tests/deb/bare.sh

RPM := $(O)/rpm

rpm: ## build RPM packages of the user-space part into build/rpm
	$(Q)snapshotd/dist/make-rpm $(RPM) $(VERSION)

check-rpm: rpm ## install and erase the RPM packages in a folder
	$(Q)tests/run tests/deb/rpm.sh

.PHONY: deb deb-run check-deb check-bare rpm check-rpm
