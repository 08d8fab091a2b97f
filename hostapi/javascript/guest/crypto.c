/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's cryptography (crypto_v1) for the web API: arguments are texts or bytes, the result is
 * bytes.
 */
#include "hostapi/javascript/guest/guest.h"

#define CRYPTO_RESULT_BYTES  16384
#define CRYPTO_CIPHER_EXTRA  64
#define CRYPTO_ARGUMENTS_MAX 12
#define CRYPTO_KEY_GENERATE  10 /* hostapi/crypto/crypto.def */

/* Appends an argument: its length, then its bytes; false with an exception. */
static bool crypto_put(JSContext *context, JSValueConst value, uint8_t **data, size_t *used)
{
    size_t count;
    bool is_text = JS_IsString(value);
    const void *bytes = is_text ? (const void *)JS_ToCStringLen(context, &count, value)
                                : (const void *)guest_bytes(context, value, &count);
    if (bytes == NULL && (is_text || count > 0))
        return false;
    uint8_t *grown = realloc(*data, *used + 4 + count);
    if (grown == NULL) {
        JS_ThrowOutOfMemory(context);
        return false;
    }
    uint32_t length = (uint32_t)count;
    memcpy(grown + *used, &length, 4);
    if (count > 0)
        memcpy(grown + *used + 4, bytes, count);
    *data = grown;
    *used += 4 + count;
    if (is_text)
        JS_FreeCString(context, bytes);
    return true;
}

/* (operation, arguments...) -> Uint8Array, or the number of an error */
static JSValue crypto_call(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self;
    uint32_t operation;
    uint8_t *data = NULL;
    size_t used = 0;
    if (JS_ToUint32(context, &operation, argv[0]) != 0 ||
        (operation == CRYPTO_KEY_GENERATE &&
         guest_refuse_frozen(context, "crypto.subtle.generateKey")))
        return JS_EXCEPTION;
    for (int i = 1; i < argc && i <= CRYPTO_ARGUMENTS_MAX; i++) {
        if (!crypto_put(context, argv[i], &data, &used))
            return JS_EXCEPTION;
    }
    size_t room = used + CRYPTO_CIPHER_EXTRA;
    room = room < CRYPTO_RESULT_BYTES ? CRYPTO_RESULT_BYTES : room;
    uint8_t *result = malloc(room);
    if (result == NULL)
        return JS_ThrowOutOfMemory(context);
    int32_t count = skerry_crypto(operation, data, used, result, room);
    JSValue value = count < 0 ? JS_NewInt32(context, count)
                              : JS_NewUint8ArrayCopy(context, result, (size_t)count);
    free(result);
    free(data);
    return value;
}

void crypto_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("crypto", 1, crypto_call),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
