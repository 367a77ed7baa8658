/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * info.c: xenflight info: print the documents of a snapshot and the streams in
 * its index.  No record is read.
 */

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/base/message.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/base/term.h"
#include "tools/cmd.h"
#include "tools/print/out.h"

#define TEXT_BYTES 256

struct options {
    const char *file;
    bool json;
    struct term term;
};

/* Sums over the frames of one stream. */
struct extent {
    uint16_t cpu;
    uint8_t channel;
    const json_t *account; /* Xen's counters in the meta document, or NULL */
    uint32_t frames;
    uint64_t packets, records, bytes, content;
    uint64_t first_tsc, last_tsc;
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
    default:
        return parse_file(key, arg, state, &o->file);
    }
}

static const struct argp_child children[] = {
    { &term_argp, 0, NULL, 0 },
    { &json_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .children = children,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Print the metadata of a snapshot: its trigger; the machine, its "
           "clock and domains; and for each stream how far back it reaches and "
           "what was lost.  For records see `xenflight show'.\v"
           "Examples:\n"
           "  xenflight info FILE\n"
           "  xenflight info --json FILE | jq .meta.trigger\n\n"
           "" DOC_READER,
};

/*
 * Streams.
 */

/* Position + 1 of a stream's extent; 0 if it has none yet. */
typedef uint32_t extent_index[UINT16_MAX + 1][XEN_FLIGHTREC_CHANNELS];

static struct extent *find_extent(struct extent *e, size_t *nr,
                                  extent_index *index,
                                  const struct snapshot_frame *f)
{
    uint32_t *at = &(*index)[f->cpu][f->channel];

    if ( *at )
        return &e[*at - 1];

    e += *nr;
    *at = ++*nr;
    *e = (struct extent){ .cpu = f->cpu, .channel = f->channel,
                          .first_tsc = UINT64_MAX };
    return e;
}

static int by_cpu(const void *a, const void *b)
{
    const struct extent *x = a, *y = b;

    if ( x->cpu != y->cpu )
        return x->cpu < y->cpu ? -1 : 1;
    return x->channel - y->channel;
}

static const char *channel_name(uint8_t channel)
{
    return channel == XEN_FLIGHTREC_CH_RARE ? "rare" : "busy";
}

/* Attach Xen's counters to the extents.  The first of a stream count. */
static void attach_accounts(const struct doc *d, struct extent *all, size_t nr)
{
    const json_t *streams = json_object_get(d->root, "streams"), *st;
    size_t i;

    json_array_foreach(streams, i, st)
    {
        int64_t cpu = doc_number(st, "cpu", -1);
        bool rare = !strcmp(doc_text(st, "channel", ""), "rare");
        struct extent key = { .cpu = cpu, .channel = rare }, *e;

        e = cpu == key.cpu ? bsearch(&key, all, nr, sizeof(key), by_cpu) : NULL;
        if ( e && !e->account &&
             !strcmp(doc_text(st, "channel", ""), channel_name(e->channel)) )
            e->account = st;
    }
}

/* Return a sorted array that the caller must free(), or NULL without memory. */
static struct extent *extents(const struct source *src, size_t *nr)
{
    struct snapshot *s = src->snap;
    struct extent *all = calloc(snapshot_frames(s) + 1, sizeof(*all));
    extent_index *index = calloc(1, sizeof(*index));

    *nr = 0;
    for ( uint32_t i = 0; all && index && i < snapshot_frames(s); i++ )
    {
        const struct snapshot_frame *f = snapshot_frame(s, i);
        struct extent *e;

        if ( f->kind != SNAPSHOT_DATA )
            continue;
        e = find_extent(all, nr, index, f);
        e->frames++;
        e->packets += f->packets;
        e->records += f->records;
        e->bytes += f->bytes;
        e->content += f->content_bytes;
        if ( source_first(src, f) < e->first_tsc )
            e->first_tsc = source_first(src, f);
        if ( source_last(src, f) > e->last_tsc )
            e->last_tsc = source_last(src, f);
    }

    if ( !all || !index )
    {
        free(index);
        free(all);
        return NULL;
    }

    free(index);
    qsort(all, *nr, sizeof(*all), by_cpu);
    attach_accounts(&src->doc, all, *nr);
    return all;
}

static int64_t lost_of(const json_t *stream)
{
    static const char *const cause[] = { "nested", "busy", "stopped", "retry" };
    const json_t *lost = json_object_get(stream, "lost");
    uint64_t n = 0;

    for ( size_t i = 0; i < sizeof(cause) / sizeof(cause[0]); i++ )
        n += doc_number(lost, cause[i], 0);
    return n;
}

/*
 * As text.
 */

/* Print the title of a section. */
static void heading(const char *title)
{
    printf("\n%s%s%s\n", term_on(TERM_HEAD), title, term_off());
}

static const char *escaped(char *buf, const json_t *o, const char *key)
{
    return text_escape(buf, TEXT_BYTES, doc_text(o, key, "-"));
}

/* How well Dom0's clocks and the TSCs of the pCPUs could be matched. */
static void print_fit(const struct doc *d)
{
    if ( d->has_fit )
        printf("  drift        %+.3f ppm, error at most %.3f us, TSCs %s\n",
               d->clock.drift_ppb / 1e3, d->clock.error_ns / 1e3,
               d->clock.nr_spans ? "corrected" : "synchronous");
    if ( d->has_fit && (d->has_wall || d->has_mono) )
        printf("  Dom0's time  error at most %.3f us at the trigger\n",
               d->dom0_error_ns / 1e3);
}

static void print_machine(const struct doc *d)
{
    const json_t *host = json_object_get(d->root, "host");
    const json_t *xen = json_object_get(d->root, "xen");
    const json_t *clock = json_object_get(d->root, "clock");
    char buf[TEXT_BYTES];

    heading("Machine:");
    printf("  kernel       %s\n", escaped(buf, host, "kernel"));
    printf("  build id     %s\n", escaped(buf, xen, "build_id"));
    printf("  Xen options  %s\n", escaped(buf, xen, "cmdline"));
    printf("  TSC          %u.%03u MHz, records step by %u ticks\n",
           d->tsc_khz / 1000, d->tsc_khz % 1000,
           1U << (doc_number(clock, "tsc_shift", 0) & 31));
    printf("  clock pairs  %zu\n",
           json_array_size(json_object_get(clock, "pairs")));
    print_fit(d);
    printf("  events       %u described\n", event_dict_events(d->dict));
}

static void print_domains(const struct doc *d)
{
    const json_t *domains = json_object_get(d->root, "domains"), *dom;
    char uuid[TEXT_BYTES], name[TEXT_BYTES];
    size_t i;

    heading("Domains:");
    printf("  %5s %5s  %-36s  %s\n", "id", "vCPUs", "uuid", "name");
    json_array_foreach(domains, i, dom)
        printf("  %5" PRId64 " %5" PRId64 "  %-36s  %s%s%s%s\n",
               doc_number(dom, "domid", -1), doc_number(dom, "vcpus", -1),
               escaped(uuid, dom, "uuid"), term_on(TERM_NAME),
               escaped(name, dom, "name"), term_off(),
               json_is_true(json_object_get(dom, "gone")) ? " (gone)" : "");
}

static void print_streams(const struct doc *d, const struct extent *e,
                          size_t nr)
{
    heading("Streams, seconds from the trigger; records:");
    printf("  pCPU channel %12s %12s %10s %12s %12s %8s\n", "from", "to",
           "here", "emitted", "overwritten", "lost");
    for ( size_t i = 0; i < nr; i++ )
    {
        const json_t *a = e[i].account;

        printf("  %4u %-7s %12.6f %12.6f %10" PRIu64, e[i].cpu,
               channel_name(e[i].channel), doc_ns(d, e[i].first_tsc) / 1e9,
               doc_ns(d, e[i].last_tsc) / 1e9, e[i].records);
        if ( a )
            printf(" %12" PRId64 " %12" PRId64 " %s%8" PRId64 "%s",
                   doc_number(a, "emitted", -1),
                   doc_number(a, "overwritten", -1),
                   lost_of(a) ? term_on(TERM_BAD) : "", lost_of(a),
                   lost_of(a) ? term_off() : "");
        putchar('\n');
    }
}

static void print_size(const struct source *src, const struct extent *e,
                       size_t nr)
{
    const struct snapshot_header *h = snapshot_header(src->snap);
    uint64_t content = 0, records = 0, bytes = 0;
    char a[32], b[32], when[48];

    for ( size_t i = 0; i < nr; i++ )
    {
        content += e[i].content;
        records += e[i].records;
        bytes += e[i].bytes;
    }

    heading("File:");
    printf("  format       %u.%u, written %s\n", h->major, h->minor,
           text_time(when, sizeof(when), h->created_ns));
    printf("  size         %s; data: %s, unpacked %s\n",
           text_bytes(a, sizeof(a), snapshot_file_bytes(src->snap)),
           text_bytes(b, sizeof(b), bytes),
           text_bytes(when, sizeof(when), content));
    if ( records )
        printf("  a record     %.1f bytes unpacked, %.1f in the file\n",
               (double)content / records, (double)bytes / records);
}

static void print_text(const struct source *src, const struct extent *e,
                       size_t nr)
{
    out_text.head(src);
    print_machine(&src->doc);
    print_domains(&src->doc);
    print_streams(&src->doc, e, nr);
    print_size(src, e, nr);
}

/*
 * As JSON: the documents unchanged, and facts about the file.
 */

static json_t *one_extent(const struct doc *d, const struct extent *e)
{
    return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                     "cpu", e->cpu, "channel", channel_name(e->channel),
                     "frames", (json_int_t)e->frames,
                     "packets", (json_int_t)e->packets,
                     "records", (json_int_t)e->records,
                     "bytes", (json_int_t)e->bytes,
                     "content_bytes", (json_int_t)e->content,
                     "first_tsc", (json_int_t)e->first_tsc,
                     "last_tsc", (json_int_t)e->last_tsc,
                     "first_ns", (json_int_t)doc_ns(d, e->first_tsc),
                     "last_ns", (json_int_t)doc_ns(d, e->last_tsc));
}

static json_t *windows(const struct doc *d)
{
    static const char *const channel[] = { "busy", "rare" };
    json_t *o = json_object();
    int64_t from, to;

    for ( unsigned int i = 0; i < 2; i++ )
        if ( doc_window(d, channel[i], &from, &to) )
            json_object_set_new(o, channel[i],
                                json_pack("{sI sI}", "from_ns",
                                          (json_int_t)from, "to_ns",
                                          (json_int_t)to));
    return o;
}

static json_t *about_file(const struct source *src, const struct extent *e,
                          size_t nr)
{
    const struct snapshot_header *h = snapshot_header(src->snap);
    const struct snapshot_fault *cut = snapshot_truncated(src->snap);
    json_t *streams = json_array();
    json_t *o = json_pack("{s:i, s:i, s:I, s:I, s:o}", "major", h->major,
                          "minor", h->minor, "created_ns",
                          (json_int_t)h->created_ns, "bytes",
                          (json_int_t)snapshot_file_bytes(src->snap),
                          "streams", streams);

    for ( size_t i = 0; o && i < nr; i++ )
        json_array_append_new(streams, one_extent(&src->doc, &e[i]));
    if ( o )
        json_object_set_new(o, "complete", windows(&src->doc));
    if ( o && cut )
        json_object_set_new(o, "cut_at", json_integer(cut->offset));
    return o;
}

static int print_json(const struct source *src, const struct extent *e,
                      size_t nr)
{
    json_t *o = json_pack("{s:o, s:o, s:O*}", "file", about_file(src, e, nr),
                          "meta", out_meta(&src->doc), "note", src->doc.note);

    if ( !o )
        return -ENOMEM;

    json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(o);
    return 0;
}

static int info(const struct source *src, const struct options *o)
{
    size_t nr;
    struct extent *e = extents(src, &nr);
    int rc = 0;

    if ( !e )
        return -ENOMEM;

    term_begin(&o->term);
    if ( o->json )
        rc = print_json(src, e, nr);
    else
        print_text(src, e, nr);
    free(e);
    return rc;
}

int cmd_info(int argc, char **argv)
{
    struct options o = { 0 };
    struct source src;
    int rc;

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    if ( source_open(o.file, true, &src) )
        return EXIT_FAIL;

    rc = info(&src, &o);
    return source_end(&src, o.file, rc);
}
