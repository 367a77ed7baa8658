/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenflight.h: libxenflight: read the snapshots of the Xen flight recorder.
 *
 *     struct xf_file *f;
 *     const struct xf_record *r;
 *     char err[XF_ERR_BYTES], text[XF_TEXT_BYTES];
 *
 *     if ( xf_open("FILE.xfr.lz4", &f, err, sizeof(err)) )
 *         ... say err
 *     while ( (rc = xf_next(f, &r)) > 0 )
 *         if ( r->kind == XF_EVENT )
 *             printf("%lld %s %s\n", (long long)r->ns, r->name,
 *                    xf_text(f, text, sizeof(text)));
 *     xf_close(f);
 *
 * Link with `pkg-config --libs libxenflight'.  All functions that can fail
 * return 0 or a negative errno.  A file is hostile until checked, and is checked:
 * a damaged or cut one gives all of it that is intact, and gaps.  Texts that
 * others chose (names of domains in the document) are not fit for a terminal as
 * they are; names of events and fields and all that xf_text() gives are printable
 * ASCII.
 *
 * A file is used by one thread at a time, different files by as many as like.
 * What is returned belongs to the file: a record until the next xf_next() or
 * xf_start(), all else until xf_close().
 *
 * Versions: programs go on working with later libraries of the same soname.
 * Structures are made by the library alone and only grow at their end.
 */

#ifndef XENFLIGHT_H
#define XENFLIGHT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header; xf_version() tells the library's. */
#define XF_VERSION    1

#define XF_ERR_BYTES  256
#define XF_TEXT_BYTES 8192       /* room for the fields of any record */
#define XF_NONE       0xffffffffU /* no domain, no vCPU: not known */

struct xf_file;

enum xf_kind {
    XF_EVENT = 0,
    XF_GAP = 1,                  /* here records are missing */
};

struct xf_record {
    uint32_t kind;               /* enum xf_kind; skip those you do not know */
    uint32_t cpu;                /* the pCPU that wrote it */
    int64_t ns;                  /* from the trigger; negative before it */
    uint64_t tsc;                /* the same, of the trigger's pCPU */
    uint64_t error_ns;           /* if not 0: ns may be off by so much */
    uint32_t domid, vcpu;        /* who ran there; XF_NONE: not known */
    uint32_t rare;               /* 1: from the channel of what is rare */
    uint32_t event;              /* Xen's event word; 0: not known */
    const char *name;            /* of the event; "" for a gap */
    uint32_t fields;             /* how many it has, see xf_field_name() */
    uint32_t words;              /* of payload */
    const uint32_t *data;        /* the payload as Xen wrote it */
    uint64_t missing;            /* a gap: so many records; 0: not known */
    const char *why;             /* a gap: why; "" for an event */
};

/* That of the library that runs: at least what it was built with. */
unsigned int xf_version(void);

/*
 * Opens a snapshot; xf_next() then begins with its oldest record.  On error *out
 * is NULL and `err` (may be NULL) has a line that says what is wrong: -EBADMSG no
 * snapshot, or nothing of it can be read; -ENOTSUP of a later major version;
 * -ENOMEM, or what open(2) or read(2) said.
 */
int xf_open(const char *path, struct xf_file **out, char *err,
            size_t err_bytes);
/* NULL is fine. */
void xf_close(struct xf_file *f);

/*
 * The documents as JSON, UTF-8: who, when, why, the machine, domains, events: see
 * flightrec-snapshot(5).  xf_note() may be NULL: there is none.
 */
const char *xf_document(const struct xf_file *f);
const char *xf_note(const struct xf_file *f);

/*
 * The name of a domain, fit for a terminal: what is not printable ASCII, and the
 * backslash, is \xNN; what does not fit into `bytes` (8 at least) ends in "...".
 * Returns buf: "" if the file has none.
 */
const char *xf_domain_name(const struct xf_file *f, uint32_t domid, char *buf,
                           size_t bytes);

/* ns since 1970 at the trigger.  -ENOENT: the file does not know. */
int xf_wall_ns(const struct xf_file *f, int64_t *ns);

/* NULL: written to its end.  Else why what is behind cannot be read. */
const char *xf_truncated(const struct xf_file *f);
/* Parts found damaged since xf_start(), each of which was told as a gap. */
uint64_t xf_damaged(const struct xf_file *f);

/*
 * Begin again, with records from `ns` on (INT64_MIN: all).  What is before is
 * not read as far as the file's index allows.
 */
int xf_start(struct xf_file *f, int64_t ns);

/*
 * The next record of all pCPUs, in time order.  1: got one; 0: the end; -errno:
 * the file cannot be read any more, or -ENOMEM; then only xf_start() or
 * xf_close() help.
 */
int xf_next(struct xf_file *f, const struct xf_record **out);

/*
 * The fields of the record that xf_next() gave last, by number from 0.  NULL: it
 * has no such field.
 */
const char *xf_field_name(const struct xf_file *f, unsigned int n);
/* -ENOENT: no field has that name. */
int xf_field_find(const struct xf_file *f, const char *name, unsigned int *n);
/* Its value, sign-extended if it is signed.  -ENOENT: not in this record. */
int xf_field_value(const struct xf_file *f, unsigned int n, uint64_t *value);
/* The same as shown, with names of values: "crash", "0x1f"; "" if not there. */
const char *xf_field_text(const struct xf_file *f, unsigned int n, char *buf,
                          size_t bytes);

/*
 * All fields as "dom=1 reason=crash", and as the members of a JSON object
 * (without braces; "" if they do not fit).  Return buf.
 */
const char *xf_text(const struct xf_file *f, char *buf, size_t bytes);
const char *xf_json(const struct xf_file *f, char *buf, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* XENFLIGHT_H */
