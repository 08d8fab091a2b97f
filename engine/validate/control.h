/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks, and what opens, closes or leaves them.
 */
#ifndef SKERRY_ENGINE_VALIDATE_CONTROL_H
#define SKERRY_ENGINE_VALIDATE_CONTROL_H

#include "engine/validate/body.h"

/* A block's type. */
struct validate_block {
    const uint32_t *params;
    const uint32_t *results; /* NULL: `single` */
    uint32_t single;
    uint32_t param_count;
    uint32_t result_count;
};

/* Opens a frame above the present values. */
void validate_push_frame(struct validator *v, uint8_t opcode, const struct validate_block *type);
/* What a branch to a label carries. */
struct validate_label {
    const uint32_t *types; /* until the next frame is opened or closed */
    size_t count;
};

/* The label named next; after a failure the innermost, which exists always. */
struct validate_label validate_read_label(struct validator *v);

/* Instructions that open, close or leave blocks. */
void validate_check_control(struct validator *v, uint32_t code);

#endif
