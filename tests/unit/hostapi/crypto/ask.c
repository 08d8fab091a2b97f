/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments written one after the other, and lists read back.
 */
#include "tests/unit/hostapi/crypto/ask.h"

#include "engine/base/hex.h"

enum status ask_run(struct ask *ask, uint32_t operation, const struct bytes *rows, size_t count)
{
    struct buffer arguments;
    buffer_init(&arguments, 2 * CRYPTO_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        uint32_t length = (uint32_t)rows[i].count;
        assert_int_equal(buffer_append(&arguments, &length, sizeof(length)), STATUS_OK);
        assert_int_equal(buffer_append(&arguments, rows[i].data, rows[i].count), STATUS_OK);
    }
    ask->count = 0;
    enum status status = crypto_run(operation, buffer_bytes(&arguments), &ask->stream,
                                    bytes_make(ask->out, sizeof(ask->out)), &ask->count);
    buffer_done(&arguments);
    return status;
}

const char *ask_hex(const struct ask *ask, size_t bytes)
{
    static char text[2 * CRYPTO_RESULT_MAX + 1];
    hex_encode(ask->out, MIN(bytes, ask->count), text);
    return text;
}

struct bytes ask_bytes(const char *hex, uint32_t slot)
{
    static uint8_t bytes[4][512];
    size_t count = strlen(hex) / 2;
    assert_true(slot < 4 && count <= sizeof(bytes[0]));
    assert_true(hex_decode(hex, count, bytes[slot]));
    return bytes_make(bytes[slot], count);
}

void ask_list(struct ask *ask)
{
    size_t at = 0;
    for (ask->row_count = 0; at < ask->count; ask->row_count++) {
        uint32_t length;
        assert_true(ask->row_count < ASK_ROWS_MAX && ask->count - at >= sizeof(length));
        memcpy(&length, ask->out + at, sizeof(length));
        at += sizeof(length);
        assert_true(length <= ask->count - at);
        ask->rows[ask->row_count] = bytes_make(ask->out + at, length);
        at += length;
    }
}
