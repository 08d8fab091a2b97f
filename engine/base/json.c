/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One character at a time: its UTF-8 length, then copied or escaped.
 */
#include "engine/base/json.h"

#include <stdio.h>

#define JSON_ESCAPE_BYTES 6 /* \u001f */

/* One byte, or U+0080 to U+009f, which are control characters too. */
static bool json_must_escape(const uint8_t *data, size_t length)
{
    if (length == 2)
        return data[0] == 0xc2 && data[1] < 0xa0;
    return length == 0 || (length == 1 && (data[0] < 0x20 || data[0] == 0x7f));
}

size_t json_plain_bytes(struct bytes text)
{
    size_t length = bytes_utf8_sequence(text);
    bool special = text.data[0] == '"' || text.data[0] == '\\';
    return special || json_must_escape(text.data, length) ? 0 : length;
}

size_t json_escape(struct bytes text, char *out, size_t room, size_t *ret_used)
{
    size_t written = 0;
    size_t at = 0;
    while (at < text.count && room - written > JSON_ESCAPE_BYTES) {
        const uint8_t *data = text.data + at;
        size_t length = bytes_utf8_sequence(bytes_make(data, text.count - at));
        if (json_must_escape(data, length)) {
            uint8_t value = length == 2 ? data[1] : data[0];
            (void)snprintf(out + written, JSON_ESCAPE_BYTES + 1, "\\u%04x", value);
            written += JSON_ESCAPE_BYTES;
        } else {
            if (data[0] == '"' || data[0] == '\\')
                out[written++] = '\\';
            memcpy(out + written, data, length);
            written += length;
        }
        at += MAX(length, (size_t)1);
    }
    if (ret_used != NULL)
        *ret_used = at;
    return written;
}
