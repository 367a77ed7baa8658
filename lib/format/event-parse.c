/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event-parse.c: parse field lists and formats into tables.
 *
 * The strings may come from a file.  Each number is bounded and each name is
 * checked for its characters before it is used or repeated in a message.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/event-impl.h"

#define MAX_BITS (XEN_FLIGHTREC_MAX_WORDS * 32)

struct parser {
    const struct event_dict *dict;
    const struct event_err *err;
    struct event_desc *desc;
    unsigned int bit;     /* payload bit where the next field starts */
    bool optional;        /* a field was optional: all later ones must be */
    unsigned int domains, vcpus;
};

static int bad_field(const struct parser *p, const char *why)
{
    return event_bad(p->err, "events: id %u: field %u: %s", p->desc->id,
                     p->desc->nr_fields, why);
}

/* Parse up to three digits without a leading zero; advance *s past them. */
static int parse_number(const char **s, unsigned int *n)
{
    unsigned int digits = 0;

    for ( *n = 0; **s >= '0' && **s <= '9' && digits < 3; (*s)++, digits++ )
        *n = *n * 10 + (**s - '0');

    return digits && !(digits > 1 && (*s)[-(int)digits] == '0') ? 0 : -EBADMSG;
}

static bool names_a_field(const struct event_desc *desc, const char *name)
{
    return event_field_index(desc, name) >= 0 || !strcmp(name, "rest") ||
           !strcmp(name, "short");
}

/* Parse the name before the colon; advance *s past the colon. */
static int parse_name(const struct parser *p, struct event_field *f,
                      const char **s)
{
    size_t len = strcspn(*s, ":");

    if ( !(*s)[len] || !len || len >= sizeof(f->name) )
        return bad_field(p, "no name before a colon");

    memcpy(f->name, *s, len);
    f->name[len] = '\0';
    *s += len + 1;
    if ( !strcmp(f->name, "-") )
        return 0;
    if ( !event_is_word(f->name, sizeof(f->name)) || f->name[0] < 'a' ||
         f->name[0] > 'z' )
        return bad_field(p, "invalid name");
    if ( names_a_field(p->desc, f->name) )
        return bad_field(p, "duplicate name");

    return 0;
}

static bool bits_fit_kind(enum event_kind kind, unsigned int bits)
{
    switch ( kind )
    {
    case EVENT_DOMAIN:
    case EVENT_VCPU:
        return bits == 16 || bits == 32;

    case EVENT_BITS:
        return bits && (bits <= 32 || (bits <= MAX_BITS && !(bits % 32)));

    case EVENT_SIGNED:
        return (bits > 1 && bits <= 32) || bits == 64;

    default:
        return (bits && bits <= 32) || bits == 64;
    }
}

/* Parse "S.N": N bits of the event word from bit S on. */
static int parse_const(const struct parser *p, struct event_field *f,
                       const char **s)
{
    unsigned int shift, bits;

    if ( parse_number(s, &shift) || *(*s)++ != '.' || parse_number(s, &bits) ||
         !bits || shift + bits > 28 )
        return bad_field(p, "not S.N within the event's 28 bits");

    f->kind = EVENT_CONST;
    f->bits = bits;
    f->constant = (p->desc->event >> shift) & ((1U << bits) - 1);
    return 0;
}

/* Parse "argK".  It needs word 0, and only arguments may follow. */
static int parse_arg(struct parser *p, struct event_field *f, const char **s)
{
    unsigned int arg;

    *s += 3;
    if ( parse_number(s, &arg) || arg >= EVENT_ARGS || p->bit != 32 )
        return bad_field(p, "not arg0..arg5 after one word");

    f->kind = EVENT_ARG;
    f->shift = arg;
    f->bits = 64;
    p->desc->args = true;
    return 0;
}

/* Give `f` the next `bits` bits of the payload. */
static int place(struct parser *p, struct event_field *f, unsigned int bits)
{
    if ( p->desc->args )
        return bad_field(p, "payload after an argument");
    if ( bits <= 32 ? p->bit % 32 + bits > 32 : p->bit % 32 )
        return bad_field(p, "crosses a word boundary");
    if ( p->bit + bits > MAX_BITS )
        return bad_field(p, "beyond the last word of a record");

    f->word = p->bit / 32;
    f->shift = p->bit % 32;
    f->bits = bits;
    p->bit += bits;
    return 0;
}

static int parse_plain(struct parser *p, struct event_field *f, char letter,
                       const char **s)
{
    static const char letters[] = "uixbdv";
    static const enum event_kind kinds[] = {
        EVENT_UNSIGNED, EVENT_SIGNED, EVENT_HEX,
        EVENT_BITS, EVENT_DOMAIN, EVENT_VCPU,
    };
    const char *found = letter ? strchr(letters, letter) : NULL;
    unsigned int bits;

    if ( !found && letter >= 'a' && letter <= 'z' )
        return -EOPNOTSUPP; /* a type of a later version */
    if ( !found )
        return bad_field(p, "unknown type");

    f->kind = kinds[found - letters];
    if ( parse_number(s, &bits) || !bits_fit_kind(f->kind, bits) )
        return bad_field(p, "unknown width");
    if ( f->kind == EVENT_UNSIGNED && bits == 32 &&
         (!strcmp(f->name, "waited_ns") || !strcmp(f->name, "ran_ns")) )
        f->kind = EVENT_ELAPSED;

    return place(p, f, bits);
}

static int parse_padding(struct parser *p, struct event_field *f,
                         const char **s)
{
    unsigned int bits;

    if ( parse_number(s, &bits) || !bits || bits > 32 )
        return bad_field(p, "unknown width");

    return place(p, f, bits);
}

static int parse_type(struct parser *p, struct event_field *f, const char **s)
{
    if ( f->name[0] == '-' )
        return parse_padding(p, f, s);
    if ( !strncmp(*s, "arg", 3) )
        return parse_arg(p, f, s);
    if ( **s == 'e' )
    {
        ++*s;
        return parse_const(p, f, s);
    }

    return parse_plain(p, f, *(*s)++, s);
}

/* Parse the optional "?" and "/table" after the type. */
static int parse_tail(struct parser *p, struct event_field *f, const char *s)
{
    if ( *s == '?' )
    {
        f->optional = true;
        s++;
    }
    if ( f->kind != EVENT_CONST || f->name[0] == '-' )
    {
        if ( p->optional && !f->optional )
            return bad_field(p, "must be optional, as the one before it");
        p->optional = f->optional;
    }
    else if ( f->optional )
        return bad_field(p, "bits of the event cannot be optional");
    if ( f->kind == EVENT_ARG && !f->optional )
        return bad_field(p, "an argument must be optional");

    if ( *s == '/' && f->name[0] != '-' && f->kind != EVENT_ARG &&
         event_is_word(s + 1, EVENT_WORD_BYTES) )
        f->names = event_enum_find(p->dict, s + 1);
    else if ( *s )
        return bad_field(p, "trailing characters");

    return 0;
}

static int note_domain(struct parser *p, unsigned int index)
{
    struct event_desc *desc = p->desc;

    if ( desc->field[index].kind == EVENT_DOMAIN )
    {
        if ( p->domains == EVENT_MAX_DOMAINS )
            return bad_field(p, "names too many domains");
        desc->dom[p->domains++] = index;
    }
    else if ( desc->field[index].kind == EVENT_VCPU )
    {
        if ( p->vcpus == EVENT_MAX_DOMAINS )
            return bad_field(p, "names too many vCPUs");
        desc->vcpu[p->vcpus++] = index;
    }

    return 0;
}

/* Parse one field, without the blanks around it. */
static int parse_field(struct parser *p, const char *s)
{
    struct event_desc *desc = p->desc;
    struct event_field f = { .names = NULL };
    int rc;

    rc = parse_name(p, &f, &s);
    if ( !rc )
        rc = parse_type(p, &f, &s);
    if ( !rc )
        rc = parse_tail(p, &f, s);
    if ( rc || f.name[0] == '-' )
        return rc;

    if ( desc->nr_fields == EVENT_MAX_FIELDS )
        return bad_field(p, "too many");

    desc->field[desc->nr_fields] = f;
    rc = note_domain(p, desc->nr_fields);
    desc->nr_fields++;
    return rc;
}

/*
 * The field at `at` has a type of a later version, so its width is unknown.
 * Keep the fields before it, and no format.
 */
static void cut_fields(struct event_desc *desc, size_t at)
{
    desc->fields[at ? at - 1 : 0] = '\0';
    desc->format[0] = '\0';
}

static int parse_fields(struct parser *p)
{
    char text[EVENT_FIELDS_BYTES];
    char *next = text, *field = text;
    int rc = 0;

    if ( !p->desc->fields[0] )
        return 0;

    strcpy(text, p->desc->fields);
    while ( next && !rc )
    {
        field = strsep(&next, " ");
        rc = parse_field(p, field);
    }
    if ( rc != -EOPNOTSUPP )
        return rc;

    cut_fields(p->desc, field - text);
    return 0;
}

static int bad_format(const struct parser *p, const char *why)
{
    return event_bad(p->err, "events: id %u: format: %s", p->desc->id, why);
}

/* Find the field of a "{name}"; advance *s from after { to after }. */
static int parse_reference(const struct parser *p, const char **s,
                           int8_t *field)
{
    char name[EVENT_WORD_BYTES];
    size_t len = strcspn(*s, "}");
    int index;

    if ( !(*s)[len] || len >= sizeof(name) )
        return bad_format(p, "{ without }");

    memcpy(name, *s, len);
    name[len] = '\0';
    index = event_field_index(p->desc, name);
    if ( index < 0 )
        return bad_format(p, "{} without a field's name");

    *field = index;
    *s += len + 1;
    return 0;
}

static int parse_format(const struct parser *p)
{
    struct event_desc *desc = p->desc;
    const char *s = desc->format;

    while ( *s )
    {
        struct event_piece *piece = &desc->piece[desc->nr_pieces];

        if ( desc->nr_pieces++ == EVENT_MAX_PIECES )
            return bad_format(p, "too many pieces");

        piece->start = s - desc->format;
        piece->field = -1;
        while ( *s && *s != '{' )
        {
            if ( *s < ' ' || *s > '~' || *s == '}' )
                return bad_format(p, "unprintable character");
            s++;
        }
        piece->len = s - desc->format - piece->start;

        if ( *s == '{' )
        {
            s++;
            if ( parse_reference(p, &s, &piece->field) )
                return -EBADMSG;
        }
    }

    return 0;
}

/*
 * Index of the domain that runs on the pCPU after such a record, or -1.  By
 * name, since the dictionary of another Xen may have other event words.
 */
static int8_t runs_index(const struct event_desc *desc)
{
    static const struct {
        const char *name;
        int8_t index;
    } known[] = {
        { "SCHED_SWITCH", 1 },
        { "SCHED_SWITCH_INFNEXT", 0 },
        { "SCHED_SWITCH_INFCONT", 0 },
        { "SCHED_CONTINUE_RUNNING", 0 },
    };

    for ( size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++ )
        if ( !strcmp(desc->name, known[i].name) )
            return known[i].index < desc->nr_domains ? known[i].index : -1;

    if ( !strcmp(desc->name, "SCHED_RUNSTATE_CHANGE") && desc->nr_domains )
    {
        int new = event_field_index(desc, "new");

        if ( new >= 0 && desc->field[new].kind == EVENT_CONST &&
             !desc->field[new].constant )
            return 0;
    }

    return -1;
}

int event_parse(const struct event_dict *dict, struct event_desc *desc,
                const struct event_err *err)
{
    struct parser p = { .dict = dict, .err = err, .desc = desc };
    int rc;

    memset(desc->dom, -1, sizeof(desc->dom));
    memset(desc->vcpu, -1, sizeof(desc->vcpu));
    rc = parse_fields(&p);
    if ( !rc )
        rc = parse_format(&p);
    if ( rc )
        return rc;

    desc->words = (p.bit + 31) / 32;
    desc->nr_domains = p.domains;
    desc->runs = runs_index(desc);
    return 0;
}
