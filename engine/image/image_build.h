/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a module and its code to an image (image_build.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_IMAGE_IMAGE_BUILD_H
#define SKERRY_ENGINE_IMAGE_IMAGE_BUILD_H

#include "engine/image/code.h"
#include "engine/image/image_writer.h"
#include "engine/read/module.h"

/* Rows and maps of the types' layouts; image_layout.c. */
struct image_span image_put_layouts(struct image_writer *writer,
                                    const struct module *module,
                                    struct image_span *ret_maps);
/* An image of a module and its code, for the build with this id. */
NODISCARD enum status image_build(const struct module *module,
                                  const struct code *code,
                                  const uint8_t *build_id,
                                  struct report *report,
                                  struct engine_image *ret_image);

#endif
