/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Function bodies.
 */
#ifndef SKERRY_ENGINE_VALIDATE_FUNC_H
#define SKERRY_ENGINE_VALIDATE_FUNC_H

#include "engine/read/module.h"

/* The bodies of these functions. Reads the module only: other bodies may be proven meanwhile. */
NODISCARD enum status
validate_funcs(const struct module *module, struct module_range range, struct report *report);

#endif
