/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export.c: xenflight export: convert a snapshot for another tool.
 */

#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/output.h"
#include "tools/base/walk.h"
#include "tools/cmd.h"
#include "tools/export/export.h"
#include "tools/select/filter.h"

static const struct export_format *const formats[] = {
    &export_ctf, &export_perfetto, &export_xentrace, &export_json, &export_csv,
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

struct options {
    const char *file;
    const char *out;
    enum doc_clock clock;
    const struct export_format *format;
    struct filter filter;
};

/*
 * The command line.
 */

static const struct export_format *find_format(const char *name)
{
    for ( size_t i = 0; i < NR_FORMATS; i++ )
        if ( !strcmp(name, formats[i]->name) )
            return formats[i];

    return NULL;
}

static void check(const struct options *o, struct argp_state *state)
{
    if ( !o->format )
        argp_error(state, "name a format with --to");
    else if ( o->clock != DOC_CLOCK_REL && o->format != &export_json &&
              o->format != &export_csv )
        argp_error(state, "--clock is only for json and csv: %s has its own "
                   "clock", o->format->name);
    else if ( o->format->directory && !o->out )
        argp_error(state, "--to %s writes a directory: name it with -o",
                   o->format->name);
    else if ( o->format->binary && !o->out && isatty(STDOUT_FILENO) )
        argp_error(state, "--to %s is binary: name a file with -o",
                   o->format->name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->filter;
        state->child_inputs[1] = &o->filter.last;
        state->child_inputs[2] = &o->clock;
        return 0;
    case 't':
        o->format = find_format(arg);
        if ( !o->format )
            argp_error(state, "--to takes ctf, perfetto, xentrace, json or "
                       "csv, not \"%s\"", arg);
        return 0;
    case 'o':
        o->out = arg;
        return 0;
    case ARGP_KEY_END:
        check(o, state);
        return 0;
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_option option_list[] = {
    { "to", 't', "FORMAT", 0, "ctf (a directory, for babeltrace2 and Trace "
      "Compass), perfetto (for ui.perfetto.dev), xentrace (for xenalyze), json "
      "(one object per line) or csv", 0 },
    { "output", 'o', "OUT", 0, "the file to write, or for ctf the directory to "
      "create; default: standard output", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &filter_argp, 0, NULL, 0 },
    { &last_argp, 0, NULL, 0 },
    { &clock_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Convert a snapshot to the format of another tool.  --clock is "
           "only for json and csv.\v"
           "Examples:\n"
           "  xenflight export --to ctf -o trace FILE && babeltrace2 trace\n"
           "  xenflight export --to perfetto -o trace.perfetto FILE\n"
           "  xenflight export --to xentrace -o trace.xen FILE && xenalyze -s trace.xen\n"
           "  xenflight export --to csv --class sched --last 1s FILE | gzip >FILE.csv.gz\n\n"
           "Needs neither Xen nor root.  Exit status: 0 on success, 1 if the "
           "file cannot be read, or not to its end, or OUT cannot be written, 2 "
           "on wrong usage.",
};

/*
 * Output.
 */

/* Return 0, -ENOTEMPTY or another -errno. */
static int check_empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;

    if ( !d )
    {
        rc = -errno;
        if ( fd >= 0 )
            close(fd);
        return rc;
    }

    while ( !rc && (e = readdir(d)) )
        if ( strcmp(e->d_name, ".") && strcmp(e->d_name, "..") )
            rc = -ENOTEMPTY;
    closedir(d);
    return rc;
}

/*
 * Create the directory, or use an empty one: streams of an unfinished export would
 * become part of the trace.
 */
static int open_dir(struct export *x, const struct options *o)
{
    int rc;

    x->mode = output_mode(o->file, -1);
    if ( mkdir(x->path, x->mode | 0100 | (x->mode & 0044) >> 2) )
    {
        if ( errno != EEXIST )
            return -errno;
    }

    x->dir = open(x->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ( x->dir < 0 )
        return -errno;
    rc = check_empty(x->dir);
    if ( rc )
    {
        close(x->dir);
        x->dir = -1;
    }
    return rc;
}

/* Formats of one file write to stdout. */
static int open_file(struct output *out, const struct options *o)
{
    int rc = o->out ? output_open(out, o->out, o->file, false) : 0;

    if ( !rc && o->out && dup2(out->fd, STDOUT_FILENO) < 0 )
    {
        rc = output_end(out, -errno);
        complain(o->out, strerror(-rc));
    }
    return rc;
}

/* The directory was empty before: remove all files, and leave it. */
static void empty_dir(int dir)
{
    DIR *d = fdopendir(dir);
    const struct dirent *e;

    while ( d && (e = readdir(d)) )
        unlinkat(dir, e->d_name, 0);
    if ( d )
        closedir(d);
    else
        close(dir);
}

struct target {
    struct export *x;
    struct options *o;
};

static int export_record(void *arg, const struct merge_record *rec)
{
    const struct target *t = arg;

    t->x->total += rec->kind == MERGE_EVENT;
    if ( !filter_wants(&t->o->filter, rec) )
        return 0;
    t->x->records += rec->kind == MERGE_EVENT;
    return t->o->format->record(t->x, rec);
}

/* Pass the selected records to the format. */
static int walk(struct export *x, struct options *o, uint64_t *damaged)
{
    struct target target = { .x = x, .o = o };
    struct walk_totals t;
    int rc = source_walk(x->src, o->filter.from_tsc, export_record, &target,
                         &t);

    x->total += t.skipped;
    *damaged = t.damaged;
    return rc;
}

/* Print omissions to stderr: stdout may be the trace. */
static void print_left_out(const struct export *x, const struct options *o,
                           uint64_t damaged)
{
    char buf[160];

    if ( damaged )
    {
        snprintf(buf, sizeof(buf), "%" PRIu64 " damaged parts were left out",
                 damaged);
        complain(o->file, buf);
    }
    if ( x->left_out )
    {
        snprintf(buf, sizeof(buf), "%" PRIu64 " records were left out: older "
                 "than the history of all pCPUs, or of an unknown event",
                 x->left_out);
        complain(o->file, buf);
    }
}

/* Convert all records.  The output is open. */
static int convert(struct export *x, struct options *o, uint64_t *damaged)
{
    int rc = o->format->open(x);

    if ( !rc )
        rc = walk(x, o, damaged);
    if ( !rc )
        rc = o->format->finish(x);
    o->format->close(x);
    return rc;
}

static int to_dir(struct export *x, struct options *o, uint64_t *damaged)
{
    int rc = open_dir(x, o);

    if ( rc )
    {
        complain(o->out, rc == -ENOTEMPTY ? "not empty: name a new directory"
                                          : strerror(-rc));
        return rc;
    }

    rc = convert(x, o, damaged);
    if ( rc )
    {
        complain(o->out, strerror(-rc));
        empty_dir(x->dir);
    }
    else
        close(x->dir);
    return rc;
}

static int to_file(struct export *x, struct options *o, uint64_t *damaged)
{
    struct output out;
    int rc = open_file(&out, o);

    if ( rc )
        return rc;

    rc = convert(x, o, damaged);
    if ( (fflush(stdout) || ferror(stdout)) && !rc )
        rc = errno ? -errno : -EIO;
    if ( o->out )
        rc = output_end(&out, rc);
    if ( rc )
        complain(o->out ? o->out : "standard output", strerror(-rc));
    return rc;
}

static int export(struct export *x, struct options *o)
{
    uint64_t damaged = 0;
    int rc;

    rc = filter_resolve(&o->filter, &x->src->doc, x->src->lives);
    if ( rc )
        return rc;

    x->part = filter_number(&o->filter);
    rc = (o->format->directory ? to_dir : to_file)(x, o, &damaged);
    if ( !rc )
        print_left_out(x, o, damaged);
    if ( !rc && !x->records )
        filter_none_left(o->file, x->total);
    return !rc && damaged ? -EBADMSG : rc;
}

int cmd_export(int argc, char **argv)
{
    struct options o = { 0 };
    struct export x = { .dir = -1 };
    const struct snapshot_fault *cut;
    struct source src;
    int rc;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    if ( source_open(o.file, true, &src) )
    {
        filter_free(&o.filter);
        return EXIT_FAIL;
    }

    x.src = &src;
    x.path = o.out;
    rc = source_clock(&src, o.clock) || export(&x, &o) ? EXIT_FAIL : EXIT_OK;
    cut = snapshot_truncated(src.snap);
    if ( cut )
    {
        complain(o.file, cut->what);
        rc = EXIT_FAIL;
    }
    filter_free(&o.filter);
    source_close(&src);
    return rc;
}
