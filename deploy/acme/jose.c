/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of it as text: nothing that is put together here needs an escape.
 */
#include "deploy/acme/jose.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define JOSE_SHA256_BYTES 32

static const char jose_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum status jose_encode(struct bytes data, struct buffer *out)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < data.count; i += 3) {
        size_t left = data.count - i;
        uint32_t word = (uint32_t)data.data[i] << 16 |
                        (left > 1 ? (uint32_t)data.data[i + 1] << 8 : 0) |
                        (left > 2 ? data.data[i + 2] : 0);
        const char digits[4] = {jose_digits[word >> 18], jose_digits[word >> 12 & 63],
                                jose_digits[word >> 6 & 63], jose_digits[word & 63]};
        status = buffer_append(out, digits, left > 2 ? 4 : left + 1);
    }
    return status;
}

bool jose_is_encoded(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] == '\0' || strchr(jose_digits, text.data[i]) == NULL)
            return false;
    }
    return text.count > 0;
}

/* Into `room`, with a NUL; false: it is too small. */
static bool jose_encode_text(struct bytes data, char *room, size_t bytes)
{
    struct buffer out;
    buffer_init(&out, bytes);
    bool fits = jose_encode(data, &out) == STATUS_OK && out.count < bytes;
    if (fits && out.count > 0)
        memcpy(room, out.data, out.count);
    if (fits)
        room[out.count] = '\0';
    buffer_done(&out);
    return fits;
}

bool jose_jwk(struct bytes point, char ret_jwk[JOSE_JWK_BYTES])
{
    char x[JOSE_THUMBPRINT_BYTES];
    char y[JOSE_THUMBPRINT_BYTES];
    const size_t half = JOSE_POINT_BYTES / 2;
    if (point.count != JOSE_POINT_BYTES ||
        !jose_encode_text(bytes_make(point.data, half), x, sizeof(x)) ||
        !jose_encode_text(bytes_make(point.data + half, half), y, sizeof(y)))
        return false;
    int count = snprintf(ret_jwk, JOSE_JWK_BYTES,
                         "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    return count > 0 && count < JOSE_JWK_BYTES;
}

bool jose_thumbprint(const char *jwk, char ret_thumbprint[JOSE_THUMBPRINT_BYTES])
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    return EVP_Digest(jwk, strlen(jwk), hash, NULL, EVP_sha256(), NULL) == 1 &&
           jose_encode_text(bytes_make(hash, JOSE_SHA256_BYTES), ret_thumbprint,
                            JOSE_THUMBPRINT_BYTES);
}

enum status jose_input(struct bytes header, struct bytes payload, struct buffer *input)
{
    enum status status = jose_encode(header, input);
    if (status == STATUS_OK)
        status = buffer_append(input, ".", 1);
    return status == STATUS_OK ? jose_encode(payload, input) : status;
}

enum status jose_body(struct bytes input, struct bytes signature, struct buffer *body)
{
    const uint8_t *dot = input.count == 0 ? NULL : memchr(input.data, '.', input.count);
    if (dot == NULL)
        return STATUS_INVALID;
    size_t head = (size_t)(dot - input.data);
    enum status status = buffer_printf(
        body, "{\"protected\":\"%.*s\",\"payload\":\"%.*s\",\"signature\":\"", (int)head,
        (const char *)input.data, (int)(input.count - head - 1), (const char *)dot + 1);
    if (status == STATUS_OK)
        status = jose_encode(signature, body);
    return status == STATUS_OK ? buffer_append(body, "\"}", 2) : status;
}
