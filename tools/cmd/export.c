/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * export.c: xenflight export: convert a snapshot for another tool.
 */

#include <argp.h>
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

/* Create the directory, or use one that holds no trace yet. */
static int open_dir(struct export *x)
{
    if ( mkdir(x->path, 0777) && errno != EEXIST )
        return -errno;

    x->dir = open(x->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if ( x->dir < 0 )
        return -errno;
    if ( faccessat(x->dir, "metadata", F_OK, 0) )
        return 0;

    close(x->dir);
    x->dir = -1;
    return -EEXIST;
}

static int open_out(struct export *x, const struct export_format *format)
{
    if ( format->directory )
        return open_dir(x);
    if ( x->path && !freopen(x->path, "w", stdout) )
        return -errno;

    return 0;
}

/* An unfinished file must not be mistaken for a trace. */
static void remove_out(const struct export *x, const struct options *o)
{
    struct stat st;

    if ( o->out && !o->format->directory && !stat(o->out, &st) &&
         S_ISREG(st.st_mode) )
        unlink(o->out);
}

struct target {
    struct export *x;
    struct options *o;
};

static int export_record(void *arg, const struct merge_record *rec)
{
    const struct target *t = arg;

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

    *damaged = t.damaged;
    return rc;
}

/* Print what was left out to stderr: stdout may be the trace. */
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
                 "than the history of all pCPUs, or of an unknown event", x->left_out);
        complain(o->file, buf);
    }
}

static int export(struct export *x, struct options *o)
{
    const char *target = o->out ? o->out : "standard output";
    uint64_t damaged = 0;
    int rc;

    rc = filter_resolve(&o->filter, &x->src->doc);
    if ( rc )
        return rc;

    x->part = filter_number(&o->filter);
    rc = open_out(x, o->format);
    if ( rc )
    {
        complain(target, rc == -EEXIST ? "holds a trace already: name a new "
                                         "directory" : strerror(-rc));
        return rc;
    }

    rc = o->format->open(x);
    if ( !rc )
        rc = walk(x, o, &damaged);
    if ( !rc )
        rc = o->format->finish(x);
    o->format->close(x);
    if ( x->dir >= 0 )
        close(x->dir);
    if ( !rc && !o->format->directory && fflush(stdout) )
        rc = -errno;
    if ( rc )
    {
        complain(target, strerror(-rc));
        remove_out(x, o);
    }
    else
        print_left_out(x, o, damaged);
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
