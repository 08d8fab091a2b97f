/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What functions are called. Internal to the engine.
 */
#ifndef SKERRY_ENGINE_IMAGE_NAMES_H
#define SKERRY_ENGINE_IMAGE_NAMES_H

#include "engine/image/image.h"

/* From the name section, borrowed; empty if it is not there. */
struct bytes names_func(const struct image_header *header, uint32_t func);

#endif
