/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_ACCESS_H
#define SKERRY_ENGINE_TRANSLATE_ACCESS_H

#include "engine/emit/translator.h"

struct access {
    enum operation operation; /* address in one operand */
    enum operation indexed;   /* address is a sum */
    enum operation fixed;     /* address is a constant; 0: there is none for that */
    enum operation checked;   /* of another memory; floats are bits there */
    uint8_t type;             /* of the value */
};

/* Reads the immediate. */
void access_translate(struct translator *t, struct access access, bool is_load);
/* Of the memory that needs no checks. */
void access_load(struct translator *t, struct access access, uint32_t offset);
void access_store(struct translator *t, struct access access, uint32_t offset);
/* Atomic instructions; reads the immediate. */
void access_atomic(struct translator *t, uint32_t opcode);
/* memory.size, or memory.grow. */
void access_size(struct translator *t, bool grow);

#endif
