/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store-room.c: keep the state directory within its budget, and remove old
 * files; part of the engine.
 */

#include "snapshotd/engine/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <public/flightrec.h>

#include "snapshotd/common/log.h"

/* A file that cannot be judged now is looked at again after so long. */
#define AGE_RETRY_S 600

/* One file of ours. */
struct entry {
    struct store_id id;
    enum store_kind kind;
    bool pinned;
    bool repeat;           /* an older one of its domain and cause is there */
    bool gone;             /* removed since the list was made */
    uint64_t bytes;
    uint32_t of_domain;    /* files of the same uuid */
    bool here;             /* written in this boot of Dom0, at boot_s */
    uint64_t boot_s;
};

struct list {
    struct entry *entry;
    size_t nr, room;
};

static bool operators(const struct store_id *id)
{
    return id->cause == XEN_FLIGHTREC_CAUSE_REQUEST;
}

static int list_add(struct list *l, const struct entry *e)
{
    size_t room = l->room ? 2 * l->room : 64;
    struct entry *grown;

    if ( l->nr == l->room )
    {
        grown = reallocarray(l->entry, room, sizeof(*grown));
        if ( !grown )
            return -ENOMEM;
        l->entry = grown;
        l->room = room;
    }
    l->entry[l->nr++] = *e;
    return 0;
}

/* < 0: a is older.  Files of this boot are newer than all others. */
static int compare_age(const struct entry *a, const struct entry *b)
{
    if ( a->here != b->here )
        return a->here - b->here;
    if ( a->here && a->boot_s != b->boot_s )
        return a->boot_s < b->boot_s ? -1 : 1;
    if ( !a->here && a->id.wall_s != b->id.wall_s )
        return a->id.wall_s < b->id.wall_s ? -1 : 1;
    return a->id.gen < b->id.gen ? -1 : a->id.gen > b->id.gen;
}

/* By domain, cause, age. */
static int compare(const void *va, const void *vb)
{
    const struct entry *a = va, *b = vb;
    int c = memcmp(a->id.uuid, b->id.uuid, sizeof(a->id.uuid));

    if ( c || a->id.cause != b->id.cause )
        return c ? c : a->id.cause - b->id.cause;
    return compare_age(a, b);
}

static bool same_domain(const struct entry *a, const struct entry *b)
{
    return !memcmp(a->id.uuid, b->id.uuid, sizeof(a->id.uuid));
}

/* The fields that depend on the neighbours in the sorted list. */
static void list_relate(struct list *l)
{
    struct entry *const end = l->entry + l->nr, *e, *next, *first = NULL;

    for ( e = l->entry; e < end; e = next )
    {
        for ( next = e; next < end && same_domain(e, next); next++ )
            continue;
        for ( struct entry *d = e; d < next; d++ )
            d->of_domain = next - e;
    }
    for ( e = l->entry; e < end; e++ )
    {
        if ( e->kind != STORE_FINAL )
            continue;
        e->repeat = first && same_domain(first, e) &&
                    first->id.cause == e->id.cause;
        if ( !e->repeat )
            first = e;
    }
}

/* All files of ours but the one being written. */
static int list_read(int dir, const struct store_id *own, struct list *l)
{
    struct dirent *d;
    struct stat st;
    struct entry e;
    DIR *stream = store_stream(dir);
    int rc = 0;

    memset(l, 0, sizeof(*l));
    if ( !stream )
        return -errno;
    while ( !rc && (d = readdir(stream)) )
    {
        memset(&e, 0, sizeof(e));
        e.kind = store_kind(d->d_name, &e.id);
        if ( e.kind == STORE_OTHER ||
             (e.kind == STORE_PART && own && store_same(own, &e.id)) ||
             fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) )
            continue;
        e.bytes = st.st_size;
        e.pinned = !(st.st_mode & S_IWUSR);
        rc = list_add(l, &e);
    }
    closedir(stream);
    if ( rc )
        free(l->entry);
    return rc;
}

/* Before one is removed: their ages, and all that depends on the order. */
static void list_order(int dir, struct ages *ages, struct list *l)
{
    struct entry *e;

    for ( e = l->entry; ages && e < l->entry + l->nr; e++ )
        e->here = e->kind == STORE_FINAL &&
                  age_of(ages, dir, &e->id, &e->boot_s);
    if ( l->nr )
        qsort(l->entry, l->nr, sizeof(*l->entry), compare);
    list_relate(l);
}

/* Sums; `own`: of an operator's own files only. */
static void list_sum(const struct list *l, bool own, uint32_t *files,
                     uint64_t *bytes)
{
    const struct entry *e;

    *files = 0;
    *bytes = 0;
    for ( e = l->entry; e < l->entry + l->nr; e++ )
    {
        if ( e->gone || (own && !operators(&e->id)) )
            continue;
        ++*files;
        *bytes += e->bytes;
    }
}

/* Smaller goes first; 0 stays. */
static unsigned int rank(const struct entry *e)
{
    if ( e->gone || e->pinned || e->kind == STORE_PART )
        return 0;
    if ( e->kind == STORE_PARTIAL )
        return 1;
    if ( operators(&e->id) )
        return 0;
    return e->repeat ? 2 : 3;
}

static bool before(const struct entry *a, const struct entry *b)
{
    if ( rank(a) != rank(b) )
        return rank(a) < rank(b);
    if ( rank(a) == 2 && a->of_domain != b->of_domain )
        return a->of_domain > b->of_domain;
    return compare_age(a, b) < 0;
}

static struct entry *list_first(const struct list *l)
{
    struct entry *e, *best = NULL;

    for ( e = l->entry; e < l->entry + l->nr; e++ )
        if ( rank(e) && (!best || before(e, best)) )
            best = e;
    return best;
}

static int entry_remove(int dir, struct ages *ages, struct list *l,
                        struct entry *e, const char *why)
{
    char name[STORE_NAME + 16];

    store_entry_name(&e->id, e->kind, name);
    if ( unlinkat(dir, name, 0) && errno != ENOENT )
        return -errno;
    log_info("store: %s: removed: %s", name, why);
    if ( ages )
        age_removed(ages, &e->id);
    e->gone = true;
    for ( struct entry *o = l->entry; o < l->entry + l->nr; o++ )
        o->of_domain -= same_domain(o, e);
    return 0;
}

/* May an operator's own file have so much? */
static bool operator_fits(const struct store_room *r, const struct list *l,
                          uint64_t bytes)
{
    const struct store_budget *b = r->budget;
    uint32_t files;
    uint64_t sum;

    list_sum(l, true, &files, &sum);
    /* One may always be there. */
    if ( b->max_files && files && files + 1 > b->max_files / 2 )
        return false;
    return !b->max_bytes || !files ||
           sum + r->written + bytes <= b->max_bytes / 2;
}

/* Is so much free? */
static int disk_has(int dir, uint64_t bytes)
{
    struct statvfs v;

    if ( fstatvfs(dir, &v) )
        return -errno;
    /* Some FUSE file systems do not know their size. */
    if ( !v.f_blocks )
        return 0;
    return (uint64_t)v.f_bavail * v.f_frsize < bytes ? -ENOSPC : 0;
}

/* Return 0 if `bytes` more fit, or -EDQUOT or -ENOSPC. */
static int obstacle(const struct store_room *r, const struct list *l,
                    uint64_t bytes)
{
    const struct store_budget *b = r->budget;
    uint32_t files;
    uint64_t sum;

    list_sum(l, false, &files, &sum);
    r->usage->files = files;
    r->usage->bytes = sum;
    if ( (b->max_files && files + 1 > b->max_files) ||
         (b->max_bytes && sum + r->written + bytes > b->max_bytes) )
        return -EDQUOT;
    return disk_has(r->dir, b->min_free + bytes);
}

/* Would it help to remove all that may go?  Else nothing is lost for nothing. */
static int hopeless(const struct store_room *r, const struct list *l,
                    uint64_t bytes)
{
    const struct store_budget *b = r->budget;
    uint64_t stay_bytes = 0, go_bytes = 0;
    uint32_t stay = 0;
    const struct entry *e;

    for ( e = l->entry; e < l->entry + l->nr; e++ )
        if ( rank(e) )
            go_bytes += e->bytes;
        else
        {
            stay++;
            stay_bytes += e->bytes;
        }
    if ( (b->max_files && stay + 1 > b->max_files) ||
         (b->max_bytes && stay_bytes + r->written + bytes > b->max_bytes) )
        return -EDQUOT;
    bytes += b->min_free;
    return disk_has(r->dir, bytes > go_bytes ? bytes - go_bytes : 0);
}

static int make_room(struct store_room *r, struct list *l, uint64_t bytes)
{
    bool ordered = false;
    struct entry *e;
    int rc;

    if ( operators(r->id) && !operator_fits(r, l, bytes) )
        return -EDQUOT;
    rc = hopeless(r, l, bytes);
    if ( rc )
        return rc;
    while ( (rc = obstacle(r, l, bytes)) == -EDQUOT || rc == -ENOSPC )
    {
        if ( !ordered )
            list_order(r->dir, r->ages, l);
        ordered = true;
        e = list_first(l);
        if ( !e )
            return rc;
        rc = entry_remove(r->dir, r->ages, l, e,
                          rc == -EDQUOT ? "the budget is used up"
                                        : "the disk is nearly full");
        if ( rc )
            return rc;
        r->usage->evicted++;
    }
    return rc;
}

/* How large the file may become before the others must be looked at again. */
static uint64_t grant(const struct store_room *r, const struct list *l)
{
    const uint64_t max = r->budget->max_bytes;
    uint64_t sum, left = max - r->usage->bytes;
    uint32_t files;

    if ( !max )
        return UINT64_MAX;
    if ( !operators(r->id) )
        return left;
    list_sum(l, true, &files, &sum);
    return files && max / 2 - sum < left ? max / 2 - sum : left;
}

int store_room(struct store_room *r, uint64_t bytes)
{
    struct list l;
    int rc;

    /* Others write to the disk too: it is asked each time. */
    if ( r->written + bytes <= r->granted &&
         !disk_has(r->dir, r->budget->min_free + bytes) )
    {
        r->written += bytes;
        return 0;
    }
    rc = list_read(r->dir, r->id, &l);
    if ( rc )
        return rc;
    rc = make_room(r, &l, bytes);
    if ( !rc )
    {
        r->written += bytes;
        r->granted = grant(r, &l);
    }
    free(l.entry);
    return rc;
}

/* In how many seconds the file will be too old; 0 if it is.  Sure by `age`. */
static uint64_t seconds_left(int dir, const struct entry *e, uint64_t age,
                             uint64_t now_s, struct ages *ages)
{
    const uint64_t end = e->id.wall_s + age;
    uint64_t boot_s, now;

    if ( end > now_s )
        return end - now_s;
    if ( !ages )
        return 0;
    if ( e->kind == STORE_FINAL && age_of(ages, dir, &e->id, &boot_s) )
    {
        now = age_boot_s();
        return boot_s + age > now ? boot_s + age - now : 0;
    }
    return age_wall_is_good(ages, dir, now_s) ? 0 : AGE_RETRY_S;
}

int store_expire(int dir, const struct store_budget *budget, uint64_t now_s,
                 struct ages *ages, struct store_usage *usage,
                 uint64_t *next_s)
{
    const uint64_t age = budget->max_age_s;
    struct entry *e;
    struct list l;
    uint64_t left;
    int rc = list_read(dir, NULL, &l);

    *next_s = 0;
    if ( rc )
        return rc;
    /* At each look, so that a step is seen. */
    if ( ages )
        age_wall_is_good(ages, dir, now_s);
    usage->pinned = 0;
    for ( e = l.entry; e < l.entry + l.nr; e++ )
    {
        usage->pinned += e->pinned;
        if ( !age || e->pinned || e->kind == STORE_PART )
            continue;
        left = seconds_left(dir, e, age, now_s, ages);
        if ( left && (!*next_s || left < *next_s) )
            *next_s = left;
        if ( !left && !entry_remove(dir, ages, &l, e, "older than max_age") )
            usage->expired++;
    }
    list_sum(&l, false, &usage->files, &usage->bytes);
    free(l.entry);
    return 0;
}
