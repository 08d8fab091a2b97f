/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_TRY_H
#define SKERRY_ENGINE_TRANSLATE_TRY_H

#include "engine/emit/translator.h"

/* Instructions of exceptions; in dead code only those that open or close blocks. */
void try_translate(struct translator *t, uint32_t opcode);

#endif
