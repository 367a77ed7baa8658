/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doc.c: the documents in a snapshot, read and checked.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/doc.h"

#define FORMAT 1
/* Frequencies outside of this are no TSC's; the sums below rely on it. */
#define MIN_KHZ 1000
#define MAX_KHZ 100000000

const char *doc_text(const json_t *object, const char *key,
                      const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : otherwise;
}

int64_t doc_number(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static int bad(char *err, size_t err_bytes, const char *what)
{
    snprintf(err, err_bytes, "%s", what);
    return -EBADMSG;
}

/* One document of the file.  -ENOENT: it has none. */
static int load_json(struct snapshot *s, enum snapshot_kind kind, json_t **out)
{
    char *text;
    size_t len;
    int rc;

    rc = snapshot_json(s, kind, &text, &len);
    if ( rc )
        return rc;

    *out = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if ( json_is_object(*out) )
        return 0;

    json_decref(*out);
    *out = NULL;
    return -EBADMSG;
}

/* a * b / c with a sign, without overflow on the way; saturates. */
static int64_t scale(int64_t a, uint64_t b, uint64_t c)
{
    __int128 r = (__int128)a * b / c;

    if ( r > INT64_MAX )
        return INT64_MAX;
    return r < INT64_MIN ? INT64_MIN : r;
}

int64_t doc_ns(const struct doc *m, uint64_t tsc)
{
    return scale((int64_t)(tsc - m->tsc), 1000000, m->tsc_khz);
}

uint64_t doc_tsc_before(const struct doc *m, uint64_t ns)
{
    unsigned __int128 ticks = (unsigned __int128)ns * m->tsc_khz / 1000000;

    return ticks < m->tsc ? m->tsc - (uint64_t)ticks : 0;
}

/* Wall clock at the trigger, from the clock pair that is nearest to it. */
static void find_wall(struct doc *m, const json_t *pairs)
{
    int64_t best = INT64_MAX;
    const json_t *pair;
    size_t i;

    json_array_foreach(pairs, i, pair)
    {
        int64_t tsc = doc_number(pair, "tsc", -1);
        int64_t wall = doc_number(pair, "wall_ns", -1);
        int64_t since = scale((int64_t)(m->tsc - tsc), 1000000, m->tsc_khz);

        if ( tsc < 0 || wall < 0 || since == INT64_MIN || llabs(since) >= best )
            continue;
        if ( __builtin_add_overflow(wall, since, &m->wall_ns) )
            continue;
        best = llabs(since);
        m->has_wall = m->wall_ns >= 0;
    }
}

static int load_clock(struct doc *m, char *err, size_t err_bytes)
{
    const json_t *clock = json_object_get(m->root, "clock");
    int64_t khz = doc_number(clock, "tsc_khz", 0);

    if ( khz < MIN_KHZ || khz > MAX_KHZ )
        return bad(err, err_bytes, "clock: no usable tsc_khz");

    m->tsc_khz = khz;
    find_wall(m, json_object_get(clock, "pairs"));
    return 0;
}

/* A domid, vCPU or pCPU: 16 bits. */
static int64_t small_number(const json_t *object, const char *key)
{
    int64_t n = doc_number(object, key, DOC_UNKNOWN);

    return n >= 0 && n <= UINT16_MAX ? n : DOC_UNKNOWN;
}

static int load_trigger(struct doc *m, char *err, size_t err_bytes)
{
    const json_t *t = json_object_get(m->root, "trigger");
    const json_t *rip = json_object_get(t, "rip");

    m->cause = doc_text(t, "cause", "");
    m->name = doc_text(t, "name", "");
    m->uuid = doc_text(t, "uuid", "");
    m->reason_text = doc_text(t, "reason_text", "");
    m->source = doc_text(t, "source", "");
    m->gen = doc_number(t, "gen", DOC_UNKNOWN);
    m->cpu = small_number(t, "cpu");
    m->domid = small_number(t, "domid");
    m->vcpu = small_number(t, "vcpu");
    m->reason = doc_number(t, "reason", DOC_UNKNOWN);
    m->has_rip = json_is_integer(rip);
    m->rip = json_integer_value(rip);
    m->history = doc_text(m->root, "history", "");

    if ( !m->cause[0] )
        return bad(err, err_bytes, "trigger: no cause");
    m->tsc = doc_number(t, "tsc", 0);
    if ( !m->tsc )
        return bad(err, err_bytes, "trigger: no tsc");

    return 0;
}

static int load_root(struct snapshot *s, bool want_dict, struct doc *m,
                     char *err, size_t err_bytes)
{
    const json_t *dict;
    int rc;

    rc = load_json(s, SNAPSHOT_META, &m->root);
    if ( rc == -EBADMSG )
        bad(err, err_bytes, "the meta document cannot be read");
    if ( rc == -ENOENT )
        snprintf(err, err_bytes, "the file ends before its meta document");
    if ( rc )
        return rc;

    if ( doc_number(m->root, "format", 0) != FORMAT )
        return bad(err, err_bytes, "the meta document is of another format");

    rc = load_trigger(m, err, err_bytes);
    if ( !rc )
        rc = load_clock(m, err, err_bytes);
    if ( rc || !want_dict )
        return rc;

    dict = json_object_get(m->root, "dictionary");
    return event_dict_from_json(json_object_get(dict, "events"),
                                json_object_get(dict, "enums"), &m->dict, err,
                                err_bytes);
}

int doc_load(struct snapshot *s, bool want_dict, struct doc *m, char *err,
              size_t err_bytes)
{
    int rc;

    memset(m, 0, sizeof(*m));
    snprintf(err, err_bytes, "out of memory");

    rc = load_root(s, want_dict, m, err, err_bytes);
    if ( rc )
    {
        doc_free(m);
        return rc;
    }

    /* The note is a bonus: a file is as good without one. */
    rc = load_json(s, SNAPSHOT_NOTE, &m->note);
    if ( rc && rc != -ENOENT && rc != -EBADMSG )
        doc_free(m);
    else
        rc = 0;
    return rc;
}

void doc_free(struct doc *m)
{
    json_decref(m->root);
    json_decref(m->note);
    event_dict_free(m->dict);
    memset(m, 0, sizeof(*m));
}

const json_t *doc_domain(const struct doc *m, uint32_t domid)
{
    const json_t *domains = json_object_get(m->root, "domains");
    const json_t *d;
    size_t i;

    json_array_foreach(domains, i, d)
        if ( doc_number(d, "domid", DOC_UNKNOWN) == domid )
            return d;

    return NULL;
}

bool doc_find_domain(const struct doc *m, const char *who, uint32_t *domid)
{
    const json_t *domains = json_object_get(m->root, "domains");
    const json_t *d;
    char *end;
    size_t i;

    if ( !who[0] )
        return false;

    if ( who[0] >= '0' && who[0] <= '9' )
    {
        unsigned long n = strtoul(who, &end, 10);

        *domid = n;
        if ( !*end && n <= 0x7fff )
            return true;
    }

    json_array_foreach(domains, i, d)
    {
        int64_t n = small_number(d, "domid");

        if ( n < 0 || (strcmp(who, doc_text(d, "name", "")) &&
                       strcasecmp(who, doc_text(d, "uuid", ""))) )
            continue;
        *domid = n;
        return true;
    }

    /* One that died may be in the trigger only. */
    *domid = m->domid;
    return m->domid >= 0 &&
           (!strcmp(who, m->name) || !strcasecmp(who, m->uuid));
}
