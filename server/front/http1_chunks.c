/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chunked coding of a body. [RFC 9112 7.1]
 *
 *   SIZE --CR--> SIZE_LF --> DATA --> DATA_CR --> DATA_LF --> SIZE ...
 *    |  \         ^ |
 *    |   ';'--> EXTENSION
 *    |              | size 0
 *    |              v
 *    |            LINE --CR--> END_LF --> the body is complete
 *    |              | a trailer
 *    |              v
 *    |            NAME --':'--> VALUE --CR--> VALUE_LF --> LINE
 *   BLANK: blanks before ';'
 *
 * Extensions and trailers are read, held against a limit, and forgotten. Each byte has one place
 * in the drawing, so what comes out cannot depend on how the bytes were cut into calls.
 */
#include "engine/base/macros.h"
#include "server/front/http1_parse.h"

#define SIZE_DIGITS_MAX 15 /* of a chunk: no sum of such sizes can overflow */

enum http1_chunks_state {
    CHUNKS_SIZE, /* the state of a struct of zeros */
    CHUNKS_BLANK,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_LINE,
    CHUNKS_NAME,
    CHUNKS_VALUE,
    CHUNKS_VALUE_LF,
    CHUNKS_END_LF,
    CHUNKS_DONE,
    CHUNKS_REFUSED,
};

_Static_assert(sizeof(struct http1_chunks) == 16, "libh2o keeps it, in as many bytes");

static int chunks_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool chunks_is_text(uint8_t c)
{
    return (c >= ' ' && c != 0x7f) || c == '\t';
}

static enum http1_chunks_state chunks_size(struct http1_chunks *chunks, uint8_t c)
{
    int digit = chunks_digit(c);
    if (digit >= 0 && chunks->digit_count < SIZE_DIGITS_MAX) {
        chunks->digit_count++;
        chunks->left = chunks->left * 16 + (uint64_t)digit;
        return CHUNKS_SIZE;
    }
    if (digit >= 0 || chunks->digit_count == 0)
        return CHUNKS_REFUSED;
    switch (c) {
    case '\r':
        return CHUNKS_SIZE_LF;
    case ';':
        return CHUNKS_EXTENSION;
    case ' ':
    case '\t':
        return CHUNKS_BLANK;
    default:
        return CHUNKS_REFUSED;
    }
}

static enum http1_chunks_state chunks_after_size(struct http1_chunks *chunks)
{
    chunks->digit_count = 0;
    return chunks->left > 0 ? CHUNKS_DATA : CHUNKS_LINE;
}

/* Where a byte leads that is not the body's. */
static enum http1_chunks_state chunks_step(struct http1_chunks *chunks, uint8_t c)
{
    switch ((enum http1_chunks_state)chunks->state) {
    case CHUNKS_SIZE:
        return chunks_size(chunks, c);
    case CHUNKS_BLANK:
        if (c == ' ' || c == '\t')
            return CHUNKS_BLANK;
        return c == ';' ? CHUNKS_EXTENSION : CHUNKS_REFUSED;
    case CHUNKS_EXTENSION:
        if (c == '\r')
            return CHUNKS_SIZE_LF;
        return chunks_is_text(c) ? CHUNKS_EXTENSION : CHUNKS_REFUSED;
    case CHUNKS_SIZE_LF:
        return c == '\n' ? chunks_after_size(chunks) : CHUNKS_REFUSED;
    case CHUNKS_DATA_CR:
        return c == '\r' ? CHUNKS_DATA_LF : CHUNKS_REFUSED;
    case CHUNKS_DATA_LF:
        return c == '\n' ? CHUNKS_SIZE : CHUNKS_REFUSED;
    case CHUNKS_LINE:
        if (c == '\r')
            return CHUNKS_END_LF;
        return http1_is_token(bytes_make(&c, 1)) ? CHUNKS_NAME : CHUNKS_REFUSED;
    case CHUNKS_NAME:
        if (c == ':')
            return CHUNKS_VALUE;
        return http1_is_token(bytes_make(&c, 1)) ? CHUNKS_NAME : CHUNKS_REFUSED;
    case CHUNKS_VALUE:
        if (c == '\r')
            return CHUNKS_VALUE_LF;
        return chunks_is_text(c) ? CHUNKS_VALUE : CHUNKS_REFUSED;
    case CHUNKS_VALUE_LF:
        return c == '\n' ? CHUNKS_LINE : CHUNKS_REFUSED;
    case CHUNKS_END_LF:
        return c == '\n' ? CHUNKS_DONE : CHUNKS_REFUSED;
    case CHUNKS_DATA:
    case CHUNKS_DONE:
    case CHUNKS_REFUSED:
        break;
    }
    return CHUNKS_REFUSED;
}

static bool chunks_is_extra(uint8_t state)
{
    return state == CHUNKS_BLANK || state == CHUNKS_EXTENSION || state == CHUNKS_NAME ||
           state == CHUNKS_VALUE;
}

/* One byte that is not the body's; false if the body is refused. */
static bool chunks_take(struct http1_chunks *chunks, uint8_t c)
{
    chunks->state = (uint8_t)chunks_step(chunks, c);
    if (chunks->state == CHUNKS_REFUSED) {
        chunks->refusal = REFUSAL_CHUNK;
        return false;
    }
    if (chunks_is_extra(chunks->state) && ++chunks->extra_bytes > HTTP1_EXTRA_BYTES_MAX) {
        chunks->state = CHUNKS_REFUSED;
        chunks->refusal = REFUSAL_CHUNK_EXTRAS;
        return false;
    }
    return true;
}

enum http1_outcome http1_decode_chunks(
    struct http1_chunks *chunks, char *data, size_t count, size_t *ret_decoded, size_t *ret_left)
{
    size_t from = 0;
    size_t to = 0;
    while (from < count && chunks->state != CHUNKS_DONE) {
        if (chunks->state != CHUNKS_DATA) {
            if (!chunks_take(chunks, (uint8_t)data[from++]))
                break;
            continue;
        }
        size_t piece = (size_t)MIN(chunks->left, (uint64_t)(count - from));
        if (to != from)
            memmove(data + to, data + from, piece);
        from += piece;
        to += piece;
        chunks->left -= piece;
        if (chunks->left == 0)
            chunks->state = CHUNKS_DATA_CR;
    }
    *ret_decoded = to;
    *ret_left = count - from;
    if (chunks->state == CHUNKS_REFUSED)
        return HTTP1_REFUSED;
    if (chunks->state != CHUNKS_DONE)
        return HTTP1_INCOMPLETE;
    memmove(data + to, data + from, count - from);
    return HTTP1_COMPLETE;
}
