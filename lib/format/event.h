/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event.h: event descriptions: look up events, get their fields, print them.
 *
 * A dictionary maps the compact ids of one recording to events.  The writer of
 * a snapshot builds it from the compiled-in list and the map in Xen's info
 * page (event_dict_build), and stores it in the file as JSON.  A reader builds
 * it from that JSON alone (event_dict_from_json), which is not trusted.  The
 * grammar of field lists is in <public/flightrec-events.h>.
 *
 * All parsing happens when a dictionary is built.  Per record there are only
 * table look-ups and no allocation.  A dictionary is constant once built, so
 * threads may share it.
 *
 *   d = event_lookup(dict, rec.id, rec.event);
 *   event_text(dict, d, rec.data, rec.words, line, sizeof(line));
 *
 * Functions on a record take its descriptor, its payload words and their
 * number.  The descriptor is NULL for an event that is not in the dictionary.
 */

#ifndef XENFLIGHT_EVENT_H
#define XENFLIGHT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <public/flightrec.h>

#define EVENT_NAME_BYTES    64  /* name of an event, NUL included */
#define EVENT_WORD_BYTES    32  /* name of a field, table or value, same */
#define EVENT_FIELDS_BYTES  256
#define EVENT_FORMAT_BYTES  128
#define EVENT_MAX_FIELDS    16  /* of one event, without padding */
#define EVENT_MAX_PIECES    16  /* of one format */
#define EVENT_MAX_DOMAINS   4   /* domains that one record names */
#define EVENT_MAX_ENUMS     64
#define EVENT_MAX_VALUES    4096 /* of all enum tables together */
#define EVENT_HYPERCALLS    64  /* hypercall numbers with argument tables */
#define EVENT_ARGS          6

#define EVENT_MAX_WORD      0x0fffffffU /* largest event word */

/* Enough for the text or JSON of any record of the compiled-in list. */
#define EVENT_TEXT_BYTES    8192

/* A row of the compiled-in list; its id is XEN_FLIGHTREC_ID_FIRST + index. */
struct event_row {
    const char *name;     /* with the variant after a double underscore */
    uint32_t event;
    bool rare;            /* also recorded in the rare channel */
    const char *fields;
    const char *format;
};

extern const struct event_row event_list[];
extern const unsigned int event_list_rows;

enum event_kind {
    EVENT_UNSIGNED,       /* u */
    EVENT_SIGNED,         /* i */
    EVENT_HEX,            /* x */
    EVENT_BITS,           /* b */
    EVENT_DOMAIN,         /* d */
    EVENT_VCPU,           /* v */
    EVENT_CONST,          /* e: bits of the event word, in `constant` */
    EVENT_ARG,            /* argK: argument number in `shift` */
    EVENT_ELAPSED,        /* u32 called waited_ns or ran_ns: may be negative */
};

struct event_enum;

struct event_field {
    char name[EVENT_WORD_BYTES];
    const struct event_enum *names; /* NULL: print the number */
    uint32_t constant;
    uint8_t kind;         /* enum event_kind */
    uint8_t word;         /* first payload word */
    uint8_t shift;        /* of the lowest bit in that word */
    uint8_t bits;         /* 1..32, 64, or a multiple of 32 for EVENT_BITS */
    bool optional;
};

/* Part of a format: text, then a field, or -1. */
struct event_piece {
    uint8_t start, len;   /* in event_desc.format */
    int8_t field;
};

struct event_desc {
    uint32_t event;
    uint16_t id;
    uint8_t words;        /* payload words that the fields cover */
    uint8_t nr_fields;
    uint8_t nr_pieces;
    uint8_t nr_domains;
    int8_t runs;          /* `k` for event_domain(), or -1; see event_runs() */
    bool args;            /* a hypercall record, with a varying length */
    int8_t dom[EVENT_MAX_DOMAINS];  /* field indices */
    int8_t vcpu[EVENT_MAX_DOMAINS]; /* of the same domain, or -1 */
    struct event_field field[EVENT_MAX_FIELDS];
    struct event_piece piece[EVENT_MAX_PIECES];
    char name[EVENT_NAME_BYTES];
    char fields[EVENT_FIELDS_BYTES];
    char format[EVENT_FORMAT_BYTES];
};

struct event_dict;

/* The processor's vendor, which decides the names of HVM exits. */
enum event_vendor {
    EVENT_VENDOR_UNKNOWN,
    EVENT_VENDOR_INTEL,
    EVENT_VENDOR_AMD,
};

/* Return the vendor of this machine. */
enum event_vendor event_host_vendor(void);

/*
 * Build the dictionary of a recorder whose compact id i is the event map[i],
 * as in struct xen_flightrec_info; 0 means no event.  Each entry is read once.
 * `nr` is limited to XEN_FLIGHTREC_IDS.  An event that the compiled-in list
 * lacks gets a name made from its number.  With map == NULL, the ids are those
 * of the compiled-in list.  The caller frees *out with event_dict_free().
 * Return 0, -ENOMEM, or -EINVAL if an event word exceeds 28 bits or has two
 * ids.
 */
int event_dict_build(const uint32_t *map, unsigned int nr,
                     enum event_vendor vendor, struct event_dict **out);

/*
 * Convert to JSON: `events` is an array of {id, event, name, fields, format},
 * `enums` an object of arrays of [value, name].  The caller owns both
 * references.  Return 0 or -ENOMEM.
 */
int event_dict_to_json(const struct event_dict *dict, json_t **events,
                       json_t **enums);

/*
 * Return the rules for composed values of this version, for readers in another
 * language: by table, "masks" of the code in the order in which they are
 * tried, "marked", and "flags" by bit.  A new reference; NULL if out of
 * memory.
 */
json_t *event_composed_to_json(const struct event_dict *dict);

/*
 * Build a dictionary from the JSON of a file.  Members with other names are
 * ignored.  The caller frees *out.  Return 0, -ENOMEM, or -EBADMSG with the
 * reason in `err`, which may be NULL and needs no escaping.
 */
int event_dict_from_json(const json_t *events, const json_t *enums,
                         struct event_dict **out, char *err, size_t err_bytes);

/* NULL is allowed. */
void event_dict_free(struct event_dict *dict);

/* The number of events; the n-th of them, ascending by event word, or NULL. */
unsigned int event_dict_events(const struct event_dict *dict);
const struct event_desc *event_dict_event(const struct event_dict *dict,
                                          unsigned int n);

/* Return the event with that id or event word, or NULL. */
const struct event_desc *event_by_id(const struct event_dict *dict,
                                     unsigned int id);
const struct event_desc *event_by_event(const struct event_dict *dict,
                                        uint32_t event);

/* Look up a record's event: by id, or for an escape by event word. */
const struct event_desc *event_lookup(const struct event_dict *dict,
                                      unsigned int id, uint32_t event);

/*
 * Return the descriptor's name, or for NULL one made of the event word in
 * `buf`.
 */
const char *event_name(const struct event_desc *desc, uint32_t event,
                       char buf[EVENT_NAME_BYTES]);

/*
 * Return the name of a value, or NULL.  `names` may be NULL.  Of a value that
 * Xen composes of a code and other bits, like a VMX exit reason with flags, it
 * is the code that has the name.
 */
const char *event_value_name(const struct event_enum *names, uint64_t value);

/*
 * Return the part of a value that its name stands for: the value itself unless
 * it is composed and has no name as a whole.  Counts by value must use this.
 */
uint64_t event_value_code(const struct event_enum *names, uint64_t value);

/* Return the name of a bit beside the code of composed values, or NULL. */
const char *event_flag_name(const struct event_enum *names, unsigned int bit);

/*
 * Return the name of the i-th value of a table with one flag set, for formats
 * that list all values; NULL after the last.  A value may repeat one of the
 * table.
 */
const char *event_enum_flag_row(const struct event_enum *names, unsigned int i,
                                uint64_t *value);

/* Return the name of a table. */
const char *event_enum_name(const struct event_enum *names);

/* Return the table of that name, or NULL. */
const struct event_enum *event_enum_find(const struct event_dict *dict,
                                         const char *name);

/*
 * Return the i-th row of a table, ascending by value, or NULL after the last.
 */
const char *event_enum_row(const struct event_enum *names, unsigned int i,
                           uint64_t *value);

/* Return an event's class, as in masks: "sched"; "other" if it is unknown. */
const char *event_class(uint32_t event);

struct event_class {
    const char *name;
    uint32_t bit;         /* in the event word */
};

#define EVENT_CLASSES 9
extern const struct event_class event_classes[EVENT_CLASSES];

/* Return the index of a field, or -1. */
int event_field_index(const struct event_desc *desc, const char *name);

/*
 * Get field number `n` as raw bits, not sign-extended; of a longer EVENT_BITS
 * the low 64.  Return false if the record lacks the field.
 */
bool event_get(const struct event_desc *desc, unsigned int n,
               const uint32_t *data, unsigned int words, uint64_t *value);

/* Whether a field's values may be negative. */
bool event_is_signed(const struct event_field *f);

/*
 * Return a value of such a field with its sign.  EVENT_ELAPSED is the low word of
 * a difference that Xen takes between two pCPUs' clocks, which may be just below
 * 0: its last 2^24 values are negative, not waits of 4.29 s.
 */
int64_t event_signed(const struct event_field *f, uint64_t value);

#define EVENT_NO_VCPU   0xffffffffU

struct event_who {
    uint32_t domid;
    uint32_t vcpu;        /* EVENT_NO_VCPU if the record has none */
};

/* Get the k-th domain that the record names; false if there is none. */
bool event_domain(const struct event_desc *desc, unsigned int k,
                  const uint32_t *data, unsigned int words,
                  struct event_who *who);

/* Get the vCPU that runs after this record; false if the record has none. */
bool event_runs(const struct event_desc *desc, const uint32_t *data,
                unsigned int words, struct event_who *who);

/*
 * Print the fields: "dom=1 vcpu=0 old=running new=blocked", or by the event's
 * format.  A vCPU of all ones is "none".  " (too short)" marks a record that
 * ends early.  Other bits of a composed value follow its name:
 * "exit=IO_INSTRUCTION|BUS_LOCK", "a0=map_grant_ref|0x3000".  Words that no
 * field covers follow as " rest=0x1,0x2".  The output is printable ASCII, is
 * cut to fit, and always ends with a NUL.  Return its length.
 */
size_t event_text(const struct event_dict *dict, const struct event_desc *desc,
                  const uint32_t *data, unsigned int words, char *buf,
                  size_t bytes);

/* The same, always as name=value: the event's format is ignored. */
size_t event_pairs(const struct event_dict *dict,
                   const struct event_desc *desc, const uint32_t *data,
                   unsigned int words, char *buf, size_t bytes);

/*
 * Print one field's value as event_pairs() does.  Return the length, or 0 if
 * the record lacks the field.
 */
size_t event_field_text(const struct event_dict *dict,
                        const struct event_desc *desc, unsigned int n,
                        const uint32_t *data, unsigned int words, char *buf,
                        size_t bytes);

/* Whether the record has exactly the words of its description. */
bool event_fits(const struct event_desc *desc, const uint32_t *data,
                unsigned int words);

/*
 * Print the fields as members of a JSON object, without the braces:
 * "\"dom\":1,\"old\":\"running\"".  u, i, d and v are numbers, a v of all ones
 * is null, x is a string "0x...", b an array.  A value with a name in the
 * field's table is that name, except for d.  A number beyond 63 bits is a
 * string too, since JSON readers have no such integers.  "short":true and
 * "rest":["0x1"] are as above.  Other bits of a composed value are strings in
 * an array: "exit":"IO_INSTRUCTION","exit_flags":["BUS_LOCK"].  Return the
 * length, or 0 if it does not fit or there are no members; `buf` is then
 * empty.
 */
size_t event_json(const struct event_dict *dict, const struct event_desc *desc,
                  const uint32_t *data, unsigned int words, char *buf,
                  size_t bytes);

#endif /* XENFLIGHT_EVENT_H */
