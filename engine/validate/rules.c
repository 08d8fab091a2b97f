/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opcodes.def with its signatures turned into numbers to compare with the stack's top.
 *
 * Made anew for each module: 30 KiB and some microseconds, instead of macros that take a
 * string apart in the compiler.
 */
#include "engine/validate/rules.h"

static uint32_t rule_type(char letter)
{
    switch (letter) {
    case 'i':
    case 'a': /* unless validate_apply_wide says otherwise */
        return ENGINE_I32;
    case 'l':
        return ENGINE_I64;
    case 'f':
        return ENGINE_F32;
    case 'd':
        return ENGINE_F64;
    case 'v':
        return ENGINE_V128;
    default:
        return 0;
    }
}

static struct validate_rule rule_make(const struct opcode_row *row)
{
    const char *signature = row->signature;
    if (signature[0] == '*')
        return (struct validate_rule){.action = VALIDATE_SPECIAL};
    struct validate_rule rule = {.action = row->immediate};
    while (signature[rule.pops] != ':')
        rule.pops++;
    ASSERT(rule.pops <= VALIDATE_WINDOW);
    for (unsigned i = 0; i < rule.pops; i++) {
        unsigned slot = VALIDATE_WINDOW - rule.pops + i;
        rule.want[slot] = rule_type(signature[i]);
        rule.mask[slot] = UINT32_MAX;
        rule.addresses |= (uint8_t)((signature[i] == 'a') << slot);
    }
    rule.result = rule_type(signature[rule.pops + 1]);
    rule.pushes = rule.result != 0;
    rule.result_is_address = signature[rule.pops + 1] == 'a';
    return rule;
}

void validate_rules_init(struct validate_rules *rules)
{
    for (uint32_t i = 0; i < OPCODE_ROWS_COUNT; i++)
        rules->rows[i] = (struct validate_rule){.action = VALIDATE_ILLEGAL};
    for (uint32_t code = 0; code < 256; code++) {
        if (opcode_is_prefix(code))
            rules->rows[code].action = VALIDATE_PREFIX;
    }
#define OPCODE(code, name, text, immediate, signature)                                             \
    rules->rows[OPCODE_ROW_OF(code)] = rule_make(opcode_row(code));
#include "engine/read/opcodes.def"
}
