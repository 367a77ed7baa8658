/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-dict.c: load any bytes as the JSON of a dictionary and of a clock's
 * fit.  If accepted, they must survive writing and reading, and print every
 * record.
 */

#include <stdlib.h>
#include <string.h>

#include "lib/format/clock.h"
#include "lib/format/event.h"
#include "tests/fuzz/fuzz.h"

static void check_text(const char *text)
{
    for ( ; *text; text++ )
        if ( *text < ' ' || *text > '~' )
            abort();
}

static void show_all(const struct event_dict *d)
{
    static char buf[EVENT_TEXT_BYTES];
    uint32_t data[XEN_FLIGHTREC_MAX_WORDS] = { 0xfff15555, 5, ~0U, 7 };

    for ( unsigned int i = 0; i < event_dict_events(d); i++ )
    {
        const struct event_desc *e = event_dict_event(d, i);

        data[5] = i;
        for ( unsigned int n = 0; n <= XEN_FLIGHTREC_MAX_WORDS; n += 1 + i % 3 )
        {
            event_text(d, e, data, n, buf, sizeof(buf));
            check_text(buf);
            if ( event_json(d, e, data, n, buf, sizeof(buf)) )
                check_text(buf);
            for ( unsigned int f = 0; f < e->nr_fields; f++ )
            {
                event_field_text(d, e, f, data, n, buf, 40);
                check_text(buf);
            }
        }
    }
}

/* An accepted dictionary must be written unchanged and accepted again. */
static void check_again(const struct event_dict *d)
{
    json_t *events, *enums, *events2, *enums2;
    struct event_dict *again;

    if ( event_dict_to_json(d, &events, &enums) ||
         event_dict_from_json(events, enums, &again, NULL, 0) ||
         event_dict_to_json(again, &events2, &enums2) ||
         !json_equal(events, events2) || !json_equal(enums, enums2) )
        abort();

    json_decref(events);
    json_decref(enums);
    json_decref(events2);
    json_decref(enums2);
    event_dict_free(again);
}

static void read_fit(const json_t *fit)
{
    struct clock_fit f = { .tsc_khz = 2000000, .tsc = 9000000, .ns = 1 };

    if ( fit && !clock_from_json(&f, fit) )
        for ( uint64_t tsc = 1; tsc; tsc <<= 7 )
        {
            clock_since(&f, clock_guess(&f, 1, tsc));
            clock_since(&f, tsc);
        }
    clock_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    json_t *root = json_loadb((const char *)data, len, 0, NULL);
    struct event_dict *d;
    char err[256];

    if ( !event_dict_from_json(json_object_get(root, "events"),
                               json_object_get(root, "enums"), &d, err,
                               sizeof(err)) )
    {
        show_all(d);
        check_again(d);
        event_dict_free(d);
    }
    else
        check_text(err);
    read_fit(json_object_get(root, "fit"));
    json_decref(root);
    return 0;
}
