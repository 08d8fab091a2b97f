/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of control within a function: branches, traffic between slots and pinned registers;
 * and the way out of guest code.
 *
 * Fuel: the fields hold what was executed since the last place that charged. Taken branches and
 * `charge` also test it; on suspension the state is that of the cell to be executed next, so
 * nothing is done twice.
 */
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/ops/ops_call.h"
#include "engine/ops/stencils.h"
#include "engine/run/machine.h"

/* ---- branches -------------------------------------------------------------------------------- */

HANDLER(jump_)
{
    TAKE_BRANCH(HEAD);
}
const dispatch_handler ops_jump[] = {jump_};

/* fields: what to add to x, branch */
#define ADD_JUMP_X(handler, x, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { ADD = HEAD + SIZE(type, x), TARGET = ADD + 4 };                                     \
        WRITE(i64, x, HEAD, WITH_CONSTANT(type, add, READ(i64, x, HEAD), ADD));                    \
        TAKE_BRANCH(TARGET);                                                                       \
    }
FAMILY(XN, ADD_JUMP_X, add_jump, i32)

#define MOV_JUMP_YD(handler, d, y, type)                                                           \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { D = HEAD + SIZE(type, y), TARGET = D + SIZE(type, d) };                             \
        WRITE(type, d, D, READ(type, y, HEAD));                                                    \
        TAKE_BRANCH(TARGET);                                                                       \
    }
FAMILY(YXN, MOV_JUMP_YD, mov_jump, i64)

HANDLER(charge_)
{
    CHARGE(FIELD_SIGNED(HEAD));
    GO_TO_NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_charge[] = {charge_};

HANDLER(unreachable_)
{
    RAISE(TRAP_UNREACHABLE);
}
const dispatch_handler ops_unreachable[] = {unreachable_};

/* fields: what to take off the index, entries. The last entry is the default; the count does
 * not include it. */
#define BR_TABLE_X(handler, x, type)                                                               \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { BIAS = HEAD + SIZE(type, x), COUNT = BIAS + 4, ENTRIES = CELL(COUNT + 4) };         \
        uint32_t index = (uint32_t)WITH_CONSTANT(type, sub, READ(i64, x, HEAD), BIAS);             \
        uint32_t count = FIELD32(COUNT);                                                           \
        index = index < count ? index : count;                                                     \
        GO_TO_ENTRY(ENTRIES, index);                                                               \
    }
FAMILY(X, BR_TABLE_X, br_table, i32)

/* ---- slots ----------------------------------------------------------------------------------- */

HANDLER(copy_slots_)
{
    memmove(&SLOT(HEAD + 2), &SLOT(HEAD), FIELD16(HEAD + 4) * sizeof(*FP));
    NEXT(CELL(HEAD + 6));
}
const dispatch_handler ops_copy_slots[] = {copy_slots_};

/* fields: sources, first target; values are whole slots, constants unsigned 32 bits. The targets
 * are above all sources. */
#define MOVE(name, target, end, first, second)                                                     \
    HANDLER(name##_)                                                                               \
    {                                                                                              \
        uint64_t *to = &SLOT(target);                                                              \
        to[0] = (first);                                                                           \
        to[1] = (second);                                                                          \
        NEXT(CELL(end));                                                                           \
    }                                                                                              \
    const dispatch_handler ops_##name[] = {name##_};
MOVE(move_ss, HEAD + 4, HEAD + 6, SLOT(HEAD), SLOT(HEAD + 2))
MOVE(move_sk, HEAD + 2, HEAD + 8, SLOT(HEAD), FIELD32(HEAD + 4))
MOVE(move_ks, HEAD + 2, HEAD + 8, FIELD32(HEAD + 4), SLOT(HEAD))
MOVE(move_kk, HEAD, HEAD + 10, FIELD32(HEAD + 2), FIELD32(HEAD + 6))

HANDLER(move_sss_)
{
    uint64_t *to = &SLOT(HEAD + 6);
    to[0] = SLOT(HEAD);
    to[1] = SLOT(HEAD + 2);
    to[2] = SLOT(HEAD + 4);
    NEXT(CELL(HEAD + 8));
}
const dispatch_handler ops_move_sss[] = {move_sss_};

#define ZERO(n)                                                                                    \
    HANDLER(zero_##n##_)                                                                           \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        for (int i = 0; i < (n); i++)                                                              \
            slot[i] = 0;                                                                           \
        NEXT(CELL(HEAD + 2));                                                                      \
    }                                                                                              \
    const dispatch_handler ops_zero_##n[] = {zero_##n##_};
ZERO(1)
ZERO(2)
ZERO(3)
ZERO(4)

/* Locals have a price of their own, or a call could clear 400 KB for one unit of fuel. */
#define LOCALS_PER_FUEL 8

HANDLER(zero_many_)
{
    memset(&SLOT(HEAD), 0, FIELD16(HEAD + 2) * sizeof(*FP));
    CHARGE_PRICE(FIELD16(HEAD + 2) / LOCALS_PER_FUEL);
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_zero_many[] = {zero_many_};

#define PINS(n, type, save_name, load_name)                                                        \
    HANDLER(save_name##_##n##_)                                                                    \
    {                                                                                              \
        PINS_##n(SAVE_PIN, HEAD, type) NEXT(CELL(HEAD + 2 * (n)));                                 \
    }                                                                                              \
    const dispatch_handler ops_##save_name##_##n[] = {save_name##_##n##_};                         \
    HANDLER(load_name##_##n##_)                                                                    \
    {                                                                                              \
        PINS_##n(LOAD_PIN, HEAD, type) NEXT(CELL(HEAD + 2 * (n)));                                 \
    }                                                                                              \
    const dispatch_handler ops_##load_name##_##n[] = {load_name##_##n##_};
PINS(1, i64, save_pins, load_pins)
PINS(2, i64, save_pins, load_pins)
PINS(3, i64, save_pins, load_pins)
PINS(1, f64, save_float_pins, load_float_pins)
PINS(2, f64, save_float_pins, load_float_pins)
PINS(3, f64, save_float_pins, load_float_pins)

/* The beginning of a function. */
#define ZERO_LOAD(zeros, n)                                                                        \
    HANDLER(zero_##zeros##_load_##n##_)                                                            \
    {                                                                                              \
        uint64_t *slot = &SLOT(HEAD);                                                              \
        for (int i = 0; i < (zeros); i++)                                                          \
            slot[i] = 0;                                                                           \
        PINS_##n(LOAD_PIN, HEAD + 2, i64) NEXT(CELL(HEAD + 2 + 2 * (n)));                          \
    }                                                                                              \
    const dispatch_handler ops_zero_##zeros##_load_##n[] = {zero_##zeros##_load_##n##_};
#define ZERO_LOADS(zeros) ZERO_LOAD(zeros, 1) ZERO_LOAD(zeros, 2) ZERO_LOAD(zeros, 3)
ZERO_LOADS(1)
ZERO_LOADS(2)
ZERO_LOADS(3)
ZERO_LOADS(4)

/* After a call. The result's local may be one of the pins. */
#define LOAD_MOV_D(handler, d, n)                                                                  \
    HANDLER(handler)                                                                               \
    {                                                                                              \
        enum { PINS = HEAD + SIZE(i64, d) };                                                       \
        PINS_##n(LOAD_PIN, PINS, i64) WRITE(i64, d, HEAD, ACC);                                    \
        NEXT(CELL(PINS + 2 * (n)));                                                                \
    }
FAMILY(XN, LOAD_MOV_D, load_pins_1_mov, 1)
FAMILY(XN, LOAD_MOV_D, load_pins_2_mov, 2)
FAMILY(XN, LOAD_MOV_D, load_pins_3_mov, 3)

/* ---- native code ----------------------------------------------------------------------------- */

/* field: where, in the image's native code. Native handlers have CODE in place of PC. */
HANDLER(enter_native_)
{
    if (IN->native != NULL)
        GO_TO_NATIVE(IN->native + FIELD32(HEAD));
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_enter_native[] = {enter_native_};

/* The same behind a call, where native code comes back STENCIL_BACK_BYTES before. */
HANDLER(back_native_)
{
    if (IN->native != NULL)
        GO_TO_NATIVE(IN->native + FIELD32(HEAD) + STENCIL_BACK_BYTES);
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_back_native[] = {back_native_};

HANDLER(skip_)
{
    NEXT(CELL(HEAD + 4));
}
const dispatch_handler ops_skip[] = {skip_};

/* ---- the way out ----------------------------------------------------------------------------- */

HANDLER(exit_int_)
{
    FP[0] = ACC;
    STOP(PC, ENGINE_DONE);
}

HANDLER(exit_float_)
{
    FP[0] = numeric_bits_f64(FACC);
    STOP(PC, ENGINE_DONE);
}

SHARED_HANDLER(dispatch_base)
{
    STOP(PC, ENGINE_DONE);
}

SHARED_HANDLER(dispatch_suspend)
{
    STOP(PC, ENGINE_OUT_OF_FUEL);
}

SHARED_HANDLER(dispatch_trap)
{
    STOP(PC, ENGINE_TRAPPED);
}

void control_make_cells(struct machine_cells *cells)
{
    *cells = (struct machine_cells){
        .exit_none = 0,
        .exit_int = operation_distance(exit_int_),
        .exit_float = operation_distance(exit_float_),
        .cross_return = operation_distance(call_cross_return),
        .host_return = operation_distance(host_return),
        .unwind = operation_distance(ops_unwind[0]),
    };
}
