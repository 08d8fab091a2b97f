/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request, taken out of its framing [RFC 9112 6, 7.1].
 *
 *   counted:  data(left) --> DONE
 *   chunked:  size --> CR LF --> data(left) --> CR LF --> size ...   size 0 --> CR LF CR LF -->
 * DONE
 *
 * Chunk extensions and trailers are refused: no client of ours sends them.
 */
#ifndef SKERRY_DEPLOY_DOOR_HTTP_BODY_H
#define SKERRY_DEPLOY_DOOR_HTTP_BODY_H

#include "engine/base/bytes.h"

enum http_body_state {
    HTTP_BODY_DATA,
    HTTP_BODY_SIZE,
    HTTP_BODY_SIZE_LF,
    HTTP_BODY_DATA_CR,
    HTTP_BODY_DATA_LF,
    HTTP_BODY_END_CR,
    HTTP_BODY_END_LF,
    HTTP_BODY_DONE,
    HTTP_BODY_BAD,
};

struct http_body {
    enum http_body_state state;
    bool chunked;
    uint32_t digits; /* of the size being read */
    uint64_t left;   /* of the data, or of the chunk at hand */
};

void http_body_init(struct http_body *body, bool chunked, uint64_t bytes);
/* Takes from the front of `input` until it is used up, one run of data was found (`ret_data` is
 * a view of it, else empty), or the state is DONE or BAD; returns how much was used. */
size_t http_body_take(struct http_body *body, struct bytes input, struct bytes *ret_data);

#endif
