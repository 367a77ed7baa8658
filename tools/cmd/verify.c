/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify.c: xenflight verify: check the bytes of a snapshot against its hashes,
 * and its records against Xen's counters.
 */

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "lib/format/audit.h"
#include "tools/base/input.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/base/term.h"
#include "tools/cmd.h"

struct options {
    bool quiet, json;
    struct term term;
    struct args files;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->term;
        state->child_inputs[1] = &o->json;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    default:
        return parse_args(key, state, &o->files);
    }
}

static const struct argp_option option_list[] = {
    { "quiet", 'q', NULL, 0, "print only files that are not whole", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &term_color_argp, 0, NULL, 0 },
    { &json_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "FILE...",
    .doc = "Check snapshots: every byte against its hash, the index, the "
           "documents, and the number of records against Xen's counters.\v"
           "Examples:\n"
           "  xenflight verify FILE\n"
           "  xenflight verify --quiet /var/lib/xen/snapshotd/*.xfr.lz4\n"
           "  xenflight verify --json FILE... | jq -c 'select(.whole | not)'\n\n"
           "Exit status: 0 if all files are whole, 1 if one is damaged or cut "
           "or cannot be read, 2 on wrong usage.",
};

/* The result of checking one file. */
struct verdict {
    const char *path;
    bool whole;
    bool known;                  /* totals and history are set */
    struct snapshot_totals totals;
    const char *history;         /* "complete", "partial" or "redacted" */
    json_t *faults;              /* [{"why", "at": byte offset, if known}] */
};

#define NOWHERE (-1)

static void fault(struct verdict *v, int64_t at, const char *why)
{
    json_t *o = json_pack("{s:s}", "why", why);

    v->whole = false;
    if ( at != NOWHERE )
        json_object_set_new(o, "at", json_integer(at));
    if ( json_array_append_new(v->faults, o) )
        complain(v->path, why);
}

/* Records in the file, by (pCPU, channel). */
typedef uint64_t record_counts[UINT16_MAX + 1][XEN_FLIGHTREC_CHANNELS];

/* Return the counts, which the caller must free(), or NULL without memory. */
static record_counts *count_records(const struct snapshot *s)
{
    record_counts *n = calloc(1, sizeof(*n));

    for ( uint32_t i = 0; n && i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);

        if ( f->kind == SNAPSHOT_DATA )
            (*n)[f->cpu][f->channel] += f->records;
    }

    return n;
}

/*
 * Check the counters of each stream.  Streams without counters are skipped, and
 * those of pCPUs that were not quiescent: their counters are not exact, and the
 * history is marked partial.
 */
static void check_counters(struct verdict *v, const struct source *src)
{
    const json_t *streams = json_object_get(src->doc.root, "streams");
    record_counts *counts = count_records(src->snap);
    const json_t *stream;
    size_t i;

    if ( !counts )
    {
        fault(v, NOWHERE, strerror(ENOMEM));
        return;
    }

    json_array_foreach(streams, i, stream)
    {
        int64_t cpu = doc_number(stream, "cpu", -1);
        int64_t held = doc_number(stream, "held", -1);
        bool rare = !strcmp(doc_text(stream, "channel", ""), "rare");
        uint64_t n = cpu < 0 || cpu > UINT16_MAX ? 0 : (*counts)[cpu][rare];
        struct xen_flightrec_audit audit;
        char why[160];

        if ( held < 0 || !json_is_true(json_object_get(stream, "quiescent")) )
            continue;

        audit_from_json(stream, &audit);
        if ( n != (uint64_t)held )
            snprintf(why, sizeof(why), "pCPU %" PRId64 ", %s: the file has %"
                     PRIu64 " records, Xen held %" PRId64, cpu,
                     rare ? "rare" : "busy", n, held);
        else if ( !audit_balances(&audit) )
            snprintf(why, sizeof(why), "pCPU %" PRId64 ", %s: Xen's "
                     "counters do not add up", cpu, rare ? "rare" : "busy");
        else
            continue;
        fault(v, NOWHERE, why);
    }
    free(counts);
}

/*
 * Check the hashes.  Return false, with @fd closed, if the file is not as it was
 * written.
 */
static bool check_bytes(struct verdict *v, int fd)
{
    struct snapshot_fault f = { .what = "" };
    int rc = fd < 0 ? fd : snapshot_verify(fd, &f, &v->totals);

    if ( rc == -EBADMSG || rc == -ENOTSUP )
        fault(v, f.offset, f.what);
    else if ( rc )
        fault(v, NOWHERE, strerror(-rc));

    if ( rc && fd >= 0 )
        close(fd);
    return !rc;
}

static void check(struct verdict *v)
{
    char err[SOURCE_ERR_BYTES];
    int fd = input_open(v->path);
    struct source src;

    if ( !check_bytes(v, fd) )
        return;
    if ( source_try_fd(fd, true, &src, err) )
    {
        fault(v, NOWHERE, err);
        return;
    }

    v->known = true;
    v->history = src.doc.redacted                       ? "redacted"
                 : strcmp(src.doc.history, "complete") ? "partial"
                                                       : "complete";
    check_counters(v, &src);
    if ( v->totals.damaged )
        fault(v, NOWHERE, "the file is whole, but some packets were "
                          "already damaged in memory");
    source_close(&src);
}

static void print_faults(const struct verdict *v)
{
    char text[300];
    const json_t *f;
    size_t i;

    json_array_foreach(v->faults, i, f)
    {
        const char *why = doc_text(f, "why", "");

        if ( json_object_get(f, "at") )
            snprintf(text, sizeof(text), "damaged at byte %" PRId64 ": %s",
                     doc_number(f, "at", 0), why);
        else
            snprintf(text, sizeof(text), "%s", why);
        complain(v->path, text);
    }
}

static void print_whole(const struct verdict *v)
{
    const struct snapshot_totals *t = &v->totals;
    char safe[TEXT_ROOM(256)], size[32];

    printf("%s: %swhole%s: %" PRIu32 " data frames, %" PRIu64 " packets, %"
           PRIu64 " records, %s, ",
           text_escape(safe, sizeof(safe), v->path), term_on(TERM_NAME),
           term_off(), t->frames, t->packets, t->records,
           text_bytes(size, sizeof(size), t->file_bytes));
    if ( strcmp(v->history, "complete") )
        printf("%shistory %s%s\n", term_on(TERM_BAD), v->history, term_off());
    else
        printf("history complete\n");
}

static void print_json(const struct verdict *v)
{
    const struct snapshot_totals *t = &v->totals;
    /* "o*": a path that is no UTF-8 is left out. */
    json_t *o = json_pack("{s:o*, s:b, s:O}", "file", json_string(v->path),
                          "whole", v->whole, "faults", v->faults);

    if ( v->known )
        json_object_update_new(
            o, json_pack("{s:I, s:I, s:I, s:I, s:I, s:s}",
                         "frames", (json_int_t)t->frames,
                         "packets", (json_int_t)t->packets,
                         "records", (json_int_t)t->records,
                         "bytes", (json_int_t)t->file_bytes,
                         "damaged_frames", (json_int_t)t->damaged,
                         "history", v->history));
    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(o);
}

static bool verify(const char *path, const struct options *o)
{
    struct verdict v = { .path = path, .whole = true };

    if ( source_is_stdout(path) )
        return false;

    v.faults = json_array();
    check(&v);
    if ( o->json && !(v.whole && o->quiet) )
        print_json(&v);
    else if ( !o->json && !v.whole )
        print_faults(&v);
    else if ( !o->json && !o->quiet )
        print_whole(&v);
    json_decref(v.faults);
    return v.whole;
}

int cmd_verify(int argc, char **argv)
{
    /* Results are printed as they come: a pager would delay them. */
    struct options o = { .term = { .no_pager = true } };
    int rc = EXIT_OK;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    term_begin(&o.term);
    for ( int i = 0; i < o.files.nr; i++ )
        if ( !verify(o.files.path[i], &o) )
            rc = EXIT_FAIL;

    return term_end() == EXIT_OK ? rc : EXIT_FAIL;
}
