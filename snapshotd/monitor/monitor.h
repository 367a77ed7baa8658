/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor.h: the privileged half. */

#ifndef SNAPSHOTD_MONITOR_H
#define SNAPSHOTD_MONITOR_H

#include <stdbool.h>

#include "snapshotd/common/conf.h"

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

struct monitor_options {
    struct conf conf;
    const char *conf_path; /* to read it again; NULL: the default file */
    const char *backend;
    bool to_syslog;
};

/* Opens everything, then works until it is told to end.  An exit code. */
int monitor_run(const struct monitor_options *opt);

#endif /* SNAPSHOTD_MONITOR_H */
