/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to an instance, and its end. How it is made: engine/life/create.c.
 */
#include "engine/run/instance.h"

#include <stdlib.h>

#include "engine/run/machine.h"
#include "engine/run/memory.h"
#include "engine/run/table.h"

/* What every isolate costs beside memory, tables, stack, and the rows of its own module. */
_Static_assert(sizeof(struct engine_machine) + sizeof(struct engine_instance) <= 1024,
               "an isolate has grown out of its kibibyte");

uint32_t instance_own_tables(const struct engine_instance *instance)
{
    return instance->image->tables.count - instance->image->imported_table_count;
}

uint32_t instance_own_memories(const struct engine_instance *instance)
{
    return instance->image->memories.count - instance->image->imported_memory_count;
}

const struct engine_module *engine_instance_module(const struct engine_instance *instance)
{
    return instance->module;
}

struct engine_machine *engine_instance_machine(const struct engine_instance *instance)
{
    return instance->machine;
}

const union engine_value *engine_global_get(const struct engine_instance *instance, uint32_t index)
{
    ASSERT(index < instance->image->globals.count);
    return instance_global(instance, index);
}

void instance_free(struct engine_instance *instance)
{
    if (instance == NULL)
        return;
    for (uint32_t i = 0; i < instance_own_memories(instance); i++)
        memory_free(&instance->own_memory[i]);
    for (uint32_t i = 0; i < instance_own_tables(instance); i++) {
        if (instance->own_tables[i].grown)
            free(instance->own_tables[i].entries);
    }
    free(instance);
}
