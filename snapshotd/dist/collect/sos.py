# SPDX-License-Identifier: LGPL-2.1-or-later
"""sos plugin: the state of the flight recorder.

Snapshots themselves are left out: they hold registers of guests.  `xenflight
redact' makes a copy for one domain's owner.
"""

from sos.report.plugins import Plugin, DebianPlugin, RedHatPlugin, UbuntuPlugin


class XenFlight(Plugin, DebianPlugin, RedHatPlugin, UbuntuPlugin):

    short_desc = 'Flight recorder for the Xen hypervisor'
    plugin_name = 'xenflight'
    profiles = ('virt',)
    files = ('/usr/sbin/snapshotd',)

    def setup(self):
        self.add_copy_spec([
            '/etc/xen/snapshotd.conf',
            '/etc/sysconfig/snapshotd',
            '/run/xenflight/*.prom',
        ])
        self.add_cmd_output([
            'xenflight --version',
            'xenflight status',
            'xenflight status --json',
            'xenflight mask',
            'xenflight list --no-pager',
            'snapshotd --check',
            'xenstore-ls -f /tool/xenflight',
            'ls -lan /var/lib/xen/snapshotd',
        ])
        self.add_journal(units='snapshotd')
