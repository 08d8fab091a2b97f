/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What handlers of calls share with those that call on behalf of others (ops_control.c,
 * ops_host.c).
 */
#ifndef SKERRY_ENGINE_OPS_OPS_CALL_H
#define SKERRY_ENGINE_OPS_OPS_CALL_H

#include "engine/ops/dispatch.h"

/* Pins to and from their locals' home slots, around calls. PINS_n(M, at) applies M(pin, field),
 * the fields from `at` on. */
#define PINS_0(M, at, ...)
#define PINS_1(M, at, ...)      M(0, at, __VA_ARGS__)
#define PINS_2(M, at, ...)      PINS_1(M, at, __VA_ARGS__) M(1, (at) + 2, __VA_ARGS__)
#define PINS_3(M, at, ...)      PINS_2(M, at, __VA_ARGS__) M(2, (at) + 4, __VA_ARGS__)
#define SAVE_PIN(pin, at, type) WRITE(type, S, at, READ(type, P##pin, 0));
#define LOAD_PIN(pin, at, type) WRITE(type, P##pin, 0, READ(type, S, at));

/* Charges and enters a function whose frame and link are made. */
#define ENTER(target, cost)                                                                        \
    do {                                                                                           \
        CHARGE(cost);                                                                              \
        if (CHARGE_LEAVES_NONE())                                                                  \
            SUSPEND(target);                                                                       \
        JUMP(target);                                                                              \
    } while (0)

/* A function found at run time; if there is a trap, nothing else is set. */
struct callee {
    enum engine_trap trap;
    uint32_t func;
    struct engine_instance *instance;
};

/*
 * Builds a cross frame at `slots` and the callee's frame behind it, with arguments from
 * `arguments` (which may overlap). Returns the callee's frame; the caller of this function
 * switches instance, sets FP and enters the target.
 */
uint64_t *callee_cross(uint64_t *slots,
                       const uint8_t *return_pc,
                       uint64_t *caller_fp,
                       const uint64_t *arguments,
                       struct engine_instance *caller,
                       struct callee callee);

/* Where crossings return to: cells of the machine (control_make_cells). */
extern const dispatch_handler call_cross_return;
extern const dispatch_handler host_return;

#endif
