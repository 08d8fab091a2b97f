/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of references (table.c). Internal to the engine.
 */
#ifndef SKERRY_ENGINE_RUN_TABLE_H
#define SKERRY_ENGINE_RUN_TABLE_H

#include "engine/engine.h"

struct table {
    uint64_t *entries; /* references */
    uint32_t count;
    uint32_t capacity;
    uint32_t max;  /* growth stops here */
    uint32_t type; /* in the owner's indices */
    const struct engine_instance *owner;
    bool is_64;            /* 64-bit indices */
    bool dirty;            /* changed since the snapshot */
    bool grown;            /* entries are on the heap; else in the instance's block */
    uint64_t declared_max; /* UINT64_MAX: the module gave none (import matching) */
};

/* The old size, or -1 as wide as the table's indices. */
uint64_t table_grow(struct table *table, uint64_t value, uint64_t count);
enum engine_trap table_get(const struct table *table, uint64_t index, uint64_t *ret_value);
enum engine_trap table_set(struct table *table, uint64_t index, uint64_t value);
enum engine_trap table_fill(struct table *table, uint64_t index, uint64_t value, uint64_t count);
enum engine_trap table_copy(struct table *to_table,
                            const struct table *from_table,
                            uint64_t to,
                            uint64_t from,
                            uint64_t count);
enum engine_trap table_init(struct engine_instance *instance,
                            uint32_t table,
                            uint32_t elem,
                            uint64_t to,
                            uint64_t from,
                            uint64_t count);

#endif
