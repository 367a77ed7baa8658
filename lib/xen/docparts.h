/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * docparts.h: the parts of a meta document (lib/format/snapshot.h) that all its
 * writers share.  The caller must decref each result.  Return NULL or -ENOMEM
 * if there is no memory.
 */

#ifndef XENFLIGHT_DOCPARTS_H
#define XENFLIGHT_DOCPARTS_H

#include <jansson.h>

#include "lib/xen/rings.h"

/* A domain's handle, its bytes in Xen's order. */
json_t *docparts_uuid(const uint8_t handle[16]);
/* The member "cpus". */
json_t *docparts_cpus(const struct rings *r);
/* The member "dictionary".  Return 0 or -errno. */
int docparts_dictionary(const struct rings *r, json_t **out);

#endif /* XENFLIGHT_DOCPARTS_H */
