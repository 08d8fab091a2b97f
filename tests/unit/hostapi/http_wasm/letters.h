/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does what its URI says, a host call a letter (hostapi_rules.wat has them).
 */
#ifndef SKERRY_TESTS_UNIT_HOSTAPI_HTTP_WASM_LETTERS_H
#define SKERRY_TESTS_UNIT_HOSTAPI_HTTP_WASM_LETTERS_H

#include "hostapi/http_wasm/http_wasm.h"
#include "tests/unit/hostapi/fixture.h"

extern struct fixture letters_fixture;

/* Setup and teardown of each test. */
int letters_setup(void **state);
int letters_teardown(void **state);

/* A request that must be answered. */
void finish(const char *uri);
/* One that must be a fault, whose report says `reason`. */
void fault(const char *uri, const char *reason);

/* Bytes of the guest's memory that no letter reads. */
#define LETTERS_FREE_ADDRESS 60000
/* One host call by itself, in the middle of a request, that must end the guest for this reason. */
void trap(http_wasm_handler *handler, uint32_t a, uint32_t b, uint32_t c, const char *reason);

#endif
