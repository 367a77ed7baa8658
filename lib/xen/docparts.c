/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* docparts.c: the parts of a meta document that all its writers share. */

#include <errno.h>

#include "lib/base/uuid.h"
#include "lib/xen/docparts.h"
#include "lib/format/event.h"

json_t *docparts_uuid(const uint8_t handle[16])
{
    char text[UUID_TEXT_BYTES];

    return json_string(uuid_to_text(handle, text));
}

json_t *docparts_cpus(const struct rings *r)
{
    json_t *cpus = json_array(), *o;
    unsigned int i;

    for ( i = 0; i < r->nr; i++ )
    {
        o = json_pack("{sI}", "cpu", (json_int_t)r->map[i].cpu);
        if ( r->map[i].node != ~0U )
            json_object_set_new(o, "node", json_integer(r->map[i].node));
        json_array_append_new(cpus, o);
    }
    return cpus;
}

int docparts_dictionary(const struct rings *r, json_t **out)
{
    struct event_dict *dict;
    json_t *events, *enums;
    int rc;

    rc = event_dict_build(r->info.event, r->info.nr_ids, event_host_vendor(),
                          &dict);
    if ( rc )
        return rc;
    rc = event_dict_to_json(dict, &events, &enums);
    event_dict_free(dict);
    if ( rc )
        return rc;
    *out = json_pack("{so so}", "events", events, "enums", enums);
    return *out ? 0 : -ENOMEM;
}
