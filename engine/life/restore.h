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
/* Contents of a memory of its own that reads zero, by copying. */
void restore_memory(const struct engine_instance *instance, uint32_t index);
/* Over one that shows its mappings: what is copied even then. How many pages. */
uint64_t restore_copied_runs(const struct engine_instance *instance, uint32_t index);
/* The heap of the machine that is the instance's alone; `report` may be NULL. */
NODISCARD enum status restore_heap(struct engine_instance *instance, struct report *report);

#endif
