/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator: from validated Wasm to threaded code, one function at a time, in one
 * pass. Internal to engine/translate*.c.
 *
 *   translate.c          functions, stubs, the instruction loop
 *   translate_control.c  blocks, branches, returns
 *   translate_call.c     calls
 *   translate_try.c      exceptions: try_table, try, throw
 *   translate_value.c    the operand stack, locals, accumulator, choice of places
 *   translate_emit.c     cells, labels, fuel
 *   translate_pins.c     which locals live in registers
 *   translate_simple.c   instructions that are one operation
 *   translate_fuse.c     several instructions that are one operation
 *   translate_reference.c  branches that look at references
 *   translate_simd.c     those of vectors
 *   translate_object.c   structures, arrays, i31, casts
 *
 * The operand stack exists only at translation: an entry is a value in its home slot
 * (TEMP), a local that nobody has read yet (LOCAL, LOW_HALF), or a constant (CONST). The newest
 * operation is held back (`pending`) until it is known who uses its result: then it can
 * leave it in the accumulator, in the local it is assigned to, or be fused.
 *
 * Invariants. Below `settled` all entries are TEMP. At every label all entries are TEMP.
 * `pending`, if any, produced the topmost TEMP or wrote a local.
 *
 * Deterministic code: the pending operation is `is_raw` if it can make a NaN; whoever takes its
 * result and treats all NaNs alike clears that, else its cell is followed by another that makes
 * the result canonical. So whatever is not pending has no NaN but the canonical one, or one that
 * came from outside.
 *
 * Fuel: `executed` counts instructions since the last charge in linear order. A branch
 * from p to q charges executed(p) - executed(q), so that falling through costs nothing and
 * the sum is exact on every path.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_TRANSLATE_H
#define SKERRY_ENGINE_TRANSLATE_TRANSLATE_H

#include "engine/ops/ops.h"
#include "engine/read/decode.h"
#include "engine/read/module.h"
#include "engine/read/opcodes.h"

enum value_kind {
    VALUE_TEMP,
    VALUE_LOCAL,
    VALUE_LOW_HALF, /* an i32: of a local that is an i64, what i32.wrap_i64 leaves */
    VALUE_CONST,
};

static inline bool value_is_local(enum value_kind kind)
{
    return kind == VALUE_LOCAL || kind == VALUE_LOW_HALF;
}

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

struct translator {
    struct module *module;
    struct report *report;
    const struct engine_options *options;
    struct code *code;
    enum status status; /* sticky */
    struct reader reader;

    /* the function at hand */
    uint32_t func_index;
    const struct engine_functype *type;
    uint32_t result_slots;
    uint8_t *local_types;  /* local_count entries: type_class, or TYPE_UPPER_HALF */
    uint32_t *local_refs;  /* LOCAL entries on the stack, per local */
    uint8_t *local_places; /* PLACE_S or PLACE_Pn */
    bool *local_zero;      /* may be read before it is set */
    uint32_t local_count;  /* slots */
    uint32_t *local_slots; /* by index of the binary; only right if has_vectors */
    bool has_vectors;      /* among the locals */
    uint64_t locals_total; /* of the functions so far */
    uint32_t locals_capacity;
    uint32_t pin_count;
    uint32_t float_pin_count;
    uint32_t pins[MACHINE_INT_PINS];         /* locals */
    uint32_t float_pins[MACHINE_FLOAT_PINS]; /* locals */

    struct value *values;
    uint32_t height;
    uint32_t values_capacity;
    uint32_t height_limit; /* entries may be pushed below it without asking again */
    uint32_t settled;

    struct control *controls;
    uint32_t control_count;
    uint32_t controls_capacity;
    uint32_t *calls; /* cells that call a function, of the whole module */
    uint32_t call_count;
    uint32_t calls_capacity;
    struct fixup *fixups;
    uint32_t fixup_count;
    uint32_t fixups_capacity;

    uint32_t region; /* innermost with clauses, or CODE_NO_REGION */

    bool dead;
    int64_t executed;
    uint32_t opcode_offset; /* of the instruction being translated */
    bool has_pending;
    struct instruction *pending; /* one of `instructions`, the other is `spare`: */
    struct instruction *spare;   /* where the next one is made */
    struct instruction instructions[2];
    uint32_t last_start; /* of the cell encoded last */
    uint32_t last_marks; /* bytes of marks before it */
    /* That cell, if it may be taken back and nothing branches to where it ends. */
    bool has_last;
    struct instruction last;
};

/* ---- translate_emit.c ------------------------------------------------------------------------ */

void emit_fail(struct translator *t, enum status status, const char *what);
static inline uint32_t emit_here(const struct translator *t)
{
    return (uint32_t)t->code->cells.count;
}
/* Writes a cell now; a branch field (b) is left zero and its offset returned (else 0). */
uint32_t emit_cell(struct translator *t, const struct instruction *instruction);
/* The operation that makes a raw result canonical. */
enum operation emit_canonical(const struct instruction *raw);
/* Writes the pending operation, if any. */
void emit_flush(struct translator *t);
/* Takes back the cell written last. */
void emit_take_back(struct translator *t);
/* The branch whose field is at `field` in the cell at `cell` goes to this control frame. */
void emit_branch_to(struct translator *t, struct control *target, uint32_t cell, uint32_t field);
void emit_patch(struct translator *t, uint32_t cell, uint32_t field, uint32_t target, int64_t fuel);
/* Every branch to the frame's end lands here. */
void emit_bind(struct translator *t, uint32_t fixups);
/* Appends raw 32-bit words to the cell being built (br_table's entries). */
uint32_t emit_words(struct translator *t, uint32_t count);
/* The cell just written calls a function whose entry may not be known yet. */
void emit_note_call(struct translator *t);
/* All functions are translated: fills in entries and locals of the callees. */
void emit_resolve_calls(struct translator *t);
/* A branch field: target and fuel. */
#define EMIT_BRANCH_BYTES 8
/* Charges what was executed, with a test. */
void emit_charge(struct translator *t);

/* ---- translate_value.c ----------------------------------------------------------------------- */

/* What the translator has to know of a type: a number is its own class, and all references
 * are one, because they are moved about alike. */
static inline uint8_t type_class(uint32_t type)
{
    return type >= ENGINE_V128 && type <= ENGINE_I32 ? (uint8_t)type : ENGINE_EXTERNREF;
}

static inline uint16_t slot_of_height(const struct translator *t, uint32_t height)
{
    return (uint16_t)(t->local_count + 2 + height);
}

/* Room for one entry above `height_limit`; false and failed if there is none. */
bool value_make_room(struct translator *t);

/* One entry. */
static inline void value_push(struct translator *t, struct value value)
{
    if (UNLIKELY(t->height >= t->height_limit) && !value_make_room(t))
        return;
    if (value_is_local(value.kind))
        t->local_refs[value.local]++;
    t->settled += value.kind == VALUE_TEMP && t->settled == t->height;
    t->values[t->height++] = value;
}

/* One value: a v128 takes two entries. */
static inline void value_push_whole(struct translator *t, struct value value)
{
    value_push(t, value);
    if (UNLIKELY(value.type == ENGINE_V128))
        value_push(t, (struct value){.kind = VALUE_TEMP, .type = TYPE_UPPER_HALF});
}
void value_push_temp(struct translator *t, uint32_t type);
/* The topmost value, with both entries of a v128. */
static inline struct value value_pop(struct translator *t)
{
    if (UNLIKELY(t->status != STATUS_OK))
        return (struct value){.kind = VALUE_CONST, .type = ENGINE_I32};
    ASSERT(t->height > 0);
    struct value value = t->values[--t->height];
    if (UNLIKELY(value.type == TYPE_UPPER_HALF))
        value = t->values[--t->height];
    if (value_is_local(value.kind))
        t->local_refs[value.local]--;
    t->settled = MIN(t->settled, t->height);
    return value;
}
struct operand value_operand(const struct translator *t, struct value value, uint32_t height);
/* Is an i32.wrap_i64 of this value no operation, because whoever takes an i32 looks at no more
 * than 32 bits? The others get it from `value_apply` and the moves. */
bool value_wrap(struct value *value);
/* The instruction that copies a value of this type. */
struct instruction
value_move(const struct translator *t, uint32_t type, struct operand from, struct operand to);
/* The same for an entry of the stack, at `height`. */
struct instruction
value_copy(const struct translator *t, struct value value, uint32_t height, struct operand to);
/* Entries from height `from` up into their home slots. */
void value_settle(struct translator *t, uint32_t from);
/*
 * An operation on the topmost `sources` entries, in order, that leaves one result of
 * `result_type` (0: none); it becomes the pending one.
 */
void value_apply(struct translator *t,
                 enum operation operation,
                 uint32_t sources,
                 uint32_t result_type,
                 uint64_t field);
/* The entry at `height` was moved to its home slot. */
void value_arrived(struct translator *t, uint32_t height);
void value_set_local(struct translator *t, uint32_t local, bool keep);
/* Makes `instruction` pending after encoding the one before. */
void value_hold(struct translator *t, const struct instruction *instruction);
/* Is the pending operation the one that produced the entry at `height`? */
static inline bool value_is_pending(const struct translator *t, uint32_t height)
{
    return t->has_pending && t->pending->result_height == height;
}
/* `value`, popped from `height`, becomes the only operand so far of `instruction`; what
 * was pending is encoded. */
void value_take(struct translator *t,
                struct instruction *instruction,
                struct value value,
                uint32_t height);

/* Where the local that the binary knows by this index is. */
static inline uint32_t local_slot(const struct translator *t, uint32_t index)
{
    return UNLIKELY(t->has_vectors) ? t->local_slots[index] : index;
}

/* ---- translate_fuse.c: true if it was done --------------------------------------------------- */

/* x * constant + y, where a shift is a multiplication too; (x >> constant) & constant: of the
 * two topmost entries. */
bool fuse_mul_add(struct translator *t);
bool fuse_shr_and(struct translator *t);
/* global.set of x + constant, or of the global itself + constant, kept in a local too. */
bool fuse_global_set(struct translator *t, uint32_t global);
/* Is the cell encoded last x += constant, and x in a slot or a register? */
bool fuse_is_increment(const struct translator *t, struct operand *ret_x, uint32_t *ret_constant);
/* x += constant or a move, then a jump: an instruction that lacks its target. */
bool fuse_jump(struct translator *t, struct instruction *ret_jump);
/* The store `operation` of what the pending load loads. */
bool fuse_copy(struct translator *t, enum operation operation, uint32_t offset);
/* Pins loaded after slots were cleared, at the beginning of a function. */
void fuse_zero_load(struct translator *t, struct instruction *load);
/* The pending move of a call's result, after pins were loaded. */
void fuse_load_move(struct translator *t);
/* A return after a global was set to x + constant. */
void fuse_set_return(struct translator *t, struct instruction *leave);
/* The pending i32.eqz of x & y: the branch if there are common bits, or if not. */
bool fuse_and_branch(struct translator *t, struct instruction *branch, bool negated);
/* An index x - constant, from `height`, becomes operand and first field of a br_table. */
bool fuse_table_index(struct translator *t, struct instruction *table, uint32_t height);
/* Moves entries from `height` up to their home slots with one operation; how many. */
uint32_t fuse_moves(struct translator *t, uint32_t height);

/* ---- translate_simple.c, _control.c, _reference.c, _pins.c ----------------------------------- */

/* The operation that an instruction stands for by itself; OP_COUNT if there is none. */
enum operation simple_operation(uint32_t opcode);
bool simple_commutes(enum operation operation);
/* The comparison with operands exchanged / negated; OP_COUNT if there is none. */
enum operation simple_mirrored(enum operation comparison);
enum operation simple_inverted(enum operation comparison);
/* The fused branch of a comparison; OP_COUNT if there is none. */
enum operation simple_branch(enum operation comparison, bool negated);
enum operation simple_add_branch(enum operation comparison);
bool simple_translate(struct translator *t, uint32_t opcode);
uint8_t simple_type_of_letter(char letter);
struct simple_access {
    enum operation operation; /* address in one operand */
    enum operation indexed;   /* address is a sum */
    enum operation checked;   /* of another memory; floats are bits there */
    uint8_t type;             /* of the value */
};
void simple_load(struct translator *t, struct simple_access access, uint32_t offset);
void simple_store(struct translator *t, struct simple_access access, uint32_t offset);

void simd_translate(struct translator *t, uint32_t opcode);

void control_translate(struct translator *t, uint32_t opcode);
/* Opens a block, reads its type and, unless the code is dead, settles all entries. */
struct control *control_block(struct translator *t, uint8_t opcode);
/* An arm of the innermost block ends: what it leaves goes where the block's end wants it. */
void control_end_arm(struct translator *t, struct control *control);
/* Another arm begins here, in code that can be reached, with nothing of the block's values. */
void control_begin_arm(struct translator *t, struct control *control);
void control_end(struct translator *t);
void control_push_temps(struct translator *t, const uint32_t *types, uint32_t count);
/* Drops the operand stack to `height` without reading what is dropped. */
void control_unwind(struct translator *t, uint32_t height);
/* Instructions of exceptions; in dead code only those that open or close blocks. */
void try_translate(struct translator *t, uint32_t opcode);
/* The innermost region ends here. */
void try_end(struct translator *t);
/* Clauses that go to the frame's end land here. */
void try_bind(struct translator *t, struct control *control);
/* The frame that a label names. */
struct control *control_at_depth(struct translator *t, uint32_t depth);
/* May a branch there be one cell, because what it carries is in place? */
bool control_is_direct(const struct translator *t, const struct control *target);
/* A direct conditional branch. */
void control_branch_if(struct translator *t, struct instruction *branch, struct control *target);
/* A branch that has to move values first: `branch`, on the contrary, jumps over the moves. The
 * operand stack is afterwards what it was before. */
void control_branch_over(struct translator *t, struct instruction *branch, struct control *target);
/* Opens the function's own frame on the control stack. */
void control_begin_function(struct translator *t);

/* A call, also one that is a return, in code that can be reached. */
void call_translate(struct translator *t, uint32_t opcode);
/* Pinned locals into their slots, and from there into their registers. */
void call_save_pins(struct translator *t);
void call_load_pins(struct translator *t);

void reference_translate(struct translator *t, uint32_t opcode);
/* False: it is no instruction on objects, or it is a branch. */
bool object_translate(struct translator *t, uint32_t opcode);

/* Structure costs no fuel; every other instruction is one unit of it. */
static inline bool translate_is_free(uint32_t opcode)
{
    return opcode == OPCODE_BLOCK || opcode == OPCODE_LOOP || opcode == OPCODE_ELSE ||
           opcode == OPCODE_END || opcode == OPCODE_TRY_TABLE || opcode == OPCODE_TRY ||
           opcode == OPCODE_CATCH || opcode == OPCODE_CATCH_ALL || opcode == OPCODE_DELEGATE;
}

void pins_choose(struct translator *t);
/* The rest of an opcode that begins with `prefix`. */
uint32_t translate_read_prefixed(struct reader *reader, uint32_t prefix);

/* The next opcode of validated code, its prefix included. */
static inline uint32_t translate_read_opcode(struct reader *reader)
{
    uint32_t opcode = reader_u8(reader);
    return UNLIKELY(opcode_is_prefix(opcode)) ? translate_read_prefixed(reader, opcode) : opcode;
}

#endif
