/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this folder share about exchanges, beyond hostapi.h: rules for names
 * and values, copies into the request's arena, and the guest's log.
 *
 * A log is lines of "level text". A line may grow by pieces, because guests write to stdout
 * and stderr by pieces: it is open while the log's last byte is no newline. Fields that a line has
 * follow its text, each after an HTTP_LOG_FIELD.
 */
#ifndef SKERRY_HOSTAPI_EXCHANGE_H
#define SKERRY_HOSTAPI_EXCHANGE_H

#include "hostapi/hostapi.h"

/* Into the exchange's arena; false over its cap. */
NODISCARD bool
exchange_copy(struct http_exchange *exchange, struct bytes text, struct bytes *ret_copy);
/* What has come of the request's body from `at` on. */
struct bytes exchange_body_from(const struct http_exchange *exchange, uint64_t at);
/* Whoever has read up to `at`, and wants more: has he to wait for it? */
bool exchange_body_waits(const struct http_exchange *exchange, uint64_t at);
/*
 * Adds a piece to the response's body; `piece` becomes the rest that there is no room for now,
 * which only a response that streams has: wait for room, then go on. LIMIT: more than
 * limits.response in all; INVALID: more than the Content-Length that has gone out. Then nothing
 * was added.
 */
NODISCARD enum status exchange_write(struct http_exchange *exchange, struct bytes *piece);
/* What a guest is told if that was refused. */
const char *exchange_write_refusal(enum status status);
/* What a handler wrote before this one is forgotten, as far as it has not gone out. */
void exchange_replace_body(struct http_exchange *exchange);
/* The response is complete: takes out headers that only the server may set, and keeps what they
 * say of a body that is not there. */
void exchange_seal(struct http_exchange *exchange);

/* Appends a piece of a stream; `continues` if the open line, if any, is this stream's. */
void exchange_log_piece(struct http_exchange *exchange,
                        const char *level,
                        struct bytes piece,
                        bool continues);
/* What goes with a line: names as exchange_is_field_name has them. */
struct http_log_fields {
    uint32_t count;
    struct http_header rows[HTTP_LOG_FIELDS_MAX];
};
/* 1 to 32 of a-z, 0-9 and _, beginning with a letter. */
bool exchange_is_field_name(struct bytes name);
/* One line, whatever is in the text. */
void exchange_log_fields(struct http_exchange *exchange,
                         const char *level,
                         struct bytes text,
                         const struct http_log_fields *fields);

#endif
