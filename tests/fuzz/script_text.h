/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts of a fuzzer's choices: statements that call the web API with what is least expected.
 */
#ifndef SKERRY_TESTS_FUZZ_SCRIPT_TEXT_H
#define SKERRY_TESTS_FUZZ_SCRIPT_TEXT_H

#include "tests/fuzz/choices.h"

/* Appends a module whose default export has a handler; it is a valid one, whatever is chosen. */
void script_text(struct choices *choices, struct buffer *out);

#endif
