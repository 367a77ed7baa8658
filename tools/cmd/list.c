/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c: xenflight list: list the snapshots of a directory.
 */

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/base/text.h"
#include "tools/base/files.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/base/term.h"
#include "tools/cmd.h"
#include "tools/print/list.h"
#include "tools/select/filter.h"
#include "tools/select/when.h"

enum { OPT_SINCE = 256, OPT_UNTIL, OPT_COLUMNS };

struct options {
    const char *domain;
    struct filter_globs causes;
    int64_t now_ns, since_ns, until_ns;
    struct term term;
    bool json, columns;
    struct args args;          /* directories and files */
};

static int64_t parse_when(const char *option, const char *arg,
                          const struct options *o,
                          const struct argp_state *state)
{
    struct when w;
    int64_t ns = 0;

    if ( when_parse(arg, &w) || when_wall(&w, o->now_ns, &ns) )
        wrong_time(option, arg, "a time like 2026-01-31, \"2026-01-31 23:59\", "
                   "23:59 (UTC, today), -2h or -7d", state);
    return ns;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->term;
        state->child_inputs[1] = &o->json;
        return 0;
    case 'd':
        o->domain = arg;
        return 0;
    case 'c':
        filter_globs_add(&o->causes, arg, state);
        return 0;
    case OPT_SINCE:
        o->since_ns = parse_when("since", arg, o, state);
        return 0;
    case OPT_UNTIL:
        o->until_ns = parse_when("until", arg, o, state);
        return 0;
    case OPT_COLUMNS:
        o->columns = true;
        if ( list_columns_set(arg) )
            argp_error(state, "--columns takes names like time,domain,file, "
                       "not \"%s\"", arg);
        return 0;
    case ARGP_KEY_NO_ARGS:
        return 0;
    case ARGP_KEY_END:
        if ( o->json && o->columns )
            argp_error(state, "--json and --columns exclude each other");
        return 0;
    default:
        return parse_args(key, state, &o->args);
    }
}

static const struct argp_option option_list[] = {
    { "columns", OPT_COLUMNS, "LIST", 0, "print these columns: time, cause, domain, "
      "domid, uuid, reason, host, xen, size, bytes, seconds, complete, pinned, "
      "file", 0 },
    { NULL, 0, NULL, 0, "Which snapshots:", 1 },
    { "domain", 'd', "ID|NAME|UUID", 0, "only those triggered for this domain",
      0 },
    { "cause", 'c', "GLOB", 0, "only those with this cause: crash, request, ...; "
      "may be given several times", 0 },
    { "since", OPT_SINCE, "WHEN", 0, "only from this time on: 2026-01-31, "
      "\"2026-01-31 23:59\", 23:59 (UTC, today), -2h, -7d", 0 },
    { "until", OPT_UNTIL, "WHEN", 0, "only up to this time", 0 },
    { 0 },
};

static const struct argp_child children[] = {
    { &term_argp, 0, NULL, 0 },
    { &json_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .children = children,
    .parser = parse,
    .args_doc = "[DIRECTORY|FILE...]",
    .doc = "List the snapshots of a directory (default: " FILES_DIR "), oldest "
           "first: time, cause, domain, size.  SECONDS is the time that all "
           "pCPUs cover completely.  COMPLETE is \"yes\", \"partial\" if Xen "
           "could not hold all of the history, \"redacted\" for the records of "
           "one domain only, or \"cut\" if the file was not written to its "
           "end.\v"
           "Examples:\n"
           "  xenflight list\n"
           "  xenflight list --cause crash --since -7d\n"
           "  xenflight list --domain web1 --columns time,cause,file DIRECTORY\n"
           "  xenflight list --json DIRECTORY | jq -r .uuid | sort | uniq -c\n\n"
           "Needs neither Xen nor root.  Exit status: 0 on success, 1 if a "
           "directory or a file cannot be read, 2 on wrong usage.",
};

static const char *complete(const struct source *src)
{
    if ( snapshot_truncated(src->snap) )
        return "cut";
    if ( src->doc.redacted )
        return "redacted";
    return strcmp(src->doc.history, "complete") ? "partial" : "yes";
}

/* Not writable by its owner, so the daemon does not remove it. */
static bool pinned(const char *path)
{
    struct stat st;

    return !stat(path, &st) && !(st.st_mode & S_IWUSR);
}

/* Of the busy channel, complete on all pCPUs.  NULL if not in the file. */
static json_t *seconds(const struct doc *m)
{
    int64_t from, to;

    return doc_window(m, "busy", &from, &to) ? json_real((to - from) / 1e9)
                                             : NULL;
}

static bool wanted(const struct options *o, const struct doc *m,
                   int64_t wall_ns)
{
    char number[24];

    if ( wall_ns < o->since_ns || wall_ns > o->until_ns )
        return false;
    snprintf(number, sizeof(number), "%" PRId64, m->domid);
    if ( o->domain && strcmp(o->domain, m->name) &&
         strcasecmp(o->domain, m->uuid) &&
         (m->domid < 0 || strcmp(o->domain, number)) )
        return false;
    return filter_globs_match(&o->causes, m->cause);
}

/* Return NULL if there is none. */
static json_t *text_of(const struct doc *m, const char *object,
                       const char *key)
{
    json_t *text = json_object_get(json_object_get(m->root, object), key);

    return json_is_string(text) ? text : NULL;
}

/* Return NULL without memory. */
static json_t *make_row(const char *path, const struct source *src,
                        int64_t wall_ns)
{
    const struct doc *m = &src->doc;
    char when[48];

    /* "o*": strings that are not UTF-8 are left out. */
    return json_pack("{s:s, s:I, s:s, s:I, s:s, s:s, s:s*, s:O*, s:O*, s:I, "
                     "s:s, s:b, s:o*, s:o*}",
                     "time", text_time(when, sizeof(when), wall_ns),
                     "time_ns", (json_int_t)wall_ns,
                     "cause", m->cause,
                     "domid", (json_int_t)m->domid,
                     "name", m->name,
                     "uuid", m->uuid,
                     "reason", *m->reason_text ? m->reason_text : NULL,
                     "host", text_of(m, "host", "name"),
                     "xen", text_of(m, "xen", "version"),
                     "bytes", (json_int_t)snapshot_file_bytes(src->snap),
                     "complete", complete(src),
                     "pinned", pinned(path), "seconds", seconds(m),
                     "file", json_string(path));
}

static int compare(const void *x, const void *y)
{
    const struct list_row *a = x, *b = y;

    if ( a->wall_ns != b->wall_ns )
        return a->wall_ns < b->wall_ns ? -1 : 1;
    return strcmp(a->path, b->path);
}

/*
 * Return 1 with *row to print, 0 if the file is not selected, or -errno after a
 * message on stderr.
 */
static int read_one(const struct options *o, const char *path,
                    struct list_row *row)
{
    struct source src;
    int rc = source_open(path, false, &src);

    if ( rc )
        return rc;

    row->path = path;
    row->wall_ns = src.doc.has_wall
                   ? src.doc.wall_ns
                   : (int64_t)snapshot_header(src.snap)->created_ns;
    if ( wanted(o, &src.doc, row->wall_ns) )
    {
        row->json = make_row(path, &src, row->wall_ns);
        rc = row->json ? 1 : -ENOMEM;
    }
    if ( rc < 0 )
        complain(path, strerror(-rc));
    source_close(&src);
    return rc;
}

static void print_json(const struct list_row *row, size_t nr)
{
    for ( size_t i = 0; i < nr && !term_quit(); i++ )
    {
        json_dumpf(row[i].json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        putchar('\n');
    }
}

/* Causes are an open set: those of the files count, and those known here. */
static bool check_causes(const struct options *o, const struct list_row *row,
                         size_t nr)
{
    static const char *const known[] = { "crash", "xen-crash", "watchdog",
                                         "triple-fault", "viridian", "request" };
    bool all = true;

    for ( unsigned int i = 0; i < o->causes.nr; i++ )
    {
        const struct filter_globs one = { { o->causes.glob[i] }, 1 };
        bool found = false;

        for ( size_t n = 0; n < nr && !found; n++ )
            found = filter_globs_match(&one, doc_text(row[n].json, "cause", ""));
        for ( size_t n = 0; n < sizeof(known) / sizeof(known[0]); n++ )
            found = found || filter_globs_match(&one, known[n]);
        if ( !found )
            complain(one.glob[0], "no such cause: crash, xen-crash, watchdog, "
                     "triple-fault, viridian, request");
        all = all && found;
    }
    return all;
}

/* Return true if all of the files could be read. */
static bool list(const struct options *o, const struct files *paths)
{
    struct list_row *row = calloc(paths->nr + 1, sizeof(*row));
    bool all = true;
    size_t nr = 0;

    if ( !row )
    {
        complain("list", strerror(ENOMEM));
        return false;
    }

    for ( size_t i = 0; i < paths->nr; i++ )
    {
        int rc = read_one(o, paths->path[i], &row[nr]);

        all = all && rc >= 0;
        nr += rc > 0;
    }

    all = check_causes(o, row, nr) && all;
    qsort(row, nr, sizeof(*row), compare);
    term_begin(&o->term);
    if ( o->json )
        print_json(row, nr);
    else
        list_print(row, nr);
    for ( size_t i = 0; i < nr; i++ )
        json_decref(row[i].json);
    free(row);
    return all;
}

static bool find_all(const struct options *o, struct files *all)
{
    static char *const otherwise[] = { FILES_DIR };
    char *const *arg = o->args.nr ? o->args.path : otherwise;
    bool found = true;

    for ( int i = 0; i < (o->args.nr ? o->args.nr : 1); i++ )
    {
        int rc = files_add(all, arg[i]);

        if ( rc )
            complain(arg[i], strerror(-rc));
        found = found && !rc;
    }
    return found;
}

int cmd_list(int argc, char **argv)
{
    struct options o = { .since_ns = INT64_MIN, .until_ns = INT64_MAX };
    struct files files = { 0 };
    struct timespec now;
    bool all;

    list_columns_set(LIST_COLUMNS);
    clock_gettime(CLOCK_REALTIME, &now);
    o.now_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    all = find_all(&o, &files);
    all = list(&o, &files) && all;
    files_free(&files);
    return term_end() == EXIT_OK && all ? EXIT_OK : EXIT_FAIL;
}
