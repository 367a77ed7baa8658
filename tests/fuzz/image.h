/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image.h: a snapshot file in memory, of any content, whose hashes are right: so
 * that a change of the content gets behind them.
 */

#ifndef TESTS_IMAGE_H
#define TESTS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/format/snapshot.h"

#define IMAGE_FRAMES 16

/* Begin it with zeros and the fd of an empty file. */
struct image {
    int fd;
    uint64_t offset;
    struct snapshot_frame frame[IMAGE_FRAMES];
    unsigned int frames;
};

void image_append(struct image *im, const void *data, size_t len);
void image_header(struct image *im);
/* No more than IMAGE_FRAMES. */
void image_frame(struct image *im, const uint8_t *content, size_t len);
/* Frame by frame: length in 3 bytes, then as much content. */
void image_frames(struct image *im, const uint8_t *data, size_t len);
/*
 * The index, true but for the bytes that are xored into entry `which`, modulo how
 * many there are; NULL: none.  There are frames.
 */
void image_index(struct image *im, unsigned int which, const uint8_t *change);
/* A file in memory. */
int image_file(const char *name);

#endif /* TESTS_IMAGE_H */
