/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the frames of a suspended call into a snapshot (checkpoint.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_LIFE_CHECKPOINT_H
#define SKERRY_ENGINE_LIFE_CHECKPOINT_H

#include "engine/image/image_writer.h"

/* How a call lies on the guest stack; zero: there is none. */
struct checkpoint_frames {
    uint32_t slots; /* in use, the link of the innermost frame last */
    uint32_t links; /* one for each frame */
    struct bytes note;
};

/* UNSUPPORTED: the call cannot be frozen; the report says why. */
NODISCARD enum status checkpoint_measure(const struct engine_instance *instance,
                                         struct report *report,
                                         struct checkpoint_frames *ret_frames);
void checkpoint_lay_out(struct image_writer *writer,
                        const struct engine_instance *instance,
                        const struct checkpoint_frames *frames,
                        struct image_header *header);

#endif
