/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The translator: from validated Wasm to threaded code, one function at a time, in one pass.
 *
 *   translate  functions, stubs, the instruction loop
 *   join       code that was made in parts
 *   try        exceptions: try_table, try, throw
 *   block      blocks: where they open and end
 *   region     the tables of what catches exceptions
 *   call       calls
 *   control    the control stack, branches, returns
 *   simple     instructions that are one operation
 *   object     structures, arrays, i31, casts
 *   simd       vectors
 *   bulk       operands in consecutive slots: tables, segments, stretches of memory
 *   access     loads and stores
 *
 * Each calls only those further down, and engine/emit for the operand stack and the cells.
 *
 * The operand stack exists only at translation: an entry is a value in its home slot
 * (TEMP), a local that nobody has read yet (LOCAL, LOW_HALF), or a constant (CONST). The newest
 * operation is held back (`pending`) until it is known who uses its result: then it can
 * leave it in the accumulator, in the local it is assigned to, or be fused.
 *
 * Deterministic code: the pending operation is `is_raw` if it can make a NaN; whoever takes its
 * result and treats all NaNs alike clears that, else its cell is followed by another that makes
 * the result canonical. So whatever is not pending has no NaN but the canonical one, or one that
 * came from outside.
 *
 * Fuel: `executed` counts instructions since the last charge in linear order. A branch
 * from p to q charges executed(p) - executed(q), so that falling through costs nothing and
 * the sum is exact on every path.
 */
#ifndef SKERRY_ENGINE_TRANSLATE_TRANSLATE_H
#define SKERRY_ENGINE_TRANSLATE_TRANSLATE_H

#include "engine/image/code.h"
#include "engine/read/module.h"

#define TRANSLATE_TOO_MANY_LOCALS "more than 10,000,000 locals in all functions together"

/*
 * Translates functions of a validated module, and a stub for every imported one: the stub calls
 * import `index` and returns, so that calls to imports, direct or through tables, need no case of
 * their own. `ret_code->entries`, of the whole module, is the caller's; rows of `range` are
 * written. Reads the module only: others of its functions may be translated meanwhile.
 */
NODISCARD enum status translate_funcs(const struct module *module,
                                      struct module_range range,
                                      const struct engine_options *options,
                                      struct report *report,
                                      struct code *ret_code);
/*
 * Puts the code of all ranges, which follow on each other, behind that of the first, gives calls
 * their callees' entries, and makes the whole native. Takes the parts: the first becomes the whole.
 */
NODISCARD enum status translate_join(struct module *module,
                                     const struct module_range *ranges,
                                     struct code *parts,
                                     uint32_t count,
                                     const struct engine_options *options,
                                     struct report *report);

#endif
