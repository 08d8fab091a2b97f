/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values keep their escapes but those of quotes and backslashes, so nothing in them can paint.
 */
#include "server/telemetry/log_terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/telemetry/log.h"
#include "server/telemetry/log_check.h"

#define TERMINAL_CLOCK_AT    11 /* in 2026-11-29T11:18:51.972323Z */
#define TERMINAL_CLOCK_BYTES 12
#define TERMINAL_LEVEL_BYTES 5 /* the longest of them */

struct terminal_field {
    struct bytes key;
    struct bytes value; /* without its quotes */
};

struct terminal_text {
    char *out;
    size_t room;
    size_t count;
    bool full;
};

static void terminal_put(struct terminal_text *text, struct bytes piece)
{
    if (piece.count > text->room - text->count)
        text->full = true;
    if (text->full)
        return;
    memcpy(text->out + text->count, piece.data, piece.count);
    text->count += piece.count;
}

static void terminal_say(struct terminal_text *text, const char *word)
{
    terminal_put(text, bytes_of_text(word));
}

static void terminal_unescape(struct terminal_text *text, struct bytes value)
{
    for (size_t i = 0; i < value.count; i++) {
        if (value.data[i] == '\\' && i + 1 < value.count && value.data[i + 1] != 'u')
            i++;
        terminal_put(text, bytes_make(value.data + i, 1));
    }
}

/* The line was checked, so that each piece is there; `at` stands on a brace or a comma. */
static size_t terminal_field(struct bytes line, size_t at, struct terminal_field *ret_field)
{
    const uint8_t *data = line.data;
    size_t begin = at + 2;
    for (at = begin; data[at] != '"'; at++)
        ;
    ret_field->key = bytes_make(data + begin, at - begin);
    at += 2;
    bool quoted = data[at] == '"';
    begin = at += quoted;
    while (quoted ? data[at] != '"' : data[at] != ',' && data[at] != '}')
        at += data[at] == '\\' ? 2 : 1;
    ret_field->value = bytes_make(data + begin, at - begin);
    return at + quoted;
}

static const char *terminal_paint_of(struct bytes level)
{
    if (bytes_equal_text(level, "error"))
        return "\x1b[31m";
    return bytes_equal_text(level, "warn") ? "\x1b[33m" : "\x1b[2m";
}

static void terminal_level(struct terminal_text *text, struct bytes level, bool colour)
{
    if (colour)
        terminal_say(text, terminal_paint_of(level));
    terminal_put(text, level);
    for (size_t i = level.count; i < TERMINAL_LEVEL_BYTES; i++)
        terminal_say(text, " ");
    if (colour)
        terminal_say(text, "\x1b[0m");
}

static void
terminal_print(struct terminal_text *text, const struct terminal_field *field, bool colour)
{
    struct bytes value = field->value;
    if (bytes_equal_text(field->key, "ts")) {
        if (value.count >= TERMINAL_CLOCK_AT + TERMINAL_CLOCK_BYTES)
            value = bytes_make(value.data + TERMINAL_CLOCK_AT, TERMINAL_CLOCK_BYTES);
        terminal_put(text, value);
        return;
    }
    bool message = bytes_equal_text(field->key, "message");
    terminal_say(text, message ? ": " : " ");
    if (bytes_equal_text(field->key, "level")) {
        terminal_level(text, value, colour);
        return;
    }
    bool bare = message || bytes_equal_text(field->key, "event");
    bool blank = value.count == 0 || memchr(value.data, ' ', value.count) != NULL;
    const char *quote = !bare && blank ? "\"" : "";
    if (!bare) {
        terminal_put(text, field->key);
        terminal_say(text, "=");
    }
    terminal_say(text, quote);
    terminal_unescape(text, value);
    terminal_say(text, quote);
}

size_t log_terminal_line(struct bytes line, bool colour, char *out, size_t room)
{
    struct terminal_text text = {.out = out, .room = room};
    if (line.count == 0 || line.data[line.count - 1] != '\n' ||
        !log_check_line(bytes_make(line.data, line.count - 1), ""))
        return 0;
    for (size_t at = 0; line.data[at] != '}';) {
        struct terminal_field field;
        at = terminal_field(line, at, &field);
        terminal_print(&text, &field, colour);
    }
    terminal_say(&text, "\n");
    return text.full ? 0 : text.count;
}

static size_t terminal_painted(struct bytes line, char *out, size_t room)
{
    return log_terminal_line(line, true, out, room);
}

static size_t terminal_plain(struct bytes line, char *out, size_t room)
{
    return log_terminal_line(line, false, out, room);
}

void log_terminal_watch(void)
{
    const char *none = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    bool paints = (none == NULL || none[0] == '\0') && kind != NULL && strcmp(kind, "dumb") != 0;
    if (isatty(STDERR_FILENO) == 1)
        log_shape_by(paints ? terminal_painted : terminal_plain);
}
