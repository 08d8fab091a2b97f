/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which locals live in machine registers, and which must be zero at entry.
 */
#ifndef SKERRY_ENGINE_EMIT_PINS_H
#define SKERRY_ENGINE_EMIT_PINS_H

#include "engine/emit/translator.h"

/* Looks ahead over the body. */
void pins_choose(struct translator *t);

#endif
