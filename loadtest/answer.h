/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one HTTP/1.x answer [RFC 9112], strictly, in pieces as they arrive.
 *
 *   HEAD --1xx--> HEAD      HEAD -> LENGTH ------------------------> DONE
 *                           HEAD -> CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -> CHUNK_SIZE
 *                                       |0
 *                                       +-> TRAILER ----------------> DONE
 *                           HEAD -> UNTIL_CLOSE ---- answer_eof ----> DONE
 *
 * A server under test may be broken or hostile: what RFC 9112 does not allow is an error
 * with its reason (bare LF, both lengths, two lengths, a second coding, ...), never a
 * guess; sizes and counts are bounded by limits.h. Nothing is allocated.
 */
#ifndef SKERRY_LOADTEST_ANSWER_H
#define SKERRY_LOADTEST_ANSWER_H

#include "engine/base/bytes.h"
#include "loadtest/server_timing.h"

enum answer_state {
    ANSWER_HEAD,
    ANSWER_LENGTH,
    ANSWER_CHUNK_SIZE,
    ANSWER_CHUNK_DATA,
    ANSWER_CHUNK_END,
    ANSWER_TRAILER,
    ANSWER_UNTIL_CLOSE,
    ANSWER_DONE,
    ANSWER_MALFORMED,
};

struct answer {
    enum answer_state state;
    bool to_head;           /* the request was HEAD: the answer has no body */
    bool keep_alive;        /* valid from DONE on */
    uint32_t http_status;   /* 0 until the final head was read */
    uint32_t interim_count; /* 1xx seen */
    uint64_t body_left;     /* of the length or the chunk */
    uint64_t body_bytes;    /* seen so far, without framing */
    uint64_t trailer_bytes;
    size_t scanned_bytes;     /* of the buffered head, known to hold no end */
    const char *error;        /* why it is MALFORMED; static text */
    struct buffer *kept_body; /* borrowed; takes the body's start up to its cap; NULL: none */
    struct server_timing timing;
};

void answer_init(struct answer *answer, bool to_head, struct buffer *kept_body);
/*
 * Reads from `data`, which starts with what the last call left unused, and returns how
 * many bytes are used up. Head and chunk lines are taken whole, so the caller keeps unused
 * bytes and brings more, in a buffer of LOADTEST_ANSWER_HEAD_BYTES.
 */
size_t answer_feed(struct answer *answer, struct bytes data);
/* The connection ended: DONE if that ends the answer, otherwise MALFORMED. */
void answer_eof(struct answer *answer);

#endif
