/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a look ahead at a function's locals decides: which live in machine registers, and
 * which must be zero at entry.
 *
 * A use of a local inside n loops counts 8^n; vectors fit no register. A pinned local must be saved
 * before each call and loaded after it, so calls count against all pins. What remains above zero is
 * pinned, the most valuable first.
 *
 * A local need not be zero at entry if it is set before anything reads it: if the first
 * thing done with it is a set, and each get comes after a set in a block that is still open.
 * What follows a set in its block is only reached past the set, because a branch leads to the
 * end of a block around it or to the start of a loop around both.
 */
#include "engine/emit/pins.h"

#include <stdlib.h>

#include "engine/emit/emit.h"
#include "engine/read/decode_immediate.h"

#define PINS_LOOP_SHIFT     3  /* 8 times as often per loop */
#define PINS_LOOP_DEPTH_MAX 10 /* deeper loops count as this deep */
#define PINS_CALL_COST      2  /* a save and a load */

_Static_assert((uint64_t)MODULE_MAX_BODY_BYTES *PINS_CALL_COST <= UINT64_MAX >>
                   (PINS_LOOP_SHIFT * PINS_LOOP_DEPTH_MAX),
               "sums of weights need no look at their size");

struct pins_local {
    uint64_t weight;
    uint32_t set_block; /* where a set was last seen to hold: number of the block, 0: nowhere; */
    uint16_t set_depth; /* and its depth */
    bool needs_zero;
};

/* Blocks are known up to this depth: a set in deeper ones holds for none. */
#define PINS_DEPTH_MAX 4096

struct pins_scan {
    const struct translator *translator;
    struct pins_local *locals; /* [0] is of no local */
    uint64_t weight;           /* of one use here */
    uint64_t calls;
    uint32_t depth;      /* open blocks */
    uint32_t loop_depth; /* of them, loops */
    uint32_t block_count;
    uint32_t set_block; /* where a set would hold from here on, as in struct pins_local */
    uint16_t set_depth;
    struct {
        uint32_t number; /* from 1, in order of the binary; 0 when it is closed */
        bool is_loop;
    } blocks[PINS_DEPTH_MAX];
};

static void pins_set_loop_depth(struct pins_scan *scan, uint32_t depth)
{
    scan->loop_depth = depth;
    scan->weight = (uint64_t)1 << (PINS_LOOP_SHIFT * MIN(depth, PINS_LOOP_DEPTH_MAX));
}

static void pins_set_block(struct pins_scan *scan)
{
    bool is_known = scan->depth > 0 && scan->depth <= PINS_DEPTH_MAX;
    scan->set_depth = is_known ? (uint16_t)(scan->depth - 1) : 0;
    scan->set_block = is_known ? scan->blocks[scan->depth - 1].number : 0;
}

static void pins_open(struct pins_scan *scan, bool is_loop)
{
    scan->block_count++;
    if (scan->depth < PINS_DEPTH_MAX) {
        scan->blocks[scan->depth].number = scan->block_count;
        scan->blocks[scan->depth].is_loop = is_loop;
        if (is_loop)
            pins_set_loop_depth(scan, scan->loop_depth + 1);
    }
    scan->depth++;
    pins_set_block(scan);
}

static void pins_close(struct pins_scan *scan)
{
    scan->depth--;
    if (scan->depth < PINS_DEPTH_MAX) {
        scan->blocks[scan->depth].number = 0;
        if (scan->blocks[scan->depth].is_loop)
            pins_set_loop_depth(scan, scan->loop_depth - 1);
    }
    pins_set_block(scan);
}

/* A use of a local; without asking what it is, for that could only be guessed. */
static inline void
pins_use(struct pins_scan *scan, struct pins_local *local, bool is_get, bool is_set)
{
    local->weight += scan->weight;
    /* Is every path to here one past a set of the local? */
    bool holds = scan->blocks[local->set_depth].number == local->set_block;
    local->needs_zero |= is_get && !holds;
    bool note = is_set && !holds;
    local->set_depth = note ? scan->set_depth : local->set_depth;
    local->set_block = note ? scan->set_block : local->set_block;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/*
 * An opcode, and how many bytes it takes with what follows it if each number in there has one
 * byte, as nearly all have. If one has more, or the length is another matter altogether, then one
 * of the instruction's first four bytes has a bit of `longer`.
 */
struct pins_row {
    uint32_t longer;
    uint8_t bytes;
    bool is_local;
    bool is_get;
    bool is_control;
};

#define PINS_IS_NUMBER(kind)                                                                       \
    ((kind) == IMMEDIATE_BLOCK || (kind) == IMMEDIATE_LABEL || (kind) == IMMEDIATE_FUNC ||         \
     (kind) == IMMEDIATE_LOCAL || (kind) == IMMEDIATE_GLOBAL || (kind) == IMMEDIATE_I32 ||         \
     (kind) == IMMEDIATE_I64)
#define PINS_IS_MEMARG(kind) ((kind) >= IMMEDIATE_MEMARG0 && (kind) <= IMMEDIATE_MEMARG4)
#define PINS_MEMARG_LONGER   (0x80u << 16 | (0x80u | DECODE_MEMARG_HAS_MEMORY) << 8)
/* A block's type may be 0x63 or 0x64 and a heap type; 0x40, none, is the one that must be quick. */
#define PINS_BLOCK_LONGER (0xa0u << 8)
#define PINS_BYTES(kind)                                                                           \
    ((kind) == IMMEDIATE_NONE ? 1 : PINS_IS_NUMBER(kind) ? 2 : PINS_IS_MEMARG(kind) ? 3 : 0)
#define PINS_LONGER(kind)                                                                          \
    ((kind) == IMMEDIATE_BLOCK ? PINS_BLOCK_LONGER                                                 \
     : PINS_BYTES(kind) == 1   ? 0                                                                 \
     : PINS_BYTES(kind) == 2   ? 0x80u << 8                                                        \
     : PINS_BYTES(kind) == 3   ? PINS_MEMARG_LONGER                                                \
                               : UINT32_MAX)
#define PINS_IS_CONTROL(code) ((code) < OPCODE_DROP || (code) == OPCODE_TRY_TABLE)

static const struct pins_row pins_rows[OPCODE_ROWS_COUNT] = {
#define OPCODE(code, name, text, immediate, signature)                                             \
    [OPCODE_ROW_OF(code)] = {.longer = PINS_LONGER(IMMEDIATE_##immediate),                         \
                             .bytes = PINS_BYTES(IMMEDIATE_##immediate),                           \
                             .is_local = IMMEDIATE_##immediate == IMMEDIATE_LOCAL,                 \
                             .is_get = (code) == OPCODE_LOCAL_GET,                                 \
                             .is_control = PINS_IS_CONTROL(code)},
#include "engine/read/opcodes.def"
    [OPCODE_PREFIX_GC] = {.longer = UINT32_MAX},
    [OPCODE_PREFIX_MISC] = {.longer = UINT32_MAX},
    [OPCODE_PREFIX_SIMD] = {.longer = UINT32_MAX},
    [OPCODE_PREFIX_ATOMIC] = {.longer = UINT32_MAX},
};

/* The next four bytes, or what there is. */
static inline uint32_t pins_peek(const struct reader *reader)
{
    uint32_t word = 0;
    if (LIKELY(reader_left(reader) >= sizeof(word)))
        memcpy(&word, reader->at, sizeof(word));
    else
        memcpy(&word, reader->at, reader_left(reader));
    return word;
}

/* Reads an instruction that has not the length in its row; the index, if it is of a local. */
static uint32_t pins_read_longer(struct reader *reader)
{
    uint32_t opcode = decode_opcode(reader);
    enum immediate_kind kind = opcode_row(opcode)->immediate;
    if (kind == IMMEDIATE_LOCAL)
        return reader_u32(reader);
    decode_skip_immediate(reader, kind);
    return 0;
}

static void pins_control(struct pins_scan *scan, uint32_t opcode)
{
    switch (opcode) {
    case OPCODE_CALL:
    case OPCODE_CALL_INDIRECT:
    case OPCODE_CALL_REF:
        scan->calls += scan->weight;
        return;
    case OPCODE_BLOCK:
    case OPCODE_LOOP:
    case OPCODE_IF:
    case OPCODE_TRY_TABLE:
    case OPCODE_TRY:
        pins_open(scan, opcode == OPCODE_LOOP);
        return;
    case OPCODE_ELSE:
    case OPCODE_CATCH:
    case OPCODE_CATCH_ALL:
        pins_close(scan);
        pins_open(scan, false);
        return;
    case OPCODE_END:
    case OPCODE_DELEGATE:
        pins_close(scan);
        return;
    default:
        return;
    }
}

/* Walks the body once; `reader` is a copy. */
static void pins_count(struct pins_scan *scan, struct reader reader)
{
    scan->depth = 0;
    pins_set_loop_depth(scan, 0);
    pins_open(scan, false);
    bool has_vectors = scan->translator->locals.has_vectors;
    while (scan->depth > 0 && reader.at < reader.end) {
        uint32_t word = pins_peek(&reader);
        uint8_t opcode = (uint8_t)word;
        const struct pins_row *row = &pins_rows[opcode];
        uint32_t index = word >> 8 & 0x7f;
        if (LIKELY((word & row->longer) == 0))
            reader.at += row->bytes;
        else
            index = pins_read_longer(&reader);
        if (UNLIKELY(has_vectors) && row->is_local)
            index = scan->translator->locals.slots[index];
        pins_use(scan, &scan->locals[(index + 1) & (0u - row->is_local)], row->is_get,
                 row->is_local && !row->is_get);
        if (row->is_control)
            pins_control(scan, opcode);
    }
}

/* ---- the choice ------------------------------------------------------------------------------ */

/* Puts a local among the `count` heaviest so far of its class, the heaviest first; equal ones stay
 * in their order. */
static uint32_t pins_rank(const struct pins_local *locals,
                          uint32_t *heaviest,
                          uint32_t count,
                          uint32_t most,
                          uint32_t local)
{
    uint32_t at = count < most ? count++ : count;
    for (; at > 0 && locals[heaviest[at - 1]].weight < locals[local].weight; at--) {
        if (at < most)
            heaviest[at] = heaviest[at - 1];
    }
    if (at < most)
        heaviest[at] = local;
    return count;
}

void pins_choose(struct translator *t)
{
    t->pins.count = 0;
    t->pins.float_count = 0;
    if (t->locals.count == 0)
        return;
    struct pins_scan scan; /* its blocks are written before they are read */
    scan.translator = t;
    scan.calls = 0;
    scan.block_count = 0;
    scan.locals = calloc(t->locals.count + 1, sizeof(*scan.locals));
    if (scan.locals == NULL) {
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
        return;
    }
    pins_count(&scan, t->reader);
    /* One load at entry even without calls. */
    uint64_t cost = scan.calls * PINS_CALL_COST + 1;
    const struct pins_local *locals = scan.locals + 1;
    for (uint32_t i = 0; i < t->locals.count; i++) {
        t->locals.needs_zero[i] = locals[i].needs_zero;
        uint8_t type = t->locals.types[i];
        if (locals[i].weight <= cost || type == ENGINE_V128)
            continue;
        if (types_is_float(type))
            t->pins.float_count =
                pins_rank(locals, t->pins.float_locals, t->pins.float_count, MACHINE_FLOAT_PINS, i);
        else
            t->pins.count = pins_rank(locals, t->pins.locals, t->pins.count, MACHINE_INT_PINS, i);
    }
    for (uint32_t i = 0; i < t->pins.count; i++)
        t->locals.places[t->pins.locals[i]] = (uint8_t)(PLACE_P0 + i);
    for (uint32_t i = 0; i < t->pins.float_count; i++)
        t->locals.places[t->pins.float_locals[i]] = (uint8_t)(PLACE_P0 + i);
    free(scan.locals);
}
