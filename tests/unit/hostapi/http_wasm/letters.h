/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does what its URI says, a host call a letter (hostapi_rules.wat has them).
 */
#ifndef SKERRY_TESTS_UNIT_HOSTAPI_HTTP_WASM_LETTERS_H
#define SKERRY_TESTS_UNIT_HOSTAPI_HTTP_WASM_LETTERS_H

#include "tests/unit/hostapi/fixture.h"

extern struct fixture letters_fixture;

/* Setup and teardown of each test. */
int letters_setup(void **state);
int letters_teardown(void **state);

/* A request that must be answered. */
void finish(const char *uri);
/* One that must be a fault, whose report says `reason`. */
void fault(const char *uri, const char *reason);

#endif
