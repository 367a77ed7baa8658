/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshotd/engine/background.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "snapshotd/common/log.h"

#define NICEST        19
#define SYNC_STACK    (64 * 1024)

/* ioprio_set(2) has no header: this thread, class idle. */
#define IOPRIO_WHO    1
#define IOPRIO_IDLE   (3 << 13)

#define DEFAULT_THREADS 2

struct background {
    struct pack_pool *pool;
    int usual;             /* nice value ... */
    bool may_return;       /* ... and whether the way back to it is open */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool up, busy;
    int fd;                /* `busy`: being synced */
    uint64_t synced_ns;    /* when the last one was; 0: none, or failed */
    int rc;                /* of the last one */
};

static uint64_t mono_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void *sync_thread(void *arg)
{
    struct background *b = arg;
    int rc;

    pthread_mutex_lock(&b->lock);
    b->up = true;
    pthread_cond_broadcast(&b->changed);
    for ( ;; )
    {
        while ( !b->busy )
            pthread_cond_wait(&b->changed, &b->lock);
        pthread_mutex_unlock(&b->lock);
        rc = fdatasync(b->fd) ? -errno : 0;
        /* A file system without it has nothing to wait for. */
        if ( rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP )
            rc = 0;
        pthread_mutex_lock(&b->lock);
        b->rc = rc;
        b->synced_ns = rc ? 0 : mono_ns();
        b->busy = false;
        pthread_cond_broadcast(&b->changed);
    }

    return NULL;
}

static int start_sync(struct background *b)
{
    pthread_attr_t attr;
    pthread_t id;
    int rc;

    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, SYNC_STACK);
    rc = -pthread_create(&id, &attr, sync_thread, b);
    pthread_attr_destroy(&attr);

    /* The filter does not allow the first system calls of a thread. */
    pthread_mutex_lock(&b->lock);
    while ( !rc && !b->up )
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
    return rc;
}

void background_nice(struct background *b, bool nice)
{
    if ( b->may_return &&
         setpriority(PRIO_PROCESS, 0, nice ? NICEST : b->usual) )
        log_warning("engine: priority: %s", strerror(errno));
}

static unsigned int default_threads(void)
{
    cpu_set_t set;
    int cpus;

    if ( sched_getaffinity(0, sizeof(set), &set) )
        return 1; /* more CPUs than fit: none of them is ours to count */
    cpus = CPU_COUNT(&set);
    return cpus < DEFAULT_THREADS ? cpus : DEFAULT_THREADS;
}

struct maker {
    unsigned int threads;
    struct pack_pool *pool;
    int rc;
};

/* A thread inherits the nice value of its creator: this one, which ends. */
static void *make_pool(void *arg)
{
    struct maker *m = arg;

    if ( setpriority(PRIO_PROCESS, 0, NICEST) ||
         syscall(SYS_ioprio_set, IOPRIO_WHO, 0, IOPRIO_IDLE) )
        log_warning("engine: dumps run at usual priority: %s", strerror(errno));
    m->rc = pack_pool_new(m->threads, &m->pool);
    return NULL;
}

static int start_pool(struct background *b, unsigned int threads)
{
    struct maker m = { .threads = threads };
    pthread_t id;
    int rc = -pthread_create(&id, NULL, make_pool, &m);

    if ( rc )
        return rc;
    pthread_join(id, NULL);
    b->pool = m.pool;
    if ( m.rc && m.pool )
        log_warning("engine: fewer threads to compress than asked for: %s",
                    strerror(-m.rc));
    return m.pool ? 0 : m.rc;
}

int background_start(unsigned int threads, struct background **out)
{
    struct background *b = calloc(1, sizeof(*b));
    struct rlimit limit = { 0, 0 };
    int rc;

    if ( !b )
        return -ENOMEM;
    rc = start_sync(b);
    if ( !rc )
        rc = start_pool(b, (threads ? threads : default_threads()) - 1);
    if ( rc )
        return rc; /* the caller exits: a thread may have `b` */
    if ( syscall(SYS_ioprio_set, IOPRIO_WHO, 0, IOPRIO_IDLE) )
        log_warning("engine: disk I/O at usual priority: %s", strerror(errno));
    b->usual = getpriority(PRIO_PROCESS, 0);
    getrlimit(RLIMIT_NICE, &limit);
    b->may_return = limit.rlim_cur >= (rlim_t)(20 - b->usual);
    *out = b;
    return 0;
}

struct pack_pool *background_pool(struct background *b)
{
    return b->pool;
}

void background_sync(struct background *b, int fd)
{
    pthread_mutex_lock(&b->lock);
    b->fd = fd;
    b->synced_ns = 0;
    b->busy = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

int background_wait(struct background *b, uint64_t *ns)
{
    int rc;

    pthread_mutex_lock(&b->lock);
    while ( b->busy )
        pthread_cond_wait(&b->changed, &b->lock);
    *ns = b->synced_ns;
    rc = b->rc;
    b->synced_ns = 0;
    b->rc = 0;
    pthread_mutex_unlock(&b->lock);
    return rc;
}
