/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * docparts.h: what all writers of a meta document (lib/format/snapshot.h) put into it.
 * Each returns what is to be decref'ed; NULL or -ENOMEM: no memory.
 */

#ifndef XENFLIGHT_DOCPARTS_H
#define XENFLIGHT_DOCPARTS_H

#include <jansson.h>

#include "lib/xen/rings.h"

/* A domain's handle; the bytes in the order in which Xen has them. */
json_t *docparts_uuid(const uint8_t handle[16]);
/* The member "cpus". */
json_t *docparts_cpus(const struct rings *r);
/* The member "dictionary".  -errno. */
int docparts_dictionary(const struct rings *r, json_t **out);

#endif /* XENFLIGHT_DOCPARTS_H */
