/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WASI calls one by one, on a real instance that is nothing but one page of memory: the
 * arguments in the slots, the answer in slot 0, the rest in memory. The guest is a WAGI command in
 * the middle of its request.
 */
#ifndef SKERRY_TESTS_UNIT_HOSTAPI_WASI_CALLS_H
#define SKERRY_TESTS_UNIT_HOSTAPI_WASI_CALLS_H

#include "hostapi/wasi/wasi.h"
#include "tests/unit/hostapi/fixture.h"

#define PAGE_BYTES 65536u

extern struct fixture fixture;
extern union engine_value slots[12];

/* Setup and teardown of each test. */
int calls_setup(void **state);
int calls_teardown(void **state);

/* From `address` to the memory's end. */
uint8_t *memory(uint32_t address);
uint32_t u32(uint32_t address);
uint64_t u64(uint32_t address);

/* The outcome of one call; the answer is slots[0]. */
enum engine_outcome call(wasi_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* The same, which must be done and answer so. */
void expect(
    wasi_handler *handler, uint64_t a, uint64_t b, uint64_t c, uint64_t d, enum wasi_errno error);

/* The same of a call with so many arguments. */
enum engine_outcome call_some(wasi_handler *handler, const uint64_t *arguments, size_t count);
enum wasi_errno call_all(wasi_handler *handler, const uint64_t *arguments, size_t count);
#define CALL_ALL(handler, ...)                                                                     \
    call_all(handler, (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8)

void put_iovec(uint32_t at, uint32_t address, uint32_t count);
/* A subscription of poll_oneoff to a clock. */
void put_clock(uint32_t at, uint64_t userdata, uint32_t id, uint64_t timeout, uint16_t flags);

#endif
