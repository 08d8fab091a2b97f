/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native tier: machine code made of the interpreter's own handlers.
 *
 *   ops*.c, compiled as stencils --stencils.py--> table of stencils      (when Skerry is built)
 *   cells + table --native_emit--> native code, table of faults              (engine_compile)
 *   image in a file --engine_module_map_native--> pages, readable and executable
 *
 * The native code of a module is its stencils in the order of its cells, with the cells' fields as
 * constants. It has the same registers as threaded code has, keeps the same frames and charges
 * the same fuel, so a guest may go from one to the other at any cell, and what is stopped is always
 * described by a cell: nothing outside of this room and dispatch.h knows which of the two ran.
 *
 * Native code leaves for threaded code by BASE and a distance, which any process that maps it has;
 * it contains no address and nothing is written into it after it was made.
 */
#ifndef SKERRY_ENGINE_NATIVE_NATIVE_H
#define SKERRY_ENGINE_NATIVE_NATIVE_H

#include "engine/image/code.h"
#include "engine/image/image.h"
#include "engine/ops/stencils.h"
#include "engine/read/module.h"

/* A cell that enters native code: handler and where. */
#define NATIVE_ENTER_BYTES 8

/*
 * A function whose native code would end behind so many times the bytes that the module's bodies
 * have as Wasm, and some, has none: programs need 4 to 7 times, and what was written to become
 * large is no reason to fill a disk. Past NATIVE_BYTES_MAX, none of a module's functions has any.
 */
#define NATIVE_GROWTH_MAX  16
#define NATIVE_BYTES_SPARE ((size_t)1 << 16)
#define NATIVE_BYTES_MAX   ((size_t)256 << 20)

static inline bool native_is_built(void)
{
    return stencils_count != 0;
}

/* Has the handler a stencil? */
static inline bool native_has(uint32_t operation, uint32_t variant)
{
    uint32_t first = stencils_first[operation];
    return first != 0 && stencils_narrow[first - 1 + variant] != STENCIL_NONE;
}

/*
 * Makes native code of all functions' cells and tells the cells that enter it where it is. If
 * there would be too much of it, or memory is short, there is none: the module runs threaded.
 */
void native_emit(struct module *module, const struct engine_options *options, struct code *code);

#endif
