/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways from native code to threaded code, as machine code.
 */
#include "engine/native/ways.h"

#include <stddef.h>

#include "engine/ops/ops.h"
#include "engine/run/instance.h"
#include "engine/run/machine.h"

#define WAYS_BYTES 12

/* mov machine(%rdi),%rax; sub %r15,fuel_native(%rax): what GO_TO_NATIVE has put there */
static void ways_count(struct native_output *out)
{
    uint8_t count[] = {0x48, 0x8b, 0x87, 0, 0, 0, 0, 0x4c, 0x29, 0xb8, 0, 0, 0, 0};
    const uint32_t machine = offsetof(struct engine_instance, machine);
    const uint32_t fuel = offsetof(struct engine_machine, fuel_native);
    memcpy(count + 3, &machine, sizeof(machine));
    memcpy(count + 10, &fuel, sizeof(fuel));
    output_bytes(out, count, sizeof(count));
}

void ways_put_thunks(struct native_output *out, struct native_thunks *ret_thunks)
{
    /* movslq (%r12),%rax; add %rsi,%rax; jmp *%rax */
    static const uint8_t dispatch[] = {0x49, 0x63, 0x04, 0x24, 0x48, 0x01, 0xf0, 0xff, 0xe0};
    /* lea distance(%rsi),%rax; jmp *%rax */
    uint8_t suspend[] = {0x48, 0x8d, 0x86, 0, 0, 0, 0, 0xff, 0xe0};
    /* mov (%r9),%r9d; add %r9,%r12: the cell of a function's row */
    static const uint8_t func[] = {0x45, 0x8b, 0x09, 0x4d, 0x01, 0xcc};
    /* mov %r9,%r12 */
    static const uint8_t pin[] = {0x4d, 0x89, 0xcc};
    _Static_assert(offsetof(struct image_func, entry) == 0, "found by its row's address");
    int32_t distance = operation_distance(dispatch_suspend);
    memcpy(suspend + 3, &distance, sizeof(distance));
    ret_thunks->func = output_offset(out);
    output_bytes(out, func, sizeof(func));
    ret_thunks->cell = output_offset(out);
    ways_count(out);
    output_bytes(out, dispatch, sizeof(dispatch));
    ret_thunks->func_suspend = output_offset(out);
    output_bytes(out, func, sizeof(func));
    ret_thunks->suspend = output_offset(out);
    ways_count(out);
    output_bytes(out, suspend, sizeof(suspend));
    ret_thunks->link = output_offset(out);
    output_bytes(out, pin, sizeof(pin));
    ways_count(out);
    output_bytes(out, dispatch, sizeof(dispatch));
}

/* add $cell,%r12; jmp thunk */
void ways_put(struct native_output *out, uint32_t cell, uint32_t thunk)
{
    uint8_t way[WAYS_BYTES] = {0x49, 0x81, 0xc4, 0, 0, 0, 0, 0xe9};
    memcpy(way + 3, &cell, sizeof(cell));
    uint32_t at = output_offset(out);
    output_bytes(out, way, sizeof(way));
    if (out->status == STATUS_OK)
        output_relate(out, at + WAYS_BYTES - STENCIL_ADDRESS_BYTES, thunk);
}

/* sub $frame,%r13: where a callee comes back to */
void ways_put_back(struct native_output *out, uint32_t frame)
{
    uint8_t back[STENCIL_BACK_BYTES] = {0x49, 0x81, 0xed};
    memcpy(back + 3, &frame, sizeof(frame));
    output_bytes(out, back, sizeof(back));
}
