/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file's text over a config, apart from reading the file: for tests and fuzzing.
 */
#ifndef SKERRY_CONFIG_LOAD_H
#define SKERRY_CONFIG_LOAD_H

#include "config/config.h"

/* `name` is what the report calls the text. `config` is unchanged on failure. */
NODISCARD enum status
load_text(struct config *config, struct bytes text, const char *name, struct report *report);

#endif
