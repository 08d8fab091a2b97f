/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of the http-wasm handler ABI, for C and C++.
 *
 *   clang-19 --target=wasm32 -O2 -nostdlib -I hostapi/guest -Wl,--no-entry -o f.wasm f.c
 *
 * A function exports handle_request (SKERRY_EXPORT does that) and calls the functions below.
 * Whatever it leaves in memory is gone before the next request: each one starts from the bytes
 * that were there when the module was deployed, so nothing needs to be freed or cleared.
 *
 * Getters write at most `limit` bytes to `buffer` and return the length of the whole value; a
 * result above the limit means that nothing was written. Failures trap: there is no error code.
 */
#ifndef SKERRY_GUEST_H
#define SKERRY_GUEST_H

#include <stdint.h>

#define SKERRY_EXPORT(name) __attribute__((export_name(name), visibility("default")))
#define SKERRY_IMPORT(name) __attribute__((import_module("http_handler"), import_name(name)))

/* What handle_request returns: the answer is complete, or ask for the next handler. Skerry has
 * no next handler yet: asking for it makes a 404, which handle_response may change. */
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
};

SKERRY_IMPORT("get_method") uint32_t skerry_get_method(char *buffer, uint32_t limit);
/* Path and query as sent, "/" if empty, without the prefix that found the function. */
SKERRY_IMPORT("get_uri") uint32_t skerry_get_uri(char *buffer, uint32_t limit);
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

/* Bytes read in the low half; bit 32 is set when this was the end. Reads go on where the last
 * one stopped; a limit of 0 traps. */
SKERRY_IMPORT("read_body")
uint64_t skerry_read_body(enum skerry_body_kind kind, char *buffer, uint32_t limit);
/* Appends; the first write replaces what was there. */
SKERRY_IMPORT("write_body")
void skerry_write_body(enum skerry_body_kind kind, const char *data, uint32_t bytes);

SKERRY_IMPORT("set_status_code") void skerry_set_status(uint32_t status);
SKERRY_IMPORT("log")
void skerry_log(enum skerry_log_level level, const char *text, uint32_t bytes);

#endif
