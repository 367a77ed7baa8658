/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event.h: the event list as tables: look up, get a field, format.
 *
 * A dictionary says what the compact ids of one recording mean.  Whoever writes
 * a snapshot builds it from the compiled-in list and the map that Xen shows
 * (event_dict_build) and puts it into the file as JSON; whoever reads one makes
 * it from that JSON alone (event_dict_from_json), which is hostile until
 * checked.  <public/flightrec-events.h> has the grammar of field lists.
 *
 * All parsing happens when a dictionary is made.  Per record there are only
 * table look-ups, no allocation.  A dictionary is constant once made: threads
 * may share it.
 *
 *   d = event_lookup(dict, rec.id, rec.event);
 *   event_text(dict, d, rec.data, rec.words, line, sizeof(line));
 *
 * Every function that takes a record takes its descriptor (NULL: an event that
 * the dictionary does not have), its payload words and their number.
 */

#ifndef XENFLIGHT_EVENT_H
#define XENFLIGHT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <public/flightrec.h>

#define EVENT_NAME_BYTES    64  /* an event's name, NUL included */
#define EVENT_WORD_BYTES    32  /* a field's, table's or value's name, same */
#define EVENT_FIELDS_BYTES  256
#define EVENT_FORMAT_BYTES  128
#define EVENT_MAX_FIELDS    16  /* of one event, padding not counted */
#define EVENT_MAX_PIECES    16  /* of one format */
#define EVENT_MAX_DOMAINS   4   /* domains that one record can name */
#define EVENT_MAX_ENUMS     64
#define EVENT_MAX_VALUES    4096 /* of all enum tables together */
#define EVENT_HYPERCALLS    64  /* hypercall numbers with argument tables */
#define EVENT_ARGS          6

#define EVENT_MAX_WORD      0x0fffffffU /* the largest event word */

/* Room enough for the text or JSON of any record of the compiled-in list. */
#define EVENT_TEXT_BYTES    8192

/* A row of the compiled-in list; its id is XEN_FLIGHTREC_ID_FIRST + index. */
struct event_row {
    const char *name;     /* with the part behind a double underscore */
    uint32_t event;
    bool rare;            /* BOTH: also in the rare channel */
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
    EVENT_CONST,          /* e: out of the event word, see `constant` */
    EVENT_ARG,            /* arg: argument number in `shift` */
};

struct event_enum;

struct event_field {
    char name[EVENT_WORD_BYTES];
    const struct event_enum *names; /* NULL: show the number */
    uint32_t constant;
    uint8_t kind;         /* enum event_kind */
    uint8_t word;         /* first payload word */
    uint8_t shift;        /* in it */
    uint8_t bits;         /* 1..32, 64, or a multiple of 32 for EVENT_BITS */
    bool optional;
};

/* Part of a format: text, then a field (-1: none). */
struct event_piece {
    uint8_t start, len;   /* in event_desc.format */
    int8_t field;
};

struct event_desc {
    uint32_t event;
    uint16_t id;
    uint8_t words;        /* payload words that the fields describe */
    uint8_t nr_fields;
    uint8_t nr_pieces;
    uint8_t nr_domains;
    int8_t runs;          /* index for event_domain(), -1: see event_runs() */
    bool args;            /* a hypercall record: its arguments vary */
    int8_t dom[EVENT_MAX_DOMAINS];  /* indices of fields */
    int8_t vcpu[EVENT_MAX_DOMAINS]; /* ... -1: none */
    struct event_field field[EVENT_MAX_FIELDS];
    struct event_piece piece[EVENT_MAX_PIECES];
    char name[EVENT_NAME_BYTES];
    char fields[EVENT_FIELDS_BYTES];
    char format[EVENT_FORMAT_BYTES];
};

struct event_dict;

/* Whose processor is it?  Chooses what HVM exit numbers mean. */
enum event_vendor {
    EVENT_VENDOR_UNKNOWN,
    EVENT_VENDOR_INTEL,
    EVENT_VENDOR_AMD,
};

/* That of the machine this runs on. */
enum event_vendor event_host_vendor(void);

/*
 * The dictionary for a recorder whose compact ids mean map[id], as in struct
 * xen_flightrec_info; 0: no event.  Reads each entry once.  `nr` is cut to
 * XEN_FLIGHTREC_IDS.  An event that the compiled-in list lacks gets a name made
 * from its number.  map == NULL: the ids of the compiled-in list itself.
 * -EINVAL: an event word of more than 28 bits or with two ids.  -ENOMEM.
 */
int event_dict_build(const uint32_t *map, unsigned int nr,
                     enum event_vendor vendor, struct event_dict **out);

/*
 * To JSON: `events` is an array of {id, event, name, fields, format}, `enums`
 * an object of arrays of [value, name].  New references.  -ENOMEM.
 */
int event_dict_to_json(const struct event_dict *dict, json_t **events,
                       json_t **enums);

/*
 * From the JSON of a file.  -EBADMSG and a text in `err` (may be NULL, needs no
 * escaping) that says what is wrong; -ENOMEM.  Members with other names are
 * ignored.
 */
int event_dict_from_json(const json_t *events, const json_t *enums,
                         struct event_dict **out, char *err, size_t err_bytes);

void event_dict_free(struct event_dict *dict);

/* How many events; the n-th of them in ascending order of the event word. */
unsigned int event_dict_events(const struct event_dict *dict);
const struct event_desc *event_dict_event(const struct event_dict *dict,
                                          unsigned int n);

/* NULL: not in the dictionary. */
const struct event_desc *event_by_id(const struct event_dict *dict,
                                     unsigned int id);
const struct event_desc *event_by_event(const struct event_dict *dict,
                                        uint32_t event);

/* As a record has it: by id, or for an escape by event word. */
const struct event_desc *event_lookup(const struct event_dict *dict,
                                      unsigned int id, uint32_t event);

/* The name to show: the descriptor's, or one made of the event word. */
const char *event_name(const struct event_desc *desc, uint32_t event,
                       char buf[EVENT_NAME_BYTES]);

/* The name of a value, by a field's table.  NULL: none. */
const char *event_value_name(const struct event_enum *names, uint64_t value);

/* A table's name. */
const char *event_enum_name(const struct event_enum *names);

/* Table by name, NULL: none. */
const struct event_enum *event_enum_find(const struct event_dict *dict,
                                         const char *name);

/* The i-th row of a table, in ascending order of the value.  NULL: no more. */
const char *event_enum_row(const struct event_enum *names, unsigned int i,
                           uint64_t *value);

/* An event's class, as masks have them: "sched"; "other": a later version's. */
const char *event_class(uint32_t event);

struct event_class {
    const char *name;
    uint32_t bit;         /* of the event word */
};

#define EVENT_CLASSES 9
extern const struct event_class event_classes[EVENT_CLASSES];

/* Index of a field, -1: none. */
int event_field_index(const struct event_desc *desc, const char *name);

/*
 * Value of field number `n` as raw bits, not sign-extended; of a longer
 * EVENT_BITS the low 64.  False: the record does not have it.
 */
bool event_get(const struct event_desc *desc, unsigned int n,
               const uint32_t *data, unsigned int words, uint64_t *value);

#define EVENT_NO_VCPU   0xffffffffU

struct event_who {
    uint32_t domid;
    uint32_t vcpu;        /* EVENT_NO_VCPU: the record does not say */
};

/* The k-th domain that the record itself names.  False: there is none. */
bool event_domain(const struct event_desc *desc, unsigned int k,
                  const uint32_t *data, unsigned int words,
                  struct event_who *who);

/* Does the record say who runs on its pCPU from now on? */
bool event_runs(const struct event_desc *desc, const uint32_t *data,
                unsigned int words, struct event_who *who);

/*
 * The fields as text: "dom=1 vcpu=0 old=running new=blocked", or by the event's
 * format.  A vCPU of all ones is "none".  A record that ends early gets
 * " (too short)", words that no field describes are shown as " rest=0x1,0x2".
 * Always ends with NUL, cut to fit; returns the length.  All that is printed is
 * printable ASCII.
 */
size_t event_text(const struct event_dict *dict, const struct event_desc *desc,
                  const uint32_t *data, unsigned int words, char *buf,
                  size_t bytes);

/* The same, always as name=value, whatever format the event has. */
size_t event_pairs(const struct event_dict *dict,
                   const struct event_desc *desc, const uint32_t *data,
                   unsigned int words, char *buf, size_t bytes);

/* One field, as event_pairs() shows its value; 0: the record has it not. */
size_t event_field_text(const struct event_dict *dict,
                        const struct event_desc *desc, unsigned int n,
                        const uint32_t *data, unsigned int words, char *buf,
                        size_t bytes);

/* Has the record just what its description says: nothing short, no rest? */
bool event_fits(const struct event_desc *desc, const uint32_t *data,
                unsigned int words);

/*
 * The fields as members of a JSON object, without the braces:
 * "\"dom\":1,\"old\":\"running\"".  Numbers for u, i, d and v, null for a v
 * of all ones, strings "0x..." for x, an array for b; the name as a string if
 * the field's table has it (not for d).  A number that needs all of 64 bits is
 * a string too: readers of JSON have no such integers.  "short":true and
 * "rest":["0x1"] as above.  Returns the length, or 0 if it did not fit (no half
 * a member is left) or there is nothing to say.
 */
size_t event_json(const struct event_dict *dict, const struct event_desc *desc,
                  const uint32_t *data, unsigned int words, char *buf,
                  size_t bytes);

#endif /* XENFLIGHT_EVENT_H */
