/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* user.h: the user that the other processes change to. */

#ifndef SNAPSHOTD_USER_H
#define SNAPSHOTD_USER_H

#include <sys/types.h>

struct user {
    uid_t uid;
    gid_t gid;
};

#endif /* SNAPSHOTD_USER_H */
