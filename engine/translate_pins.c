/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which locals of a function live in machine registers.
 *
 * A use of a local inside n loops counts 8^n; vectors fit no register. A pinned local must be saved
 * before each call and loaded after it, so calls count against all pins. What remains above zero is
 * pinned, the most valuable first.
 */
#include <stdlib.h>

#include "engine/translate.h"

#define PINS_LOOP_SHIFT     3  /* 8 times as often per loop */
#define PINS_LOOP_DEPTH_MAX 10 /* deeper loops count as this deep */
#define PINS_CALL_COST      2  /* a save and a load */
#define PINS_WEIGHT_MAX     ((uint64_t)1 << 60)

struct pins_scan {
    const struct translator *translator;
    uint64_t *weights; /* per local */
    uint64_t weight;   /* of one use here */
    uint64_t calls;
    uint32_t depth;      /* open blocks */
    uint32_t loop_depth; /* of them, loops */
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

/* Is the block at this depth a loop? One bit a block; deeper blocks than it holds are not. */
#define PINS_DEPTH_BITS 4096
struct pins_blocks {
    uint64_t loops[PINS_DEPTH_BITS / 64];
};

static void pins_open(struct pins_scan *scan, struct pins_blocks *blocks, bool is_loop)
{
    if (scan->depth < PINS_DEPTH_BITS) {
        uint64_t bit = (uint64_t)1 << scan->depth % 64;
        uint64_t *word = &blocks->loops[scan->depth / 64];
        *word = is_loop ? *word | bit : *word & ~bit;
        if (is_loop)
            pins_set_loop_depth(scan, scan->loop_depth + 1);
    }
    scan->depth++;
}

static void pins_close(struct pins_scan *scan, const struct pins_blocks *blocks)
{
    scan->depth--;
    if (scan->depth < PINS_DEPTH_BITS && (blocks->loops[scan->depth / 64] >> scan->depth % 64 & 1))
        pins_set_loop_depth(scan, scan->loop_depth - 1);
}

/* Walks the body once; `reader` is a copy. */
static void pins_count(struct pins_scan *scan, struct reader reader)
{
    struct pins_blocks blocks;
    scan->depth = 1;
    pins_set_loop_depth(scan, 0);
    blocks.loops[0] = 0;
    while (scan->depth > 0 && !reader_failed(&reader)) {
        uint32_t opcode = translate_read_opcode(&reader);
        switch (opcode) {
        case OPCODE_LOCAL_GET:
        case OPCODE_LOCAL_SET:
        case OPCODE_LOCAL_TEE:
            pins_add(&scan->weights[local_slot(scan->translator, reader_u32(&reader))],
                     scan->weight);
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
            pins_open(scan, &blocks, opcode == OPCODE_LOOP);
            break;
        case OPCODE_END:
            pins_close(scan, &blocks);
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
pins_best(const struct translator *t, const uint64_t *weights, bool floats, uint64_t cost)
{
    uint32_t best = NO_INDEX;
    for (uint32_t i = 0; i < t->local_count; i++) {
        if (t->local_places[i] != PLACE_S || type_is_float(t->local_types[i]) != floats)
            continue;
        if (t->local_types[i] == ENGINE_V128)
            continue;
        if (weights[i] > cost && (best == NO_INDEX || weights[i] > weights[best]))
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
    struct pins_scan scan = {.translator = t, .weights = calloc(t->local_count, sizeof(uint64_t))};
    if (scan.weights == NULL) {
        emit_fail(t, STATUS_NO_MEMORY, "out of memory");
        return;
    }
    pins_count(&scan, t->reader);
    /* One load at entry even without calls. */
    uint64_t cost = MIN(scan.calls, PINS_WEIGHT_MAX / PINS_CALL_COST) * PINS_CALL_COST + 1;
    for (uint32_t n = 0; n < MACHINE_INT_PINS + MACHINE_FLOAT_PINS; n++) {
        bool floats = n >= MACHINE_INT_PINS;
        uint32_t local = pins_best(t, scan.weights, floats, cost);
        if (local == NO_INDEX)
            continue;
        uint32_t *count = floats ? &t->float_pin_count : &t->pin_count;
        (floats ? t->float_pins : t->pins)[*count] = local;
        t->local_places[local] = (uint8_t)(PLACE_P0 + (*count)++);
    }
    free(scan.weights);
}
