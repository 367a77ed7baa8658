/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ctf.h: a snapshot in the Common Trace Format: the event classes, their
 * members, and the values of each record.  Shared by `export --to ctf` and the
 * babeltrace2 plugin.
 *
 * Ids of event classes:
 *   compact id                    the fields of the dictionary
 *   compact id + CTF_RAW          the same event, its payload as bare words:
 *                                 the record has another length than described
 *   CTF_UNKNOWN                   an event that the dictionary does not have
 *   CTF_GAP                       missing records: the count (0: not known) and
 *                                 the cause
 *
 * A stream is one channel of one pCPU.  Times are ns since TSC 0, see
 * doc_tsc_ns(), and only rise within a stream: a record whose stamp went back
 * gets the newest stamp before it, and `behind` holds the difference in TSC
 * ticks.
 */

#ifndef XENFLIGHT_CTF_H
#define XENFLIGHT_CTF_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/doc.h"
#include "lib/read/merge.h"

#define CTF_GAP          0
#define CTF_UNKNOWN      1
#define CTF_RAW          XEN_FLIGHTREC_IDS
#define CTF_IDS          (2 * XEN_FLIGHTREC_IDS)

#define CTF_STREAMS      ((UINT16_MAX + 1) * XEN_FLIGHTREC_CHANNELS)
#define CTF_STREAM_BYTES 16          /* of a stream's name, NUL included */

/* Of one event class: one for each field, or those of CTF_UNKNOWN. */
#define CTF_MAX_MEMBERS  EVENT_MAX_FIELDS
/* Of one member. */
#define CTF_MAX_ELEMENTS XEN_FLIGHTREC_MAX_WORDS

/*
 * A member is an integer, an array of `elements`, or a sequence of up to
 * `elements`.  The length of a sequence, an 8-bit integer, is a member in front
 * of it.  An optional field is a sequence of none or one.
 */
struct ctf_member {
    char name[EVENT_WORD_BYTES];
    char length[EVENT_WORD_BYTES + 4]; /* name of the length; "": no sequence */
    uint8_t elements;                  /* 0: an integer */
    uint8_t bits;                      /* of each: 8, 16, 32, 64 */
    bool is_signed, hex;
    const struct event_enum *names;    /* of values; NULL: none */
};

struct ctf_class {
    unsigned int nr;
    struct ctf_member member[CTF_MAX_MEMBERS];
};

/* Members of every event beside its class: the running vCPU, and `behind`. */
#define CTF_CONTEXTS     3
extern const struct ctf_member ctf_context[CTF_CONTEXTS];

/*
 * Return the class id of a record; fill @out with the class, and return its
 * name, for an id that ctf_id() returned.
 */
unsigned int ctf_id(const struct merge_record *rec);
void ctf_class(const struct event_dict *dict, unsigned int id,
               struct ctf_class *out);
const char *ctf_class_name(const struct event_dict *dict, unsigned int id);

/*
 * Return the next name of a member's values that its integer can hold, or NULL
 * at the end.  The caller sets *@i to 0 before the first call.
 */
const char *ctf_value_name(const struct ctf_member *m, unsigned int *i,
                           uint64_t *value);

/*
 * Get the value of member @n of a record of class @id, sign-extended.  Return
 * the number of elements: 1 for an integer.
 */
unsigned int ctf_get(const struct merge_record *rec, unsigned int id,
                     unsigned int n, uint64_t value[CTF_MAX_ELEMENTS]);

/* Number and name of a stream. */
static inline uint32_t ctf_stream(const struct merge_record *rec)
{
    return rec->cpu * XEN_FLIGHTREC_CHANNELS + rec->channel;
}

const char *ctf_stream_name(uint32_t stream, char buf[CTF_STREAM_BYTES]);

/* Raise *@newest to @tsc.  Return the ticks by which @tsc is behind it. */
static inline uint32_t ctf_rise(uint64_t *newest, uint64_t tsc)
{
    if ( tsc >= *newest )
    {
        *newest = tsc;
        return 0;
    }

    return *newest - tsc > UINT32_MAX ? UINT32_MAX : *newest - tsc;
}

/*
 * The UUID of the trace: the same for the same part of the same file.  @part: 0
 * for the whole file.  CTF readers merge traces that share a UUID.
 */
void ctf_uuid(const struct snapshot *s, uint64_t part, uint8_t uuid[16]);

#define CTF_CLOCK_NAME        "tsc"
#define CTF_CLOCK_DESCRIPTION "time stamp counter, in ns"
#define CTF_CLOCK_HZ          1000000000

/* Return the error bound of the clock, in ns. */
uint64_t ctf_precision(const struct doc *d);

/* One entry of the trace's environment. */
struct ctf_env {
    const char *name;
    bool is_text;
    char text[201];                    /* printable ASCII, no quotes, no \ */
    int64_t number;
};

/*
 * Get the next entry.  Return false at the end.  The caller sets *@i to 0
 * before the first call.
 */
bool ctf_env(const struct doc *d, unsigned int *i, struct ctf_env *env);

#endif /* XENFLIGHT_CTF_H */
