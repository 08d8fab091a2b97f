/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of exceptions: throw, throw_ref, and the cell that both go on to, which belongs to
 * the machine and is executed again for each step of the search (unwind.c).
 *
 * Until a clause is found PC, FP and IN of the throw stay: a guest that is suspended in
 * between goes on searching, one that nobody catches for has a backtrace.
 */
#include "engine/heap/heap.h"
#include "engine/image/code.h"
#include "engine/ops/operands.h"
#include "engine/ops/ops.h"
#include "engine/run/machine.h"
#include "engine/run/unwind.h"

/* Of making the exception, the turn to the search and back: some fifty nanoseconds. */
#define THROW_PRICE 12

/* Charges what was executed and begins the search. */
#define THROW(reference, cost)                                                                     \
    do {                                                                                           \
        unwind_begin(IN, (reference), PC, FP);                                                     \
        const uint8_t *search = (const uint8_t *)&IN->machine->cells.unwind;                       \
        CHARGE(cost);                                                                              \
        CHARGE_PRICE(THROW_PRICE);                                                                 \
        if (UNLIKELY(FUEL < 0))                                                                    \
            SUSPEND(search);                                                                       \
        JUMP(search);                                                                              \
    } while (0)

/* fields: first value, values, tag, fuel */
HANDLER(throw_)
{
    enum { FIRST = HEAD, COUNT = FIRST + 2, TAG = COUNT + 2, COST = TAG + 4 };
    uint64_t *values = &SLOT(FIRST);
    uint64_t exception = unwind_make(IN, FIELD32(TAG), values, FIELD16(COUNT));
    if (UNLIKELY(exception == HEAP_NONE))
        COLLECT_AND_RETRY(values + FIELD16(COUNT));
    THROW(exception, FIELD_SIGNED(COST));
}
const dispatch_handler ops_throw[] = {throw_};

/* fields: the exception, fuel */
HANDLER(throw_ref_)
{
    uint64_t exception = SLOT(HEAD);
    if (UNLIKELY(exception == 0))
        RAISE(TRAP_NULL_REFERENCE);
    THROW(exception, FIELD_SIGNED(HEAD + 2));
}
const dispatch_handler ops_throw_ref[] = {throw_ref_};

#define LOAD_PIN(i, pin)                                                                           \
    do {                                                                                           \
        if ((i) < clause->pin_count)                                                               \
            pin = FP[clause->pins[i]];                                                             \
    } while (0)
#define LOAD_FLOAT_PIN(i, pin)                                                                     \
    do {                                                                                           \
        if ((i) < clause->float_pin_count)                                                         \
            pin = numeric_f64_bits(FP[clause->pins[MACHINE_INT_PINS + (i)]]);                      \
    } while (0)

HANDLER(unwind_)
{
    enum unwind_result result = unwind_step(IN->machine);
    CHARGE_PRICE(IN->machine->unwind.price);
    if (result == UNWIND_UNCAUGHT)
        STOP(IN->machine->unwind.thrown, ENGINE_TRAPPED);
    if (result == UNWIND_MORE) {
        if (UNLIKELY(FUEL < 0))
            SUSPEND(PC);
        JUMP(PC);
    }
    const struct code_clause *clause = IN->machine->unwind.clause;
    FP = IN->machine->unwind.at.fp;
    SWITCH_INSTANCE(IN->machine->unwind.at.instance);
    LOAD_PIN(0, PIN0);
    LOAD_PIN(1, PIN1);
    LOAD_PIN(2, PIN2);
    LOAD_FLOAT_PIN(0, FPIN0);
    LOAD_FLOAT_PIN(1, FPIN1);
    LOAD_FLOAT_PIN(2, FPIN2);
    CHARGE(clause->fuel);
    const uint8_t *target = IN->code + clause->target;
    if (UNLIKELY(FUEL < 0))
        SUSPEND(target);
    JUMP(target);
}
const dispatch_handler ops_unwind[] = {unwind_};
