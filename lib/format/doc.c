/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doc.c: load and check the JSON documents of a snapshot.
 */

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/doc.h"

#define FORMAT 1
/* Range of TSC frequencies; the arithmetic below relies on it. */
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

static int bad(char *err, size_t err_bytes, const char *why)
{
    snprintf(err, err_bytes, "%s", why);
    return -EBADMSG;
}

/*
 * Whether a document exceeds the limit of values.  A byte of JSON text becomes
 * a hundred bytes of memory, so a small file could exhaust it.
 */
static bool too_many(const char *text, size_t len)
{
    size_t values = 0;
    bool quoted = false;

    for ( size_t i = 0; i < len; i++ )
    {
        if ( quoted && text[i] == '\\' )
            i++;
        else if ( text[i] == '"' )
            quoted = !quoted;
        else
            values += !quoted && (text[i] == ',' || text[i] == '[' ||
                                  text[i] == '{');
    }
    return values > DOC_MAX_VALUES;
}

/* Return the end of the string that starts at `i`, after its closing quote. */
static size_t string_end(const char *text, size_t len, size_t i)
{
    for ( i++; i < len && text[i] != '"'; i++ )
        i += text[i] == '\\';
    return i < len ? i + 1 : len;
}

static size_t skip_blanks(const char *text, size_t len, size_t i)
{
    while ( i < len && strchr(" \t\r\n", text[i]) )
        i++;
    return i;
}

/* Return the end of the object that starts at `i`, or 0 if it does not end. */
static size_t object_end(const char *text, size_t len, size_t i)
{
    unsigned int depth = 0;

    while ( i < len )
    {
        if ( text[i] == '"' )
        {
            i = string_end(text, len, i);
            continue;
        }
        depth += text[i] == '{' || text[i] == '[';
        depth -= text[i] == '}' || text[i] == ']';
        i++;
        if ( !depth )
            return i;
    }
    return 0;
}

/*
 * Replace the value of the top level's "dictionary" by null.  It is nine
 * tenths of a small document, and takes as much of the time to parse it.
 * Return the new length.
 */
static size_t drop_dictionary(char *text, size_t len)
{
    static const char key[] = "\"dictionary\"";
    unsigned int depth = 0;
    size_t i = 0, end;

    while ( i < len )
    {
        size_t at = i;

        if ( text[i] != '"' )
        {
            depth += text[i] == '{' || text[i] == '[';
            depth -= text[i] == '}' || text[i] == ']';
            i++;
            continue;
        }
        i = string_end(text, len, i);
        if ( depth != 1 || i - at != sizeof(key) - 1 ||
             memcmp(text + at, key, sizeof(key) - 1) )
            continue;

        at = skip_blanks(text, len, i);
        if ( at == len || text[at] != ':' )
            continue;
        at = skip_blanks(text, len, at + 1);
        end = at < len && text[at] == '{' ? object_end(text, len, at) : 0;
        if ( end < at + 4 )
            break;
        memcpy(text + at, "null", 4);
        memmove(text + at + 4, text + end, len - end);
        return len - (end - at - 4);
    }

    return len;
}

/*
 * Load one document of the file, if not `whole` without the dictionary.
 * -ENOENT if the file has none.
 */
static int load_json(struct snapshot *s, enum snapshot_kind kind, bool whole,
                     json_t **out)
{
    char *text;
    size_t len;
    int rc;

    rc = snapshot_json(s, kind, &text, &len);
    if ( rc )
        return rc;

    if ( !whole )
        len = drop_dictionary(text, len);
    *out = too_many(text, len)
               ? NULL
               : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if ( json_is_object(*out) )
        return 0;

    json_decref(*out);
    *out = NULL;
    return -EBADMSG;
}

static int64_t saturating_add(int64_t a, int64_t b)
{
    int64_t sum;

    if ( __builtin_add_overflow(a, b, &sum) )
        return b < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

int64_t doc_ns(const struct doc *m, uint64_t tsc)
{
    return clock_since(&m->clock, tsc);
}

uint64_t doc_tsc_ns(const struct doc *m, uint64_t tsc)
{
    __int128 ns = (unsigned __int128)m->tsc * 1000000 / m->tsc_khz;

    ns += doc_ns(m, tsc);
    if ( ns < 0 )
        return 0;
    return ns > INT64_MAX ? INT64_MAX : ns;
}

bool doc_tsc_wall(const struct doc *m, int64_t *offset_ns)
{
    int64_t ns = doc_tsc_ns(m, m->tsc);

    return m->has_wall && !__builtin_sub_overflow(m->wall_ns, ns, offset_ns);
}

uint64_t doc_tsc_before(const struct doc *m, uint64_t ns)
{
    uint64_t ticks = clock_ticks(&m->clock, ns > INT64_MAX ? INT64_MAX
                                                           : (int64_t)ns);

    return ticks < m->tsc ? m->tsc - ticks : 0;
}

uint64_t doc_tsc_at(const struct doc *m, int64_t ns)
{
    uint64_t tsc;

    if ( ns < 0 )
        return doc_tsc_before(m, -(uint64_t)ns);
    if ( __builtin_add_overflow(m->tsc, (uint64_t)clock_ticks(&m->clock, ns),
                                &tsc) )
        return UINT64_MAX;
    return tsc;
}

/* Return ns from a clock pair to the trigger; saturates. */
static int64_t since_pair(const struct doc *m, const json_t *pair)
{
    int64_t ns = doc_number(pair, "ns", -1);

    /* If TSCs differ, the pair's TSC is useless: its pCPU is not known. */
    if ( m->clock.nr_spans && m->has_ns && ns >= 0 )
        return (int64_t)(m->clock.ns - ns);
    return -doc_ns(m, doc_number(pair, "tsc", -1));
}

static bool add_to(const json_t *pair, const char *key, int64_t ns,
                   int64_t *out)
{
    int64_t there = doc_number(pair, key, -1);

    return there >= 0 && !__builtin_add_overflow(there, ns, out) && *out >= 0;
}

/* Get Dom0's clocks at the trigger, from the nearest pair. */
static void find_dom0(struct doc *m, const json_t *pairs)
{
    uint64_t best = INT64_MAX;
    const json_t *pair;
    size_t i;

    json_array_foreach(pairs, i, pair)
    {
        int64_t since, wide = doc_number(pair, "width_ns", 0);
        uint64_t away;

        if ( doc_number(pair, "tsc", -1) < 0 )
            continue;
        since = since_pair(m, pair);
        away = since < 0 ? -(uint64_t)since : (uint64_t)since;
        if ( away >= best )
            continue;
        m->has_wall = add_to(pair, "wall_ns", since, &m->wall_ns);
        m->has_mono = add_to(pair, "mono_ns", since, &m->mono_ns);
        if ( !m->has_wall && !m->has_mono )
            continue;
        best = away;
        m->dom0_error_ns = (wide < 0 ? 0 : (uint64_t)wide) +
                           away / 1000000 * CLOCK_DOM0_PPM + 1 +
                           m->clock.error_ns;
    }
}

static void load_redacted(struct doc *m)
{
    int64_t domid = doc_number(json_object_get(m->root, "redacted"), "domid",
                               DOC_UNKNOWN);

    m->redacted = domid >= 0 && domid <= UINT16_MAX;
    m->only = m->redacted ? domid : 0;
}

/* A recording has its fit in the note, since it is known only at the end. */
static const json_t *find_fit(const struct doc *m)
{
    const json_t *fit = json_object_get(json_object_get(m->root, "clock"),
                                        "fit");

    return fit || !m->recording
               ? fit
               : json_object_get(json_object_get(m->note, "clock"), "fit");
}

static int load_clock(struct doc *m, char *err, size_t err_bytes)
{
    const json_t *clock = json_object_get(m->root, "clock");
    const json_t *fit = find_fit(m);
    int64_t khz = doc_number(clock, "tsc_khz", 0);
    int64_t ns = doc_number(json_object_get(m->root, "trigger"), "ns", -1);
    int rc;

    if ( khz < MIN_KHZ || khz > MAX_KHZ )
        return bad(err, err_bytes, "clock: no usable tsc_khz");

    m->tsc_khz = khz;
    m->has_ns = ns >= 0;
    m->clock = (struct clock_fit){ .tsc_khz = khz, .tsc = m->tsc,
                                   .ns = ns < 0 ? 0 : ns };
    rc = fit ? clock_from_json(&m->clock, fit) : 0;
    if ( rc == -EBADMSG )
        return bad(err, err_bytes, "clock: invalid fit");
    if ( rc )
        return rc;
    m->has_fit = fit;
    m->has_ns |= m->has_fit;
    find_dom0(m, json_object_get(clock, "pairs"));
    return 0;
}

/*
 * Clocks.
 */

static const char *const clock_name[DOC_CLOCKS] = {
    [DOC_CLOCK_REL] = "rel",
    [DOC_CLOCK_TSC] = "tsc",
    [DOC_CLOCK_XEN] = "xen",
    [DOC_CLOCK_MONOTONIC] = "monotonic",
    [DOC_CLOCK_REALTIME] = "realtime",
};

enum doc_clock doc_clock_find(const char *name)
{
    enum doc_clock i;

    for ( i = 0; i < DOC_CLOCKS && strcmp(name, clock_name[i]); i++ )
        ;
    return i;
}

const char *doc_clock_name(enum doc_clock clock)
{
    return clock_name[clock];
}

bool doc_clock_known(const struct doc *m, enum doc_clock clock)
{
    switch ( clock )
    {
    case DOC_CLOCK_XEN:
        return m->has_ns;
    case DOC_CLOCK_MONOTONIC:
        return m->has_mono;
    case DOC_CLOCK_REALTIME:
        return m->has_wall;
    default:
        return true;
    }
}

int64_t doc_clock_at(const struct doc *m, enum doc_clock clock, uint64_t tsc)
{
    int64_t ns = doc_ns(m, tsc), from = 0;

    switch ( clock )
    {
    case DOC_CLOCK_TSC:
        return tsc;
    case DOC_CLOCK_XEN:
        from = m->clock.ns;
        break;
    case DOC_CLOCK_MONOTONIC:
        from = m->mono_ns;
        break;
    case DOC_CLOCK_REALTIME:
        from = m->wall_ns;
        break;
    default:
        return ns;
    }

    return saturating_add(from, ns);
}

uint64_t doc_clock_error(const struct doc *m, enum doc_clock clock,
                         uint64_t tsc)
{
    int64_t ns = doc_ns(m, tsc);
    uint64_t away = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

    if ( clock != DOC_CLOCK_MONOTONIC && clock != DOC_CLOCK_REALTIME )
        return m->clock.error_ns;
    return m->dom0_error_ns + away / 1000000 * CLOCK_DOM0_PPM;
}

bool doc_window(const struct doc *m, const char *channel, int64_t *from_ns,
                int64_t *to_ns)
{
    const json_t *w = json_object_get(json_object_get(m->root, "window"),
                                      channel);
    int64_t from = doc_number(w, "from_tsc", -1);
    int64_t to = doc_number(w, "to_tsc", -1);

    if ( from < 0 || to < from )
        return false;

    *from_ns = doc_ns(m, from);
    *to_ns = doc_ns(m, to);
    return true;
}

/* Return a domid, vCPU or pCPU, of 16 bits, or DOC_UNKNOWN. */
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

static int set_history(struct doc *m)
{
    const json_t *recorded = json_object_get(m->note, "recorded");
    int64_t missed = doc_number(recorded, "missed", DOC_UNKNOWN);
    char why[96] = "";

    if ( !missed )
        return 0;
    if ( missed > 0 )
        snprintf(why, sizeof(why), "%lld packets were overwritten before they "
                 "were read", (long long)missed);
    else
        snprintf(why, sizeof(why), "the recording has no end");
    return json_object_set_new(m->root, "history", json_string("partial")) ||
                   json_object_set_new(m->root, "history_why",
                                       json_pack("[s]", why))
               ? -ENOMEM
               : 0;
}

/*
 * Merge `more' into `domains', by number and uuid.  `index' keeps this linear,
 * since a file may have very many of both.
 */
static int join_domains(json_t *domains, json_t *more, json_t *index)
{
    json_t *const list[] = { domains, more };
    char key[80];

    for ( unsigned int n = 0; n < 2; n++ )
    {
        /* `domains' grows during the second pass. */
        size_t nr = json_array_size(list[n]);

        for ( size_t i = 0; i < nr; i++ )
        {
            json_t *d = json_array_get(list[n], i), *known;

            snprintf(key, sizeof(key), "%" PRId64 " %.50s",
                     doc_number(d, "domid", DOC_UNKNOWN),
                     doc_text(d, "uuid", ""));
            known = n ? json_object_get(index, key) : NULL;
            if ( !json_is_object(d) )
                continue;
            if ( known ? json_object_update(known, d)
                       : (n && json_array_append(domains, d)) ||
                             json_object_set_nocheck(index, key, d) )
                return -ENOMEM;
        }
    }

    return 0;
}

/* Move the parts of a recording's note to their place in the meta document. */
static int join_note(struct doc *m)
{
    json_t *domains = json_object_get(m->root, "domains");
    json_t *more = json_object_get(m->note, "domains");
    json_t *index;
    int rc = 0;

    if ( json_is_array(domains) && json_is_array(more) )
    {
        index = json_object();
        rc = index ? join_domains(domains, more, index) : -ENOMEM;
        json_decref(index);
    }
    return rc ? rc : set_history(m);
}

/* Index the domains: a reader looks one up for each record that names it. */
static int index_domains(struct doc *m)
{
    const json_t *domains = json_object_get(m->root, "domains"), *d;
    size_t i;

    if ( !json_array_size(domains) )
        return 0;
    m->by_domid = calloc(DOC_DOMIDS, sizeof(*m->by_domid));
    if ( !m->by_domid )
        return -ENOMEM;

    json_array_foreach(domains, i, d)
    {
        int64_t domid = small_number(d, "domid");

        if ( domid >= 0 && !m->by_domid[domid] )
            m->by_domid[domid] = d;
    }
    return 0;
}

static int load_root(struct snapshot *s, bool want_dict, struct doc *m,
                     char *err, size_t err_bytes)
{
    const json_t *dict;
    int rc;

    rc = load_json(s, SNAPSHOT_META, want_dict, &m->root);
    if ( rc == -EBADMSG )
        bad(err, err_bytes, "the meta document cannot be read");
    if ( rc == -ENOENT )
        snprintf(err, err_bytes, "the file ends before its meta document");
    if ( rc )
        return rc;

    if ( doc_number(m->root, "format", 0) != FORMAT )
        return bad(err, err_bytes, "unknown format of the meta document");

    m->recording = json_is_true(json_object_get(m->root, "recording"));
    load_redacted(m);
    /* The note is optional: a damaged one is ignored. */
    rc = load_json(s, SNAPSHOT_NOTE, true, &m->note);
    if ( rc && rc != -ENOENT && rc != -EBADMSG )
        return rc;

    rc = m->recording ? join_note(m) : 0;
    if ( !rc )
        rc = index_domains(m);
    if ( !rc )
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
        doc_free(m);
    return rc;
}

void doc_free(struct doc *m)
{
    clock_free(&m->clock);
    json_decref(m->root);
    json_decref(m->note);
    free(m->by_domid);
    event_dict_free(m->dict);
    memset(m, 0, sizeof(*m));
}

bool doc_is_other(const struct doc *m, uint32_t domid)
{
    return m->redacted && domid == DOC_OTHER;
}

const json_t *doc_domain(const struct doc *m, uint32_t domid)
{
    return m->by_domid && domid < DOC_DOMIDS ? m->by_domid[domid] : NULL;
}

static bool matches(const char *key, const char *name, const char *uuid)
{
    return !strcmp(key, name) || !strcasecmp(key, uuid);
}

bool doc_is_domid(const char *key, uint32_t *domid)
{
    unsigned long n;
    char *end;

    if ( key[0] < '0' || key[0] > '9' )
        return false;
    n = strtoul(key, &end, 10);
    *domid = n;
    return !*end && n <= 0x7fff;
}

static unsigned int add_domid(struct doc_domids *set, uint32_t domid)
{
    bool known = doc_has_domid(set, domid);

    set->bit[domid / 8] |= 1U << domid % 8;
    return !known;
}

unsigned int doc_find_domains(const struct doc *m, const char *key,
                              struct doc_domids *set)
{
    const json_t *domains = json_object_get(m->root, "domains"), *d;
    unsigned int nr = 0;
    uint32_t domid;
    size_t i;

    memset(set, 0, sizeof(*set));
    if ( !key[0] )
        return 0;
    if ( doc_is_domid(key, &domid) )
        return add_domid(set, domid);

    json_array_foreach(domains, i, d)
        if ( small_number(d, "domid") >= 0 &&
             matches(key, doc_text(d, "name", ""), doc_text(d, "uuid", "")) )
            nr += add_domid(set, small_number(d, "domid"));

    /* A domain that died may be named by the trigger only. */
    if ( m->domid >= 0 && matches(key, m->name, m->uuid) )
        nr += add_domid(set, m->domid);
    return nr;
}

bool doc_find_domain(const struct doc *m, const char *key, uint32_t *domid)
{
    const json_t *domains = json_object_get(m->root, "domains"), *d;
    struct doc_domids set;
    bool alive = false;
    size_t i;

    if ( !doc_find_domains(m, key, &set) )
        return false;
    if ( doc_is_domid(key, domid) )
        return true;

    if ( m->domid >= 0 && doc_has_domid(&set, m->domid) )
    {
        *domid = m->domid;
        return true;
    }

    json_array_foreach(domains, i, d)
    {
        bool gone = json_is_true(json_object_get(d, "gone"));

        if ( small_number(d, "domid") < 0 || (alive && gone) ||
             !matches(key, doc_text(d, "name", ""), doc_text(d, "uuid", "")) )
            continue;
        *domid = small_number(d, "domid");
        alive = !gone;
    }
    return true;
}
