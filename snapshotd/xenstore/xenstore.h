/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xenstore.h: the process that talks to xenstored, as the monitor starts it. */

#ifndef SNAPSHOTD_XENSTORE_H
#define SNAPSHOTD_XENSTORE_H

/* The socket to the monitor. */
#define XENSTORE_FD_MONITOR 3

/* Run the process; return an exit status. */
int xenstore_run(void);

#endif /* SNAPSHOTD_XENSTORE_H */
