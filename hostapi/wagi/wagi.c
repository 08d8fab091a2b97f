/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stdout of a WAGI command.
 *
 *   content-type: text/plain LF        header lines, LF or CRLF     -> request.head
 *   status: 404 Not Found LF
 *   LF                                 the first empty line
 *   any bytes                          the body                     -> response_body
 *
 * Lines are looked at once, as they come. Over a limit the guest is ended at once: its
 * response could not be sent.
 */
#include "hostapi/wagi/wagi.h"

#include "hostapi/exchange.h"

/* ---- collecting ------------------------------------------------------------------------------ */

/* Appends up to and with the next newline; false over the limit. */
static bool wagi_append_line(struct host_request *request, struct bytes *piece)
{
    const uint8_t *newline = memchr(piece->data, '\n', piece->count);
    size_t count = newline == NULL ? piece->count : (size_t)(newline - piece->data) + 1;
    if (buffer_append(&request->head, piece->data, count) != STATUS_OK)
        return false;
    *piece = bytes_make(piece->data + count, piece->count - count);
    return true;
}

static bool wagi_ends_with_empty_line(struct bytes head)
{
    if (head.count == 0 || head.data[head.count - 1] != '\n')
        return false;
    size_t before = head.count - 1;
    if (before > 0 && head.data[before - 1] == '\r')
        before--;
    return before == 0 || head.data[before - 1] == '\n';
}

enum engine_outcome
wagi_write(struct hostapi_host *host, struct engine_host_call *call, struct bytes piece)
{
    struct host_request *request = &host->request;
    struct http_exchange *exchange = request->exchange;
    if (request->head.max == 0)
        buffer_init(&request->head, exchange->limits->headers);
    while (!request->head_complete && piece.count > 0) {
        if (!wagi_append_line(request, &piece))
            return host_trap(call, "header block on stdout is larger than limits.headers (%llu)",
                             (unsigned long long)exchange->limits->headers);
        request->head_complete = wagi_ends_with_empty_line(buffer_bytes(&request->head));
    }
    if (buffer_append(&exchange->response_body, piece.data, piece.count) != STATUS_OK)
        return host_trap(call, "response body is larger than limits.response (%llu)",
                         (unsigned long long)exchange->limits->response);
    return ENGINE_DONE;
}

/* ---- parsing --------------------------------------------------------------------------------- */

static struct bytes wagi_trim(struct bytes text)
{
    while (text.count > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = bytes_make(text.data + 1, text.count - 1);
    while (text.count > 0 &&
           (text.data[text.count - 1] == ' ' || text.data[text.count - 1] == '\t'))
        text.count--;
    return text;
}

/* "CODE" or "CODE reason" with a final status; false for anything else. */
static bool wagi_parse_status(struct bytes value, uint32_t *ret_status)
{
    uint32_t status = 0;
    if (value.count < 3 || (value.count > 3 && value.data[3] != ' '))
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return false;
        status = status * 10 + (uint32_t)(value.data[i] - '0');
    }
    if (status < 200 || status > 599)
        return false;
    *ret_status = status;
    return true;
}

/* What a header block says beside its headers. */
struct wagi_head {
    uint32_t status; /* 0: none given */
    uint32_t line;
};

static enum status wagi_parse_line(struct http_exchange *exchange,
                                   struct bytes line,
                                   struct wagi_head *head,
                                   struct report *report)
{
    const uint8_t *colon = memchr(line.data, ':', line.count);
    if (colon == NULL)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout has no colon; write "
                           "\"name: value\" lines, then an empty line, then the body",
                           head->line);
    size_t name_count = (size_t)(colon - line.data);
    struct bytes name = wagi_trim(bytes_make(line.data, name_count));
    struct bytes value = wagi_trim(bytes_make(colon + 1, line.count - name_count - 1));
    if (exchange_names_equal(name, bytes_of_text("status"))) {
        if (wagi_parse_status(value, &head->status))
            return STATUS_OK;
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout: status must be a number from "
                           "200 to 599, then a blank and a reason if you like",
                           head->line);
    }
    enum status status = http_headers_add(exchange, &exchange->response_headers, name, value);
    if (status == STATUS_INVALID)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "line %u of the header block on stdout: name is no token, or value has "
                           "a control byte",
                           head->line);
    if (status != STATUS_OK)
        return report_fail(report, status, REPORT_OFFSET_NONE,
                           "response headers are larger than limits.headers (%llu)",
                           (unsigned long long)exchange->limits->headers);
    return STATUS_OK;
}

enum status
wagi_parse_head(struct http_exchange *exchange, struct bytes head, struct report *report)
{
    struct wagi_head parsed = {.line = 1};
    while (head.count > 0) {
        const uint8_t *newline = memchr(head.data, '\n', head.count);
        size_t end = newline == NULL ? head.count : (size_t)(newline - head.data);
        size_t next = newline == NULL ? end : end + 1;
        if (end > 0 && head.data[end - 1] == '\r')
            end--;
        if (end == 0)
            break;
        enum status status = wagi_parse_line(exchange, bytes_make(head.data, end), &parsed, report);
        if (status != STATUS_OK)
            return status;
        head = bytes_make(head.data + next, head.count - next);
        parsed.line++;
    }
    const struct http_headers *headers = &exchange->response_headers;
    bool has_type = http_headers_find(headers, bytes_of_text("content-type")) != NULL;
    bool has_location = http_headers_find(headers, bytes_of_text("location")) != NULL;
    if (!has_type && !has_location)
        return report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                           "the header block on stdout has neither content-type nor location");
    exchange->status = parsed.status != 0 ? parsed.status : has_location ? 302 : 200;
    return STATUS_OK;
}

enum hostapi_step wagi_finish(struct hostapi_host *host, struct report *report)
{
    struct host_request *request = &host->request;
    struct http_exchange *exchange = request->exchange;
    if (!request->head_complete) {
        (void)report_fail(report, STATUS_INVALID, REPORT_OFFSET_NONE,
                          "stdout ended after %zu bytes without the empty line that ends the "
                          "header block",
                          request->head.count);
        return HOSTAPI_FAULT;
    }
    if (wagi_parse_head(exchange, buffer_bytes(&request->head), report) != STATUS_OK)
        return HOSTAPI_FAULT;
    exchange_seal(exchange);
    return HOSTAPI_FINISHED;
}
