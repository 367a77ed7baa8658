/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/xenstore/guests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>
#include <xenstore_lib.h>

#include "snapshotd/common/log.h"

#define PATH_ROOM 128
/* Somebody was in between so often: another time. */
#define TRIES     8

/* A guest and, for what runs in a transaction, what is to be written. */
struct change {
    struct guests *t;
    struct guest *g;
    const char *state;
    bool acknowledge;
    bool found_old;        /* result: a value of before our time */
};

typedef int change_fn(struct change *c, xs_transaction_t tr);

static void node_path(const struct guest *g, const char *node,
                      char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, XS_TRIGGER_DOMAIN "%s%s", g->domid,
             *node ? "/" : "", node);
}

/* -ENOENT: not there.  1: its value is `is`, or with NULL is not empty. */
static int read_node(const struct change *c, xs_transaction_t tr,
                     const char *node, const char *is)
{
    char path[PATH_ROOM], *value;
    unsigned int len;
    int rc;

    node_path(c->g, node, path);
    value = XS_CALL(c->t->xs, xs_read(c->t->xs->h, tr, path, &len));
    if ( !value )
        return -errno;
    rc = is ? !strcmp(value, is) : len > 0;
    free(value);
    return rc;
}

static int write_node(const struct change *c, xs_transaction_t tr,
                      const char *node, const char *value)
{
    char path[PATH_ROOM];

    node_path(c->g, node, path);
    return XS_CALL(c->t->xs, xs_write(c->t->xs->h, tr, path, value,
                                       strlen(value)))
               ? 0
               : -errno;
}

static int remove_node(const struct change *c, xs_transaction_t tr,
                       const char *node)
{
    char path[PATH_ROOM];

    node_path(c->g, node, path);
    return XS_CALL(c->t->xs, xs_rm(c->t->xs->h, tr, path)) ||
                   errno == ENOENT
               ? 0
               : -errno;
}

/* Dom0's own, and what the guest may do with it. */
static int permit(const struct change *c, xs_transaction_t tr,
                  const char *node, unsigned int may)
{
    struct xs_permissions perms[2] = {
        { .id = 0, .perms = XS_PERM_NONE },
        { .id = c->g->domid, .perms = may },
    };
    char path[PATH_ROOM];

    node_path(c->g, node, path);
    return XS_CALL(c->t->xs,
                   xs_set_permissions(c->t->xs->h, tr, path, perms, 2))
               ? 0
               : -errno;
}

/*
 * Nodes seen in a transaction are this domain's if Xen has the domain
 * afterwards: a number is given again only when it is gone from Xen, and what
 * changes until the end makes the transaction fail.
 */
static int still_there(const struct change *c)
{
    return c->t->there(c->t->arg, c->g->domid, c->g->handle) ? 0 : -ESRCH;
}

static int transaction(struct change *c, change_fn *fn)
{
    struct xs *x = c->t->xs;
    xs_transaction_t tr;
    unsigned int i;
    int rc;

    for ( i = 0; x->h && i < TRIES; i++ )
    {
        tr = XS_CALL(x, xs_transaction_start(x->h));
        if ( tr == XBT_NULL )
            return -errno;
        rc = fn(c, tr);
        if ( XS_CALL(x, xs_transaction_end(x->h, tr, rc != 0)) )
            return rc;
        if ( rc || errno != EAGAIN )
            return rc ? rc : -errno;
    }
    return -EAGAIN;
}

/*
 * Who may ask.
 */

static bool named(const struct guests *t, const struct guest *g)
{
    char path[PATH_ROOM], *value;
    unsigned int i, len, n;

    n = snprintf(path, sizeof(path), XS_TRIGGER_GUEST "/");
    for ( i = 0; i < 16; i++ )
        n += snprintf(path + n, sizeof(path) - n, "%s%02x",
                      i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                      g->handle[i]);
    value = t->xs->h ? XS_CALL(t->xs, xs_read(t->xs->h, XBT_NULL, path, &len))
                     : NULL;
    free(value);
    return value != NULL;
}

static bool may_ask(const struct guests *t, const struct guest *g)
{
    if ( !g->domid )
        return false;
    return t->rule == CONF_GUESTS_ALL ||
           (t->rule == CONF_GUESTS_NAMED && named(t, g));
}

static void watch(struct guests *t, struct guest *g, bool on)
{
    char path[PATH_ROOM], token[32];
    bool good;

    if ( g->watched == on || !t->xs->h )
        return;
    node_path(g, XS_TRIGGER_ASK, path);
    snprintf(token, sizeof(token), XS_GUEST_TOKEN, g->serial);
    good = on ? XS_CALL(t->xs, xs_watch(t->xs->h, path, token))
              : XS_CALL(t->xs, xs_unwatch(t->xs->h, path, token));
    if ( !good )
        log_warning("xenstore: %s: cannot be %swatched: %s", path,
                    on ? "" : "un", strerror(errno));
    g->watched = on;
}

/*
 * Its nodes.
 */

/*
 * A status node without the other: the guest had removed that, unless it was
 * taken.  A value that is there already was written to nobody.
 */
static int make_nodes(struct change *c, xs_transaction_t tr)
{
    const char *first = "";
    int ask, status, rc;

    rc = read_node(c, tr, "", NULL);
    if ( rc < 0 )
        return rc;
    ask = read_node(c, tr, XS_TRIGGER_ASK, NULL);
    status = read_node(c, tr, XS_TRIGGER_STATUS,
                       proto_state_name(ANSWER_DENIED));
    if ( ask < 0 && status == 0 )
        return -ECANCELED;
    c->found_old = ask > 0;
    if ( c->found_old )
        first = proto_state_name(ANSWER_STALE);
    rc = still_there(c);
    if ( !rc && (status || c->found_old) )
        rc = write_node(c, tr, XS_TRIGGER_STATUS, first);
    if ( !rc )
        rc = permit(c, tr, XS_TRIGGER_STATUS, XS_PERM_READ);
    if ( !rc && ask )
        rc = write_node(c, tr, XS_TRIGGER_ASK, "");
    if ( !rc )
        rc = permit(c, tr, XS_TRIGGER_ASK, XS_PERM_READ | XS_PERM_WRITE);
    return rc;
}

/* The node goes, and all that a guest put below it; it is told so. */
static int take_nodes(struct change *c, xs_transaction_t tr)
{
    int rc = read_node(c, tr, XS_TRIGGER_ASK, NULL);

    if ( rc < 0 )
        return rc;
    rc = still_there(c);
    if ( !rc )
        rc = remove_node(c, tr, XS_TRIGGER_ASK);
    if ( !rc )
        rc = write_node(c, tr, XS_TRIGGER_STATUS,
                        proto_state_name(ANSWER_DENIED));
    return rc;
}

static void try_make(struct guests *t, struct guest *g)
{
    struct change c = { .t = t, .g = g };
    int rc = transaction(&c, make_nodes);

    g->made = !rc;
    g->out = rc == -ECANCELED;
    if ( c.found_old && !rc )
    {
        t->counters.stale++;
        t->counters_sent = false;
    }
    if ( g->made )
        watch(t, g, true);
    /* Its own nodes come later, or it is gone: the next event tells. */
    else if ( rc != -ENOENT && rc != -ESRCH && rc != -ECANCELED )
        log_warning("domain %u: cannot be given a node to ask through: %s",
                    g->domid, strerror(-rc));
}

static void shut_out(struct guests *t, struct guest *g, const char *why)
{
    struct change c = { .t = t, .g = g };

    watch(t, g, false);
    transaction(&c, take_nodes);
    g->made = g->answered = false;
    g->number = 0;
    if ( why )
        log_warning("domain %u: %s: it cannot ask any more until it or "
                    "the daemon is started again", g->domid, why);
}

/*
 * Answering.
 */

/* The status first: who sees the acknowledgement finds it there. */
static int write_answer(struct change *c, xs_transaction_t tr)
{
    int rc = read_node(c, tr, XS_TRIGGER_STATUS, NULL);

    if ( rc < 0 )
        return rc;
    rc = still_there(c);
    if ( !rc )
        rc = write_node(c, tr, XS_TRIGGER_STATUS, c->state);
    if ( !rc && c->acknowledge && read_node(c, tr, XS_TRIGGER_ASK, NULL) > 0 )
        rc = write_node(c, tr, XS_TRIGGER_ASK, "");
    return rc;
}

static void answer(struct guests *t, struct guest *g, uint16_t state)
{
    struct change c = { .t = t, .g = g, .state = proto_state_name(state),
                        .acknowledge = !g->accepted };
    int rc = transaction(&c, write_answer);

    if ( rc && rc != -ENOENT && rc != -ESRCH )
        log_warning("domain %u: its answer cannot be written: %s", g->domid,
                    strerror(-rc));
}

/* One line when it begins to ask too often; the next when that is over. */
static void note_refusal(struct guest *g, bool refused)
{
    if ( !refused && g->refused )
        log_info("domain %u: %u requests beyond its budget were refused",
                 g->domid, g->refused);
    if ( refused && !g->refused )
        log_warning("domain %u: asks for more than its budget allows: refused, "
                    "and not said again until it is within it", g->domid);
    g->refused = refused ? g->refused + 1 : 0;
}

/*
 * Looking.
 */

static bool has_children(const struct guests *t, const char *path)
{
    unsigned int nr = 0;
    char **names = XS_CALL(t->xs,
                           xs_directory(t->xs->h, XBT_NULL, path, &nr));

    free(names);
    return names && nr;
}

/*
 * Its own budget decides, and nothing else: what others ask for is not to be
 * learnt from an answer.
 */
static void asked(struct guests *t, struct guest *g, const char *value,
                  unsigned int bytes, uint64_t now_ms)
{
    bool may = limit_take(&t->limit, g->handle, &t->rate, now_ms * 1000000);

    t->counters.asked++;
    t->counters.limited += !may;
    t->counters_sent = false;
    note_refusal(g, !may);
    if ( !may )
    {
        answer(t, g, ANSWER_LIMITED);
        return;
    }
    g->number = GUEST_NUMBER | (++t->number & ~GUEST_NUMBER);
    g->sent = g->accepted = false;
    g->gen = 0;
    g->text_bytes = bytes < sizeof(g->text) ? bytes : sizeof(g->text);
    memcpy(g->text, value, g->text_bytes);
}

static void look(struct guests *t, struct guest *g, uint64_t now_ms)
{
    char path[PATH_ROOM], *value;
    unsigned int bytes;

    node_path(g, XS_TRIGGER_ASK, path);
    value = XS_CALL(t->xs, xs_read(t->xs->h, XBT_NULL, path, &bytes));
    if ( !value )
    {
        if ( errno != ENOENT )
            return;
        /* Not wanted, or the domain ends: both for good. */
        watch(t, g, false);
        g->made = false;
        g->out = true;
        t->counters.opted_out++;
        t->counters_sent = false;
    }
    else if ( has_children(t, path) )
    {
        g->out = true;
        t->counters.shut_out++;
        t->counters_sent = false;
        shut_out(t, g, "makes nodes below the one to ask through");
    }
    else if ( bytes && !g->number && !g->answered )
        asked(t, g, value, bytes, now_ms);
    free(value);
}

static void count_looks(struct guest *g, uint64_t now_ms)
{
    uint64_t more = (now_ms - g->looks_ms) / GUEST_LOOK_MS;

    if ( more >= GUEST_LOOKS - g->looks )
    {
        g->looks = GUEST_LOOKS;
        g->looks_ms = now_ms;
        return;
    }
    g->looks += more;
    g->looks_ms += more * GUEST_LOOK_MS;
}

/* While xenstored is waited for, the next answer may come. */
static void pass_on(struct guests *t, struct guest *g)
{
    while ( g->answered )
    {
        g->answered = false;
        answer(t, g, g->answer);
        g->accepted = g->answer == ANSWER_ACCEPTED;
        /* It may have asked again meanwhile. */
        g->hint |= !g->accepted;
    }
}

static void work_one(struct guests *t, struct guest *g, uint64_t now_ms)
{
    pass_on(t, g);
    if ( !g->made )
        return;
    count_looks(g, now_ms);
    if ( g->hint && g->looks )
    {
        g->hint = false;
        g->looks--;
        look(t, g, now_ms);
    }
    /* Its first event tells what came meanwhile, and takes a look. */
    if ( g->made )
        watch(t, g, g->looks >= (g->watched ? 1 : GUEST_LOOKS_AGAIN));
}

void guests_work(struct guests *t, uint64_t now_ms)
{
    unsigned int i;

    for ( i = 0; t->xs->h && i < t->nr; i++ )
        work_one(t, &t->entry[i], now_ms);
}

int64_t guests_wait_ms(const struct guests *t, uint64_t now_ms)
{
    const struct guest *g;
    int64_t wait = -1, left;

    for ( g = t->entry; t->xs->h && g < t->entry + t->nr; g++ )
    {
        if ( !g->made || g->watched )
            continue;
        left = g->looks_ms + (GUEST_LOOKS_AGAIN - g->looks) * GUEST_LOOK_MS -
               now_ms;
        left = left < 0 ? 0 : left;
        wait = wait < 0 || left < wait ? left : wait;
    }
    return wait;
}

/*
 * Who there is.
 */

static struct guest *find(struct guests *t, uint16_t domid,
                          const uint8_t handle[16])
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        if ( g->domid == domid &&
             !memcmp(g->handle, handle, sizeof(g->handle)) )
            return g;
    return NULL;
}

static struct guest *add(struct guests *t, uint16_t domid,
                         const uint8_t handle[16])
{
    struct guest *g;
    unsigned int room;

    if ( t->nr == t->room )
    {
        room = t->room ? 2 * t->room : 16;
        g = reallocarray(t->entry, room, sizeof(*g));
        if ( !g )
            return NULL;
        t->entry = g;
        t->room = room;
    }
    g = &t->entry[t->nr++];
    memset(g, 0, sizeof(*g));
    g->domid = domid;
    memcpy(g->handle, handle, sizeof(g->handle));
    g->serial = ++t->serial;
    g->looks = GUEST_LOOKS;
    return g;
}

void guests_add(struct guests *t, uint16_t domid, const uint8_t handle[16])
{
    struct guest *g = find(t, domid, handle);

    if ( !g )
        g = add(t, domid, handle);
    if ( !g )
        log_error("domain %u: no memory to let it ask", domid);
    else if ( !g->made && !g->out && t->xs->h && may_ask(t, g) )
        try_make(t, g);
}

void guests_keep(struct guests *t, guests_there_fn *there, void *arg)
{
    unsigned int i = t->nr;
    struct guest *g;

    while ( i-- )
    {
        g = &t->entry[i];
        if ( there(arg, g->domid, g->handle) )
            continue;
        watch(t, g, false);
        *g = t->entry[--t->nr];
    }
}

/* A rule of old times may have left nodes: they go with the first review. */
void guests_review(struct guests *t)
{
    struct guest *g;

    for ( g = t->entry; t->xs->h && g < t->entry + t->nr; g++ )
    {
        if ( g->out || !g->domid )
            continue;
        if ( !may_ask(t, g) )
            shut_out(t, g, NULL);
        else if ( !g->made )
            try_make(t, g);
    }
}

void guests_event(struct guests *t, uint32_t serial)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        if ( g->serial == serial )
            g->hint = true;
}

void guests_reconnected(struct guests *t)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        g->watched = false;
    guests_review(t);
}

/*
 * Requests.
 */

struct guest *guests_unsent(struct guests *t)
{
    struct guest *g, *first = NULL;
    unsigned int sent = 0;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
    {
        sent += g->number && g->sent;
        if ( g->number && !g->sent && !first )
            first = g;
    }
    return sent < GUEST_REQUESTS ? first : NULL;
}

void guests_send_again(struct guests *t)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        g->sent = false;
    t->counters_sent = false;
}

void guests_answer(struct guests *t, uint32_t number, uint16_t state)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr && g->number != number; g++ )
        continue;
    if ( !number || g == t->entry + t->nr )
        return;
    /* Why it failed is nothing that a guest is told. */
    g->answer = state == ANSWER_FAILED ? ANSWER_DENIED : state;
    g->answered = true;
    if ( state != ANSWER_ACCEPTED )
        g->number = 0;
}

void guests_note_frozen(struct guests *t, uint32_t gen, uint64_t wall_s)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        if ( g->number && g->sent && !g->gen )
        {
            g->gen = gen;
            g->frozen_s = wall_s;
        }
}

void guests_forget_frozen(struct guests *t)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        g->gen = 0;
}

void guests_free(struct guests *t)
{
    free(t->entry);
    t->entry = NULL;
    t->nr = t->room = 0;
}
