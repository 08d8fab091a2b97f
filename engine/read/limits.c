/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a module may be, and how it is compiled, where nobody says otherwise.
 */
#include "engine/engine.h"

const struct engine_limits engine_limits_default = {
    .module_bytes = (uint64_t)50 << 20,
    .arena_bytes = (uint64_t)2 << 30,
    .memory_pages = 65536,
    .table_entries = 10000000,
    .stack_bytes = 1 << 20,
    .heap_bytes = (uint64_t)1 << 30,
};

const struct engine_options engine_options_default = {0};
