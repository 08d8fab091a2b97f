/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which pages an instance's memories are not what the snapshot of its base has (difference.c).
 * Internal to the engine.
 */
#ifndef SKERRY_ENGINE_LIFE_DIFFERENCE_H
#define SKERRY_ENGINE_LIFE_DIFFERENCE_H

#include "engine/image/image.h"

struct difference {
    struct buffer runs; /* struct image_run each, memory by memory; offsets are not set */
    uint32_t *counts;   /* of each memory's runs */
    uint32_t memory_count;
};

/* Of an instance restored from the module that has a base's name. LIMIT, NO_MEMORY. */
NODISCARD enum status difference_find(const struct engine_instance *instance,
                                      struct report *report,
                                      struct difference *ret_difference);
void difference_done(struct difference *difference);

static inline struct image_run *difference_runs(const struct difference *difference)
{
    return (struct image_run *)(void *)difference->runs.data;
}

#endif
