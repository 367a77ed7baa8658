/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor.h: the privileged process. */

#ifndef SNAPSHOTD_MONITOR_H
#define SNAPSHOTD_MONITOR_H

#include <stdbool.h>

#include "snapshotd/common/conf.h"
#include "snapshotd/monitor/exit-code.h"

struct monitor_options {
    struct conf conf;
    const char *conf_path; /* to read it again; NULL: the default file */
    const char *backend;
    bool to_syslog;
};

/* Open everything, then run until SIGTERM or SIGINT.  Return an exit code. */
int monitor_run(const struct monitor_options *opt);

#endif /* SNAPSHOTD_MONITOR_H */
