/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * version.c: xenflight --version: all a bug report needs to name.
 */

#include <stdio.h>

#include <google/protobuf-c/protobuf-c.h>
#include <jansson.h>
#include <lz4.h>
#include <xxhash.h>

#include <public/flightrec.h>

#include "lib/format/snapshot.h"
#include "lib/xenflight.h"
#include "revision.h"
#include "tools/base/message.h"
#include "tools/cmd.h"

int print_version(void)
{
    unsigned int hash = XXH_versionNumber();

    printf("xenflight " XENFLIGHT_VERSION " (" XENFLIGHT_REVISION ")\n");
    printf("snapshot format %d, reads %d too; Xen interface %d; libxenflight "
           "interface %d\n", SNAPSHOT_MAJOR, SNAPSHOT_MAJOR_PLAIN,
           XEN_FLIGHTREC_VERSION, XF_VERSION);
    printf("lz4 %s, xxhash %u.%u.%u, jansson " JANSSON_VERSION
           ", protobuf-c %s\n", LZ4_versionString(), hash / 10000,
           hash / 100 % 100, hash % 100, protobuf_c_version());
    return flush_stdout();
}
