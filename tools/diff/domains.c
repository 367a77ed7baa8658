/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domains.c: matches the domains of one recording with those of another.
 *
 * A domain is matched by uuid first.  A guest without a uuid in its
 * configuration gets a new one each time it is created, so the name is tried
 * next.  The number decides only where one file has nothing else: otherwise
 * domain 3 of one host would be compared with an unrelated domain 3 of
 * another.
 */

#include <inttypes.h>
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
    uint32_t domid;
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

static void attach(struct diff *d, unsigned int side, struct diff_domain *dom,
                   const struct known *k)
{
    dom->known[side] = true;
    dom->in[side] |= !k->gone;
    dom->domid[side] = k->domid;
    if ( !dom->name[0] )
        dom->name = k->name;
    if ( k->uuid[0] )
        dom->uuid[side] = k->uuid;
    if ( k->domid < DIFF_DOMIDS )
        d->side[side].domain[k->domid] = dom - d->domain + 1;
}

/* After a reboot a domain has two numbers in a file. */
static bool same_uuid(const struct diff_domain *dom, unsigned int side,
                      const struct known *k)
{
    if ( !k->domid )
        return (dom->known[DIFF_A] && !dom->domid[DIFF_A]) ||
               (dom->known[DIFF_B] && !dom->domid[DIFF_B]);
    return k->uuid[0] && (!strcasecmp(dom->uuid[DIFF_A], k->uuid) ||
                          !strcasecmp(dom->uuid[DIFF_B], k->uuid));
}

static bool same_name(const struct diff_domain *dom, unsigned int side,
                      const struct known *k)
{
    return !dom->known[side] && k->domid && k->name[0] &&
           !strcmp(dom->name, k->name);
}

static bool same_number(const struct diff_domain *dom, unsigned int side,
                        const struct known *k)
{
    return !dom->known[side] && dom->domid[!side] == k->domid &&
           ((!dom->name[0] && !dom->uuid[!side][0]) ||
            (!k->name[0] && !k->uuid[0]));
}

static bool find(struct diff *d, unsigned int side, const struct known *k,
                 enum diff_match match,
                 bool (*same)(const struct diff_domain *dom, unsigned int side,
                              const struct known *k))
{
    for ( unsigned int i = 0; i < d->domains; i++ )
        if ( same(&d->domain[i], side, k) )
        {
            if ( d->domain[i].known[!side] && !d->domain[i].known[side] )
                d->domain[i].match = match;
            attach(d, side, &d->domain[i], k);
            return true;
        }

    return false;
}

/* Get the i-th domain of a document.  The last one is that of the trigger.
 * Return false if there are no more. */
static bool nth(const struct doc *doc, size_t i, struct known *k)
{
    const json_t *list = json_object_get(doc->root, "domains");
    const json_t *dom = json_array_get(list, i);
    int64_t domid = doc_number(dom, "domid", -1);

    if ( i > json_array_size(list) )
        return false;

    *k = (struct known){ MERGE_NO_DOMAIN, doc_text(dom, "name", ""),
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
        k->domid = domid;
    return true;
}

/* Whether no pass has placed the domain yet. */
static bool is_open(const struct diff *d, unsigned int side,
                    const struct known *k)
{
    return k->domid != MERGE_NO_DOMAIN && !d->side[side].domain[k->domid];
}

static void place(struct diff *d, unsigned int side)
{
    const struct doc *doc = &d->side[side].src->doc;
    struct diff_domain *dom;
    struct known k;

    /* One pass over all domains for each rule: an earlier rule takes a domain
     * before a weaker one can. */
    for ( size_t i = 0; side == DIFF_B && nth(doc, i, &k); i++ )
        if ( is_open(d, side, &k) )
            find(d, side, &k, DIFF_SAME, same_uuid);
    for ( size_t i = 0; side == DIFF_B && nth(doc, i, &k); i++ )
        if ( is_open(d, side, &k) )
            find(d, side, &k, DIFF_BY_NAME, same_name);
    for ( size_t i = 0; side == DIFF_B && nth(doc, i, &k); i++ )
        if ( is_open(d, side, &k) )
            find(d, side, &k, DIFF_BY_NUMBER, same_number);

    for ( size_t i = 0; nth(doc, i, &k); i++ )
        if ( is_open(d, side, &k) &&
             !find(d, side, &k, DIFF_SAME, same_uuid) && (dom = add(d)) )
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
                                uint32_t domid)
{
    struct known k = { domid, "", "", false };
    struct diff_domain *dom;
    uint16_t known;

    /* Records without a domain share the last, impossible id. */
    if ( domid >= DIFF_DOMIDS )
        k.domid = DIFF_DOMIDS - 1;
    known = d->side[side].domain[k.domid];
    if ( !known && !find(d, side, &k, k.domid < FIRST_SPECIAL ? DIFF_BY_NUMBER
                                                              : DIFF_SAME,
                         same_number) )
    {
        dom = add(d);
        if ( !dom )
            return NULL;
        attach(d, side, dom, &k);
        if ( d->one_file )
            attach(d, !side, dom, &k);
    }

    dom = &d->domain[d->side[side].domain[k.domid] - 1];
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
