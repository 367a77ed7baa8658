/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image.h: a snapshot file in memory with any content and valid hashes, so
 * that changed content passes the checks of hashes.
 */

#ifndef TESTS_IMAGE_H
#define TESTS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/format/snapshot.h"

#define IMAGE_FRAMES 16

/* Callers must zero it, and set the fd of an empty file. */
struct image {
    int fd;
    uint64_t offset;
    struct snapshot_frame frame[IMAGE_FRAMES];
    unsigned int frames;
};

void image_append(struct image *im, const void *data, size_t len);
void image_header(struct image *im);
/* At most IMAGE_FRAMES frames. */
void image_frame(struct image *im, const uint8_t *content, size_t len);
/* Add frames: for each a length in 3 bytes, then its content. */
void image_frames(struct image *im, const uint8_t *data, size_t len);
/*
 * Write the index, right except for the bytes xored into entry `which`, modulo
 * their number; NULL for none.  There must be frames.
 */
void image_index(struct image *im, unsigned int which, const uint8_t *change);
/* A file in memory. */
int image_file(const char *name);

#endif /* TESTS_IMAGE_H */
