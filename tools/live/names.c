/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * names.c: read domain names from xenstore in a separate thread.
 */

#include "tools/live/names.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xenstore.h>

#include "lib/base/uuid.h"

#define NAME_MAX_BYTES 128

/* Shared by the caller and the thread; the last user frees it. */
struct names {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned int users;
    bool asked;           /* a request for the name of domid is pending */
    bool none;            /* no xenstored */
    bool silent;          /* no answer in time: no more requests */
    uint16_t domid;
    uint8_t handle[UUID_BYTES];
    char *name;           /* the answer, set before asked is cleared */
};

static void put(struct names *n)
{
    bool last = !--n->users;

    pthread_mutex_unlock(&n->lock);
    if ( !last )
        return;
    free(n->name);
    pthread_cond_destroy(&n->changed);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

/* The value of a node that is text, or NULL; the caller must free() it. */
static char *read_text(struct xs_handle *xs, const char *path)
{
    unsigned int len;
    char *value = xs_read(xs, XBT_NULL, path, &len);

    if ( value && len <= NAME_MAX_BYTES && len == strlen(value) && len )
        return value;
    free(value);
    return NULL;
}

/* Whether the nodes of the number are those of a former domain. */
static bool is_stale(struct xs_handle *xs, uint16_t domid,
                     const uint8_t handle[UUID_BYTES])
{
    uint8_t uuid[UUID_BYTES];
    char path[40], *vm;
    bool stale;

    snprintf(path, sizeof(path), "/local/domain/%u/vm", domid);
    vm = read_text(xs, path);
    stale = vm && !strncmp(vm, "/vm/", 4) && !uuid_from_text(vm + 4, uuid) &&
            memcmp(uuid, handle, sizeof(uuid));
    free(vm);
    return stale;
}

static char *read_name(struct xs_handle *xs, uint16_t domid,
                       const uint8_t handle[UUID_BYTES])
{
    char path[40];

    /* First, since a toolstack writes both in one transaction. */
    if ( is_stale(xs, domid, handle) )
        return NULL;
    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    return read_text(xs, path);
}

/* The thread: runs until names_close().  The lock is dropped around xenstored. */
static void *serve(void *arg)
{
    struct names *n = arg;
    struct xs_handle *xs = xs_open(0);

    pthread_mutex_lock(&n->lock);
    if ( !xs )
    {
        n->none = true;
        n->asked = false;
        pthread_cond_signal(&n->changed);
    }
    while ( xs && n->users > 1 )
    {
        uint8_t handle[UUID_BYTES];
        char *name;

        if ( !n->asked )
        {
            pthread_cond_wait(&n->changed, &n->lock);
            continue;
        }
        memcpy(handle, n->handle, sizeof(handle));
        pthread_mutex_unlock(&n->lock);
        name = read_name(xs, n->domid, handle);
        pthread_mutex_lock(&n->lock);
        n->name = name;
        n->asked = false;
        pthread_cond_signal(&n->changed);
    }
    put(n);
    if ( xs )
        xs_close(xs);
    return NULL;
}

static bool start(struct names *n)
{
    pthread_condattr_t clock;
    pthread_t thread;

    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->changed, &clock);
    pthread_condattr_destroy(&clock);
    n->users = 2;
    if ( pthread_create(&thread, NULL, serve, n) )
        return false;
    pthread_detach(thread);
    return true;
}

struct names *names_open(void)
{
    struct names *n = calloc(1, sizeof(*n));

    if ( !n || start(n) )
        return n;

    n->users = 1;
    names_close(n);
    return NULL;
}

void names_close(struct names *n)
{
    if ( !n )
        return;
    pthread_mutex_lock(&n->lock);
    pthread_cond_signal(&n->changed);
    put(n);
}

static void await(struct names *n)
{
    struct timespec end;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += NAMES_WAIT_MS / 1000;
    end.tv_nsec += NAMES_WAIT_MS % 1000 * 1000000;
    if ( end.tv_nsec >= 1000000000 )
    {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    while ( n->asked && !rc )
        rc = pthread_cond_timedwait(&n->changed, &n->lock, &end);
    n->silent = n->asked;
}

char *names_ask(struct names *n, uint16_t domid, const uint8_t handle[16])
{
    char *name = NULL;
    bool silent;

    pthread_mutex_lock(&n->lock);
    silent = n->silent;
    if ( !silent && !n->none )
    {
        n->domid = domid;
        memcpy(n->handle, handle, sizeof(n->handle));
        n->asked = true;
        pthread_cond_signal(&n->changed);
        await(n);
    }
    if ( !n->silent )
    {
        name = n->name;
        n->name = NULL;
    }
    if ( n->silent != silent )
        fprintf(stderr, "xenflight: xenstored does not answer: continuing "
                        "without domain names\n");
    pthread_mutex_unlock(&n->lock);
    return name;
}
