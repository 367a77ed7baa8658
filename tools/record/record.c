/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.c: write full slots of the rings to a snapshot file as they appear.
 */

#include "tools/record/record.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "lib/format/packet.h"
#include "lib/xen/hyp-tbuf.h"
#include "tools/record/meta.h"

/* Room for the note, the index, and data not yet written. */
#define END_BYTES (SNAPSHOT_MAX_DATA_BYTES + (256U << 10))

struct recording {
    struct record_how how;
    struct snapshot_writer *writer;
    struct record_domains *domains;
    struct clock_point begin, *point;
    size_t points, room;
    uint64_t written;      /* bytes in the file */
    uint64_t turns;        /* switches from one stream to another */
    uint64_t packet_bytes;
    uint32_t stream;       /* stream of the newest packet */
    uint64_t missed_before;
    struct record_totals totals;
};

uint64_t record_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int record_signals(void)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/*
 * Slots per wake-up.  A wake-up costs the rings nothing, but a run of Dom0, so it
 * should be rare.  A quarter of the smallest ring is safe: three quarters are left
 * to read it in.
 */
static uint32_t wake_every(const struct rings *r)
{
    uint32_t least = XEN_FLIGHTREC_MAX_SLOTS;

    for ( unsigned int i = 0; i < r->nr; i++ )
        for ( unsigned int ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
            if ( r->map[i].ch[ch].slots < least )
                least = r->map[i].ch[ch].slots;
    return least < 8 ? 1 : least / 4;
}

int record_follow(struct hyp *h, enum stream_from from,
                  struct stream_reader **out, char why[RECORD_WHY])
{
    struct rings_error err = { .what = "" };
    int rc = hyp_is_tbuf(h) ? -ENOSYS
                            : stream_open(h, 1, from, out, &err);

    if ( !rc )
        stream_pace(*out, wake_every(stream_rings(*out)));
    else
        snprintf(why, RECORD_WHY, "%s",
                 rc == -EEXIST   ? "another process reads the rings: stop it "
                                   "first"
                 : rc == -ENODEV ? "no buffers: see xenflight start"
                 : err.what[0]   ? err.what
                                 : hyp_why(rc));
    return rc;
}

static int count_bytes(void *arg, uint64_t bytes)
{
    struct recording *r = arg;

    r->written += bytes;
    return 0;
}

/* Upper bound of the frames written. */
static uint64_t frames(const struct recording *r)
{
    return r->turns + r->packet_bytes / SNAPSHOT_CHUNK_BYTES + 3;
}

static bool is_full(const struct recording *r)
{
    uint64_t end = END_BYTES + frames(r) * sizeof(struct snapshot_frame);

    return frames(r) + 2 >= SNAPSHOT_MAX_FRAMES ||
           (r->how.max_bytes && r->written + end > r->how.max_bytes);
}

static int keep_point(struct recording *r,
                      const struct xen_flightrec_packet *hdr)
{
    if ( !(hdr->flags & XEN_FLIGHTREC_PKT_SYNC) )
        return 0;
    if ( r->points == r->room )
    {
        size_t room = r->room ? 2 * r->room : 1024;
        struct clock_point *p = reallocarray(r->point, room, sizeof(*p));

        if ( !p )
            return -ENOMEM;
        r->point = p;
        r->room = room;
    }
    r->point[r->points++] = (struct clock_point){
        .cpu = hdr->cpu, .channel = hdr->channel, .tsc = hdr->sync_tsc,
        .ns = hdr->sync_ns,
    };
    return 0;
}

static int put(struct recording *r, const struct stream_packet *p)
{
    uint32_t stream = p->cpu * XEN_FLIGHTREC_CHANNELS + p->channel + 1;
    struct packet k;
    int rc;

    /* A header that disagrees with the ring it was read from is damaged. */
    if ( packet_parse(p->data, p->bytes, &k) || k.hdr.cpu != p->cpu ||
         k.hdr.channel != p->channel || k.hdr.seq != p->seq )
    {
        r->totals.refused++;
        return 0;
    }
    rc = snapshot_put_packet(r->writer, p->data, p->bytes);
    if ( rc )
        return rc;
    r->turns += stream != r->stream;
    r->stream = stream;
    r->packet_bytes += p->bytes;
    return keep_point(r, &k.hdr);
}

int record_take(struct recording *r)
{
    struct stream_packet p;
    int rc = stream_arm(r->how.reader);

    if ( !rc )
        rc = record_domains_look(r->domains);
    while ( !rc )
    {
        if ( is_full(r) )
            return 1;
        if ( !stream_next(r->how.reader, &p) )
            break;
        rc = put(r, &p);
    }
    return rc;
}

/*
 * Wait for packets, a signal or @end_ns.  Return an enum record_end, -1 to go on,
 * or another -errno.
 */
static int wait(struct recording *r, int stop, uint64_t end_ns)
{
    struct pollfd p[2] = {
        { .fd = stream_fd(r->how.reader), .events = POLLIN },
        { .fd = stop, .events = POLLIN },
    };
    uint64_t now = record_now_ns(), left = end_ns > now ? end_ns - now : 0;
    struct timespec t = { .tv_sec = left / 1000000000,
                          .tv_nsec = left % 1000000000 };

    if ( ppoll(p, 2, end_ns ? &t : NULL, NULL) < 0 )
        return errno == EINTR ? -1 : -errno;
    if ( p[0].revents )
    {
        int rc = stream_woken(r->how.reader);

        if ( rc < 0 )
            return rc;
        r->totals.wakes++;
    }
    if ( p[1].revents )
        return RECORD_STOPPED;
    return end_ns && record_now_ns() >= end_ns ? RECORD_TIME : -1;
}

int record_until(struct recording *r, int stop, uint64_t end_ns)
{
    int end = -1;

    /* At the end take once more: slots filled since the last look. */
    for ( ; ; )
    {
        int rc = record_take(r);

        if ( rc == -ESTALE )
            return RECORD_GONE;
        if ( rc )
            return rc == 1 ? RECORD_FULL : rc;
        if ( end != -1 )
            return end;
        end = wait(r, stop, end_ns);
        if ( end < -1 )
            return end;
    }
}

static int put_meta(struct recording *r)
{
    char *text;
    int rc = record_meta(r->how.hyp, stream_rings(r->how.reader), r->domains,
                         &r->begin, &text);

    if ( rc )
        return rc;
    rc = snapshot_put_meta(r->writer, text, strlen(text));
    free(text);
    return rc;
}

int record_begin(const struct record_how *how, struct recording **out)
{
    struct recording *r = calloc(1, sizeof(*r));
    struct timespec now;
    int rc;

    if ( !r )
        return -ENOMEM;

    r->how = *how;
    r->missed_before = stream_missed(how->reader);
    clock_gettime(CLOCK_REALTIME, &now);
    rc = record_domains_new(how->hyp, &r->domains);
    if ( !rc )
        rc = snapshot_create_as(how->fd,
                                now.tv_sec * 1000000000ULL + now.tv_nsec,
                                &how->write, &r->writer);
    if ( !rc )
    {
        r->written = sizeof(struct snapshot_header);
        snapshot_ask_room(r->writer, count_bytes, r);
        rc = put_meta(r);
    }
    if ( rc )
        record_abort(r);
    else
        *out = r;
    return rc;
}

static int put_note(struct recording *r, const char *why)
{
    const struct rings *rings = stream_rings(r->how.reader);
    struct clock_fit fit;
    char *text;
    int rc = clock_fit(&fit, rings->info.tsc_khz, rings->info.tsc_shift,
                       &r->begin, r->point, r->points);

    if ( rc )
        return rc;
    rc = record_note(r->domains, &fit, &r->totals, why, &text);
    clock_free(&fit);
    if ( rc )
        return rc;
    rc = snapshot_put_note(r->writer, text, strlen(text));
    free(text);
    return rc;
}

int record_end(struct recording *r, const char *why, struct record_totals *t)
{
    int rc;

    r->totals.missed = stream_missed(r->how.reader) - r->missed_before;
    rc = put_note(r, why);
    if ( !rc )
    {
        rc = snapshot_finish(r->writer, &r->totals.file);
        r->writer = NULL;
    }
    *t = r->totals;
    record_abort(r);
    return rc;
}

void record_abort(struct recording *r)
{
    if ( !r )
        return;
    snapshot_abort(r->writer);
    record_domains_free(r->domains);
    free(r->point);
    free(r);
}
