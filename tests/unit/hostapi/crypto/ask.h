/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the host's cryptography as a guest makes them: arguments in a row, results in a buffer.
 */
#ifndef SKERRY_TESTS_UNIT_HOSTAPI_CRYPTO_ASK_H
#define SKERRY_TESTS_UNIT_HOSTAPI_CRYPTO_ASK_H

#include "hostapi/crypto/crypto.h"
#include "tests/support/unit.h"

#define ASK_ROWS_MAX 12

struct ask {
    struct crypto_stream stream;
    uint8_t out[CRYPTO_RESULT_MAX];
    size_t count;
    struct bytes rows[ASK_ROWS_MAX]; /* of a list, after ask_list */
    uint32_t row_count;
};

#define TEXT(text) bytes_of_text(text)
/* The status of one call with these arguments. */
#define ASK(ask, operation, ...)                                                                   \
    ask_run(ask, CRYPTO_##operation, (const struct bytes[]){__VA_ARGS__},                          \
            sizeof((const struct bytes[]){__VA_ARGS__}) / sizeof(struct bytes))

enum status ask_run(struct ask *ask, uint32_t operation, const struct bytes *rows, size_t count);
/* The result as text of hexadecimal digits, at most `bytes` bytes of it; static. */
const char *ask_hex(const struct ask *ask, size_t bytes);
/* Bytes of such a text; static, one for each `slot` below 4. */
struct bytes ask_bytes(const char *hex, uint32_t slot);
/* Takes the result apart. */
void ask_list(struct ask *ask);

#endif
