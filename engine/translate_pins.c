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
#include <stdlib.h>

#include "engine/translate.h"

#define PINS_LOOP_SHIFT     3  /* 8 times as often per loop */
#define PINS_LOOP_DEPTH_MAX 10 /* deeper loops count as this deep */
#define PINS_CALL_COST      2  /* a save and a load */
#define PINS_WEIGHT_MAX     ((uint64_t)1 << 60)

struct pins_local {
    uint64_t weight;
    uint32_t set_depth; /* where a set was last seen to hold: depth of the block, */
    uint32_t set_block; /* and its number; 0: nowhere */
};

/* Blocks are known up to this depth: a set in deeper ones holds for none. */
#define PINS_DEPTH_MAX 4096

struct pins_scan {
    const struct translator *translator;
    struct pins_local *locals;
    uint64_t weight; /* of one use here */
    uint64_t calls;
    uint32_t depth;      /* open blocks */
    uint32_t loop_depth; /* of them, loops */
    uint32_t block_count;
    struct {
        uint32_t number; /* from 1, in order of the binary */
        bool is_loop;
    } blocks[PINS_DEPTH_MAX];
};

static void pins_set_loop_depth(struct pins_scan *scan, uint32_t depth)
{
    scan->loop_depth = depth;
    scan->weight = (uint64_t)1 << (PINS_LOOP_SHIFT * MIN(depth, PINS_LOOP_DEPTH_MAX));
}

static void pins_add(uint64_t *weight, uint64_t more)
{
    *weight = MIN(*weight + more, PINS_WEIGHT_MAX);
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
}

static void pins_close(struct pins_scan *scan)
{
    scan->depth--;
    if (scan->depth < PINS_DEPTH_MAX && scan->blocks[scan->depth].is_loop)
        pins_set_loop_depth(scan, scan->loop_depth - 1);
}

/* Is every path to here one past a set of the local? */
static inline bool pins_is_set(const struct pins_scan *scan, const struct pins_local *local)
{
    return local->set_block != 0 && local->set_depth < scan->depth &&
           scan->blocks[local->set_depth].number == local->set_block;
}

static void pins_use(struct pins_scan *scan, uint32_t index, bool is_get)
{
    struct pins_local *local = &scan->locals[index];
    pins_add(&local->weight, scan->weight);
    if (pins_is_set(scan, local))
        return;
    if (is_get) {
        scan->translator->local_zero[index] = true;
    } else if (scan->depth <= PINS_DEPTH_MAX) {
        local->set_depth = scan->depth - 1;
        local->set_block = scan->blocks[scan->depth - 1].number;
    }
}

/* Walks the body once; `reader` is a copy. */
static void pins_count(struct pins_scan *scan, struct reader reader)
{
    scan->depth = 0;
    pins_set_loop_depth(scan, 0);
    pins_open(scan, false);
    while (scan->depth > 0 && !reader_failed(&reader)) {
        uint32_t opcode = translate_read_opcode(&reader);
        switch (opcode) {
        case OPCODE_LOCAL_GET:
        case OPCODE_LOCAL_SET:
        case OPCODE_LOCAL_TEE:
            pins_use(scan, local_slot(scan->translator, reader_u32(&reader)),
                     opcode == OPCODE_LOCAL_GET);
            continue;
        case OPCODE_CALL:
        case OPCODE_CALL_INDIRECT:
        case OPCODE_CALL_REF:
            pins_add(&scan->calls, scan->weight);
            break;
        case OPCODE_BLOCK:
        case OPCODE_LOOP:
        case OPCODE_IF:
        case OPCODE_TRY_TABLE:
        case OPCODE_TRY:
            pins_open(scan, opcode == OPCODE_LOOP);
            break;
        case OPCODE_ELSE:
        case OPCODE_CATCH:
        case OPCODE_CATCH_ALL:
            pins_close(scan);
            pins_open(scan, false);
            break;
        case OPCODE_END:
        case OPCODE_DELEGATE:
            pins_close(scan);
            break;
        case OPCODE_I32_CONST:
            (void)reader_s32(&reader);
            continue;
        default:
            if (opcode >= OPCODE_I32_EQZ && opcode <= OPCODE_I64_EXTEND32_S)
                continue; /* all of them without immediate */
            break;
        }
        decode_skip_immediate(&reader, opcode_row(opcode)->immediate);
    }
}

/* The heaviest local of a class that is not pinned yet and worth more than `cost`. */
static uint32_t
pins_best(const struct translator *t, const struct pins_local *locals, bool floats, uint64_t cost)
{
    uint32_t best = NO_INDEX;
    for (uint32_t i = 0; i < t->local_count; i++) {
        if (t->local_places[i] != PLACE_S || types_is_float(t->local_types[i]) != floats)
            continue;
        if (t->local_types[i] == ENGINE_V128)
            continue;
        uint64_t weight = locals[i].weight;
        if (weight > cost && (best == NO_INDEX || weight > locals[best].weight))
            best = i;
    }
    return best;
}

void pins_choose(struct translator *t)
{
    t->pin_count = 0;
    t->float_pin_count = 0;
    if (t->local_count == 0)
        return;
    struct pins_scan scan; /* its blocks are written before they are read */
    scan.translator = t;
    scan.calls = 0;
    scan.block_count = 0;
    scan.locals = calloc(t->local_count, sizeof(*scan.locals));
    if (scan.locals == NULL) {
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
        return;
    }
    pins_count(&scan, t->reader);
    /* One load at entry even without calls. */
    uint64_t cost = MIN(scan.calls, PINS_WEIGHT_MAX / PINS_CALL_COST) * PINS_CALL_COST + 1;
    for (uint32_t n = 0; n < MACHINE_INT_PINS + MACHINE_FLOAT_PINS; n++) {
        bool floats = n >= MACHINE_INT_PINS;
        uint32_t local = pins_best(t, scan.locals, floats, cost);
        if (local == NO_INDEX)
            continue;
        uint32_t *count = floats ? &t->float_pin_count : &t->pin_count;
        (floats ? t->float_pins : t->pins)[*count] = local;
        t->local_places[local] = (uint8_t)(PLACE_P0 + (*count)++);
    }
    free(scan.locals);
}
