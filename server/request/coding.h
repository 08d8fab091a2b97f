/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: an answer that goes out in a content coding, because its function says
 * `compress` and its client takes one [RFC 9110 8.4, 12.5.3].
 *
 * It is the last thing that happens to an answer, behind all guests. A whole one is encoded at
 * once; one in pieces has its encoder until its end. What would be more than 256 KiB at once goes
 * out as it is: a piece is 64 KiB unless the operator says more, and takes half a millisecond of
 * gzip.
 */
#ifndef SKERRY_SERVER_REQUEST_CODING_H
#define SKERRY_SERVER_REQUEST_CODING_H

#include "engine/base/bytes.h"
#include "server/request/encoder.h"

struct request;

/* Part of each request; all zeros: its answer goes out as the guest made it. */
struct request_coding {
    bool is_on;              /* the answer's length is not the guest's */
    struct encoder *encoder; /* of an answer in pieces */
    struct buffer output;    /* owned */
};

/* The answer is whole, its head final: what goes out of it is in `output`, if it is_on. */
void coding_encode_whole(struct request *request);
/* The same for one in pieces, none of which was sent. */
void coding_begin_stream(struct request *request);
/* What goes out in the place of a piece: valid until the next. */
struct bytes coding_encode_piece(struct request *request, struct bytes piece, bool is_last);
uint64_t coding_memory_bytes(const struct request *request);
/* The request ends. */
void coding_done(struct request *request);

#endif
