/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports get what they ask for (link.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_LIFE_LINK_H
#define SKERRY_ENGINE_LIFE_LINK_H

#include "engine/engine.h"

/* Binds every import of `instance` [Wasm core 3.2.21 import matching]. */
NODISCARD enum status link_imports(struct engine_instance *instance,
                                   const struct engine_linker *linker,
                                   struct report *report);

#endif
