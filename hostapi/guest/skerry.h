/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of the http-wasm handler ABI and of the native API, for C and C++.
 *
 *   clang-19 --target=wasm32 -O2 -nostdlib -I hostapi/guest -Wl,--no-entry -o f.wasm f.c
 *
 * A function exports handle_request (SKERRY_EXPORT does that) and calls the functions below.
 * Whatever it leaves in memory is gone before the next request: each one starts from the bytes
 * that were there when the module was deployed, so nothing needs to be freed or cleared.
 *
 * memset, memcpy, memmove, memcmp and strlen, which compilers call by themselves, are here for
 * guests without a C library; where one is linked (wasi-libc), define SKERRY_HAVE_LIBC.
 *
 * Getters write at most `limit` bytes to `buffer` and return the length of the whole value; a
 * result above the limit means that nothing was written. Failures trap: there is no error code but
 * in the native API.
 */
#ifndef SKERRY_GUEST_H
#define SKERRY_GUEST_H

#include <stddef.h>
#include <stdint.h>
#ifdef SKERRY_HAVE_LIBC
#include <string.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SKERRY_HAVE_LIBC
size_t strlen(const char *text);
int memcmp(const void *a, const void *b, size_t count);
#endif

#define SKERRY_EXPORT(name) __attribute__((export_name(name), visibility("default")))
#define SKERRY_IMPORT(name) __attribute__((import_module("http_handler"), import_name(name)))

/* What handle_request returns: the answer is complete, or ask for the next handler: the next of
 * `steps`, or `origin`, in function.yaml; where there is none that makes a 404, which
 * handle_response may change. */
#define SKERRY_ANSWERED UINT64_C(0)
#define SKERRY_NEXT     UINT64_C(1)

enum skerry_header_kind {
    SKERRY_REQUEST_HEADERS = 0,
    SKERRY_RESPONSE_HEADERS = 1,
    SKERRY_REQUEST_TRAILERS = 2,
    SKERRY_RESPONSE_TRAILERS = 3,
};

enum skerry_body_kind {
    SKERRY_REQUEST_BODY = 0,
    SKERRY_RESPONSE_BODY = 1,
};

enum skerry_log_level {
    SKERRY_LOG_DEBUG = -1,
    SKERRY_LOG_INFO = 0,
    SKERRY_LOG_WARN = 1,
    SKERRY_LOG_ERROR = 2,
    SKERRY_LOG_NONE = 3,
};

enum skerry_feature {
    SKERRY_BUFFER_REQUEST = 1,  /* the request's body may be read in handle_response */
    SKERRY_BUFFER_RESPONSE = 2, /* the response may be read, and changed in handle_response */
};

/* Turns features on for this request; returns those that there are. */
SKERRY_IMPORT("enable_features") uint32_t skerry_enable_features(uint32_t features);
/* The configuration that came with the module: `skerry deploy -c`. A start function or
 * initialiser that reads it freezes it. */
SKERRY_IMPORT("get_config") uint32_t skerry_get_config(char *buffer, uint32_t limit);

SKERRY_IMPORT("get_method") uint32_t skerry_get_method(char *buffer, uint32_t limit);
SKERRY_IMPORT("set_method") void skerry_set_method(const char *method, uint32_t bytes);
/* Path and query as sent, "/" if empty, without the prefix that found the function. */
SKERRY_IMPORT("get_uri") uint32_t skerry_get_uri(char *buffer, uint32_t limit);
/* Encoded, and beginning with a slash. */
SKERRY_IMPORT("set_uri") void skerry_set_uri(const char *uri, uint32_t bytes);
/* "ip:port" */
SKERRY_IMPORT("get_source_addr") uint32_t skerry_get_source_addr(char *buffer, uint32_t limit);
SKERRY_IMPORT("get_protocol_version")
uint32_t skerry_get_protocol_version(char *buffer, uint32_t limit);

/* Names or values, each ended by NUL: count in the high half, bytes in the low half. */
SKERRY_IMPORT("get_header_names")
uint64_t skerry_get_header_names(enum skerry_header_kind kind, char *buffer, uint32_t limit);
SKERRY_IMPORT("get_header_values")
uint64_t skerry_get_header_values(enum skerry_header_kind kind,
                                  const char *name,
                                  uint32_t name_bytes,
                                  char *buffer,
                                  uint32_t limit);
SKERRY_IMPORT("set_header_value")
void skerry_set_header(enum skerry_header_kind kind,
                       const char *name,
                       uint32_t name_bytes,
                       const char *value,
                       uint32_t value_bytes);
SKERRY_IMPORT("add_header_value")
void skerry_add_header(enum skerry_header_kind kind,
                       const char *name,
                       uint32_t name_bytes,
                       const char *value,
                       uint32_t value_bytes);

SKERRY_IMPORT("remove_header")
void skerry_remove_header(enum skerry_header_kind kind, const char *name, uint32_t name_bytes);

/* Bytes read in the low half; bit 32 is set when this was the end. Reads go on where the last
 * one stopped; a limit of 0 traps. */
SKERRY_IMPORT("read_body")
uint64_t skerry_read_body(enum skerry_body_kind kind, char *buffer, uint32_t limit);
/* Appends; the first write replaces what was there. */
SKERRY_IMPORT("write_body")
void skerry_write_body(enum skerry_body_kind kind, const char *data, uint32_t bytes);

SKERRY_IMPORT("get_status_code") uint32_t skerry_get_status(void);
SKERRY_IMPORT("set_status_code") void skerry_set_status(uint32_t status);
SKERRY_IMPORT("log")
void skerry_log(enum skerry_log_level level, const char *text, uint32_t bytes);
/* 0: what is logged at this level is dropped; debug is, but for `skerry deploy --debug-log`. */
SKERRY_IMPORT("log_enabled") uint32_t skerry_log_enabled(enum skerry_log_level level);

/* ---- the native API: docs/abi-skerry.md ------------------------------------------------------ */

#define SKERRY_NATIVE(name) __attribute__((import_module("skerry"), import_name(name)))

/* What these answer when they fail; where nothing else is said, they answer at least 0 else. */
enum skerry_error {
    SKERRY_INVALID = -1,
    SKERRY_NOT_FOUND = -2,
    SKERRY_DENIED = -3,
    SKERRY_LIMIT = -4,
    SKERRY_CONFLICT = -5,
    SKERRY_UNAVAILABLE = -6,
    SKERRY_TIMEOUT = -7,
    SKERRY_CANCELLED = -8,
    SKERRY_TOO_LARGE = -9,
    SKERRY_UNSUPPORTED = -10,
    SKERRY_CLOSED = -11,
    SKERRY_FAILED = -12,
};

/* Of the function's environment: how long the value is; more than `limit`: it was not written. */
SKERRY_NATIVE("env_get_v1")
int32_t skerry_env_get(const char *name, uint32_t name_bytes, char *buffer, uint32_t limit);
/*
 * For commands that export _start: run once up to here when they are deployed, and frozen; each
 * request goes on from here, with its own stdin, arguments, environment, time and random bytes. 1:
 * this is such a request; 0: nothing was frozen. With a C library, what it keeps of the environment
 * is still the empty one: skerry_checkpoint_libc.
 */
SKERRY_NATIVE("checkpoint_v1") int32_t skerry_checkpoint(void);
#ifdef __wasi__
/* For programs with wasi-libc: getenv and environ then have the request's environment. */
#include <wasi/libc-environ.h>
static inline int32_t skerry_checkpoint_libc(void)
{
    int32_t went_on = skerry_checkpoint();
    __wasilibc_deinitialize_environ();
    __wasilibc_maybe_reinitialize_environ_eagerly();
    return went_on;
}
#endif
/* Adds to a counter in the server's metrics; a name of a-z, 0-9 and _. */
SKERRY_NATIVE("counter_add_v1")
int32_t skerry_counter_add(const char *name, uint32_t bytes, int64_t amount);
/* How many more there may be of the key in the last milliseconds, or SKERRY_LIMIT. */
SKERRY_NATIVE("rate_limit_v1")
int32_t skerry_rate_limit(const char *key, uint32_t bytes, uint32_t limit, int64_t window_ms);
/* The key-value store of the tenant: see docs/abi-skerry.md. Version: SKERRY_ANY_VERSION, or 0 for
 * a key that must not be there, or the one that it has. */
#define SKERRY_ANY_VERSION INT64_C(-1)

struct skerry_kv_result {
    int64_t version;
    int64_t sum;
};

SKERRY_NATIVE("kv_get_v1")
int32_t
skerry_kv_get(const char *key, uint32_t bytes, void *buffer, uint32_t limit, int64_t *ret_version);
/* Each key is its length in two bytes, low byte first, then its bytes. */
SKERRY_NATIVE("kv_list_v1")
int32_t skerry_kv_list(const char *prefix,
                       uint32_t bytes,
                       const char *after,
                       uint32_t after_bytes,
                       void *buffer,
                       uint32_t limit);
/* The same, and behind each key the first `head` bytes of its value, after their number. */
SKERRY_NATIVE("kv_list_heads_v1")
int32_t skerry_kv_list_heads(const char *prefix,
                             uint32_t bytes,
                             const char *after,
                             uint32_t after_bytes,
                             void *buffer,
                             uint32_t limit,
                             uint32_t head);
SKERRY_NATIVE("kv_put_v1")
int64_t skerry_kv_put(const char *key,
                      uint32_t bytes,
                      const void *value,
                      uint32_t value_bytes,
                      int64_t ttl_ms,
                      int64_t version);
SKERRY_NATIVE("kv_put_start_v1")
int32_t skerry_kv_put_start(const char *key,
                            uint32_t bytes,
                            const void *value,
                            uint32_t value_bytes,
                            int64_t ttl_ms,
                            int64_t version);
SKERRY_NATIVE("kv_delete_v1")
int32_t skerry_kv_delete(const char *key, uint32_t bytes, int64_t version);
SKERRY_NATIVE("kv_delete_start_v1")
int32_t skerry_kv_delete_start(const char *key, uint32_t bytes, int64_t version);
SKERRY_NATIVE("kv_add_v1")
int32_t skerry_kv_add(const char *key, uint32_t bytes, int64_t number, int64_t *ret_sum);
SKERRY_NATIVE("kv_add_start_v1")
int32_t skerry_kv_add_start(const char *key, uint32_t bytes, int64_t number);
SKERRY_NATIVE("kv_finish_v1")
int32_t skerry_kv_finish(uint32_t handle, struct skerry_kv_result *ret_result);
/* Cryptography, one operation of those in docs/abi-skerry.md. An argument is its length in four
 * bytes, low byte first, then its bytes. SKERRY_TOO_LARGE: the buffer has no room. */
SKERRY_NATIVE("crypto_v1")
int32_t skerry_crypto(
    uint32_t operation, const void *arguments, uint32_t bytes, void *buffer, uint32_t limit);
/* A secret of the function; as above. Waits; copy it nowhere. */
SKERRY_NATIVE("secret_get_v1")
int32_t skerry_secret_get(const char *name, uint32_t name_bytes, char *buffer, uint32_t limit);
/* Another function of the tenant is called, without the network; the handle is read by
 * skerry_fetch_status and so on. */
SKERRY_NATIVE("call_start_v1")
int32_t skerry_call_start(const char *function,
                          uint32_t function_bytes,
                          const char *method,
                          uint32_t method_bytes,
                          const char *uri,
                          uint32_t uri_bytes,
                          const char *fields,
                          uint32_t fields_bytes,
                          const void *body,
                          uint32_t body_bytes);
/* The same, and waits for the answer. */
SKERRY_NATIVE("call_v1")
int32_t skerry_call(const char *function,
                    uint32_t function_bytes,
                    const char *method,
                    uint32_t method_bytes,
                    const char *uri,
                    uint32_t uri_bytes,
                    const char *fields,
                    uint32_t fields_bytes,
                    const void *body,
                    uint32_t body_bytes);
/* One line. Fields are "name", NUL, "value", NUL, and so on; names of a-z, 0-9 and _. */
SKERRY_NATIVE("log_v1")
int32_t skerry_log_fields(enum skerry_log_level level,
                          const char *text,
                          uint32_t bytes,
                          const char *fields,
                          uint32_t fields_bytes);
/* Nanoseconds: 0 since 1970, 1 of a clock that never goes back. They stand still in a slice. */
SKERRY_NATIVE("time_now_v1") int64_t skerry_time_now(uint32_t clock);
/* At most 65,536 bytes. */
SKERRY_NATIVE("random_v1") int32_t skerry_random(void *buffer, uint32_t bytes);
/* Of the request, as the buffer's calls do: its scheme as the client speaks it, the host that it
 * asked for, tenant, function, "1" if a handler stands behind this one or "0", the version of TLS,
 * and what this server is called. */
enum skerry_request_fact {
    SKERRY_REQUEST_SCHEME = 0,
    SKERRY_REQUEST_AUTHORITY = 1,
    SKERRY_REQUEST_TENANT = 2,
    SKERRY_REQUEST_FUNCTION = 3,
    SKERRY_REQUEST_HAS_NEXT = 4,
    SKERRY_REQUEST_TLS = 5,
    SKERRY_REQUEST_NODE = 6,
};
SKERRY_NATIVE("request_info_v1")
int32_t skerry_request_info(enum skerry_request_fact what, char *buffer, uint32_t limit);
/* What is written of the response goes out, its head first. Whoever waits for something else need
 * not ask. SKERRY_UNSUPPORTED: this response is sent when it is whole. */
SKERRY_NATIVE("response_flush_v1") int32_t skerry_response_flush(void);
/* Which of the handles is ready, from 0; SKERRY_TIMEOUT. Less than 0 milliseconds: for ever. */
SKERRY_NATIVE("wait_v1")
int32_t skerry_wait(const uint32_t *handles, uint32_t count, int64_t timeout_ms);
/* Ends what the handle is of, if it is under way. */
SKERRY_NATIVE("handle_close_v1") int32_t skerry_handle_close(uint32_t handle);

/* Requests to other servers: those that `outbound` in function.yaml lists. Fields are "name", NUL,
 * "value", NUL, and so on, of an answer with names in lower case. Timeout in milliseconds: 0 for
 * the longest (limits.outbound_wall). */
enum skerry_fetch_flag {
    SKERRY_FETCH_BODY = 1,   /* more of the body comes by skerry_fetch_body_write */
    SKERRY_FETCH_FOLLOW = 2, /* redirects are followed */
};
/* Asks, and goes on: a handle, which is ready when there is something of the answer. */
SKERRY_NATIVE("fetch_start_v1")
int32_t skerry_fetch_start(const char *method,
                           uint32_t method_bytes,
                           const char *url,
                           uint32_t url_bytes,
                           const char *fields,
                           uint32_t fields_bytes,
                           const void *body,
                           uint32_t body_bytes,
                           uint32_t flags,
                           int64_t timeout_ms);
/* The same, and waits for the head of the answer. */
SKERRY_NATIVE("fetch_v1")
int32_t skerry_fetch(const char *method,
                     uint32_t method_bytes,
                     const char *url,
                     uint32_t url_bytes,
                     const char *fields,
                     uint32_t fields_bytes,
                     const void *body,
                     uint32_t body_bytes,
                     uint32_t flags,
                     int64_t timeout_ms);
/* Waits for the head, and answers its status. */
SKERRY_NATIVE("fetch_status_v1") int32_t skerry_fetch_status(uint32_t fetch);
/* The value of a header; of several with this name, the one at `index` from 0. */
SKERRY_NATIVE("fetch_header_v1")
int32_t skerry_fetch_header(uint32_t fetch,
                            const char *name,
                            uint32_t name_bytes,
                            uint32_t index,
                            char *buffer,
                            uint32_t limit);
/* All of them, as fields. */
SKERRY_NATIVE("fetch_headers_v1")
int32_t skerry_fetch_headers(uint32_t fetch, char *buffer, uint32_t limit);
/* Where the answer comes from, after redirects. */
SKERRY_NATIVE("fetch_url_v1")
int32_t skerry_fetch_url(uint32_t fetch, char *buffer, uint32_t limit);
/* What went wrong, in words. */
SKERRY_NATIVE("fetch_error_v1")
int32_t skerry_fetch_error(uint32_t fetch, char *buffer, uint32_t limit);
/* Waits for more of the body, and answers how many bytes were written to the buffer; 0: the end. */
SKERRY_NATIVE("fetch_read_v1")
int32_t skerry_fetch_read(uint32_t fetch, void *buffer, uint32_t limit);
/* Waits for room, and answers how many bytes were taken. */
SKERRY_NATIVE("fetch_body_write_v1")
int32_t skerry_fetch_body_write(uint32_t fetch, const void *data, uint32_t bytes);
SKERRY_NATIVE("fetch_body_end_v1") int32_t skerry_fetch_body_end(uint32_t fetch);

/* ---- in fewer words: texts that end with NUL ------------------------------------------------ */

/* In a function that never asks for the next handler: the export that has to be there. */
#define SKERRY_NO_RESPONSE_HANDLER                                                                 \
    SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)     \
    {                                                                                              \
        (void)context;                                                                             \
        (void)is_error;                                                                            \
    }

/* More of the response's body. */
static inline void skerry_say(const char *text)
{
    skerry_write_body(SKERRY_RESPONSE_BODY, text, (uint32_t)__builtin_strlen(text));
}

static inline void skerry_say_number(int64_t number)
{
    char digits[20];
    uint32_t at = sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    skerry_write_body(SKERRY_RESPONSE_BODY, digits + at, (uint32_t)sizeof(digits) - at);
}

/* A header of the response. */
static inline void skerry_say_header(const char *name, const char *value)
{
    skerry_set_header(SKERRY_RESPONSE_HEADERS, name, (uint32_t)__builtin_strlen(name), value,
                      (uint32_t)__builtin_strlen(value));
}

/* An answer of a few words. */
static inline uint64_t skerry_answer(uint32_t status, const char *text)
{
    skerry_set_status(status);
    skerry_say_header("content-type", "text/plain");
    skerry_say(text);
    return SKERRY_ANSWERED;
}

/* True: the first header of the request with this name is in the buffer, with a NUL behind it.
 * False: there is none, or not enough room. */
static inline int
skerry_request_header(const char *name, char *buffer, uint32_t limit, uint32_t *ret_bytes)
{
    uint64_t found = skerry_get_header_values(SKERRY_REQUEST_HEADERS, name,
                                              (uint32_t)__builtin_strlen(name), buffer, limit);
    if (found >> 32 == 0 || (uint32_t)found > limit)
        return 0;
    *ret_bytes = (uint32_t)__builtin_strlen(buffer);
    return 1;
}

/* The path, without the query, with a NUL behind it. False: it has not enough room. */
static inline int skerry_path(char *buffer, uint32_t limit, uint32_t *ret_bytes)
{
    uint32_t bytes = skerry_get_uri(buffer, limit);
    uint32_t end = 0;
    while (end < bytes && bytes < limit && buffer[end] != '?')
        end++;
    if (bytes >= limit)
        return 0;
    buffer[end] = '\0';
    *ret_bytes = end;
    return 1;
}

/* How much of the request's body is in the buffer: all, unless there is no more room. */
static inline uint32_t skerry_request_body(char *buffer, uint32_t limit)
{
    uint32_t bytes = 0;
    uint64_t got = 0;
    while (bytes < limit && got >> 32 == 0) {
        got = skerry_read_body(SKERRY_REQUEST_BODY, buffer + bytes, limit - bytes);
        bytes += (uint32_t)got;
    }
    return bytes;
}

static inline int skerry_texts_equal(const char *a, const char *b)
{
    size_t bytes = __builtin_strlen(a);
    return bytes == __builtin_strlen(b) && __builtin_memcmp(a, b, bytes) == 0;
}

#ifndef SKERRY_HAVE_LIBC
/* Weak, so that each file may have them; without builtins, so that they do not call themselves. */
#define SKERRY_MEMORY __attribute__((weak, no_builtin))

SKERRY_MEMORY void *memset(void *to, int byte, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((unsigned char *)to)[i] = (unsigned char)byte;
    return to;
}

SKERRY_MEMORY void *memcpy(void *to, const void *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    return to;
}

SKERRY_MEMORY void *memmove(void *to, const void *from, size_t count)
{
    if ((uintptr_t)to <= (uintptr_t)from)
        return memcpy(to, from, count);
    for (size_t i = count; i > 0; i--)
        ((unsigned char *)to)[i - 1] = ((const unsigned char *)from)[i - 1];
    return to;
}

SKERRY_MEMORY size_t strlen(const char *text)
{
    size_t bytes = 0;
    while (text[bytes] != '\0')
        bytes++;
    return bytes;
}

SKERRY_MEMORY int memcmp(const void *a, const void *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int order = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
        if (order != 0)
            return order;
    }
    return 0;
}
#endif

#ifdef __cplusplus
}
#endif

#endif
