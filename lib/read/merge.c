/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* merge.c: merge the streams of a snapshot into one sequence in time order. */

#include <errno.h>
#include <stdlib.h>

#include <xxhash.h>

#include "lib/read/merge.h"
#include "lib/format/packet.h"

/* A busy record is compared with at most this many rare ones. */
#define MATCH_LIMIT 256

/* A stream's next record, and the parts that merge_record has no room for. */
struct head {
    struct merge_record rec;
    bool begins;               /* first of its packet: domid and vcpu are set */
    uint16_t domid, vcpu;
};

struct stream {
    uint16_t cpu;
    uint8_t channel;
    const uint32_t *frame;     /* frame numbers, in order */
    uint32_t nr_frames;
    uint32_t next_frame;

    void *buf;                 /* content of the frame being read */
    size_t size, len, off;

    struct packet pkt;
    struct packet_iter it;
    bool in_packet;
    uint32_t walked;           /* records of pkt so far */
    struct xen_flightrec_packet before; /* header of the packet before it */
    uint32_t before_walked;
    unsigned int gaps_reported; /* causes, at the begin of this packet */

    uint64_t nth;              /* records so far */
    uint8_t *copies;           /* a bit per record: the busy channel has it */
    uint64_t key;              /* newest stamp so far */
    struct clock_walk clock;
    struct head head;
};

struct cpu_state {
    uint16_t cpu;
    uint32_t domid, vcpu;
};

struct merge {
    struct snapshot *snap;
    const struct event_dict *dict;
    const struct clock_fit *clock;
    uint64_t copy_tsc;
    uint32_t *frames;          /* data frames by (cpu, channel, seq) */
    struct stream *streams;    /* by (cpu, channel) */
    uint32_t nr_streams;
    struct cpu_state *cpus;
    uint32_t nr_cpus;
    struct stream **heap;
    uint32_t nr_heap;
    const struct merge_record *ahead;
    bool only_rare;            /* see merge_open_rare() */
    uint64_t nr_copies, nr_damaged, nr_skipped;
    uint64_t content_bytes;    /* of all streams' buf */
};

const char *merge_gap_text(enum merge_gap gap)
{
    static const char *const text[] = {
        [MERGE_GAP_NESTED] = "NMI or #MC in a slot switch",
        [MERGE_GAP_BUSY] = "no slot was free",
        [MERGE_GAP_STOPPED] = "Xen had panicked",
        [MERGE_GAP_RETRY] = "too many nested writers",
        [MERGE_GAP_ABSENT] = "not in this snapshot",
        [MERGE_GAP_DAMAGED] = "this part of the file is damaged",
    };

    return text[gap];
}

/*
 * One stream.
 */

static void stream_rewind(struct stream *st)
{
    st->next_frame = 0;
    st->len = st->off = 0;
    st->in_packet = false;
    st->before.seq = 0;
    st->nth = st->key = 0;
    st->clock = (struct clock_walk){ .at = NULL };
}

static int gap(struct stream *st, enum merge_gap why, uint64_t tsc,
               uint64_t missing)
{
    st->head.begins = false;
    st->head.rec = (struct merge_record){
        .kind = MERGE_GAP,
        .tsc = tsc,
        .stamp = tsc,
        .cpu = st->cpu,
        .channel = st->channel,
        .gap = why,
        .missing = missing,
    };

    return 1;
}

/* Read the next frame.  Return 1 with a gap in st->head if it is damaged. */
static int load_frame(struct merge *m, struct stream *st)
{
    uint32_t n = st->frame[st->next_frame++];
    const struct snapshot_frame *f = snapshot_frame(m->snap, n);
    size_t had = st->size;
    int rc = snapshot_read(m->snap, n, &st->buf, &st->size, &st->len);

    st->off = 0;
    m->content_bytes += st->size - had;
    if ( !rc && m->content_bytes > MERGE_MAX_BYTES )
        return -EFBIG;
    if ( rc != -EBADMSG )
        return rc;

    st->len = 0;
    m->nr_damaged++;
    return gap(st, MERGE_GAP_DAMAGED, clock_here(&st->clock, f->first_tsc),
               f->records);
}

/* Check the next packet of the frame.  Return as load_frame(). */
static int load_packet(struct merge *m, struct stream *st)
{
    uint64_t tsc = st->key;

    if ( packet_parse((uint8_t *)st->buf + st->off, st->len - st->off,
                      &st->pkt) ||
         st->pkt.hdr.cpu != st->cpu || st->pkt.hdr.channel != st->channel )
    {
        st->off = st->len;
        m->nr_damaged++;
        return gap(st, MERGE_GAP_DAMAGED, tsc, 0);
    }

    st->off += st->pkt.hdr.used_bytes;
    /* A repeated packet: not our writer's file. */
    if ( st->before.seq && st->pkt.hdr.seq <= st->before.seq )
    {
        m->nr_damaged++;
        return gap(st, MERGE_GAP_DAMAGED, tsc, 0);
    }
    packet_iter_init(&st->it, &st->pkt);
    clock_packet(m->clock, &st->clock, &st->pkt.hdr);
    st->in_packet = true;
    st->walked = 0;
    st->gaps_reported = 0;
    return 0;
}

/*
 * Report the records missing between the previous packet and this one, one
 * cause a call.  The counters in the headers are running totals.
 */
static int report_gap(struct stream *st)
{
    const struct xen_flightrec_packet *a = &st->before, *b = &st->pkt.hdr;
    uint64_t begin = clock_here(&st->clock, b->begin_tsc);
    uint64_t lost = 0, between;

    if ( !a->seq )
        st->gaps_reported = XEN_FLIGHTREC_LOST_CAUSES + 1;

    while ( st->gaps_reported < XEN_FLIGHTREC_LOST_CAUSES )
    {
        unsigned int i = st->gaps_reported++;

        if ( b->lost[i] > a->lost[i] )
            return gap(st, (enum merge_gap)i, begin, b->lost[i] - a->lost[i]);
    }

    if ( st->gaps_reported++ > XEN_FLIGHTREC_LOST_CAUSES ||
         b->seq == a->seq + 1 )
        return 0;

    for ( unsigned int i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
        lost += b->lost[i] - a->lost[i];
    between = b->emitted - a->emitted - lost - st->before_walked;
    return gap(st, MERGE_GAP_ABSENT, begin,
               between > b->emitted ? 0 : between);
}

static void end_packet(struct stream *st)
{
    st->before = st->pkt.hdr;
    st->before_walked = st->walked;
    st->in_packet = false;
}

/* Read a record, or make the gap for a damaged one. */
static int next_record(struct merge *m, struct stream *st)
{
    struct merge_record *rec = &st->head.rec;
    struct packet_record pr;
    int rc = packet_next(&st->it, &pr);

    if ( rc <= 0 )
    {
        uint32_t all = st->pkt.hdr.records, seen = st->walked;

        end_packet(st);
        if ( !rc )
            return 0;
        m->nr_damaged++;
        return gap(st, MERGE_GAP_DAMAGED, st->key, all > seen ? all - seen : 0);
    }

    st->head.begins = !st->walked++;
    st->head.domid = st->pkt.hdr.domid;
    st->head.vcpu = st->pkt.hdr.vcpu;
    st->nth++;

    rec->kind = MERGE_EVENT;
    rec->stamp = pr.tsc;
    rec->tsc = clock_stamp(m->clock, &st->clock, pr.tsc, &rec->error_ns);
    rec->cpu = st->cpu;
    rec->channel = st->channel;
    rec->words = pr.words;
    rec->id = pr.id;
    rec->desc = event_lookup(m->dict, pr.id, pr.event);
    rec->event = pr.escaped ? pr.event : rec->desc ? rec->desc->event : 0;
    memcpy(rec->data, pr.data, sizeof(rec->data[0]) * pr.words);
    return 1;
}

/* Read the next record into st->head.  Return 1, 0 at the end, or -errno. */
static int stream_next(struct merge *m, struct stream *st)
{
    int rc;

    for ( ;; )
    {
        if ( st->in_packet )
        {
            rc = report_gap(st);
            if ( !rc )
                rc = next_record(m, st);
            if ( !rc )
                continue;
        }
        else if ( st->off < st->len )
            rc = load_packet(m, st);
        else if ( st->next_frame < st->nr_frames )
            rc = load_frame(m, st);
        else
            return 0;

        if ( rc < 0 )
            return rc;
        if ( rc )
            break;
    }

    if ( st->head.rec.tsc > st->key )
        st->key = st->head.rec.tsc;
    return 1;
}

/*
 * Copies: records of a rare channel that the busy channel has too.
 */

struct seen {
    uint64_t tsc, hash;
};

/* The records of a rare stream that the next busy one may match. */
struct rare {
    struct stream *st;
    struct seen ahead[MATCH_LIMIT]; /* record n is in ahead[n % MATCH_LIMIT] */
    uint64_t from, to, nr;          /* [from, to) of all nr */
    bool has[XEN_FLIGHTREC_IDS];
};

static bool is_marked(const uint8_t *copies, uint64_t n)
{
    return copies[n / 8] & 1 << n % 8;
}

static uint64_t hash_record(const struct merge_record *rec)
{
    return XXH64(rec->data, rec->words * sizeof(rec->data[0]),
                 (uint64_t)rec->event << 32 | rec->id << 8 | rec->words);
}

/* Count the records of a rare stream, and note their events. */
static int count_rare(struct merge *m, struct rare *rare)
{
    int rc;

    while ( (rc = stream_next(m, rare->st)) > 0 )
        if ( rare->st->head.rec.kind == MERGE_EVENT )
            rare->has[rare->st->head.rec.id] = true;
    rare->nr = rare->st->nth;
    stream_rewind(rare->st);
    return rc;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a < b ? b - a : a - b;
}

/*
 * Move the window to the rare records that may match a busy one at @tsc.  Older
 * ones are done: no later busy record can match them.
 */
static int move_window(struct merge *m, struct rare *rare, uint64_t tsc)
{
    struct stream *st = rare->st;
    int rc;

    for ( ;; )
    {
        while ( rare->from < rare->to &&
                (is_marked(st->copies, rare->from) ||
                 rare->ahead[rare->from % MATCH_LIMIT].tsc + m->copy_tsc <
                     tsc) )
            rare->from++;
        if ( rare->to == rare->nr || rare->to - rare->from == MATCH_LIMIT )
            return 0;

        do
            rc = stream_next(m, st);
        while ( rc > 0 && st->head.rec.kind != MERGE_EVENT );
        if ( rc <= 0 )
            return rc;
        rare->ahead[rare->to++ % MATCH_LIMIT] =
            (struct seen){ st->head.rec.tsc, hash_record(&st->head.rec) };
    }
}

/*
 * Find and mark the copy of one busy record: of those with the same content,
 * the one with the nearest stamp.
 */
static int match_copy(struct merge *m, struct rare *rare,
                      const struct merge_record *rec)
{
    uint64_t hash = hash_record(rec), best = UINT64_MAX, nearest = 0;
    uint8_t *copies = rare->st->copies;
    int rc = move_window(m, rare, rec->tsc);

    for ( uint64_t i = rare->from; i < rare->to; i++ )
    {
        const struct seen *seen = &rare->ahead[i % MATCH_LIMIT];
        uint64_t d = distance(seen->tsc, rec->tsc);

        if ( seen->hash != hash || d > m->copy_tsc || d >= best ||
             is_marked(copies, i) )
            continue;
        best = d;
        nearest = i;
    }

    if ( best != UINT64_MAX )
        copies[nearest / 8] |= 1 << nearest % 8;
    return rc;
}

static int find_copies(struct merge *m, struct stream *busy,
                       struct stream *st)
{
    struct rare rare = { .st = st };
    int rc;

    rc = count_rare(m, &rare);
    if ( rc )
        goto out;

    rc = -ENOMEM;
    st->copies = calloc(1, rare.nr / 8 + 1);
    if ( !st->copies )
        goto out;

    while ( (rc = stream_next(m, busy)) > 0 )
    {
        if ( busy->head.rec.kind == MERGE_EVENT &&
             rare.has[busy->head.rec.id] )
            rc = match_copy(m, &rare, &busy->head.rec);
        if ( rc < 0 )
            break;
    }

 out:
    stream_rewind(st);
    stream_rewind(busy);
    m->nr_damaged = 0; /* counted again in the final pass */
    return rc;
}

static bool is_copy(const struct stream *st)
{
    return st->copies && st->head.rec.kind == MERGE_EVENT &&
           is_marked(st->copies, st->nth - 1);
}

/*
 * The heap of streams, the one with the oldest head on top.
 */

static bool before(const struct stream *a, const struct stream *b)
{
    if ( a->key != b->key )
        return a->key < b->key;
    return a < b; /* sorted by pCPU, then channel */
}

static void sift_down(struct merge *m)
{
    uint32_t at = 0;

    for ( ;; )
    {
        uint32_t child = 2 * at + 1;
        struct stream *st;

        if ( child >= m->nr_heap )
            return;
        if ( child + 1 < m->nr_heap &&
             before(m->heap[child + 1], m->heap[child]) )
            child++;
        if ( before(m->heap[at], m->heap[child]) )
            return;

        st = m->heap[at];
        m->heap[at] = m->heap[child];
        m->heap[child] = st;
        at = child;
    }
}

static void sift_up(struct merge *m, uint32_t at)
{
    while ( at && before(m->heap[at], m->heap[(at - 1) / 2]) )
    {
        struct stream *st = m->heap[at];

        m->heap[at] = m->heap[(at - 1) / 2];
        m->heap[(at - 1) / 2] = st;
        at = (at - 1) / 2;
    }
}

/* Advance to the next record that is not a copy.  Return as stream_next(). */
static int advance(struct merge *m, struct stream *st)
{
    int rc;

    while ( (rc = stream_next(m, st)) > 0 && is_copy(st) )
        m->nr_copies++;

    return rc;
}

/*
 * Setup.
 */

static int compare_frames(const void *x, const void *y, void *snap)
{
    const struct snapshot_frame *a, *b;

    a = snapshot_frame(snap, *(const uint32_t *)x);
    b = snapshot_frame(snap, *(const uint32_t *)y);
    if ( a->cpu != b->cpu )
        return a->cpu < b->cpu ? -1 : 1;
    if ( a->channel != b->channel )
        return a->channel < b->channel ? -1 : 1;
    if ( a->first_seq != b->first_seq )
        return a->first_seq < b->first_seq ? -1 : 1;
    return a->offset < b->offset ? -1 : 1;
}

/* Sort the numbers of the data frames.  Return their count. */
static uint32_t sort_frames(struct merge *m)
{
    uint32_t n = 0;

    for ( uint32_t i = 0; i < snapshot_frames(m->snap); i++ )
        if ( snapshot_frame(m->snap, i)->kind == SNAPSHOT_DATA )
            m->frames[n++] = i;

    qsort_r(m->frames, n, sizeof(*m->frames), compare_frames, m->snap);
    return n;
}

static void make_streams(struct merge *m, uint32_t nr_frames)
{
    for ( uint32_t i = 0; i < nr_frames; i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(m->snap, m->frames[i]);
        struct stream *st = m->nr_streams ? &m->streams[m->nr_streams - 1]
                                          : NULL;

        if ( !st || st->cpu != f->cpu || st->channel != f->channel )
        {
            if ( !st || st->cpu != f->cpu )
                m->cpus[m->nr_cpus++] = (struct cpu_state){
                    .cpu = f->cpu,
                    .domid = MERGE_NO_DOMAIN,
                    .vcpu = MERGE_NO_DOMAIN,
                };
            st = &m->streams[m->nr_streams++];
            st->cpu = f->cpu;
            st->channel = f->channel;
            st->frame = &m->frames[i];
        }
        st->nr_frames++;
    }
}

static int find_all_copies(struct merge *m)
{
    for ( uint32_t i = 1; i < m->nr_streams; i++ )
    {
        struct stream *busy = &m->streams[i - 1], *rare = &m->streams[i];
        int rc;

        if ( busy->cpu != rare->cpu )
            continue;
        rc = find_copies(m, busy, rare);
        if ( rc )
            return rc;
    }

    return 0;
}

static int fill_heap(struct merge *m)
{
    for ( uint32_t i = 0; i < m->nr_streams; i++ )
    {
        int rc = advance(m, &m->streams[i]);

        if ( rc < 0 )
            return rc;
        if ( !rc )
            continue;
        m->heap[m->nr_heap++] = &m->streams[i];
        sift_up(m, m->nr_heap - 1);
    }

    return 0;
}

/*
 * Skip the frames before the last one that begins by @until, on the trigger's
 * clock and as long as stamps only rise.  The packets of that frame carry the
 * running vCPU and the loss counters.
 */
static void skip_frames(struct merge *m, struct stream *st, uint64_t until)
{
    uint32_t n = 0;

    for ( uint32_t k = 0; k < st->nr_frames; k++ )
    {
        const struct snapshot_frame *f = snapshot_frame(m->snap, st->frame[k]);

        if ( clock_guess(m->clock, f->cpu, f->first_tsc) > until )
            break;
        n = k;
        if ( clock_guess(m->clock, f->cpu, f->last_tsc) > until )
            break;
    }

    for ( uint32_t k = 0; k < n; k++ )
        m->nr_skipped += snapshot_frame(m->snap, st->frame[k])->records;
    st->frame += n;
    st->nr_frames -= n;
}

static void skip_older(struct merge *m, uint64_t from_tsc)
{
    if ( from_tsc > m->copy_tsc )
        for ( uint32_t i = 0; i < m->nr_streams; i++ )
            skip_frames(m, &m->streams[i], from_tsc - m->copy_tsc);
}

/* Drop the busy stream of each pCPU that has a rare one. */
static void keep_rare(struct merge *m)
{
    uint32_t n = 0;

    for ( uint32_t i = 0; i < m->nr_streams; i++ )
        if ( m->streams[i].channel == XEN_FLIGHTREC_CH_RARE ||
             i + 1 == m->nr_streams ||
             m->streams[i + 1].cpu != m->streams[i].cpu )
            m->streams[n++] = m->streams[i];
    m->nr_streams = n;
}

static int open_merge(struct snapshot *s, const struct event_dict *dict,
                      const struct clock_fit *clock, uint64_t from_tsc,
                      bool only_rare, struct merge **out)
{
    uint32_t n = snapshot_frames(s);
    struct merge *m = calloc(1, sizeof(*m));
    int rc = -ENOMEM;

    if ( !m )
        return rc;

    m->only_rare = only_rare;
    m->snap = s;
    m->dict = dict;
    m->clock = clock;
    m->copy_tsc = (uint64_t)clock->tsc_khz * MERGE_COPY_NS / 1000000;
    m->frames = calloc(n + 1, sizeof(*m->frames));
    m->streams = calloc(n + 1, sizeof(*m->streams));
    m->cpus = calloc(n + 1, sizeof(*m->cpus));
    m->heap = calloc(n + 1, sizeof(*m->heap));
    if ( !m->frames || !m->streams || !m->cpus || !m->heap )
        goto out;

    make_streams(m, sort_frames(m));
    if ( only_rare )
        keep_rare(m);
    skip_older(m, from_tsc);
    rc = find_all_copies(m);
    if ( !rc )
        rc = fill_heap(m);

 out:
    if ( rc )
        merge_close(m);
    else
        *out = m;
    return rc;
}

int merge_open(struct snapshot *s, const struct event_dict *dict,
               const struct clock_fit *clock, struct merge **out)
{
    return open_merge(s, dict, clock, 0, false, out);
}

int merge_open_from(struct snapshot *s, const struct event_dict *dict,
                    const struct clock_fit *clock, uint64_t from_tsc,
                    struct merge **out)
{
    return open_merge(s, dict, clock, from_tsc, false, out);
}

int merge_open_rare(struct snapshot *s, const struct event_dict *dict,
                    const struct clock_fit *clock, struct merge **out)
{
    return open_merge(s, dict, clock, 0, true, out);
}

void merge_close(struct merge *m)
{
    if ( !m )
        return;

    if ( !m->only_rare )
        snapshot_add_damaged(m->snap, m->nr_damaged);
    for ( uint32_t i = 0; i < m->nr_streams; i++ )
    {
        free(m->streams[i].buf);
        free(m->streams[i].copies);
    }
    free(m->frames);
    free(m->streams);
    free(m->cpus);
    free(m->heap);
    free(m);
}

uint64_t merge_copies(const struct merge *m)
{
    return m->nr_copies;
}

const struct merge_record *merge_ahead(const struct merge *m)
{
    return m->ahead;
}

uint64_t merge_skipped(const struct merge *m)
{
    return m->nr_skipped;
}

uint64_t merge_damaged(const struct merge *m)
{
    return m->nr_damaged;
}

/*
 * The running vCPU of each pCPU.
 */

static struct cpu_state *find_cpu(struct merge *m, uint16_t cpu)
{
    uint32_t lo = 0, hi = m->nr_cpus - 1;

    while ( lo < hi )
    {
        uint32_t mid = (lo + hi) / 2;

        if ( m->cpus[mid].cpu < cpu )
            lo = mid + 1;
        else
            hi = mid;
    }

    return &m->cpus[lo];
}

/*
 * The record was written under the current state of the pCPU; a switch that it
 * records takes effect after it.  Only the busy channel has every switch, so
 * only its packet headers are used.
 */
static void set_context(struct merge *m, const struct head *h,
                        struct merge_record *rec)
{
    struct cpu_state *cpu = find_cpu(m, rec->cpu);
    struct event_who who;

    if ( h->begins && rec->channel == XEN_FLIGHTREC_CH_BUSY )
    {
        bool known = h->domid != PACKET_NO_DOMAIN;

        cpu->domid = known ? h->domid : MERGE_NO_DOMAIN;
        cpu->vcpu = known ? h->vcpu : MERGE_NO_DOMAIN;
    }

    rec->domid = cpu->domid;
    rec->vcpu = cpu->vcpu;

    if ( rec->kind == MERGE_EVENT && rec->desc &&
         event_runs(rec->desc, rec->data, rec->words, &who) )
    {
        cpu->domid = who.domid;
        cpu->vcpu = who.vcpu;
    }
}

int merge_next(struct merge *m, struct merge_record *rec)
{
    struct stream *st;
    int rc;

    if ( !m->nr_heap )
        return 0;

    st = m->heap[0];
    *rec = st->head.rec;
    set_context(m, &st->head, rec);

    rc = advance(m, st);
    if ( rc < 0 )
        return rc;
    m->ahead = rc ? &st->head.rec : NULL;
    if ( !rc )
        m->heap[0] = m->heap[--m->nr_heap];
    sift_down(m);
    return 1;
}
