/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the validator's files share.
 *
 *   validate.c        what concerns the module as a whole
 *   validate_const.c  constant expressions
 *   validate_func.c   function bodies, with validate_{body.h,stack.c,control.c}
 *   validate_rules.c  opcodes.def as data for that algorithm
 */
#ifndef SKERRY_ENGINE_READ_VALIDATE_H
#define SKERRY_ENGINE_READ_VALIDATE_H

#include "engine/read/module.h"
#include "engine/read/opcodes.h"

/* A name as reports may show it: printable ASCII, the rest as in the text format ("\0a"). */
#define VALIDATE_NAME_BYTES 100
struct validate_name {
    char text[VALIDATE_NAME_BYTES + 4]; /* cut to what fits; NUL-terminated */
};
struct validate_name validate_name_text(struct bytes name);

/*
 * Reads one constant expression up to its `end`; it must give one value of `type` and may
 * name globals below `global_count`. Functions named by ref.func become declared.
 */
void validate_const(struct module *module,
                    struct reader *reader,
                    uint32_t type,
                    uint32_t global_count);

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

/* Every body of the module. */
NODISCARD enum status validate_funcs(struct module *module, struct report *report);

#endif
