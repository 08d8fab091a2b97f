/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of an instance as the snapshot has them: what making one from it and putting one back to
 * it share (restore.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_LIFE_RESTORE_H
#define SKERRY_ENGINE_LIFE_RESTORE_H

#include "engine/engine.h"

void restore_globals(struct engine_instance *instance);
/* Which segments are dropped. */
void restore_flags(const struct engine_instance *instance);
/* Table `index` of the instance's own. */
void restore_table(const struct engine_instance *instance, uint32_t index);
/* Contents of memories that read zero, by copying. */
void restore_memories(const struct engine_instance *instance);
/* The heap of the machine that is the instance's alone; `report` may be NULL. */
NODISCARD enum status restore_heap(struct engine_instance *instance, struct report *report);

#endif
