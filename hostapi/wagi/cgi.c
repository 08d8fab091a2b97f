/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CGI variables from an exchange.
 *
 *   http://name.tenant.localhost:8080 /f/tenant/name /a%20b ?x=1&y
 *          authority                  matched        path    query
 *          SERVER_NAME, SERVER_PORT   SCRIPT_NAME    PATH_INFO="/a b", QUERY_STRING
 *
 * A header becomes HTTP_<NAME>, unless it could pass for another one: names with bytes other
 * than letters, digits and '-' are left out ("x_y" and "x-y" would be the same variable), and
 * so are Proxy (it would set HTTP_PROXY) and Content-*. Credentials are left out too [RFC
 * 3875 9.2], but Authorization where the version chose pass_authorization.
 *
 * A version's configuration adds variables of its own, in front: lines of NAME=value, and blank
 * ones or comments; then come those of the function's environment. None may have a name that a
 * request could set. Its lines of "- text" are arguments, in place of those that a request makes.
 */
#include "hostapi/wagi/cgi.h"

#include <stdio.h>

#include "engine/base/hex.h"
#include "hostapi/exchange.h"

#define CGI_NAME_SHOWN 64     /* bytes of a name in a report */
#define CGI_COMMAND    "main" /* what a command with arguments of its own is called */

/* What the variables are cut from; all borrowed from the exchange. */
struct cgi_parts {
    struct bytes path; /* encoded */
    struct bytes query;
    struct bytes server_name;
    struct bytes server_port;
    struct bytes remote; /* address without port and brackets */
};

static struct bytes cgi_from(struct bytes text, size_t at)
{
    return bytes_make(text.data + at, text.count - at);
}

/* "host:port" or "[v6]:port"; without brackets if `bare`. */
static void cgi_split_authority(struct bytes authority,
                                bool bare,
                                struct bytes *ret_host,
                                struct bytes *ret_port)
{
    size_t host_end = authority.count;
    if (authority.count > 0 && authority.data[0] == '[') {
        const uint8_t *bracket = memchr(authority.data, ']', authority.count);
        if (bracket != NULL)
            host_end = (size_t)(bracket - authority.data) + 1;
    } else {
        const uint8_t *colon =
            authority.count > 0 ? memchr(authority.data, ':', authority.count) : NULL;
        if (colon != NULL)
            host_end = (size_t)(colon - authority.data);
    }
    bool has_port = host_end + 1 < authority.count && authority.data[host_end] == ':';
    *ret_port = has_port ? cgi_from(authority, host_end + 1) : bytes_make(NULL, 0);
    *ret_host = bytes_make(authority.data, host_end);
    if (bare && host_end >= 2 && authority.data[0] == '[' && authority.data[host_end - 1] == ']')
        *ret_host = bytes_make(authority.data + 1, host_end - 2);
}

static struct cgi_parts cgi_split(const struct http_exchange *exchange)
{
    struct cgi_parts parts;
    struct bytes uri = exchange->uri;
    const uint8_t *mark = uri.count > 0 ? memchr(uri.data, '?', uri.count) : NULL;
    size_t path_end = mark == NULL ? uri.count : (size_t)(mark - uri.data);
    parts.path = path_end > 0 ? bytes_make(uri.data, path_end)
                              : bytes_of_text(exchange->matched_whole ? "" : "/");
    parts.query = mark == NULL ? bytes_make(NULL, 0) : cgi_from(uri, path_end + 1);
    cgi_split_authority(exchange->authority, false, &parts.server_name, &parts.server_port);
    if (parts.server_port.count == 0)
        parts.server_port = bytes_of_text(exchange->is_https ? "443" : "80");
    struct bytes port;
    cgi_split_authority(exchange->source_addr, true, &parts.remote, &port);
    return parts;
}

/* ---- configuration: lines -----------------------------------------------------------------------
 */

/* Cuts off the next line, without its end; false: there is none left. */
static bool cgi_next_line(struct bytes *rest, struct bytes *ret_line)
{
    if (rest->count == 0)
        return false;
    const uint8_t *newline = memchr(rest->data, '\n', rest->count);
    size_t end = newline == NULL ? rest->count : (size_t)(newline - rest->data);
    *ret_line = bytes_make(rest->data, end);
    *rest = cgi_from(*rest, newline == NULL ? end : end + 1);
    if (end > 0 && ret_line->data[end - 1] == '\r')
        ret_line->count--;
    return true;
}

/* "- text": an argument, which the line becomes. */
static bool cgi_is_argument(struct bytes *line)
{
    if (line->count < 3 || line->data[0] != '-' || line->data[1] != ' ')
        return false;
    *line = cgi_from(*line, 2);
    return true;
}

/* Nothing to set: blank, or a comment. */
static bool cgi_is_comment(struct bytes line)
{
    struct bytes text = bytes_trim(line);
    return text.count == 0 || text.data[0] == '#';
}

/* ---- arguments ------------------------------------------------------------------------------- */

static uint8_t *cgi_append(uint8_t *to, struct bytes text)
{
    if (text.count > 0)
        memcpy(to, text.data, text.count);
    return to + text.count;
}

static bool
cgi_join(struct http_exchange *exchange, struct bytes a, struct bytes b, struct bytes *ret_joined)
{
    uint8_t *text = arena_alloc(&exchange->arena, a.count + b.count + 1, 1);
    if (text == NULL)
        return false;
    (void)cgi_append(cgi_append(text, a), b);
    *ret_joined = bytes_make(text, a.count + b.count);
    return true;
}

bool cgi_config_arguments(struct bytes config, struct arena *arena, struct wasi_texts *ret_texts)
{
    struct wasi_texts texts = {.count = 0};
    struct bytes line;
    while (cgi_next_line(&config, &line)) {
        if (!cgi_is_argument(&line))
            continue;
        if ((texts.count == 0 && !wasi_texts_add(arena, &texts, bytes_of_text(CGI_COMMAND))) ||
            !wasi_texts_add(arena, &texts, line))
            return false;
    }
    *ret_texts = texts;
    return true;
}

bool cgi_arguments(struct http_exchange *exchange, struct wasi_texts *ret_texts)
{
    if (!cgi_config_arguments(exchange->config, &exchange->arena, ret_texts))
        return false;
    if (ret_texts->count > 0)
        return true;
    struct cgi_parts parts = cgi_split(exchange);
    struct wasi_texts texts = {.count = 0};
    struct bytes script;
    if (!cgi_join(exchange, exchange->matched, parts.path, &script) ||
        !wasi_texts_add(&exchange->arena, &texts, script))
        return false;
    struct bytes rest = parts.query;
    while (rest.count > 0) {
        const uint8_t *mark = memchr(rest.data, '&', rest.count);
        size_t end = mark == NULL ? rest.count : (size_t)(mark - rest.data);
        if (end > 0 && !wasi_texts_add(&exchange->arena, &texts, bytes_make(rest.data, end)))
            return false;
        rest = cgi_from(rest, mark == NULL ? end : end + 1);
    }
    *ret_texts = texts;
    return true;
}

/* ---- environment ----------------------------------------------------------------------------- */

struct cgi_writer {
    struct http_exchange *exchange;
    struct wasi_texts texts;
    bool full; /* sticky: the arena gave out */
};

/* Adds NAME=value, value made of two parts. */
static void cgi_set2(struct cgi_writer *writer, const char *name, struct bytes a, struct bytes b)
{
    struct arena *arena = &writer->exchange->arena;
    struct bytes variable = bytes_of_text(name);
    uint8_t *text = arena_alloc(arena, variable.count + 1 + a.count + b.count + 1, 1);
    if (text == NULL) {
        writer->full = true;
        return;
    }
    uint8_t *end = cgi_append(text, variable);
    *end++ = '=';
    end = cgi_append(cgi_append(end, a), b);
    if (!wasi_texts_add(arena, &writer->texts, bytes_make(text, (size_t)(end - text))))
        writer->full = true;
}

static void cgi_set(struct cgi_writer *writer, const char *name, struct bytes value)
{
    cgi_set2(writer, name, value, bytes_make(NULL, 0));
}

static void cgi_set_text(struct cgi_writer *writer, const char *name, const char *value)
{
    cgi_set(writer, name, bytes_of_text(value));
}

static void cgi_set_header(struct cgi_writer *writer,
                           const char *name,
                           const char *header,
                           const char *otherwise)
{
    const struct http_header *row =
        http_headers_find(&writer->exchange->request_headers, bytes_of_text(header));
    cgi_set(writer, name, row == NULL ? bytes_of_text(otherwise) : row->value);
}

/* %XX decoded; what is no hex stays, and so does %00, which would end the variable. */
static bool cgi_decode(struct http_exchange *exchange, struct bytes text, struct bytes *ret_text)
{
    uint8_t *decoded = arena_alloc(&exchange->arena, text.count + 1, 1);
    if (decoded == NULL)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < text.count; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%' && text.count - i > 2) {
            int high = hex_value(text.data[i + 1]);
            int low = hex_value(text.data[i + 2]);
            if (high >= 0 && low >= 0 && (high | low) != 0) {
                byte = (uint8_t)(high << 4 | low);
                i += 2;
            }
        }
        decoded[count++] = byte;
    }
    *ret_text = bytes_make(decoded, count);
    return true;
}

static void cgi_set_paths(struct cgi_writer *writer, const struct cgi_parts *parts)
{
    struct http_exchange *exchange = writer->exchange;
    struct bytes decoded;
    struct bytes site;
    struct bytes full;
    if (!cgi_decode(exchange, parts->path, &decoded) ||
        !cgi_join(exchange, bytes_of_text(exchange->is_https ? "https://" : "http://"),
                  exchange->authority, &site) ||
        !cgi_join(exchange, site, exchange->matched, &full)) {
        writer->full = true;
        return;
    }
    cgi_set(writer, "SCRIPT_NAME", exchange->matched);
    cgi_set(writer, "PATH_INFO", decoded);
    cgi_set(writer, "PATH_TRANSLATED", decoded);
    cgi_set(writer, "X_RAW_PATH_INFO", parts->path);
    cgi_set2(writer, "X_MATCHED_ROUTE", exchange->matched,
             bytes_of_text(exchange->matched_whole ? "" : "/..."));
    cgi_set2(writer, "X_FULL_URL", full, exchange->uri);
}

static void cgi_set_length(struct cgi_writer *writer)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%zu", writer->exchange->request_body.count);
    cgi_set_text(writer, "CONTENT_LENGTH", text);
}

static bool cgi_header_passes(const struct http_exchange *exchange, struct bytes name)
{
    static const char *const refused[] = {
        "proxy",
        "proxy-authorization",
        "content-type",
        "content-length",
    };
    if (!exchange->pass_authorization && bytes_equal_nocase(name, bytes_of_text("authorization")))
        return false;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        if (bytes_equal_nocase(name, bytes_of_text(refused[i])))
            return false;
    }
    for (size_t i = 0; i < name.count; i++) {
        uint8_t byte = bytes_lower(name.data[i]);
        if (!((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-'))
            return false;
    }
    return true;
}

static uint8_t cgi_variable_byte(uint8_t byte)
{
    byte = bytes_lower(byte);
    if (byte >= 'a' && byte <= 'z')
        return (uint8_t)(byte - ('a' - 'A'));
    return byte == '-' ? '_' : byte;
}

static uint8_t *cgi_append_variable(uint8_t *to, struct bytes header)
{
    to = cgi_append(to, bytes_of_text("HTTP_"));
    for (size_t i = 0; i < header.count; i++)
        *to++ = cgi_variable_byte(header.data[i]);
    *to++ = '=';
    return to;
}

/* Adds HTTP_NAME=value with all values of the name joined, at the name's first row only. */
static void cgi_set_http(struct cgi_writer *writer, uint32_t first)
{
    struct arena *arena = &writer->exchange->arena;
    const struct http_headers *headers = &writer->exchange->request_headers;
    struct bytes name = headers->rows[first].name;
    bool is_cookie = bytes_equal_nocase(name, bytes_of_text("cookie"));
    struct bytes between = bytes_of_text(is_cookie ? "; " : ", ");
    size_t count = strlen("HTTP_=") + name.count;
    for (uint32_t i = first; i < headers->count; i++) {
        if (bytes_equal_nocase(headers->rows[i].name, name))
            count += headers->rows[i].value.count + between.count;
    }
    uint8_t *text = arena_alloc(arena, count, 1);
    if (text == NULL) {
        writer->full = true;
        return;
    }
    uint8_t *end = cgi_append_variable(text, name);
    end = cgi_append(end, headers->rows[first].value);
    for (uint32_t i = first + 1; i < headers->count; i++) {
        if (bytes_equal_nocase(headers->rows[i].name, name))
            end = cgi_append(cgi_append(end, between), headers->rows[i].value);
    }
    if (!wasi_texts_add(arena, &writer->texts, bytes_make(text, (size_t)(end - text))))
        writer->full = true;
}

static void cgi_set_https(struct cgi_writer *writer)
{
    const struct http_headers *headers = &writer->exchange->request_headers;
    for (uint32_t i = 0; i < headers->count && !writer->full; i++) {
        struct bytes name = headers->rows[i].name;
        if (cgi_header_passes(writer->exchange, name) &&
            http_headers_find(headers, name) == &headers->rows[i])
            cgi_set_http(writer, i);
    }
    if (writer->exchange->authority.count > 0 &&
        http_headers_find(headers, bytes_of_text("host")) == NULL)
        cgi_set(writer, "HTTP_HOST", writer->exchange->authority);
}

/* ---- configuration: variables ---------------------------------------------------------------- */

static bool cgi_is_name_byte(uint8_t byte, bool first)
{
    uint8_t lower = bytes_lower(byte);
    return (lower >= 'a' && lower <= 'z') || byte == '_' || (!first && byte >= '0' && byte <= '9');
}

/* What a request sets, so that no configuration can pass for it. */
static bool cgi_is_reserved(struct bytes name)
{
    static const char *const prefixes[] = {"HTTP_",    "REQUEST_", "SERVER_", "REMOTE_",
                                           "CONTENT_", "PATH_",    "X_"};
    static const char *const names[] = {"GATEWAY_INTERFACE", "QUERY_STRING", "SCRIPT_NAME",
                                        "AUTH_TYPE"};
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        size_t count = strlen(prefixes[i]);
        if (name.count >= count && memcmp(name.data, prefixes[i], count) == 0)
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (bytes_equal_text(name, names[i]))
            return true;
    }
    return false;
}

static enum status cgi_check_line(struct bytes line, uint32_t number, struct report *report)
{
    if (cgi_is_argument(&line) && memchr(line.data, '\0', line.count) == NULL)
        return STATUS_OK;
    const uint8_t *equals = memchr(line.data, '=', line.count);
    size_t count = equals == NULL ? line.count : (size_t)(equals - line.data);
    bool is_name = equals != NULL && count > 0;
    for (size_t i = 0; i < count; i++)
        is_name = is_name && cgi_is_name_byte(line.data[i], i == 0);
    if (!is_name || memchr(line.data, '\0', line.count) != NULL)
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "line %u of the configuration is no NAME=value: a WAGI command gets its "
                           "configuration as environment variables, one a line, and `- text` as "
                           "an argument",
                           number);
    if (cgi_is_reserved(bytes_make(line.data, count)))
        return report_fail(report, STATUS_CONFIG, REPORT_OFFSET_NONE,
                           "line %u of the configuration: %.*s is a variable that requests set",
                           number, (int)MIN(count, (size_t)CGI_NAME_SHOWN),
                           (const char *)line.data);
    return STATUS_OK;
}

enum status cgi_check_config(struct bytes config, struct report *report)
{
    struct bytes line;
    for (uint32_t number = 1; cgi_next_line(&config, &line); number++) {
        enum status status =
            cgi_is_comment(line) ? STATUS_OK : cgi_check_line(line, number, report);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

bool cgi_config(struct bytes config, struct arena *arena, struct wasi_texts *texts)
{
    struct bytes line;
    while (cgi_next_line(&config, &line)) {
        if (cgi_is_comment(line) || cgi_is_argument(&line) ||
            cgi_check_line(line, 0, NULL) != STATUS_OK)
            continue;
        if (!wasi_texts_add(arena, texts, line))
            return false;
    }
    return true;
}

/* The same rule: no function's variable can pass for a request's. */
static void cgi_set_function(struct cgi_writer *writer)
{
    const struct hostapi_environment *environment = &writer->exchange->environment;
    for (uint32_t i = 0; i < environment->count && !writer->full; i++) {
        const struct hostapi_variable *variable = &environment->pairs[i];
        if (!cgi_is_reserved(hostapi_variable_name(variable)))
            writer->full =
                !wasi_texts_add(&writer->exchange->arena, &writer->texts, variable->text);
    }
}

bool cgi_environment(struct http_exchange *exchange, struct wasi_texts *ret_texts)
{
    struct cgi_parts parts = cgi_split(exchange);
    struct cgi_writer writer = {.exchange = exchange};
    writer.full = !cgi_config(exchange->config, &exchange->arena, &writer.texts);
    cgi_set_function(&writer);
    cgi_set(&writer, "REQUEST_METHOD", exchange->method);
    cgi_set(&writer, "SERVER_PROTOCOL", exchange->protocol);
    cgi_set_text(&writer, "SERVER_SOFTWARE", "skerry/" SKERRY_VERSION);
    cgi_set(&writer, "SERVER_NAME", parts.server_name);
    cgi_set(&writer, "SERVER_PORT", parts.server_port);
    cgi_set_text(&writer, "GATEWAY_INTERFACE", "CGI/1.1");
    cgi_set(&writer, "QUERY_STRING", parts.query);
    cgi_set_paths(&writer, &parts);
    cgi_set_header(&writer, "CONTENT_TYPE", "content-type", "");
    cgi_set_length(&writer);
    cgi_set(&writer, "REMOTE_ADDR", parts.remote);
    cgi_set(&writer, "REMOTE_HOST", parts.remote);
    cgi_set_text(&writer, "REMOTE_USER", "");
    cgi_set_text(&writer, "AUTH_TYPE", "");
    if (exchange->is_https)
        cgi_set_text(&writer, "HTTPS", "on");
    cgi_set_https(&writer);
    if (writer.full)
        return false;
    *ret_texts = writer.texts;
    return true;
}
