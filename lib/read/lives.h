/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lives.h: which domain a domain number was at a given time.
 *
 * Xen reuses domain numbers, so a file may hold records of several domains
 * under one number.  Each of them is a life of the number:
 *
 *      domid 5   |<------ alice ------->|<--------- bob ---------->|
 *                                       ^ DOM0_DOM_ADD, SCHED_DOM_ADD
 *
 * A life begins with the creation of its domain and ends where the next one
 * begins, since records about a domain follow its destruction.  The first life
 * of a number reaches back to the begin of the file, the last one to its end.
 *
 * The document lists the domains of a number in the order of their lives, but
 * without times.  The last entry is taken for the last life, the entry before
 * it for the life before it, and so on.  If the trigger names a domain of that
 * number, its entry is taken for the life at the trigger instead.  A life
 * without an entry has no name: that of another life would be wrong.
 */

#ifndef XENFLIGHT_LIVES_H
#define XENFLIGHT_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/format/doc.h"

struct life {
    uint32_t domid;
    uint64_t from, to;         /* [from, to), on the trigger's clock */
    unsigned int later;        /* number of later lives of domid */
    const json_t *entry;       /* of "domains", or NULL */
    const char *name, *uuid;   /* "" if not known; must be escaped */
    bool gone;                 /* had ended when the document was written */
};

struct lives;

/*
 * Read the creations of domains from @s, and the names from @d, which must have
 * its dictionary and outlive the result.  The caller must lives_free() it.
 * Return 0 or -ENOMEM.  Parts of the file that cannot be read are skipped.
 */
int lives_load(struct snapshot *s, const struct doc *d, struct lives **out);
void lives_free(struct lives *l);

/*
 * Return the life of @domid at @tsc, or NULL if the file has neither an entry
 * nor a creation of that number.  @l may be NULL in all look-ups: no lives.
 */
const struct life *lives_at(const struct lives *l, uint32_t domid,
                            uint64_t tsc);
/* Return its name, or "" if it has none. */
const char *lives_name(const struct lives *l, uint32_t domid, uint64_t tsc);

/* Return life->later, or 0 if there is no life. */
unsigned int lives_later(const struct lives *l, uint32_t domid, uint64_t tsc);
/* Return the life of @domid that is followed by @later others, or NULL. */
const struct life *lives_before(const struct lives *l, uint32_t domid,
                                unsigned int later);

/* All lives, in ascending order of domid and time. */
unsigned int lives_nr(const struct lives *l);
const struct life *lives_nth(const struct lives *l, unsigned int i);

/* Return true if @key is the number, or else the name or uuid, of a life. */
bool lives_match(const struct life *life, const char *key);
/*
 * Return true if the domain with number @domid at @tsc matches @key.  A number
 * matches itself without a life, too.
 */
bool lives_is(const struct lives *l, const char *key, uint32_t domid,
              uint64_t tsc);
/*
 * Return the life that @key names: the trigger's, else the last one of a domain
 * that is alive, else the last; NULL if there is none.
 */
const struct life *lives_find(const struct lives *l, const char *key);
/* Return true if two lives of a number are of the same domain, by uuid. */
bool lives_same(const struct life *a, const struct life *b);

#endif /* XENFLIGHT_LIVES_H */
