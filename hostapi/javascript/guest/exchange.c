/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request that a handler sees and the response that it makes.
 *
 * Header fields cross as one array, name, value, name, value: the web API's Headers is over such an
 * array.
 */
#include "hostapi/javascript/guest/guest.h"

#define EXCHANGE_PIECE_BYTES 65536
#define EXCHANGE_LATIN_LAST  0xc3 /* in UTF-8, the largest byte of what is in Latin-1 */
/* What Workers call the client's address: ours, whatever the client says. */
#define EXCHANGE_ADDRESS "cf-connecting-ip"

static bool exchange_answered;

/* ---- the request ----------------------------------------------------------------------------- */

static int64_t exchange_get_method(void *context, char *buffer, uint32_t limit)
{
    (void)context;
    return skerry_get_method(buffer, limit);
}

static int64_t exchange_get_uri(void *context, char *buffer, uint32_t limit)
{
    (void)context;
    return skerry_get_uri(buffer, limit);
}

static int64_t exchange_get_protocol(void *context, char *buffer, uint32_t limit)
{
    (void)context;
    return skerry_get_protocol_version(buffer, limit);
}

static int64_t exchange_get_source(void *context, char *buffer, uint32_t limit)
{
    (void)context;
    return skerry_get_source_addr(buffer, limit);
}

static JSValue exchange_text(JSContext *context, guest_getter *get)
{
    int64_t count;
    char *text = guest_get(get, NULL, &count);
    if (text == NULL)
        return JS_ThrowOutOfMemory(context);
    JSValue value = JS_NewStringLen(context, text, (size_t)count);
    free(text);
    return value;
}

static JSValue
exchange_method(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self, (void)count, (void)values;
    return exchange_text(context, exchange_get_method);
}

static JSValue exchange_uri(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self, (void)count, (void)values;
    return exchange_text(context, exchange_get_uri);
}

static JSValue
exchange_protocol(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self, (void)count, (void)values;
    return exchange_text(context, exchange_get_protocol);
}

static JSValue
exchange_source(JSContext *context, JSValueConst self, int count, JSValueConst *values)
{
    (void)self, (void)count, (void)values;
    return exchange_text(context, exchange_get_source);
}

/* A getter's context: which values. */
struct exchange_field {
    const char *name; /* NULL: the names */
    uint32_t bytes;
};

/* Its length is the low half; how many there are is known by the NULs. */
static int64_t exchange_get_fields(void *context, char *buffer, uint32_t limit)
{
    const struct exchange_field *field = context;
    uint64_t found = field->name == NULL
                         ? skerry_get_header_names(SKERRY_REQUEST_HEADERS, buffer, limit)
                         : skerry_get_header_values(SKERRY_REQUEST_HEADERS, field->name,
                                                    field->bytes, buffer, limit);
    return (uint32_t)found;
}

/* Appends each value of the name behind it; false with an exception. */
static bool exchange_add_values(JSContext *context, JSValue list, const char *name, uint32_t *at)
{
    struct exchange_field field = {.name = name, .bytes = (uint32_t)strlen(name)};
    int64_t count;
    char *values = guest_get(exchange_get_fields, &field, &count);
    if (values == NULL)
        return false;
    for (char *value = values; value < values + count; value += strlen(value) + 1) {
        if (JS_SetPropertyUint32(context, list, (*at)++, JS_NewString(context, name)) < 0 ||
            JS_SetPropertyUint32(context, list, (*at)++, JS_NewString(context, value)) < 0)
            return false;
    }
    free(values);
    return true;
}

/* "1.2.3.4:5" and "[::1]:5" without the port. */
static JSValue exchange_address(JSContext *context)
{
    int64_t count;
    char *text = guest_get(exchange_get_source, NULL, &count);
    if (text == NULL)
        return JS_ThrowOutOfMemory(context);
    while (count > 0 && text[count - 1] != ':' && text[count - 1] != ']')
        count--;
    bool is_v6 = text[0] == '[';
    count -= count > 0 && text[count - 1] == ':' ? 1 : 0;
    count -= is_v6 && count > 0 ? 1 : 0;
    JSValue value = JS_NewStringLen(context, text + is_v6, (size_t)(count - (count > 0 && is_v6)));
    free(text);
    return value;
}

static JSValue exchange_headers(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc, (void)argv;
    struct exchange_field all = {0};
    int64_t count;
    uint32_t at = 0;
    char *names = guest_get(exchange_get_fields, &all, &count);
    JSValue list = JS_NewArray(context);
    for (char *name = names; name != NULL && name < names + count; name += strlen(name) + 1) {
        if (strcmp(name, EXCHANGE_ADDRESS) != 0 && !exchange_add_values(context, list, name, &at))
            return JS_ThrowOutOfMemory(context);
    }
    free(names);
    JS_SetPropertyUint32(context, list, at++, JS_NewString(context, EXCHANGE_ADDRESS));
    JS_SetPropertyUint32(context, list, at, exchange_address(context));
    return list;
}

/* Values that each end in a NUL, with a comma and a blank between them. */
static JSValue exchange_joined(JSContext *context, const char *values, size_t count)
{
    if (strlen(values) + 1 == count)
        return JS_NewStringLen(context, values, count - 1);
    size_t used = 0;
    char *text = malloc(2 * count);
    if (text == NULL)
        return JS_ThrowOutOfMemory(context);
    for (const char *value = values; value < values + count; value += strlen(value) + 1) {
        memcpy(text + used, ", ", 2);
        memcpy(text + used + 2, value, strlen(value));
        used += 2 + strlen(value);
    }
    JSValue joined = JS_NewStringLen(context, text + 2, used - 2);
    free(text);
    return joined;
}

/* (name in lower case) -> its values, joined, or null: cheaper than all of them */
static JSValue exchange_header(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    const char *name = JS_ToCString(context, argv[0]);
    if (name == NULL)
        return JS_EXCEPTION;
    struct exchange_field field = {.name = name, .bytes = (uint32_t)strlen(name)};
    int64_t count;
    if (strcmp(name, EXCHANGE_ADDRESS) == 0) {
        JS_FreeCString(context, name);
        return exchange_address(context);
    }
    char *values = guest_get(exchange_get_fields, &field, &count);
    JS_FreeCString(context, name);
    if (values == NULL || count == 0)
        return JS_NULL;
    JSValue value = exchange_joined(context, values, (size_t)count);
    free(values);
    return value;
}

/* -> the next bytes of the body as a Uint8Array, or null at its end */
static JSValue
exchange_read_body(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc, (void)argv;
    static bool ended;
    if (ended)
        return JS_NULL;
    char *piece = malloc(EXCHANGE_PIECE_BYTES);
    if (piece == NULL)
        return JS_ThrowOutOfMemory(context);
    uint64_t got = skerry_read_body(SKERRY_REQUEST_BODY, piece, EXCHANGE_PIECE_BYTES);
    ended = (got >> 32) != 0;
    JSValue value = (uint32_t)got == 0
                        ? JS_NULL
                        : JS_NewUint8ArrayCopy(context, (const uint8_t *)piece, (uint32_t)got);
    free(piece);
    return value;
}

/* ---- rules of fields [RFC 9110 5] ------------------------------------------------------------ */

static bool exchange_is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* (name) -> in lower case */
static JSValue
exchange_field_name(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    bool lower = true;
    const char *text = JS_ToCStringLen(context, &count, argv[0]);
    if (text == NULL)
        return JS_EXCEPTION;
    for (size_t i = 0; i < count || count == 0; i++) {
        if (count == 0 || !exchange_is_token(text[i]))
            return JS_ThrowTypeError(context, "\"%s\" is not a header's name", text);
        lower = lower && (text[i] < 'A' || text[i] > 'Z');
    }
    if (lower && JS_IsString(argv[0])) {
        JS_FreeCString(context, text);
        return JS_DupValue(context, argv[0]);
    }
    char *name = memcpy(malloc(count), text, count);
    for (size_t i = 0; i < count; i++)
        name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    JSValue value = JS_NewStringLen(context, name, count);
    JS_FreeCString(context, text);
    free(name);
    return value;
}

static bool exchange_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Of characters up to U+00FF. */
static bool exchange_is_value(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = (uint8_t)text[i];
        if (byte == '\0' || byte == '\n' || byte == '\r' || byte > EXCHANGE_LATIN_LAST)
            return false;
    }
    return true;
}

/* (value) -> without blanks around it */
static JSValue
exchange_field_value(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    size_t begin = 0;
    const char *text = JS_ToCStringLen(context, &count, argv[0]);
    if (text == NULL)
        return JS_EXCEPTION;
    size_t whole = count;
    while (count > 0 && exchange_is_blank(text[count - 1]))
        count--;
    while (begin < count && exchange_is_blank(text[begin]))
        begin++;
    JSValue value;
    if (!exchange_is_value(text + begin, count - begin))
        value = JS_ThrowTypeError(context, "a header's value has characters that it cannot have");
    else if (count - begin == whole && JS_IsString(argv[0]))
        value = JS_DupValue(context, argv[0]);
    else
        value = JS_NewStringLen(context, text + begin, count - begin);
    JS_FreeCString(context, text);
    return value;
}

/* A copy as text, of characters up to U+00FF; an exception, if it has others. */
static JSValue exchange_byte_text(JSContext *context, JSValueConst value, const char *what)
{
    size_t count;
    JSValue text = JS_ToString(context, value);
    const char *bytes = JS_ToCStringLen(context, &count, text);
    if (bytes == NULL)
        return JS_EXCEPTION;
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good = good && (uint8_t)bytes[i] <= EXCHANGE_LATIN_LAST;
    JS_FreeCString(context, bytes);
    return good ? text
                : JS_ThrowTypeError(context, "Headers: what is no text of bytes is no %s", what);
}

/* Appends a property's name and value, if it can be enumerated; false with an exception. */
static bool exchange_add_property(
    JSContext *context, JSValueConst record, JSAtom key, JSValue list, uint32_t *at)
{
    JSPropertyDescriptor found = {.value = JS_UNDEFINED, .getter = JS_UNDEFINED};
    int is_there = JS_GetOwnProperty(context, &found, record, key);
    if (is_there <= 0)
        return is_there == 0;
    JS_FreeValue(context, found.value);
    if ((found.flags & JS_PROP_ENUMERABLE) == 0)
        return true;
    JSValue name = JS_AtomToValue(context, key);
    if (JS_IsSymbol(name)) {
        JS_ThrowTypeError(context, "Headers: what is no text of bytes is no name");
        return false;
    }
    name = exchange_byte_text(context, name, "name");
    JSValue value = JS_IsException(name) ? JS_EXCEPTION : JS_GetProperty(context, record, key);
    JSValue text =
        JS_IsException(value) ? JS_EXCEPTION : exchange_byte_text(context, value, "value");
    JS_FreeValue(context, value);
    return !JS_IsException(text) && JS_SetPropertyUint32(context, list, (*at)++, name) >= 0 &&
           JS_SetPropertyUint32(context, list, (*at)++, text) >= 0;
}

/* The fields of a list as they are kept, in its places; false with an exception. */
static bool exchange_keep_fields(JSContext *context, JSValue list, uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        JSValue given = JS_GetPropertyUint32(context, list, at);
        JSValue kept = at % 2 == 0 ? exchange_field_name(context, JS_UNDEFINED, 1, &given)
                                   : exchange_field_value(context, JS_UNDEFINED, 1, &given);
        JS_FreeValue(context, given);
        if (JS_IsException(kept) || JS_SetPropertyUint32(context, list, at, kept) < 0)
            return false;
    }
    return true;
}

/* (record) -> its fields, as a list; all are looked at before the first is judged */
static JSValue
exchange_record_fields(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    JSPropertyEnum *keys;
    uint32_t key_count;
    uint32_t count = 0;
    if (JS_GetOwnPropertyNames(context, &keys, &key_count, argv[0],
                               JS_GPN_STRING_MASK | JS_GPN_SYMBOL_MASK) != 0)
        return JS_EXCEPTION;
    JSValue list = JS_NewArray(context);
    bool good = true;
    for (uint32_t i = 0; i < key_count && good; i++)
        good = exchange_add_property(context, argv[0], keys[i].atom, list, &count);
    JS_FreePropertyEnum(context, keys, key_count);
    return good && exchange_keep_fields(context, list, count) ? list : JS_EXCEPTION;
}

/* ---- the response ---------------------------------------------------------------------------- */

/* A field of the array at `at`; false with an exception. */
static bool exchange_send_field(JSContext *context, JSValueConst list, uint32_t at)
{
    size_t name_count;
    size_t value_count;
    JSValue name_value = JS_GetPropertyUint32(context, list, at);
    JSValue value_value = JS_GetPropertyUint32(context, list, at + 1);
    const char *name = JS_ToCStringLen(context, &name_count, name_value);
    const char *value = JS_ToCStringLen(context, &value_count, value_value);
    if (name == NULL || value == NULL)
        return false;
    skerry_add_header(SKERRY_RESPONSE_HEADERS, name, (uint32_t)name_count, value,
                      (uint32_t)value_count);
    JS_FreeCString(context, name);
    JS_FreeCString(context, value);
    JS_FreeValue(context, name_value);
    JS_FreeValue(context, value_value);
    return true;
}

/* (status, fields) */
static JSValue exchange_head(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t status;
    int64_t count;
    if (JS_ToUint32(context, &status, argv[0]) != 0 || JS_GetLength(context, argv[1], &count) != 0)
        return JS_EXCEPTION;
    skerry_set_status(status);
    exchange_answered = true;
    for (uint32_t at = 0; at + 1 < count; at += 2) {
        if (!exchange_send_field(context, argv[1], at))
            return JS_EXCEPTION;
    }
    return JS_UNDEFINED;
}

/* (text or bytes) */
static JSValue exchange_write(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    if (JS_IsString(argv[0])) {
        const char *text = JS_ToCStringLen(context, &count, argv[0]);
        if (text == NULL)
            return JS_EXCEPTION;
        skerry_write_body(SKERRY_RESPONSE_BODY, text, (uint32_t)count);
        JS_FreeCString(context, text);
        return JS_UNDEFINED;
    }
    const uint8_t *bytes = guest_bytes(context, argv[0], &count);
    if (bytes == NULL && count > 0)
        return JS_EXCEPTION;
    skerry_write_body(SKERRY_RESPONSE_BODY, (const char *)bytes, (uint32_t)count);
    return JS_UNDEFINED;
}

static JSValue exchange_flush(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)context, (void)self, (void)argc, (void)argv;
    (void)skerry_response_flush();
    return JS_UNDEFINED;
}

bool exchange_has_answered(void)
{
    return exchange_answered;
}

/* As the server answers a guest that trapped; why is in the log, for the developer only. */
void exchange_answer_failure(void)
{
    static const char type[] = "content-type";
    static const char problem[] = "application/problem+json";
    static const char body[] =
        "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\","
        "\"status\":500,\"code\":\"exception\",\"detail\":\"The function threw "
        "an exception.\",\"hint\":\"Its log has the exception and its stack.\"}";
    skerry_set_status(500);
    skerry_set_header(SKERRY_RESPONSE_HEADERS, type, sizeof(type) - 1, problem,
                      sizeof(problem) - 1);
    skerry_write_body(SKERRY_RESPONSE_BODY, body, sizeof(body) - 1);
    (void)skerry_response_flush(); /* the script may go on, with what waitUntil was given */
    exchange_answered = true;
}

void exchange_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("requestMethod", 0, exchange_method),
        GUEST_FUNCTION("requestUri", 0, exchange_uri),
        GUEST_FUNCTION("requestSource", 0, exchange_source),
        GUEST_FUNCTION("requestProtocol", 0, exchange_protocol),
        GUEST_FUNCTION("requestHeaders", 0, exchange_headers),
        GUEST_FUNCTION("requestHeader", 1, exchange_header),
        GUEST_FUNCTION("readBody", 0, exchange_read_body),
        GUEST_FUNCTION("fieldName", 1, exchange_field_name),
        GUEST_FUNCTION("fieldValue", 1, exchange_field_value),
        GUEST_FUNCTION("recordFields", 1, exchange_record_fields),
        GUEST_FUNCTION("sendHead", 2, exchange_head),
        GUEST_FUNCTION("write", 1, exchange_write),
        GUEST_FUNCTION("flush", 0, exchange_flush),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
