/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmd-list.c: xenflight list: the snapshots of a directory.
 */

#include <argp.h>
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/text.h"
#include "tools/cmd.h"
#include "tools/tool.h"

struct options {
    const char *dir, *domain, *cause;
    bool json;
};

struct entry {
    int64_t wall_ns;
    json_t *row; /* as --json prints it */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch ( key )
    {
    case 'j':
        o->json = true;
        return 0;
    case 'd':
        o->domain = arg;
        return 0;
    case 'c':
        o->cause = arg;
        return 0;
    case ARGP_KEY_ARG:
        if ( state->arg_num )
            argp_error(state, "one directory at a time");
        o->dir = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    { "domain", 'd', "ID|NAME|UUID", 0, "only those that are about this domain",
      0 },
    { "cause", 'c', "GLOB", 0, "only those of this cause: crash, request, ...",
      0 },
    { "json", 'j', NULL, 0, "print one JSON object a line", 0 },
    { 0 },
};

static const struct argp argp = {
    .options = option_list,
    .parser = parse,
    .args_doc = "[DIRECTORY]",
    .doc = "List the snapshots of a directory (default: " TOOL_DIR "), oldest "
           "first: when, why, whose, how large.  SECONDS is how long all pCPUs "
           "have everything.  COMPLETE says \"yes\", "
           "\"partial\" if Xen could not hold all of the history, or \"cut\" "
           "if the file was not written to its end.\v"
           "Exit status: 0 done, 1 the directory or a file cannot be read, "
           "2 usage.\n\n"
           "  xenflight list\n"
           "  xenflight list --cause crash --json /var/crash | jq .uuid\n",
};

static const char *complete(const struct source *src)
{
    if ( snapshot_truncated(src->snap) )
        return "cut";
    return strcmp(src->doc.history, "complete") ? "partial" : "yes";
}

/* Not writable for its owner: the daemon does not remove it. */
static bool pinned(const char *path)
{
    struct stat st;

    return !stat(path, &st) && !(st.st_mode & S_IWUSR);
}

/* Of the busy channel, complete on all pCPUs.  NULL: the file does not say. */
static json_t *seconds(const struct doc *m)
{
    int64_t from, to;

    return doc_window(m, "busy", &from, &to) ? json_real((to - from) / 1e9)
                                             : NULL;
}

static bool wanted(const struct options *o, const struct doc *m)
{
    char number[24];

    snprintf(number, sizeof(number), "%" PRId64, m->domid);
    if ( o->domain && strcmp(o->domain, m->name) &&
         strcasecmp(o->domain, m->uuid) &&
         (m->domid < 0 || strcmp(o->domain, number)) )
        return false;
    return !o->cause || !fnmatch(o->cause, m->cause, 0);
}

/* NULL: out of memory. */
static json_t *make_row(const char *path, const struct source *src,
                        int64_t wall_ns)
{
    const struct doc *m = &src->doc;
    char when[48];

    /* "o*": a path that is no UTF-8 is left out. */
    return json_pack("{s:s, s:I, s:s, s:I, s:s, s:s, s:I, s:s, s:b, s:o*, s:o*}",
                     "time", text_time(when, sizeof(when), wall_ns),
                     "time_ns", (json_int_t)wall_ns,
                     "cause", m->cause,
                     "domid", (json_int_t)m->domid,
                     "name", m->name,
                     "uuid", m->uuid,
                     "bytes", (json_int_t)snapshot_file_bytes(src->snap),
                     "complete", complete(src),
                     "pinned", pinned(path), "seconds", seconds(m),
                     "file", json_string(path));
}

static void print_text(const json_t *row)
{
    const char *name = doc_text(row, "name", "");
    const char *uuid = doc_text(row, "uuid", "");
    char cause[24], who[25], size[32], secs[32] = "-", safe[TEXT_ROOM(256)];
    const json_t *window = json_object_get(row, "seconds");

    if ( !*name )
        name = doc_number(row, "domid", -1) < 0 ? "-" : "?";

    text_escape(cause, sizeof(cause), doc_text(row, "cause", ""));
    text_escape(who, sizeof(who), name);
    text_bytes(size, sizeof(size), doc_number(row, "bytes", 0));
    text_escape(safe, sizeof(safe), *uuid ? uuid : "-");
    if ( window )
        snprintf(secs, sizeof(secs), "%.3f", json_real_value(window));
    printf("%.19s  %-12s  %-24s  %-36.36s  %10s  %8s  %-8s  ",
           doc_text(row, "time", ""), cause, who, safe, size, secs,
           doc_text(row, "complete", ""));
    printf("%s%s\n",
           text_escape(safe, sizeof(safe), doc_text(row, "file", "?")),
           json_is_true(json_object_get(row, "pinned")) ? "  (pinned)" : "");
}

static int compare(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;

    if ( a->wall_ns != b->wall_ns )
        return a->wall_ns < b->wall_ns ? -1 : 1;
    return strcmp(doc_text(a->row, "file", ""), doc_text(b->row, "file", ""));
}

/*
 * Reads each, keeps those that are wanted; those that cannot be read are told on
 * stderr and clear *all.
 */
static size_t read_all(const struct options *o, char **paths, size_t nr,
                       struct entry *entries, bool *all)
{
    size_t n = 0;

    for ( size_t i = 0; i < nr; i++ )
    {
        struct entry *e = &entries[n];
        struct source src;

        if ( source_open(paths[i], false, &src) )
        {
            *all = false;
            continue;
        }
        if ( !wanted(o, &src.doc) )
        {
            source_close(&src);
            continue;
        }
        e->wall_ns = src.doc.has_wall
                     ? src.doc.wall_ns
                     : (int64_t)snapshot_header(src.snap)->created_ns;
        e->row = make_row(paths[i], &src, e->wall_ns);
        if ( e->row )
            n++;
        else
        {
            complain(paths[i], "out of memory");
            *all = false;
        }
        source_close(&src);
    }

    return n;
}

static void print_all(const struct entry *entries, size_t n, bool json)
{
    if ( !json && n )
        printf("%-19s  %-12s  %-24s  %-36s  %10s  %8s  %-8s  %s\n",
               "TIME (UTC)", "CAUSE", "DOMAIN", "UUID", "SIZE", "SECONDS",
               "COMPLETE", "FILE");

    for ( size_t i = 0; i < n; i++ )
    {
        if ( json )
        {
            json_dumpf(entries[i].row, stdout,
                       JSON_COMPACT | JSON_ENSURE_ASCII);
            putchar('\n');
        }
        else
            print_text(entries[i].row);
    }
}

/* Whether all of the files could be read. */
static bool list(const struct options *o, char **paths, size_t nr)
{
    struct entry *entries = calloc(nr + 1, sizeof(*entries));
    bool all = true;
    size_t n;

    if ( !entries )
        return false;

    n = read_all(o, paths, nr, entries, &all);
    qsort(entries, n, sizeof(*entries), compare);
    print_all(entries, n, o->json);
    for ( size_t i = 0; i < n; i++ )
        json_decref(entries[i].row);
    free(entries);
    return all;
}

int cmd_list(int argc, char **argv)
{
    struct options o = { .dir = TOOL_DIR };
    char **paths;
    bool all;
    size_t nr;
    int rc;

    argp_err_exit_status = EXIT_USAGE;
    if ( argp_parse(&argp, argc, argv, 0, NULL, &o) )
        return EXIT_USAGE;

    rc = find_snapshots(o.dir, &paths, &nr);
    if ( rc )
    {
        complain(o.dir, strerror(-rc));
        return EXIT_FAIL;
    }

    all = list(&o, paths, nr);
    free_snapshots(paths, nr);
    rc = flush_stdout();
    return all ? rc : EXIT_FAIL;
}
