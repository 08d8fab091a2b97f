/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Valid modules out of any bytes, for fuzzing what comes after validation: raw bytes hardly
 * ever get there. Of each function body the operand stack's types are known at every point,
 * and an instruction is given what it lacks, so nothing is ever generated in vain.
 *
 *   | how many memories, globals, types of functions ... | body | body | ...    bytes
 *
 * The opcodes come from engine/read/opcodes.def: a new numeric one is generated the day it has a
 * row.
 */
#ifndef SKERRY_TESTS_FUZZ_GENERATE_H
#define SKERRY_TESTS_FUZZ_GENERATE_H

#include "tests/fuzz/choices.h"

enum generate_kind {
    GENERATE_ALONE,  /* has tables, memories, globals and tags of its own, and exports them */
    GENERATE_LINKED, /* the same module, but imports them, by the names of these exports */
};

/* Appends a module to `out`, which is empty; imports of functions are of the module "host". */
void generate_module(struct choices *choices, enum generate_kind kind, struct buffer *out);

#endif
