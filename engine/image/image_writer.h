/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing images: parts one after another, first measured, then filled. Internal to the engine.
 */
#ifndef SKERRY_ENGINE_IMAGE_IMAGE_WRITER_H
#define SKERRY_ENGINE_IMAGE_IMAGE_WRITER_H

#include "engine/image/image.h"

/*
 * Writes image parts one after another; without `data` it only counts, so that the same
 * code first measures and then fills. Fresh bytes must be zero.
 */
struct image_writer {
    uint8_t *data;  /* NULL: measuring */
    uint64_t count; /* bytes so far */
};

/* Bytes at an offset, unless it only measures. */
void image_write(struct image_writer *writer, uint64_t offset, const void *data, uint64_t count);
/* Room for an array, 8-byte aligned, zero. */
struct image_span image_reserve(struct image_writer *writer, uint64_t count, size_t size);
/* Fills element `index` of a reserved array. */
void image_set(struct image_writer *writer,
               struct image_span span,
               uint64_t index,
               const void *element,
               size_t size);
/* A whole array, 8-byte aligned. */
struct image_span
image_put(struct image_writer *writer, const void *array, uint64_t count, size_t size);
/* Zeroed pages for an image of `bytes`. */
NODISCARD enum status
image_allocate(uint64_t bytes, struct report *report, struct engine_image *ret_image);
/* Computes the checksum; the image is complete. */
void image_seal(struct engine_image *image);

#endif
