/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as the Encoding Standard has it: a lone surrogate becomes U+FFFD when encoded, and each
 * maximal part of an ill-formed sequence does when decoded.
 */
#include "hostapi/javascript/guest/guest.h"

#define TEXT_REPLACEMENT "\xef\xbf\xbd"

void text_mend(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i + 2 < count; i++) {
        if (bytes[i] == 0xed && bytes[i + 1] >= 0xa0)
            memcpy(bytes + i, TEXT_REPLACEMENT, 3);
    }
}

/* (text) -> Uint8Array */
static JSValue text_encode(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    const char *text = JS_ToCStringLen(context, &count, argv[0]);
    if (text == NULL)
        return JS_EXCEPTION;
    uint8_t *bytes = malloc(count + 1);
    if (bytes == NULL)
        return JS_ThrowOutOfMemory(context);
    memcpy(bytes, text, count);
    JS_FreeCString(context, text);
    text_mend(bytes, count);
    JSValue value = JS_NewUint8ArrayCopy(context, bytes, count);
    free(bytes);
    return value;
}

/* How many bytes at `at` are one character; 0: they are none, and *ret_bad of them are replaced. */
static size_t text_character(const uint8_t *at, size_t count, size_t *ret_bad)
{
    uint8_t low = 0x80;
    uint8_t high = 0xbf;
    size_t more = at[0] >= 0xc2 && at[0] <= 0xdf   ? 1
                  : at[0] >= 0xe0 && at[0] <= 0xef ? 2
                  : at[0] >= 0xf0 && at[0] <= 0xf4 ? 3
                                                   : 0;
    *ret_bad = 1;
    if (at[0] < 0x80)
        return 1;
    if (at[0] == 0xe0)
        low = 0xa0;
    else if (at[0] == 0xed)
        high = 0x9f;
    else if (at[0] == 0xf0)
        low = 0x90;
    else if (at[0] == 0xf4)
        high = 0x8f;
    for (size_t i = 1; i <= more; i++) {
        if (i >= count || at[i] < low || at[i] > high) {
            *ret_bad = i;
            return 0;
        }
        low = 0x80;
        high = 0xbf;
    }
    return more == 0 ? 0 : more + 1;
}

/* Where the well-formed beginning ends. */
static size_t text_well_formed(const uint8_t *bytes, size_t count)
{
    size_t at = 0;
    size_t bad;
    while (at < count) {
        size_t step = text_character(bytes + at, count - at, &bad);
        if (step == 0)
            break;
        at += step;
    }
    return at;
}

static JSValue text_decode_repaired(JSContext *context, const uint8_t *bytes, size_t count)
{
    char *text = malloc(count * 3 + 1);
    size_t used = 0;
    if (text == NULL)
        return JS_ThrowOutOfMemory(context);
    for (size_t at = 0; at < count;) {
        size_t bad;
        size_t step = text_character(bytes + at, count - at, &bad);
        memcpy(text + used, step == 0 ? (const uint8_t *)TEXT_REPLACEMENT : bytes + at,
               step == 0 ? 3 : step);
        used += step == 0 ? 3 : step;
        at += step == 0 ? bad : step;
    }
    JSValue value = JS_NewStringLen(context, text, used);
    free(text);
    return value;
}

JSValue text_string(JSContext *context, const uint8_t *bytes, size_t count)
{
    return text_well_formed(bytes, count) == count
               ? JS_NewStringLen(context, (const char *)bytes, count)
               : text_decode_repaired(context, bytes, count);
}

/* (bytes, fatal) -> text */
static JSValue text_decode(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    const uint8_t *bytes = guest_bytes(context, argv[0], &count);
    if (bytes == NULL && count > 0)
        return JS_EXCEPTION;
    if (text_well_formed(bytes, count) == count)
        return JS_NewStringLen(context, (const char *)bytes, count);
    if (JS_ToBool(context, argv[1]) > 0)
        return JS_ThrowTypeError(context, "The encoded data is not valid UTF-8.");
    return text_decode_repaired(context, bytes, count);
}

/* (bytes) -> how many of the last ones begin a character that is not whole */
static JSValue text_open_bytes(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    size_t bad;
    const uint8_t *bytes = guest_bytes(context, argv[0], &count);
    if (bytes == NULL && count > 0)
        return JS_EXCEPTION;
    for (size_t back = 1; back <= 3 && back <= count; back++) {
        const uint8_t *at = bytes + count - back;
        if ((at[0] & 0xc0) == 0x80)
            continue;
        bool open =
            text_character(at, back, &bad) == 0 && bad == back && at[0] >= 0xc2 && at[0] <= 0xf4;
        return JS_NewInt32(context, open ? (int32_t)back : 0);
    }
    return JS_NewInt32(context, 0);
}

/* (value) -> is it a Proxy? Asked anything else, it would tell a script. */
static JSValue text_is_proxy(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    return JS_NewBool(context, JS_IsProxy(argv[0]));
}

void text_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("encode", 1, text_encode),
        GUEST_FUNCTION("decode", 2, text_decode),
        GUEST_FUNCTION("openBytes", 1, text_open_bytes),
        GUEST_FUNCTION("isProxy", 1, text_is_proxy),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
