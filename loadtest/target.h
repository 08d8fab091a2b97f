/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where requests go: an http:// URL taken apart, or a Unix socket.
 *
 * `localhost` and every name below it (hello.default.localhost) is 127.0.0.1, decided
 * here and never asked of DNS [RFC 6761 6.3]. Other names are resolved once, because the
 * user named them.
 */
#ifndef SKERRY_LOADTEST_TARGET_H
#define SKERRY_LOADTEST_TARGET_H

#include <sys/socket.h>

#include "engine/base/bytes.h"
#include "loadtest/limits.h"

struct target {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    char authority[LOADTEST_URL_BYTES]; /* for the Host header: "hello.default.localhost:8080" */
    char path[LOADTEST_URL_BYTES];      /* path and query, begins with '/' */
    char place[LOADTEST_PATH_BYTES];    /* for people: "127.0.0.1:8080" or the socket's path */
};

/* USAGE if the URL is not one we can use; UNREACHABLE if its name does not resolve. */
NODISCARD enum status
target_from_url(const char *url, struct report *report, struct target *ret_target);
/* A Unix socket; authority is "localhost" and path "/". */
NODISCARD enum status
target_from_socket(const char *path, struct report *report, struct target *ret_target);

/* A request to be; all borrowed. */
struct target_request {
    const char *method;
    const char *path;           /* and query */
    const char *const *headers; /* "Name: value", each target_header_valid */
    uint32_t header_count;
    bool has_body; /* if so, a Content-Length is sent */
    const char *content_type;
    struct bytes body;
};

/* Appends the whole request as it goes over the wire. A Host header among `headers`
 * replaces the target's. */
NODISCARD enum status target_format_request(const struct target *target,
                                            const struct target_request *request,
                                            struct buffer *out);
/* Is it "Name: value" with a legal name and value, and not one that frames the message? */
bool target_header_valid(const char *header);
bool target_method_valid(const char *method);

#endif
