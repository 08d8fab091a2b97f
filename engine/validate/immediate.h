/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows the opcodes of instructions with a fixed signature.
 *
 * Those that answer say: are addresses 64 bits wide?
 */
#ifndef SKERRY_ENGINE_VALIDATE_IMMEDIATE_H
#define SKERRY_ENGINE_VALIDATE_IMMEDIATE_H

#include "engine/read/decode_immediate.h"
#include "engine/validate/body.h"

/* The table named next; one of VALIDATE_UNKNOWN after a failure. */
const struct module_table *validate_read_table(struct validator *v);
/* Does the memory named next have 64-bit addresses? */
bool validate_read_memory(struct validator *v);
void validate_check_data(struct validator *v, uint32_t index);
void validate_check_elem(struct validator *v, uint32_t index);
bool validate_check_memarg_slow(struct validator *v, struct decode_memarg memarg, unsigned natural);
bool validate_check_immediate(struct validator *v, uint8_t kind);

static inline bool validate_check_memarg(struct validator *v, unsigned natural)
{
    struct decode_memarg memarg = decode_memarg(&v->reader);
    if (LIKELY(memarg.alignment <= natural && memarg.offset <= UINT32_MAX && memarg.memory == 0 &&
               v->memory_is_32))
        return false;
    return validate_check_memarg_slow(v, memarg, natural);
}

#endif
