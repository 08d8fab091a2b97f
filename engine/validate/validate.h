/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator: proves a decoded module right, or says where it is not [Wasm core 3].
 *
 *   validate   what concerns the module as a whole
 *   constant   constant expressions
 *   func       function bodies, with
 *   object       structures, arrays and i31; casts
 *   control      blocks and what leaves them
 *   immediate    what follows other opcodes
 *   locals       which there are, and which have values
 *   stack        the operand stack
 *   rules        opcodes.def as data
 *   name       names in reports
 *
 * Each calls only those further down.
 */
#ifndef SKERRY_ENGINE_VALIDATE_VALIDATE_H
#define SKERRY_ENGINE_VALIDATE_VALIDATE_H

#include "engine/read/module.h"

/* The rest of [Wasm core 3]: types, constant expressions, every function body. */
NODISCARD enum status validate_module(struct module *module, struct report *report);
/* The same but for the bodies, which are validate_funcs' (func.h): it has to come first. */
NODISCARD enum status validate_declarations(struct module *module, struct report *report);

#endif
