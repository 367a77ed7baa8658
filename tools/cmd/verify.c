/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify.c: xenflight verify: is every byte of a snapshot as it was
 * written, and do its records add up?
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
#include "tools/base/message.h"
#include "tools/base/source.h"
#include "tools/base/term.h"
#include "tools/cmd.h"

struct options {
    bool quiet, json;
    struct term term;
    char **files;
    int nr_files;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->term;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case 'q':
        o->quiet = true;
        return 0;
    case ARGP_KEY_ARGS:
        o->files = state->argv + state->next;
        o->nr_files = state->argc - state->next;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which file?");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    { "json", 'j', NULL, 0, "print one JSON object a line, for each file", 0 },
    { "quiet", 'q', NULL, 0, "say nothing of files that are whole", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &term_color_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "FILE...",
    .doc = "Check snapshots: every byte against its hash, the index, the "
           "documents, and the records against the account that Xen kept.\v"
           "Examples:\n"
           "  xenflight verify FILE\n"
           "  xenflight verify --quiet /var/lib/xen/snapshotd/*.xfr.lz4\n"
           "  xenflight verify --json FILE... | jq -c 'select(.whole | not)'\n\n"
           "Exit status: 0 all are whole, 1 one is damaged or cut or cannot be "
           "read, 2 usage.",
};

/* What is found out about one file. */
struct verdict {
    const char *path;
    bool whole;
    bool known;                  /* `totals` and `partial` are */
    struct snapshot_totals totals;
    bool partial;                /* Xen could not hold all of the history */
    json_t *faults;              /* [{"why", "at": byte, if that is known}] */
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

/* Records of one (pCPU, channel) that are in the file. */
static uint64_t count_records(struct snapshot *s, int64_t cpu, int channel)
{
    uint64_t n = 0;

    for ( uint32_t i = 0; i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);

        if ( f->kind == SNAPSHOT_DATA && f->cpu == cpu &&
             f->channel == channel )
            n += f->records;
    }

    return n;
}

/* emitted - late = held + held_earlier + sacrificed + overwritten + lost */
static bool balances(const json_t *stream)
{
    static const char *const causes[] = { "nested", "busy", "stopped",
                                          "retry" };
    static const char *const parts[] = { "held", "held_earlier", "sacrificed",
                                         "overwritten" };
    const json_t *lost = json_object_get(stream, "lost");
    uint64_t sum = 0;

    for ( size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++ )
        sum += (uint64_t)doc_number(stream, parts[i], 0);
    for ( size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++ )
        sum += (uint64_t)doc_number(lost, causes[i], 0);

    return sum == (uint64_t)doc_number(stream, "emitted", 0) -
                  (uint64_t)doc_number(stream, "late", 0);
}

/*
 * The account of each stream, as far as it is there and claims to be exact:
 * pCPUs that were not quiescent are told in `history`.
 */
static void check_account(struct verdict *v, const struct source *src)
{
    const json_t *streams = json_object_get(src->doc.root, "streams");
    const json_t *stream;
    size_t i;

    json_array_foreach(streams, i, stream)
    {
        int64_t cpu = doc_number(stream, "cpu", -1);
        int64_t held = doc_number(stream, "held", -1);
        bool rare = !strcmp(doc_text(stream, "channel", ""), "rare");
        uint64_t n = count_records(src->snap, cpu, rare);
        char why[160];

        if ( held < 0 || !json_is_true(json_object_get(stream, "quiescent")) )
            continue;

        if ( n != (uint64_t)held )
            snprintf(why, sizeof(why), "pCPU %" PRId64 ", %s: the file has %"
                     PRIu64 " records, Xen held %" PRId64, cpu,
                     rare ? "rare" : "busy", n, held);
        else if ( !balances(stream) )
            snprintf(why, sizeof(why), "pCPU %" PRId64 ", %s: Xen's account "
                     "does not balance", cpu, rare ? "rare" : "busy");
        else
            continue;
        fault(v, NOWHERE, why);
    }
}

/* The bytes.  False: not as they were written. */
static bool check_bytes(struct verdict *v)
{
    struct snapshot_fault f = { .what = "" };
    int rc, fd = open(v->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    rc = fd < 0 ? -errno : snapshot_verify(fd, &f, &v->totals);
    if ( rc == -EBADMSG || rc == -ENOTSUP )
        fault(v, f.offset, f.what);
    else if ( rc )
        fault(v, NOWHERE, strerror(-rc));

    if ( fd >= 0 )
        close(fd);
    return !rc;
}

static void check(struct verdict *v)
{
    char err[SOURCE_ERR_BYTES];
    struct source src;

    if ( !check_bytes(v) )
        return;
    if ( source_try(v->path, true, &src, err) )
    {
        fault(v, NOWHERE, err);
        return;
    }

    v->known = true;
    v->partial = strcmp(src.doc.history, "complete");
    check_account(v, &src);
    if ( v->totals.damaged )
        fault(v, NOWHERE, "whole as it was written, but some packets were "
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
           text_escape(safe, sizeof(safe), v->path), term_on(TERM_WHO),
           term_off(), t->frames, t->packets, t->records,
           text_bytes(size, sizeof(size), t->file_bytes));
    if ( v->partial )
        printf("%shistory partial%s\n", term_on(TERM_BAD), term_off());
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
                         "history", v->partial ? "partial" : "complete"));
    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(o);
}

static bool verify(const char *path, const struct options *o)
{
    struct verdict v = { .path = path, .whole = true,
                         .faults = json_array() };

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
    /* It prints as it goes: a pager would hold that back. */
    struct options o = { .term = { .no_pager = true } };
    int rc = EXIT_OK;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;

    term_begin(&o.term);
    for ( int i = 0; i < o.nr_files; i++ )
        if ( !verify(o.files[i], &o) )
            rc = EXIT_FAIL;

    return term_end() == EXIT_OK ? rc : EXIT_FAIL;
}
