/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branches to labels.
 */
#ifndef SKERRY_ENGINE_EMIT_LABEL_H
#define SKERRY_ENGINE_EMIT_LABEL_H

#include "engine/emit/translator.h"

/* The branch whose field is at `field` in the cell at `cell` goes to this control frame. */
void label_branch(struct translator *t, struct control *target, uint32_t cell, uint32_t field);
/* Every branch of the list lands here. */
void label_bind(struct translator *t, uint32_t fixups);

#endif
