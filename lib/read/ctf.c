/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ctf.c: describe a snapshot in the Common Trace Format. */

#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "lib/read/ctf.h"
#include "lib/format/event-impl.h"

/*
 * Event classes.
 */

const struct ctf_member ctf_context[CTF_CONTEXTS] = {
    { .name = "domid", .bits = 16 },
    { .name = "vcpu", .bits = 16 },
    { .name = "behind", .bits = 32 },
};

static const struct event_value gap_values[] = {
    { MERGE_GAP_NESTED, "lost_nested" },   { MERGE_GAP_BUSY, "lost_busy" },
    { MERGE_GAP_STOPPED, "lost_stopped" }, { MERGE_GAP_RETRY, "lost_retry" },
    { MERGE_GAP_ABSENT, "absent" },        { MERGE_GAP_DAMAGED, "damaged" },
};

static const struct event_enum gap_names = {
    .nr = sizeof(gap_values) / sizeof(gap_values[0]), .values = gap_values,
};

static const struct ctf_class gap_class = { 2, {
    { .name = "records", .bits = 64 },
    { .name = "why", .bits = 8, .names = &gap_names },
} };

unsigned int ctf_id(const struct merge_record *rec)
{
    if ( rec->kind == MERGE_GAP )
        return CTF_GAP;
    if ( !rec->desc )
        return CTF_UNKNOWN;

    return rec->desc->id +
           (event_fits(rec->desc, rec->data, rec->words) ? 0 : CTF_RAW);
}

const char *ctf_class_name(const struct event_dict *dict, unsigned int id)
{
    if ( id == CTF_GAP )
        return "GAP";
    return id == CTF_UNKNOWN ? "unknown"
                             : event_by_id(dict, id % CTF_RAW)->name;
}

/* Return the size of the integer for a field of @bits bits. */
static unsigned int width(unsigned int bits)
{
    return bits <= 8 ? 8 : bits <= 16 ? 16 : bits <= 32 ? 32 : 64;
}

const char *ctf_value_name(const struct ctf_member *m, unsigned int *i,
                           uint64_t *value)
{
    const char *name;

    /* Skip values that do not fit: they cannot occur, readers refuse them. */
    do {
        unsigned int nr = m->names ? m->names->nr : 0, n = (*i)++;

        name = n < nr ? event_enum_row(m->names, n, value)
                      : event_enum_flag_row(m->names, n - nr, value);
        /* A whole value has its own row. */
        if ( name && n >= nr && event_value_code(m->names, *value) == *value )
            *value = UINT64_MAX;
    } while ( name && m->bits < 64 && *value >> m->bits );

    return name;
}

static const struct event_enum *names_of(const struct event_field *f,
                                         const struct ctf_member *m)
{
    struct ctf_member named = *m;
    unsigned int i = 0;
    uint64_t value;

    if ( f->kind == EVENT_BITS || f->kind == EVENT_ARG ||
         event_is_signed(f) )
        return NULL;

    named.names = f->names;
    return ctf_value_name(&named, &i, &value) ? f->names : NULL;
}

static void describe(const struct event_field *f, struct ctf_member *m)
{
    bool maybe = f->optional || f->kind == EVENT_ARG;

    *m = (struct ctf_member){
        .elements = f->bits > 64 ? f->bits / 32 : maybe,
        .bits = f->bits > 64           ? 32
                : f->kind == EVENT_ARG || f->kind == EVENT_ELAPSED ? 64
                                       : width(f->bits),
        .is_signed = event_is_signed(f),
        .hex = f->kind == EVENT_HEX || f->kind == EVENT_BITS ||
               f->kind == EVENT_ARG,
    };
    snprintf(m->name, sizeof(m->name), "%s", f->name);
    /* No field's name has capitals. */
    if ( maybe )
        snprintf(m->length, sizeof(m->length), "NR_%s", f->name);
    m->names = names_of(f, m);
}

static void describe_words(struct ctf_class *out)
{
    out->member[out->nr++] = (struct ctf_member){
        .name = "words", .length = "nr", .elements = XEN_FLIGHTREC_MAX_WORDS,
        .bits = 32, .hex = true,
    };
}

void ctf_class(const struct event_dict *dict, unsigned int id,
               struct ctf_class *out)
{
    const struct event_desc *desc = event_by_id(dict, id);

    out->nr = 0;
    if ( id == CTF_GAP )
    {
        *out = gap_class;
        return;
    }
    if ( id == CTF_UNKNOWN )
    {
        out->member[out->nr++] = (struct ctf_member){
            .name = "event", .bits = 32, .hex = true };
        out->member[out->nr++] = (struct ctf_member){
            .name = "id", .bits = 16 };
    }
    if ( id == CTF_UNKNOWN || id >= CTF_RAW )
    {
        describe_words(out);
        return;
    }

    for ( unsigned int i = 0; i < desc->nr_fields; i++ )
        describe(&desc->field[i], &out->member[out->nr++]);
}

static unsigned int get_words(const uint32_t *word, unsigned int n,
                              uint64_t *value)
{
    for ( unsigned int i = 0; i < n; i++ )
        value[i] = word[i];

    return n;
}

static unsigned int get_field(const struct merge_record *rec, unsigned int n,
                              uint64_t *value)
{
    const struct event_field *f = &rec->desc->field[n];

    if ( !event_get(rec->desc, n, rec->data, rec->words, value) )
        return 0;
    if ( f->bits > 64 )
        return get_words(&rec->data[f->word], f->bits / 32, value);
    if ( event_is_signed(f) )
        *value = event_signed(f, *value);

    return 1;
}

unsigned int ctf_get(const struct merge_record *rec, unsigned int id,
                     unsigned int n, uint64_t value[CTF_MAX_ELEMENTS])
{
    if ( id == CTF_GAP )
    {
        *value = n ? rec->gap : rec->missing;
        return 1;
    }
    if ( id == CTF_UNKNOWN && n < 2 )
    {
        *value = n ? rec->id : rec->event;
        return 1;
    }
    if ( id == CTF_UNKNOWN || id >= CTF_RAW )
        return get_words(rec->data, rec->words, value);

    return get_field(rec, n, value);
}

/*
 * The trace.
 */

const char *ctf_stream_name(uint32_t stream, char buf[CTF_STREAM_BYTES])
{
    snprintf(buf, CTF_STREAM_BYTES, "%s_%u",
             stream % XEN_FLIGHTREC_CHANNELS == XEN_FLIGHTREC_CH_RARE ? "rare"
                                                                      : "busy",
             stream / XEN_FLIGHTREC_CHANNELS);
    return buf;
}

void ctf_uuid(const struct snapshot *s, uint64_t part, uint8_t uuid[16])
{
    const struct snapshot_header *h = snapshot_header(s);
    uint64_t half[2] = { XXH64(h, sizeof(*h), part),
                         XXH64(h, sizeof(*h), part + 1) };

    memcpy(uuid, half, sizeof(half));
    uuid[6] = (uuid[6] & 0x0f) | 0x80; /* version 8: vendor-specific */
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

uint64_t ctf_precision(const struct doc *d)
{
    return d->has_fit ? d->clock.error_ns : 100;
}

/* Untrusted text: replace by '?' all that could end the string it is put in. */
static bool env_text(struct ctf_env *env, const char *name, const char *text)
{
    size_t n = 0;

    env->name = name;
    env->is_text = true;
    for ( ; text[n] && n < sizeof(env->text) - 1; n++ )
        env->text[n] = text[n] >= ' ' && text[n] < 0x7f &&
                       !strchr("\"\\", text[n]) ? text[n] : '?';
    env->text[n] = 0;
    return n;
}

static bool env_number(struct ctf_env *env, const char *name, int64_t number)
{
    env->name = name;
    env->is_text = false;
    env->number = number;
    return number >= 0;
}

bool ctf_env(const struct doc *d, unsigned int *i, struct ctf_env *env)
{
    const json_t *host = json_object_get(d->root, "host");
    const json_t *xen = json_object_get(d->root, "xen");
    bool has;

    do {
        switch ( (*i)++ )
        {
        case 0: has = env_text(env, "tracer_name", "xenflight"); break;
        case 1: has = env_number(env, "tracer_major", 1); break;
        case 2: has = env_number(env, "tracer_minor", 0); break;
        case 3:
            has = env_text(env, "hostname", doc_text(host, "name", ""));
            break;
        case 4:
            has = env_text(env, "xen_version", doc_text(xen, "version", ""));
            break;
        case 5: has = env_text(env, "trigger_cause", d->cause); break;
        case 6: has = env_text(env, "trigger_domain", d->name); break;
        case 7: has = env_text(env, "trigger_reason", d->reason_text); break;
        case 8: has = env_number(env, "trigger_domid", d->domid); break;
        case 9: has = env_number(env, "trigger_vcpu", d->vcpu); break;
        case 10: has = env_number(env, "trigger_cpu", d->cpu); break;
        default: return false;
        }
    } while ( !has );

    return true;
}
