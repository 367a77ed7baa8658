/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exit-code.h: the daemon's exit codes. */

#ifndef SNAPSHOTD_EXIT_CODE_H
#define SNAPSHOTD_EXIT_CODE_H

/* Exit codes; snapshotd(8) has them in a table. */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_OTHER = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_CONF = 3,
    EXIT_CODE_ROOT = 4,
    EXIT_CODE_DOM0 = 5,
    EXIT_CODE_XEN = 6,
    EXIT_CODE_VERSION = 7,
    EXIT_CODE_VIRQ = 8,
    EXIT_CODE_XENSTORE = 9,
    EXIT_CODE_RUNNING = 10,
    EXIT_CODE_USER = 11,
};

#endif /* SNAPSHOTD_EXIT_CODE_H */
