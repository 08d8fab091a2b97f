/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head, in one pass over its bytes: request line, fields, and what they mean together.
 *
 *   GET /path HTTP/1.1 CR LF
 *   name : OWS value OWS CR LF     any number of times
 *   CR LF
 *
 * Every byte is held against one table before it becomes part of a view. A head that arrives in
 * pieces is read once when its first piece is here, which finds most of what is wrong, and again
 * when its end is here; in between only the end is looked for.
 */
#include "server/front/http1_parse.h"

#include "engine/base/macros.h"

#define FIELD_ROW_BYTES   32 /* counted for each field, as HPACK does */
#define PORT_DIGITS_MAX   5
#define LENGTH_DIGITS_MAX 18 /* more is more than any body */

/* Eight bytes in a word */
#define HTTP1_ONES   UINT64_C(0x0101010101010101)
#define HTTP1_TOPS   UINT64_C(0x8080808080808080)
#define HTTP1_DELETE 0x7f

enum http1_class {
    HTTP1_TOKEN = 1,
    HTTP1_TARGET = 2,
    HTTP1_HOST = 4,
    HTTP1_BLANK = 8,
};

static const uint8_t http1_classes[256] = {
    ['\t'] = HTTP1_BLANK,
    [' '] = HTTP1_BLANK,
    ['!'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    ['"'] = HTTP1_TARGET,
    ['#'] = HTTP1_TOKEN,
    ['$' ... '\''] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    ['(' ... ')'] = HTTP1_TARGET | HTTP1_HOST,
    ['*' ... '+'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    [','] = HTTP1_TARGET | HTTP1_HOST,
    ['-' ... '.'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    ['/'] = HTTP1_TARGET,
    ['0' ... '9'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    [':'] = HTTP1_TARGET,
    [';'] = HTTP1_TARGET | HTTP1_HOST,
    ['<'] = HTTP1_TARGET,
    ['='] = HTTP1_TARGET | HTTP1_HOST,
    ['>' ... '@'] = HTTP1_TARGET,
    ['A' ... 'Z'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    ['[' ... ']'] = HTTP1_TARGET,
    ['^'] = HTTP1_TOKEN | HTTP1_TARGET,
    ['_'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    ['`'] = HTTP1_TOKEN | HTTP1_TARGET,
    ['a' ... 'z'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    ['{'] = HTTP1_TARGET,
    ['|'] = HTTP1_TOKEN | HTTP1_TARGET,
    ['}'] = HTTP1_TARGET,
    ['~'] = HTTP1_TOKEN | HTTP1_TARGET | HTTP1_HOST,
    [0x80 ... 0xff] = HTTP1_TARGET, /* browsers and tools send UTF-8 as it is */
};

struct http1_reader {
    const uint8_t *at;
    const uint8_t *end;
    const struct http1_rules *rules;
    struct http1_field *fields;
    struct http1_head *head;
    uint64_t total_bytes; /* as limits.headers counts them */
    uint32_t seen_fields; /* those that are left out too */
};

static enum http1_outcome http1_refuse(struct http1_reader *reader, enum refusal_reason reason)
{
    reader->head->refusal = reason;
    return HTTP1_REFUSED;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* The first byte that is not of the class; the end is looked for once in four bytes. */
static const uint8_t *http1_skip(const uint8_t *at, const uint8_t *end, enum http1_class class)
{
    for (; end - at >= 4; at += 4) {
        if ((http1_classes[at[0]] & class) == 0)
            return at;
        if ((http1_classes[at[1]] & class) == 0)
            return at + 1;
        if ((http1_classes[at[2]] & class) == 0)
            return at + 2;
        if ((http1_classes[at[3]] & class) == 0)
            return at + 3;
    }
    while (at < end && (http1_classes[*at] & class) != 0)
        at++;
    return at;
}

static bool http1_is_all(struct bytes text, enum http1_class class)
{
    if (text.count == 0)
        return false;
    const uint8_t *end = text.data + text.count;
    return http1_skip(text.data, end, class) == end;
}

bool http1_is_token(struct bytes text)
{
    return http1_is_all(text, HTTP1_TOKEN);
}

/* The top bit of each byte that is `c`: exact up to the first; the other bits mean nothing. */
static uint64_t http1_equal(uint64_t word, uint8_t c)
{
    uint64_t other = word ^ (HTTP1_ONES * c);
    return (other - HTTP1_ONES) & ~other;
}

/* The same of those below `c`, which is ASCII. */
static uint64_t http1_below(uint64_t word, uint8_t c)
{
    return (word - HTTP1_ONES * c) & ~word;
}

/* The same as http1_skip of HTTP1_TARGET, eight bytes at a time. */
static const uint8_t *http1_skip_target(const uint8_t *at, const uint8_t *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        uint64_t others =
            (http1_below(word, '!') | http1_equal(word, '#') | http1_equal(word, HTTP1_DELETE)) &
            HTTP1_TOPS;
        if (others != 0)
            return at + __builtin_ctzll(others) / 8;
    }
    return http1_skip(at, end, HTTP1_TARGET);
}

bool http1_is_target(struct bytes text)
{
    /* What is empty may have no place. */
    if (text.count == 0)
        return false;
    const uint8_t *end = text.data + text.count;
    return http1_skip_target(text.data, end) == end;
}

/* The first byte that a value cannot have, eight at a time. */
static const uint8_t *http1_skip_value(const uint8_t *at, const uint8_t *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        uint64_t controls = (http1_below(word, ' ') | http1_equal(word, HTTP1_DELETE)) & HTTP1_TOPS;
        if (controls == 0) {
            at += sizeof(word);
            continue;
        }
        at += __builtin_ctzll(controls) / 8;
        if (*at != '\t')
            return at;
        at++;
    }
    while (at < end && ((*at >= ' ' && *at != HTTP1_DELETE) || *at == '\t'))
        at++;
    return at;
}

/* `word` is in lower case, and has letters, digits and '-' only; `text` has no control characters
 * but tabs: so no byte but the letter's other case becomes one of the word's by its bit. */
static bool http1_is_word(const char *text, size_t count, const char *word, size_t word_count)
{
    if (count != word_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if ((text[i] | 0x20) != word[i])
            return false;
    }
    return true;
}

#define HTTP1_IS_WORD(text, count, word) http1_is_word(text, count, word, sizeof(word) - 1)

/* CR LF. `otherwise` is said of what is neither that nor a bare line feed. */
static enum http1_outcome http1_end_line(struct http1_reader *reader, enum refusal_reason otherwise)
{
    if (reader->at == reader->end)
        return HTTP1_INCOMPLETE;
    if (*reader->at == '\n')
        return http1_refuse(reader, REFUSAL_LINE_END);
    if (*reader->at != '\r')
        return http1_refuse(reader, otherwise);
    if (reader->end - reader->at < 2)
        return HTTP1_INCOMPLETE;
    if (reader->at[1] != '\n')
        return http1_refuse(reader, otherwise);
    reader->at += 2;
    return HTTP1_COMPLETE;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static bool http1_is_port(const uint8_t *at, const uint8_t *end)
{
    if (at == end)
        return true;
    if (*at++ != ':' || end - at > PORT_DIGITS_MAX)
        return false;
    uint32_t port = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return false;
        port = port * 10 + (*at - '0');
    }
    return port <= UINT16_MAX;
}

static bool http1_is_address_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
           c == '.';
}

bool http1_is_authority(struct bytes text)
{
    if (text.count == 0)
        return false;
    const uint8_t *at = text.data;
    const uint8_t *end = at + text.count;
    if (*at != '[') {
        const uint8_t *port = http1_skip(at, end, HTTP1_HOST);
        return port > at && http1_is_port(port, end);
    }
    for (at++; at < end && http1_is_address_char(*at);)
        at++;
    return at - text.data > 2 && at < end && *at == ']' && http1_is_port(at + 1, end);
}

/* ---- the request line ------------------------------------------------------------------------ */

static enum http1_outcome http1_read_method(struct http1_reader *reader)
{
    const uint8_t *began = reader->at;
    const uint8_t *stop = http1_skip(began, reader->end, HTTP1_TOKEN);
    size_t count = (size_t)(stop - began);
    if (count > HTTP1_METHOD_BYTES_MAX)
        return http1_refuse(reader, REFUSAL_METHOD_LONG);
    if (stop == reader->end)
        return HTTP1_INCOMPLETE;
    if (count == 0 || *stop != ' ')
        return http1_refuse(reader, REFUSAL_METHOD);
    reader->head->method = bytes_make(began, count);
    reader->at = stop + 1;
    return HTTP1_COMPLETE;
}

static enum http1_outcome http1_read_target(struct http1_reader *reader)
{
    const uint8_t *began = reader->at;
    const uint8_t *stop = http1_skip_target(began, reader->end);
    if (stop == reader->end)
        return HTTP1_INCOMPLETE;
    if (*stop == '#')
        return http1_refuse(reader, REFUSAL_FRAGMENT);
    if (*stop != ' ' || stop == began)
        return http1_refuse(reader, REFUSAL_REQUEST_LINE);
    reader->head->target = bytes_make(began, (size_t)(stop - began));
    reader->total_bytes = reader->head->target.count;
    reader->at = stop + 1;
    return HTTP1_COMPLETE;
}

static bool http1_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static enum http1_outcome http1_read_version(struct http1_reader *reader)
{
    static const char protocol[] = "HTTP/";
    const size_t name_count = sizeof(protocol) - 1;
    const uint8_t *at = reader->at;
    size_t left = (size_t)(reader->end - at);
    if (UNLIKELY(left < name_count + 3)) {
        if (memcmp(at, protocol, MIN(left, name_count)) == 0)
            return HTTP1_INCOMPLETE;
        return http1_refuse(reader, REFUSAL_REQUEST_LINE);
    }
    if (memcmp(at, protocol, name_count) != 0)
        return http1_refuse(reader, REFUSAL_REQUEST_LINE);
    at += name_count;
    if (!http1_is_digit(at[0]) || at[1] != '.' || !http1_is_digit(at[2]))
        return http1_refuse(reader, REFUSAL_REQUEST_LINE);
    if (at[0] != '1')
        return http1_refuse(reader, REFUSAL_VERSION);
    /* A higher minor version is to be read as the highest that is known. [RFC 9110 2.5] */
    reader->head->minor = at[2] != '0';
    reader->at = at + 3;
    return http1_end_line(reader, REFUSAL_REQUEST_LINE);
}

static enum http1_outcome http1_read_line(struct http1_reader *reader)
{
    enum http1_outcome outcome = HTTP1_COMPLETE;
    /* Old clients send one more line end after a body. [RFC 9112 2.2] */
    if (reader->at < reader->end && (*reader->at == '\r' || *reader->at == '\n'))
        outcome = http1_end_line(reader, REFUSAL_REQUEST_LINE);
    if (outcome == HTTP1_COMPLETE)
        outcome = http1_read_method(reader);
    if (outcome == HTTP1_COMPLETE)
        outcome = http1_read_target(reader);
    if (outcome == HTTP1_COMPLETE)
        outcome = http1_read_version(reader);
    return outcome;
}

/* ---- fields that mean something here --------------------------------------------------------- */

static enum refusal_reason http1_note_length(struct http1_head *head,
                                             const struct http1_field *field)
{
    if (head->has_length)
        return REFUSAL_LENGTH_TWICE;
    uint64_t length = 0;
    for (size_t i = 0; i < field->value_count; i++) {
        uint8_t c = (uint8_t)field->value[i];
        if (!http1_is_digit(c))
            return REFUSAL_LENGTH;
        length = i < LENGTH_DIGITS_MAX ? length * 10 + (c - '0') : UINT64_MAX;
    }
    head->has_length = true;
    head->content_length = length;
    return field->value_count == 0 ? REFUSAL_LENGTH : REFUSAL_NONE;
}

static enum refusal_reason http1_note_coding(struct http1_head *head,
                                             const struct http1_field *field)
{
    if (head->minor == 0)
        return REFUSAL_CODING_OLD;
    if (head->is_chunked || !HTTP1_IS_WORD(field->value, field->value_count, "chunked"))
        return REFUSAL_CODING;
    head->is_chunked = true;
    return REFUSAL_NONE;
}

static enum refusal_reason http1_note_host(struct http1_head *head, const struct http1_field *field)
{
    if (head->host.data != NULL)
        return REFUSAL_HOST_TWICE;
    head->host = bytes_make(field->value, field->value_count);
    return http1_is_authority(head->host) ? REFUSAL_NONE : REFUSAL_HOST;
}

static enum refusal_reason
http1_note_expectation(struct http1_head *head, const struct http1_field *field, bool *ret_left_out)
{
    if (head->minor == 0) {
        *ret_left_out = true;
        return REFUSAL_NONE;
    }
    head->is_continue_expected = true;
    return HTTP1_IS_WORD(field->value, field->value_count, "100-continue") ? REFUSAL_NONE
                                                                           : REFUSAL_EXPECTATION;
}

/* Is the word one of the list's? [RFC 9110 5.6.1] */
static bool http1_lists(const struct http1_field *field, const char *word)
{
    size_t count = strlen(word);
    const char *at = field->value;
    const char *end = at + field->value_count;
    while (at < end) {
        while (at < end && (*at == ',' || *at == ' ' || *at == '\t'))
            at++;
        const char *began = at;
        while (at < end && *at != ',' && *at != ' ' && *at != '\t')
            at++;
        if ((size_t)(at - began) == count && strncasecmp(began, word, count) == 0)
            return true;
    }
    return false;
}

/* Behind an upgrade that is not made it ends too: there are proxies that do not look whether it
 * was, and let pass whatever follows. [RFC 9112 9.3] */
static void http1_note_connection(struct http1_head *head, const struct http1_field *field)
{
    head->says_close |= http1_lists(field, "close") || http1_lists(field, "upgrade");
    head->says_keep_alive |= http1_lists(field, "keep-alive");
}

static enum refusal_reason
http1_note(struct http1_head *head, const struct http1_field *field, bool *ret_left_out)
{
    const char *name = field->name;
    size_t count = field->name_count;
    switch (count) {
    case 4:
        return HTTP1_IS_WORD(name, count, "host") ? http1_note_host(head, field) : REFUSAL_NONE;
    case 6:
        return HTTP1_IS_WORD(name, count, "expect")
                   ? http1_note_expectation(head, field, ret_left_out)
                   : REFUSAL_NONE;
    case 7:
        *ret_left_out = HTTP1_IS_WORD(name, count, "upgrade");
        return REFUSAL_NONE;
    case 10:
        if (HTTP1_IS_WORD(name, count, "connection"))
            http1_note_connection(head, field);
        return REFUSAL_NONE;
    case 14:
        *ret_left_out = HTTP1_IS_WORD(name, count, "http2-settings");
        return HTTP1_IS_WORD(name, count, "content-length") ? http1_note_length(head, field)
                                                            : REFUSAL_NONE;
    case 17:
        return HTTP1_IS_WORD(name, count, "transfer-encoding") ? http1_note_coding(head, field)
                                                               : REFUSAL_NONE;
    default:
        return REFUSAL_NONE;
    }
}

/* ---- fields ---------------------------------------------------------------------------------- */

static enum http1_outcome http1_read_name(struct http1_reader *reader,
                                          struct http1_field *ret_field)
{
    const uint8_t *began = reader->at;
    if ((http1_classes[*began] & HTTP1_BLANK) != 0)
        return http1_refuse(reader, REFUSAL_FOLDED);
    const uint8_t *stop = http1_skip(began, reader->end, HTTP1_TOKEN);
    if (stop == reader->end)
        return HTTP1_INCOMPLETE;
    if (*stop != ':' || stop == began)
        return http1_refuse(reader, REFUSAL_NAME);
    ret_field->name = (const char *)began;
    ret_field->name_count = (size_t)(stop - began);
    reader->at = stop + 1;
    return HTTP1_COMPLETE;
}

static enum http1_outcome http1_read_value(struct http1_reader *reader,
                                           struct http1_field *ret_field)
{
    const uint8_t *began = http1_skip(reader->at, reader->end, HTTP1_BLANK);
    reader->at = http1_skip_value(began, reader->end);
    const uint8_t *stop = reader->at;
    while (stop > began && (http1_classes[stop[-1]] & HTTP1_BLANK) != 0)
        stop--;
    ret_field->value = (const char *)began;
    ret_field->value_count = (size_t)(stop - began);
    return http1_end_line(reader, REFUSAL_VALUE);
}

static enum http1_outcome http1_read_field(struct http1_reader *reader)
{
    struct http1_head *head = reader->head;
    struct http1_field *field = &reader->fields[head->field_count];
    if (reader->seen_fields == HTTP1_FIELDS_MAX)
        return http1_refuse(reader, REFUSAL_HEADERS_MANY);
    enum http1_outcome outcome = http1_read_name(reader, field);
    if (outcome == HTTP1_COMPLETE)
        outcome = http1_read_value(reader, field);
    if (outcome != HTTP1_COMPLETE)
        return outcome;
    reader->seen_fields++;
    reader->total_bytes += field->name_count + field->value_count + FIELD_ROW_BYTES;
    if (reader->total_bytes > reader->rules->head_bytes_max)
        return http1_refuse(reader, REFUSAL_HEADERS_LARGE);
    bool left_out = false;
    enum refusal_reason reason = http1_note(head, field, &left_out);
    if (reason != REFUSAL_NONE)
        return http1_refuse(reader, reason);
    head->field_count += !left_out;
    return HTTP1_COMPLETE;
}

static enum http1_outcome http1_read_fields(struct http1_reader *reader)
{
    enum http1_outcome outcome = HTTP1_COMPLETE;
    while (outcome == HTTP1_COMPLETE) {
        if (reader->at == reader->end)
            return HTTP1_INCOMPLETE;
        if (*reader->at == '\r' || *reader->at == '\n')
            return http1_end_line(reader, REFUSAL_LINE_END);
        outcome = http1_read_field(reader);
    }
    return outcome;
}

/* ---- all of it together ---------------------------------------------------------------------- */

static bool http1_is_method(const struct http1_head *head, const char *method)
{
    return bytes_equal_text(head->method, method);
}

/* The authority of an absolute target, NULL if it is none. */
static const uint8_t *http1_absolute(struct bytes target)
{
    static const struct {
        const char *text;
        size_t count;
    } schemes[] = {{"http", 4}, {"https", 5}};
    for (size_t i = 0; i < COUNT_OF(schemes); i++) {
        size_t count = schemes[i].count;
        if (target.count > count + 3 && memcmp(target.data + count, "://", 3) == 0 &&
            http1_is_word((const char *)target.data, count, schemes[i].text, count))
            return target.data + count + 3;
    }
    return NULL;
}

static enum refusal_reason http1_check_target(const struct http1_head *head)
{
    struct bytes target = head->target;
    if (target.data[0] == '/')
        return REFUSAL_NONE;
    if (target.count == 1 && target.data[0] == '*')
        return http1_is_method(head, "OPTIONS") ? REFUSAL_NONE : REFUSAL_TARGET;
    const uint8_t *host = http1_absolute(target);
    if (host == NULL)
        return REFUSAL_TARGET;
    const uint8_t *stop = host;
    const uint8_t *end = target.data + target.count;
    while (stop < end && *stop != '/' && *stop != '?')
        stop++;
    return http1_is_authority(bytes_make(host, (size_t)(stop - host))) ? REFUSAL_NONE
                                                                       : REFUSAL_HOST;
}

static enum refusal_reason http1_check(const struct http1_head *head,
                                       const struct http1_rules *rules)
{
    if (http1_is_method(head, "CONNECT") || http1_is_method(head, "TRACE"))
        return REFUSAL_METHOD_OURS;
    enum refusal_reason reason = http1_check_target(head);
    if (reason != REFUSAL_NONE)
        return reason;
    if (head->minor > 0 && head->host.data == NULL)
        return REFUSAL_HOST_MISSING;
    if (head->has_length && head->is_chunked)
        return REFUSAL_LENGTH_AND_CODING;
    return head->content_length > rules->body_bytes_max ? REFUSAL_BODY_LARGE : REFUSAL_NONE;
}

/* Is the empty line among the bytes that came since? With bare line feeds too: they are refused. */
static bool http1_has_end(struct bytes input, size_t seen)
{
    const uint8_t *end = input.data + input.count;
    const uint8_t *at = input.data + (seen > 2 ? seen - 2 : 0);
    while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        if (end - at >= 1 && at[0] == '\n')
            return true;
        if (end - at >= 2 && at[0] == '\r' && at[1] == '\n')
            return true;
    }
    return false;
}

enum http1_outcome http1_parse_head(struct bytes input,
                                    size_t seen,
                                    const struct http1_rules *rules,
                                    struct http1_field fields[HTTP1_FIELDS_MAX],
                                    struct http1_head *ret_head)
{
    memset(ret_head, 0, sizeof(*ret_head));
    struct http1_reader reader = {
        .at = input.data,
        .end = input.data + input.count,
        .rules = rules,
        .fields = fields,
        .head = ret_head,
    };
    enum http1_outcome outcome = HTTP1_INCOMPLETE;
    if (seen == 0 || http1_has_end(input, seen))
        outcome = http1_read_line(&reader);
    if (outcome == HTTP1_COMPLETE)
        outcome = http1_read_fields(&reader);
    if (outcome == HTTP1_INCOMPLETE && input.count > rules->head_bytes_max)
        return http1_refuse(&reader, REFUSAL_HEADERS_LARGE);
    if (outcome != HTTP1_COMPLETE)
        return outcome;
    ret_head->head_bytes = (size_t)(reader.at - input.data);
    ret_head->refusal = http1_check(ret_head, rules);
    return ret_head->refusal == REFUSAL_NONE ? HTTP1_COMPLETE : HTTP1_REFUSED;
}
