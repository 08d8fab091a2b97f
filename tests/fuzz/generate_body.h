/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body under construction: where it is written, the types on its operand stack, and how an
 * instruction comes by its operands. Internal to the generator (generate.h).
 *
 *   instruction -> body_want(operands) -> opcode, immediates -> body_push(results)
 *
 * Operands are taken from the top as far as they fit; the rest is pushed. So values stay on the
 * stack over branches, calls and whole blocks, which is where a translator to registers has to
 * get things right.
 */
#ifndef SKERRY_TESTS_FUZZ_GENERATE_BODY_H
#define SKERRY_TESTS_FUZZ_GENERATE_BODY_H

#include "engine/read/opcodes.h"
#include "tests/fuzz/generate_world.h"
#include "tests/support/wasm_build.h"

enum {
    BODY_STACK_MAX = 400,
    BODY_FRAMES_MAX = 10,
    BODY_LOCALS_MAX = 60,
    BODY_DEEP_MAX = 40,   /* values pushed in a row */
    BODY_NUMBER_MAX = 24, /* small operands: lengths, indices */
};

struct frame {
    uint32_t base;            /* of the operands that it may take */
    struct world_types label; /* what a branch to it takes */
    struct world_types results;
    bool is_catch; /* of the exceptions before WebAssembly 3.0: may be rethrown to */
};

struct body {
    const struct world *world;
    struct choices *choices;
    struct buffer *out;
    uint32_t func;
    uint32_t stack[BODY_STACK_MAX]; /* types */
    uint32_t height;
    struct frame frames[BODY_FRAMES_MAX];
    uint32_t depth; /* frames in use; the function's own is the first */
    uint32_t locals[BODY_LOCALS_MAX];
    uint32_t local_count;
    uint32_t steps_left;
    bool is_dead; /* what follows in this block cannot be reached */
};

static inline struct frame *body_frame(struct body *b)
{
    return &b->frames[b->depth - 1];
}

/* Writes an opcode; an i32.const or i64.const; bytes that are chosen, `below` a number if not 0. */
void body_put_opcode(struct body *b, uint32_t opcode);
void body_put_number(struct body *b, bool is_64, int64_t number);
void body_put_chosen(struct body *b, uint32_t count, uint8_t below);

void body_push(struct body *b, uint32_t type);
void body_push_all(struct body *b, const struct world_types *types);
/* Generates a value of the type: of a variable, mostly. */
void body_value(struct body *b, uint32_t type);
/* Brings operands of these types to the top and takes them off. */
void body_want(struct body *b, const struct world_types *types);
void body_want_one(struct body *b, uint32_t type);
/* The frame's operands become exactly its results. */
void body_settle(struct body *b);
/* A variable of a subtype, from any of them on; `count` if there is none. */
uint32_t body_find(struct body *b, const uint32_t *types, uint32_t count, uint32_t wanted);

/* Instructions that a row of a table says all about (generate_rows.c): numeric ones, of vectors,
 * of objects and tables. */
void body_emit_scalar(struct body *b);
void body_emit_vector(struct body *b);
void body_emit_recipe(struct body *b);
void body_emit_memory_copy(struct body *b);

#endif
