/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export-ctf-meta.c: the description of a CTF trace, in TSDL.
 *
 * Names of events, fields and values come from the snapshot's dictionary, which
 * was checked to hold nothing but letters, digits and underscores.  A field's
 * name gets an underscore in front, so that it cannot be a keyword; readers
 * leave it out.  NR_name says whether a field that may be absent is there: no field's
 * name has capitals.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/event-impl.h"
#include "tools/export-ctf.h"

/* Another's text as a string: what TSDL could take for anything else is '?'. */
static void put_string(FILE *to, const char *name, const char *text)
{
    unsigned int n = 0;

    if ( !text[0] )
        return;

    fprintf(to, "    %s = \"", name);
    for ( ; *text && n < 200; text++, n++ )
        fputc(*text >= ' ' && *text < 0x7f && !strchr("\"\\", *text) ? *text
                                                                     : '?', to);
    fprintf(to, "\";\n");
}

static void put_uuid(FILE *to, const uint8_t uuid[16])
{
    for ( unsigned int i = 0; i < 16; i++ )
        fprintf(to, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                uuid[i]);
}

static void put_trace(FILE *to, const struct ctf_meta *meta)
{
    fprintf(to,
            "/* CTF 1.8 */\n\n"
            "trace {\n"
            "    major = 1;\n    minor = 8;\n    uuid = \"");
    put_uuid(to, meta->uuid);
    fprintf(to, "\";\n"
            "    byte_order = le;\n"
            "    packet.header := struct {\n"
            "        integer { size = 32; align = 8; signed = false; "
                                                        "base = 16; } magic;\n"
            "        integer { size = 8; align = 8; signed = false; } "
                                                              "uuid[16];\n"
            "        integer { size = 32; align = 8; signed = false; } "
                                                              "stream_id;\n"
            "        integer { size = 64; align = 8; signed = false; } "
                                                    "stream_instance_id;\n"
            "    };\n"
            "};\n\n");
}

static void put_env(FILE *to, const struct doc *d)
{
    fprintf(to, "env {\n"
            "    tracer_name = \"xenflight\";\n"
            "    tracer_major = 1;\n    tracer_minor = 0;\n");
    put_string(to, "hostname",
               doc_text(json_object_get(d->root, "host"), "name", ""));
    put_string(to, "xen_version",
               doc_text(json_object_get(d->root, "xen"), "version", ""));
    put_string(to, "trigger_cause", d->cause);
    put_string(to, "trigger_domain", d->name);
    put_string(to, "trigger_reason", d->reason_text);
    if ( d->domid >= 0 )
        fprintf(to, "    trigger_domid = %" PRId64 ";\n", d->domid);
    if ( d->vcpu >= 0 )
        fprintf(to, "    trigger_vcpu = %" PRId64 ";\n", d->vcpu);
    if ( d->cpu >= 0 )
        fprintf(to, "    trigger_cpu = %" PRId64 ";\n", d->cpu);
    fprintf(to, "};\n\n");
}

/* Values are ns since TSC 0; the offset makes them ns since 1970. */
static void put_clock(FILE *to, const struct ctf_meta *meta)
{
    int64_t offset, secs;

    fprintf(to, "clock {\n"
            "    name = tsc;\n"
            "    description = \"time stamp counter, in ns\";\n"
            "    freq = 1000000000;\n"
            "    precision = %" PRIu64 ";\n",
            meta->x->src->doc.has_fit ? meta->x->src->doc.clock.error_ns : 100);
    if ( export_wall(meta->x, &offset) )
    {
        secs = offset / 1000000000 - (offset % 1000000000 < 0);
        fprintf(to, "    offset_s = %" PRId64 ";\n"
                "    offset = %" PRId64 ";\n"
                "    absolute = true;\n", secs, offset - secs * 1000000000);
    }
    fprintf(to, "};\n\n"
            "typealias integer {\n"
            "    size = 64; align = 8; signed = false; "
                                              "map = clock.tsc.value;\n"
            "} := tsc_t;\n\n");
}

static void put_integer(FILE *to, unsigned int size, bool is_signed, bool hex)
{
    fprintf(to, "integer { size = %u; align = 8; signed = %s;%s }", size,
            is_signed ? "true" : "false", hex ? " base = 16;" : "");
}

static void put_member(FILE *to, unsigned int size, bool hex, const char *name)
{
    fprintf(to, "        ");
    put_integer(to, size, false, hex);
    fprintf(to, " %s;\n", name);
}

static void put_stream(FILE *to)
{
    fprintf(to, "stream {\n"
            "    id = 0;\n"
            "    packet.context := struct {\n"
            "        tsc_t timestamp_begin;\n"
            "        tsc_t timestamp_end;\n");
    put_member(to, 64, false, "content_size");
    put_member(to, 64, false, "packet_size");
    put_member(to, 64, false, "packet_seq_num");
    put_member(to, 64, false, "events_discarded");
    put_member(to, 32, false, "cpu_id");
    fprintf(to, "        enum : integer { size = 8; align = 8; signed = false; "
                        "} { \"busy\" = 0, \"rare\" = 1 } channel;\n"
            "    };\n"
            "    event.header := struct {\n");
    put_member(to, 16, false, "id");
    fprintf(to, "        tsc_t timestamp;\n"
            "    };\n"
            "    event.context := struct {\n");
    put_member(to, 16, false, "_domid");
    put_member(to, 16, false, "_vcpu");
    put_member(to, 32, false, "_behind");
    fprintf(to, "    };\n"
            "};\n\n");
}

/* Values that do not fit the integer cannot occur, and TSDL refuses them. */
static bool can_be(const struct event_value *v, unsigned int bits)
{
    return bits >= 64 || !(v->value >> bits);
}

static bool has_names(const struct event_field *f)
{
    if ( !f->names || f->kind == EVENT_BITS || f->kind == EVENT_ARG ||
         f->kind == EVENT_SIGNED )
        return false;

    for ( unsigned int i = 0; i < f->names->nr; i++ )
        if ( can_be(&f->names->values[i], f->bits) )
            return true;

    return false;
}

static void put_enum(FILE *to, const struct event_field *f)
{
    unsigned int n = 0;

    fprintf(to, "enum : ");
    put_integer(to, ctf_width(f->bits), false, false);
    fprintf(to, " {");
    for ( unsigned int i = 0; i < f->names->nr; i++ )
        if ( can_be(&f->names->values[i], f->bits) )
            fprintf(to, "%s \"%s\" = %" PRIu64, n++ ? "," : "",
                    f->names->values[i].name, f->names->values[i].value);
    fprintf(to, " }");
}

static void put_field(FILE *to, const struct event_field *f)
{
    bool maybe = f->optional || f->kind == EVENT_ARG;
    bool hex = f->kind == EVENT_HEX || f->kind == EVENT_BITS ||
               f->kind == EVENT_ARG;
    char len[EVENT_WORD_BYTES + 8];

    snprintf(len, sizeof(len), "NR_%s", f->name);
    if ( maybe )
        put_member(to, 8, false, len);

    fprintf(to, "        ");
    if ( f->bits > 64 )
        put_integer(to, 32, false, true);
    else if ( has_names(f) )
        put_enum(to, f);
    else
        put_integer(to, f->kind == EVENT_ARG ? 64 : ctf_width(f->bits),
                    f->kind == EVENT_SIGNED, hex);

    fprintf(to, " _%s", f->name);
    if ( f->bits > 64 )
        fprintf(to, "[%u]", f->bits / 32);
    if ( maybe )
        fprintf(to, "[%s]", len);
    fprintf(to, ";\n");
}

static void put_event(FILE *to, unsigned int id, const char *name,
                      const struct event_desc *desc)
{
    fprintf(to, "event {\n"
            "    name = \"%s\";\n"
            "    id = %u;\n"
            "    stream_id = 0;\n"
            "    fields := struct {\n", name, id);
    if ( id < CTF_RAW && desc )
        for ( unsigned int i = 0; i < desc->nr_fields; i++ )
            put_field(to, &desc->field[i]);
    else
    {
        if ( id == CTF_UNKNOWN )
        {
            put_member(to, 32, true, "_event");
            put_member(to, 16, false, "_id");
        }
        put_member(to, 8, false, "_nr");
        fprintf(to, "        ");
        put_integer(to, 32, false, true);
        fprintf(to, " _words[_nr];\n");
    }
    fprintf(to, "    };\n"
            "};\n\n");
}

void ctf_write_meta(FILE *to, const struct ctf_meta *meta)
{
    const struct doc *d = &meta->x->src->doc;

    put_trace(to, meta);
    put_env(to, d);
    put_clock(to, meta);
    put_stream(to);
    for ( unsigned int id = 0; id < CTF_IDS; id++ )
    {
        const struct event_desc *desc = event_by_id(d->dict, id % CTF_RAW);

        if ( meta->used[id] )
            put_event(to, id, id == CTF_UNKNOWN ? "unknown" : desc->name, desc);
    }
}
