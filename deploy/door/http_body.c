/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step a byte of framing, one step a run of data.
 */
#include "deploy/door/http_body.h"

#include "engine/base/hex.h"

#define HTTP_BODY_DIGITS_MAX 15 /* a size of so many cannot overflow */

void http_body_init(struct http_body *body, bool chunked, uint64_t bytes)
{
    *body = (struct http_body){.chunked = chunked, .left = chunked ? 0 : bytes};
    if (chunked)
        body->state = HTTP_BODY_SIZE;
    else
        body->state = bytes > 0 ? HTTP_BODY_DATA : HTTP_BODY_DONE;
}

static enum http_body_state http_body_size(struct http_body *body, uint8_t byte)
{
    int value = hex_value(byte);
    if (byte == '\r')
        return body->digits > 0 ? HTTP_BODY_SIZE_LF : HTTP_BODY_BAD;
    if (value < 0 || ++body->digits > HTTP_BODY_DIGITS_MAX)
        return HTTP_BODY_BAD;
    body->left = body->left << 4 | (uint64_t)value;
    return HTTP_BODY_SIZE;
}

static enum http_body_state http_body_framing(struct http_body *body, uint8_t byte)
{
    switch (body->state) {
    case HTTP_BODY_SIZE:
        return http_body_size(body, byte);
    case HTTP_BODY_SIZE_LF:
        if (byte != '\n')
            return HTTP_BODY_BAD;
        body->digits = 0;
        return body->left > 0 ? HTTP_BODY_DATA : HTTP_BODY_END_CR;
    case HTTP_BODY_DATA_CR:
        return byte == '\r' ? HTTP_BODY_DATA_LF : HTTP_BODY_BAD;
    case HTTP_BODY_DATA_LF:
        return byte == '\n' ? HTTP_BODY_SIZE : HTTP_BODY_BAD;
    case HTTP_BODY_END_CR:
        return byte == '\r' ? HTTP_BODY_END_LF : HTTP_BODY_BAD;
    case HTTP_BODY_END_LF:
        return byte == '\n' ? HTTP_BODY_DONE : HTTP_BODY_BAD;
    default:
        return HTTP_BODY_BAD;
    }
}

size_t http_body_take(struct http_body *body, struct bytes input, struct bytes *ret_data)
{
    size_t used = 0;
    *ret_data = bytes_make(NULL, 0);
    while (used < input.count && body->state != HTTP_BODY_DONE && body->state != HTTP_BODY_BAD) {
        if (body->state != HTTP_BODY_DATA) {
            body->state = http_body_framing(body, input.data[used++]);
            continue;
        }
        size_t count = (size_t)MIN(body->left, (uint64_t)(input.count - used));
        *ret_data = bytes_make(input.data + used, count);
        body->left -= count;
        if (body->left == 0)
            body->state = body->chunked ? HTTP_BODY_DATA_CR : HTTP_BODY_DONE;
        return used + count;
    }
    return used;
}
