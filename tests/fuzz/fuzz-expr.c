/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-expr.c: parse any text as a filter expression and as a moment, and
 * match it against records of all events.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tools/select/expr.h"
#include "tools/select/when.h"

static struct doc *make_doc(void)
{
    static const char root[] = "{\"domains\":[{\"domid\":5,\"name\":\"web1\"}]}";
    static struct doc doc;

    doc.root = json_loads(root, 0, NULL);
    doc.name = doc.uuid = "";
    doc.domid = DOC_UNKNOWN;
    doc.tsc = 20000000000;
    doc.clock = (struct clock_fit){ .tsc_khz = 2000000, .tsc = doc.tsc };
    doc.has_wall = true;
    doc.wall_ns = INT64_MAX - 5;
    if ( !doc.root ||
         event_dict_build(NULL, 0, EVENT_VENDOR_INTEL, &doc.dict) )
        abort();
    return &doc;
}

static void match_all(const struct expr *e, const struct doc *doc)
{
    for ( unsigned int i = 0; i < event_dict_events(doc->dict); i++ )
    {
        const struct event_desc *d = event_dict_event(doc->dict, i);
        struct merge_record rec = {
            .desc = i % 32 ? d : NULL, .event = d->event, .id = d->id,
            .words = i % (XEN_FLIGHTREC_MAX_WORDS + 1), .domid = i % 7,
            .vcpu = i, .data = { 0xfff15555 + i, 5, ~0U, i, 3, 0, 7 },
        };

        expr_match(e, &rec);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct doc *doc;
    char text[EXPR_MAX_BYTES + 2], err[EXPR_ERR_BYTES];
    struct expr *e;
    struct when w;
    uint64_t tsc;

    if ( !doc )
        doc = make_doc();
    len = len < sizeof(text) ? len : sizeof(text) - 1;
    memcpy(text, data, len);
    text[len] = '\0';

    if ( !when_parse(text, &w) )
        when_tsc(&w, doc, &tsc);
    if ( expr_parse(text, &e, err, sizeof(err)) )
    {
        /* The message of any error must be printable. */
        for ( const char *c = err; *c; c++ )
            if ( *c < ' ' || *c > '~' )
                abort();
        return 0;
    }
    if ( !expr_resolve(e, doc, NULL, err, sizeof(err)) )
        match_all(e, doc);
    expr_free(e);
    return 0;
}
