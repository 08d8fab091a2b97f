/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's log of one request: lines of "level text", never more than limits.log bytes.
 *
 * A guest cannot forge a line of another level: each newline of a text begins a line with
 * the same level, and other control bytes are written as \xNN. What does not fit is counted,
 * not looked at, so that a guest that logs gigabytes costs nothing past the limit.
 */
#include "engine/base/hex.h"
#include "hostapi/exchange.h"

#define LOG_FIELD_NAME_BYTES 32

/* Appends what fits. False: something did not, and the log is full from now on. */
static bool log_append(struct http_exchange *exchange, const void *data, size_t count)
{
    struct buffer *log = &exchange->log;
    size_t room = exchange->log_dropped_bytes > 0 ? 0 : log->max - log->count;
    size_t fits = MIN(count, room);
    if (buffer_append(log, data, fits) != STATUS_OK)
        fits = 0;
    exchange->log_dropped_bytes += count - fits;
    return fits == count;
}

static bool log_line_is_open(const struct http_exchange *exchange)
{
    const struct buffer *log = &exchange->log;
    return log->count > 0 && log->data[log->count - 1] != '\n';
}

static void log_end_line(struct http_exchange *exchange)
{
    if (log_line_is_open(exchange) && exchange->log_dropped_bytes == 0)
        (void)log_append(exchange, "\n", 1);
}

static bool log_is_plain(uint8_t byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* Text without newlines; CR before a newline is not text. */
static void log_append_text(struct http_exchange *exchange, struct bytes text)
{
    size_t at = 0;
    while (at < text.count) {
        size_t plain = at;
        while (plain < text.count && plain - at <= exchange->log.max &&
               log_is_plain(text.data[plain]))
            plain++;
        if (plain > at && !log_append(exchange, text.data + at, plain - at)) {
            exchange->log_dropped_bytes += text.count - plain;
            return;
        }
        if (plain < text.count && !log_is_plain(text.data[plain])) {
            uint8_t byte = text.data[plain++];
            char escape[4] = {'\\', 'x', hex_digit(byte >> 4), hex_digit(byte)};
            if (!log_append(exchange, escape, sizeof(escape))) {
                exchange->log_dropped_bytes += text.count - plain;
                return;
            }
        }
        at = plain;
    }
}

void exchange_log_piece(struct http_exchange *exchange,
                        const char *level,
                        struct bytes piece,
                        bool continues)
{
    if (!continues)
        log_end_line(exchange);
    size_t at = 0;
    while (at < piece.count) {
        if (exchange->log_dropped_bytes > 0) {
            exchange->log_dropped_bytes += piece.count - at;
            return;
        }
        size_t window = MIN(piece.count - at, exchange->log.max - exchange->log.count + 1);
        const uint8_t *newline = memchr(piece.data + at, '\n', window);
        size_t end = newline == NULL ? piece.count : (size_t)(newline - piece.data);
        if (!log_line_is_open(exchange)) {
            (void)log_append(exchange, level, strlen(level));
            (void)log_append(exchange, " ", 1);
        }
        size_t text_end = end;
        if (newline != NULL && end > at && piece.data[end - 1] == '\r')
            text_end--;
        log_append_text(exchange, bytes_make(piece.data + at, text_end - at));
        if (newline == NULL)
            return;
        (void)log_append(exchange, "\n", 1);
        at = end + 1;
    }
}

void http_exchange_log(struct http_exchange *exchange, const char *level, struct bytes text)
{
    exchange_log_piece(exchange, level, text, false);
    log_end_line(exchange);
}

bool exchange_is_field_name(struct bytes name)
{
    if (name.count == 0 || name.count > LOG_FIELD_NAME_BYTES)
        return false;
    for (size_t i = 0; i < name.count; i++) {
        uint8_t byte = name.data[i];
        bool letter = byte >= 'a' && byte <= 'z';
        if (!letter && (i == 0 || !((byte >= '0' && byte <= '9') || byte == '_')))
            return false;
    }
    return true;
}

void exchange_log_fields(struct http_exchange *exchange,
                         const char *level,
                         struct bytes text,
                         const struct http_log_fields *fields)
{
    static const char mark = HTTP_LOG_FIELD;
    log_end_line(exchange);
    (void)log_append(exchange, level, strlen(level));
    (void)log_append(exchange, " ", 1);
    log_append_text(exchange, text);
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_header *row = &fields->rows[i];
        (void)log_append(exchange, &mark, 1);
        (void)log_append(exchange, row->name.data, row->name.count);
        (void)log_append(exchange, "=", 1);
        log_append_text(exchange, row->value);
    }
    log_end_line(exchange);
}
