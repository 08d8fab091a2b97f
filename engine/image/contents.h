/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a memory has in a snapshot, page by page: the runs of the image itself, below them the
 * contents of its base, or its own if it has none, and zeros behind their end. Internal to the
 * engine.
 */
#ifndef SKERRY_ENGINE_IMAGE_CONTENTS_H
#define SKERRY_ENGINE_IMAGE_CONTENTS_H

#include "engine/image/image.h"

struct contents {
    const uint8_t *first; /* from page 0 on */
    uint64_t bytes;       /* of it: whole pages */
    const uint8_t *image; /* what offsets of runs count from */
    const struct image_run *runs;
    uint32_t run_count;
};

struct contents contents_of(const struct engine_module *module, uint32_t memory);
/* Of the run that has the page; NULL: none has. */
const uint8_t *contents_in_run(const struct contents *contents, uint64_t page);

/* IMAGE_PAGE_BYTES of that page; NULL: they are zero. */
static inline const uint8_t *contents_page(const struct contents *contents, uint64_t page)
{
    if (contents->run_count > 0) {
        const uint8_t *found = contents_in_run(contents, page);
        if (found != NULL)
            return found;
    }
    uint64_t at = page * IMAGE_PAGE_BYTES;
    return at < contents->bytes ? contents->first + at : NULL;
}

#endif
