/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions of vectors.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_SIMD_H
#define SKERRY_ENGINE_TRANSLATE_SIMD_H

#include "engine/emit/translator.h"

void simd_translate(struct translator *t, uint32_t opcode);

#endif
