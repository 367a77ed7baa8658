/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cases.c: run the cases of a hosted test and print TAP.
 */
#include "cases.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *cases_build;

static unsigned int failures; /* in the case that runs */

bool check_at(int line, bool good, const char *fmt, ...)
{
    va_list ap;

    if ( good )
        return true;
    failures++;
    printf("# line %d: ", line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    return false;
}

void same_at(int line, const char *a, const char *b)
{
    check_at(line, a && !strcmp(a, b), "\"%s\", not \"%s\"", a ? a : "(none)",
             b);
}

const char *text_of(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

int64_t num_of(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

void up(struct world *w, const char *conf)
{
    world_start(w, conf);
    daemon_start(w);
    check(wait_log(w, "watching; snapshots go to"));
}

/* Return the reason to skip all cases, or NULL. */
static const char *missing(bool ocaml)
{
    if ( geteuid() )
        return "needs root";
    if ( access(ocaml ? XEN_BIN "/oxenstored" : XEN_BIN "/xenstored", X_OK) )
        return "xenstored is not installed (in " XEN_BIN ")";
    /* This fails in a chroot whose root is not a mount point. */
    if ( ocaml && system("unshare -m --propagation private true 2>/dev/null") )
        return "cannot make private mounts";
    return NULL;
}

static unsigned int number; /* of the last test */

static void run_case(const struct test_case *c)
{
    static struct world w;

    memset(&w, 0, sizeof(w));
    failures = 0;
    c->run(&w);
    if ( failures )
        printf("# the daemon's log:\n# | %s\n", w.text ? w.text : "");
    if ( w.dir[0] )
        world_end(&w);
    printf("%sok %u - hosted: %s%s\n", failures ? "not " : "", ++number,
           c->name, world_oxenstored ? ", oxenstored" : "");
    fflush(stdout);
}

static unsigned int run_all(const struct test_case *cases, size_t nr,
                            const char *only, bool ocaml)
{
    const char *why = missing(ocaml);
    unsigned int bad = 0;
    size_t i;

    world_oxenstored = ocaml;
    for ( i = 0; i < nr; i++ )
    {
        if ( (ocaml && !cases[i].both) || !strstr(cases[i].name, only) )
            continue;
        if ( why )
            printf("ok %u - hosted: %s%s # SKIP %s\n", ++number,
                   cases[i].name, ocaml ? ", oxenstored" : "", why);
        else
        {
            run_case(&cases[i]);
            bad += !!failures;
        }
    }
    return bad;
}

int cases_main(int argc, char **argv, const struct test_case *cases, size_t nr)
{
    const char *only = argc > 2 ? argv[2] : "";
    unsigned int bad;

    setvbuf(stdout, NULL, _IOLBF, 0);
    cases_build = argc > 1 ? argv[1] : "build";
    world_init(cases_build);
    bad = run_all(cases, nr, only, false);
    bad += run_all(cases, nr, only, true);
    printf("1..%u\n", number);
    return bad ? 1 : 0;
}
