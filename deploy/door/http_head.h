/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a request as RFC 9112 has it, and nothing else: what another server might read
 * otherwise is refused, because whoever reads it first decides who may speak.
 *
 * Refused: a bare LF, folding, a blank before a colon, control characters, two Host, two
 * Content-Length or Authorization, Content-Length beside Transfer-Encoding, a coding that is
 * not `chunked`, a target with a blank or a fragment.
 */
#ifndef SKERRY_DEPLOY_DOOR_HTTP_HEAD_H
#define SKERRY_DEPLOY_DOOR_HTTP_HEAD_H

#include "engine/base/bytes.h"
#include "engine/base/problem.h"

#define HTTP_HEAD_FIELDS_MAX 64

/* The fields that the door and the API look at; each may be there once. */
#define HTTP_HEAD_FIELDS(FIELD)                                                                    \
    FIELD(HOST, "host")                                                                            \
    FIELD(AUTHORIZATION, "authorization")                                                          \
    FIELD(CONNECTION, "connection")                                                                \
    FIELD(EXPECT, "expect")                                                                        \
    FIELD(CONTENT_LENGTH, "content-length")                                                        \
    FIELD(CONTENT_TYPE, "content-type")                                                            \
    FIELD(CONTENT_ENCODING, "content-encoding")                                                    \
    FIELD(TRANSFER_ENCODING, "transfer-encoding")                                                  \
    FIELD(ACCEPT, "accept")                                                                        \
    FIELD(LAST_EVENT_ID, "last-event-id")                                                          \
    FIELD(CONTENT_DIGEST, "content-digest")                                                        \
    FIELD(IF_MATCH, "if-match")                                                                    \
    FIELD(IDEMPOTENCY_KEY, "idempotency-key")                                                      \
    FIELD(SIGNATURE, "skerry-signature")

enum http_head_field {
#define FIELD(name, text) HTTP_HEAD_##name,
    HTTP_HEAD_FIELDS(FIELD)
#undef FIELD
        HTTP_HEAD_FIELD_COUNT
};

/* Views of the parsed text. */
struct http_head {
    struct bytes method;
    struct bytes target; /* "/path?query", or "*" */
    struct bytes host;   /* of the target if it has one, else of Host; NULL: none, in HTTP/1.0 */
    struct bytes fields[HTTP_HEAD_FIELD_COUNT]; /* trimmed values; data NULL: not there */
    uint64_t body_bytes;                        /* unless chunked */
    bool chunked;
    bool expects_continue;
    bool closes; /* the connection, after the answer */
};

/* Bytes up to the end of the head in `text`, from `*scanned` on, which is moved forward; 0 while
 * the end is not there. A bare LF ends it too: for http_head_parse to refuse. */
size_t http_head_end(struct bytes text, size_t *scanned);
/* `text` is a whole head with its end. False: a problem without its request's id. */
bool http_head_parse(struct bytes text, struct http_head *ret_head, struct problem *ret_problem);

#endif
