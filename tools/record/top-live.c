/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * top-live.c: xenflight top live: record each stretch into memory, then count it
 * like a file.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/base/message.h"
#include "tools/record/record.h"
#include "tools/record/top-live.h"

/* Memory of a stretch; it ends early at this size. */
#define MAX_BYTES (128U << 20)
/* The file is read once: speed matters, not the ratio. */
#define LEVEL     (-1)

struct live {
    const struct top_form *form;
    const struct top_stretches *stretches;
    const char *cmd;
    struct hyp *hyp;
    struct stream_reader *reader;
    int stop;              /* readable after a signal */
};

/* Return true if the pCPU filled a slot. */
static bool has_packets(const struct source *src, uint32_t cpu)
{
    for ( uint32_t i = 0; i < snapshot_frames(src->snap); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(src->snap, i);

        if ( f->kind == SNAPSHOT_DATA && f->cpu == cpu &&
             f->channel == XEN_FLIGHTREC_CH_BUSY )
            return true;
    }
    return false;
}

/* Print the pCPUs that the rows do not cover, and lost packets. */
static void print_limits(const struct live *l, const struct source *src,
                         const struct record_totals *t)
{
    const struct rings *rings = stream_rings(l->reader);
    const char *before = l->form->json ? "" : "No slot filled, not included: pCPU ";
    const char *first = before;

    if ( l->form->json )
        printf("{\"type\":\"limits\",\"missed_packets\":%llu,"
               "\"refused_packets\":%llu,\"wakes\":%llu,\"not_told\":[",
               (unsigned long long)t->missed, (unsigned long long)t->refused,
               (unsigned long long)t->wakes);
    for ( unsigned int i = 0; i < rings->nr; i++ )
        if ( !has_packets(src, rings->map[i].cpu) )
        {
            printf("%s%u", before, rings->map[i].cpu);
            before = l->form->json ? "," : ", ";
        }
    if ( l->form->json )
        printf("]}\n");
    else if ( before != first )
        putchar('\n');
    if ( !l->form->json && t->missed )
        printf("Overwritten before they were read: %llu packets\n",
               (unsigned long long)t->missed);
}

static int print(const struct live *l, int fd, const struct record_totals *t)
{
    struct source src;
    char path[40];
    int rc;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rc = source_open(path, true, &src);
    if ( rc )
        return rc;
    if ( !l->form->json && isatty(STDOUT_FILENO) )
        printf("\033[H\033[J");
    rc = top_print(&src, l->form);
    if ( !rc )
        print_limits(l, &src, t);
    if ( !l->form->json )
        putchar('\n');
    source_close(&src);
    return rc ? rc : flush_stdout() == EXIT_OK ? 0 : -EIO;
}

/* Record and print one stretch.  Return an enum record_end or -errno. */
static int stretch(const struct live *l, int fd)
{
    const struct record_how how = {
        .hyp = l->hyp, .reader = l->reader, .fd = fd, .max_bytes = MAX_BYTES,
        .write = { .level = LEVEL },
    };
    struct record_totals totals;
    struct recording *r;
    int rc = record_begin(&how, &r), end;

    if ( rc )
        return rc;
    end = record_until(r, l->stop, record_now_ns() + l->stretches->interval_ns);
    if ( end < 0 )
    {
        record_abort(r);
        return end;
    }
    rc = record_end(r, "printed", &totals);
    if ( !rc )
        rc = print(l, fd, &totals);
    return rc ? rc : end;
}

static int follow_stretches(const struct live *l)
{
    int rc = RECORD_TIME;

    for ( uint64_t n = 0; (rc == RECORD_TIME || rc == RECORD_FULL) &&
                          (!l->stretches->count || n < l->stretches->count); n++ )
    {
        int fd = memfd_create("xenflight-top", MFD_CLOEXEC);

        if ( fd < 0 )
            return -errno;
        rc = stretch(l, fd);
        close(fd);
    }
    return rc;
}

static int follow(struct live *l)
{
    char why[RECORD_WHY];
    int rc = record_follow(l->hyp, STREAM_NEWEST, &l->reader, why);

    if ( rc )
    {
        fprintf(stderr, "%s: %s\n", l->cmd, why);
        return EXIT_FAIL;
    }
    rc = follow_stretches(l);
    stream_close(l->reader);
    if ( rc == RECORD_GONE )
        fprintf(stderr, "%s: the buffers are gone\n", l->cmd);
    if ( rc < 0 )
        fprintf(stderr, "%s: %s\n", l->cmd, hyp_why(rc));
    return rc < 0 || rc == RECORD_GONE ? EXIT_FAIL : EXIT_OK;
}

int top_live(const struct top_form *form, const struct top_stretches *stretches,
             const char *cmd)
{
    struct live l = { .form = form, .stretches = stretches, .cmd = cmd,
                      .stop = record_signals() };
    int rc;

    if ( l.stop < 0 )
    {
        fprintf(stderr, "%s: %s\n", cmd, strerror(-l.stop));
        return EXIT_FAIL;
    }
    rc = hyp_open(stretches->backend, &l.hyp);
    if ( rc )
    {
        fprintf(stderr, "%s: %s\n", cmd, hyp_why(rc));
        return EXIT_FAIL;
    }
    rc = follow(&l);
    hyp_close(l.hyp);
    return rc;
}
