/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call of hostapi/guest/skerry.h once, and copies that compilers make calls of: all of it
 * has to be there without a libc.
 */
#include "skerry.h"

struct text {
    char data[256];
    uint32_t count;
};

static void add(struct text *to, const char *data, uint32_t count)
{
    memcpy(to->data + to->count, data, count);
    to->count += count;
}

SKERRY_EXPORT("handle_request") uint64_t handle_request(void)
{
    struct text out;
    char piece[64];
    memset(&out, 0, sizeof(out));
    if (skerry_enable_features(SKERRY_BUFFER_REQUEST | SKERRY_BUFFER_RESPONSE) != 3)
        __builtin_trap();
    skerry_set_method("PATCH", 5);
    add(&out, piece, skerry_get_method(piece, sizeof(piece)));
    add(&out, " ", 1);
    skerry_set_uri("/new", 4);
    add(&out, piece, skerry_get_uri(piece, sizeof(piece)));
    add(&out, " ", 1);
    add(&out, piece, skerry_get_config(piece, sizeof(piece)));
    add(&out, " ", 1);
    add(&out, piece, (uint32_t)skerry_read_body(SKERRY_REQUEST_BODY, piece, sizeof(piece)));
    if (skerry_get_source_addr(piece, sizeof(piece)) == 0 ||
        skerry_get_protocol_version(piece, sizeof(piece)) != 8 || memcmp(piece, "HTTP/1.1", 8) != 0)
        __builtin_trap();
    memmove(piece + 1, piece, 8);
    if (memcmp(piece + 1, "HTTP/1.1", 8) != 0 ||
        skerry_get_header_names(SKERRY_REQUEST_HEADERS, piece, sizeof(piece)) == 0 ||
        skerry_get_header_values(SKERRY_REQUEST_HEADERS, "host", 4, piece, sizeof(piece)) == 0)
        __builtin_trap();
    skerry_set_header(SKERRY_RESPONSE_HEADERS, "x-kept", 6, "yes", 3);
    skerry_add_header(SKERRY_RESPONSE_HEADERS, "x-gone", 6, "no", 2);
    skerry_remove_header(SKERRY_RESPONSE_HEADERS, "x-gone", 6);
    skerry_set_status(201);
    if (skerry_get_status() != 201 || skerry_log_enabled(SKERRY_LOG_NONE) != 0)
        __builtin_trap();
    if (skerry_log_enabled(SKERRY_LOG_DEBUG))
        add(&out, " debug", 6);
    skerry_log(SKERRY_LOG_DEBUG, "told", 4);
    skerry_write_body(SKERRY_RESPONSE_BODY, out.data, out.count);
    skerry_write_body(SKERRY_RESPONSE_BODY, "\n", 1);
    return SKERRY_ANSWERED;
}

SKERRY_EXPORT("handle_response") void handle_response(uint32_t context, uint32_t is_error)
{
    (void)context;
    (void)is_error;
}
