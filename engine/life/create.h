/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance as one block (create.c), the same for a new one and one that is restored. Internal
 * to the engine.
 */
#ifndef SKERRY_ENGINE_LIFE_CREATE_H
#define SKERRY_ENGINE_LIFE_CREATE_H

#include "engine/engine.h"

/*
 * One block with everything but memory: linked, own memories made, globals and tables zero
 * (`from_snapshot`: of the snapshot's sizes). Not yet on its machine.
 */
NODISCARD enum status create_instance(struct engine_machine *machine,
                                      const struct engine_module *module,
                                      const struct engine_linker *linker,
                                      bool from_snapshot,
                                      struct report *report,
                                      struct engine_instance **ret_instance);

#endif
