/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a generated module consists of, as far as its bodies have to know. Internal to the
 * generator: generate.c decides it and writes the sections, generate_body.c the bodies.
 *
 * Types of objects and tables are always the same ones, so that instructions on them can be
 * written down as a table; types of functions, memories, globals and tags are chosen.
 */
#ifndef SKERRY_TESTS_FUZZ_GENERATE_WORLD_H
#define SKERRY_TESTS_FUZZ_GENERATE_WORLD_H

#include "engine/engine.h"
#include "tests/fuzz/choices.h"

/* Type indices; those of functions follow. */
enum {
    WORLD_STRUCT,  /* i32 i64 i8 f64 anyref, all mutable */
    WORLD_STRUCT2, /* a subtype: and f32, (ref null WORLD_STRUCT) */
    WORLD_ARRAY32, /* i32 */
    WORLD_ARRAY8,  /* i8 */
    WORLD_ARRAY_ANY,
    WORLD_FUNCTYPES,
};

/* Tables: all have WORLD_TABLE_ENTRIES entries and may grow to WORLD_TABLE_MAX. */
enum {
    WORLD_TABLE_FUNC, /* the functions, in order */
    WORLD_TABLE_ANY,
    WORLD_TABLE_FUNC64,
    WORLD_TABLE_COUNT,
};

/* Segments: functions (passive), i31s (passive), functions (active, WORLD_TABLE_FUNC). Data: two
 * passive, one active if there is a memory. */
enum { WORLD_ELEM_FUNC, WORLD_ELEM_ANY, WORLD_ELEM_COUNT };
enum { WORLD_DATA_COUNT = 2 };

enum {
    WORLD_TABLE_ENTRIES = 12,
    WORLD_TABLE_MAX = 40,
    WORLD_VALUES_MAX = 12, /* of a type of function */
    WORLD_FUNCTYPES_MAX = 16,
    WORLD_IMPORTS_MAX = 3,
    WORLD_FUNCS_MAX = 9, /* imports included; fewer than entries of a table */
    WORLD_MEMORIES_MAX = 3,
    WORLD_GLOBALS_MAX = 12,
    WORLD_TAGS = 3,
};

struct world_types {
    uint32_t at[WORLD_VALUES_MAX];
    uint32_t count;
};

struct world_functype {
    struct world_types params;
    struct world_types results;
};

struct world_tag {
    uint32_t functype;
    uint32_t caught[2]; /* types of functions without parameters: results as a clause `catch`, and
                           as a clause `catch_ref`, hands them on */
};

struct world {
    struct choices *choices;
    struct world_functype functypes[WORLD_FUNCTYPES_MAX]; /* the first: no values at all */
    uint32_t functype_count;
    uint32_t funcs[WORLD_FUNCS_MAX]; /* their types, imports first */
    uint32_t func_count;
    uint32_t imported_count;
    bool memory_is_64[WORLD_MEMORIES_MAX];
    bool memory_has_bytes[WORLD_MEMORIES_MAX]; /* for pages */
    uint32_t memory_count;
    uint32_t globals[WORLD_GLOBALS_MAX]; /* their types; all mutable */
    uint32_t global_count;
    struct world_tag tags[WORLD_TAGS];
};

/*
 * The type that a letter stands for: i l f d v numbers and vectors; F funcref, E externref,
 * A anyref, Q eqref, I i31ref, U structref, Y arrayref, X exnref; S T J B R (ref null ...) of the
 * five types of objects above.
 */
uint32_t world_type(char letter);
/* Any of these. */
uint32_t world_choose_type(struct choices *choices);
/* [Wasm core 3.3] of these types. */
bool world_is_subtype(uint32_t type, uint32_t super);
/* Writes a value type; a heap type. */
void world_put_type(struct buffer *out, uint32_t type);
void world_put_heap_type(struct buffer *out, uint32_t type);

/* Writes the body of a function: locals and code. */
void generate_body(const struct world *world, uint32_t func, struct buffer *out);

#endif
