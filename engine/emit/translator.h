/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator's state. This folder has what translated instructions are made of, each file with
 * a header of its own:
 *
 *   pins       which locals live in registers
 *   fuse       several instructions that are one operation
 *   value      the operand stack, locals, accumulator, choice of places
 *   label      branches to labels that are not known yet
 *   hold       the operation that is held back
 *   fuse_cell  what becomes part of the operation behind it
 *   emit       cells
 *   relation   comparisons among each other
 *
 * Each calls only those further down. The instructions themselves are in engine/translate.
 *
 * Invariants. Below `settled` all entries are TEMP. At every label all entries are TEMP.
 * `pending`, if any, produced the topmost TEMP or wrote a local.
 */
#ifndef SKERRY_ENGINE_EMIT_TRANSLATOR_H
#define SKERRY_ENGINE_EMIT_TRANSLATOR_H

#include "engine/image/code.h"
#include "engine/ops/ops.h"
#include "engine/read/module.h"
#include "engine/read/opcodes.h"
#include "engine/run/machine.h"

enum value_kind {
    VALUE_TEMP,
    VALUE_LOCAL,
    VALUE_LOW_HALF, /* an i32: of a local that is an i64, what i32.wrap_i64 leaves */
    VALUE_CONST,
};

/* The second of the two entries that a v128 takes on the operand stack, and among locals: there
 * as here, an index is a slot. */
#define TYPE_UPPER_HALF 0

struct value {
    uint8_t kind;   /* enum value_kind */
    uint8_t type;   /* type_class, or TYPE_UPPER_HALF */
    uint32_t local; /* its slot */
    uint64_t bits;  /* of a v128: where in the binary its constant is */
};

/* Packed, so that copying an instruction is a few moves and not a call. */
struct __attribute__((packed, aligned(4))) operand {
    uint8_t place; /* enum operand_place */
    uint16_t slot; /* PLACE_S */
    uint64_t bits; /* PLACE_K; as in struct value */
};

#define INSTRUCTION_FIELDS_MAX 7
#define NO_HEIGHT              UINT32_MAX
#define NO_INDEX               UINT32_MAX

struct instruction {
    enum operation operation;
    struct operand operands[OPS_OPERANDS_MAX]; /* the result last, if there is one */
    uint64_t fields[INSTRUCTION_FIELDS_MAX];   /* h, w and q fields in order */
    uint32_t result_height; /* of the TEMP that it produces; NO_HEIGHT if it does not */
    uint32_t wasm_offset;
    bool has_result;
    bool is_raw; /* its result is made canonical when it is encoded */
};

/* A branch whose target is not known yet: its field in the cells, chained per label. */
struct fixup {
    uint32_t field; /* byte offset of target and fuel */
    uint32_t cell;  /* byte offset of the cell the target counts from */
    uint32_t next;  /* index, or NO_INDEX */
};

struct control {
    uint8_t opcode;  /* OPCODE_BLOCK, LOOP, IF; OPCODE_END for the function itself */
    bool has_region; /* TRY_TABLE with clauses, or TRY before its first catch; in live code */
    bool dead_entry; /* opened in unreachable code: nothing was emitted */
    uint32_t height; /* operand stack below its parameters */
    const uint32_t *params;
    const uint32_t *results; /* NULL: `single`, if any */
    uint32_t single;
    uint32_t param_count;
    uint32_t result_count;
    uint32_t param_slots;
    uint32_t result_slots;
    uint32_t fixups;       /* branches to its end */
    uint32_t else_fixup;   /* IF: the branch over the first arm; NO_INDEX after `else` */
    int64_t else_executed; /* IF: `executed` at that branch */
    uint32_t loop_target;  /* LOOP: byte offset */
    int64_t loop_executed;
    uint32_t clauses;     /* of try_tables that go to its end, chained by their targets */
    uint32_t region;      /* innermost at its label, or CODE_NO_REGION */
    uint32_t last_clause; /* CATCH: the last of its region's so far */
    uint32_t stub;        /* br_table: shared landing that moves values, */
    uint32_t stub_table;  /* made for the br_table that began at this offset */
};

/* The function at hand. */
struct translator_func {
    uint32_t index;
    const struct engine_functype *type;
    uint32_t result_slots;
};

/* Its locals: where a type has two slots, so has the local. */
struct translator_locals {
    uint8_t *types;   /* type_class, or TYPE_UPPER_HALF */
    uint32_t *refs;   /* LOCAL entries on the stack */
    uint8_t *places;  /* PLACE_S or PLACE_Pn */
    bool *needs_zero; /* may be read before it is set */
    uint32_t count;   /* slots */
    uint32_t *slots;  /* by index of the binary; only right if has_vectors */
    bool has_vectors;
    uint32_t capacity;
};

/* Those of them that live in machine registers, by the number of the register. */
struct translator_pins {
    uint32_t count;
    uint32_t float_count;
    uint32_t locals[MACHINE_INT_PINS];
    uint32_t float_locals[MACHINE_FLOAT_PINS];
};

/* The operand stack. */
struct translator_stack {
    struct value *values;
    uint32_t height;
    uint32_t capacity;
    uint32_t limit; /* entries may be pushed below it without asking again */
    uint32_t settled;
};

/* The control stack. */
struct translator_blocks {
    struct control *frames;
    uint32_t count;
    uint32_t capacity;
    uint32_t region; /* innermost with clauses, or CODE_NO_REGION */
};

/* The newest operation, not yet encoded. */
struct translator_hold {
    bool has_pending;
    struct instruction *pending; /* one of `instructions`, the other is `spare`: */
    struct instruction *spare;   /* where the next one is made */
    struct instruction instructions[2];
};

struct translator_output {
    struct code *code;
    struct fixup *fixups; /* of the function at hand */
    uint32_t fixup_count;
    uint32_t fixups_capacity;
    uint32_t last_start;    /* of the cell encoded last */
    uint32_t last_marks;    /* bytes of marks before it */
    uint32_t last_handlers; /* likewise, if there is native code */
    /* The tier: may this function enter native code, and must it before its next cell? */
    bool has_native;
    bool wants_enter;
    /* That cell, if it may be taken back and nothing branches to where it ends. */
    bool has_last;
    struct instruction last;
};

struct translator {
    const struct module *module;
    struct report *report;
    const struct engine_options *options;
    enum status status; /* sticky */
    struct reader reader;
    uint32_t opcode_offset; /* of the instruction being translated */
    bool dead;              /* it cannot be reached */
    int64_t executed;       /* instructions since the last charge, in linear order */
    struct translator_func func;
    struct translator_locals locals;
    struct translator_pins pins;
    struct translator_stack stack;
    struct translator_blocks blocks;
    struct translator_hold hold;
    struct translator_output output;
};

#endif
