/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Line by line, once; no line is looked at again.
 */
#include "deploy/door/http_head.h"

#include <ctype.h>
#include <strings.h>

#define HTTP_HEAD_LENGTH_DIGITS 18 /* of a Content-Length: 10^18 and more cannot overflow */

static const char *const http_head_names[] = {
#define FIELD(name, text) text,
    HTTP_HEAD_FIELDS(FIELD)
#undef FIELD
};

struct http_head_parser {
    struct bytes rest;
    struct http_head head;
    struct problem *problem;
    bool is_1_0;
    uint32_t field_count;
};

size_t http_head_end(struct bytes text, size_t *scanned)
{
    size_t at = *scanned;
    for (; at < text.count; at++) {
        if (text.data[at] != '\n')
            continue;
        bool bare = at == 0 || text.data[at - 1] != '\r';
        bool proper = at > 2 && memcmp(text.data + at - 3, "\r\n\r", 3) == 0;
        if (bare || proper) {
            *scanned = 0;
            return at + 1;
        }
    }
    *scanned = at;
    return 0;
}

static bool
http_head_refuse(struct http_head_parser *parser, int status, const char *code, const char *detail)
{
    *parser->problem = (struct problem){
        .status = (uint32_t)status, .code = code, .detail = detail, .offset = REPORT_OFFSET_NONE};
    return false;
}

static bool http_head_bad(struct http_head_parser *parser, const char *detail)
{
    return http_head_refuse(parser, 400, "bad_request", detail);
}

/* The next line without its CRLF; false, and refused, if it ends otherwise. */
static bool http_head_line(struct http_head_parser *parser, struct bytes *ret_line)
{
    const uint8_t *end = memchr(parser->rest.data, '\n', parser->rest.count);
    ASSERT(end != NULL);
    size_t count = (size_t)(end - parser->rest.data);
    if (count == 0 || parser->rest.data[count - 1] != '\r')
        return http_head_bad(parser, "a line of the head ends without CR LF");
    *ret_line = bytes_make(parser->rest.data, count - 1);
    parser->rest = bytes_make(end + 1, parser->rest.count - count - 1);
    return true;
}

/* ---- request line [RFC 9112 3] --------------------------------------------------------------- */

static bool http_head_target_is_plain(struct bytes target)
{
    for (size_t i = 0; i < target.count; i++) {
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f || target.data[i] == '#')
            return false;
    }
    return target.count > 0;
}

/* "http://host/path" to host and path [RFC 9112 3.2.2]. */
static bool http_head_take_authority(struct http_head_parser *parser, struct bytes target)
{
    static const char scheme[] = "http://";
    size_t skip = strlen(scheme);
    if (target.count < skip || strncasecmp((const char *)target.data, scheme, skip) != 0)
        return http_head_bad(parser, "the target is no path");
    struct bytes rest = bytes_make(target.data + skip, target.count - skip);
    const uint8_t *slash = memchr(rest.data, '/', rest.count);
    if (slash == NULL || slash == rest.data)
        return http_head_bad(parser, "the target has no host, or no path");
    size_t host_count = (size_t)(slash - rest.data);
    parser->head.host = bytes_make(rest.data, host_count);
    parser->head.target = bytes_make(slash, rest.count - host_count);
    return true;
}

static bool http_head_take_version(struct http_head_parser *parser, struct bytes version)
{
    parser->is_1_0 = bytes_equal_text(version, "HTTP/1.0");
    if (parser->is_1_0 || bytes_equal_text(version, "HTTP/1.1"))
        return true;
    if (version.count == 8 && memcmp(version.data, "HTTP/", 5) == 0)
        return http_head_refuse(parser, 505, "version_not_supported", "HTTP/1.1 is spoken here");
    return http_head_bad(parser, "the request line is not of the form METHOD TARGET HTTP/1.1");
}

static bool http_head_take_request_line(struct http_head_parser *parser)
{
    struct bytes line;
    do {
        if (!http_head_line(parser, &line))
            return false;
    } while (line.count == 0 && parser->rest.count > 0);
    const uint8_t *first = memchr(line.data, ' ', line.count);
    const uint8_t *last = memrchr(line.data, ' ', line.count);
    if (first == NULL || first == last)
        return http_head_bad(parser, "the request line is not of the form METHOD TARGET HTTP/1.1");
    const uint8_t *end = line.data + line.count;
    struct bytes target = bytes_make(first + 1, (size_t)(last - first) - 1);
    parser->head.method = bytes_make(line.data, (size_t)(first - line.data));
    parser->head.target = target;
    if (!http_head_take_version(parser, bytes_make(last + 1, (size_t)(end - last) - 1)))
        return false;
    if (!bytes_is_token(parser->head.method))
        return http_head_bad(parser, "the method is no token");
    if (!http_head_target_is_plain(target))
        return http_head_bad(parser, "the target has characters that no target has");
    if (target.data[0] == '/' || bytes_equal_text(target, "*"))
        return true;
    return http_head_take_authority(parser, target);
}

/* ---- fields [RFC 9112 5] --------------------------------------------------------------------- */

static bool http_head_take_field(struct http_head_parser *parser, struct bytes line)
{
    const uint8_t *colon = memchr(line.data, ':', line.count);
    size_t count = colon == NULL ? 0 : (size_t)(colon - line.data);
    struct bytes name = bytes_make(line.data, count);
    if (!bytes_is_token(name))
        return http_head_bad(parser, "a field is not of the form NAME: VALUE");
    struct bytes value = bytes_trim(bytes_make(colon + 1, line.count - count - 1));
    if (!bytes_is_field_value(value))
        return http_head_bad(parser, "a field's value has a control character");
    if (++parser->field_count > HTTP_HEAD_FIELDS_MAX)
        return http_head_refuse(parser, 431, "headers_too_large", "the head has too many fields");
    for (size_t i = 0; i < HTTP_HEAD_FIELD_COUNT; i++) {
        if (!bytes_equal_nocase(name, bytes_of_text(http_head_names[i])))
            continue;
        if (parser->head.fields[i].data != NULL)
            return http_head_bad(parser, "a field that may be there once is there twice");
        parser->head.fields[i] = value;
    }
    return true;
}

/* [RFC 9112 6] */
static bool http_head_take_framing(struct http_head_parser *parser)
{
    struct http_head *head = &parser->head;
    struct bytes length = head->fields[HTTP_HEAD_CONTENT_LENGTH];
    struct bytes coding = head->fields[HTTP_HEAD_TRANSFER_ENCODING];
    head->chunked = coding.data != NULL;
    if (head->chunked && (length.data != NULL || parser->is_1_0))
        return http_head_bad(parser, "Transfer-Encoding is beside Content-Length, or in HTTP/1.0");
    if (head->chunked && !bytes_equal_nocase(coding, bytes_of_text("chunked")))
        return http_head_refuse(parser, 501, "coding_not_supported",
                                "the only transfer coding known here is chunked");
    if (length.data == NULL)
        return true;
    if (length.count == 0 || length.count > HTTP_HEAD_LENGTH_DIGITS)
        return http_head_bad(parser, "Content-Length is no number of bytes");
    for (size_t i = 0; i < length.count; i++) {
        if (!isdigit(length.data[i]))
            return http_head_bad(parser, "Content-Length is no number of bytes");
        head->body_bytes = head->body_bytes * 10 + (uint64_t)(length.data[i] - '0');
    }
    return true;
}

static bool http_head_take_connection(struct http_head_parser *parser)
{
    struct http_head *head = &parser->head;
    struct bytes host = head->fields[HTTP_HEAD_HOST];
    struct bytes expect = head->fields[HTTP_HEAD_EXPECT];
    struct bytes options = head->fields[HTTP_HEAD_CONNECTION];
    if (host.data == NULL && !parser->is_1_0)
        return http_head_bad(parser, "there is no Host");
    if (head->host.data == NULL)
        head->host = host;
    if (expect.data != NULL && !parser->is_1_0) {
        if (!bytes_equal_nocase(expect, bytes_of_text("100-continue")))
            return http_head_refuse(parser, 417, "expectation_failed",
                                    "the only expectation known here is 100-continue");
        head->expects_continue = true;
    }
    head->closes = parser->is_1_0;
    for (struct bytes option; bytes_next_item(&options, &option);) {
        if (bytes_equal_nocase(option, bytes_of_text("close")))
            head->closes = true;
    }
    return true;
}

bool http_head_parse(struct bytes text, struct http_head *ret_head, struct problem *ret_problem)
{
    struct http_head_parser parser = {.rest = text, .problem = ret_problem};
    if (!http_head_take_request_line(&parser))
        return false;
    for (;;) {
        struct bytes line;
        if (!http_head_line(&parser, &line))
            return false;
        if (line.count == 0)
            break;
        if (!http_head_take_field(&parser, line))
            return false;
    }
    if (!http_head_take_framing(&parser) || !http_head_take_connection(&parser))
        return false;
    *ret_head = parser.head;
    return true;
}
