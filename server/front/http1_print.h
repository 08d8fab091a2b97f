/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first lines of an HTTP/1 answer, as libh2o 2.2.5 prints them by sprintf: the status line,
 * Date, Connection and Content-Length. There a fifth of the instructions of a whole warm request go
 * into the reading of a format that is always the same; h2o_guard.c does it by this instead.
 */
#ifndef SKERRY_SERVER_FRONT_HTTP1_PRINT_H
#define SKERRY_SERVER_FRONT_HTTP1_PRINT_H

#include "engine/base/bytes.h"

/* What libh2o formats; the second where it does not know the length. */
#define HTTP1_PRINT_STATUS     "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: %s\r\n"
#define HTTP1_PRINT_AND_LENGTH HTTP1_PRINT_STATUS "Content-Length: %zu\r\n"

struct http1_print {
    uint32_t status;
    const char *reason;
    const char *date;
    const char *connection;
    bool has_length;
    uint64_t length;
};

/* Writes no more than `text_size` with the NUL at the end; 0: there is no room. Returns the bytes
 * before the NUL. */
NODISCARD size_t http1_print(const struct http1_print *print, char *ret_text, size_t text_size);

#endif
