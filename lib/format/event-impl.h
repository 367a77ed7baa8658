/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event-impl.h: structures and functions private to the event*.c files. */

#ifndef XENFLIGHT_EVENT_IMPL_H
#define XENFLIGHT_EVENT_IMPL_H

#include "lib/format/event.h"

struct event_value {
    uint64_t value;
    char name[EVENT_WORD_BYTES];
};

/* A table that names values, ascending by value. */
struct event_enum {
    char name[EVENT_WORD_BYTES];
    unsigned int nr;
    const struct event_value *values;
    const struct event_composed *composed; /* NULL: look values up whole */
};

/* How Xen composes a value of a code, which a table names, and other bits. */
struct event_composed {
    const char *table;
    uint64_t mask[2];     /* of the code, tried in this order; 0: none */
    uint64_t marked;      /* if not 0: only values with this bit are composed */
    bool vmx;             /* other bits are VMX exit flags */
};

/* Return the rule for a table, or NULL. */
const struct event_composed *event_composed_find(const char *table);

struct event_dict {
    unsigned int nr_enums, nr_values, nr_events;
    struct event_enum enums[EVENT_MAX_ENUMS];
    const struct event_enum *domids; /* names of domids, in all d fields */
    /* Names of argument values, by hypercall number and argument. */
    const struct event_enum *args[EVENT_HYPERCALLS][EVENT_ARGS];
    struct event_desc *by_id[XEN_FLIGHTREC_IDS];
    const struct event_desc *by_event[XEN_FLIGHTREC_IDS]; /* by event word */
    struct event_value values[EVENT_MAX_VALUES];
    struct event_desc events[];
};

/* Buffer for the reason of a failure; `bytes` may be 0. */
struct event_err {
    char *text;
    size_t bytes;
};

/* Store a reason in `err`.  Return -EBADMSG. */
__attribute__((format(printf, 2, 3)))
int event_bad(const struct event_err *err, const char *fmt, ...);

/* An event before it is parsed; its strings are not trusted. */
struct event_source {
    uint32_t id;
    uint32_t event;
    const char *name;
    const char *fields;
    const char *format;
};

/* Return an empty dictionary, or NULL if out of memory. */
struct event_dict *event_dict_new(unsigned int max_events);

/*
 * Callers must add all values first, those of one table together and
 * ascending, then at most `max_events` events, then call event_dict_finish().
 * Return 0, or -EBADMSG with the reason in `err`.
 */
int event_dict_add_value(struct event_dict *dict, const char *table,
                         uint64_t value, const char *name,
                         const struct event_err *err);
int event_dict_add_event(struct event_dict *dict,
                         const struct event_source *src,
                         const struct event_err *err);
int event_dict_finish(struct event_dict *dict, const struct event_err *err);

/* Whether `s` is a valid name: 1 to max - 1 characters of a-z A-Z 0-9 _. */
bool event_is_word(const char *s, size_t max);

/*
 * Parse the strings desc->fields and desc->format into its tables.  Return 0,
 * or -EBADMSG with the reason in `err`.
 */
int event_parse(const struct event_dict *dict, struct event_desc *desc,
                const struct event_err *err);

#endif /* XENFLIGHT_EVENT_IMPL_H */
