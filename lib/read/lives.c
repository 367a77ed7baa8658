/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lives.c: divide the time of each domain number among its domains. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/read/lives.h"
#include "lib/read/merge.h"

/* Written by Xen when a domain is created and when it is destroyed. */
#define EV_SCHED_DOM_ADD 0x00028001U
#define EV_SCHED_DOM_REM 0x00028002U
#define EV_DOM0_DOM_ADD  0x00041001U
#define EV_DOM0_DOM_REM  0x00041002U

#define DOMIDS     65536
/* Of a file; later ones are ignored.  A real file has some hundreds. */
#define MAX_BIRTHS (1U << 20)

/* Records of a number since its last birth. */
#define SEEN_SCHED_ADD 1U
#define SEEN_DOM0_ADD  2U
#define SEEN_REMOVE    4U

struct birth {
    uint32_t domid;
    uint32_t nth;              /* in the file; keeps the order of a sort */
    uint64_t tsc;
    bool removed;              /* after a removal: there was a life before */
};

struct entry {
    uint32_t domid;
    uint32_t nth;              /* in the document */
    const json_t *json;
};

struct lives {
    const struct doc *doc;
    struct life *life;         /* by domid, then time */
    unsigned int nr;

    /* Only while loading. */
    uint8_t *seen;             /* by domid */
    uint64_t *removed;         /* by domid: TSC of the newest removal */
    struct birth *birth;
    size_t nr_births, room;
    struct entry *entry;
    size_t nr_entries;
};

/*
 * Births.
 */

static int add_birth(struct lives *l, uint32_t domid, uint64_t tsc)
{
    struct birth *more;
    size_t room;

    if ( l->nr_births == MAX_BIRTHS )
        return 0;
    if ( l->nr_births == l->room )
    {
        room = l->room ? 2 * l->room : 64;
        more = reallocarray(l->birth, room, sizeof(*more));
        if ( !more )
            return -ENOMEM;
        l->birth = more;
        l->room = room;
    }
    l->birth[l->nr_births] = (struct birth){
        .domid = domid, .nth = l->nr_births, .tsc = tsc,
        .removed = l->seen[domid] & SEEN_REMOVE,
    };
    l->nr_births++;
    return 0;
}

/* Xen writes two records for one creation, in either order. */
static int see_add(struct lives *l, uint32_t domid, uint64_t tsc, uint8_t add)
{
    uint8_t seen = l->seen[domid];
    int rc = 0;

    if ( !seen || seen & (add | SEEN_REMOVE) )
    {
        rc = add_birth(l, domid, tsc);
        seen = 0;
    }
    l->seen[domid] = seen | add;
    return rc;
}

static int see_record(struct lives *l, const struct merge_record *rec)
{
    struct event_who dom;

    if ( rec->kind != MERGE_EVENT || !rec->desc ||
         !event_domain(rec->desc, 0, rec->data, rec->words, &dom) ||
         dom.domid >= DOMIDS )
        return 0;

    switch ( rec->event )
    {
    case EV_SCHED_DOM_ADD:
        return see_add(l, dom.domid, rec->tsc, SEEN_SCHED_ADD);
    case EV_DOM0_DOM_ADD:
        return see_add(l, dom.domid, rec->tsc, SEEN_DOM0_ADD);
    case EV_SCHED_DOM_REM:
    case EV_DOM0_DOM_REM:
        l->seen[dom.domid] |= SEEN_REMOVE;
        l->removed[dom.domid] = rec->tsc;
        break;
    }
    return 0;
}

/* Read errors are left to the reader of the records. */
static int find_births(struct lives *l, struct snapshot *s)
{
    struct merge_record rec;
    struct merge *m;
    int rc = merge_open_rare(s, l->doc->dict, &l->doc->clock, &m);

    if ( rc )
        return rc == -ENOMEM ? rc : 0;
    while ( !rc && merge_next(m, &rec) > 0 )
        rc = see_record(l, &rec);
    merge_close(m);
    return rc;
}

static int compare_births(const void *x, const void *y)
{
    const struct birth *a = x, *b = y;

    if ( a->domid != b->domid )
        return a->domid < b->domid ? -1 : 1;
    return a->nth < b->nth ? -1 : a->nth > b->nth;
}

/*
 * Entries of the document.
 */

static int find_entries(struct lives *l)
{
    const json_t *domains = json_object_get(l->doc->root, "domains"), *d;
    size_t i;

    l->entry = calloc(json_array_size(domains) + 1, sizeof(*l->entry));
    if ( !l->entry )
        return -ENOMEM;

    json_array_foreach(domains, i, d)
    {
        int64_t domid = doc_number(d, "domid", DOC_UNKNOWN);

        if ( domid >= 0 && domid < DOMIDS )
            l->entry[l->nr_entries++] = (struct entry){
                .domid = domid, .nth = i, .json = d,
            };
    }
    return 0;
}

static bool is_gone(const struct entry *e)
{
    return json_is_true(json_object_get(e->json, "gone"));
}

/* Only the last domain of a number can be alive. */
static int compare_entries(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;

    if ( a->domid != b->domid )
        return a->domid < b->domid ? -1 : 1;
    if ( is_gone(a) != is_gone(b) )
        return is_gone(a) ? -1 : 1;
    return a->nth < b->nth ? -1 : a->nth > b->nth;
}

/*
 * Lives.
 */

/* The births and entries of one number. */
struct number {
    uint32_t domid;
    const struct birth *birth;
    size_t births;
    const struct entry *entry;
    size_t entries;
};

/* Get the next number that has births or entries; both are sorted. */
static bool next_number(const struct lives *l, size_t nr_births, size_t *b,
                        size_t *e, struct number *n)
{
    if ( *b == nr_births && *e == l->nr_entries )
        return false;

    n->domid = *b == nr_births || (*e < l->nr_entries &&
                                   l->entry[*e].domid < l->birth[*b].domid)
                   ? l->entry[*e].domid
                   : l->birth[*b].domid;
    n->birth = l->birth + *b;
    n->entry = l->entry + *e;
    for ( n->births = 0;
          *b < nr_births && l->birth[*b].domid == n->domid; ++*b )
        n->births++;
    for ( n->entries = 0;
          *e < l->nr_entries && l->entry[*e].domid == n->domid; ++*e )
        n->entries++;
    return true;
}

/*
 * There is a life before the first birth if its end was recorded, or if it has
 * an entry.
 */
static bool has_life_before(const struct number *n)
{
    return !n->births || n->birth[0].removed || n->entries > n->births;
}

/*
 * Add births that are not recorded: a removed number that has more entries than
 * lives, the last of them alive, was given again after the removal.
 */
static int add_missing(struct lives *l)
{
    size_t births = l->nr_births, b = 0, e = 0;
    struct number n;
    int rc = 0;

    while ( !rc && next_number(l, births, &b, &e, &n) )
        if ( l->seen[n.domid] & SEEN_REMOVE &&
             n.entries > n.births + has_life_before(&n) &&
             !is_gone(&n.entry[n.entries - 1]) )
            rc = add_birth(l, n.domid, l->removed[n.domid] + 1);
    return rc;
}

/* Make the lives of a number, without names. */
static struct life *make_lives(struct lives *l, const struct number *n,
                               size_t *nr)
{
    struct life *first = &l->life[l->nr];
    bool before = has_life_before(n);
    size_t i;

    *nr = n->births + before;
    for ( i = 0; i < *nr; i++ )
    {
        first[i] = (struct life){
            .domid = n->domid, .to = UINT64_MAX, .name = "", .uuid = "",
            .later = *nr - 1 - i,
        };
        if ( !i )
            continue;
        first[i].from = n->birth[i - before].tsc;
        first[i - 1].to = first[i].from;
    }
    l->nr += *nr;
    return first;
}

static void set_entry(struct life *life, const struct entry *e)
{
    life->entry = e->json;
    life->name = doc_text(e->json, "name", "");
    life->uuid = doc_text(e->json, "uuid", "");
    life->gone = is_gone(e);
}

/* Return the last of @nr lives that has begun by @tsc. */
static size_t find_life(const struct life *life, size_t nr, uint64_t tsc)
{
    size_t lo = 0, hi = nr - 1;

    while ( lo < hi )
    {
        size_t mid = (lo + hi + 1) / 2;

        if ( life[mid].from <= tsc )
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

/* Return the newest entry with this uuid, or n->entries. */
static size_t find_uuid(const struct number *n, const char *uuid)
{
    for ( size_t i = n->entries; i--; )
        if ( !strcasecmp(doc_text(n->entry[i].json, "uuid", ""), uuid) )
            return i;
    return n->entries;
}

/* Give the lives of a number their entries. */
static void name_lives(const struct lives *l, const struct number *n,
                       struct life *life, size_t nr)
{
    const struct doc *d = l->doc;
    bool is_trigger = d->domid == (int64_t)n->domid;
    /* Entry i is that of life i + shift. */
    int64_t shift = (int64_t)nr - (int64_t)n->entries;
    size_t at = find_life(life, nr, d->tsc), entry = n->entries;

    if ( is_trigger && d->uuid[0] )
        entry = find_uuid(n, d->uuid);
    if ( entry < n->entries )
        shift = (int64_t)at - (int64_t)entry;

    for ( size_t i = 0; i < n->entries; i++ )
        if ( (int64_t)i + shift >= 0 && (int64_t)i + shift < (int64_t)nr )
            set_entry(&life[i + shift], &n->entry[i]);

    if ( !is_trigger )
        return;
    /* The dead domain may not be listed, but only its successor. */
    if ( d->uuid[0] && strcasecmp(life[at].uuid, d->uuid) )
    {
        if ( life[at].uuid[0] )
        {
            life[at].entry = NULL;
            life[at].name = "";
        }
        life[at].uuid = d->uuid;
    }
    if ( !life[at].name[0] )
        life[at].name = d->name;
}

static void name_number(struct lives *l, const struct number *n)
{
    size_t nr;
    struct life *life = make_lives(l, n, &nr);

    name_lives(l, n, life, nr);
}

static int divide(struct lives *l)
{
    const struct number trigger = { .domid = l->doc->domid };
    bool done = l->doc->domid < 0;
    struct number n;
    size_t b = 0, e = 0;

    /* A number has a life more than births, and the trigger's one. */
    l->life = calloc(2 * l->nr_births + l->nr_entries + 1, sizeof(*l->life));
    if ( !l->life )
        return -ENOMEM;

    while ( next_number(l, l->nr_births, &b, &e, &n) )
    {
        /* The trigger's number may have neither births nor entries. */
        if ( !done && n.domid > trigger.domid )
            name_number(l, &trigger);
        done |= n.domid >= trigger.domid;
        name_number(l, &n);
    }
    if ( !done )
        name_number(l, &trigger);
    return 0;
}

static void sort_births(struct lives *l)
{
    if ( l->nr_births )
        qsort(l->birth, l->nr_births, sizeof(*l->birth), compare_births);
}

static int load(struct lives *l, struct snapshot *s)
{
    int rc = find_births(l, s);

    if ( !rc )
        rc = find_entries(l);
    if ( rc )
        return rc;

    sort_births(l);
    qsort(l->entry, l->nr_entries, sizeof(*l->entry), compare_entries);
    rc = add_missing(l);
    if ( rc )
        return rc;
    sort_births(l);
    return divide(l);
}

int lives_load(struct snapshot *s, const struct doc *d, struct lives **out)
{
    struct lives *l = calloc(1, sizeof(*l));
    int rc = -ENOMEM;

    if ( !l )
        return rc;

    l->doc = d;
    l->seen = calloc(DOMIDS, sizeof(*l->seen));
    l->removed = calloc(DOMIDS, sizeof(*l->removed));
    if ( l->seen && l->removed )
        rc = load(l, s);

    free(l->seen);
    free(l->removed);
    free(l->birth);
    free(l->entry);
    if ( rc )
        lives_free(l);
    else
        *out = l;
    return rc;
}

void lives_free(struct lives *l)
{
    if ( l )
        free(l->life);
    free(l);
}

/*
 * Look-up.
 */

const struct life *lives_at(const struct lives *l, uint32_t domid, uint64_t tsc)
{
    unsigned int lo = 0, hi = lives_nr(l);

    /* The last life of this or a lower number that has begun. */
    while ( lo < hi )
    {
        unsigned int mid = (lo + hi) / 2;
        const struct life *life = &l->life[mid];

        if ( life->domid < domid ||
             (life->domid == domid && life->from <= tsc) )
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo && l->life[lo - 1].domid == domid ? &l->life[lo - 1] : NULL;
}

const char *lives_name(const struct lives *l, uint32_t domid, uint64_t tsc)
{
    const struct life *life = lives_at(l, domid, tsc);

    return life ? life->name : "";
}

unsigned int lives_later(const struct lives *l, uint32_t domid, uint64_t tsc)
{
    const struct life *life = lives_at(l, domid, tsc);

    return life ? life->later : 0;
}

const struct life *lives_before(const struct lives *l, uint32_t domid,
                                unsigned int later)
{
    const struct life *last = lives_at(l, domid, UINT64_MAX);

    return last && lives_at(l, domid, 0)->later >= later ? last - later : NULL;
}

unsigned int lives_nr(const struct lives *l)
{
    return l ? l->nr : 0;
}

const struct life *lives_nth(const struct lives *l, unsigned int i)
{
    return &l->life[i];
}

bool lives_match(const struct life *life, const char *key)
{
    uint32_t domid;

    if ( doc_is_domid(key, &domid) )
        return life->domid == domid;
    return key[0] && (!strcmp(key, life->name) || !strcasecmp(key, life->uuid));
}

bool lives_is(const struct lives *l, const char *key, uint32_t domid,
              uint64_t tsc)
{
    const struct life *life;
    uint32_t number;

    if ( doc_is_domid(key, &number) )
        return domid == number;
    life = lives_at(l, domid, tsc);
    return life && lives_match(life, key);
}

const struct life *lives_find(const struct lives *l, const char *key)
{
    const struct life *trigger, *best = NULL;
    unsigned int nr = lives_nr(l);

    trigger = nr ? lives_at(l, l->doc->domid, l->doc->tsc) : NULL;
    if ( trigger && lives_match(trigger, key) )
        return trigger;
    for ( unsigned int i = 0; i < nr; i++ )
        if ( lives_match(&l->life[i], key) &&
             (!best || best->gone || !l->life[i].gone) )
            best = &l->life[i];
    return best;
}

bool lives_same(const struct life *a, const struct life *b)
{
    return a == b || (a->domid == b->domid && a->uuid[0] &&
                      !strcasecmp(a->uuid, b->uuid));
}
