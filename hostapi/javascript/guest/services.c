/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The native API (docs/abi-skerry.md), as functions of `host`. What fails throws a TypeError.
 */
#include "hostapi/javascript/guest/guest.h"

#define SERVICES_KEYS_BYTES 65536

/* A string argument's bytes; freed by services_free. */
struct services_text {
    const char *data;
    size_t count;
};

static bool services_take(JSContext *context, JSValueConst value, struct services_text *ret_text)
{
    ret_text->data = JS_ToCStringLen(context, &ret_text->count, value);
    return ret_text->data != NULL;
}

static void services_free(JSContext *context, struct services_text text)
{
    JS_FreeCString(context, text.data);
}

/* A handle, or what went wrong. */
static JSValue services_handle(JSContext *context, const char *what, int32_t handle)
{
    return handle < 0 ? guest_throw_failure(context, what, handle) : JS_NewInt32(context, handle);
}

static bool services_take_handle(JSContext *context, JSValueConst value, uint32_t *ret_handle)
{
    return JS_ToUint32(context, ret_handle, value) == 0;
}

/* ---- requests to others ---------------------------------------------------------------------- */

/* Fields of an array as "name NUL value NUL"; malloc's, NULL with an exception. */
static char *services_fields(JSContext *context, JSValueConst list, size_t *ret_count)
{
    int64_t length;
    if (JS_GetLength(context, list, &length) != 0)
        return NULL;
    char *fields = malloc(1);
    size_t used = 0;
    for (uint32_t i = 0; i < length && fields != NULL; i++) {
        struct services_text text;
        JSValue value = JS_GetPropertyUint32(context, list, i);
        if (!services_take(context, value, &text))
            return NULL;
        fields = realloc(fields, used + text.count + 1);
        if (fields != NULL)
            memcpy(fields + used, text.data, text.count + 1);
        used += text.count + 1;
        services_free(context, text);
        JS_FreeValue(context, value);
    }
    *ret_count = used;
    if (fields == NULL)
        JS_ThrowOutOfMemory(context);
    return fields;
}

/* Of a request to a server or a sibling: its first two arguments are texts, then fields and body.
 */
struct services_request {
    struct services_text texts[3];
    char *fields;
    size_t field_bytes;
    const uint8_t *body;
    size_t body_bytes;
};

/* texts, then fields, then a body in bytes or null */
static bool services_take_request(JSContext *context,
                                  JSValueConst *values,
                                  int texts,
                                  struct services_request *request)
{
    for (int i = 0; i < texts; i++) {
        if (!services_take(context, values[i], &request->texts[i]))
            return false;
    }
    request->fields = services_fields(context, values[texts], &request->field_bytes);
    if (request->fields == NULL)
        return false;
    if (!JS_IsNull(values[texts + 1]))
        request->body = guest_bytes(context, values[texts + 1], &request->body_bytes);
    return JS_IsNull(values[texts + 1]) || request->body != NULL || request->body_bytes == 0;
}

/* (method, url, fields, body, flags, timeout in ms) -> handle */
static JSValue services_fetch(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_request request = {0};
    uint32_t flags;
    int64_t timeout_ms;
    if (guest_refuse_frozen(context, "fetch") ||
        !services_take_request(context, argv, 2, &request) ||
        JS_ToUint32(context, &flags, argv[4]) != 0 ||
        JS_ToInt64(context, &timeout_ms, argv[5]) != 0)
        return JS_EXCEPTION;
    int32_t handle =
        skerry_fetch_start(request.texts[0].data, request.texts[0].count, request.texts[1].data,
                           request.texts[1].count, request.fields, request.field_bytes,
                           request.body, request.body_bytes, flags, timeout_ms);
    free(request.fields);
    return services_handle(context, "fetch", handle);
}

/* (function, method, uri, fields, body) -> handle */
static JSValue services_call(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_request request = {0};
    if (guest_refuse_frozen(context, "a call of another function") ||
        !services_take_request(context, argv, 3, &request))
        return JS_EXCEPTION;
    int32_t handle =
        skerry_call_start(request.texts[0].data, request.texts[0].count, request.texts[1].data,
                          request.texts[1].count, request.texts[2].data, request.texts[2].count,
                          request.fields, request.field_bytes, request.body, request.body_bytes);
    free(request.fields);
    return services_handle(context, "a call of another function", handle);
}

static int64_t services_get_error(void *context, char *buffer, uint32_t limit)
{
    return skerry_fetch_error(*(const uint32_t *)context, buffer, limit);
}

static int64_t services_get_fields(void *context, char *buffer, uint32_t limit)
{
    return skerry_fetch_headers(*(const uint32_t *)context, buffer, limit);
}

static int64_t services_get_url(void *context, char *buffer, uint32_t limit)
{
    return skerry_fetch_url(*(const uint32_t *)context, buffer, limit);
}

/* In the words of who asked for us. */
static JSValue services_throw_fetch(JSContext *context, uint32_t handle, int64_t failure)
{
    int64_t count;
    char *text = guest_get(services_get_error, &handle, &count);
    if (text == NULL || count == 0)
        return guest_throw_failure(context, "fetch", failure);
    return JS_ThrowTypeError(context, "fetch failed: %.*s", (int)count, text);
}

static JSValue services_status(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    int32_t status = skerry_fetch_status(handle);
    return status < 0 ? services_throw_fetch(context, handle, status)
                      : JS_NewInt32(context, status);
}

static JSValue services_headers(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    int64_t count;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    char *fields = guest_get(services_get_fields, &handle, &count);
    JSValue list = JS_NewArray(context);
    uint32_t at = 0;
    for (char *text = fields; text != NULL && text < fields + count; text += strlen(text) + 1)
        JS_SetPropertyUint32(context, list, at++, JS_NewString(context, text));
    free(fields);
    return list;
}

static JSValue services_url(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    int64_t count;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    char *url = guest_get(services_get_url, &handle, &count);
    JSValue value = url == NULL ? JS_NewString(context, "") : JS_NewStringLen(context, url, count);
    free(url);
    return value;
}

/* (handle) -> bytes, or null at the end; waits unless the handle is ready */
static JSValue services_read(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    static uint8_t piece[SERVICES_KEYS_BYTES];
    uint32_t handle;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    int32_t count = skerry_fetch_read(handle, piece, sizeof(piece));
    if (count < 0)
        return services_throw_fetch(context, handle, count);
    return count == 0 ? JS_NULL : JS_NewUint8ArrayCopy(context, piece, (size_t)count);
}

/* (handle, bytes): all of them; waits for room */
static JSValue services_write(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    size_t count;
    const uint8_t *bytes = guest_bytes(context, argv[1], &count);
    if ((bytes == NULL && count > 0) || !services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    for (size_t done = 0; done < count;) {
        int32_t taken = skerry_fetch_body_write(handle, bytes + done, count - done);
        if (taken < 0)
            return services_throw_fetch(context, handle, taken);
        done += (size_t)taken;
    }
    return JS_UNDEFINED;
}

static JSValue services_end(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    (void)skerry_fetch_body_end(handle); /* how it ended is told by the answer */
    return JS_UNDEFINED;
}

static JSValue services_close(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    loop_forget(handle);
    (void)skerry_handle_close(handle);
    return JS_UNDEFINED;
}

/* ---- the key-value store --------------------------------------------------------------------- */

struct services_key {
    struct services_text text;
    int64_t version;
};

static int64_t services_get_value(void *context, char *buffer, uint32_t limit)
{
    struct services_key *key = context;
    return skerry_kv_get(key->text.data, key->text.count, buffer, limit, &key->version);
}

/* (key) -> bytes, or null */
static JSValue services_kv_get(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_key key;
    int64_t count;
    if (guest_refuse_frozen(context, "the key-value store") ||
        !services_take(context, argv[0], &key.text))
        return JS_EXCEPTION;
    char *value = guest_get(services_get_value, &key, &count);
    services_free(context, key.text);
    if (value == NULL)
        return count == SKERRY_NOT_FOUND ? JS_NULL : guest_throw_failure(context, "get", count);
    JSValue bytes = JS_NewUint8ArrayCopy(context, (const uint8_t *)value, (size_t)count);
    free(value);
    return bytes;
}

/* (key, bytes, time to live in ms) -> handle */
static JSValue services_kv_put(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_text key;
    size_t count;
    int64_t ttl_ms;
    if (guest_refuse_frozen(context, "the key-value store") ||
        !services_take(context, argv[0], &key))
        return JS_EXCEPTION;
    const uint8_t *value = guest_bytes(context, argv[1], &count);
    if ((value == NULL && count > 0) || JS_ToInt64(context, &ttl_ms, argv[2]) != 0)
        return JS_EXCEPTION;
    int32_t handle =
        skerry_kv_put_start(key.data, key.count, value, count, ttl_ms, SKERRY_ANY_VERSION);
    services_free(context, key);
    return services_handle(context, "put", handle);
}

static JSValue
services_kv_delete(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_text key;
    if (guest_refuse_frozen(context, "the key-value store") ||
        !services_take(context, argv[0], &key))
        return JS_EXCEPTION;
    int32_t handle = skerry_kv_delete_start(key.data, key.count, SKERRY_ANY_VERSION);
    services_free(context, key);
    return services_handle(context, "delete", handle);
}

/* (handle): of a change; what is not there is deleted already */
static JSValue
services_kv_finish(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t handle;
    if (!services_take_handle(context, argv[0], &handle))
        return JS_EXCEPTION;
    int32_t failure = skerry_kv_finish(handle, NULL);
    if (failure < 0 && failure != SKERRY_NOT_FOUND)
        return guest_throw_failure(context, "the key-value store", failure);
    return JS_UNDEFINED;
}

/* Two bytes that say how many follow, and those; false: there are none. */
static bool
services_next(const uint8_t *list, int32_t bytes, int32_t *at, struct services_text *ret)
{
    if (*at + 2 > bytes)
        return false;
    ret->count = list[*at] + list[*at + 1] * 256u;
    ret->data = (const char *)list + *at + 2;
    *at += 2 + (int32_t)ret->count;
    return *at <= bytes;
}

/* (prefix, after, mark, count) -> [key, head, ...]; none at the end. A head is the first `count`
 * bytes of a value that begins with `mark`, and null of another. */
static JSValue services_kv_list(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    static uint8_t keys[SERVICES_KEYS_BYTES];
    struct services_text prefix;
    struct services_text after;
    size_t mark_count;
    uint32_t head_max;
    const uint8_t *mark = guest_bytes(context, argv[2], &mark_count);
    if (mark == NULL || JS_ToUint32(context, &head_max, argv[3]) != 0)
        return JS_EXCEPTION;
    if (guest_refuse_frozen(context, "the key-value store") ||
        !services_take(context, argv[0], &prefix) || !services_take(context, argv[1], &after))
        return JS_EXCEPTION;
    int32_t bytes = skerry_kv_list_heads(prefix.data, prefix.count, after.data, after.count, keys,
                                         sizeof(keys), head_max);
    services_free(context, prefix);
    services_free(context, after);
    if (bytes < 0)
        return guest_throw_failure(context, "list", bytes);
    JSValue list = JS_NewArray(context);
    uint32_t found = 0;
    struct services_text key;
    struct services_text head;
    int32_t at = 0;
    while (services_next(keys, bytes, &at, &key) && services_next(keys, bytes, &at, &head)) {
        bool is_marked = head.count >= mark_count && memcmp(head.data, mark, mark_count) == 0;
        JS_SetPropertyUint32(context, list, found++, JS_NewStringLen(context, key.data, key.count));
        JS_SetPropertyUint32(
            context, list, found++,
            is_marked ? JS_NewUint8ArrayCopy(context, (const uint8_t *)head.data, head.count)
                      : JS_NULL);
    }
    return list;
}

/* ---- environment, log, random bytes ---------------------------------------------------------- */

static int64_t services_get_variable(void *context, char *buffer, uint32_t limit)
{
    const struct services_text *name = context;
    return skerry_env_get(name->data, name->count, buffer, limit);
}

static int64_t services_get_secret(void *context, char *buffer, uint32_t limit)
{
    const struct services_text *name = context;
    return skerry_secret_get(name->data, name->count, buffer, limit);
}

/* (name) -> the variable, or the secret, of that name, or undefined */
static JSValue services_env(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_text name;
    int64_t count;
    if (guest_refuse_frozen(context, "env") || !services_take(context, argv[0], &name))
        return JS_EXCEPTION;
    char *value = guest_get(services_get_variable, &name, &count);
    if (value == NULL)
        value = guest_get(services_get_secret, &name, &count);
    services_free(context, name);
    JSValue text = value == NULL ? JS_UNDEFINED : JS_NewStringLen(context, value, (size_t)count);
    free(value);
    return text;
}

static int64_t services_get_fact(void *context, char *buffer, uint32_t limit)
{
    return skerry_request_info(*(const uint32_t *)context, buffer, limit);
}

/* (enum skerry_request_fact) -> text */
static JSValue services_fact(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    uint32_t what;
    int64_t count;
    if (guest_refuse_frozen(context, "the request") || JS_ToUint32(context, &what, argv[0]) != 0)
        return JS_EXCEPTION;
    char *text = guest_get(services_get_fact, &what, &count);
    JSValue value = text == NULL ? JS_NULL : JS_NewStringLen(context, text, (size_t)count);
    free(text);
    return value;
}

/* (key, how many, in how many ms) -> may it be? */
static JSValue services_rate(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_text key;
    uint32_t limit;
    int64_t window_ms;
    if (guest_refuse_frozen(context, "a rate limit") || !services_take(context, argv[0], &key) ||
        JS_ToUint32(context, &limit, argv[1]) != 0 || JS_ToInt64(context, &window_ms, argv[2]) != 0)
        return JS_EXCEPTION;
    int32_t left = skerry_rate_limit(key.data, key.count, limit, window_ms);
    services_free(context, key);
    if (left < 0 && left != SKERRY_LIMIT)
        return guest_throw_failure(context, "limit", left);
    return JS_NewBool(context, left >= 0);
}

/* (level, text) */
static JSValue services_log(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct services_text text;
    int32_t level;
    if (JS_ToInt32(context, &level, argv[0]) != 0 || !services_take(context, argv[1], &text))
        return JS_EXCEPTION;
    skerry_log((enum skerry_log_level)level, text.data, text.count);
    services_free(context, text);
    return JS_UNDEFINED;
}

/* (Uint8Array of at most 65,536 bytes): filled */
static JSValue services_random(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    size_t count;
    if (guest_refuse_frozen(context, "a random number"))
        return JS_EXCEPTION;
    const uint8_t *bytes = guest_bytes(context, argv[0], &count);
    if (bytes == NULL && count > 0)
        return JS_EXCEPTION;
    int32_t failure = skerry_random((void *)(uintptr_t)bytes, count);
    return failure < 0 ? guest_throw_failure(context, "random bytes", failure) : JS_UNDEFINED;
}

/* Of Math: splitmix64, seeded anew by the first call of each request. */
static JSValue
services_random_number(JSContext *context, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc, (void)argv;
    static uint64_t state;
    static bool seeded;
    if (guest_refuse_frozen(context, "Math.random"))
        return JS_EXCEPTION;
    if (!seeded)
        seeded = skerry_random(&state, sizeof(state)) >= 0;
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t word = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    word ^= word >> 31;
    return JS_NewFloat64(context, (double)(word >> 11) * 0x1p-53);
}

void services_add(void)
{
    static const JSCFunctionListEntry functions[] = {
        GUEST_FUNCTION("fetch", 6, services_fetch),
        GUEST_FUNCTION("call", 5, services_call),
        GUEST_FUNCTION("fetchStatus", 1, services_status),
        GUEST_FUNCTION("fetchHeaders", 1, services_headers),
        GUEST_FUNCTION("fetchUrl", 1, services_url),
        GUEST_FUNCTION("fetchRead", 1, services_read),
        GUEST_FUNCTION("fetchWrite", 2, services_write),
        GUEST_FUNCTION("fetchEnd", 1, services_end),
        GUEST_FUNCTION("close", 1, services_close),
        GUEST_FUNCTION("kvGet", 1, services_kv_get),
        GUEST_FUNCTION("kvPut", 3, services_kv_put),
        GUEST_FUNCTION("kvDelete", 1, services_kv_delete),
        GUEST_FUNCTION("kvFinish", 1, services_kv_finish),
        GUEST_FUNCTION("kvList", 4, services_kv_list),
        GUEST_FUNCTION("env", 1, services_env),
        GUEST_FUNCTION("requestFact", 1, services_fact),
        GUEST_FUNCTION("rate", 3, services_rate),
        GUEST_FUNCTION("log", 2, services_log),
        GUEST_FUNCTION("random", 1, services_random),
        GUEST_FUNCTION("randomNumber", 0, services_random_number),
    };
    guest_add(functions, sizeof(functions) / sizeof(functions[0]));
}
