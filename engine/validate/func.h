/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function bodies.
 */
#ifndef SKERRY_ENGINE_VALIDATE_FUNC_H
#define SKERRY_ENGINE_VALIDATE_FUNC_H

#include "engine/read/module.h"

/* Every body of the module. */
NODISCARD enum status validate_funcs(struct module *module, struct report *report);

#endif
