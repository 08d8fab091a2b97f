/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: what a shell has to know to complete skerry's words, and we to mend them.
 * Verbs and their texts are the help's, flags each verb's own help's, asked for when they are
 * wanted: there is no second list.
 */
#ifndef SKERRY_SERVER_CLI_COMPLETION_H
#define SKERRY_SERVER_CLI_COMPLETION_H

#include "engine/base/bytes.h"

#define COMPLETION_SHELLS "bash | zsh | fish"

/* Appends the script for the shell; `help` is all of `skerry help`. INVALID: it is none of them. */
NODISCARD enum status completion_write(const char *shell, struct bytes help, struct buffer *out);
/* The verb that was meant by one that is not there; nothing if none is near. It points into `help`.
 */
struct bytes completion_nearest(const char *verb, struct bytes help);

#endif
