/* SPDX-License-Identifier: LGPL-2.1-or-later */
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
#include "snapshotd/monitor/monitor-impl.h"

#define SECOND 1e9

/* What is told, as it is now. */
struct facts {
    const char *state;
    struct xen_flightrec_op_status st;
    double reach_s[XEN_FLIGHTREC_CHANNELS];
    uint64_t emitted[XEN_FLIGHTREC_CHANNELS];
    uint64_t overwritten[XEN_FLIGHTREC_CHANNELS];
    uint64_t lost[XEN_FLIGHTREC_CHANNELS][XEN_FLIGHTREC_LOST_CAUSES];
    uint64_t written, failed, suppressed;
};

static void sum_up(struct facts *f, const struct horizon *h)
{
    const struct horizon_channel *c;
    unsigned int i, ch, cause;

    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
    {
        f->reach_s[ch] = h->complete_ns[ch] / SECOND;
        for ( i = 0; i < h->nr; i++ )
        {
            c = &h->cpu[i].ch[ch];
            f->emitted[ch] += c->emitted;
            f->overwritten[ch] += c->overwritten;
            for ( cause = 0; cause < XEN_FLIGHTREC_LOST_CAUSES; cause++ )
                f->lost[ch][cause] += c->lost[cause];
        }
    }
}

static void count_facts(struct facts *f, const struct counters *c)
{
    unsigned int i;

    f->written = count_sum(c, OUTCOME_WRITTEN);
    f->failed = count_sum(c, OUTCOME_FAILED) + count_sum(c, OUTCOME_GONE);
    for ( i = OUTCOME_BUDGET; i < OUTCOMES; i++ )
        f->suppressed += count_sum(c, i);
}

static void gather(struct monitor *m, struct facts *f)
{
    struct horizon h;
    int rc = hyp_status(monitor_op, m->hyp, &f->st);

    f->state = rc                                       ? "unknown"
               : f->st.state & XEN_FLIGHTREC_ST_PANICKED ? "panicked"
               : f->st.state & XEN_FLIGHTREC_ST_RUNNING  ? "recording"
               : f->st.state & XEN_FLIGHTREC_ST_CREATED  ? "stopped"
                                                         : "no-buffers";
    /* It wakes nobody, and asks Xen for counters that there are anyway. */
    if ( !horizon_read(monitor_op, m->hyp, NULL, &h) )
        sum_up(f, &h);
    horizon_free(&h);
    count_facts(f, &m->counters);
}

/*
 * Xenstore.
 */

enum {
    NODE_STATE, NODE_ENGINE, NODE_HELD, NODE_WRITTEN, NODE_FAILED,
    NODE_SUPPRESSED, NODE_BUSY, NODE_RARE, NODE_LAST,
    /* Written last: who sees it new knows that the others are. */
    NODE_TIME,
};

static const char *const node_names[HEALTH_NODES] = {
    [NODE_STATE] = "state",           [NODE_ENGINE] = "engine",
    [NODE_HELD] = "held",             [NODE_WRITTEN] = "written",
    [NODE_FAILED] = "failed",         [NODE_SUPPRESSED] = "suppressed",
    [NODE_BUSY] = "reach-busy",       [NODE_RARE] = "reach-rare",
    [NODE_LAST] = "last",             [NODE_TIME] = "time",
};

static void show(struct monitor *m, unsigned int i, const char *value)
{
    snprintf(m->health.wanted[i], sizeof(m->health.wanted[i]), "%s", value);
}

static void show_number(struct monitor *m, unsigned int i, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    show(m, i, text);
}

static void tell_xenstore(struct monitor *m, const struct facts *f)
{
    show(m, NODE_STATE, f->state);
    show(m, NODE_ENGINE, m->ready ? "running" : "starting");
    show_number(m, NODE_HELD, f->st.gen - f->st.released);
    show_number(m, NODE_WRITTEN, f->written);
    show_number(m, NODE_FAILED, f->failed);
    show_number(m, NODE_SUPPRESSED, f->suppressed);
    show_number(m, NODE_BUSY, f->reach_s[XEN_FLIGHTREC_CH_BUSY]);
    show_number(m, NODE_RARE, f->reach_s[XEN_FLIGHTREC_CH_RARE]);
    if ( m->health.has_last )
        show(m, NODE_LAST, m->health.last_path);
    show_number(m, NODE_TIME, monitor_ns(CLOCK_REALTIME) / 1000000000);
    m->xenstore.health = true;
    monitor_ask_xenstore(m);
}

void health_to_xenstore(struct monitor *m)
{
    char value[sizeof(m->health.wanted[0])];
    unsigned int i;

    for ( i = 0; m->xs.h && i < HEALTH_NODES; i++ )
    {
        if ( !strcmp(m->health.wanted[i], m->health.shown[i]) )
            continue;
        /* It may be another one when this one is written. */
        strcpy(value, m->health.wanted[i]);
        if ( xs_status(&m->xs, node_names[i], value) )
            strcpy(m->health.shown[i], value);
    }
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
             "Triggers by cause and what became of them.");
    for ( cause = 0; cause < STORE_CAUSES; cause++ )
        for ( i = 0; i < OUTCOMES; i++ )
            if ( cause || c->of[i][cause] )
                fprintf(f,
                        "xenflight_triggers_total{cause=\"%s\",outcome=\"%s\"}"
                        " %" PRIu64 "\n",
                        store_cause(cause), count_name(i), c->of[i][cause]);
}

static void put_recorder(FILE *f, const struct facts *a)
{
    unsigned int ch, i;

    put_one(f, "recording", "gauge", "Whether Xen records.",
            !strcmp(a->state, "recording"));
    put_one(f, "held_generations", "gauge", "Generations that Xen holds.",
            a->st.gen - a->st.released);
    put_head(f, "reach_seconds", "gauge",
             "How far back all pCPUs have every record.");
    for ( ch = 0; ch < XEN_FLIGHTREC_CHANNELS; ch++ )
        fprintf(f, "xenflight_reach_seconds{channel=\"%s\"} %.3f\n",
                horizon_channel_name(ch), a->reach_s[ch]);
    put_head(f, "records_total", "counter", "Records, by what became of them.");
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
    put_head(f, "xen_triggers_total", "counter", "What Xen says of triggers.");
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

static void put_daemon(FILE *f, const struct monitor *m)
{
    const struct guest_counters *g = &m->guests.counters;
    const struct hook_counters *h = &m->hook.counters;

    put_one(f, "engine_starts_total", "counter", "Starts of the engine.",
            m->starts);
    put_one(f, "xenstore_up", "gauge", "Whether xenstored answers.",
            monitor_xenstore_up(m));
    put_one(f, "xenstore_hangs_total", "counter",
            "Times that xenstored did not answer in time.",
            m->xenstore.hung);
    put_one(f, "requests_total", "counter", "Requests heard.",
            m->counters.requests);
    put_head(f, "guest_requests_total", "counter", "Requests of guests.");
    fprintf(f,
            "xenflight_guest_requests_total{what=\"asked\"} %" PRIu64 "\n"
            "xenflight_guest_requests_total{what=\"limited\"} %" PRIu64 "\n"
            "xenflight_guest_requests_total{what=\"stale\"} %" PRIu64 "\n",
            g->asked, g->limited, g->stale);
    put_head(f, "hook_total", "counter", "Runs of the hook.");
    fprintf(f,
            "xenflight_hook_total{result=\"done\"} %" PRIu64 "\n"
            "xenflight_hook_total{result=\"failed\"} %" PRIu64 "\n"
            "xenflight_hook_total{result=\"timed_out\"} %" PRIu64 "\n"
            "xenflight_hook_total{result=\"dropped\"} %" PRIu64 "\n",
            h->run, h->failed, h->timed_out, h->dropped);
    put_one(f, "time_seconds", "gauge", "When this was written.",
            monitor_ns(CLOCK_REALTIME) / 1000000000);
}

static int put_all(struct monitor *m, const struct facts *a, int fd)
{
    FILE *f = fdopen(fd, "w");
    int rc;

    if ( !f )
    {
        rc = -errno;
        close(fd);
        return rc;
    }
    put_recorder(f, a);
    put_outcomes(f, &m->counters);
    put_times(f, &m->counters);
    put_store(f, &m->counters, &m->conf);
    put_daemon(f, m);
    rc = ferror(f) ? -EIO : 0;
    return fclose(f) ? -errno : rc;
}

/*
 * The directory may be another user's: nothing that lies there is followed or
 * opened, and who reads the file sees a whole one.
 */
static int write_file(struct monitor *m, const struct facts *a)
{
    const char *path = m->conf.textfile;
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
        rc = put_all(m, a, fd);
    if ( !rc && rename(part, path) )
        rc = -errno;
    if ( rc )
        unlink(part);
    return rc;
}

static void tell_file(struct monitor *m, const struct facts *a)
{
    struct health *h = &m->health;
    int rc;

    if ( !m->conf.textfile[0] )
        return;
    rc = write_file(m, a);
    h->file_errors += rc != 0;
    if ( rc && !h->file_failed )
        log_error("%s: cannot be written: %s", m->conf.textfile,
                  strerror(-rc));
    else if ( !rc && h->file_failed )
        log_info("%s: is written again", m->conf.textfile);
    h->file_failed = rc;
}

/*
 * The service manager.
 */

static void tell_manager(struct monitor *m, const struct facts *f)
{
    struct health *h = &m->health;
    /* An engine that cannot start is tried again: no reason to do all anew. */
    const bool up = m->ready || m->backoff_ms;
    char lines[256];

    if ( h->notify.fd < 0 )
        return;
    snprintf(lines, sizeof(lines),
             "%sSTATUS=%s; back %.1f s, life cycle %.1f s; %" PRIu64
             " written, %" PRIu64 " failed, %" PRIu64 " suppressed%s%s",
             up && !h->ready ? "READY=1\n" : "", f->state,
             f->reach_s[XEN_FLIGHTREC_CH_BUSY],
             f->reach_s[XEN_FLIGHTREC_CH_RARE], f->written, f->failed,
             f->suppressed, m->ready ? "" : "; the engine is being started",
             monitor_xenstore_up(m) ? "" : "; no xenstored");
    notify_send(&h->notify, lines);
    h->ready |= up;
}

void health_watchdog(struct monitor *m)
{
    struct health *h = &m->health;

    if ( !h->notify.watchdog_ms )
        return;
    if ( h->alive || !m->pid )
        notify_send(&h->notify, "WATCHDOG=1");
    h->alive = false;
    h->ping_owed = true;
}

/*
 * When.
 */

void health_changed(struct monitor *m)
{
    m->health.changed = true;
}

void health_snapshot(struct monitor *m, const struct msg_snapshot *s)
{
    struct health *h = &m->health;
    char name[STORE_NAME];

    h->has_last = true;
    h->last = *s;
    store_name(&s->file, name);
    snprintf(h->last_path, sizeof(h->last_path), "%s/%s", m->state, name);
    health_changed(m);
}

void health_work(struct monitor *m, bool heartbeat)
{
    struct health *h = &m->health;
    struct facts f = { 0 };

    if ( !heartbeat && (!h->changed || health_wait_ms(m) > 0) )
        return;
    h->changed = false;
    h->told_ms = monitor_ms();
    gather(m, &f);
    tell_xenstore(m, &f);
    tell_file(m, &f);
    tell_manager(m, &f);
}

int64_t health_wait_ms(const struct monitor *m)
{
    const uint64_t due = m->health.told_ms + HEALTH_MS, now = monitor_ms();

    if ( !m->health.changed )
        return -1;
    return !m->health.told_ms || due <= now ? 0 : due - now;
}

void health_xenstore_anew(struct monitor *m)
{
    memset(m->health.shown, 0, sizeof(m->health.shown));
    health_changed(m);
}

void health_end(struct monitor *m)
{
    notify_send(&m->health.notify, "STOPPING=1");
}
