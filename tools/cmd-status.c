/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-status.c: xenflight status: is it recording, what happened so far. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/recorder.h"
#include "lib/text.h"
#include "tools/ask.h"
#include "tools/cmd.h"

static const struct argp argp = {
    .parser = ask_parse_child,
    .children = ask_children,
    .doc = "Is Xen recording, how much history is there, what was lost, and "
           "what did the daemon do.\v"
           "Exit status: 0 Xen records, 1 it does not or cannot be asked, "
           "2 usage.",
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

static void print_channel(int64_t cpu, const char *name, const json_t *c)
{
    const json_t *lost = json_object_get(c, "lost"), *v;
    int64_t sum = 0;
    const char *k;

    json_object_foreach((json_t *)lost, k, v)
        sum += json_integer_value(v);
    printf("%4" PRId64 "  %-7s %14" PRId64 " %14" PRId64 " %8" PRId64
           " %5" PRId64 " %9.3f s\n",
           cpu, name, num(c, "emitted"), num(c, "overwritten"), sum,
           num(c, "held"), json_real_value(json_object_get(c, "history_s")));
}

static void print_recorder(const json_t *r)
{
    const json_t *cpus = json_object_get(r, "cpus"), *cpu, *c;
    char size[32];
    const char *name;
    size_t i;

    printf("Recorder:  %s, %s a pCPU; newest generation %" PRId64 ", %" PRId64
           " held\n",
           str(r, "state"),
           text_bytes(size, sizeof(size), num(r, "bytes_per_cpu")),
           num(r, "gen"), num(r, "held"));
    printf("Triggers:  %" PRId64 " began late, %" PRId64 " second ones of one "
           "death, %" PRId64 " holds gave way unread, %" PRId64 " expired\n",
           num(r, "deferred"), num(r, "suppressed"), num(r, "given_up"),
           num(r, "expired"));
    if ( !json_array_size(cpus) )
        return;
    printf("\npCPU  channel        emitted    overwritten     lost  held   "
           "history\n");
    json_array_foreach((json_t *)cpus, i, cpu)
        json_object_foreach(json_object_get(cpu, "channels"), name, c)
            print_channel(num(cpu, "cpu"), name, (json_t *)c);
    putchar('\n');
}

static void print_last(const json_t *last)
{
    const json_t *ns = json_object_get(last, "latency_ns");
    char safe[TEXT_ROOM(256)];

    printf("Last:      %s, on disk %.3f ms after its trigger\n",
           text_escape(safe, sizeof(safe), str(last, "file")),
           num(ns, "durable") / 1e6);
}

static void print_daemon(const json_t *d)
{
    char size[32];

    if ( !d )
    {
        printf("Daemon:    not running: nothing takes snapshots\n");
        return;
    }
    printf("Daemon:    running, engine started %" PRId64 " time%s\n",
           num(d, "engine_starts"), num(d, "engine_starts") == 1 ? "" : "s");
    printf("Snapshots: %" PRId64 " written (%s), %" PRId64 " failed, %" PRId64
           " not made for lack of budget, %" PRId64 " gave way, %" PRId64
           " removed\n",
           num(d, "written"),
           text_bytes(size, sizeof(size), num(d, "bytes_written")),
           num(d, "failed"), num(d, "suppressed_budget"), num(d, "gone"),
           num(d, "evicted"));
    if ( json_object_get(d, "last") )
        print_last(json_object_get(d, "last"));
}

static int read_direct(struct hyp *h, void *arg)
{
    json_t *r;
    int rc = recorder_json(ask_op, h, &r);

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
        rc = ask_xen(&a, argv[0], false, read_direct, &answer);
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
