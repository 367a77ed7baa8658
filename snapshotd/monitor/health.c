/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* health.c: report the daemon's health; part of the monitor. */

#include "snapshotd/monitor/health.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/xen/horizon.h"
#include "lib/xen/hyp.h"
#include "snapshotd/common/log.h"
#include "snapshotd/common/now.h"

#define SECOND 1e9

/* The recorder's figures of this moment. */
struct recorder {
    enum health_state state;
    struct xen_flightrec_op_status st;
    double reach_s[XEN_FLIGHTREC_CHANNELS];
    uint64_t emitted[XEN_FLIGHTREC_CHANNELS];
    uint64_t overwritten[XEN_FLIGHTREC_CHANNELS];
    uint64_t lost[XEN_FLIGHTREC_CHANNELS][XEN_FLIGHTREC_LOST_CAUSES];
    uint64_t written, failed, suppressed;
};

static int op(void *hyp, struct xen_flightrec_op *o)
{
    return hyp_op(hyp, o);
}

static void sum_up(struct recorder *r, const struct horizon *h)
{
    const struct horizon_channel *c;
    unsigned int i, ch, cause;

    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        r->reach_s[ch] = h->complete_ns[ch] / SECOND;
        for ( i = 0; i < h->nr; i++ )
        {
            c = &h->cpu[i].ch[ch];
            r->emitted[ch] += c->emitted;
            r->overwritten[ch] += c->overwritten;
            for ( cause = 0; cause < XEN_FLIGHTREC_LOST_CAUSES; cause++ )
                r->lost[ch][cause] += c->lost[cause];
        }
    }
}

static void count_outcomes(struct recorder *r, const struct counters *c)
{
    unsigned int i;

    r->written = count_sum(c, OUTCOME_WRITTEN);
    r->failed = count_sum(c, OUTCOME_FAILED) + count_sum(c, OUTCOME_GONE);
    for ( i = OUTCOME_BUDGET; i < OUTCOMES; i++ )
        r->suppressed += count_sum(c, i);
}

static void gather(const struct health_facts *f, struct recorder *r)
{
    struct horizon h;
    int rc = hyp_status(op, f->hyp, &r->st);

    r->state = rc                                       ? HEALTH_UNKNOWN
               : r->st.state & XEN_FLIGHTREC_ST_PANICKED ? HEALTH_PANICKED
               : r->st.state & XEN_FLIGHTREC_ST_RUNNING  ? HEALTH_RECORDING
               : r->st.state & XEN_FLIGHTREC_ST_CREATED  ? HEALTH_STOPPED
                                                         : HEALTH_NO_BUFFERS;
    /* Reads counters that Xen keeps anyway; no pCPU is disturbed. */
    if ( !horizon_read(op, f->hyp, NULL, &h) )
        sum_up(r, &h);
    horizon_free(&h);
    count_outcomes(r, f->counters);
}

/*
 * The nodes.
 */

static void put_nodes(struct health *h, const struct health_facts *f,
                      const struct recorder *r)
{
    struct msg_health *n = &h->nodes;
    unsigned int ch;

    *n = (struct msg_health){
        .state = r->state,
        .running = f->engine_ready,
        .has_last = h->has_last,
        .held = r->st.gen - r->st.released,
        .written = r->written,
        .failed = r->failed,
        .suppressed = r->suppressed,
        .wall_s = now_wall_s(),
    };
    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        n->reach_s[ch] = r->reach_s[ch];
    memcpy(n->last, h->last_path, sizeof(n->last));
}

/*
 * The file.
 */

static void put_head(FILE *f, const char *name, const char *type,
                     const char *help)
{
    fprintf(f, "# HELP xenflight_%s %s\n# TYPE xenflight_%s %s\n", name, help,
            name, type);
}

static void put_one(FILE *f, const char *name, const char *type,
                    const char *help, double value)
{
    put_head(f, name, type, help);
    fprintf(f, "xenflight_%s %.15g\n", name, value);
}

static void put_outcomes(FILE *f, const struct counters *c)
{
    unsigned int i, cause;

    put_head(f, "triggers_total", "counter",
             "Triggers by cause and outcome.");
    for ( cause = 0; cause < STORE_CAUSES; cause++ )
        for ( i = 0; i < OUTCOMES; i++ )
            if ( cause || c->of[i][cause] )
                fprintf(f,
                        "xenflight_triggers_total{cause=\"%s\",outcome=\"%s\"}"
                        " %" PRIu64 "\n",
                        store_cause(cause), count_name(i), c->of[i][cause]);
}

static void put_recorder(FILE *f, const struct recorder *a)
{
    unsigned int ch, i;

    put_one(f, "recording", "gauge", "Whether Xen records.",
            a->state == HEALTH_RECORDING);
    put_one(f, "held_generations", "gauge", "Generations that Xen holds.",
            a->st.gen - a->st.released);
    put_head(f, "reach_seconds", "gauge",
             "How far back all pCPUs have every record.");
    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        fprintf(f, "xenflight_reach_seconds{channel=\"%s\"} %.3f\n",
                horizon_channel_name(ch), a->reach_s[ch]);
    put_head(f, "records_total", "counter", "Records by outcome.");
    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        fprintf(f,
                "xenflight_records_total{channel=\"%s\",what=\"emitted\"} "
                "%" PRIu64 "\n"
                "xenflight_records_total{channel=\"%s\",what=\"overwritten\"} "
                "%" PRIu64 "\n",
                horizon_channel_name(ch), a->emitted[ch],
                horizon_channel_name(ch), a->overwritten[ch]);
        for ( i = 0; i < XEN_FLIGHTREC_LOST_CAUSES; i++ )
            fprintf(f,
                    "xenflight_records_total{channel=\"%s\",what=\"lost_%s\"} "
                    "%" PRIu64 "\n",
                    horizon_channel_name(ch), horizon_lost_name(i),
                    a->lost[ch][i]);
    }
    put_head(f, "xen_triggers_total", "counter", "Triggers as counted by Xen.");
    fprintf(f,
            "xenflight_xen_triggers_total{what=\"deferred\"} %" PRIu64 "\n"
            "xenflight_xen_triggers_total{what=\"second\"} %" PRIu64 "\n"
            "xenflight_xen_triggers_total{what=\"given_up\"} %" PRIu64 "\n"
            "xenflight_xen_triggers_total{what=\"expired\"} %" PRIu64 "\n",
            (uint64_t)a->st.deferred, (uint64_t)a->st.suppressed,
            (uint64_t)a->st.given_up, (uint64_t)a->st.expired);
}

static void put_times(FILE *f, const struct counters *c)
{
    put_one(f, "held_seconds_total", "counter",
            "How long Xen held generations, together.", c->held_ns / SECOND);
    put_one(f, "held_seconds_max", "gauge", "The longest hold.",
            c->held_max_ns / SECOND);
    put_head(f, "durable_seconds", "summary",
             "From a trigger to its file on the disk.");
    fprintf(f,
            "xenflight_durable_seconds_sum %.9f\n"
            "xenflight_durable_seconds_count %" PRIu64 "\n",
            c->durable_ns / SECOND, c->durable);
    put_one(f, "durable_seconds_max", "gauge", "The longest of these.",
            c->durable_max_ns / SECOND);
}

static void put_store(FILE *f, const struct counters *c, const struct conf *conf)
{
    put_one(f, "written_bytes_total", "counter", "Bytes of snapshots written.",
            c->bytes_written);
    put_one(f, "store_files", "gauge", "Snapshots in the state directory.",
            c->store.files);
    put_one(f, "store_files_max", "gauge", "The budget of files.",
            conf->max_files);
    put_one(f, "store_bytes", "gauge", "Their size.", c->store.bytes);
    put_one(f, "store_bytes_max", "gauge", "The budget of bytes.",
            conf->max_bytes);
    put_head(f, "removed_total", "counter", "Snapshots removed, and why.");
    fprintf(f,
            "xenflight_removed_total{why=\"room\"} %" PRIu64 "\n"
            "xenflight_removed_total{why=\"age\"} %" PRIu64 "\n",
            c->store.evicted, c->store.expired);
}

static void put_daemon(FILE *f, const struct health_facts *a)
{
    const struct guest_counters *g = a->guests;
    const struct hook_counters *h = a->hook;

    put_one(f, "engine_starts_total", "counter", "Starts of the engine.",
            a->engine_starts);
    put_one(f, "xenstore_up", "gauge", "Whether xenstored answers.",
            a->xenstore_up);
    put_one(f, "xenstore_hangs_total", "counter",
            "Times that xenstored did not answer in time.", a->xenstore_hung);
    put_one(f, "requests_total", "counter", "Requests heard.",
            a->counters->requests);
    put_head(f, "guest_requests_total", "counter", "Requests of guests.");
    fprintf(f,
            "xenflight_guest_requests_total{what=\"asked\"} %" PRIu64 "\n"
            "xenflight_guest_requests_total{what=\"limited\"} %" PRIu64 "\n"
            "xenflight_guest_requests_total{what=\"stale\"} %" PRIu64 "\n",
            g->asked, g->limited, g->of[TALLY_STALE]);
    put_head(f, "hook_total", "counter", "Runs of the hook.");
    fprintf(f,
            "xenflight_hook_total{result=\"done\"} %" PRIu64 "\n"
            "xenflight_hook_total{result=\"failed\"} %" PRIu64 "\n"
            "xenflight_hook_total{result=\"timed_out\"} %" PRIu64 "\n"
            "xenflight_hook_total{result=\"dropped\"} %" PRIu64 "\n",
            h->run, h->failed, h->timed_out, h->dropped);
    put_one(f, "time_seconds", "gauge", "When this was written.",
            now_wall_s());
}

static int put_all(const struct health_facts *a, const struct recorder *r,
                   int fd)
{
    FILE *f = fdopen(fd, "w");
    int rc;

    if ( !f )
    {
        rc = -errno;
        close(fd);
        return rc;
    }
    put_recorder(f, r);
    put_outcomes(f, a->counters);
    put_times(f, a->counters);
    put_store(f, a->counters, a->conf);
    put_daemon(f, a);
    rc = ferror(f) ? -EIO : 0;
    return fclose(f) ? -errno : rc;
}

/*
 * The directory may be another user's: no existing file in it is followed or
 * opened, and readers always see a whole file.
 */
static int write_file(const struct health_facts *a, const struct recorder *r)
{
    const char *path = a->conf->textfile;
    char part[CONF_PATH + 8];
    int fd, rc;

    snprintf(part, sizeof(part), "%s.part", path);
    if ( unlink(part) && errno != ENOENT )
        return -errno;
    fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
              0644);
    if ( fd < 0 )
        return -errno;
    rc = fchmod(fd, 0644) ? -errno : 0;
    if ( rc )
        close(fd);
    else
        rc = put_all(a, r, fd);
    if ( !rc && rename(part, path) )
        rc = -errno;
    if ( rc )
        unlink(part);
    return rc;
}

static void put_file(struct health *h, const struct health_facts *f,
                     const struct recorder *r)
{
    const char *path = f->conf->textfile;
    int rc;

    if ( !path[0] )
        return;
    rc = write_file(f, r);
    if ( rc && !h->file_failed )
        log_error("%s: writing it failed: %s", path, strerror(-rc));
    else if ( !rc && h->file_failed )
        log_info("%s: written again", path);
    h->file_failed = rc;
}

/*
 * The service manager.
 */

static void tell_manager(struct health *h, const struct health_facts *f,
                         const struct recorder *r)
{
    /* An engine that cannot start is tried again without a new daemon. */
    const bool up = f->engine_ready || f->engine_failing;
    char lines[256];

    if ( h->notify.fd < 0 )
        return;
    snprintf(lines, sizeof(lines),
             "%sSTATUS=%s; back %.1f s, life cycle %.1f s; %" PRIu64
             " written, %" PRIu64 " failed, %" PRIu64 " suppressed%s%s",
             up && !h->ready ? "READY=1\n" : "", health_state_name(r->state),
             r->reach_s[XEN_FLIGHTREC_CH_BUSY],
             r->reach_s[XEN_FLIGHTREC_CH_RARE], r->written, r->failed,
             r->suppressed,
             f->engine_ready ? "" : "; starting the engine",
             f->xenstore_up ? "" : "; no xenstored");
    notify_send(&h->notify, lines);
    h->ready |= up;
}

bool health_watchdog(struct health *h, bool engine_runs)
{
    if ( !h->notify.watchdog_ms )
        return false;
    if ( h->alive || !engine_runs )
        notify_send(&h->notify, "WATCHDOG=1");
    h->alive = false;
    return true;
}

/*
 * The time of a report.
 */

void health_changed(struct health *h)
{
    h->changed = true;
}

void health_alive(struct health *h)
{
    h->alive = true;
}

void health_snapshot(struct health *h, const char *dir,
                     const struct store_id *file)
{
    char name[STORE_NAME];

    store_name(file, name);
    snprintf(h->last_path, sizeof(h->last_path), "%s/%s", dir, name);
    h->has_last = true;
    health_changed(h);
}

bool health_work(struct health *h, const struct health_facts *f,
                 bool heartbeat)
{
    struct recorder r = { 0 };

    if ( !heartbeat && (!h->changed || health_wait_ms(h) > 0) )
        return false;
    h->changed = false;
    h->told_ms = now_ms();
    gather(f, &r);
    put_nodes(h, f, &r);
    put_file(h, f, &r);
    tell_manager(h, f, &r);
    return true;
}

int64_t health_wait_ms(const struct health *h)
{
    const uint64_t due = h->told_ms + HEALTH_MS, now = now_ms();

    if ( !h->changed )
        return -1;
    return !h->told_ms || due <= now ? 0 : due - now;
}

void health_end(struct health *h)
{
    notify_send(&h->notify, "STOPPING=1");
}
