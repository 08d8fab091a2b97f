/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to server/: a strict reader of HTTP/1 requests, head and chunks. [RFC 9112]
 *
 * It knows no server and allocates nothing: views into the caller's bytes come out, or the one
 * reason why the request is refused. What two readers could understand differently is refused,
 * so that nothing can be smuggled past a proxy: lengths twice or beside a coding, folded lines,
 * bare line feeds, blanks before a colon, two hosts.
 */
#ifndef SKERRY_SERVER_FRONT_HTTP1_PARSE_H
#define SKERRY_SERVER_FRONT_HTTP1_PARSE_H

#include "engine/base/bytes.h"
#include "server/front/refusals.h"

#define HTTP1_FIELDS_MAX       100
#define HTTP1_METHOD_BYTES_MAX 32
#define HTTP1_EXTRA_BYTES_MAX  4096 /* chunk extensions and trailers of one body, together */

/* Laid out as libh2o's parser lays it out: h2o_guard.c hands it the array as it is. */
struct http1_field {
    const char *name;
    size_t name_count;
    const char *value; /* without blanks around it */
    size_t value_count;
};

struct http1_rules {
    size_t head_bytes_max;
    uint64_t body_bytes_max;
};

struct http1_head {
    struct bytes method; /* this and target: as far as they were read before a refusal */
    struct bytes target;
    struct bytes host; /* data NULL: none */
    size_t head_bytes; /* the blank line and what stands before the request line included */
    uint64_t content_length;
    uint32_t field_count;
    uint8_t minor; /* of the version, 0 or 1 */
    bool has_length;
    bool is_chunked;
    bool is_continue_expected;
    bool says_close; /* of its connection */
    bool says_keep_alive;
    enum refusal_reason refusal; /* of HTTP1_REFUSED */
};

enum http1_outcome { HTTP1_COMPLETE, HTTP1_INCOMPLETE, HTTP1_REFUSED };

/*
 * Reads a head from the front of `input`, whose first `seen` bytes were there at the last call,
 * which said HTTP1_INCOMPLETE. Fields that must not have an effect are left out: Upgrade and what
 * belongs to it, and Expect of HTTP/1.0.
 */
enum http1_outcome http1_parse_head(struct bytes input,
                                    size_t seen,
                                    const struct http1_rules *rules,
                                    struct http1_field fields[HTTP1_FIELDS_MAX],
                                    struct http1_head *ret_head);

/* Does its connection end behind its answer? [RFC 9112 9.3] */
static inline bool http1_is_last(const struct http1_head *head)
{
    return head->says_close || (head->minor == 0 && !head->says_keep_alive);
}

/* A host name or address, with or without a port. [RFC 3986 3.2.2] */
bool http1_is_authority(struct bytes text);
/* Characters that a method may have. [RFC 9110 5.6.2] */
bool http1_is_token(struct bytes text);
/* Characters that a request target may have, none of them '#'. */
bool http1_is_target(struct bytes text);

/* Zeroed before the first call. As large as libh2o's own, in whose place it is kept. */
struct http1_chunks {
    uint64_t left;        /* bytes of this chunk still to come */
    uint8_t libh2o_flag;  /* set by libh2o, which wants the trailers to be read: they always are */
    uint8_t digit_count;  /* of this chunk's size */
    uint8_t state;        /* enum http1_chunks_state */
    uint8_t refusal;      /* enum refusal_reason, of HTTP1_REFUSED */
    uint32_t extra_bytes; /* extensions and trailers so far */
};

/*
 * Decodes in place: `*count` bytes at `data` become `*ret_decoded` bytes of the body at the same
 * place. HTTP1_COMPLETE: the `*ret_left` bytes that follow the body, moved behind the decoded ones,
 * are not its own. The result does not depend on how the body was cut into calls.
 */
enum http1_outcome http1_decode_chunks(
    struct http1_chunks *chunks, char *data, size_t count, size_t *ret_decoded, size_t *ret_left);

#endif
