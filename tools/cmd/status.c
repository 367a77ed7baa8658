/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status.c: xenflight status: print the state of the recorder and the daemon.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/xen/recorder.h"
#include "tools/base/message.h"
#include "tools/cmd.h"
#include "tools/live/ask.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Print the state of the recorder: buffers, length of the history, "
           "lost records; and the counters of the daemon.\v"
           "Examples:\n"
           "  xenflight status\n"
           "  xenflight status --json | jq .\n\n"
           "Exit status: 0 if Xen is recording, 1 if not or without an answer, "
           "2 on wrong usage.",
};

static int64_t num(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static const char *str(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "?";
}

#define WORD_BYTES TEXT_ROOM(32)

/* A text of the answer in printable form. */
static const char *word(char buf[WORD_BYTES], const json_t *o, const char *name)
{
    return text_escape(buf, WORD_BYTES, str(o, name));
}

static double real(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

/* Print "-" if it is unknown or 0. */
static void print_rate(const json_t *c, const char *name, int width,
                       int decimals)
{
    if ( real(c, name) > 0 )
        printf(" %*.*f", width, decimals, real(c, name));
    else
        printf(" %*s", width, "-");
}

static void print_lost(const json_t *c)
{
    const json_t *lost = json_object_get(c, "lost"), *v;
    const char *cause, *before = "";
    char safe[TEXT_ROOM(32)];

    json_object_foreach((json_t *)lost, cause, v)
        if ( json_integer_value(v) )
        {
            printf("%s%" JSON_INTEGER_FORMAT " %s", before,
                   json_integer_value(v),
                   text_escape(safe, sizeof(safe), cause));
            before = ", ";
        }
    puts(*before ? "" : "0");
}

static void print_channel(const json_t *cpu, const char *name, const json_t *c)
{
    char safe[WORD_BYTES];

    printf("%4" PRId64 "%c %-7s %10.3f%c", num(cpu, "cpu"),
           json_is_false(json_object_get(cpu, "online")) ? '-' : ' ',
           text_escape(safe, sizeof(safe), name),
           real(c, "horizon_s"),
           json_is_true(json_object_get(c, "whole")) ? '*' : ' ');
    print_rate(c, "events_per_s", 10, 0);
    print_rate(c, "bytes_per_event", 8, 1);
    printf(" %14" PRId64 " %14" PRId64 " %5" PRId64 "  ", num(c, "emitted"),
           num(c, "overwritten"), num(c, "held"));
    print_lost(c);
}

/* Xen's own trace buffers. */
static void print_tbuf(const json_t *r)
{
    const json_t *cpu, *t;
    size_t i;

    printf("Reaches:   %.3f s back on all pCPUs\n\n",
           real(json_object_get(r, "complete_s"), "busy"));
    printf("pCPU  seconds  full        written   moves  walked    lost\n");
    json_array_foreach(json_object_get(r, "cpus"), i, cpu)
    {
        t = json_object_get(cpu, "tbuf");
        printf("%4" PRId64 " %8.3f  %3.0f%% %14" PRId64 " %7" PRId64
               "  %5.1f%% %7" PRId64 "\n",
               num(cpu, "cpu"),
               real(json_object_get(json_object_get(cpu, "channels"), "busy"),
                    "horizon_s"),
               num(t, "bytes") ? 100.0 * num(t, "fill") / num(t, "bytes") : 0,
               num(t, "produced"), num(t, "moves"),
               num(t, "produced")
                   ? 100.0 * num(t, "walked_bytes") / num(t, "produced")
                   : 0,
               num(t, "lost"));
    }
    printf("(written: bytes since the daemon started; lost: records, as Xen "
           "counts them)\n\n");
}

static void print_recorder(const json_t *r)
{
    const json_t *cpus = json_object_get(r, "cpus"), *cpu, *c;
    char size[32], state[WORD_BYTES];
    const char *name;
    size_t i;

    printf("Recorder:  %s, %s a pCPU; newest generation %" PRId64 ", %" PRId64
           " held\n",
           word(state, r, "state"),
           text_bytes(size, sizeof(size), num(r, "bytes_per_cpu")),
           num(r, "gen"), num(r, "held"));
    if ( !strcmp(str(r, "backend"), "tbuf") )
        printf("Source:    Xen's own trace buffers; the newest quarter to half "
               "of each is kept\n");
    printf("Triggers:  %" PRId64 " deferred, %" PRId64 " duplicates of one "
           "crash, %" PRId64 " holds dropped unread, %" PRId64 " expired\n",
           num(r, "deferred"), num(r, "suppressed"), num(r, "given_up"),
           num(r, "expired"));
    if ( !json_array_size(cpus) )
        return;
    if ( !strcmp(str(r, "backend"), "tbuf") )
    {
        print_tbuf(r);
        return;
    }
    printf("Reaches:   %.3f s back on all pCPUs, %.3f s on the rare channel\n",
           real(json_object_get(r, "complete_s"), "busy"),
           real(json_object_get(r, "complete_s"), "rare"));
    printf("\npCPU  channel  seconds     events/s  bytes/ev        emitted    "
           "overwritten  held  lost\n");
    json_array_foreach((json_t *)cpus, i, cpu)
        json_object_foreach(json_object_get(cpu, "channels"), name, c)
            print_channel(cpu, name, c);
    printf("(seconds: the history a snapshot taken now would cover; *: since "
           "the start; -: offline)\n\n");
}

static void print_last(const json_t *last)
{
    const json_t *ns = json_object_get(last, "latency_ns");
    char safe[TEXT_ROOM(256)];

    printf("Last:      %s, on disk %.3f ms after its trigger\n",
           text_escape(safe, sizeof(safe), str(last, "file")),
           num(ns, "durable") / 1e6);
}

static void print_guests(const json_t *g)
{
    printf("Guests:    %" PRId64 " requests, %" PRId64 " rate-limited, %" PRId64
           " stale; %" PRId64 " guests opted out, %" PRId64 " blocked\n",
           num(g, "asked"), num(g, "rate_limited"), num(g, "stale"),
           num(g, "opted_out"), num(g, "shut_out"));
}

/* Print one line per cause: the outcomes of its triggers. */
static void print_causes(const json_t *causes)
{
    char safe[TEXT_ROOM(32)];
    const char *cause, *outcome;
    const json_t *of, *n;

    json_object_foreach((json_t *)causes, cause, of)
    {
        printf("  %-14s", text_escape(safe, sizeof(safe), cause));
        json_object_foreach((json_t *)of, outcome, n)
            printf("  %s %" PRId64, text_escape(safe, sizeof(safe), outcome),
                   (int64_t)json_integer_value(n));
        putchar('\n');
    }
}

static void print_times(const json_t *t)
{
    const int64_t durable = num(t, "durable");

    if ( durable )
        printf("Times:     on disk %.3f ms after a trigger, %.3f at most; held "
               "%.3f s in all, %.3f ms at most\n",
               num(t, "durable_ns") / 1e6 / durable,
               num(t, "durable_max_ns") / 1e6, num(t, "held_ns") / 1e9,
               num(t, "held_max_ns") / 1e6);
}

static void print_hook(const json_t *h)
{
    if ( num(h, "done") || num(h, "failed") || num(h, "timed_out") ||
         num(h, "dropped") )
        printf("Hook:      %" PRId64 " done, %" PRId64 " failed, %" PRId64
               " timed out, %" PRId64 " not run\n",
               num(h, "done"), num(h, "failed"), num(h, "timed_out"),
               num(h, "dropped"));
}

static void print_store(const json_t *s)
{
    char bytes[32], max[32];

    if ( !s )
        return;
    printf("Budget:    %" PRId64 " of %" PRId64 " files, %s of %s; %" PRId64
           " pinned; removed: %" PRId64 " for room, %" PRId64 " for age\n",
           num(s, "files"), num(s, "max_files"),
           text_bytes(bytes, sizeof(bytes), num(s, "bytes")),
           text_bytes(max, sizeof(max), num(s, "max_bytes")), num(s, "pinned"),
           num(s, "evicted"), num(s, "expired"));
}

static void print_daemon(const json_t *d)
{
    char size[32];

    if ( !d )
    {
        printf("Daemon:    not running: no snapshots are taken\n");
        return;
    }
    printf("Daemon:    running, engine started %" PRId64 " time%s\n",
           num(d, "engine_starts"), num(d, "engine_starts") == 1 ? "" : "s");
    printf("Snapshots: %" PRId64 " written (%s), %" PRId64 " failed, %" PRId64
           " dropped\n",
           num(d, "written"),
           text_bytes(size, sizeof(size), num(d, "bytes_written")),
           num(d, "failed"), num(d, "gone"));
    printf("Not made:  %" PRId64 " over a limit, %" PRId64
           " over budget, %" PRId64 " disabled\n",
           num(d, "suppressed_limit"), num(d, "suppressed_budget"),
           num(d, "suppressed_off"));
    print_causes(json_object_get(d, "causes"));
    print_store(json_object_get(d, "store"));
    print_times(json_object_get(d, "times"));
    print_hook(json_object_get(d, "hook"));
    if ( num(json_object_get(d, "guests"), "asked") )
        print_guests(json_object_get(d, "guests"));
    if ( json_object_get(d, "last") )
        print_last(json_object_get(d, "last"));
}

static int read_direct(struct hyp *h, void *arg)
{
    struct rings_error why;
    struct rings rings;
    bool mapped = !rings_map(h, &rings, &why);
    json_t *r;
    /* Without the mapping, most of the answer comes from the counters. */
    int rc = recorder_json(ask_op, h, mapped ? &rings : NULL, &r);

    rings_free(&rings);
    if ( !rc )
        *(json_t **)arg = json_pack("{sb so}", "ok", 1, "recorder", r);
    return rc;
}

int cmd_status(int argc, char **argv)
{
    const struct control_request req = { .magic = CONTROL_MAGIC,
                                         .op = CONTROL_STATUS };
    struct ask a = { 0 };
    const json_t *recorder;
    json_t *answer;
    int rc;

    if ( ask_parse(&a, &argp, argc, argv) )
        return EXIT_USAGE;
    rc = ask_daemon(&a, argv[0], &req, 30000, &answer);
    if ( rc == -ENOENT )
        rc = ask_xen(&a, argv[0], read_direct, &answer);
    if ( rc )
        return EXIT_FAIL;
    recorder = json_object_get(answer, "recorder");
    if ( a.json )
    {
        json_dumpf(answer, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    }
    else
    {
        print_recorder(recorder);
        print_daemon(json_object_get(answer, "daemon"));
    }
    rc = json_string_value(json_object_get(recorder, "state")) &&
                 str(recorder, "state")[0] == 'r'
             ? EXIT_OK
             : EXIT_FAIL;
    json_decref(answer);
    return rc;
}
