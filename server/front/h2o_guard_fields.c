/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block of headers of HTTP/2, given to libh2o's decoder field by field. [RFC 9113 8]
 *
 *   | :method | :path | ... | name value | name value | ...
 *        one call each; between two calls the counts are held against the limits
 *
 * Three ends: a block that is well-formed; one that is malformed, whose stream is reset; and a
 * request that is answered with a refusal. If the decoding was broken off for it, the table of the
 * client and ours have parted, so no more requests are taken on this connection.
 */

#include "server/front/h2o_guard.h"
#include "server/front/http2_fields.h"

#define FIELD_ROW_BYTES 32 /* counted for each field, as HPACK does */
#define PSEUDO_MAX      4
#define PSEUDO_ALL                                                                                 \
    (H2O_HPACK_PARSE_HEADERS_METHOD_EXISTS | H2O_HPACK_PARSE_HEADERS_SCHEME_EXISTS |               \
     H2O_HPACK_PARSE_HEADERS_PATH_EXISTS)

GUARD_EXPORT int h2o_hpack_parse_headers(h2o_req_t *req,
                                         h2o_hpack_header_table_t *table,
                                         const uint8_t *input,
                                         size_t input_count,
                                         int *pseudo_map,
                                         size_t *content_length,
                                         h2o_cache_digests_t **digests,
                                         const char **err_desc);

struct fields_block {
    h2o_req_t *req;
    h2o_hpack_header_table_t *table;
    const struct http1_rules *rules;
    struct bytes rest;
    int *pseudo_map; /* NULL once they may not come any more */
    size_t content_length;
    uint64_t total_bytes;
    uint32_t count;
    uint32_t length_count;
    enum refusal_reason refusal;
    bool is_broken_off;
    const char *err_desc;
};

/* ---- field by field -------------------------------------------------------------------------- */

static bool fields_break_off(struct fields_block *block, enum refusal_reason reason)
{
    block->refusal = reason;
    block->is_broken_off = true;
    return false;
}

/* After each field: false if it was one too many. */
static bool fields_count(struct fields_block *block, size_t headers_before, size_t length)
{
    const h2o_headers_t *headers = &block->req->headers;
    bool is_regular = headers->size > headers_before || length != SIZE_MAX;
    block->count++;
    if (length != SIZE_MAX) {
        block->content_length = length;
        block->length_count++;
    }
    if (is_regular)
        block->pseudo_map = NULL;
    if (headers->size > headers_before) {
        const h2o_header_t *last = &headers->entries[headers->size - 1];
        block->total_bytes += last->name->len + last->value.len + FIELD_ROW_BYTES;
    }
    if (block->count > HTTP1_FIELDS_MAX + PSEUDO_MAX)
        return fields_break_off(block, REFUSAL_HEADERS_MANY);
    if (block->total_bytes > block->rules->head_bytes_max)
        return fields_break_off(block, REFUSAL_HEADERS_LARGE);
    return true;
}

/* 0, or libh2o's error, which ends the connection. */
static int fields_decode(struct fields_block *block)
{
    if (block->rest.count > block->rules->head_bytes_max) {
        (void)fields_break_off(block, REFUSAL_HEADERS_LARGE);
        return 0;
    }
    while (block->rest.count > 0) {
        size_t count = http2_field_bytes(block->rest);
        size_t headers_before = block->req->headers.size;
        size_t length = SIZE_MAX;
        block->err_desc = NULL;
        int error = h2o_guard.parse_headers(block->req, block->table, block->rest.data,
                                            count > 0 ? count : block->rest.count,
                                            block->pseudo_map, &length, NULL, &block->err_desc);
        if (error == H2O_HTTP2_ERROR_INVALID_HEADER_CHAR)
            block->refusal = REFUSAL_VALUE;
        else if (error != 0)
            return error;
        if (count == 0)
            return H2O_HTTP2_ERROR_COMPRESSION;
        block->rest = bytes_make(block->rest.data + count, block->rest.count - count);
        if (!fields_count(block, headers_before, length))
            return 0;
    }
    return 0;
}

/* ---- what they mean together ----------------------------------------------------------------- */

static struct bytes fields_bytes(h2o_iovec_t vector)
{
    return bytes_make(vector.base, vector.len);
}

/* Takes Host out of the headers; false if it says something else than :authority, or twice. */
static bool fields_take_host(h2o_req_t *req)
{
    h2o_headers_t *headers = &req->headers;
    bool has_host = false;
    size_t kept = 0;
    for (size_t i = 0; i < headers->size; i++) {
        h2o_header_t *header = &headers->entries[i];
        if (header->name != &H2O_TOKEN_HOST->buf) {
            headers->entries[kept++] = *header;
            continue;
        }
        if (has_host ||
            (req->input.authority.base != NULL &&
             !bytes_equal_nocase(fields_bytes(req->input.authority), fields_bytes(header->value))))
            return false;
        has_host = true;
        req->input.authority = header->value;
    }
    headers->size = kept;
    return req->input.authority.base != NULL &&
           http1_is_authority(fields_bytes(req->input.authority));
}

static bool fields_is_path(const h2o_req_t *req)
{
    struct bytes path = fields_bytes(req->input.path);
    if (!http1_is_target(path))
        return false;
    if (path.count == 1 && path.data[0] == '*')
        return bytes_equal_text(fields_bytes(req->input.method), "OPTIONS");
    return path.data[0] == '/';
}

/* Of those that speak of the connection [RFC 9113 8.2.2] the two that libh2o lets pass. */
static bool fields_are_of_the_connection(const h2o_headers_t *headers)
{
    for (size_t i = 0; i < headers->size; i++) {
        struct bytes name = fields_bytes(*headers->entries[i].name);
        if (bytes_equal_text(name, "keep-alive") || bytes_equal_text(name, "proxy-connection"))
            return true;
    }
    return false;
}

/* HTTP/1 strips them, here they make a request malformed. [RFC 9113 8.2.1] */
static bool fields_have_blanks_around(const h2o_headers_t *headers)
{
    for (size_t i = 0; i < headers->size; i++) {
        struct bytes value = fields_bytes(headers->entries[i].value);
        if (bytes_trim(value).count != value.count)
            return true;
    }
    return false;
}

/* False: malformed. */
static bool fields_check(struct fields_block *block, h2o_http2_stream_t *stream)
{
    const h2o_req_t *req = block->req;
    struct bytes method = fields_bytes(req->input.method);
    size_t length = block->content_length;
    if (!http1_is_token(method) || !fields_is_path(req) || !fields_take_host(block->req) ||
        fields_are_of_the_connection(&req->headers) || fields_have_blanks_around(&req->headers))
        return false;
    if (block->length_count > 1 || (stream->_req_body == NULL && length != SIZE_MAX && length > 0))
        return false;
    if (method.count > HTTP1_METHOD_BYTES_MAX)
        block->refusal = REFUSAL_METHOD_LONG;
    else if (bytes_equal_text(method, "CONNECT") || bytes_equal_text(method, "TRACE"))
        block->refusal = REFUSAL_METHOD_OURS;
    else if (length != SIZE_MAX && length > block->rules->body_bytes_max)
        block->refusal = REFUSAL_BODY_LARGE;
    return true;
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void fields_set_missing(h2o_iovec_t *field, const char *text)
{
    if (field->base == NULL || field->len == 0)
        *field = h2o_iovec_init(text, strlen(text));
}

void h2o_guard_mark_refused(h2o_req_t *req, enum refusal_reason reason)
{
    static h2o_iovec_t no_name = {(char *)(uintptr_t) "", 0};
    fields_set_missing(&req->input.method, "-");
    fields_set_missing(&req->input.path, "/");
    if (req->input.scheme == NULL)
        req->input.scheme = &H2O_URL_SCHEME_HTTP;
    h2o_vector_reserve(&req->pool, &req->headers, 1);
    req->headers.entries[0] = (h2o_header_t){.name = &no_name, .value = {NULL, (size_t)reason}};
    req->headers.size = 1;
}

/* The request is handled at once, without its body. */
static void fields_refuse(struct fields_block *block, h2o_http2_stream_t *stream, int *pseudo_map)
{
    h2o_guard_mark_refused(block->req, block->refusal);
    *pseudo_map = PSEUDO_ALL;
    block->content_length = SIZE_MAX;
    if (stream->_req_body != NULL) {
        h2o_buffer_dispose(&stream->_req_body);
        stream->_req_body = NULL;
        h2o_guard_cut_body(h2o_guard.current, stream);
    }
    if (block->is_broken_off)
        h2o_guard_wind_down((h2o_http2_conn_t *)block->req->conn, H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM,
                            "too many headers");
}

/* ---- the door -------------------------------------------------------------------------------- */

/* They follow a body, mean nothing here, and are not the guest's to see as headers. */
static int fields_take_trailers(struct fields_block *block)
{
    size_t count = block->req->headers.size;
    int error = fields_decode(block);
    block->req->headers.size = count;
    if (error == 0 && block->is_broken_off)
        error = H2O_HTTP2_ERROR_ENHANCE_YOUR_CALM;
    if (error == 0 && block->refusal != REFUSAL_NONE)
        error = H2O_HTTP2_ERROR_PROTOCOL;
    return error;
}

GUARD_EXPORT int h2o_hpack_parse_headers(h2o_req_t *req,
                                         h2o_hpack_header_table_t *table,
                                         const uint8_t *input,
                                         size_t input_count,
                                         int *pseudo_map,
                                         size_t *content_length,
                                         h2o_cache_digests_t **digests,
                                         const char **err_desc)
{
    h2o_http2_stream_t *stream = h2o_guard_stream(req);
    ASSERT(h2o_guard.current != NULL);
    struct fields_block block = {
        .req = req,
        .table = table,
        .rules = &h2o_guard.current->front->rules,
        .rest = bytes_make(input, input_count),
        .pseudo_map = pseudo_map,
        .content_length = SIZE_MAX,
    };
    int error = pseudo_map == NULL ? fields_take_trailers(&block) : fields_decode(&block);
    *content_length = SIZE_MAX;
    *err_desc = block.err_desc;
    if (error != 0 || pseudo_map == NULL)
        return error;
    *err_desc = NULL;
    if (block.refusal == REFUSAL_NONE && !fields_check(&block, stream)) {
        *pseudo_map = 0; /* as if something were missing: the stream is reset */
        return 0;
    }
    if (block.refusal != REFUSAL_NONE)
        fields_refuse(&block, stream, pseudo_map);
    *content_length = block.content_length;
    return 0;
}
