/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opcodes.def with its signatures turned into numbers to compare with the stack's top.
 */
#ifndef SKERRY_ENGINE_VALIDATE_RULES_H
#define SKERRY_ENGINE_VALIDATE_RULES_H

#include "engine/read/module.h"
#include "engine/read/opcodes.h"

/* Of addresses in a memory, or indices in a table. */
static inline uint32_t validate_address_type(bool is_64)
{
    return is_64 ? ENGINE_I64 : ENGINE_I32;
}

/*
 * One instruction's signature. The operands are the last `pops` of the VALIDATE_WINDOW
 * values below the stack's top: they fit exactly if (window & mask) == want.
 */
#define VALIDATE_WINDOW 4
struct validate_rule {
    uint32_t want[VALIDATE_WINDOW];
    uint32_t mask[VALIDATE_WINDOW];
    uint32_t result;
    uint8_t pops;
    uint8_t pushes;    /* 0 or 1 */
    uint8_t action;    /* enum immediate_kind, or VALIDATE_SPECIAL or VALIDATE_ILLEGAL */
    uint8_t addresses; /* bit n: want[n] is an address */
    bool result_is_address;
};

enum {
    VALIDATE_SPECIAL = 0xf0, /* signature "*": has its own function */
    VALIDATE_ILLEGAL = 0xf1,
    VALIDATE_PREFIX = 0xf2,
};

struct validate_rules {
    struct validate_rule rows[OPCODE_ROWS_COUNT];
};

void validate_rules_init(struct validate_rules *rules);

#endif
