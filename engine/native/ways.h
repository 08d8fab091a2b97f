/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways from native code to threaded code. Private to the tier.
 *
 *   way out  12 bytes: makes CODE the address of a cell, jumps to a thunk
 *   thunk    counts fuel, leaves for threaded code: to the cell in PC, or to wait there
 */
#ifndef SKERRY_ENGINE_NATIVE_WAYS_H
#define SKERRY_ENGINE_NATIVE_WAYS_H

#include "engine/native/output.h"

/* Where they are in the native code; a module has each once. */
struct native_thunks {
    uint32_t cell; /* to the cell in PC */
    uint32_t suspend;
    uint32_t func; /* to the first cell of the function with this row */
    uint32_t func_suspend;
    uint32_t link; /* to the cell that a link leads to */
};

void ways_put_thunks(struct native_output *out, struct native_thunks *ret_thunks);
/* From a stencil to the threaded code of `cell`. */
void ways_put(struct native_output *out, uint32_t cell, uint32_t thunk);
/* Behind a call that has no stencil: where its callee comes back to. */
void ways_put_back(struct native_output *out, uint32_t frame);

#endif
