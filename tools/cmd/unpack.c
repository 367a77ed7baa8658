/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unpack.c: xenflight unpack: rewrite a snapshot without the columns transform.
 * `lz4 -d' of the result gives the packets as they were in the rings.
 */

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/format/packet.h"
#include "tools/base/message.h"
#include "tools/base/output.h"
#include "tools/base/options.h"
#include "tools/base/source.h"
#include "tools/cmd.h"

struct options {
    const char *file;
    const char *out;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    if ( key != ARGP_KEY_INIT )
        return parse_file(key, arg, state, &o->file);
    state->child_inputs[0] = &o->out;
    return 0;
}

static const struct argp_child children[] = {
    { &output_argp, 0, NULL, 0 },
    { 0 },
};

static const struct argp argp = {
    .children = children,
    .parser = parse,
    .args_doc = "FILE",
    .doc = "Rewrite a snapshot with its packets as they were in Xen's rings, "
           "for readers that do not know columns.  All xenflight commands read "
           "both forms.\v"
           "Examples:\n"
           "  xenflight unpack FILE -o plain.xfr.lz4 && lz4 -d plain.xfr.lz4 plain.xfr\n\n"
           "Damaged parts are left out with a message.  Exit status: 0 on "
           "success, 1 if FILE cannot be read completely or OUT cannot be "
           "written, 2 on wrong usage.",
};

/* Frames and packets that could not be copied. */
struct left_out {
    uint64_t frames, packets;
};

static int put_packets(struct snapshot_writer *w, const uint8_t *at,
                       size_t left, struct left_out *bad)
{
    while ( left )
    {
        struct packet p;
        int rc;

        if ( packet_parse(at, left, &p) )
        {
            bad->packets++;
            return 0;
        }
        rc = snapshot_put_packet(w, at, p.hdr.used_bytes);
        if ( rc == -ESTALE )
            bad->packets++;
        else if ( rc )
            return rc;
        at += p.hdr.used_bytes;
        left -= p.hdr.used_bytes;
    }

    return 0;
}

static int put_frame(struct snapshot_writer *w, unsigned int kind,
                     const void *content, size_t len, struct left_out *bad)
{
    switch ( kind )
    {
    case SNAPSHOT_META:
        return snapshot_put_meta(w, content, len);
    case SNAPSHOT_DATA:
        return put_packets(w, content, len, bad);
    case SNAPSHOT_NOTE:
        return snapshot_put_note(w, content, len);
    default: /* of a later format: its readers know columns */
        bad->frames++;
        return 0;
    }
}

static int put_frames(struct snapshot *s, struct snapshot_writer *w,
                      struct left_out *bad)
{
    void *buf = NULL;
    size_t size = 0, len;
    int rc = 0;

    for ( uint32_t i = 0; !rc && i < snapshot_frames(s); i++ )
    {
        rc = snapshot_read(s, i, &buf, &size, &len);
        if ( !rc )
            rc = put_frame(w, snapshot_frame(s, i)->kind, buf, len, bad);
        else if ( rc == -EBADMSG && i )
        {
            bad->frames++;
            rc = 0;
        }
    }

    free(buf);
    return rc;
}

static int write_plain(struct snapshot *s, int fd, struct left_out *bad)
{
    const struct snapshot_how how = { .plain = true };
    struct snapshot_writer *w;
    int rc;

    rc = snapshot_create_as(fd, snapshot_header(s)->created_ns, &how, &w);
    if ( rc )
        return rc;
    rc = put_frames(s, w, bad);
    if ( !rc )
        return snapshot_finish(w, NULL);
    snapshot_abort(w);
    return rc;
}

/*
 * Print the damage.  A truncated file is copied up to its last whole frame; the
 * copy itself is whole.
 */
static int print_damage(const char *path, const struct snapshot *s,
                const struct left_out *bad)
{
    char why[200];
    int rc = EXIT_OK;

    if ( snapshot_truncated(s) )
    {
        snprintf(why, sizeof(why), "damaged at byte %" PRIu64 ": %s",
                 snapshot_truncated(s)->offset, snapshot_truncated(s)->what);
        complain(path, why);
        rc = EXIT_FAIL;
    }
    if ( bad->frames || bad->packets )
    {
        snprintf(why, sizeof(why), "left out: %" PRIu64 " frames, %" PRIu64
                 " packets: damaged, or of a later version", bad->frames,
                 bad->packets);
        complain(path, why);
        rc = EXIT_FAIL;
    }
    return rc;
}

static int write_out(const struct options *o, struct snapshot *s,
                     struct left_out *bad)
{
    struct output out;
    int rc = output_open(&out, o->out, o->file, true);

    if ( rc )
        return rc;
    rc = output_end(&out, write_plain(s, out.fd, bad));
    if ( rc )
        complain(rc == -EBADMSG ? o->file : o->out,
                 rc == -EBADMSG ? "its first part is damaged" : strerror(-rc));
    return rc;
}

static int unpack(const struct options *o)
{
    struct snapshot_fault fault = { .what = "" };
    struct left_out bad = { 0 };
    struct snapshot *s;
    int rc;

    rc = snapshot_open(o->file, &s, &fault);
    if ( rc )
    {
        complain(o->file, rc == -EBADMSG || rc == -ENOTSUP ? fault.what
                                                           : strerror(-rc));
        return EXIT_FAIL;
    }

    rc = write_out(o, s, &bad) ? EXIT_FAIL : print_damage(o->file, s, &bad);
    snapshot_close(s);
    return rc;
}

int cmd_unpack(int argc, char **argv)
{
    struct options o = { 0 };

    if ( parse_options(&argp, argc, argv, &o) )
        return EXIT_USAGE;

    return unpack(&o);
}
