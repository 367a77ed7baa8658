/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event-impl.h: what the parts of lib/event share. */

#ifndef XENFLIGHT_EVENT_IMPL_H
#define XENFLIGHT_EVENT_IMPL_H

#include "lib/format/event.h"

struct event_value {
    uint64_t value;
    char name[EVENT_WORD_BYTES];
};

/* A table of names for values, in ascending order of the value. */
struct event_enum {
    char name[EVENT_WORD_BYTES];
    unsigned int nr;
    const struct event_value *values;
};

struct event_dict {
    unsigned int nr_enums, nr_values, nr_events;
    struct event_enum enums[EVENT_MAX_ENUMS];
    const struct event_enum *domids; /* the table of all d fields */
    /* Names of a hypercall's argument values, by hypercall number. */
    const struct event_enum *args[EVENT_HYPERCALLS][EVENT_ARGS];
    struct event_desc *by_id[XEN_FLIGHTREC_IDS];
    const struct event_desc *by_event[XEN_FLIGHTREC_IDS]; /* sorted */
    struct event_value values[EVENT_MAX_VALUES];
    struct event_desc events[];
};

/* Where the words on what is wrong go; bytes may be 0. */
struct event_err {
    char *text;
    size_t bytes;
};

__attribute__((format(printf, 2, 3)))
int event_bad(const struct event_err *err, const char *fmt, ...);

/* An event before it is parsed: strings of any origin. */
struct event_source {
    uint32_t id;
    uint32_t event;
    const char *name;
    const char *fields;
    const char *format;
};

struct event_dict *event_dict_new(unsigned int max_events);

/*
 * Tables first, values of a table together and ascending; then the events; then
 * event_dict_finish().  -EBADMSG says why in err, -ENOSPC cannot happen.
 */
int event_dict_add_value(struct event_dict *dict, const char *table,
                         uint64_t value, const char *name,
                         const struct event_err *err);
int event_dict_add_event(struct event_dict *dict,
                         const struct event_source *src,
                         const struct event_err *err);
int event_dict_finish(struct event_dict *dict, const struct event_err *err);

/* Is it a name of ours: 1 to max - 1 of a-z A-Z 0-9 _ ? */
bool event_is_word(const char *s, size_t max);

/* Fields and format of desc, whose strings are set, into its tables. */
int event_parse(const struct event_dict *dict, struct event_desc *desc,
                const struct event_err *err);

#endif /* XENFLIGHT_EVENT_IMPL_H */
