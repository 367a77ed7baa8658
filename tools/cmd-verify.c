/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-verify.c: xenflight verify: is every byte of a snapshot as it was
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

#include "lib/text.h"
#include "tools/cmd.h"
#include "tools/tool.h"

struct options {
    bool quiet;
    char **files;
    int nr_files;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
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
    { "quiet", 'q', NULL, 0, "say nothing of files that are whole", 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "FILE...",
    .doc = "Check snapshots: every byte against its hash, the index, the "
           "documents, and the records against the account that Xen kept.\v"
           "Exit status: 0 all are whole, 1 one is damaged or cut or cannot be "
           "read, 2 usage.\n\n"
           "  xenflight verify --quiet /var/lib/xen/snapshotd/*.xfr.lz4\n",
};

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
static int check_account(const char *path, const struct source *src)
{
    const json_t *streams = json_object_get(src->doc.root, "streams");
    const json_t *stream;
    int rc = EXIT_OK;
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
        complain(path, why);
        rc = EXIT_FAIL;
    }

    return rc;
}

/* The bytes.  0, or -errno after saying why. */
static int check_bytes(const char *path, struct snapshot_totals *totals)
{
    struct snapshot_fault fault = { .what = "" };
    char why[200];
    int rc, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if ( fd < 0 )
    {
        rc = -errno;
        complain(path, strerror(-rc));
        return rc;
    }

    rc = snapshot_verify(fd, &fault, totals);
    close(fd);
    if ( rc == -EBADMSG || rc == -ENOTSUP )
    {
        snprintf(why, sizeof(why), "damaged at byte %" PRIu64 ": %s",
                 fault.offset, fault.what);
        complain(path, why);
    }
    else if ( rc )
        complain(path, strerror(-rc));

    return rc;
}

static int verify(const char *path, bool quiet)
{
    char safe[TEXT_ROOM(256)], size[32];
    struct snapshot_totals t;
    struct source src;
    int rc;

    if ( check_bytes(path, &t) || source_open(path, true, &src) )
        return EXIT_FAIL;

    rc = check_account(path, &src);
    if ( t.damaged )
    {
        complain(path, "whole as it was written, but some packets were "
                       "already damaged in memory");
        rc = EXIT_FAIL;
    }

    if ( rc == EXIT_OK && !quiet )
        printf("%s: whole: %" PRIu32 " data frames, %" PRIu64 " packets, %"
               PRIu64 " records, %s, history %s\n",
               text_escape(safe, sizeof(safe), path), t.frames, t.packets,
               t.records, text_bytes(size, sizeof(size), t.file_bytes),
               strcmp(src.doc.history, "complete") ? "partial" : "complete");

    source_close(&src);
    return rc;
}

int cmd_verify(int argc, char **argv)
{
    struct options o = { 0 };
    int rc = EXIT_OK;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;

    for ( int i = 0; i < o.nr_files; i++ )
        if ( verify(o.files[i], o.quiet) != EXIT_OK )
            rc = EXIT_FAIL;

    return flush_stdout() == EXIT_OK ? rc : EXIT_FAIL;
}
