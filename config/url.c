/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking URLs apart and putting them together [RFC 3986]. Each character has classes in one table.
 */
#include "config/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define URL_LABEL_MAX    63
#define URL_PORT_DIGITS  5
#define URL_HTTP         "http://"
#define URL_HTTPS        "https://"
#define URL_PORT_HTTP    80
#define URL_PORT_HTTPS   443
#define URL_BRACKETS_MAX 48 /* of an IPv6 address as text */

static bool url_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool url_is_letter(uint8_t byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool url_is_hex(uint8_t byte)
{
    return url_is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* Of paths and queries: RFC 3986's, and those that browsers leave as they are. */
static bool url_is_target(uint8_t byte)
{
    return url_is_digit(byte) || url_is_letter(byte) ||
           (byte != '\0' && strchr("-._~!$&'()*+,;=:@/?%[]|", byte) != NULL);
}

static enum status url_wrong(struct report *report, size_t offset, const char *text)
{
    return report_fail(report, STATUS_INVALID, offset, "%s", text);
}

/* ---- host ------------------------------------------------------------------------------------ */

/* Would some parser take its last label for a number, and all of it for an address? */
static bool url_is_numeric(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot == NULL ? host : dot + 1;
    size_t count = strlen(label);
    if (count >= 2 && label[0] == '0' && label[1] == 'x')
        return strspn(label + 2, "0123456789abcdef") == count - 2;
    return count > 0 && strspn(label, "0123456789") == count;
}

static enum status url_check_name(const char *host, struct report *report)
{
    const char *at = host;
    for (;;) {
        size_t count = strcspn(at, ".");
        if (count == 0 || count > URL_LABEL_MAX)
            return url_wrong(report, REPORT_OFFSET_NONE,
                             "a host's labels have 1 to 63 characters, with one dot between");
        if (at[0] == '-' || at[count - 1] == '-')
            return url_wrong(report, REPORT_OFFSET_NONE,
                             "a host's label neither begins nor ends with `-`");
        if (at[count] == '\0')
            return STATUS_OK;
        at += count + 1;
    }
}

static enum status url_host_name(struct bytes text, struct report *report, struct config_url *url)
{
    if (text.count == 0 || text.count >= sizeof(url->host))
        return url_wrong(report, REPORT_OFFSET_NONE, "a host has 1 to 253 characters");
    for (size_t i = 0; i < text.count; i++) {
        uint8_t byte = text.data[i];
        bool fits =
            url_is_digit(byte) || url_is_letter(byte) || byte == '-' || byte == '.' || byte == '_';
        if (!fits)
            return url_wrong(report, i,
                             "a host is letters, digits, `-`, `_` and dots: names in "
                             "other scripts are written as xn--...");
        url->host[i] = (char)bytes_lower(byte);
    }
    url->host[text.count] = '\0';
    if (!url_is_numeric(url->host))
        return url_check_name(url->host, report);
    char canonical[INET_ADDRSTRLEN];
    if (inet_pton(AF_INET, url->host, url->address) != 1 ||
        inet_ntop(AF_INET, url->address, canonical, sizeof(canonical)) == NULL ||
        strcmp(canonical, url->host) != 0)
        return url_wrong(report, REPORT_OFFSET_NONE,
                         "an IPv4 address is written as four decimal numbers, like 192.0.2.1");
    url->kind = CONFIG_URL_HOST_V4;
    return STATUS_OK;
}

/* `text` is what stands between the brackets. */
static enum status url_host_v6(struct bytes text, struct report *report, struct config_url *url)
{
    char address[URL_BRACKETS_MAX];
    if (text.count >= sizeof(address))
        return url_wrong(report, REPORT_OFFSET_NONE, "an IPv6 address is not so long");
    memcpy(address, text.data, text.count);
    address[text.count] = '\0';
    if (strlen(address) != text.count || inet_pton(AF_INET6, address, url->address) != 1 ||
        inet_ntop(AF_INET6, url->address, url->host, sizeof(url->host)) == NULL)
        return url_wrong(report, REPORT_OFFSET_NONE,
                         "between brackets stands an IPv6 address without a zone");
    url->kind = CONFIG_URL_HOST_V6;
    return STATUS_OK;
}

/* ---- parse ----------------------------------------------------------------------------------- */

static bool url_has_prefix(struct bytes text, const char *prefix)
{
    size_t count = strlen(prefix);
    if (text.count < count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (bytes_lower(text.data[i]) != (uint8_t)prefix[i])
            return false;
    }
    return true;
}

/* The rest of `text` from `at` on is ":port" or empty. */
static enum status
url_port(struct bytes text, size_t at, struct report *report, struct config_url *url)
{
    url->port = url->is_https ? URL_PORT_HTTPS : URL_PORT_HTTP;
    if (at == text.count)
        return STATUS_OK;
    uint32_t port = 0;
    size_t digits = text.count - at - 1;
    if (text.data[at] != ':' || digits == 0 || digits > URL_PORT_DIGITS)
        return url_wrong(report, REPORT_OFFSET_NONE, "after a host comes a port of 1 to 65535");
    for (size_t i = at + 1; i < text.count; i++) {
        if (!url_is_digit(text.data[i]))
            return url_wrong(report, REPORT_OFFSET_NONE, "a port is a number");
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX || text.data[at + 1] == '0')
        return url_wrong(report, REPORT_OFFSET_NONE, "a port is 1 to 65535");
    url->port = (uint16_t)port;
    return STATUS_OK;
}

static enum status
url_parse_authority(struct bytes text, struct report *report, struct config_url *url)
{
    if (text.count > 0 && memchr(text.data, '@', text.count) != NULL)
        return url_wrong(report, REPORT_OFFSET_NONE,
                         "a URL has no user or password: send an Authorization header");
    if (text.count > 0 && text.data[0] == '[') {
        const uint8_t *close = memchr(text.data, ']', text.count);
        if (close == NULL)
            return url_wrong(report, REPORT_OFFSET_NONE, "an IPv6 address ends with `]`");
        size_t inner = (size_t)(close - text.data) - 1;
        enum status status = url_host_v6(bytes_make(text.data + 1, inner), report, url);
        return status == STATUS_OK ? url_port(text, inner + 2, report, url) : status;
    }
    const uint8_t *colon = text.count == 0 ? NULL : memchr(text.data, ':', text.count);
    size_t host = colon == NULL ? text.count : (size_t)(colon - text.data);
    enum status status = url_host_name(bytes_make(text.data, host), report, url);
    return status == STATUS_OK ? url_port(text, host, report, url) : status;
}

/* From `at` on: path, query and fragment. */
static enum status
url_parse_target(struct bytes text, size_t at, struct report *report, struct config_url *url)
{
    size_t end = text.count;
    for (size_t i = at; i < text.count; i++) {
        uint8_t byte = text.data[i];
        if (byte == '#' && end == text.count) {
            end = i;
            continue;
        }
        if (!url_is_target(byte))
            return url_wrong(report, i, "a URL has a character that must be written as %XX");
        if (byte == '%' &&
            (text.count - i < 3 || !url_is_hex(text.data[i + 1]) || !url_is_hex(text.data[i + 2])))
            return url_wrong(report, i, "after `%` come two hexadecimal digits");
    }
    url->target = bytes_make(text.data + at, end - at);
    return STATUS_OK;
}

enum status config_url_parse(struct bytes text, struct report *report, struct config_url *ret_url)
{
    struct config_url url = {.kind = CONFIG_URL_HOST_NAME};
    if (text.count > CONFIG_URL_BYTES_MAX)
        return url_wrong(report, CONFIG_URL_BYTES_MAX, "a URL is not so long");
    url.is_https = url_has_prefix(text, URL_HTTPS);
    if (!url.is_https && !url_has_prefix(text, URL_HTTP))
        return url_wrong(report, 0, "a URL begins with http:// or https://");
    size_t begin = url.is_https ? strlen(URL_HTTPS) : strlen(URL_HTTP);
    size_t end = begin;
    while (end < text.count && text.data[end] != '/' && text.data[end] != '?' &&
           text.data[end] != '#')
        end++;
    enum status status =
        url_parse_authority(bytes_make(text.data + begin, end - begin), report, &url);
    if (status == STATUS_OK)
        status = url_parse_target(text, end, report, &url);
    if (status == STATUS_OK)
        *ret_url = url;
    return status;
}

/* ---- print ----------------------------------------------------------------------------------- */

void config_url_authority(const struct config_url *url, char ret_text[CONFIG_URL_ORIGIN_BYTES])
{
    bool brackets = url->kind == CONFIG_URL_HOST_V6;
    uint16_t own = url->is_https ? URL_PORT_HTTPS : URL_PORT_HTTP;
    char port[8] = "";
    if (url->port != own)
        (void)snprintf(port, sizeof(port), ":%u", url->port);
    (void)snprintf(ret_text, CONFIG_URL_ORIGIN_BYTES, "%s%s%s%s", brackets ? "[" : "", url->host,
                   brackets ? "]" : "", port);
}

void config_url_origin(const struct config_url *url, char ret_text[CONFIG_URL_ORIGIN_BYTES])
{
    char authority[CONFIG_URL_ORIGIN_BYTES];
    config_url_authority(url, authority);
    /* "[", "]" or nothing around a host, and ":65535" */
    (void)snprintf(ret_text, CONFIG_URL_ORIGIN_BYTES, "%s%.*s",
                   url->is_https ? URL_HTTPS : URL_HTTP, CONFIG_URL_HOST_BYTES + 7, authority);
}

bool config_url_same_origin(const struct config_url *a, const struct config_url *b)
{
    return a->is_https == b->is_https && a->port == b->port && a->kind == b->kind &&
           strcmp(a->host, b->host) == 0;
}

static bool url_has_slash(const struct config_url *url)
{
    return url->target.count > 0 && url->target.data[0] == '/';
}

enum status config_url_print(const struct config_url *url, struct buffer *out)
{
    char origin[CONFIG_URL_ORIGIN_BYTES];
    config_url_origin(url, origin);
    enum status status = buffer_append(out, origin, strlen(origin));
    if (status == STATUS_OK && !url_has_slash(url))
        status = buffer_append(out, "/", 1);
    return status == STATUS_OK ? buffer_append(out, url->target.data, url->target.count) : status;
}

/* ---- references ------------------------------------------------------------------------------ */

/* "https:", "mailto:": a scheme and its colon come before anything else could. */
static bool url_has_scheme(struct bytes text)
{
    for (size_t i = 0; i < text.count; i++) {
        uint8_t byte = text.data[i];
        if (byte == ':')
            return i > 0 && url_is_letter(text.data[0]);
        if (!url_is_letter(byte) && !url_is_digit(byte) && byte != '+' && byte != '-' &&
            byte != '.')
            return false;
    }
    return false;
}

static size_t url_path_count(struct bytes target)
{
    const uint8_t *query = target.count == 0 ? NULL : memchr(target.data, '?', target.count);
    return query == NULL ? target.count : (size_t)(query - target.data);
}

/* Takes "." and ".." out of the path of `target` in place [RFC 3986 5.2.4]; the rest follows. */
static size_t url_remove_dots(uint8_t *target, size_t count)
{
    size_t path = url_path_count(bytes_make(target, count));
    size_t out = 0;
    for (size_t at = 0; at < path;) {
        size_t end = at + 1;
        while (end < path && target[end] != '/')
            end++;
        struct bytes segment = bytes_make(target + at, end - at);
        bool up = bytes_equal_text(segment, "/..");
        if (up || bytes_equal_text(segment, "/.")) {
            while (up && out > 0 && target[--out] != '/')
                ;
            if (end == path)
                target[out++] = '/';
        } else {
            memmove(target + out, target + at, segment.count);
            out += segment.count;
        }
        at = end;
    }
    memmove(target + out, target + path, count - path);
    return out + count - path;
}

/* The reference is a path without a slash: it stands beside the base's last segment. */
static enum status
url_resolve_beside(const struct config_url *base, struct bytes reference, struct buffer *out)
{
    size_t origin = out->count;
    size_t folder = url_path_count(base->target);
    while (folder > 0 && base->target.data[folder - 1] != '/')
        folder--;
    enum status status =
        folder == 0 ? buffer_append(out, "/", 1) : buffer_append(out, base->target.data, folder);
    if (status == STATUS_OK)
        status = buffer_append(out, reference.data, reference.count);
    if (status == STATUS_OK)
        out->count = origin + url_remove_dots(out->data + origin, out->count - origin);
    return status;
}

enum status
config_url_resolve(const struct config_url *base, struct bytes reference, struct buffer *out)
{
    if (url_has_scheme(reference))
        return buffer_append(out, reference.data, reference.count);
    enum status status;
    if (reference.count >= 2 && memcmp(reference.data, "//", 2) == 0) {
        status = buffer_printf(out, "%s:", base->is_https ? "https" : "http");
        return status == STATUS_OK ? buffer_append(out, reference.data, reference.count) : status;
    }
    uint8_t first = reference.count == 0 ? '#' : reference.data[0];
    if (first == '#')
        return config_url_print(base, out);
    char origin[CONFIG_URL_ORIGIN_BYTES];
    config_url_origin(base, origin);
    status = buffer_append(out, origin, strlen(origin));
    if (status != STATUS_OK)
        return status;
    if (first != '/' && first != '?')
        return url_resolve_beside(base, reference, out);
    if (first == '?') {
        size_t path = url_path_count(base->target);
        status = buffer_append(out, base->target.data, path);
    }
    return status == STATUS_OK ? buffer_append(out, reference.data, reference.count) : status;
}
