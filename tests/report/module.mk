# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The report's page in a real browser.

REPORT_TEST := $(O)/tests/report/report.sh

$(REPORT_TEST): tests/report/report.sh $(XENFLIGHT) $(O)/tests/peers/make-scene \
    $(O)/tests/peers/make-lives
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexport XENFLIGHT=%s MAKE_SCENE=%s MAKE_LIVES=%s\nSHOTS=%s exec %s\n' \
	    $(XENFLIGHT) $(O)/tests/peers/make-scene $(O)/tests/peers/make-lives \
	    $(O)/report $< >$@ && \
	    chmod +x $@

TESTS += $(REPORT_TEST)
