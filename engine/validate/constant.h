/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant expressions.
 */
#ifndef SKERRY_ENGINE_VALIDATE_CONSTANT_H
#define SKERRY_ENGINE_VALIDATE_CONSTANT_H

#include "engine/read/module.h"

/*
 * Reads one constant expression up to its `end`; it must give one value of `type` and may
 * name globals below `global_count`. Functions named by ref.func become declared.
 */
void validate_const(struct module *module,
                    struct reader *reader,
                    uint32_t type,
                    uint32_t global_count);

#endif
