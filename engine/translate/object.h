/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions on structures, arrays and i31, and casts.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_OBJECT_H
#define SKERRY_ENGINE_TRANSLATE_OBJECT_H

#include "engine/emit/translator.h"

/* False: it is no instruction on objects, or it is a branch. */
bool object_translate(struct translator *t, uint32_t opcode);

#endif
