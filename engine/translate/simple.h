/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that are one operation.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_SIMPLE_H
#define SKERRY_ENGINE_TRANSLATE_SIMPLE_H

#include "engine/emit/translator.h"

/* The operation that an instruction stands for by itself; OP_COUNT if there is none. */
enum operation simple_operation(uint32_t opcode);
/* False: it is one of control. */
bool simple_translate(struct translator *t, uint32_t opcode);

#endif
