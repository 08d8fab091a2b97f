/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant expressions at run time (constant.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_LIFE_CONSTANT_H
#define SKERRY_ENGINE_LIFE_CONSTANT_H

#include "engine/image/image.h"

/* Value of a validated constant expression [Wasm core 4.4.14]: the slots of its type. */
NODISCARD enum status constant_evaluate(const struct engine_instance *instance,
                                        struct image_span expression,
                                        struct report *report,
                                        union engine_value *ret_value);

#endif
