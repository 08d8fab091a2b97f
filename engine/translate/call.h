/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls, and pinned locals around them.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_CALL_H
#define SKERRY_ENGINE_TRANSLATE_CALL_H

#include "engine/emit/translator.h"

/* A call, also one that is a return, in code that can be reached. */
void call_translate(struct translator *t, uint32_t opcode);
/* Pinned locals into their slots, and from there into their registers. */
void call_save_pins(struct translator *t);
void call_load_pins(struct translator *t);

#endif
