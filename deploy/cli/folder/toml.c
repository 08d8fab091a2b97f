/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parser by descent, bounded in depth; what is wrong is told with its line. It takes a little
 * more than TOML is (a table that is opened twice is one), since it reads what other tools have
 * checked.
 */
#include "deploy/cli/folder/toml.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define TOML_KEY_BYTES    256
#define TOML_NUMBER_BYTES 64

struct toml {
    const uint8_t *at;
    const uint8_t *end;
    unsigned line;
    unsigned depth;
    struct report *report;
    json_t *root;  /* owned */
    json_t *table; /* borrowed: what keys go into */
};

static json_t *toml_value(struct toml *toml);

static bool toml_fail(struct toml *toml, const char *why)
{
    if (toml->report->text[0] == '\0')
        (void)report_fail(toml->report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%u: %s", toml->line,
                          why);
    return false;
}

/* The byte at `ahead`; 0: the text is over. */
static uint8_t toml_peek(const struct toml *toml, size_t ahead)
{
    return (size_t)(toml->end - toml->at) > ahead ? toml->at[ahead] : 0;
}

static bool toml_take(struct toml *toml, const char *text)
{
    size_t count = strlen(text);
    if ((size_t)(toml->end - toml->at) < count || memcmp(toml->at, text, count) != 0)
        return false;
    toml->at += count;
    return true;
}

/* Blanks, and with `lines` also comments and ends of lines. */
static void toml_skip(struct toml *toml, bool lines)
{
    while (toml->at < toml->end) {
        uint8_t byte = *toml->at;
        if (byte == '#' && lines) {
            while (toml->at < toml->end && *toml->at != '\n')
                toml->at++;
            continue;
        }
        bool is_end = byte == '\n' || byte == '\r';
        if (byte != ' ' && byte != '\t' && !(is_end && lines))
            return;
        toml->line += byte == '\n';
        toml->at++;
    }
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool toml_put_point(struct buffer *out, uint32_t point)
{
    uint8_t bytes[4];
    size_t count = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = count; i > 1; i--, point >>= 6)
        bytes[i - 1] = (uint8_t)(0x80 | (point & 0x3f));
    bytes[0] = (uint8_t)(heads[count] | point);
    return buffer_append(out, bytes, count) == STATUS_OK;
}

/* Behind a backslash. */
static bool toml_escape(struct toml *toml, struct buffer *out, bool is_multiline)
{
    static const char from[] = "btnfr\"\\";
    static const char to[] = "\b\t\n\f\r\"\\";
    uint8_t letter = toml_peek(toml, 0);
    const char *found = letter == 0 ? NULL : strchr(from, letter);
    if (found != NULL) {
        toml->at++;
        return buffer_append(out, &to[found - from], 1) == STATUS_OK;
    }
    if (is_multiline && isspace(letter)) {
        toml_skip(toml, true);
        return true;
    }
    size_t digits = letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    char text[9] = "";
    for (size_t i = 0; i < digits; i++) {
        text[i] = (char)toml_peek(toml, 1 + i);
        if (!isxdigit((unsigned char)text[i]))
            digits = 0;
    }
    uint32_t point = (uint32_t)strtoul(text, NULL, 16);
    if (digits == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return toml_fail(toml, "an escape that is none");
    toml->at += 1 + digits;
    return toml_put_point(out, point);
}

/* A text whose quotes were taken: one or three of `quote`. */
static bool toml_quoted(struct toml *toml, char quote, bool is_multiline, struct buffer *out)
{
    const char closing[] = {quote, is_multiline ? quote : '\0', is_multiline ? quote : '\0', '\0'};
    if (is_multiline && toml_take(toml, "\r\n"))
        toml->line++;
    else if (is_multiline && toml_take(toml, "\n"))
        toml->line++;
    while (!toml_take(toml, closing)) {
        uint8_t byte = toml_peek(toml, 0);
        if (toml->at == toml->end || (byte == '\n' && !is_multiline))
            return toml_fail(toml, "a text that does not end");
        toml->at++;
        toml->line += byte == '\n';
        if (byte == '\\' && quote == '"') {
            if (!toml_escape(toml, out, is_multiline))
                return false;
        } else if (buffer_append(out, &byte, 1) != STATUS_OK) {
            return toml_fail(toml, "a text that is too long");
        }
    }
    return true;
}

/* A text in any of its four forms, at its quotes. */
static bool toml_text(struct toml *toml, struct buffer *out)
{
    static const char *const marks[] = {"\"\"\"", "'''", "\"", "'"};
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        if (toml_take(toml, marks[i]))
            return toml_quoted(toml, marks[i][0], i < 2, out);
    }
    return toml_fail(toml, "a text was expected");
}

static json_t *toml_text_value(struct toml *toml)
{
    struct buffer text;
    buffer_init(&text, (size_t)1 << 20);
    json_t *value = NULL;
    if (toml_text(toml, &text)) {
        value = json_stringn(text.count == 0 ? "" : (const char *)text.data, text.count);
        if (value == NULL)
            (void)toml_fail(toml, "a text that is no UTF-8");
    }
    buffer_done(&text);
    return value;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static bool toml_key(struct toml *toml, char ret[TOML_KEY_BYTES])
{
    struct buffer text;
    size_t count = 0;
    toml_skip(toml, false);
    if (toml_peek(toml, 0) == '"' || toml_peek(toml, 0) == '\'') {
        buffer_init(&text, TOML_KEY_BYTES - 1);
        bool good = toml_text(toml, &text);
        count = text.count;
        if (good && count > 0)
            memcpy(ret, text.data, count);
        buffer_done(&text);
        if (!good)
            return false;
    } else {
        for (uint8_t byte; isalnum(byte = toml_peek(toml, 0)) || byte == '_' || byte == '-';) {
            if (count + 1 == TOML_KEY_BYTES)
                return toml_fail(toml, "a key that is too long");
            ret[count++] = (char)byte;
            toml->at++;
        }
        if (count == 0)
            return toml_fail(toml, "a key was expected");
    }
    ret[count] = '\0';
    toml_skip(toml, false);
    return true;
}

/* The table of that name in `table`, of an array of tables its last one; made if it is not there.
 */
static json_t *toml_step(struct toml *toml, json_t *table, const char *key)
{
    json_t *found = json_object_get(table, key);
    if (found == NULL) {
        found = json_object();
        (void)json_object_set_new(table, key, found);
    }
    if (json_is_array(found))
        found = json_array_get(found, json_array_size(found) - 1);
    if (json_is_object(found))
        return found;
    (void)toml_fail(toml, "a key that is no table");
    return NULL;
}

/* Dotted: the table that the last part goes into, and that part. */
static json_t *toml_path(struct toml *toml, json_t *table, char ret_last[TOML_KEY_BYTES])
{
    if (!toml_key(toml, ret_last))
        return NULL;
    while (table != NULL && toml_take(toml, ".")) {
        table = toml_step(toml, table, ret_last);
        if (table != NULL && !toml_key(toml, ret_last))
            return NULL;
    }
    return table;
}

static bool toml_pair(struct toml *toml, json_t *table)
{
    char key[TOML_KEY_BYTES];
    json_t *into = toml_path(toml, table, key);
    if (into == NULL)
        return false;
    if (!toml_take(toml, "="))
        return toml_fail(toml, "`=` was expected");
    toml_skip(toml, false);
    if (json_object_get(into, key) != NULL)
        return toml_fail(toml, "a key that is there already");
    json_t *value = toml_value(toml);
    return value != NULL && json_object_set_new(into, key, value) == 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

static json_t *toml_array(struct toml *toml)
{
    json_t *array = json_array();
    for (;;) {
        toml_skip(toml, true);
        if (toml_take(toml, "]"))
            return array;
        json_t *value = toml_value(toml);
        if (value == NULL)
            break;
        (void)json_array_append_new(array, value);
        toml_skip(toml, true);
        if (!toml_take(toml, ",") && toml_peek(toml, 0) != ']') {
            (void)toml_fail(toml, "`,` or `]` was expected");
            break;
        }
    }
    json_decref(array);
    return NULL;
}

static json_t *toml_inline(struct toml *toml)
{
    json_t *table = json_object();
    for (;;) {
        toml_skip(toml, true);
        if (toml_take(toml, "}"))
            return table;
        if (!toml_pair(toml, table))
            break;
        toml_skip(toml, true);
        if (!toml_take(toml, ",") && toml_peek(toml, 0) != '}') {
            (void)toml_fail(toml, "`,` or `}` was expected");
            break;
        }
    }
    json_decref(table);
    return NULL;
}

/* A number, or a date, which stays a text. */
static json_t *toml_number(struct toml *toml)
{
    char text[TOML_NUMBER_BYTES];
    size_t count = 0;
    for (uint8_t byte;
         isalnum(byte = toml_peek(toml, 0)) || (byte != 0 && strchr("+-._:", byte) != NULL);
         toml->at++) {
        if (byte != '_' && count + 1 < sizeof(text))
            text[count++] = (char)byte;
    }
    text[count] = '\0';
    char *end;
    long long decimal = strtoll(text, &end, 10);
    if (count > 0 && *end == '\0')
        return json_integer(decimal);
    if (strncmp(text, "0x", 2) == 0 || strncmp(text, "0o", 2) == 0 || strncmp(text, "0b", 2) == 0) {
        long long whole = strtoll(text + 2, &end, text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2);
        if (*end == '\0')
            return json_integer(whole);
    }
    double real = strtod(text, &end);
    if (count > 0 && *end == '\0')
        return json_real(real);
    if (isdigit((unsigned char)text[0]))
        return json_string(text);
    (void)toml_fail(toml, "a value was expected");
    return NULL;
}

static json_t *toml_value(struct toml *toml)
{
    json_t *value = NULL;
    if (toml_peek(toml, 0) == '"' || toml_peek(toml, 0) == '\'')
        return toml_text_value(toml);
    if (toml_take(toml, "true"))
        return json_true();
    if (toml_take(toml, "false"))
        return json_false();
    bool is_array = toml_peek(toml, 0) == '[';
    if (!is_array && toml_peek(toml, 0) != '{')
        return toml_number(toml);
    if (toml->depth == CLI_TOML_DEPTH_MAX) {
        (void)toml_fail(toml, "too many brackets in brackets");
        return NULL;
    }
    toml->depth++;
    toml->at++;
    value = is_array ? toml_array(toml) : toml_inline(toml);
    toml->depth--;
    return value;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* "[a.b]" or "[[a.b]]", whose first bracket was taken: keys go there from here on. */
static bool toml_header(struct toml *toml)
{
    char key[TOML_KEY_BYTES];
    bool is_array = toml_take(toml, "[");
    json_t *into = toml_path(toml, toml->root, key);
    if (into == NULL)
        return false;
    if (!toml_take(toml, is_array ? "]]" : "]"))
        return toml_fail(toml, "`]` was expected");
    if (!is_array) {
        toml->table = toml_step(toml, into, key);
        return toml->table != NULL;
    }
    json_t *array = json_object_get(into, key);
    if (array == NULL) {
        array = json_array();
        (void)json_object_set_new(into, key, array);
    }
    if (!json_is_array(array))
        return toml_fail(toml, "a key that is no list of tables");
    toml->table = json_object();
    return json_array_append_new(array, toml->table) == 0;
}

json_t *cli_toml_parse(struct bytes text, struct report *report)
{
    struct toml toml = {
        .at = text.data, .end = text.data + text.count, .line = 1, .report = report};
    toml.root = json_object();
    toml.table = toml.root;
    report_clear(report);
    bool good = toml.root != NULL;
    for (toml_skip(&toml, true); good && toml.at < toml.end; toml_skip(&toml, true)) {
        good = toml_take(&toml, "[") ? toml_header(&toml) : toml_pair(&toml, toml.table);
        toml_skip(&toml, false);
        uint8_t byte = toml_peek(&toml, 0);
        if (good && byte != 0 && byte != '\n' && byte != '\r' && byte != '#')
            good = toml_fail(&toml, "the line goes on");
    }
    if (good)
        return toml.root;
    json_decref(toml.root);
    return NULL;
}

/* Where the text or comment at `at` ends; `at`: it is neither. */
static size_t jsonc_span(struct bytes text, size_t at)
{
    size_t end = at + 1;
    bool is_pair = at + 1 < text.count;
    if (text.data[at] == '"') {
        while (end < text.count && text.data[end] != '"')
            end += text.data[end] == '\\' ? 2 : 1;
        return MIN(end + 1, text.count);
    }
    if (text.data[at] != '/' || !is_pair)
        return at;
    if (text.data[at + 1] == '/') {
        while (end < text.count && text.data[end] != '\n')
            end++;
        return end;
    }
    if (text.data[at + 1] != '*')
        return at;
    const uint8_t *found = memmem(text.data + at + 2, text.count - at - 2, "*/", 2);
    return found == NULL ? text.count : (size_t)(found - text.data) + 2;
}

/* Is what comes after the comma at `at`, but blanks and comments, the end of a list? */
static bool jsonc_is_last_comma(struct bytes text, size_t at)
{
    for (size_t i = at + 1; i < text.count;) {
        size_t end = text.data[i] == '"' ? i : jsonc_span(text, i);
        if (end > i) {
            i = end;
            continue;
        }
        if (!isspace(text.data[i]))
            return text.data[i] == ']' || text.data[i] == '}';
        i++;
    }
    return false;
}

json_t *cli_jsonc_parse(struct bytes text, struct report *report)
{
    json_error_t error = {0};
    struct buffer plain;
    enum status status = STATUS_OK;
    report_clear(report);
    buffer_init(&plain, text.count + 1);
    for (size_t at = 0; at < text.count && status == STATUS_OK;) {
        size_t end = jsonc_span(text, at);
        bool is_comment = end > at && text.data[at] == '/';
        for (size_t i = at; is_comment && i < end; i++) /* so that lines stay where they are */
            status = buffer_append(&plain, text.data[i] == '\n' ? "\n" : " ", 1);
        if (end == at) {
            bool is_last = text.data[at] == ',' && jsonc_is_last_comma(text, at);
            status = buffer_append(&plain, is_last ? " " : (const char *)text.data + at, 1);
            end = at + 1;
        } else if (!is_comment) {
            status = buffer_append(&plain, text.data + at, end - at);
        }
        at = end;
    }
    json_t *root =
        json_loadb((const char *)plain.data, plain.count, JSON_REJECT_DUPLICATES, &error);
    buffer_done(&plain);
    if (root != NULL && json_is_object(root))
        return root;
    json_decref(root);
    (void)report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE, "%d: %s", MAX(error.line, 1),
                      error.text[0] == '\0' ? "an object was expected" : error.text);
    return NULL;
}
