/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pack.c: compress packets to lz4 frames, with or without a pool of threads.
 *
 * Threads share the state of the jobs only, under the pool's lock.  While a
 * job runs, its buffers belong to the thread that runs it.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <lz4frame.h>
#include <xxhash.h>

#include "lib/format/columns.h"
#include "lib/format/pack.h"
#include "lib/format/packet.h"

/* lz4 keeps its hash table on the stack. */
#define STACK_BYTES (256 * 1024)

struct pack_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct pack *pack;           /* the row whose jobs run, or NULL */
    unsigned int up;
    unsigned int threads;
};

/* Scratch memory of one thread. */
struct lane {
    struct columns_work *work;
    uint8_t *columns;
};

struct pack {
    struct snapshot_how how;
    struct lane *lane;           /* lane[0] is the caller's */
    unsigned int nr_lanes, nr_jobs;
    /* Jobs by number, modulo nr_jobs: retired < tail <= next <= head. */
    uint64_t tail, next, head;
    struct pack_job *job;
};

/*
 * One job.
 */

static LZ4F_preferences_t lz4_prefs(int level)
{
    return (LZ4F_preferences_t){
        .frameInfo = {
            .blockSizeID = LZ4F_max1MB,
            .blockMode = LZ4F_blockIndependent,
            .contentChecksumFlag = LZ4F_contentChecksumEnabled,
            .contentSize = 1, /* not 0: lz4 fills in the real size */
        },
        .compressionLevel = level,
    };
}

size_t pack_lz4_bound(size_t bytes)
{
    const LZ4F_preferences_t prefs = lz4_prefs(0);

    return LZ4F_compressFrameBound(bytes, &prefs);
}

size_t pack_lz4(int level, const void *content, size_t bytes, void *out,
                size_t room)
{
    const LZ4F_preferences_t prefs = lz4_prefs(level);
    size_t n = LZ4F_compressFrame(out, room, content, bytes, &prefs);

    return LZ4F_isError(n) ? 0 : n;
}

int pack_describe(const void *packets, size_t bytes, struct snapshot_frame *f)
{
    const uint8_t *at = packets;

    while ( bytes )
    {
        struct packet p;
        uint32_t records;

        if ( packet_parse(at, bytes, &p) )
            return -EBADMSG;

        if ( !f->packets )
        {
            f->cpu = p.hdr.cpu;
            f->channel = p.hdr.channel;
            f->first_seq = p.hdr.seq;
            f->first_tsc = p.hdr.begin_tsc;
        }
        else if ( p.hdr.cpu != f->cpu || p.hdr.channel != f->channel ||
                  p.hdr.seq <= f->last_seq )
            return -EBADMSG;

        if ( packet_count(&p, &records, &f->last_tsc) )
            f->flags |= SNAPSHOT_FRAME_DAMAGED;
        f->last_seq = p.hdr.seq;
        f->packets++;
        f->records += records;
        at += p.hdr.used_bytes;
        bytes -= p.hdr.used_bytes;
    }

    return 0;
}

static int run(const struct pack *p, const struct lane *lane,
               struct pack_job *job)
{
    struct snapshot_frame *f = &job->frame;
    const uint8_t *content = job->plain;
    size_t bytes = job->plain_bytes;
    int rc;

    *f = (struct snapshot_frame){ .kind = SNAPSHOT_DATA };
    rc = pack_describe(content, bytes, f);
    if ( rc )
        return rc;

    if ( !p->how.plain && !columns_pack(lane->work, content, bytes,
                                        lane->columns, &bytes) )
    {
        content = lane->columns;
        f->flags |= SNAPSHOT_FRAME_COLUMNS;
    }

    f->content_bytes = bytes;
    f->bytes = pack_lz4(p->how.level, content, bytes, job->out,
                        pack_lz4_bound(SNAPSHOT_MAX_DATA_BYTES));
    f->xxh64 = XXH64(job->out, f->bytes, 0);
    return f->bytes ? 0 : -EIO;
}

/*
 * Threads.
 */

static void lock(struct pack *p)
{
    if ( p->how.pool )
        pthread_mutex_lock(&p->how.pool->lock);
}

static void unlock(struct pack *p)
{
    if ( p->how.pool )
        pthread_mutex_unlock(&p->how.pool->lock);
}

static struct pack_job *job_at(const struct pack *p, uint64_t number)
{
    return &p->job[number % p->nr_jobs];
}

/*
 * Run the oldest queued job.  Callers must hold the lock and ensure there is
 * one.
 */
static void run_next(struct pack *p, const struct lane *lane)
{
    struct pack_job *job = job_at(p, p->next++);

    job->running = true;
    unlock(p);
    job->rc = run(p, lane, job);
    lock(p);
    job->running = false;
    job->done = true;
}

static void *thread(void *arg)
{
    struct pack_pool *pool = arg;
    unsigned int me;

    pthread_mutex_lock(&pool->lock);
    me = ++pool->up;
    pthread_cond_signal(&pool->done);
    for ( ;; )
    {
        struct pack *p = pool->pack;

        if ( p && p->next < p->head )
        {
            run_next(p, &p->lane[me]);
            pthread_cond_signal(&pool->done);
        }
        else
            pthread_cond_wait(&pool->work, &pool->lock);
    }

    return NULL;
}

int pack_pool_new(unsigned int threads, struct pack_pool **out)
{
    struct pack_pool *pool = calloc(1, sizeof(*pool));
    pthread_attr_t attr;
    int rc = 0;

    if ( !pool )
        return -ENOMEM;
    if ( threads > PACK_MAX_THREADS )
        threads = PACK_MAX_THREADS;

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    while ( !rc && pool->threads < threads )
    {
        pthread_t id;

        rc = -pthread_create(&id, &attr, thread, pool);
        pool->threads += !rc;
    }
    pthread_attr_destroy(&attr);

    /* Keep the pool even on error: threads that started use it. */
    pthread_mutex_lock(&pool->lock);
    while ( pool->up < pool->threads )
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    *out = pool;
    return rc;
}

/*
 * The row of jobs.
 */

static int new_lane(struct lane *lane)
{
    lane->work = columns_work_new(SNAPSHOT_MAX_DATA_BYTES);
    lane->columns = malloc(SNAPSHOT_MAX_DATA_BYTES);
    return lane->work && lane->columns ? 0 : -ENOMEM;
}

static int new_job(struct pack_job *job)
{
    job->plain = malloc(SNAPSHOT_MAX_DATA_BYTES);
    job->out = malloc(pack_lz4_bound(SNAPSHOT_MAX_DATA_BYTES));
    return job->plain && job->out ? 0 : -ENOMEM;
}

int pack_new(const struct snapshot_how *how, struct pack **out)
{
    struct pack *p = calloc(1, sizeof(*p));
    int rc = -ENOMEM;

    if ( !p )
        return rc;

    p->how = *how;
    p->nr_lanes = 1 + (how->pool ? how->pool->threads : 0);
    /* With several lanes, one more job is filled while all run. */
    p->nr_jobs = p->nr_lanes + (p->nr_lanes > 1);
    p->lane = calloc(p->nr_lanes, sizeof(*p->lane));
    p->job = calloc(p->nr_jobs, sizeof(*p->job));
    rc = p->lane && p->job ? 0 : -ENOMEM;
    for ( unsigned int i = 0; !rc && i < p->nr_lanes; i++ )
        rc = new_lane(&p->lane[i]);
    for ( unsigned int i = 0; !rc && i < p->nr_jobs; i++ )
        rc = new_job(&p->job[i]);
    if ( rc )
    {
        pack_free(p);
        return rc;
    }

    lock(p);
    if ( how->pool )
        how->pool->pack = p;
    unlock(p);
    *out = p;
    return 0;
}

/* Whether a job is running.  Callers must hold the lock. */
static bool any_running(const struct pack *p)
{
    for ( unsigned int i = 0; p->job && i < p->nr_jobs; i++ )
        if ( p->job[i].running )
            return true;

    return false;
}

/* Detach `p` from the pool; no thread uses it afterwards. */
static void leave_pool(struct pack *p)
{
    struct pack_pool *pool = p->how.pool;

    if ( !pool )
        return;

    lock(p);
    p->next = p->head;
    while ( any_running(p) )
        pthread_cond_wait(&pool->done, &pool->lock);
    if ( pool->pack == p )
        pool->pack = NULL;
    unlock(p);
}

void pack_free(struct pack *p)
{
    if ( !p )
        return;

    leave_pool(p);
    for ( unsigned int i = 0; p->lane && i < p->nr_lanes; i++ )
    {
        columns_work_free(p->lane[i].work);
        free(p->lane[i].columns);
    }
    for ( unsigned int i = 0; p->job && i < p->nr_jobs; i++ )
    {
        free(p->job[i].plain);
        free(p->job[i].out);
    }
    free(p->lane);
    free(p->job);
    free(p);
}

struct pack_job *pack_fill(struct pack *p)
{
    return job_at(p, p->head);
}

void pack_submit(struct pack *p)
{
    lock(p);
    p->head++;
    if ( p->how.pool )
        pthread_cond_signal(&p->how.pool->work);
    unlock(p);
}

bool pack_full(const struct pack *p)
{
    return p->head - p->tail == p->nr_jobs;
}

bool pack_empty(const struct pack *p)
{
    return p->head == p->tail;
}

struct pack_job *pack_wait(struct pack *p)
{
    struct pack_job *job = job_at(p, p->tail);

    lock(p);
    while ( !job->done )
    {
        if ( p->next < p->head )
            run_next(p, &p->lane[0]);
        else
            pthread_cond_wait(&p->how.pool->done, &p->how.pool->lock);
    }
    unlock(p);
    return job;
}

void pack_retire(struct pack *p)
{
    struct pack_job *job = job_at(p, p->tail++);

    job->done = false;
    job->plain_bytes = 0;
}
