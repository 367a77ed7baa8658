/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * meta.c: build the documents of a recording.
 */

#include "tools/record/meta.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib/base/text.h"
#include "lib/xen/docparts.h"
#include "lib/xen/hyp.h"
#include "tools/live/ask.h"
#include "tools/live/names.h"

/* Domains created and destroyed in a loop must not fill memory. */
#define DOMAINS_MAX 16384

struct domain {
    struct hyp_domain d;
    char *name;            /* NULL if it has none yet */
    bool in_meta;          /* complete, name included */
};

struct record_domains {
    struct hyp *hyp;
    struct names *names;
    struct domain *entry;
    unsigned int nr;
};

/* Names are guest-controlled: escape those that are not UTF-8. */
static json_t *any_string(const char *text)
{
    char safe[TEXT_ROOM(1024)];
    json_t *s = json_string(text);

    return s ? s : json_string(text_escape(safe, sizeof(safe), text));
}

static struct domain *find(const struct record_domains *t,
                           const struct hyp_domain *d)
{
    for ( unsigned int i = t->nr; i--; )
        if ( t->entry[i].d.domid == d->domid &&
             !memcmp(t->entry[i].d.handle, d->handle, sizeof(d->handle)) )
            return &t->entry[i];
    return NULL;
}

static int add(struct record_domains *t, const struct hyp_domain *d)
{
    struct domain *entry;

    if ( t->nr == DOMAINS_MAX )
        return 0;
    entry = reallocarray(t->entry, t->nr + 1, sizeof(*entry));
    if ( !entry )
        return -ENOMEM;
    t->entry = entry;
    t->entry[t->nr++] = (struct domain){ .d = *d,
                                         .name = names_ask(t->names, d->domid,
                                                           d->handle) };
    return 0;
}

int record_domains_look(struct record_domains *t)
{
    struct hyp_domain *list;
    unsigned int nr, i;
    int rc = hyp_domains(t->hyp, &list, &nr);

    if ( rc )
        return rc;
    for ( i = 0; !rc && i < nr; i++ )
    {
        struct domain *known = find(t, &list[i]);

        if ( !known )
            rc = add(t, &list[i]);
        else if ( !known->name ) /* toolstacks set it later */
        {
            known->name = names_ask(t->names, list[i].domid,
                                    list[i].handle);
            known->in_meta = known->in_meta && !known->name;
        }
    }
    free(list);
    return rc;
}

int record_domains_new(struct hyp *h, struct record_domains **out)
{
    struct record_domains *t = calloc(1, sizeof(*t));
    int rc;

    if ( !t )
        return -ENOMEM;
    t->hyp = h;
    t->names = names_open();
    rc = t->names ? record_domains_look(t) : -ENOMEM;
    if ( rc )
        record_domains_free(t);
    else
        *out = t;
    return rc;
}

void record_domains_free(struct record_domains *t)
{
    if ( !t )
        return;
    for ( unsigned int i = 0; i < t->nr; i++ )
        free(t->entry[i].name);
    free(t->entry);
    names_close(t->names);
    free(t);
}

/* The domains that are not in the meta document, in their current state. */
static json_t *domains_json(const struct record_domains *t)
{
    json_t *list = json_array(), *o;

    for ( unsigned int i = 0; i < t->nr; i++ )
    {
        const struct domain *d = &t->entry[i];

        if ( d->in_meta )
            continue;
        o = json_pack("{sI so sI}", "domid", (json_int_t)d->d.domid, "uuid",
                      docparts_uuid(d->d.handle), "vcpus",
                      (json_int_t)d->d.vcpus);
        if ( d->name )
            json_object_set_new(o, "name", any_string(d->name));
        json_array_append_new(list, o);
    }
    return list;
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* The start of the recording on all clocks.  Dom0's are read between two of Xen's. */
static int clock_pair(struct hyp *h, struct clock_point *begin, json_t **out)
{
    /* Xen refuses an operation unless all fields but its inputs are 0. */
    struct xen_flightrec_op before = { .cmd = XEN_FLIGHTREC_OP_clock };
    struct xen_flightrec_op after = { .cmd = XEN_FLIGHTREC_OP_clock };
    uint64_t wall, mono;
    int rc = hyp_op(h, &before);

    if ( rc )
        return rc;
    wall = clock_ns(CLOCK_REALTIME);
    mono = clock_ns(CLOCK_MONOTONIC);
    rc = hyp_op(h, &after);
    if ( rc )
        return rc;
    *begin = (struct clock_point){ .cpu = XEN_FLIGHTREC_NO_CPU,
                                   .tsc = before.u.clock.tsc,
                                   .ns = before.u.clock.ns };
    *out = json_pack("[{sI sI sI sI sI}]", "tsc", (json_int_t)begin->tsc, "ns",
                     (json_int_t)begin->ns, "wall_ns", (json_int_t)wall,
                     "mono_ns", (json_int_t)mono, "width_ns",
                     (json_int_t)(after.u.clock.ns - begin->ns));
    return *out ? 0 : -ENOMEM;
}

static int to_text(json_t *o, char **text)
{
    *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return *text ? 0 : -ENOMEM;
}

int record_meta(struct hyp *h, const struct rings *rings,
                struct record_domains *domains, struct clock_point *begin,
                char **text)
{
    struct xen_flightrec_op_status st;
    struct hyp_version xen;
    json_t *pairs = NULL, *dict = NULL;
    struct utsname host;
    int rc = hyp_status(ask_op, h, &st);

    uname(&host);
    if ( !rc )
        rc = hyp_version(h, &xen);
    if ( !rc )
        rc = clock_pair(h, begin, &pairs);
    if ( !rc )
        rc = docparts_dictionary(rings, &dict);
    if ( rc )
    {
        json_decref(pairs);
        return rc;
    }
    rc = to_text(
        json_pack("{sI s{ss sI sI sI ss} sb ss s{so so} s{ss ss so} "
                  "s{sI sI so} so so so}",
                  "format", (json_int_t)1, "trigger", "cause", "request",
                  "gen", (json_int_t)st.gen, "tsc", (json_int_t)begin->tsc,
                  "ns", (json_int_t)begin->ns, "source", "record", "recording",
                  1, "history", "complete", "host", "name",
                  any_string(host.nodename), "kernel",
                  any_string(host.release), "xen", "version", xen.version,
                  "build_id", xen.build_id, "cmdline", any_string(xen.cmdline),
                  "clock", "tsc_khz", (json_int_t)rings->info.tsc_khz,
                  "tsc_shift", (json_int_t)rings->info.tsc_shift, "pairs",
                  pairs, "cpus", docparts_cpus(rings), "domains",
                  domains_json(domains), "dictionary", dict),
        text);
    for ( unsigned int i = 0; !rc && i < domains->nr; i++ )
        domains->entry[i].in_meta = true;
    return rc;
}

int record_note(const struct record_domains *domains,
                const struct clock_fit *fit, const struct record_totals *t,
                const char *why, char **text)
{
    return to_text(
        json_pack("{s{so*} so s{sI sI sI ss}}", "clock", "fit",
                  fit->error_ns ? clock_json(fit) : NULL, "domains",
                  domains_json(domains), "recorded",
                  "missed", (json_int_t)t->missed, "refused",
                  (json_int_t)t->refused, "wakes", (json_int_t)t->wakes,
                  "ended", why),
        text);
}
