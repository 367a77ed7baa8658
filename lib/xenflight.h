/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xenflight.h: libxenflight: read the snapshots of the Xen flight recorder.
 *
 *     struct xf_file *f;
 *     const struct xf_record *r;
 *     char err[XF_ERR_BYTES], text[XF_TEXT_BYTES];
 *
 *     if ( xf_open("FILE.xfr.lz4", &f, err, sizeof(err)) )
 *         ... print err
 *     while ( (rc = xf_next(f, &r)) > 0 )
 *         if ( r->kind == XF_EVENT )
 *             printf("%lld %s %s\n", (long long)r->ns, r->name,
 *                    xf_text(f, text, sizeof(text)));
 *     xf_close(f);
 *
 * Link with `pkg-config --libs libxenflight'.  Functions that can fail return
 * 0 or a negative errno, unless stated otherwise.  Files are not trusted: all
 * input is checked, and a damaged or truncated file yields its intact records,
 * and gaps.  Texts in the documents, such as the names of domains, are not
 * escaped and must not be written to a terminal.  Names of events and fields,
 * and the output of xf_text(), are printable ASCII.
 *
 * Only one thread at a time may use a file; different files are independent.
 * Returned pointers belong to the file: a record is valid until the next
 * xf_next() or xf_start(), everything else until xf_close().
 *
 * Versions: programs keep working with later libraries of the same soname.
 * Structures are allocated by the library only, and only grow at their end.
 */

#ifndef XENFLIGHT_H
#define XENFLIGHT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; xf_version() returns that of the library. */
#define XF_VERSION    1

#define XF_ERR_BYTES  256
#define XF_TEXT_BYTES 8192       /* enough for the fields of any record */
#define XF_NONE       0xffffffffU /* no domain, no vCPU: not known */

struct xf_file;

enum xf_kind {
    XF_EVENT = 0,
    XF_GAP = 1,                  /* records are missing here */
};

struct xf_record {
    uint32_t kind;               /* enum xf_kind; callers must skip others */
    uint32_t cpu;                /* the pCPU that wrote it */
    int64_t ns;                  /* since the trigger; negative before it */
    uint64_t tsc;                /* the same, as TSC of the trigger's pCPU */
    uint64_t error_ns;           /* error bound of ns; 0: that of the file */
    uint32_t domid, vcpu;        /* running there; XF_NONE: not known */
    uint32_t rare;               /* 1: from the channel of rare events */
    uint32_t event;              /* Xen's event word; 0: not known */
    const char *name;            /* of the event; "" for a gap */
    uint32_t fields;             /* their number, see xf_field_name() */
    uint32_t words;              /* of payload */
    const uint32_t *data;        /* the payload as Xen wrote it */
    uint64_t missing;            /* gap: number of records; 0: not known */
    const char *why;             /* gap: the cause; "" for an event */
};

/*
 * Return the version of the running library, which is never less than that of
 * the header a program was built with.
 */
unsigned int xf_version(void);

/*
 * Open a snapshot; xf_next() begins with its oldest record.  The caller must
 * call xf_close().  Return 0, -EBADMSG if it is not a snapshot or nothing of
 * it can be read, -ENOTSUP if it has a later major version, -ENOMEM, or an
 * error of open(2) or read(2).  On error *@out is NULL and @err (may be NULL)
 * has the reason in a line.
 */
int xf_open(const char *path, struct xf_file **out, char *err,
            size_t err_bytes);
/* @f may be NULL. */
void xf_close(struct xf_file *f);

/*
 * Return the documents as JSON in UTF-8: trigger, host, domains, events: see
 * flightrec-snapshot(5).  xf_note() returns NULL if the file has no note.
 */
const char *xf_document(const struct xf_file *f);
const char *xf_note(const struct xf_file *f);

/*
 * Copy the name of a domain to @buf, escaped for a terminal: a byte that is
 * not printable ASCII, and the backslash, becomes \xNN.  A name that does not
 * fit in @bytes (at least 8) ends in "...".  Xen reuses domain numbers: the
 * name is of the domain that had the number at the record xf_next() returned
 * last, or at the trigger if it has returned none since xf_start().  Return
 * @buf: "" if the file has no name.
 */
const char *xf_domain_name(const struct xf_file *f, uint32_t domid, char *buf,
                           size_t bytes);

/* Get the time of the trigger, ns since 1970.  -ENOENT if the file has none. */
int xf_wall_ns(const struct xf_file *f, int64_t *ns);

/*
 * Return NULL if the file is complete, else the reason why its end is not
 * read.
 */
const char *xf_truncated(const struct xf_file *f);
/* Return the damaged parts found since xf_start(); each yielded a gap. */
uint64_t xf_damaged(const struct xf_file *f);

/*
 * Begin again, with the records from @ns on (INT64_MIN: all).  Earlier parts
 * are not read as far as the file's index allows.  Return 0, -ENOMEM or
 * -errno.
 */
int xf_start(struct xf_file *f, int64_t ns);

/*
 * Get the next record of all pCPUs in time order.  Return 1 with a record in
 * *@out, 0 at the end, or -errno if the file can no longer be read; the caller
 * must then call xf_start() or xf_close().
 */
int xf_next(struct xf_file *f, const struct xf_record **out);

/*
 * The fields of the record that xf_next() returned last, numbered from 0.
 * Return NULL if it has no such field.
 */
const char *xf_field_name(const struct xf_file *f, unsigned int n);
/* Get the number of a field.  Return -ENOENT if no field has that name. */
int xf_field_find(const struct xf_file *f, const char *name, unsigned int *n);
/* Get a value, sign-extended if signed.  -ENOENT if the record lacks it. */
int xf_field_value(const struct xf_file *f, unsigned int n, uint64_t *value);
/* Print a value as `show' does: "crash", "0x1f"; "" if it is not there. */
const char *xf_field_text(const struct xf_file *f, unsigned int n, char *buf,
                          size_t bytes);

/*
 * Print all fields as "dom=1 reason=crash", and as the members of a JSON object
 * (without braces; "" if they do not fit).  Return @buf.
 */
const char *xf_text(const struct xf_file *f, char *buf, size_t bytes);
const char *xf_json(const struct xf_file *f, char *buf, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif /* XENFLIGHT_H */
