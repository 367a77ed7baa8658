/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domains.c: matches the domains of one recording with those of another.
 *
 * A domain is matched by uuid first.  A guest without a uuid in its
 * configuration gets a new one each time it is created, so the name is tried
 * next.  The number decides only where one file has nothing else: otherwise
 * domain 3 of one host would be compared with an unrelated domain 3 of
 * another.
 *
 * A file can name a domain in each record, and hold any number of domains in
 * its document.  So no look-up may walk all domains.
 */

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "tools/diff/diff.h"

/* DOMID_SELF and so on, up to idle's. */
#define FIRST_SPECIAL 0x7ff0

#define NO_UUID "00000000-0000-0000-0000-000000000000"

/* A domain as a document describes it. */
struct known {
    uint32_t domid, slot;
    unsigned int later;
    const char *name, *uuid;
    bool gone;
};

static struct diff_domain *add(struct diff *d)
{
    struct diff_domain *dom;

    if ( d->domains == DIFF_DOMAINS )
        return NULL;

    dom = &d->domain[d->domains++];
    dom->name = dom->uuid[DIFF_A] = dom->uuid[DIFF_B] = "";
    dom->domid[DIFF_A] = dom->domid[DIFF_B] = MERGE_NO_DOMAIN;
    return dom;
}

static int by_uuid(const void *a, const void *b)
{
    const struct diff_key *x = a, *y = b;

    return strcasecmp(x->text, y->text);
}

static int by_name(const void *a, const void *b)
{
    const struct diff_key *x = a, *y = b;

    return strcmp(x->text, y->text);
}

/* The first domain with a uuid keeps it.  Without memory it is not found. */
static void add_uuid(struct diff *d, uint16_t index, const char *uuid)
{
    struct diff_key *new = &d->uuid_key[d->uuid_keys], **key;

    if ( d->uuid_keys == 2 * DIFF_DOMAINS )
        return;

    *new = (struct diff_key){ uuid, index, index };
    key = tsearch(new, &d->by_uuid, by_uuid);
    d->uuid_keys += key && *key == new;
}

static void add_name(struct diff *d, uint16_t index, const char *name)
{
    struct diff_key *new = &d->name_key[d->name_keys], **key;

    if ( d->name_keys == DIFF_DOMAINS )
        return;

    *new = (struct diff_key){ name, index, index };
    key = tsearch(new, &d->by_name, by_name);
    if ( !key )
        return;
    if ( *key == new )
        d->name_keys++;
    else if ( (*key)->first )
        d->next_named[(*key)->last - 1] = index;
    else
        (*key)->first = index;
    (*key)->last = index;
}

static void attach(struct diff *d, unsigned int side, struct diff_domain *dom,
                   const struct known *k)
{
    uint16_t index = dom - d->domain + 1;

    dom->known[side] = true;
    dom->in[side] |= !k->gone;
    dom->domid[side] = k->domid;
    dom->later[side] = k->later;
    if ( !dom->name[0] && k->name[0] )
    {
        dom->name = k->name;
        add_name(d, index, k->name);
    }
    if ( k->uuid[0] )
    {
        dom->uuid[side] = k->uuid;
        add_uuid(d, index, k->uuid);
    }
    if ( k->slot < DIFF_DOMIDS )
        d->side[side].domain[k->slot] = index;
}

/* The domain with a number on a side, or NULL. */
static struct diff_domain *at_number(struct diff *d, unsigned int side,
                                     uint32_t domid)
{
    uint16_t index = domid < DIFF_DOMIDS ? d->side[side].domain[domid] : 0;

    return index && index != DIFF_NO_ROOM ? &d->domain[index - 1] : NULL;
}

/* After a reboot a domain has two numbers in a file. */
static struct diff_domain *find_uuid(struct diff *d, unsigned int side,
                                     const struct known *k)
{
    const struct diff_key want = { .text = k->uuid };
    struct diff_key **key;

    if ( !k->domid )
        return at_number(d, !side, 0) ? at_number(d, !side, 0)
                                      : at_number(d, side, 0);

    key = k->uuid[0] ? tfind(&want, &d->by_uuid, by_uuid) : NULL;
    return key ? &d->domain[(*key)->first - 1] : NULL;
}

/* Domains that the side knows already are taken off the list for good. */
static struct diff_domain *find_name(struct diff *d, unsigned int side,
                                     const struct known *k)
{
    const struct diff_key want = { .text = k->name };
    struct diff_key **key;

    key = k->domid && k->name[0] ? tfind(&want, &d->by_name, by_name) : NULL;
    for ( ; key && (*key)->first;
          (*key)->first = d->next_named[(*key)->first - 1] )
    {
        struct diff_domain *dom = &d->domain[(*key)->first - 1];

        if ( !dom->known[side] )
            return dom;
    }

    return NULL;
}

static struct diff_domain *find_number(struct diff *d, unsigned int side,
                                       const struct known *k)
{
    struct diff_domain *dom = at_number(d, !side, k->domid);

    if ( !dom || dom->known[side] || dom->domid[!side] != k->domid )
        return NULL;
    return (!dom->name[0] && !dom->uuid[!side][0]) ||
           (!k->name[0] && !k->uuid[0]) ? dom : NULL;
}

/* Attach @k to the domain that a rule finds.  Return false if there is none. */
static bool find(struct diff *d, unsigned int side, const struct known *k,
                 enum diff_match match,
                 struct diff_domain *(*rule)(struct diff *d, unsigned int side,
                                             const struct known *k))
{
    struct diff_domain *dom = rule(d, side, k);

    if ( !dom )
        return false;

    if ( dom->known[!side] && !dom->known[side] )
        dom->match = match;
    attach(d, side, dom, k);
    return true;
}

uint32_t diff_slot(const struct diff_side *side, uint32_t domid,
                   unsigned int later)
{
    const struct lives *lives = side->src->lives;
    const struct life *life = later ? lives_before(lives, domid, later) : NULL;
    size_t nth = life ? life - lives_nth(lives, 0) : 0;

    if ( !life )
        return domid;
    /* A hostile file can have more: those share the last one. */
    return DIFF_EARLIER + nth < DIFF_DOMIDS - 2 ? DIFF_EARLIER + nth
                                                : DIFF_DOMIDS - 2;
}

uint32_t diff_slot_at(const struct diff_side *side, uint32_t domid,
                      uint64_t tsc)
{
    return diff_slot(side, domid, lives_later(side->src->lives, domid, tsc));
}

/* Get the i-th life of the file.  Return false if there are no more. */
static bool nth_life(const struct diff_side *side, size_t i, struct known *k)
{
    const struct lives *lives = side->src->lives;
    const struct life *life = i < lives_nr(lives) ? lives_nth(lives, i) : NULL;

    if ( !life )
        return false;

    *k = (struct known){ life->domid, diff_slot(side, life->domid, life->later),
                         life->later, life->name, life->uuid, life->gone };
    if ( !strcmp(k->uuid, NO_UUID) )
        k->uuid = "";
    if ( k->domid >= DIFF_DOMIDS - 1 )
        k->domid = MERGE_NO_DOMAIN;
    return true;
}

/* Get the i-th domain of a document.  The last one is that of the trigger.
 * Return false if there are no more. */
static bool nth(const struct diff_side *side, size_t i, struct known *k)
{
    const struct doc *doc = &side->src->doc;
    const json_t *list = json_object_get(doc->root, "domains");
    const json_t *dom = json_array_get(list, i);
    int64_t domid = doc_number(dom, "domid", -1);

    if ( side->src->lives )
        return nth_life(side, i, k);
    if ( i > json_array_size(list) )
        return false;

    *k = (struct known){ MERGE_NO_DOMAIN, MERGE_NO_DOMAIN, 0,
                         doc_text(dom, "name", ""),
                         doc_text(dom, "uuid", ""),
                         json_is_true(json_object_get(dom, "gone")) };
    if ( i == json_array_size(list) )
    {
        domid = doc->domid;
        k->name = doc->name;
        k->uuid = doc->uuid;
    }
    if ( !strcmp(k->uuid, NO_UUID) )
        k->uuid = "";
    if ( domid >= 0 && domid < DIFF_DOMIDS - 1 )
        k->domid = k->slot = domid;
    return true;
}

/* Whether no pass has placed the domain yet. */
static bool is_open(const struct diff *d, unsigned int side,
                    const struct known *k)
{
    return k->domid != MERGE_NO_DOMAIN && !d->side[side].domain[k->slot];
}

static void place(struct diff *d, unsigned int side)
{
    const struct diff_side *s = &d->side[side];
    struct diff_domain *dom;
    struct known k;

    /* One pass over all domains for each rule: an earlier rule takes a domain
     * before a weaker one can. */
    for ( size_t i = 0; side == DIFF_B && nth(s, i, &k); i++ )
        if ( is_open(d, side, &k) )
            find(d, side, &k, DIFF_SAME, find_uuid);
    for ( size_t i = 0; side == DIFF_B && nth(s, i, &k); i++ )
        if ( is_open(d, side, &k) )
            find(d, side, &k, DIFF_BY_NAME, find_name);
    for ( size_t i = 0; side == DIFF_B && nth(s, i, &k); i++ )
        if ( is_open(d, side, &k) )
            find(d, side, &k, DIFF_BY_NUMBER, find_number);

    for ( size_t i = 0; nth(s, i, &k); i++ )
        if ( is_open(d, side, &k) &&
             !find(d, side, &k, DIFF_SAME, find_uuid) && (dom = add(d)) )
            attach(d, side, dom, &k);
}

/* Both sides are one file, and so have the same domains. */
static void mirror(struct diff *d)
{
    memcpy(d->side[DIFF_B].domain, d->side[DIFF_A].domain,
           sizeof(d->side[DIFF_B].domain));
    for ( unsigned int i = 0; i < d->domains; i++ )
    {
        d->domain[i].known[DIFF_B] = true;
        d->domain[i].in[DIFF_B] = d->domain[i].in[DIFF_A];
        d->domain[i].domid[DIFF_B] = d->domain[i].domid[DIFF_A];
        d->domain[i].later[DIFF_B] = d->domain[i].later[DIFF_A];
    }
}

void diff_match(struct diff *d)
{
    place(d, DIFF_A);
    if ( d->one_file )
        mirror(d);
    else
        place(d, DIFF_B);
}

struct diff_domain *diff_domain(struct diff *d, unsigned int side,
                                uint32_t slot)
{
    struct known k = { slot, slot, 0, "", "", false };
    struct diff_domain *dom;
    uint16_t known;

    /* Records without a domain share the last, impossible id. */
    if ( slot >= DIFF_DOMIDS )
        k.domid = k.slot = DIFF_DOMIDS - 1;
    known = d->side[side].domain[k.slot];
    if ( known == DIFF_NO_ROOM )
        return NULL;
    if ( !known && !find(d, side, &k, k.domid < FIRST_SPECIAL ? DIFF_BY_NUMBER
                                                              : DIFF_SAME,
                         find_number) )
    {
        dom = add(d);
        if ( !dom )
        {
            d->side[side].domain[k.slot] = DIFF_NO_ROOM;
            return NULL;
        }
        attach(d, side, dom, &k);
        if ( d->one_file )
            attach(d, !side, dom, &k);
    }

    dom = &d->domain[d->side[side].domain[k.slot] - 1];
    dom->in[side] = true;
    return dom;
}

bool diff_is_special(const struct diff_domain *dom)
{
    return dom->domid[dom->known[DIFF_A] ? DIFF_A : DIFF_B] >= FIRST_SPECIAL;
}

bool diff_only_in(const struct diff_domain *dom, unsigned int side)
{
    if ( !dom->in[side] || diff_is_special(dom) )
        return false;
    return !dom->in[!side] || (dom->vcpus[side] && !dom->vcpus[!side]);
}

static const char *number(uint32_t domid, char *buf, size_t bytes)
{
    if ( domid >= DIFF_DOMIDS - 1 )
        return "(unknown domain)";
    if ( domid == VCPU_IDLE_DOMAIN )
        return "(idle)";
    snprintf(buf, bytes, "d%" PRIu32, domid);
    return buf;
}

const char *diff_label(const struct diff_domain *dom, char *buf, size_t bytes)
{
    char a[24], b[24], ids[48], name[80] = "";

    if ( !dom )
    {
        snprintf(buf, bytes, "all");
        return buf;
    }

    if ( dom->known[DIFF_A] && dom->known[DIFF_B] &&
         dom->domid[DIFF_A] != dom->domid[DIFF_B] )
        snprintf(ids, sizeof(ids), "%s,%s",
                 number(dom->domid[DIFF_A], a, sizeof(a)),
                 number(dom->domid[DIFF_B], b, sizeof(b)));
    else
        snprintf(ids, sizeof(ids), "%s",
                 number(dom->domid[dom->known[DIFF_A] ? DIFF_A : DIFF_B], a,
                        sizeof(a)));
    if ( dom->name[0] )
        text_escape(name, sizeof(name), dom->name);
    snprintf(buf, bytes, "%s%s%s", ids, name[0] ? " " : "", name);
    return buf;
}
