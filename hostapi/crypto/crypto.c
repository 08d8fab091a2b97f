/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls taken apart, priced and handed on.
 */
#include "hostapi/crypto/crypto_private.h"

static const struct {
    uint32_t number;
    crypto_function *function;
    uint64_t fuel;
    uint64_t fuel_per_256;
} crypto_rows[] = {
#define CRYPTO(NAME, number_, function_, fuel_, fuel_per_256_, arguments)                          \
    {.number = (number_),                                                                          \
     .function = (function_),                                                                      \
     .fuel = (fuel_),                                                                              \
     .fuel_per_256 = (fuel_per_256_)},
#include "hostapi/crypto/crypto.def"
};

static const struct crypto_key_kind crypto_kinds[] = {
#define KEY(NAME, text_, type_, curve_, fuel_)                                                     \
    {.text = (text_), .type = (type_), .curve = (curve_), .fuel = (fuel_)},
#include "hostapi/crypto/keys.def"
};

const struct crypto_key_kind *crypto_key_kind(struct bytes text)
{
    for (size_t i = 0; i < COUNT_OF(crypto_kinds); i++) {
        if (bytes_equal_text(text, crypto_kinds[i].text))
            return &crypto_kinds[i];
    }
    return NULL;
}

const EVP_MD *crypto_hash(struct bytes name)
{
    return bytes_equal_text(name, "SHA-256")   ? EVP_sha256()
           : bytes_equal_text(name, "SHA-1")   ? EVP_sha1()
           : bytes_equal_text(name, "SHA-384") ? EVP_sha384()
           : bytes_equal_text(name, "SHA-512") ? EVP_sha512()
           : bytes_equal_text(name, "MD5")     ? EVP_md5()
                                               : NULL;
}

bool crypto_number(struct bytes text, uint32_t maximum, uint32_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i == 9)
            return false;
        number = number * 10 + (text.data[i] - '0');
    }
    *ret_number = (uint32_t)number;
    return text.count > 0 && number <= maximum;
}

enum status crypto_give(struct crypto_call *call, const void *data, size_t count)
{
    if (count > call->room - call->used)
        return STATUS_FULL;
    if (count > 0)
        memcpy(call->out + call->used, data, count);
    call->used += count;
    return STATUS_OK;
}

enum status crypto_give_row(struct crypto_call *call, const void *data, size_t count)
{
    const uint8_t head[4] = {(uint8_t)count, (uint8_t)(count >> 8), (uint8_t)(count >> 16),
                             (uint8_t)(count >> 24)};
    enum status status = crypto_give(call, head, sizeof(head));
    return status == STATUS_OK ? crypto_give(call, data, count) : status;
}

static bool crypto_take(struct bytes text, struct crypto_call *call)
{
    while (text.count > 0) {
        if (call->count == CRYPTO_ARGUMENTS_MAX || text.count < 4)
            return false;
        size_t count = (size_t)text.data[0] | (size_t)text.data[1] << 8 |
                       (size_t)text.data[2] << 16 | (size_t)text.data[3] << 24;
        if (count > text.count - 4)
            return false;
        call->arguments[call->count++] = bytes_make(text.data + 4, count);
        text = bytes_make(text.data + 4 + count, text.count - 4 - count);
    }
    return true;
}

uint64_t crypto_price(uint32_t operation, struct bytes arguments)
{
    struct crypto_call call = {0};
    for (size_t i = 0; i < COUNT_OF(crypto_rows); i++) {
        if (crypto_rows[i].number != operation)
            continue;
        uint64_t fuel = crypto_rows[i].fuel + arguments.count * crypto_rows[i].fuel_per_256 / 256;
        uint32_t rounds = 0;
        if (!crypto_take(arguments, &call))
            return fuel;
        if (operation == CRYPTO_PBKDF2 &&
            crypto_number(call.arguments[4], CRYPTO_ROUNDS_MAX, &rounds))
            fuel += (uint64_t)rounds * 1000;
        const struct crypto_key_kind *kind = crypto_key_kind(call.arguments[0]);
        return kind == NULL ? fuel : fuel + kind->fuel;
    }
    return 0;
}

enum status crypto_run(uint32_t operation,
                       struct bytes arguments,
                       struct crypto_stream *stream,
                       struct bytes out,
                       size_t *ret_count)
{
    uint8_t made[CRYPTO_RESULT_MAX]; /* so that what fails has written nothing */
    bool is_direct = operation == CRYPTO_MORE;
    struct crypto_call call = {.stream = stream, .out = made, .room = sizeof(made)};
    if (is_direct) {
        call.out = (uint8_t *)(uintptr_t)out.data;
        call.room = out.count;
    }
    enum status status = STATUS_UNSUPPORTED;
    if (arguments.count > CRYPTO_BYTES_MAX)
        return STATUS_LIMIT;
    if (!crypto_take(arguments, &call))
        return STATUS_INVALID;
    for (size_t i = 0; i < COUNT_OF(crypto_rows); i++) {
        if (crypto_rows[i].number == operation)
            status = crypto_rows[i].function(&call);
    }
    if (status == STATUS_OK && call.used > out.count)
        status = STATUS_FULL;
    if (status != STATUS_OK) {
        crypto_stream_clear(stream);
    } else {
        if (!is_direct && call.used > 0)
            memcpy((uint8_t *)(uintptr_t)out.data, made, call.used);
        *ret_count = call.used;
    }
    OPENSSL_cleanse(made, is_direct ? 0 : call.used);
    return status;
}
