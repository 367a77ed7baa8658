/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/engine/meta.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/base/text.h"
#include "lib/xen/docparts.h"
#include "lib/xen/horizon.h"

static json_t *num(uint64_t n)
{
    return json_integer(n);
}

json_t *meta_string(const char *text, size_t bytes)
{
    char escaped[4 * PROTO_TEXT + 1];
    json_t *s = json_stringn(text, bytes);
    size_t i, n = 0;

    /* A text that was cut may end inside a character. */
    if ( !s && bytes >= PROTO_TEXT )
        s = json_stringn(text, text_whole(text, bytes));
    if ( s )
        return s;
    for ( i = 0; i < bytes && i < PROTO_TEXT; i++ )
    {
        unsigned char c = text[i];

        n += sprintf(escaped + n, c >= ' ' && c < 0x7f ? "%c" : "\\x%02x", c);
    }
    return json_stringn(escaped, n);
}

static json_t *trigger_json(const struct trigger *t)
{
    json_t *o = json_pack("{ss sI sI sI ss}",
                          "cause", store_cause(t->t.cause),
                          "gen", (json_int_t)t->t.gen,
                          "tsc", (json_int_t)t->t.tsc,
                          "ns", (json_int_t)t->t.ns,
                          "source", t->source);

    /* Of a shutdown: a guest that asks has none. */
    if ( !t->by_guest )
        json_object_set_new(o, "reason", num(t->t.reason));
    if ( t->t.cpu != XEN_FLIGHTREC_NO_CPU )
        json_object_set_new(o, "cpu", num(t->t.cpu));
    if ( t->text_bytes )
        json_object_set_new(o, "reason_text",
                            meta_string(t->text, t->text_bytes));
    if ( !trigger_has_domain(t) )
        return o;
    json_object_set_new(o, "domid", num(t->t.domid));
    json_object_set_new(o, "uuid", docparts_uuid(t->t.handle));
    if ( t->t.vcpu != 0xffff )
        json_object_set_new(o, "vcpu", num(t->t.vcpu));
    if ( t->t.flags & XEN_FLIGHTREC_TRG_RIP )
        json_object_set_new(o, "rip", num(t->t.rip));
    if ( t->name_bytes )
        json_object_set_new(o, "name", meta_string(t->name, t->name_bytes));
    return o;
}

static json_t *clocks_json(const struct meta *m,
                           const struct clock_fit *fit)
{
    json_t *pairs = json_array();
    unsigned int i;

    for ( i = 0; i < m->nr_pairs; i++ )
        json_array_append_new(
            pairs, json_pack("{sI sI sI sI sI}",
                             "tsc", (json_int_t)m->pair[i].tsc,
                             "ns", (json_int_t)m->pair[i].ns,
                             "wall_ns", (json_int_t)m->pair[i].wall_ns,
                             "mono_ns", (json_int_t)m->pair[i].mono_ns,
                             "width_ns", (json_int_t)m->pair[i].width_ns));
    return json_pack("{sI sI so so*}",
                     "tsc_khz", (json_int_t)m->rings->info.tsc_khz,
                     "tsc_shift", (json_int_t)m->rings->info.tsc_shift,
                     "pairs", pairs,
                     "fit", fit->error_ns ? clock_json(fit) : NULL);
}

static json_t *domains_json(const struct domains *t)
{
    json_t *list = json_array(), *o;
    const struct msg_domain *d;
    const struct domain *e;
    unsigned int i;

    for ( i = 0; i < t->nr; i++ )
    {
        e = &t->entry[i];
        d = &e->d;
        o = json_pack("{sI so sI sb}", "domid", (json_int_t)d->domid, "uuid",
                      docparts_uuid(d->handle), "vcpus", (json_int_t)d->vcpus,
                      "gone", d->gone);
        if ( e->name_bytes )
            json_object_set_new(o, "name",
                                meta_string(e->name, e->name_bytes));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *stream_json(const struct stream *s, bool quiescent)
{
    const struct xen_flightrec_audit *a = &s->audit;
    json_t *o, *lost = json_object();
    unsigned int i;

    for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        json_object_set_new(lost, horizon_lost_name(i), num(a->lost[i]));
    o = json_pack("{sI ss sI sI sI sI sI sI sI sI sI so sb sb}",
                  "cpu", (json_int_t)s->cpu,
                  "channel", horizon_channel_name(s->channel),
                  "gen", (json_int_t)a->gen, "tsc", (json_int_t)a->tsc,
                  "slots", (json_int_t)a->slots,
                  "emitted", (json_int_t)a->emitted,
                  "late", (json_int_t)a->late, "held", (json_int_t)a->held,
                  "held_earlier", (json_int_t)a->held_earlier,
                  "sacrificed", (json_int_t)a->sacrificed,
                  "overwritten", (json_int_t)a->overwritten,
                  "lost", lost,
                  "quiescent", quiescent, "balanced", s->balanced);
    return o;
}

static json_t *streams_json(const struct meta *m)
{
    json_t *list = json_array();
    unsigned int i;

    for ( i = 0; i < m->nr_streams; i++ )
        if ( m->streams[i].found )
            json_array_append_new(list,
                                  stream_json(&m->streams[i], !m->pending));
    return list;
}

static void __attribute__((__format__(__printf__, 2, 3)))
say(json_t *why, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if ( !why )
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    json_array_append_new(why, json_string(text));
}

bool meta_partial(const struct meta *m, json_t *why)
{
    const struct stream *s;
    bool partial = false;
    unsigned int i;

    if ( m->trigger->t.flags & XEN_FLIGHTREC_TRG_DEFERRED )
    {
        say(why, "the trigger found nothing left to hold and began late");
        partial = true;
    }
    if ( m->pending )
    {
        say(why, "%u pCPUs were not quiescent in time", m->pending);
        partial = true;
    }
    if ( m->fetched.damaged )
    {
        say(why, "the trace buffers of %u pCPUs could not be read to their end",
            m->fetched.damaged);
        partial = true;
    }
    for ( i = 0; i < m->nr_streams; i++ )
    {
        s = &m->streams[i];
        if ( s->found && s->records == s->audit.held )
            continue;
        say(why, "pCPU %u, %s: %s", s->cpu, horizon_channel_name(s->channel),
            s->found ? "its packets have another number of records than its "
                       "account"
                     : "it did not take part");
        partial = true;
    }
    return partial;
}

/* Limits of records that Xen's own trace buffers hold. */
static json_t *limits_json(void)
{
    static const char *const limits[] = {
        "held when the daemon saw the trigger, not when it was",
        "one channel: a flood of events pushes out the rare ones",
        "overwritten records are not counted: counts are of this file",
        "a record without a stamp has that of the record before it",
        "\"ns\" is the control domain's monotonic clock",
    };
    json_t *list = json_array();
    size_t i;

    for ( i = 0; i < sizeof(limits) / sizeof(limits[0]); i++ )
        json_array_append_new(list, json_string(limits[i]));
    return list;
}

static int put_backend(const struct meta *m, json_t *o)
{
    if ( !m->rings->tbuf )
        return json_object_set_new(o, "backend", json_string("flightrec"));
    return json_object_set_new(o, "backend", json_string("tbuf")) ||
           json_object_set_new(o, "limits", limits_json());
}

int meta_text(const struct meta *m, char **text)
{
    json_t *o, *dict, *why;
    struct clock_fit fit;
    int rc = meta_fit(m, &fit);

    if ( rc )
        return rc;
    rc = docparts_dictionary(m->rings, &dict);
    if ( rc )
    {
        clock_free(&fit);
        return rc;
    }
    why = json_array();
    o = json_pack(
        "{sI so ss so s{ss ss} s{ss ss so} so so so so so so so}",
        "format", (json_int_t)1, "trigger", trigger_json(m->trigger),
        "history", meta_partial(m, why) ? "partial" : "complete",
        "history_why", why, "host", "name", m->host, "kernel", m->kernel,
        "xen", "version", m->xen->version, "build_id", m->xen->build_id,
        "cmdline", meta_string(m->xen->cmdline, strlen(m->xen->cmdline)),
        "clock", clocks_json(m, &fit), "window", meta_windows(m, &fit),
        "cpus", docparts_cpus(m->rings), "domains", domains_json(m->domains),
        "dictionary", dict, "streams", streams_json(m),
        "gaps", meta_gaps(m, &fit));
    clock_free(&fit);
    /* For struct ages; in this form. */
    if ( o && m->boot[0] )
        json_object_set_new(o, "boot",
                            json_pack("{ss sI}", "id", m->boot, "seconds",
                                      (json_int_t)m->boot_s));
    if ( !o || put_backend(m, o) )
    {
        json_decref(o);
        return -ENOMEM;
    }
    *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return *text ? 0 : -ENOMEM;
}
