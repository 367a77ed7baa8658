/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * event-show.c: get the fields of a record, and print them as text or JSON.
 *
 * Runs once per record and field, so it prints numbers itself instead of
 * calling printf().
 */

#include <stdio.h>
#include <string.h>

#include "lib/format/event-impl.h"

/* The last values of EVENT_ELAPSED that are negative: 17 ms. */
#define ELAPSED_NEGATIVE ((1U << 24) - 1)

/* The record being printed. */
struct rec {
    const struct event_dict *dict;
    const struct event_desc *desc;
    const uint32_t *data;
    unsigned int words;
};

/* The output buffer; `end` is its last byte, kept free for the NUL. */
struct out {
    char *at, *end;
    bool full;
};

static void put_char(struct out *o, char c)
{
    if ( o->at < o->end )
        *o->at++ = c;
    else
        o->full = true;
}

static void put_bytes(struct out *o, const char *s, size_t len)
{
    size_t room = o->end - o->at;

    if ( len > room )
    {
        len = room;
        o->full = true;
    }
    memcpy(o->at, s, len);
    o->at += len;
}

static void put_text(struct out *o, const char *s)
{
    put_bytes(o, s, strlen(s));
}

static void put_number(struct out *o, uint64_t n, unsigned int base)
{
    char digits[20];
    unsigned int i = sizeof(digits);

    do {
        digits[--i] = "0123456789abcdef"[n % base];
        n /= base;
    } while ( n );

    put_bytes(o, digits + i, sizeof(digits) - i);
}

static void put_hex(struct out *o, uint64_t n)
{
    put_bytes(o, "0x", 2);
    put_number(o, n, 16);
}

static void put_signed(struct out *o, int64_t n)
{
    if ( n < 0 )
        put_char(o, '-');
    put_number(o, n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
}

/* Number of words of argument k of a hypercall record; 3 is reserved. */
static unsigned int arg_words(uint32_t head, unsigned int k)
{
    return head >> (20 + 2 * k) & 3;
}

static bool get_arg(unsigned int k, const uint32_t *data, unsigned int words,
                    uint64_t *value)
{
    unsigned int at = 1, n;

    if ( !words )
        return false;

    for ( unsigned int i = 0; i < k; i++ )
        at += arg_words(data[0], i);
    n = arg_words(data[0], k);
    if ( !n || n > 2 || at + n > words )
        return false;

    *value = data[at];
    if ( n == 2 )
        *value |= (uint64_t)data[at + 1] << 32;
    return true;
}

bool event_get(const struct event_desc *desc, unsigned int n,
               const uint32_t *data, unsigned int words, uint64_t *value)
{
    const struct event_field *f = &desc->field[n];

    if ( n >= desc->nr_fields )
        return false;
    if ( f->kind == EVENT_CONST )
    {
        *value = f->constant;
        return true;
    }
    if ( f->kind == EVENT_ARG )
        return get_arg(f->shift, data, words, value);
    if ( f->word + (f->bits + 31U) / 32 > words )
        return false;

    if ( f->bits > 32 )
        *value = data[f->word] | (uint64_t)data[f->word + 1] << 32;
    else
        *value = data[f->word] >> f->shift & (0xffffffffU >> (32 - f->bits));
    return true;
}

bool event_is_signed(const struct event_field *f)
{
    return f->kind == EVENT_SIGNED || f->kind == EVENT_ELAPSED;
}

int64_t event_signed(const struct event_field *f, uint64_t value)
{
    if ( f->kind == EVENT_ELAPSED )
        return value >= UINT32_MAX - ELAPSED_NEGATIVE ? (int32_t)value
                                                      : (int64_t)value;
    return (int64_t)(value << (64 - f->bits)) >> (64 - f->bits);
}

/* Whether the value is all ones, which means "no vCPU". */
static bool no_vcpu(const struct event_field *f, uint64_t value)
{
    return value == 0xffffffffU >> (32 - f->bits);
}

bool event_domain(const struct event_desc *desc, unsigned int k,
                  const uint32_t *data, unsigned int words,
                  struct event_who *who)
{
    uint64_t value;

    if ( !desc || k >= desc->nr_domains ||
         !event_get(desc, desc->dom[k], data, words, &value) )
        return false;

    who->domid = value;
    who->vcpu = EVENT_NO_VCPU;
    if ( desc->vcpu[k] >= 0 &&
         event_get(desc, desc->vcpu[k], data, words, &value) &&
         !no_vcpu(&desc->field[desc->vcpu[k]], value) )
        who->vcpu = value;
    return true;
}

bool event_runs(const struct event_desc *desc, const uint32_t *data,
                unsigned int words, struct event_who *who)
{
    return desc && desc->runs >= 0 &&
           event_domain(desc, desc->runs, data, words, who);
}

/* Return the table of a field's values, or NULL. */
static const struct event_enum *names_of(const struct rec *r,
                                         const struct event_field *f)
{
    uint64_t op;

    if ( f->kind == EVENT_DOMAIN )
        return r->dict->domids;
    if ( f->kind != EVENT_ARG )
        return f->names;

    if ( !event_get(r->desc, 0, r->data, r->words, &op) ||
         op >= EVENT_HYPERCALLS )
        return NULL;

    return r->dict->args[op][f->shift];
}

/* Return the name of a field's value, or NULL to print the number. */
static const char *value_name(const struct rec *r, const struct event_field *f,
                              uint64_t value)
{
    return event_value_name(names_of(r, f), value);
}

/*
 * Print the bits beside the code of a composed value: flags by name, the
 * others as one number.  In text, a flag with the code's own name adds
 * nothing.
 */
static void put_flags(struct out *o, const struct rec *r,
                      const struct event_field *f, uint64_t value, bool json)
{
    const struct event_enum *names = names_of(r, f);
    const char *own = event_value_name(names, value), *quote = json ? "\"" : "";
    uint64_t rest = value ^ event_value_code(names, value);
    const char *start = o->at;

    for ( unsigned int bit = 0; bit < 64; bit++ )
    {
        const char *flag = rest >> bit & 1 ? event_flag_name(names, bit) : NULL;

        if ( !flag )
            continue;
        rest ^= 1ULL << bit;
        if ( !json && !strcmp(flag, own) )
            continue;
        put_text(o, json ? (o->at > start ? "," : "") : "|");
        put_text(o, quote);
        put_text(o, flag);
        put_text(o, quote);
    }
    if ( !rest )
        return;
    put_text(o, json ? (o->at > start ? "," : "") : "|");
    put_text(o, quote);
    put_hex(o, rest);
    put_text(o, quote);
}

static void put_bits(struct out *o, const struct rec *r,
                     const struct event_field *f, bool json)
{
    bool first = true;

    put_char(o, json ? '[' : '{');
    for ( unsigned int bit = 0; bit < f->bits; bit++ )
    {
        unsigned int at = f->shift + bit;
        const char *name;

        if ( !(r->data[f->word + at / 32] >> at % 32 & 1) )
            continue;

        if ( !first )
            put_char(o, ',');
        first = false;
        name = event_value_name(f->names, bit);
        if ( name && json )
            put_char(o, '"');
        if ( name )
            put_text(o, name);
        else
            put_number(o, bit, 10);
        if ( name && json )
            put_char(o, '"');
    }
    put_char(o, json ? ']' : '}');
}

static void put_value(struct out *o, const struct rec *r,
                      const struct event_field *f, uint64_t value)
{
    const char *name;

    if ( f->kind == EVENT_BITS )
    {
        put_bits(o, r, f, false);
        return;
    }

    name = value_name(r, f, value);
    if ( name )
    {
        put_text(o, name);
        put_flags(o, r, f, value, false);
    }
    else if ( f->kind == EVENT_VCPU && no_vcpu(f, value) )
        put_text(o, "none");
    else if ( f->kind == EVENT_HEX )
        put_hex(o, value);
    else if ( event_is_signed(f) )
        put_signed(o, event_signed(f, value));
    else
        put_number(o, value, 10);
}

static void put_json_value(struct out *o, const struct rec *r,
                           const struct event_field *f, uint64_t value)
{
    const char *name = f->kind == EVENT_DOMAIN || f->kind == EVENT_BITS
                       ? NULL : value_name(r, f, value);
    bool big = !event_is_signed(f) && value > INT64_MAX;

    if ( f->kind == EVENT_BITS )
        put_bits(o, r, f, true);
    else if ( name || big || f->kind == EVENT_HEX )
    {
        put_char(o, '"');
        if ( name )
            put_text(o, name);
        else if ( f->kind == EVENT_HEX )
            put_hex(o, value);
        else
            put_number(o, value, 10);
        put_char(o, '"');
    }
    else if ( f->kind == EVENT_VCPU && no_vcpu(f, value) )
        put_text(o, "null");
    else if ( event_is_signed(f) )
        put_signed(o, event_signed(f, value));
    else
        put_number(o, value, 10);
}

size_t event_field_text(const struct event_dict *dict,
                        const struct event_desc *desc, unsigned int n,
                        const uint32_t *data, unsigned int words, char *buf,
                        size_t bytes)
{
    struct rec r = { dict, desc, data, words };
    struct out o = { buf, buf + bytes - 1, false };
    uint64_t value;

    *buf = '\0';
    if ( !event_get(desc, n, data, words, &value) )
        return 0;

    put_value(&o, &r, &desc->field[n], value);
    *o.at = '\0';
    return o.at - buf;
}

/* How a record ends, compared with its description. */
struct tail {
    unsigned int rest;    /* first word that no field covers */
    bool is_short;        /* a mandatory field is missing */
};

static unsigned int field_end(const struct event_field *f)
{
    return f->word + (f->bits + 31U) / 32;
}

/* The first word of a hypercall record gives its length. */
static struct tail tail_of_args(const struct rec *r)
{
    struct tail t = { .rest = 1 };

    if ( !r->words )
        t.is_short = true;
    for ( unsigned int k = 0; r->words && k < EVENT_ARGS; k++ )
    {
        unsigned int n = arg_words(r->data[0], k);

        if ( n > 2 || t.rest + n > r->words )
        {
            t.is_short = true;
            break;
        }
        t.rest += n;
    }

    return t;
}

static struct tail tail_of(const struct rec *r)
{
    struct tail t = { .rest = 0 };

    if ( !r->desc )
        return t;
    if ( r->desc->args )
        return tail_of_args(r);
    if ( r->words >= r->desc->words )
    {
        t.rest = r->desc->words;
        return t;
    }

    for ( unsigned int i = 0; i < r->desc->nr_fields; i++ )
    {
        const struct event_field *f = &r->desc->field[i];

        if ( f->kind == EVENT_CONST )
            continue;
        if ( field_end(f) <= r->words )
            t.rest = field_end(f);
        else if ( !f->optional )
            t.is_short = true;
    }

    return t;
}

static void put_rest(struct out *o, const struct rec *r, unsigned int from,
                     const char *quote)
{
    for ( unsigned int i = from; i < r->words; i++ )
    {
        if ( i > from )
            put_char(o, ',');
        put_text(o, quote);
        put_hex(o, r->data[i]);
        put_text(o, quote);
    }
}

/* Print by the event's format; false and no output if a field is absent. */
static bool put_format(struct out *o, const struct rec *r)
{
    const struct event_desc *desc = r->desc;
    uint64_t value[EVENT_MAX_PIECES];

    if ( !desc || !desc->nr_pieces )
        return false;

    for ( unsigned int i = 0; i < desc->nr_pieces; i++ )
        if ( desc->piece[i].field >= 0 &&
             !event_get(desc, desc->piece[i].field, r->data, r->words,
                        &value[i]) )
            return false;

    for ( unsigned int i = 0; i < desc->nr_pieces; i++ )
    {
        const struct event_piece *p = &desc->piece[i];

        put_bytes(o, desc->format + p->start, p->len);
        if ( p->field >= 0 )
            put_value(o, r, &desc->field[p->field], value[i]);
    }

    return true;
}

static void put_fields(struct out *o, const struct rec *r)
{
    const char *start = o->at;
    uint64_t value;

    for ( unsigned int i = 0; r->desc && i < r->desc->nr_fields; i++ )
    {
        const struct event_field *f = &r->desc->field[i];

        if ( !event_get(r->desc, i, r->data, r->words, &value) )
            continue;

        if ( o->at > start )
            put_char(o, ' ');
        put_text(o, f->name);
        put_char(o, '=');
        put_value(o, r, f, value);
    }
}

static size_t put_record(struct out *o, const struct rec *r, bool format)
{
    const char *start = o->at;
    struct tail t = tail_of(r);

    if ( !format || !put_format(o, r) )
        put_fields(o, r);
    if ( t.is_short )
        put_text(o, o->at > start ? " (too short)" : "(too short)");
    if ( t.rest < r->words )
    {
        put_text(o, o->at > start ? " rest=" : "rest=");
        put_rest(o, r, t.rest, "");
    }

    *o->at = '\0';
    return o->at - start;
}

size_t event_text(const struct event_dict *dict, const struct event_desc *desc,
                  const uint32_t *data, unsigned int words, char *buf,
                  size_t bytes)
{
    const struct rec r = { dict, desc, data, words };
    struct out o = { buf, buf + (bytes ? bytes - 1 : 0), false };

    return bytes ? put_record(&o, &r, true) : 0;
}

size_t event_pairs(const struct event_dict *dict,
                   const struct event_desc *desc, const uint32_t *data,
                   unsigned int words, char *buf, size_t bytes)
{
    const struct rec r = { dict, desc, data, words };
    struct out o = { buf, buf + (bytes ? bytes - 1 : 0), false };

    return bytes ? put_record(&o, &r, false) : 0;
}

bool event_fits(const struct event_desc *desc, const uint32_t *data,
                unsigned int words)
{
    const struct rec r = { NULL, desc, data, words };
    struct tail t = tail_of(&r);

    return !t.is_short && t.rest >= words;
}

static void put_key(struct out *o, const char *buf, const char *name,
                    const char *suffix)
{
    if ( o->at > buf )
        put_char(o, ',');
    put_char(o, '"');
    put_text(o, name);
    put_text(o, suffix);
    put_text(o, "\":");
}

/* The other bits of a composed value, unless another field has that name. */
static void put_json_flags(struct out *o, const char *buf, const struct rec *r,
                           const struct event_field *f, uint64_t value)
{
    const struct event_enum *names = names_of(r, f);
    char key[EVENT_WORD_BYTES + sizeof("_flags")];

    if ( f->kind == EVENT_DOMAIN || f->kind == EVENT_BITS ||
         event_value_code(names, value) == value )
        return;
    snprintf(key, sizeof(key), "%s_flags", f->name);
    if ( event_field_index(r->desc, key) >= 0 )
        return;

    put_key(o, buf, key, "");
    put_char(o, '[');
    put_flags(o, r, f, value, true);
    put_char(o, ']');
}

size_t event_json(const struct event_dict *dict, const struct event_desc *desc,
                  const uint32_t *data, unsigned int words, char *buf,
                  size_t bytes)
{
    const struct rec r = { dict, desc, data, words };
    struct out o = { buf, buf + (bytes ? bytes - 1 : 0), false };
    struct tail t = tail_of(&r);
    uint64_t value;

    if ( !bytes )
        return 0;

    for ( unsigned int i = 0; desc && i < desc->nr_fields; i++ )
        if ( event_get(desc, i, data, words, &value) )
        {
            put_key(&o, buf, desc->field[i].name, "");
            put_json_value(&o, &r, &desc->field[i], value);
            put_json_flags(&o, buf, &r, &desc->field[i], value);
        }
    if ( t.is_short )
    {
        put_key(&o, buf, "short", "");
        put_text(&o, "true");
    }
    if ( t.rest < words )
    {
        put_key(&o, buf, "rest", "");
        put_char(&o, '[');
        put_rest(&o, &r, t.rest, "\"");
        put_char(&o, ']');
    }

    if ( o.full )
        o.at = buf;
    *o.at = '\0';
    return o.at - buf;
}
