/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ctf-meta.c: writes the description of a CTF trace, in TSDL.
 *
 * Names of events, fields and values come from the snapshot's dictionary, which
 * was checked to hold only letters, digits and underscores.  A field's name is
 * prefixed with an underscore so that it cannot be a keyword; CTF readers strip
 * it.
 */

#include <inttypes.h>

#include "lib/base/uuid.h"
#include "tools/export/ctf.h"

static void put_trace(FILE *to, const struct ctf_meta *meta)
{
    char uuid[UUID_TEXT_BYTES];

    fprintf(to,
            "/* CTF 1.8 */\n\n"
            "trace {\n"
            "    major = 1;\n    minor = 8;\n    uuid = \"%s\";\n"
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
            "};\n\n", uuid_to_text(meta->uuid, uuid));
}

static void put_env(FILE *to, const struct doc *d)
{
    unsigned int i = 0;
    struct ctf_env env;

    fprintf(to, "env {\n");
    while ( ctf_env(d, &i, &env) )
        if ( env.is_text )
            fprintf(to, "    %s = \"%s\";\n", env.name, env.text);
        else
            fprintf(to, "    %s = %" PRId64 ";\n", env.name, env.number);
    fprintf(to, "};\n\n");
}

/*
 * Values are ns since TSC 0; the offset makes them ns since 1970.  As in
 * LTTng's traces all of it is in `offset`, because Trace Compass ignores
 * `offset_s`.  Only a time before 1970 needs both.
 */
static void put_offset(FILE *to, int64_t offset)
{
    int64_t secs = offset < 0 ? offset / CTF_CLOCK_HZ - 1 : 0;

    if ( secs )
        fprintf(to, "    offset_s = %" PRId64 ";\n", secs);
    fprintf(to, "    offset = %" PRId64 ";\n"
            "    absolute = true;\n", offset - secs * CTF_CLOCK_HZ);
}

static void put_clock(FILE *to, const struct doc *d)
{
    int64_t offset;

    fprintf(to, "clock {\n"
            "    name = " CTF_CLOCK_NAME ";\n"
            "    description = \"" CTF_CLOCK_DESCRIPTION "\";\n"
            "    freq = %u;\n"
            "    precision = %" PRIu64 ";\n", CTF_CLOCK_HZ, ctf_precision(d));
    if ( doc_tsc_wall(d, &offset) )
        put_offset(to, offset);
    fprintf(to, "};\n\n"
            "typealias integer {\n"
            "    size = 64; align = 8; signed = false; "
                               "map = clock." CTF_CLOCK_NAME ".value;\n"
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

static void put_enum(FILE *to, const struct ctf_member *m)
{
    unsigned int i = 0, n = 0;
    const char *name;
    uint64_t value;

    fprintf(to, "enum : ");
    put_integer(to, m->bits, false, false);
    fprintf(to, " {");
    while ( (name = ctf_value_name(m, &i, &value)) )
        fprintf(to, "%s \"%s\" = %" PRIu64, n++ ? "," : "", name, value);
    fprintf(to, " }");
}

static void put_field(FILE *to, const struct ctf_member *m)
{
    if ( m->length[0] )
        fprintf(to, "        integer { size = 8; align = 8; signed = false; } "
                "_%s;\n", m->length);

    fprintf(to, "        ");
    if ( m->names )
        put_enum(to, m);
    else
        put_integer(to, m->bits, m->is_signed, m->hex);

    fprintf(to, " _%s", m->name);
    if ( m->length[0] )
        fprintf(to, "[_%s]", m->length);
    else if ( m->elements )
        fprintf(to, "[%u]", m->elements);
    fprintf(to, ";\n");
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
    for ( unsigned int i = 0; i < CTF_CONTEXTS; i++ )
        put_field(to, &ctf_context[i]);
    fprintf(to, "    };\n"
            "};\n\n");
}

static void put_event(FILE *to, unsigned int id, const char *name,
                      const struct ctf_class *class)
{
    fprintf(to, "event {\n"
            "    name = \"%s\";\n"
            "    id = %u;\n"
            "    stream_id = 0;\n"
            "    fields := struct {\n", name, id);
    for ( unsigned int i = 0; i < class->nr; i++ )
        put_field(to, &class->member[i]);
    fprintf(to, "    };\n"
            "};\n\n");
}

void ctf_write_meta(FILE *to, const struct ctf_meta *meta)
{
    const struct doc *d = &meta->x->src->doc;

    put_trace(to, meta);
    put_env(to, d);
    put_clock(to, d);
    put_stream(to);
    for ( unsigned int id = 0; id < CTF_IDS; id++ )
        if ( meta->class[id] )
            put_event(to, id, ctf_class_name(d->dict, id), meta->class[id]);
}
