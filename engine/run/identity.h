/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types across the instances of a machine: every type gets a number, its identity, such that
 * equal types have equal ones, whichever module defines them. Internal to the engine.
 *
 * Invariant: the identities of the first instance's types are their canonical indices. So a
 * machine with one instance, which is what serves requests, keeps no table at all; the second
 * instance makes one, from the recursion groups of both.
 */
#ifndef SKERRY_ENGINE_RUN_IDENTITY_H
#define SKERRY_ENGINE_RUN_IDENTITY_H

#include "engine/image/image.h"
#include "engine/read/types.h"

struct engine_machine;
struct engine_instance;

/* What is known of a type beyond those of the first instance. */
struct identity_row {
    uint32_t *supers; /* identities, the topmost first; owned */
    uint32_t super_count;
    uint8_t kind; /* enum types_kind */
};

struct identity_table {
    struct types_set set;
    struct buffer rows;   /* struct identity_row each: from identity first_count on */
    uint32_t first_count; /* types of the first instance */
    bool has_first;       /* they are in the set */
};

void identity_table_init(struct identity_table *table);
void identity_table_done(struct identity_table *table);

/* Fills type_ids of an instance that is not the first on its machine. */
NODISCARD enum status identity_assign(struct engine_instance *instance, struct report *report);
/* Is the type `sub` a subtype of `super`, by identities? */
bool identity_is_below(const struct engine_machine *machine, uint32_t sub, uint32_t super);
enum types_kind identity_kind(const struct engine_machine *machine, uint32_t identity);
/* A value type of the instance with the identity in place of the index. */
uint32_t identity_value_type(const struct engine_instance *instance, uint32_t type);
/* Subtyping of such value types. */
bool identity_match(const struct engine_machine *machine, uint32_t sub, uint32_t super);

#endif
