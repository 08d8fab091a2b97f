/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of unknown origin as the inside of a JSON string.
 *
 * What is not UTF-8, and every control character, becomes a \u escape: no guest or client
 * can break a line, end a string, or paint a terminal.
 */
#ifndef SKERRY_ENGINE_BASE_JSON_H
#define SKERRY_ENGINE_BASE_JSON_H

#include "engine/base/bytes.h"

/* How many bytes the first character of `text` has; 0: it stands in a string only as an escape.
 * `text` is not empty. */
size_t json_plain_bytes(struct bytes text);
/* Writes at most `room` bytes without a NUL, returns how many; cuts between characters.
 * `ret_used` (may be NULL) gets how much of `text` went in. */
size_t json_escape(struct bytes text, char *out, size_t room, size_t *ret_used);

#endif
