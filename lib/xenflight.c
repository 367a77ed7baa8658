/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xenflight.c: the public library, a thin layer over the rest of lib/. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/format/doc.h"
#include "lib/read/lives.h"
#include "lib/read/merge.h"
#include "lib/base/text.h"
#include "lib/xenflight.h"

_Static_assert(XF_NONE == MERGE_NO_DOMAIN && XF_NONE == EVENT_NO_VCPU,
               "one value for a domain or vCPU that is not known");
_Static_assert(XF_TEXT_BYTES >= EVENT_TEXT_BYTES, "room for any record");

/* Programs have been built with these. */
_Static_assert(sizeof(void *) != 8 ||
               (offsetof(struct xf_record, ns) == 8 &&
                offsetof(struct xf_record, error_ns) == 24 &&
                offsetof(struct xf_record, domid) == 32 &&
                offsetof(struct xf_record, event) == 44 &&
                offsetof(struct xf_record, name) == 48 &&
                offsetof(struct xf_record, words) == 60 &&
                offsetof(struct xf_record, missing) == 72 &&
                offsetof(struct xf_record, why) == 80),
               "members stay where they are");

struct xf_file {
    struct snapshot *snap;
    struct doc doc;
    struct lives *lives;
    char *document, *note;
    struct merge *merge;         /* NULL: could not be started */
    uint64_t from_tsc;
    uint64_t now;                /* TSC of `shown', or of the trigger */
    struct merge_record rec;
    bool has_rec;
    struct xf_record shown;
    char name[EVENT_NAME_BYTES];
};

unsigned int xf_version(void)
{
    return XF_VERSION;
}

static void set_error(char *err, size_t bytes, const char *text)
{
    if ( err && bytes )
        snprintf(err, bytes, "%s", text);
}

static int load(struct xf_file *f, const char *path, char *err, size_t bytes)
{
    struct snapshot_fault fault = { .what = "" };
    char why[256];
    int rc = snapshot_open(path, &f->snap, &fault);

    if ( rc )
    {
        set_error(err, bytes, rc == -EBADMSG || rc == -ENOTSUP
                                  ? fault.what
                                  : strerror(-rc));
        return rc;
    }

    rc = doc_load(f->snap, true, &f->doc, why, sizeof(why));
    if ( rc )
    {
        set_error(err, bytes, why);
        snapshot_close(f->snap);
        return rc;
    }

    f->document = json_dumps(f->doc.root, JSON_COMPACT);
    f->note = f->doc.note ? json_dumps(f->doc.note, JSON_COMPACT) : NULL;
    rc = f->document ? lives_load(f->snap, &f->doc, &f->lives) : -ENOMEM;
    if ( !rc )
        rc = xf_start(f, INT64_MIN);
    if ( rc )
        set_error(err, bytes, strerror(-rc));
    return rc;
}

int xf_open(const char *path, struct xf_file **out, char *err,
            size_t err_bytes)
{
    struct xf_file *f = calloc(1, sizeof(*f));
    int rc;

    *out = NULL;
    if ( !f )
    {
        set_error(err, err_bytes, "out of memory");
        return -ENOMEM;
    }

    rc = load(f, path, err, err_bytes);
    if ( !rc )
        *out = f;
    else if ( f->doc.root )
        xf_close(f);
    else
        free(f);
    return rc;
}

void xf_close(struct xf_file *f)
{
    if ( !f )
        return;

    if ( f->merge )
        merge_close(f->merge);
    lives_free(f->lives);
    free(f->document);
    free(f->note);
    doc_free(&f->doc);
    snapshot_close(f->snap);
    free(f);
}

const char *xf_document(const struct xf_file *f)
{
    return f->document;
}

const char *xf_note(const struct xf_file *f)
{
    return f->note;
}

const char *xf_domain_name(const struct xf_file *f, uint32_t domid, char *buf,
                           size_t bytes)
{
    if ( bytes )
        buf[0] = '\0';
    if ( bytes >= 8 )
        text_escape(buf, bytes, lives_name(f->lives, domid, f->now));
    return buf;
}

int xf_wall_ns(const struct xf_file *f, int64_t *ns)
{
    if ( !f->doc.has_wall )
        return -ENOENT;
    *ns = f->doc.wall_ns;
    return 0;
}

const char *xf_truncated(const struct xf_file *f)
{
    const struct snapshot_fault *fault = snapshot_truncated(f->snap);

    return fault ? fault->what : NULL;
}

uint64_t xf_damaged(const struct xf_file *f)
{
    return f->merge ? merge_damaged(f->merge) : 0;
}

int xf_start(struct xf_file *f, int64_t ns)
{
    if ( f->merge )
        merge_close(f->merge);
    f->merge = NULL;
    f->has_rec = false;
    f->now = f->doc.tsc;
    f->from_tsc = doc_tsc_at(&f->doc, ns);
    return merge_open_from(f->snap, f->doc.dict, &f->doc.clock, f->from_tsc,
                           &f->merge);
}

static void show(struct xf_file *f)
{
    const struct merge_record *r = &f->rec;
    bool gap = r->kind == MERGE_GAP;

    f->shown = (struct xf_record){
        .kind = gap ? XF_GAP : XF_EVENT,
        .cpu = r->cpu,
        .ns = doc_ns(&f->doc, r->tsc),
        .tsc = r->tsc,
        .error_ns = r->error_ns,
        .domid = r->domid,
        .vcpu = r->domid == MERGE_NO_DOMAIN ? XF_NONE : r->vcpu,
        .rare = r->channel == XEN_FLIGHTREC_CH_RARE,
        .event = gap ? 0 : r->event,
        .name = gap ? "" : event_name(r->desc, r->event, f->name),
        .fields = !gap && r->desc ? r->desc->nr_fields : 0,
        .words = gap ? 0 : r->words,
        .data = r->data,
        .missing = gap ? r->missing : 0,
        .why = gap ? merge_gap_text(r->gap) : "",
    };
}

int xf_next(struct xf_file *f, const struct xf_record **out)
{
    int rc;

    f->has_rec = false;
    if ( !f->merge )
        return -EINVAL;
    do {
        rc = merge_next(f->merge, &f->rec);
    } while ( rc > 0 && f->rec.tsc < f->from_tsc );
    if ( rc <= 0 )
        return rc;

    f->has_rec = f->rec.kind == MERGE_EVENT && f->rec.desc;
    f->now = f->rec.tsc;
    show(f);
    *out = &f->shown;
    return 1;
}

static const struct event_field *field(const struct xf_file *f, unsigned int n)
{
    return f->has_rec && n < f->rec.desc->nr_fields ? &f->rec.desc->field[n]
                                                    : NULL;
}

const char *xf_field_name(const struct xf_file *f, unsigned int n)
{
    return field(f, n) ? field(f, n)->name : NULL;
}

int xf_field_find(const struct xf_file *f, const char *name, unsigned int *n)
{
    int i = f->has_rec ? event_field_index(f->rec.desc, name) : -1;

    if ( i < 0 )
        return -ENOENT;
    *n = i;
    return 0;
}

int xf_field_value(const struct xf_file *f, unsigned int n, uint64_t *value)
{
    const struct event_field *e = field(f, n);

    if ( !e || !event_get(f->rec.desc, n, f->rec.data, f->rec.words, value) )
        return -ENOENT;
    if ( event_is_signed(e) )
        *value = event_signed(e, *value);
    return 0;
}

const char *xf_field_text(const struct xf_file *f, unsigned int n, char *buf,
                          size_t bytes)
{
    if ( bytes )
        buf[0] = '\0';
    if ( bytes && field(f, n) )
        event_field_text(f->doc.dict, f->rec.desc, n, f->rec.data,
                         f->rec.words, buf, bytes);
    return buf;
}

const char *xf_text(const struct xf_file *f, char *buf, size_t bytes)
{
    if ( bytes )
        buf[0] = '\0';
    if ( bytes && f->has_rec )
        event_pairs(f->doc.dict, f->rec.desc, f->rec.data, f->rec.words, buf,
                    bytes);
    return buf;
}

const char *xf_json(const struct xf_file *f, char *buf, size_t bytes)
{
    if ( bytes )
        buf[0] = '\0';
    if ( bytes && f->has_rec &&
         !event_json(f->doc.dict, f->rec.desc, f->rec.data, f->rec.words, buf,
                     bytes) )
        buf[0] = '\0';
    return buf;
}
