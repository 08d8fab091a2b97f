/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that has a coding already, is a part of one, says its digest or forbids it stays as it
 * is; so does what is small, or of a type that is compressed in itself. Events stay: their clients
 * are many, and each would have an encoder.
 *
 * A tenant with a bound on fuel pays CODING_FUEL for each byte that is encoded: about what an
 * interpreter could do in that time.
 */
#include "server/request/coding.h"

#include <string.h>

#include "deploy/deploy.h"
#include "server/assets/content.h"
#include "server/request/chain.h"
#include "server/request/quota.h"
#include "server/request/request.h"
#include "server/request/service.h"

#define CODING_BYTES_MIN 256
#define CODING_PIECE_MAX ((size_t)256 << 10) /* what is larger would keep others waiting */
#define CODING_FUEL      8

static const char *const coding_types[] = {
    "application/javascript",
    "application/json",
    "application/manifest+json",
    "application/wasm",
    "application/xml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/x-icon",
};

static const char *const coding_forbidden_by[] = {
    "content-encoding", "content-range", "content-digest", "repr-digest", "digest", "content-md5",
};

static bool coding_ends_with(struct bytes text, const char *end)
{
    size_t count = strlen(end);
    return text.count >= count &&
           bytes_equal_nocase(bytes_make(text.data + text.count - count, count),
                              bytes_of_text(end));
}

static bool coding_begins_with(struct bytes text, const char *begin)
{
    size_t count = strlen(begin);
    return text.count >= count &&
           bytes_equal_nocase(bytes_make(text.data, count), bytes_of_text(begin));
}

static bool coding_is_type(struct bytes content_type)
{
    struct bytes type = bytes_make(NULL, 0); /* without its parameters */
    (void)bytes_next_part(&content_type, ';', &type);
    if (coding_begins_with(type, "text/"))
        return !bytes_equal_nocase(type, bytes_of_text("text/event-stream"));
    if (coding_ends_with(type, "+json") || coding_ends_with(type, "+xml"))
        return true;
    for (size_t i = 0; i < COUNT_OF(coding_types); i++) {
        if (bytes_equal_nocase(type, bytes_of_text(coding_types[i])))
            return true;
    }
    return false;
}

static bool coding_is_transformable(const struct http_headers *headers)
{
    for (size_t i = 0; i < COUNT_OF(coding_forbidden_by); i++) {
        if (http_headers_find(headers, bytes_of_text(coding_forbidden_by[i])) != NULL)
            return false;
    }
    struct bytes directives = http_headers_value(headers, "cache-control");
    struct bytes directive;
    while (bytes_next_item(&directives, &directive)) {
        if (bytes_equal_nocase(directive, bytes_of_text("no-transform")))
            return false;
    }
    return true;
}

/* Could such an answer be encoded for some client? */
static bool coding_may(const struct request *request)
{
    const struct directory_function *function = chain_function(request);
    if (LIKELY(function == NULL || (function->entry.choices & DEPLOY_COMPRESS) == 0))
        return false;
    const struct http_exchange *http = &request->http;
    uint32_t status = http->status;
    if (request->caller != NULL || request->file.is_open)
        return false;
    if (status == 204 || status == 205 || status == 206 || status == 304)
        return false;
    return coding_is_type(http_headers_value(&http->response_headers, "content-type")) &&
           coding_is_transformable(&http->response_headers);
}

/* ENCODER_METHODS: the client takes none. */
static enum encoder_method coding_choose(const struct request *request)
{
    struct bytes accepted = http_headers_value(&request->http.request_headers, "accept-encoding");
    enum encoder_method best = ENCODER_METHODS;
    uint32_t best_weight = 0;
    for (size_t i = 0; i < ENCODER_METHODS; i++) {
        uint32_t weight = content_accepts(accepted, encoder_name((enum encoder_method)i));
        if (weight > best_weight) {
            best = (enum encoder_method)i;
            best_weight = weight;
        }
    }
    return best;
}

/* ---- heads ----------------------------------------------------------------------------------- */

/* Caches must not give this answer to others [RFC 9110 12.5.5]. */
static bool coding_vary(struct request *request)
{
    struct http_exchange *http = &request->http;
    return http_headers_add(http, &http->response_headers, bytes_of_text("vary"),
                            bytes_of_text("accept-encoding")) == STATUS_OK;
}

/* The same bytes no more: a strong validator becomes a weak one [RFC 9110 8.8.1]. */
static bool coding_weaken(struct request *request)
{
    struct http_exchange *http = &request->http;
    struct bytes etag = http_headers_value(&http->response_headers, "etag");
    if (etag.count == 0 || coding_begins_with(etag, "W/"))
        return true;
    uint8_t *weak = arena_alloc(&http->arena, etag.count + 2, 1);
    if (weak == NULL)
        return false;
    memcpy(weak, "W/", 2);
    memcpy(weak + 2, etag.data, etag.count);
    return http_headers_set(http, &http->response_headers, bytes_of_text("etag"),
                            bytes_make(weak, etag.count + 2)) == STATUS_OK;
}

static bool coding_say(struct request *request, enum encoder_method method)
{
    struct http_exchange *http = &request->http;
    return coding_weaken(request) &&
           http_headers_add(http, &http->response_headers, bytes_of_text("content-encoding"),
                            bytes_of_text(encoder_name(method))) == STATUS_OK;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static struct bytes
coding_run(struct request *request, struct encoder *encoder, struct bytes piece, bool is_last)
{
    struct buffer *output = &request->coding.output;
    ASSERT(output->capacity >= encoder_room(piece.count));
    if (request->function->bounded)
        quota_spend(request, piece.count * CODING_FUEL);
    output->count = encoder_piece(encoder, piece, is_last, output->data);
    return buffer_bytes(output);
}

static bool coding_reserve(struct request *request, size_t piece_max)
{
    struct buffer *output = &request->coding.output;
    buffer_init(output, encoder_room(piece_max));
    return buffer_reserve(output, encoder_room(piece_max)) == STATUS_OK;
}

void coding_encode_whole(struct request *request)
{
    struct bytes body = buffer_bytes(&request->http.response_body);
    if (LIKELY(!coding_may(request)) || !coding_vary(request))
        return;
    enum encoder_method method = coding_choose(request);
    if (method == ENCODER_METHODS)
        return;
    if (request->is_head) {
        request->coding.is_on = true;
        return;
    }
    if (body.count < CODING_BYTES_MIN || body.count > CODING_PIECE_MAX)
        return;
    struct encoders *encoders = &request->service->encoders;
    struct encoder *encoder = encoders_take(encoders, method);
    if (encoder == NULL)
        return;
    if (coding_reserve(request, body.count) &&
        coding_run(request, encoder, body, true).count < body.count)
        request->coding.is_on = coding_say(request, method);
    encoders_give_back(encoders, encoder);
}

void coding_begin_stream(struct request *request)
{
    if (LIKELY(!coding_may(request)) || !coding_vary(request))
        return;
    /* The first piece may be larger: a guest held it back until it was whole. */
    size_t piece_max = (size_t)MAX((uint64_t)request->http.response_body.count,
                                   request->service->config->limits.stream_buffer);
    if (piece_max > CODING_PIECE_MAX)
        return;
    enum encoder_method method = coding_choose(request);
    if (method == ENCODER_METHODS)
        return;
    struct request_coding *coding = &request->coding;
    struct encoders *encoders = &request->service->encoders;
    struct encoder *encoder = encoders_take(encoders, method);
    if (encoder == NULL)
        return;
    if (coding_reserve(request, piece_max) && coding_say(request, method)) {
        coding->encoder = encoder;
        coding->is_on = true;
    } else {
        encoders_give_back(encoders, encoder);
    }
}

struct bytes coding_encode_piece(struct request *request, struct bytes piece, bool is_last)
{
    if (LIKELY(request->coding.encoder == NULL) || (piece.count == 0 && !is_last))
        return piece;
    return coding_run(request, request->coding.encoder, piece, is_last);
}

uint64_t coding_memory_bytes(const struct request *request)
{
    const struct request_coding *coding = &request->coding;
    uint64_t encoder_bytes = coding->encoder == NULL ? 0 : encoder_memory_bytes(coding->encoder);
    return coding->output.capacity + encoder_bytes;
}

void coding_done(struct request *request)
{
    struct request_coding *coding = &request->coding;
    if (UNLIKELY(coding->encoder != NULL))
        encoders_give_back(&request->service->encoders, coding->encoder);
    coding->encoder = NULL;
    buffer_done(&coding->output);
}
