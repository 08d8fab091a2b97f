/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this an image, and whole? The check on the far side of the border (image_check.c). Internal
 * to the engine.
 */
#ifndef SKERRY_ENGINE_IMAGE_IMAGE_CHECK_H
#define SKERRY_ENGINE_IMAGE_IMAGE_CHECK_H

#include "engine/image/image.h"

/* Is `head`, the first bytes of `total_bytes` and 8-byte aligned, the header of an image of the
 * build with this id? */
NODISCARD enum status image_check_header(struct bytes head,
                                         uint64_t total_bytes,
                                         const uint8_t *build_id,
                                         struct report *report);
/* Do all spans that an instance follows lie inside? Takes time with the tables, not with the
 * functions. `state` is of the image itself, `header` the same or of its base, which is open: that
 * was checked. */
NODISCARD enum status image_check_tables(const struct image_header *header,
                                         const struct image_header *state,
                                         struct report *report);
/* The rest, with what takes time per function, and the image's checksum. */
NODISCARD enum status image_check_whole(const struct image_header *header,
                                        const struct image_header *state,
                                        struct report *report);
/* STATUS_CORRUPT, and what to do. */
enum status image_corrupt(struct report *report, const char *what);

#endif
