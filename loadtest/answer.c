/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser: one step function per state; each uses up bytes or asks for more.
 */
#include "loadtest/answer.h"

/* What the header lines said, until the head as a whole can be judged. */
struct answer_fields {
    uint64_t length;
    bool has_length;
    bool chunked;
    bool close;
    bool keep_alive;
};

void answer_init(struct answer *answer, bool to_head, struct buffer *kept_body)
{
    answer->state = ANSWER_HEAD;
    answer->to_head = to_head;
    answer->keep_alive = false;
    answer->http_status = 0;
    answer->interim_count = 0;
    answer->body_left = 0;
    answer->body_bytes = 0;
    answer->trailer_bytes = 0;
    answer->scanned_bytes = 0;
    answer->error = NULL;
    answer->kept_body = kept_body;
    server_timing_init(&answer->timing);
}

static void answer_fail(struct answer *answer, const char *why)
{
    answer->state = ANSWER_MALFORMED;
    answer->error = why;
    answer->keep_alive = false;
}

/* Takes one line, without its CRLF, off `text`. NULL reason and false: no whole line. */
static bool answer_take_line(struct bytes *text, struct bytes *ret_line, const char **ret_error)
{
    *ret_error = NULL;
    const uint8_t *end = text->count == 0 ? NULL : memchr(text->data, '\n', text->count);
    if (end == NULL)
        return false;
    size_t count = (size_t)(end - text->data);
    if (count == 0 || text->data[count - 1] != '\r') {
        *ret_error = "a line ends without carriage return";
        return false;
    }
    *ret_line = bytes_make(text->data, count - 1);
    *text = bytes_make(end + 1, text->count - count - 1);
    return true;
}

/* Splits and checks one header line. NULL, or what is wrong with it. */
static const char *
answer_split_field(struct bytes line, struct bytes *ret_name, struct bytes *ret_value)
{
    const uint8_t *colon = memchr(line.data, ':', line.count);
    if (colon == NULL)
        return "a header line has no colon";
    size_t name_count = (size_t)(colon - line.data);
    *ret_name = bytes_make(line.data, name_count);
    *ret_value = bytes_trim(bytes_make(colon + 1, line.count - name_count - 1));
    if (!bytes_is_token(*ret_name))
        return "a header has an invalid name";
    for (size_t i = 0; i < ret_value->count; i++) {
        uint8_t c = ret_value->data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return "a header value has a control character";
    }
    return NULL;
}

static bool answer_parse_length(struct bytes value, uint64_t *ret_length)
{
    uint64_t length = 0;
    for (size_t i = 0; i < value.count; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || length > LOADTEST_ANSWER_BODY_BYTES)
            return false;
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    *ret_length = length;
    return value.count > 0 && length <= LOADTEST_ANSWER_BODY_BYTES;
}

/* Options of the Connection header, a list of tokens. */
static void answer_read_connection(struct bytes value, struct answer_fields *fields)
{
    while (value.count > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.count);
        size_t count = comma == NULL ? value.count : (size_t)(comma - value.data);
        struct bytes option = bytes_trim(bytes_make(value.data, count));
        fields->close = fields->close || bytes_equal_nocase(option, bytes_of_text("close"));
        fields->keep_alive =
            fields->keep_alive || bytes_equal_nocase(option, bytes_of_text("keep-alive"));
        size_t used = comma == NULL ? count : count + 1;
        value = bytes_make(value.data + used, value.count - used);
    }
}

/* NULL, or why the answer cannot be trusted. */
static const char *
answer_read_field(struct answer *answer, struct bytes line, struct answer_fields *fields)
{
    struct bytes name;
    struct bytes value;
    const char *error = answer_split_field(line, &name, &value);
    if (error != NULL)
        return error;
    if (bytes_equal_nocase(name, bytes_of_text("content-length"))) {
        if (fields->has_length)
            return "content-length is given twice";
        fields->has_length = true;
        if (!answer_parse_length(value, &fields->length))
            return "content-length is not a number up to 1 GiB";
    } else if (bytes_equal_nocase(name, bytes_of_text("transfer-encoding"))) {
        if (fields->chunked || !bytes_equal_nocase(value, bytes_of_text("chunked")))
            return "transfer-encoding is not just 'chunked'";
        fields->chunked = true;
    } else if (bytes_equal_nocase(name, bytes_of_text("connection"))) {
        answer_read_connection(value, fields);
    } else if (bytes_equal_nocase(name, bytes_of_text("server-timing"))) {
        if (!server_timing_parse(&answer->timing, value))
            return "server-timing does not parse";
    }
    return NULL;
}

/* "HTTP/1.1 200 OK": NULL, or what is wrong. */
static const char *
answer_read_status_line(struct bytes line, uint32_t *ret_status, bool *ret_http_1_1)
{
    if (line.count < 12 || memcmp(line.data, "HTTP/1.", 7) != 0 ||
        (line.data[7] != '0' && line.data[7] != '1') || line.data[8] != ' ')
        return "the first line is not HTTP/1.0 or HTTP/1.1";
    uint32_t status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return "the status is not three digits";
        status = status * 10 + (uint32_t)(line.data[i] - '0');
    }
    if ((line.count > 12 && line.data[12] != ' ') || status < 100 || status > 599)
        return "the status is not from 100 to 599";
    *ret_status = status;
    *ret_http_1_1 = line.data[7] == '1';
    return NULL;
}

/* The head was read: which state reads the body? */
static void
answer_choose_body(struct answer *answer, const struct answer_fields *fields, bool http_1_1)
{
    uint32_t status = answer->http_status;
    answer->keep_alive = !fields->close && (http_1_1 || fields->keep_alive);
    if (fields->chunked && (fields->has_length || !http_1_1)) {
        answer_fail(answer, fields->has_length ? "both content-length and transfer-encoding"
                                               : "transfer-encoding in HTTP/1.0");
        return;
    }
    if (answer->to_head || status == 204 || status == 304) {
        answer->state = ANSWER_DONE;
    } else if (fields->chunked) {
        answer->state = ANSWER_CHUNK_SIZE;
    } else if (fields->has_length) {
        answer->body_left = fields->length;
        answer->state = fields->length > 0 ? ANSWER_LENGTH : ANSWER_DONE;
    } else {
        answer->keep_alive = false;
        answer->state = ANSWER_UNTIL_CLOSE;
    }
}

static void answer_read_head(struct answer *answer, struct bytes head)
{
    struct answer_fields fields = {.length = 0};
    struct bytes line;
    const char *error;
    bool http_1_1 = false;
    uint32_t status = 0;
    if (!answer_take_line(&head, &line, &error)) {
        answer_fail(answer, error != NULL ? error : "the head has no first line");
        return;
    }
    error = answer_read_status_line(line, &status, &http_1_1);
    server_timing_init(&answer->timing);
    for (uint32_t count = 0; error == NULL; count++) {
        if (!answer_take_line(&head, &line, &error) || line.count == 0)
            break;
        error = count == LOADTEST_ANSWER_HEADERS_MAX ? "more than 128 headers"
                                                     : answer_read_field(answer, line, &fields);
    }
    if (error == NULL && status == 101)
        error = "status 101, but no protocol switch was asked for";
    if (error == NULL && status < 200 && ++answer->interim_count > LOADTEST_ANSWER_INTERIM_MAX)
        error = "more than 8 interim answers";
    if (error != NULL) {
        answer_fail(answer, error);
    } else if (status >= 200) {
        answer->http_status = status;
        answer_choose_body(answer, &fields, http_1_1);
    }
}

static size_t answer_step_head(struct answer *answer, struct bytes data)
{
    size_t from = answer->scanned_bytes > 3 ? answer->scanned_bytes - 3 : 0;
    const uint8_t *end = memmem(data.data + from, data.count - from, "\r\n\r\n", 4);
    if (end == NULL) {
        answer->scanned_bytes = data.count;
        if (data.count >= LOADTEST_ANSWER_HEAD_BYTES)
            answer_fail(answer, "the head is longer than 16 KiB");
        return 0;
    }
    answer->scanned_bytes = 0;
    size_t count = (size_t)(end - data.data) + 4;
    answer_read_head(answer, bytes_make(data.data, count));
    return count;
}

static size_t answer_take_body(struct answer *answer, struct bytes data, uint64_t limit)
{
    size_t count = (size_t)MIN((uint64_t)data.count, limit);
    if (count > LOADTEST_ANSWER_BODY_BYTES - answer->body_bytes) {
        answer_fail(answer, "the body is longer than 1 GiB");
        return 0;
    }
    answer->body_bytes += count;
    struct buffer *kept = answer->kept_body;
    if (kept != NULL &&
        buffer_append(kept, data.data, MIN(count, kept->max - kept->count)) != STATUS_OK)
        answer->kept_body = NULL; /* no memory: only an error text is lost */
    return count;
}

static size_t answer_step_counted(struct answer *answer, struct bytes data)
{
    size_t count = answer_take_body(answer, data, answer->body_left);
    answer->body_left -= count;
    if (answer->body_left == 0 && answer->state == ANSWER_LENGTH)
        answer->state = ANSWER_DONE;
    else if (answer->body_left == 0 && answer->state == ANSWER_CHUNK_DATA)
        answer->state = ANSWER_CHUNK_END;
    return count;
}

/* A line of the chunk framing; 0 used if it is not whole yet. */
static size_t
answer_step_line(struct answer *answer, struct bytes data, size_t max, struct bytes *ret_line)
{
    struct bytes rest = data;
    const char *error;
    size_t used = answer_take_line(&rest, ret_line, &error) ? data.count - rest.count : 0;
    if (used > 0 && used <= max)
        return used;
    if (used > 0 || (error == NULL && data.count >= max))
        error = "a line of the chunked body is too long";
    if (error != NULL)
        answer_fail(answer, error);
    return 0;
}

static size_t answer_step_chunk_size(struct answer *answer, struct bytes data)
{
    struct bytes line;
    size_t used = answer_step_line(answer, data, LOADTEST_CHUNK_LINE_BYTES, &line);
    if (used == 0)
        return 0;
    uint64_t size = 0;
    size_t digits = 0;
    for (; digits < line.count && size <= LOADTEST_ANSWER_BODY_BYTES; digits++) {
        uint8_t c = line.data[digits];
        uint8_t letter = c | 0x20;
        if (c >= '0' && c <= '9')
            size = size * 16 + (uint64_t)(c - '0');
        else if (letter >= 'a' && letter <= 'f')
            size = size * 16 + (uint64_t)(letter - 'a') + 10;
        else
            break;
    }
    if (digits == 0 || size > LOADTEST_ANSWER_BODY_BYTES ||
        (digits < line.count && line.data[digits] != ';')) {
        answer_fail(answer, "a chunk size is not a hexadecimal number up to 1 GiB");
        return used;
    }
    answer->body_left = size;
    answer->state = size > 0 ? ANSWER_CHUNK_DATA : ANSWER_TRAILER;
    return used;
}

static size_t answer_step_chunk_end(struct answer *answer, struct bytes data)
{
    if (data.count < 2)
        return 0;
    if (memcmp(data.data, "\r\n", 2) != 0) {
        answer_fail(answer, "a chunk does not end with CRLF");
        return 0;
    }
    answer->state = ANSWER_CHUNK_SIZE;
    return 2;
}

static size_t answer_step_trailer(struct answer *answer, struct bytes data)
{
    struct bytes line;
    size_t used = answer_step_line(answer, data, LOADTEST_ANSWER_TRAILER_BYTES, &line);
    if (used == 0)
        return 0;
    answer->trailer_bytes += used;
    if (line.count == 0) {
        answer->state = ANSWER_DONE;
        return used;
    }
    struct bytes name;
    struct bytes value;
    const char *error = answer_split_field(line, &name, &value);
    if (error == NULL && answer->trailer_bytes > LOADTEST_ANSWER_TRAILER_BYTES)
        error = "the trailers are longer than 8 KiB";
    if (error == NULL && bytes_equal_nocase(name, bytes_of_text("server-timing")) &&
        !server_timing_parse(&answer->timing, value))
        error = "server-timing does not parse";
    if (error != NULL)
        answer_fail(answer, error);
    return used;
}

static size_t answer_step(struct answer *answer, struct bytes data)
{
    switch (answer->state) {
    case ANSWER_HEAD:
        return answer_step_head(answer, data);
    case ANSWER_LENGTH:
    case ANSWER_CHUNK_DATA:
        return answer_step_counted(answer, data);
    case ANSWER_CHUNK_SIZE:
        return answer_step_chunk_size(answer, data);
    case ANSWER_CHUNK_END:
        return answer_step_chunk_end(answer, data);
    case ANSWER_TRAILER:
        return answer_step_trailer(answer, data);
    case ANSWER_UNTIL_CLOSE:
        return answer_take_body(answer, data, UINT64_MAX);
    case ANSWER_DONE:
    case ANSWER_MALFORMED:
        break;
    }
    return 0;
}

size_t answer_feed(struct answer *answer, struct bytes data)
{
    size_t used = 0;
    while (used < data.count) {
        size_t step = answer_step(answer, bytes_make(data.data + used, data.count - used));
        if (step == 0)
            break;
        used += step;
    }
    return used;
}

void answer_eof(struct answer *answer)
{
    if (answer->state == ANSWER_UNTIL_CLOSE)
        answer->state = ANSWER_DONE;
    else if (answer->state != ANSWER_DONE && answer->state != ANSWER_MALFORMED)
        answer_fail(answer, "the connection ended in the middle of the answer");
}
