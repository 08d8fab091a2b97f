/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions with operands in consecutive slots.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_BULK_H
#define SKERRY_ENGINE_TRANSLATE_BULK_H

#include "engine/emit/translator.h"

/* Wide arithmetic. False: it is another instruction. */
bool bulk_wide(struct translator *t, uint32_t opcode);
/* Instructions on tables, segments and stretches of memory. */
void bulk_translate(struct translator *t, uint32_t opcode);

#endif
