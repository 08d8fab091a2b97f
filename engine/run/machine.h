/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What instances run on: the guest's registers and stack, and how a run stands. Internal to the
 * engine; handlers read the struct by offset.
 *
 * What lies on the guest stack: frames.h.
 */
#ifndef SKERRY_ENGINE_RUN_MACHINE_H
#define SKERRY_ENGINE_RUN_MACHINE_H

#include "engine/engine.h"
#include "engine/heap/heap.h"
#include "engine/run/collect.h"
#include "engine/run/frames.h"
#include "engine/run/identity.h"

/* Registers of a suspended guest, saved by the interpreter. */
#define MACHINE_INT_PINS   3
#define MACHINE_FLOAT_PINS 3

struct machine_registers {
    const uint8_t *pc; /* next cell */
    uint64_t *fp;
    struct engine_instance *instance;
    int64_t fuel;
    uint64_t accumulator;
    uint64_t pins[MACHINE_INT_PINS];
    double float_accumulator;
    double float_pins[MACHINE_FLOAT_PINS];
};

/* An exception on its way to a clause (unwind.c). Until that is found, the registers stay
 * those of the throw. */
struct machine_unwind {
    uint64_t exception; /* reference */
    const uint8_t *thrown;
    struct frame_place at;
    bool is_caller; /* `at` is behind a call, not at a throw */
    uint32_t price; /* of the last step */
    const struct code_clause *clause;
};

/* Cells that belong to no function: where a call from the host, and a call into another
 * instance, returns to. Return addresses in [cells, cells + 1) are not guest code. */
struct machine_cells {
    int32_t exit_none; /* offsets from dispatch_base, as in any cell */
    int32_t exit_int;
    int32_t exit_float;
    int32_t cross_return;
    int32_t host_return;
    int32_t unwind;
};

struct engine_machine {
    struct machine_registers registers;
    uint64_t *stack;       /* mmap'ed, stack_bytes + the largest frame */
    uint64_t *stack_limit; /* stack + stack_bytes */
    size_t stack_mapped_bytes;
    size_t stack_touched_bytes; /* as was last looked */
    size_t frame_bytes_max;     /* of the instances' functions */
    bool busy;                  /* a call is under way */
    bool memory_refused;        /* in this call, growth that the module allows was refused */
    enum engine_trap trap;
    const char *trap_reason; /* host's text, or NULL for the trap's own */
    char trap_text[256];
    uint64_t fuel_used;
    uint64_t fuel_priced; /* of fuel_used: prices of bulk operations and host calls */
    /* Of fuel_used, in native code: while that runs, plus the fuel that there was as it began. */
    uint64_t fuel_native;
    uint64_t fuel_host;   /* charged by host functions in this run, not yet taken off */
    uint64_t fuel_before; /* instructions executed before this call */
    struct engine_instance *call_instance;
    uint32_t call_func;
    int exit_code;
    struct machine_cells cells;         /* written by engine_run */
    struct engine_instance **instances; /* owned, by id */
    uint32_t instance_count;
    uint32_t instance_capacity;
    struct identity_table identities;
    struct engine_limits limits;
    struct heap heap;
    struct collect_cursor collect;
    struct machine_unwind unwind;
};

/* Gives the instance, whose id is the machine's next, to the machine. */
void machine_adopt(struct engine_machine *machine, struct engine_instance *instance);
/* Makes sure that machine_adopt has room. */
NODISCARD bool machine_reserve_instance(struct engine_machine *machine);
/* Would `slots` in use fit the guest stack, with the innermost frame at `fp`? */
bool machine_stack_holds(const struct engine_machine *machine, uint64_t fp, uint64_t slots);
/* Gives the pages of the guest stack, which is then zero, back to the kernel, and page tables with
 * them. False: the machine may only be freed. */
NODISCARD bool machine_vacate_stack(struct engine_machine *machine);
/* Instance of a non-null func reference made on this machine. */
struct engine_instance *reference_instance(const struct engine_machine *machine,
                                           uint64_t reference);

#endif
