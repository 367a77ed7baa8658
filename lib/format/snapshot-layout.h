/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot-layout.h: structures and limits of the snapshot file.  snapshot.h
 * has the overview, flightrec-snapshot(5) the specification.
 */

#ifndef XENFLIGHT_SNAPSHOT_LAYOUT_H
#define XENFLIGHT_SNAPSHOT_LAYOUT_H

#include <stdint.h>

#include <public/flightrec.h>

#define SNAPSHOT_SUFFIX           ".xfr.lz4"

/* Readers must refuse an unknown major version. */
#define SNAPSHOT_MAJOR            2
#define SNAPSHOT_MAJOR_PLAIN      1 /* without columns */
#define SNAPSHOT_MINOR            0 /* older readers may ignore additions */

#define SNAPSHOT_SKIP_HEADER      0x184d2a50U /* lz4 skippable frames */
#define SNAPSHOT_SKIP_INDEX       0x184d2a51U
#define SNAPSHOT_LZ4_FRAME        0x184d2204U

#define SNAPSHOT_HEADER_MAGIC     "XFRSNAP1"
#define SNAPSHOT_INDEX_MAGIC      "XFRINDEX"
#define SNAPSHOT_END_MAGIC        "XFREND01"

/*
 * A data frame is closed when its packets reach this size.  lz4 gains nothing
 * from more, and a reader that merges streams keeps one frame of each in
 * memory.
 */
#define SNAPSHOT_CHUNK_BYTES      (256 * 1024)
/* Limit of a data frame's packets: a chunk and one more packet. */
#define SNAPSHOT_MAX_DATA_BYTES   (SNAPSHOT_CHUNK_BYTES + \
                                   XEN_FLIGHTREC_MAX_SLOT_BYTES)
/* Limit of a JSON document. */
#define SNAPSHOT_MAX_JSON_BYTES   (16 * 1024 * 1024)
/* Limit of frames in a file. */
#define SNAPSHOT_MAX_FRAMES       (256 * 1024)

/* File header: one skippable frame.  64 bytes, little endian. */
struct snapshot_header {
    uint32_t skip_magic;     /* SNAPSHOT_SKIP_HEADER */
    uint32_t skip_bytes;     /* bytes after this field: 56 */
    char magic[8];           /* SNAPSHOT_HEADER_MAGIC */
    uint16_t major;
    uint16_t minor;
    uint16_t abi_version;    /* XEN_FLIGHTREC_VERSION of the packets */
    uint16_t packet_bytes;   /* sizeof(struct xen_flightrec_packet) */
    uint64_t created_ns;     /* wall clock, ns since 1970 */
    uint64_t flags;          /* none defined, 0 */
    uint64_t max_data_bytes; /* bound on a data frame's content */
    uint64_t _rsvd;
    uint64_t xxh64;          /* of all bytes before this field, seed 0 */
};

enum snapshot_kind {
    SNAPSHOT_OTHER = 0, /* unknown, without an index; so are all above 3 */
    SNAPSHOT_META = 1,
    SNAPSHOT_DATA = 2,
    SNAPSHOT_NOTE = 3,
};

/*
 * An index entry: one frame.  96 bytes, little endian.  A later minor version
 * may extend the entries; they start with these fields.
 */
struct snapshot_frame {
    uint64_t offset;         /* in the file */
    uint32_t bytes;          /* of the frame as stored, its header included */
    uint32_t content_bytes;  /* of the frame decompressed */
    uint16_t kind;           /* SNAPSHOT_META, ... */
    uint16_t cpu;            /* this and the rest: SNAPSHOT_DATA only, else 0 */
    uint8_t channel;
    uint8_t flags;           /* SNAPSHOT_FRAME_* */
    uint16_t _rsvd0;
    uint32_t packets;
    uint32_t records;        /* as counted, without anchors */
    uint64_t first_seq;
    uint64_t last_seq;
    uint64_t first_tsc;      /* begin_tsc of the first packet */
    uint64_t last_tsc;       /* the last record's full TSC */
    uint64_t _rsvd[3];
    uint64_t xxh64;          /* of the `bytes` stored bytes, seed 0 */
};

#define SNAPSHOT_FRAME_DAMAGED  1 /* a packet in it is damaged */
#define SNAPSHOT_FRAME_COLUMNS  2 /* the content is in columns, see columns.h */
/* All flags of this version. */
#define SNAPSHOT_FRAME_FLAGS    (SNAPSHOT_FRAME_DAMAGED | SNAPSHOT_FRAME_COLUMNS)

/*
 * The index, one skippable frame: this head, `frames` entries in file order,
 * and the trailer, which ends the file.
 */
struct snapshot_index {
    uint32_t skip_magic;     /* SNAPSHOT_SKIP_INDEX */
    uint32_t skip_bytes;
    char magic[8];           /* SNAPSHOT_INDEX_MAGIC */
    uint32_t frames;
    uint32_t frame_bytes;    /* of an entry: sizeof(struct snapshot_frame) */
};

struct snapshot_trailer {
    uint64_t index_offset;   /* in the file */
    uint64_t file_bytes;
    uint64_t xxh64;          /* of the index frame up to this field, seed 0 */
    char magic[8];           /* SNAPSHOT_END_MAGIC */
};

#endif /* XENFLIGHT_SNAPSHOT_LAYOUT_H */
