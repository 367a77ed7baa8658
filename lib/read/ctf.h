/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ctf.h: what a snapshot is in the Common Trace Format: which event classes,
 * what their members are, what each record has for them.  Shared by those who
 * write it (`export --to ctf`) and those who hand it on (the babeltrace2
 * plugin).
 *
 * Ids of event classes:
 *   compact id                    the fields of the dictionary
 *   compact id + CTF_RAW          the same event, its payload as bare words: the
 *                                 record is shorter or longer than described
 *   CTF_UNKNOWN                   an event that the dictionary does not have
 *   CTF_GAP                       here records are missing: how many (0: nobody
 *                                 knows), and why
 *
 * A stream is one pCPU's channel.  Times are ns since TSC 0, see doc_tsc_ns(),
 * and only rise within a stream: a record whose stamp went back has the newest
 * stamp before it, and `behind` says by how many TSC ticks it was older.
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

/* Of one event class: a field each, or what is said of an unknown one. */
#define CTF_MAX_MEMBERS  EVENT_MAX_FIELDS
/* Of one member. */
#define CTF_MAX_ELEMENTS XEN_FLIGHTREC_MAX_WORDS

/*
 * A member is an integer, an array of `elements`, or a sequence of up to so
 * many: that has its length, an integer of 8 bits, as a member in front of it.
 * What may be absent is a sequence of none or one.
 */
struct ctf_member {
    char name[EVENT_WORD_BYTES];
    char length[EVENT_WORD_BYTES + 4]; /* the length's name; "": no sequence */
    uint8_t elements;                  /* 0: an integer */
    uint8_t bits;                      /* of each: 8, 16, 32, 64 */
    bool is_signed, hex;
    const struct event_enum *names;    /* NULL: values have none */
};

struct ctf_class {
    unsigned int nr;
    struct ctf_member member[CTF_MAX_MEMBERS];
};

/* What is told of each event beside its class: who ran there, and `behind`. */
#define CTF_CONTEXTS     3
extern const struct ctf_member ctf_context[CTF_CONTEXTS];

/* The class of a record, and of an id that ctf_id() gave; the class's name. */
unsigned int ctf_id(const struct merge_record *rec);
void ctf_class(const struct event_dict *dict, unsigned int id,
               struct ctf_class *out);
const char *ctf_class_name(const struct event_dict *dict, unsigned int id);

/*
 * The i-th name of a member's values, from 0, that its integer can hold; *i goes
 * on.  NULL: no more.
 */
const char *ctf_value_name(const struct ctf_member *m, unsigned int *i,
                           uint64_t *value);

/*
 * What a record of class `id` has for member `n`, sign-extended; returns how many
 * elements: 1 of an integer.
 */
unsigned int ctf_get(const struct merge_record *rec, unsigned int id,
                     unsigned int n, uint64_t value[CTF_MAX_ELEMENTS]);

/* Number and name of a stream. */
static inline uint32_t ctf_stream(const struct merge_record *rec)
{
    return rec->cpu * XEN_FLIGHTREC_CHANNELS + rec->channel;
}

const char *ctf_stream_name(uint32_t stream, char buf[CTF_STREAM_BYTES]);

/* Brings a stream's newest stamp up to `tsc`; returns how far `tsc` is behind. */
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
 * The trace's: the same for the same part of the same file, whatever number that
 * part has; 0: all of it.  Readers take traces of one uuid for one trace.
 */
void ctf_uuid(const struct snapshot *s, uint64_t part, uint8_t uuid[16]);

#define CTF_CLOCK_NAME        "tsc"
#define CTF_CLOCK_DESCRIPTION "time stamp counter, in ns"
#define CTF_CLOCK_HZ          1000000000

/* ns that the clock may be off. */
uint64_t ctf_precision(const struct doc *d);

/* What is said of the trace as a whole. */
struct ctf_env {
    const char *name;
    bool is_text;
    char text[201];                    /* printable ASCII, no quotes, no \ */
    int64_t number;
};

/* The i-th, from 0; *i goes on.  False: no more. */
bool ctf_env(const struct doc *d, unsigned int *i, struct ctf_env *env);

#endif /* XENFLIGHT_CTF_H */
