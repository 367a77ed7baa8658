/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guests.c: the nodes of guests, from their creation to the answer; part of the
 * xenstore process.
 */

#include "snapshotd/xenstore/guests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>
#include <xenstore_lib.h>

#include "lib/base/uuid.h"
#include "snapshotd/common/log.h"

#define PATH_ROOM 128
/* Transactions that others got in between, before it is given up. */
#define TRIES     8

/* The arguments and results of a function that runs in a transaction. */
struct change {
    struct guests *t;
    struct guest *g;
    const char *state;     /* to write */
    bool acknowledge;      /* empty the request node, too */
    bool stale;            /* result: there was a value from before our time */
    bool resume;           /* result: a former process had accepted it */
};

typedef int change_fn(struct change *c, xs_transaction_t tr);

static void node_path(const struct guest *g, const char *node,
                      char path[PATH_ROOM])
{
    snprintf(path, PATH_ROOM, XS_TRIGGER_DOMAIN "%s%s", g->domid,
             *node ? "/" : "", node);
}

/*
 * Return 1 if the node's value is `is`, or without that (NULL) is not empty;
 * 0 if not; -ENOENT if there is no such node.
 */
static int read_node(const struct change *c, xs_transaction_t tr,
                     const char *node, const char *is)
{
    char path[PATH_ROOM], *value;
    unsigned int len;
    int rc;

    node_path(c->g, node, path);
    value = xs_read(c->t->xs->h, tr, path, &len);
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
    return xs_write(c->t->xs->h, tr, path, value, strlen(value)) ? 0 : -errno;
}

static int remove_node(const struct change *c, xs_transaction_t tr,
                       const char *node)
{
    char path[PATH_ROOM];

    node_path(c->g, node, path);
    return xs_rm(c->t->xs->h, tr, path) || errno == ENOENT ? 0 : -errno;
}

/* The node stays Dom0's; the guest gets `may`. */
static int permit(const struct change *c, xs_transaction_t tr,
                  const char *node, unsigned int may)
{
    struct xs_permissions perms[2] = {
        { .id = 0, .perms = XS_PERM_NONE },
        { .id = c->g->domid, .perms = may },
    };
    char path[PATH_ROOM];

    node_path(c->g, node, path);
    return xs_set_permissions(c->t->xs->h, tr, path, perms, 2) ? 0 : -errno;
}

/*
 * Nodes seen in a transaction are this domain's if Xen has the domain
 * afterwards: Xen reuses a number only when the domain is gone, and a change
 * before the end makes the transaction fail.
 */
static int still_there(const struct change *c)
{
    return link_has_domain(c->t->link, c->g->domid, c->g->handle) ? 0 : -ESRCH;
}

static int transaction(struct change *c, change_fn *fn)
{
    struct xs *x = c->t->xs;
    xs_transaction_t tr;
    unsigned int i;
    int rc = -EAGAIN;

    for ( i = 0; rc == -EAGAIN && i < TRIES; i++ )
    {
        c->stale = c->resume = false;
        tr = xs_transaction_start(x->h);
        if ( tr == XBT_NULL )
            return -errno;
        rc = fn(c, tr);
        if ( !xs_transaction_end(x->h, tr, rc != 0) && !rc )
            rc = -errno;
        link_progress(c->t->link);
    }
    return rc;
}

/* The domain, or its nodes, ended: no failure. */
static bool is_gone(int rc)
{
    return rc == -ENOENT || rc == -ESRCH;
}

/*
 * The permission to ask.
 */

static bool named(const struct guests *t, const struct guest *g)
{
    char path[PATH_ROOM], uuid[UUID_TEXT_BYTES], *value;
    unsigned int len;

    snprintf(path, sizeof(path), XS_TRIGGER_GUEST "/%s",
             uuid_to_text(g->handle, uuid));
    value = xs_read(t->xs->h, XBT_NULL, path, &len);
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

    if ( g->watched == on )
        return;
    node_path(g, XS_TRIGGER_ASK, path);
    snprintf(token, sizeof(token), XS_GUEST_TOKEN, g->serial);
    good = on ? xs_watch(t->xs->h, path, token)
              : xs_unwatch(t->xs->h, path, token);
    if ( !good )
        log_warning("%s: %swatch failed: %s", path, on ? "" : "un",
                    strerror(errno));
    g->watched = on;
}

/*
 * The nodes.
 */

/*
 * Look for requests of an earlier time.  A value that was never read is stale,
 * unless a former process of this daemon created the nodes: then the guest
 * asked while that one was being replaced, and a look finds it.  "accepted"
 * comes from a former process in the same way, or from a former daemon.
 */
static void judge_old(struct change *c, int ask, int status, bool accepted)
{
    c->resume = !c->t->first && accepted;
    c->stale = (ask > 0 && (c->t->first || status < 0)) ||
               (c->t->first && accepted);
}

/*
 * A status node without the request node: the guest removed that one, unless
 * take_nodes() did.
 */
static int make_nodes(struct change *c, xs_transaction_t tr)
{
    int ask, status, rc;

    rc = read_node(c, tr, "", NULL);
    if ( rc < 0 )
        return rc;
    ask = read_node(c, tr, XS_TRIGGER_ASK, NULL);
    status = read_node(c, tr, XS_TRIGGER_STATUS,
                       request_state_name(ANSWER_DENIED));
    if ( ask < 0 && status == 0 )
        return -ECANCELED;
    judge_old(c, ask, status,
              read_node(c, tr, XS_TRIGGER_STATUS,
                        request_state_name(ANSWER_ACCEPTED)) > 0);
    rc = still_there(c);
    if ( !rc && (status || c->stale) )
        rc = write_node(c, tr, XS_TRIGGER_STATUS,
                        c->stale ? request_state_name(ANSWER_STALE) : "");
    if ( !rc )
        rc = permit(c, tr, XS_TRIGGER_STATUS, XS_PERM_READ);
    if ( !rc && (ask < 0 || c->stale) )
        rc = write_node(c, tr, XS_TRIGGER_ASK, "");
    if ( !rc )
        rc = permit(c, tr, XS_TRIGGER_ASK, XS_PERM_READ | XS_PERM_WRITE);
    return rc;
}

/* Remove the node with everything below it; the status is "denied". */
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
                        request_state_name(ANSWER_DENIED));
    return rc;
}

/* The text is lost, unless the engine has it. */
static void resume(struct guests *t, struct guest *g)
{
    struct request *q = &g->ask;

    q->again = true;
    link_may_ask(t->link, q);
    q->text_bytes = 0;
    request_step(q, REQUEST_ASK);
}

static void try_make(struct guests *t, struct guest *g)
{
    struct change c = { .t = t, .g = g };
    int rc = transaction(&c, make_nodes);

    g->state = rc == -ECANCELED ? GUEST_OUT : rc ? GUEST_NEW : GUEST_OPEN;
    if ( c.stale && !rc )
        link_tally(t->link, TALLY_STALE);
    if ( c.resume && !rc && g->ask.state == REQUEST_FREE )
        resume(t, g);
    if ( !rc )
        watch(t, g, true);
    /* Its own nodes come later, or it is gone: an event will follow. */
    else if ( !is_gone(rc) && rc != -ECANCELED )
        log_warning("domain %u: creating its request node failed: %s",
                    g->domid, strerror(-rc));
}

static void shut_out(struct guests *t, struct guest *g, const char *why)
{
    struct change c = { .t = t, .g = g };

    watch(t, g, false);
    transaction(&c, take_nodes);
    g->state = why ? GUEST_OUT : GUEST_NEW;
    request_step(&g->ask, REQUEST_DROP);
    if ( why )
        log_warning("domain %u: %s: refused until it or the daemon is started "
                    "again", g->domid, why);
}

/*
 * Answers.
 */

/* The status first: a guest that sees the acknowledgement finds it. */
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

static int answer(struct guests *t, struct guest *g, uint16_t state,
                  bool acknowledge)
{
    struct change c = { .t = t, .g = g, .state = request_state_name(state),
                        .acknowledge = acknowledge };
    int rc = transaction(&c, write_answer);

    if ( rc && !is_gone(rc) )
    {
        log_warning("domain %u: writing its answer failed: %s", g->domid,
                    strerror(-rc));
        t->xs->failed = true;
    }
    return rc;
}

/* One line at the first refusal, one when the guest is within its budget. */
static void note_refusal(struct guest *g, bool refused)
{
    if ( !refused && g->refused )
        log_info("domain %u: %u requests beyond its budget were refused",
                 g->domid, g->refused);
    if ( refused && !g->refused )
        log_warning("domain %u: asks for more than its budget allows: refused "
                    "until it is within it", g->domid);
    g->refused = refused ? g->refused + 1 : 0;
}

/*
 * Looks.
 */

static bool has_children(const struct guests *t, const char *path)
{
    unsigned int nr = 0;
    char **names = xs_directory(t->xs->h, XBT_NULL, path, &nr);

    free(names);
    return names && nr;
}

/*
 * Only the guest's own budget decides here: an answer must not reveal the
 * requests of others.
 */
static void asked(struct guests *t, struct guest *g, const char *value,
                  unsigned int bytes)
{
    struct request *q = &g->ask;
    bool may;

    q->again = false;
    may = link_may_ask(t->link, q);
    note_refusal(g, !may);
    if ( answer(t, g, may ? ANSWER_ACCEPTED : ANSWER_LIMITED, true) || !may )
        return;
    q->text_bytes = bytes < sizeof(q->text) ? bytes : sizeof(q->text);
    memcpy(q->text, value, q->text_bytes);
    request_step(q, REQUEST_ASK);
}

static void look(struct guests *t, struct guest *g)
{
    char path[PATH_ROOM], *value;
    unsigned int bytes;

    node_path(g, XS_TRIGGER_ASK, path);
    value = xs_read(t->xs->h, XBT_NULL, path, &bytes);
    if ( !value )
    {
        if ( errno != ENOENT )
            return;
        /* Removed by the guest, or the domain ends: both for good. */
        watch(t, g, false);
        g->state = GUEST_OUT;
        link_tally(t->link, TALLY_OPTED_OUT);
    }
    else if ( has_children(t, path) )
    {
        link_tally(t->link, TALLY_SHUT_OUT);
        shut_out(t, g, "made nodes below its request node");
    }
    else if ( bytes && g->ask.state == REQUEST_FREE )
        asked(t, g, value, bytes);
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

static void work_one(struct guests *t, struct guest *g, uint64_t now_ms)
{
    if ( g->state != GUEST_OPEN )
        return;
    count_looks(g, now_ms);
    if ( g->hint && g->looks )
    {
        g->hint = false;
        g->looks--;
        look(t, g);
    }
    /* A watch fires once when it is set, which finds any write until then. */
    if ( g->state == GUEST_OPEN )
        watch(t, g, g->looks >= (g->watched ? 1 : GUEST_LOOKS_AGAIN));
}

void guests_work(struct guests *t, uint64_t now_ms)
{
    unsigned int i;

    for ( i = 0; i < t->nr; i++ )
        work_one(t, &t->entry[i], now_ms);
}

int64_t guests_wait_ms(const struct guests *t, uint64_t now_ms)
{
    const struct guest *g;
    int64_t wait = -1, left;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
    {
        if ( g->state != GUEST_OPEN || g->watched )
            continue;
        left = g->looks_ms + (GUEST_LOOKS_AGAIN - g->looks) * GUEST_LOOK_MS -
               now_ms;
        left = left < 0 ? 0 : left;
        wait = wait < 0 || left < wait ? left : wait;
    }
    return wait;
}

/*
 * The table.
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
    g->ask.source = FROM_GUEST;
    g->ask.domid = domid;
    memcpy(g->ask.handle, handle, sizeof(g->ask.handle));
    return g;
}

void guests_add(struct guests *t, uint16_t domid, const uint8_t handle[16])
{
    struct guest *g = find(t, domid, handle);
    const bool is_new = !g;

    if ( is_new )
        g = add(t, domid, handle);
    if ( !g )
        log_error("domain %u: no memory for its request node", domid);
    else if ( g->state == GUEST_NEW && may_ask(t, g) )
        try_make(t, g);
    /* A former rule may have left nodes. */
    else if ( is_new && g->domid && g->state == GUEST_NEW )
        shut_out(t, g, NULL);
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

void guests_review(struct guests *t)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
    {
        if ( g->state == GUEST_OUT || !g->domid )
            continue;
        if ( !may_ask(t, g) )
            shut_out(t, g, NULL);
        else if ( g->state == GUEST_NEW )
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

/*
 * Requests.
 */

bool guests_send(struct guests *t)
{
    struct guest *g;
    unsigned int sent = 0;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        sent += g->ask.state == REQUEST_SENT;
    for ( g = t->entry; g < t->entry + t->nr; g++ )
    {
        /* The others follow as these are answered. */
        if ( sent >= GUEST_REQUESTS )
            return true;
        if ( g->ask.state != REQUEST_OPEN )
            continue;
        if ( !link_send_request(t->link, &g->ask) )
            return false;
        request_step(&g->ask, REQUEST_SEND);
        sent++;
    }
    return true;
}

bool guests_resuming(const struct guests *t)
{
    const struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        if ( g->ask.state == REQUEST_OPEN && g->ask.again )
            return true;
    return false;
}

void guests_lost(struct guests *t)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        request_step(&g->ask, REQUEST_LOST);
}

static struct guest *by_number(struct guests *t, uint64_t number)
{
    struct guest *g;

    for ( g = t->entry; g < t->entry + t->nr; g++ )
        if ( g->ask.state == REQUEST_SENT && g->ask.number == number )
            return g;
    return NULL;
}

/* A guest never learns the reason for a failure. */
void guests_answer(struct guests *t, uint64_t number, uint16_t state)
{
    struct guest *g = by_number(t, number);

    if ( !g )
        return;
    if ( state != ANSWER_DONE && state != ANSWER_LIMITED )
        state = ANSWER_DENIED;
    answer(t, g, state, false);
    request_step(&g->ask, REQUEST_WRITE);
    /* It may have asked again by now. */
    g->hint = true;
}
